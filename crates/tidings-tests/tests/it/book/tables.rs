//! The tables of the book that are made from the code: between `<!-- generated: NAME -->` and
//! `<!-- end -->`, and nowhere else, a page holds what is made here.
//!
//! A page that differs fails its test; what it should be is written below `target/`, and the failure says
//! which command takes it over.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Debug, Write as _};
use std::fs;
use std::net::TcpListener;
use std::ops::RangeInclusive;
use std::path::Path;

use tidings::http::HttpClient;
use tidings::layers::LayerSettings;
use tidings::messenger::{MessengerSettings, Waiting};
use tidings::provider::{COMMON_SETTINGS, Presence, Setting};
use tidings::{
    Acceptance, Capabilities, ClientRef, Error, ErrorKind, Outbound, ProviderSpec, providers,
};
use tidings_tests::{Answer, Carrier};

use super::answers::{Asked, Meaning, Played, meaning};
use super::{FOLDER, page};

const OPENS: &str = "<!-- generated: ";
const CLOSES: &str = "<!-- end -->";
/// Where pages are written that are not what they should be.
const WRITTEN: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/book");

/// Tables by their names.
pub(super) type Tables = BTreeMap<&'static str, String>;

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_of_the_providers_are_what_the_code_says() {
    let mut differing = Vec::new();
    for spec in providers::ALL {
        let tables = Tables::from([
            (
                "settings",
                settings(&[COMMON_SETTINGS, spec.settings].concat()),
            ),
            ("server settings", settings(spec.server_settings)),
            ("capabilities", capabilities(&[spec])),
            ("statuses", statuses(spec).await),
            ("answers", own_answers(spec).await),
            ("connection", lost_connections(spec).await),
        ]);
        differing.extend(compare(&format!("providers/{}.md", spec.id), &tables));
    }
    check(&differing);
}

#[test]
fn the_table_of_all_providers_is_what_the_code_says() {
    let tables = Tables::from([("capabilities", capabilities(providers::ALL))]);
    check(compare("providers.md", &tables).as_slice());
}

#[test]
fn the_table_of_errors_is_what_the_code_says() {
    let tables = Tables::from([("kinds", kinds())]);
    let text = page("errors-and-retries.md");
    for kind in ErrorKind::ALL {
        let row = format!("\n| `{kind}` | ");
        let n_rows = text.matches(&row).count();
        assert!(
            n_rows >= 2,
            "{kind} is in the table that is made and in the one that is written"
        );
    }
    check(compare("errors-and-retries.md", &tables).as_slice());
}

#[test]
fn the_tables_of_defaults_are_what_the_code_says() {
    let of_layers = Tables::from([("defaults", defaults(&LayerSettings::default()))]);
    let of_messenger = Tables::from([
        ("defaults", defaults(&MessengerSettings::default())),
        ("waiting", defaults(&Waiting::default())),
    ]);
    let mut differing: Vec<String> = compare("layers.md", &of_layers).into_iter().collect();
    differing.extend(compare("messenger.md", &of_messenger));
    check(&differing);
}

/// What is wrong with pages.
#[track_caller]
pub(super) fn check(differing: &[String]) {
    assert!(
        differing.is_empty(),
        "these pages are not what the code says: {differing:?}; what they should be is in {WRITTEN}: \
         look at it, then copy it over {FOLDER}",
    );
}

/// Compares the tables of a page with these, all of which it has to have. Gives the page's name if it
/// differs, and then writes what it should be.
#[track_caller]
pub(super) fn compare(path: &str, tables: &Tables) -> Option<String> {
    let text = if Path::new(FOLDER).join(path).exists() {
        page(path)
    } else {
        skeleton(tables)
    };
    let (mut made, mut seen) = (String::new(), BTreeSet::new());
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once(OPENS) {
        let (name, after) = after.split_once(" -->\n").unwrap();
        let table = tables.get(name);
        let table = table.unwrap_or_else(|| panic!("docs/{path}: nothing makes a table {name}"));
        let (_, after) = after.split_once(CLOSES).unwrap();
        write!(made, "{before}{OPENS}{name} -->\n\n{table}\n{CLOSES}").unwrap();
        seen.insert(name);
        rest = after;
    }
    made.push_str(rest);
    for (name, table) in tables {
        let is_needed = table.lines().count() > 2;
        assert!(
            seen.contains(name) || !is_needed,
            "docs/{path} lacks {OPENS}{name} -->"
        );
    }
    let written = Path::new(WRITTEN).join(path);
    if made == text && Path::new(FOLDER).join(path).exists() {
        // An older one would take today's page back to what it was.
        fs::remove_file(&written).ok();
        return None;
    }
    fs::create_dir_all(written.parent().unwrap()).unwrap();
    fs::write(&written, made).unwrap();
    Some(path.to_owned())
}

/// What the page of a new provider begins as.
fn skeleton(tables: &Tables) -> String {
    let sections = tables.iter().filter(|(_, table)| has_rows(table));
    let section = |name: &str| format!("## {name}\n\n{OPENS}{name} -->\n{CLOSES}\n\n");
    let sections: String = sections.map(|(name, _)| section(name)).collect();
    format!("# The title\n\n{sections}")
}

fn has_rows(table: &str) -> bool {
    table.lines().count() > 2
}

pub(super) fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let line = |cells: &[&str]| format!("| {} |\n", cells.join(" | "));
    let mut text = line(head) + &line(&vec!["---"; head.len()]).replace(' ', "");
    for row in rows {
        text += &line(&row.iter().map(String::as_str).collect::<Vec<_>>());
    }
    text
}

// ---- settings and capabilities ----

fn settings(settings: &[Setting]) -> String {
    let row = |setting: &Setting| {
        let needed = match setting.presence {
            Presence::Required => "required".to_owned(),
            Presence::RequiredUnless(other) => format!("required unless `{other}` is given"),
            Presence::Default(value) => format!("`{value}`"),
            Presence::Optional => "none".to_owned(),
            other => panic!("say what {other:?} means"),
        };
        let secret = if setting.is_secret { "; secret" } else { "" };
        let help = setting.help.to_owned();
        vec![format!("`{}`", setting.name), needed + secret, help]
    };
    table(
        &["setting", "default", "what it is"],
        settings.iter().map(row),
    )
}

/// All fields, those of fields too, as `Debug` shows them.
fn defaults(settings: &impl Debug) -> String {
    let shown = format!("{settings:#?}");
    let (mut within, mut rows) = (Vec::new(), Vec::new());
    for line in shown.lines().skip(1) {
        let line = line.trim();
        if line.starts_with('}') {
            within.pop();
        } else if let Some((name, value)) = line.split_once(": ") {
            within.push(name);
            if !value.ends_with('{') {
                let value = value.trim_end_matches(',');
                rows.push(vec![
                    format!("`{}`", within.join(".")),
                    format!("`{value}`"),
                ]);
                within.pop();
            }
        }
    }
    assert!(rows.len() >= 4, "{shown}");
    table(&["setting", "default"], rows)
}

/// One column for each provider.
fn capabilities(specs: &[&ProviderSpec]) -> String {
    let columns: Vec<_> = specs.iter().map(|spec| said(&spec.capabilities)).collect();
    let first = columns.first().unwrap();
    let row = |at: usize| {
        let mut row = vec![format!("{} (`{}`)", first[at].1, first[at].0)];
        row.extend(columns.iter().map(|column| column[at].2.clone()));
        row
    };
    let mut head = vec!["capability"];
    head.extend(specs.iter().map(|spec| spec.title));
    table(&head, (0..first.len()).map(row))
}

/// The field, what it says, and its value.
fn said(has: &Capabilities) -> Vec<(&'static str, &'static str, String)> {
    let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
    let number = |limit: Option<usize>| limit.map_or("no".to_owned(), |limit| limit.to_string());
    let codes = has.calling_codes.iter().map(|code| format!("+{code}"));
    let codes = codes.collect::<Vec<_>>().join(", ");
    let codes = if codes.is_empty() {
        "all".to_owned()
    } else {
        codes
    };
    let said = vec![
        (
            "max_messages_per_call",
            "messages in one call, at the most",
            has.max_messages_per_call.to_string(),
        ),
        (
            "mixed_texts_per_call",
            "texts and senders may differ within a call",
            yes(has.mixed_texts_per_call),
        ),
        ("calling_codes", "countries", codes),
        (
            "max_parts",
            "parts of a text, at the most",
            has.max_parts.to_string(),
        ),
        (
            "max_characters",
            "a limit on characters besides",
            number(has.max_characters),
        ),
        (
            "sender_optional",
            "a message may go without a sender",
            yes(has.sender_optional),
        ),
        (
            "send_window",
            "a message may say when it leaves",
            yes(has.send_window),
        ),
        (
            "status",
            "can be asked what became of a message",
            yes(has.status),
        ),
        (
            "reports",
            "tells what became of a message by itself",
            yes(has.reports),
        ),
        (
            "tells_delivery",
            "every account learns of the delivery",
            yes(has.tells_delivery),
        ),
        (
            "reconcile",
            "can be asked about a lost answer",
            yes(has.reconcile),
        ),
        (
            "cancel",
            "messages that have not left can be stopped",
            yes(has.cancel),
        ),
        ("balance", "what is left on the account", yes(has.balance)),
        ("address_book", "contacts and groups", yes(has.address_book)),
        (
            "batches",
            "lists and stops batches that wait",
            yes(has.batches),
        ),
        (
            "max_media_bytes",
            "files, in bytes at the most",
            number(has.max_media_bytes),
        ),
        (
            "conversations",
            "keeps conversations",
            yes(has.conversations),
        ),
        (
            "subscriptions",
            "subscriptions to events",
            yes(has.subscriptions),
        ),
        ("numbers", "numbers of one's own", yes(has.numbers)),
    ];
    // A capability that was added to the code is missing here until somebody says what it means.
    let shown = format!("{has:?}");
    let words = shown
        .split([' ', '{', ','])
        .filter_map(|word| word.strip_suffix(':'));
    let known: BTreeSet<&str> = said.iter().map(|(field, ..)| *field).collect();
    assert_eq!(words.collect::<BTreeSet<_>>(), known);
    said
}

// ---- errors ----

fn kinds() -> String {
    let rows = ErrorKind::ALL.into_iter().map(|kind| {
        let mut row = vec![format!("`{kind}`")];
        for acceptance in [
            Acceptance::NotSent,
            Acceptance::Refused,
            Acceptance::Unknown,
        ] {
            let error = Error::new(kind, acceptance, "made for the book");
            row.push(reaction(&error).to_owned());
        }
        row
    });
    table(&["kind", "`not_sent`", "`refused`", "`unknown`"], rows)
}

fn reaction(error: &Error) -> &'static str {
    match (error.is_safe_to_resend(), error.may_fail_over()) {
        (true, true) => "again, or another account",
        (true, false) => "again",
        (false, true) => "another account",
        (false, false) if error.acceptance() == Acceptance::Unknown => "as the policy says",
        (false, false) => "neither",
    }
}

// ---- answers ----

const STATUSES: RangeInclusive<u16> = 200..=599;

/// Every status that an answer can have, with an empty body.
async fn statuses(spec: &'static ProviderSpec) -> String {
    let played = Played::of(spec);
    let client = played.client(&BTreeMap::new());
    let mut plain: BTreeMap<Meaning, Vec<u16>> = BTreeMap::new();
    let mut with_time: BTreeMap<Meaning, Vec<u16>> = BTreeMap::new();
    for status in STATUSES {
        let said = played.meaning(&*client, Answer::status(status)).await;
        let answer = Answer::status(status).header("Retry-After", "7");
        let said_with_time = played.meaning(&*client, answer).await;
        if said != said_with_time {
            with_time.entry(said_with_time).or_default().push(status);
        }
        plain.entry(said).or_default().push(status);
    }
    let most = plain.values().map(Vec::len).max().unwrap();
    let mut rows: Vec<(u16, Vec<String>)> = Vec::new();
    for (meaning, statuses) in plain {
        let (order, shown) = if statuses.len() == most {
            (u16::MAX, "any other".to_owned())
        } else {
            (statuses[0], ranges(&statuses))
        };
        rows.push((order, vec![shown, meaning.kind, meaning.acceptance]));
    }
    for (meaning, statuses) in with_time {
        let shown = format!("{} with `Retry-After`", ranges(&statuses));
        rows.push((statuses[0], vec![shown, meaning.kind, meaning.acceptance]));
    }
    rows.sort();
    let rows = rows.into_iter().map(|(_, row)| row);
    table(&["status, nothing in the body", "kind", "acceptance"], rows)
}

/// `500–502, 504`.
fn ranges(numbers: &[u16]) -> String {
    let runs = numbers.chunk_by(|left, right| left + 1 == *right);
    let runs = runs.map(|run| match run {
        [one] => one.to_string(),
        [first, .., last] => format!("{first}–{last}"),
        [] => String::new(),
    });
    runs.collect::<Vec<_>>().join(", ")
}

/// The answers that the vendor has words of its own for.
async fn own_answers(spec: &'static ProviderSpec) -> String {
    let played = Played::of(spec);
    let mut rows = Vec::new();
    for own in played.own_answers() {
        let meaning = played.meaning_of_own(own).await;
        rows.push(vec![own.answer.clone(), meaning.kind, meaning.acceptance]);
    }
    table(&["answer", "kind", "acceptance"], rows)
}

/// What happens to the connection.
async fn lost_connections(spec: &'static ProviderSpec) -> String {
    let asked = Asked::of(spec);
    let mut rows = Vec::new();
    let nowhere = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let faults = [
        ("nobody listens at the address", ""),
        (
            "the connection ends without an answer",
            "drop = { when = \"after\" }",
        ),
        ("the answer breaks off", "drop = { when = \"mid_answer\" }"),
        (
            "half of a document, as if it were whole",
            "broken_json = true",
        ),
    ];
    for (shown, fault) in faults {
        let scenario = match fault {
            "" => String::new(),
            fault => format!("[[fault]]\ncall = \"submit\"\n{fault}\n"),
        };
        let carrier = Carrier::start(spec, &scenario).await;
        let mut account = carrier.simulator.account();
        if fault.is_empty() {
            account = account.with("base_url", format!("http://{nowhere}"));
        }
        let client = (spec.connect)(&account, HttpClient::builder().build().unwrap()).unwrap();
        let outbound = Outbound::new(ClientRef::new("book-2").unwrap(), asked.message());
        let given = client.submit(&[outbound]).await;
        let Meaning { kind, acceptance } = meaning(given.and_then(|mut each| each.remove(0)));
        rows.push(vec![shown.to_owned(), kind, acceptance]);
    }
    table(&["what happens", "kind", "acceptance"], rows)
}
