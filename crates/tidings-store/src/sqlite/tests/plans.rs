//! Every statement that the module can run is searched by an index.

use super::*;

/// Tables that may be read whole, and why.
const SMALL: &[(&str, &str)] = &[
    ("lanes", "one row for each lane of the configuration"),
    ("l", "lanes"),
    (
        "accounts",
        "one row for each customer; listed by the operator alone",
    ),
    ("a", "accounts"),
    (
        "keys",
        "some for each customer; listed by the operator alone",
    ),
    ("webhooks", "as many as people have set up"),
    ("sqlite_schema", "the tables themselves"),
    ("refinery_schema_history", "one row for each migration"),
];

/// Plans that go along an index from one end and stop at their limit, or along all of what it holds because
/// that is what is asked for.
const ALONG_AN_INDEX: &[(&str, &str)] = &[(
    "UNFINISHED",
    "the partial index holds only batches whose order is being carried out",
)];

fn all_statements() -> Vec<(&'static str, &'static str, Sql)> {
    let files = [
        ("accounts", accounts::STATEMENTS),
        ("attempts", attempts::STATEMENTS),
        ("batches", batches::STATEMENTS),
        ("contacts", contacts::STATEMENTS),
        ("db", db::STATEMENTS),
        ("events", events::STATEMENTS),
        ("inbound", inbound::STATEMENTS),
        ("lanes", lanes::STATEMENTS),
        ("listing", listing::STATEMENTS),
        ("messages", messages::STATEMENTS),
        ("queue", queue::STATEMENTS),
        ("repair", repair::STATEMENTS),
        ("reports", reports::STATEMENTS),
        ("schema", schema::STATEMENTS),
        ("standing", standing::STATEMENTS),
        ("tokens", tokens::STATEMENTS),
        ("webhooks", webhooks::STATEMENTS),
        ("write", write::STATEMENTS),
    ];
    let each = files.into_iter().flat_map(|(file, statements)| {
        let named = statements.iter();
        named.map(move |(name, sql)| (file, *name, *sql))
    });
    each.collect()
}

/// The lines of a plan.
fn plan(db: &Connection, sql: Sql) -> Vec<String> {
    let mut explain = db
        .prepare(&format!("EXPLAIN QUERY PLAN {}", sql.0))
        .unwrap_or_else(|error| panic!("{}: {error}", sql.0));
    let parameters = vec![0; explain.parameter_count()];
    let parameters = rusqlite::params_from_iter(parameters);
    let lines = explain.query_map(parameters, |row| row.get(3)).unwrap();
    lines.map(Result::unwrap).collect()
}

#[tokio::test]
async fn every_statement_searches_by_an_index() {
    let fixture = Fixture::new().await;
    let db = Connection::open(fixture.path()).unwrap();
    let mut faults = Vec::new();
    for (file, name, sql) in all_statements() {
        for line in plan(&db, sql) {
            let scanned = line.strip_prefix("SCAN ");
            let table = scanned.and_then(|rest| rest.split_ascii_whitespace().next());
            let Some(table) = table else { continue };
            let is_small = SMALL.iter().any(|(small, _)| *small == table);
            let is_meant = ALONG_AN_INDEX.iter().any(|(meant, _)| *meant == name);
            let is_no_table = table.starts_with('(') || line == "SCAN CONSTANT ROW";
            if !is_small && !is_meant && !is_no_table {
                faults.push(format!("{file}::{name}: {line}"));
            }
        }
    }
    assert_eq!(faults, Vec::<String>::new());
}

#[tokio::test]
async fn the_order_of_a_lane_needs_no_sorting() {
    let fixture = Fixture::new().await;
    let db = Connection::open(fixture.path()).unwrap();
    for (file, name, sql) in all_statements() {
        let is_of_the_queue = [
            "queue", "repair", "reports", "attempts", "webhooks", "events",
        ]
        .contains(&file);
        let sorts = plan(&db, sql)
            .iter()
            .any(|line| line.contains("TEMP B-TREE"));
        assert!(
            !(is_of_the_queue && sorts),
            "{file}::{name}: {:?}",
            plan(&db, sql)
        );
    }
}

/// The opcodes of a statement.
fn program(db: &Connection, sql: Sql) -> Vec<String> {
    let mut explain = db.prepare(&format!("EXPLAIN {}", sql.0)).unwrap();
    let parameters = vec![0; explain.parameter_count()];
    let parameters = rusqlite::params_from_iter(parameters);
    let opcodes = explain.query_map(parameters, |row| row.get(1)).unwrap();
    opcodes.map(Result::unwrap).collect()
}

/// SQLite makes a table of its own for a list (`IN (1, 2, 3)`) in the condition of a partial index, at every
/// row that is written: nothing of it is seen in a plan, and it costs as much as the row.
#[tokio::test]
async fn no_row_is_written_by_way_of_another_table() {
    let fixture = Fixture::new().await;
    let db = Connection::open(fixture.path()).unwrap();
    let writes = all_statements().into_iter().filter(|(_, name, sql)| {
        let adds = sql.0.starts_with("INSERT") && !sql.0.contains("SELECT");
        let changes_one = sql.0.starts_with("UPDATE") && sql.0.ends_with("WHERE key = ?1");
        // What a statement gives back is gathered in a table; no such one is run for each message.
        (adds || changes_one) && !sql.0.contains("RETURNING") || *name == "OPTED_OUT"
    });
    let mut n_writes = 0;
    for (file, name, sql) in writes {
        n_writes += 1;
        let opcodes = program(&db, sql);
        let makes_a_table =
            |opcode: &String| opcode == "OpenEphemeral" || opcode == "OpenAutoindex";
        assert!(!opcodes.iter().any(makes_a_table), "{file}::{name}");
    }
    assert!(n_writes > 20, "{n_writes}");
}

/// What nobody waits for any more costs nothing.
#[tokio::test]
async fn batches_that_wait_or_are_open_are_found_among_such_alone() {
    let fixture = Fixture::new().await;
    let db = Connection::open(fixture.path()).unwrap();
    for (name, index) in [
        ("WAITING", "batches_waiting"),
        ("OPEN_SINCE", "batches_open"),
    ] {
        let (_, _, sql) = all_statements()
            .into_iter()
            .find(|(_, it, _)| *it == name)
            .unwrap();
        let plan = plan(&db, sql).join("; ");
        assert!(
            plan.contains(index) && !plan.contains("SCAN"),
            "{name}: {plan}"
        );
        assert!(!plan.contains("TEMP B-TREE"), "{name}: {plan}");
    }
}

/// Statements come from the macro alone, so none can be missed above but those of a file that is not in
/// the list.
#[test]
fn every_file_with_statements_is_in_the_list() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sqlite");
    let listed: BTreeSet<&str> = all_statements().iter().map(|(file, _, _)| *file).collect();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|it| it != "rs") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let stem = path.file_stem().unwrap().to_str().unwrap();
        if text.contains("\nstatements! {") {
            assert!(listed.contains(stem), "{stem} has statements");
        }
        let makes_sql = stem != "sql" && text.contains("Sql(\"");
        assert!(!makes_sql, "{stem} makes a statement by hand");
    }
}
