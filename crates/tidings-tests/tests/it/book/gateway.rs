//! The pages about the gateway whose tables are made from its code: every key of the configuration, every
//! number that it counts.

use tidings::provider::Presence;
use tidings::providers;
use tidings_gateway::config::keys::{KEYS, Key, SECTIONS};
use tidings_gateway::telemetry::metrics::METRICS;

use super::tables::{Tables, check, compare, table};

#[test]
fn the_tables_of_the_configuration_are_what_the_code_says() {
    let mut tables = Tables::new();
    for section in SECTIONS.iter().copied().chain(["lanes", "routes"]) {
        let keys = KEYS.iter().filter(|key| key.section == section);
        tables.insert(
            section,
            table(
                &["key", "what is written", "default", "what it means"],
                keys.map(row),
            ),
        );
    }
    tables.insert("vendors", of_vendors());
    check(compare("configuration.md", &tables).as_slice());
}

/// The settings of all vendors' APIs.
fn of_vendors() -> String {
    let rows = providers::ALL.iter().flat_map(|spec| {
        let settings = spec.server_settings.iter();
        settings.map(|setting| {
            let default = match setting.presence {
                Presence::Default(default) => format!("`{default}`"),
                _ => "none".to_owned(),
            };
            vec![
                format!("`[vendors.{}]`", spec.id),
                format!("`{}`", setting.name),
                default,
                setting.help.to_owned(),
            ]
        })
    });
    table(&["table", "key", "default", "what it means"], rows)
}

fn row(key: &Key) -> Vec<String> {
    let default = match key.default {
        None => "none".to_owned(),
        Some("") => "empty".to_owned(),
        Some(default) => format!("`{default}`"),
    };
    vec![
        format!("`{}`", key.name),
        key.form.to_owned(),
        default,
        key.help.to_owned(),
    ]
}

#[test]
fn the_table_of_numbers_is_what_the_code_says() {
    let rows = METRICS.iter().map(|metric| {
        let labels: Vec<String> = metric
            .labels
            .iter()
            .map(|label| format!("`{label}`"))
            .collect();
        vec![
            format!("`{}`", metric.name),
            metric.kind.as_str().to_owned(),
            labels.join(", "),
            metric.help.to_owned(),
        ]
    });
    let numbers = table(&["number", "kind", "labels", "what it means"], rows);
    let tables = Tables::from([("metrics", numbers)]);
    check(compare("operations.md", &tables).as_slice());
}
