//! Rules: `[[routes]]`. The router of the library speaks of accounts; the file and who reads it of lanes.
//!
//! Called by `file.rs` for the form of a table, and by `check.rs` for what is wrong with rules beside each
//! other and beside the lanes. Which lane a message gets is decided by [`tidings::routing`].

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize as _;
use tidings::routing::{RouteError, RouteFault, Rule};
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::keys::{self, Key, ROUTES};

/// What is added to texts: kept beside the rule, which does not know of it.
const FOOTER: &str = "footer";
/// Who carries the messages of a rule.
const LANES: &str = "lanes";

/// One `[[routes]]` table.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) rule: Rule,
    pub(super) footer: Option<String>,
    line: usize,
    /// The lines of its keys.
    keys: BTreeMap<String, usize>,
    /// The lines of the lanes that it names, in their order.
    lanes: Vec<(String, usize)>,
}

type AtLine<T> = Result<T, (usize, String)>;

impl Route {
    /// Reads a table that begins on this line and is the `number`th.
    pub(super) fn of(
        line: usize,
        number: usize,
        table: DeTable<'_>,
        line_of: impl Fn(&Range<usize>) -> usize,
    ) -> AtLine<Self> {
        let place = format!("route {number}");
        let mut keys = BTreeMap::new();
        let mut lanes = Vec::new();
        let mut written: Vec<_> = table.iter().collect();
        // What is wrong is told from the top.
        written.sort_by_key(|(key, _)| key.span().start);
        for (key, value) in written {
            let (name, line) = (key.get_ref().as_ref(), line_of(&key.span()));
            let wrong = |line, what: String| Err((line, format!("{place}: {what}")));
            let Some(known) = keys::key_of(ROUTES, name) else {
                let known: Vec<&str> = keys::names_of(ROUTES).collect();
                let known = known.join(", ");
                let what = format!("the key {name} is not known; expected one of: {known}");
                return wrong(line, what);
            };
            if !has_form(known, value.get_ref()) {
                return wrong(line, format!("{name}: expected {}", expected(known)));
            }
            if name == LANES {
                lanes = named_lanes(value.get_ref(), &line_of);
            }
            // Alone, so that an error is known to be about this key.
            let mut alone = DeTable::new();
            if name != FOOTER {
                alone.insert(key.clone(), value.clone());
            }
            if let Err(error) = rule_of(alone) {
                let found = error.span().filter(|span| !span.is_empty());
                let line = found.map_or(line, |span| line_of(&span));
                return wrong(line, format!("{name}: {}", error.message()));
            }
            keys.insert(name.to_owned(), line);
        }
        let mut table = table;
        let footer = match table.remove(FOOTER).map(Spanned::into_inner) {
            Some(DeValue::String(text)) => Some(text.into_owned()),
            _ => None,
        };
        let rule = rule_of(table).map_err(|error| (line, format!("{place}: {error}")))?;
        Ok(Self {
            rule,
            footer,
            line,
            keys,
            lanes,
        })
    }

    /// The line of what a fault is about.
    pub(super) fn line_of(&self, fault: &RouteFault) -> usize {
        let lane = match fault {
            RouteFault::UnknownAccount(name)
            | RouteFault::BadWeight(name)
            | RouteFault::BadCost(name) => self.lanes.iter().find(|lane| lane.0 == name.as_str()),
            // The later of them is the one too many.
            RouteFault::RepeatedAccount(name) => {
                self.lanes.iter().rfind(|lane| lane.0 == name.as_str())
            }
            _ => None,
        };
        let of_key = || key_of(fault).map_or(self.line, |key| self.line_of_key(key));
        lane.map_or_else(of_key, |(_, line)| *line)
    }

    /// The line of a key; where it is not written, that of the table.
    pub(super) fn line_of_key(&self, key: &str) -> usize {
        self.keys.get(key).copied().unwrap_or(self.line)
    }
}

fn rule_of(table: DeTable<'_>) -> Result<Rule, toml::de::Error> {
    let whole = Spanned::new(0..0, DeValue::Table(table));
    Rule::deserialize(ValueDeserializer::from(whole))
}

/// Whether a value is of the form that the table of keys says.
fn has_form(key: &Key, value: &DeValue<'_>) -> bool {
    let is_one = |value: &DeValue<'_>| match key.form {
        "number or list" => matches!(value, DeValue::Integer(_)),
        _ => matches!(value, DeValue::String(_)),
    };
    match value {
        DeValue::Array(values) if key.name == LANES => values
            .iter()
            .all(|value| matches!(value.get_ref(), DeValue::String(_) | DeValue::Table(_))),
        DeValue::Array(values) => {
            key.form.ends_with("or list") && values.iter().all(|value| is_one(value.get_ref()))
        }
        DeValue::Table(_) => key.form == "table",
        one => key.name != LANES && key.form != "table" && is_one(one),
    }
}

fn expected(key: &Key) -> &'static str {
    if key.name == LANES {
        "a list of names, or of tables with a name"
    } else {
        key.form
    }
}

fn named_lanes(
    value: &DeValue<'_>,
    line_of: impl Fn(&Range<usize>) -> usize,
) -> Vec<(String, usize)> {
    let DeValue::Array(values) = value else {
        return Vec::new();
    };
    let name = |value: &DeValue<'_>| match value {
        DeValue::String(name) => Some(name.to_string()),
        DeValue::Table(table) => match table.get("name")?.get_ref() {
            DeValue::String(name) => Some(name.to_string()),
            _ => None,
        },
        _ => None,
    };
    let lanes = values.iter();
    lanes
        .filter_map(|value| Some((name(value.get_ref())?, line_of(&value.span()))))
        .collect()
}

/// What is wrong with a rule, in the words of the file.
pub(super) fn told(error: &RouteError) -> String {
    let number = error.rule + 1;
    let name = error.name.as_deref();
    let name = name.map_or_else(String::new, |name| format!(" ({name})"));
    let what = match &error.fault {
        RouteFault::NoAccounts => "names no lane".to_owned(),
        RouteFault::TooManyAccounts(n) => {
            format!("names {n} lanes, and may name {}", Rule::MAX_ACCOUNTS)
        }
        RouteFault::UnknownAccount(name) => format!("names the lane {name}, which does not exist"),
        RouteFault::RepeatedAccount(name) => format!("names the lane {name} twice"),
        RouteFault::BadWeight(name) => {
            format!("gives the lane {name} a weight that is not above 0")
        }
        RouteFault::BadCost(name) => {
            format!("gives the lane {name} a cost that is no number from 0 on")
        }
        RouteFault::Unreachable(by) => {
            let by = by + 1;
            format!("is never reached, because route {by} takes all its messages")
        }
        // The others name no account.
        other => other.to_string(),
    };
    let key = key_of(&error.fault).map_or_else(String::new, |key| format!("{key}: "));
    format!("route {number}{name}: {key}{what}")
}

/// The key of a rule that a fault is about; `None` is all of it.
fn key_of(fault: &RouteFault) -> Option<&'static str> {
    match fault {
        RouteFault::BadPrefix(_) => Some("prefix"),
        RouteFault::BadCallingCode(_) => Some("calling_code"),
        RouteFault::BadAdaptive(_) => Some("adaptive"),
        RouteFault::Unreachable(_) => None,
        _ => Some(LANES),
    }
}
