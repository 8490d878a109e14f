//! `tidings sessions`, `messages`, `subscriptions` and `numbers`, and `tidings send --media`.

use serde_json::Value;
use tidings::ProviderSpec;

use crate::shell::{Carrier, Shell, spec_that};

const PHONE: &str = "+12025550143";
const PNG: &[u8] = b"\x89PNG\r\n\x1A\n and some more";

fn spec() -> &'static ProviderSpec {
    spec_that(|can| can.conversations && can.subscriptions && can.numbers)
}

fn carrier() -> Carrier {
    Carrier::of(spec(), "")
}

/// Sends a text and returns its session.
fn send(shell: &Shell, to: &str, text: &str) -> String {
    let sent = shell.run(&["send", "--json", "--to", to, text]);
    let line = sent.succeeded().json().remove(0);
    line["ref"]["session"].as_str().unwrap().to_owned()
}

fn json_of(shell: &Shell, arguments: &[&str]) -> Vec<Value> {
    let ended = shell.run(&[arguments, &["--json"]].concat());
    ended.succeeded().json()
}

#[test]
fn sessions_are_listed_shown_marked_and_deleted() {
    let carrier = carrier();
    let shell = Shell::beside(&carrier);
    let empty = shell.run(&["sessions", "list"]);
    assert_eq!(empty.succeeded().stdout, "");
    assert!(empty.stderr.contains("no sessions"), "{}", empty.stderr);
    let first = send(&shell, PHONE, "one");
    send(&shell, "+12025550144", "two");

    let listed = json_of(&shell, &["sessions", "list"]);
    assert_eq!(listed.len(), 2, "{listed:?}");
    assert_eq!(
        json_of(&shell, &["sessions", "list", "--limit", "1"]).len(),
        1
    );
    let shown = json_of(&shell, &["sessions", "show", &first]).remove(0);
    assert!(listed.contains(&shown), "{listed:?} {shown}");
    assert_eq!(shown["session"], *first);
    assert_eq!(shown["last"]["text"], "one");
    for key in ["owner", "remote", "participants", "is_group", "is_muted"] {
        assert!(!shown[key].is_null(), "{key}: {shown}");
    }
    let table = shell.run(&["sessions", "list"]);
    let table = &table.succeeded().stdout;
    let titles: Vec<&str> = table.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(
        titles,
        [
            "session", "with", "name", "read", "last", "at", "last", "text"
        ]
    );
    assert!(table.contains(&first) && table.contains("two"), "{table}");

    for (word, is_read) in [("unread", false), ("read", true)] {
        let marked = shell.run(&["sessions", word, &first]);
        assert_eq!(marked.succeeded().stdout, "");
        let shown = json_of(&shell, &["sessions", "show", &first]).remove(0);
        assert_eq!(shown["is_read"], is_read, "{shown}");
    }

    let refused = shell.run(&["sessions", "delete", &first]);
    assert!(refused.exited_with(5).stderr.contains("--yes"));
    shell
        .run(&["sessions", "delete", &first, "--yes"])
        .succeeded();
    assert_eq!(json_of(&shell, &["sessions", "list"]).len(), 1);
    shell.run(&["sessions", "show", &first]).exited_with(15);
}

#[test]
fn messages_are_shown_and_their_files_fetched() {
    let carrier = carrier();
    let shell = Shell::beside(&carrier);
    shell.write("photo.jpg", PNG);
    let sent = ["send", "--json", "--to", PHONE, "--media", "photo.jpg"];
    let line = shell.run(&sent).succeeded().json().remove(0);
    assert_eq!(line["media"]["type"], "image/png", "{line}");
    assert_eq!(line["media"]["bytes"], PNG.len());
    let session = line["ref"]["session"].as_str().unwrap();

    let messages = json_of(&shell, &["messages", session]);
    let with_file: Vec<&Value> = messages
        .iter()
        .filter(|message| message["media"].is_object())
        .collect();
    assert_eq!(with_file.len(), 1, "{messages:?}");
    assert_eq!(with_file[0]["direction"], "outbound");
    assert_eq!(with_file[0]["session"], session);
    assert!(with_file[0]["media"]["file"].is_null());
    assert!(with_file[0]["media"].get("url").is_none());

    let fetched = json_of(&shell, &["messages", session, "--fetch", "files"]);
    let file = fetched
        .iter()
        .find_map(|message| message["media"]["file"].as_str());
    let file = file.unwrap();
    assert!(
        file.starts_with("files/") && file.split('.').next_back() == Some("png"),
        "{file}"
    );
    assert_eq!(std::fs::read(shell.path(file)).unwrap(), PNG);
    let table = shell.run(&["messages", session]);
    let table = &table.succeeded().stdout;
    assert!(table.contains("image/png"), "{table}");
}

#[test]
fn a_dry_run_with_a_file_shows_it_and_sends_nothing() {
    let carrier = carrier();
    let shell = Shell::beside(&carrier);
    shell.write("photo.png", PNG);
    let plan = [
        "send",
        "--to",
        PHONE,
        "--media",
        "photo.png",
        "--dry-run",
        "Look",
    ];
    let line = json_of(&shell, &plan).remove(0);
    assert_eq!(line["media"]["type"], "image/png", "{line}");
    let told = shell.run(&plan);
    let told = &told.succeeded().stderr;
    assert!(told.contains("a file: image/png"), "{told}");
    assert!(carrier.messages().is_empty());
}

#[test]
fn a_campaign_sends_the_file_with_every_row_and_knows_it_again() {
    let carrier = carrier();
    let shell = Shell::beside(&carrier);
    shell.write("photo.png", PNG);
    shell.write("other.png", [PNG, b"!"].concat());
    shell.write(
        "people.csv",
        "to,name\n+12025550143,Ann\n+12025550144,Bob\n",
    );
    let campaign = ["send", "--csv", "people.csv", "--template", "For {{name}}"];
    let with = |file| [&campaign[..], &["--media", file]].concat();
    let lines = json_of(&shell, &with("photo.png"));
    assert_eq!(lines.len(), 2);
    assert!(
        lines
            .iter()
            .all(|line| line["media"]["type"] == "image/png")
    );
    shell.run(&with("other.png")).exited_with(5);
    shell.run(&campaign).exited_with(5);
}

#[test]
fn a_file_that_cannot_be_sent_is_refused_before_anything_is() {
    let carrier = carrier();
    let shell = Shell::beside(&carrier);
    shell.write("nothing", "");
    shell.write("unknown", "what is this");
    let limit = spec().capabilities.max_media_bytes.unwrap();
    shell.write("large.png", [PNG, &vec![0; limit]].concat());
    let send = |file| shell.run(&["send", "--to", PHONE, "--media", file, "Look"]);
    send("missing.png").exited_with(5);
    send("nothing").exited_with(5);
    assert!(
        send("unknown")
            .exited_with(5)
            .stderr
            .contains("--media-type")
    );
    let large = send("large.png");
    let told = &large.exited_with(10).stderr;
    assert!(told.contains(&limit.to_string()), "{told}");
    assert!(carrier.messages().is_empty());

    let texts_only = Carrier::of(spec_that(|can| can.max_media_bytes.is_none()), "");
    let shell = Shell::beside(&texts_only);
    shell.write("photo.png", PNG);
    let send = [
        "send",
        "--to",
        "+224622000001",
        "--from",
        "T",
        "--media",
        "photo.png",
    ];
    shell.run(&send).exited_with(21);
}

#[test]
fn subscriptions_are_made_shown_changed_and_ended() {
    let carrier = carrier();
    let shell = Shell::beside(&carrier);
    let url = "http://127.0.0.1:9/told?key=abc";
    let create = ["subscriptions", "create", "message", "--url", url];
    let made = json_of(&shell, &[&create[..], &["--expires", "30d"]].concat()).remove(0);
    let id = made["subscription"].as_str().unwrap();
    assert_eq!(made["events"], "message");
    assert_eq!(made["url"], url);
    assert_eq!(made["errors"], 0);
    let show = ["subscriptions", "show", id];
    assert_eq!(
        json_of(&shell, &["subscriptions", "list"])[0]["subscription"],
        id
    );
    let table = shell.run(&["subscriptions", "list"]);
    let table = &table.succeeded().stdout;
    assert!(
        table.contains("/told?..") && !table.contains("abc"),
        "{table}"
    );

    let expires = "2099-01-31T00:00:00Z";
    let update = ["subscriptions", "update", id];
    let changed = [&update[..], &["--expires", expires, "--reset-errors"]].concat();
    shell.run(&changed).succeeded();
    let shown = json_of(&shell, &show).remove(0);
    assert_eq!(shown["expires_at"], expires, "{shown}");
    assert_eq!(shown["url"], url);
    // Something has to be different.
    shell.run(&update).exited_with(2);
    shell.run(&["subscriptions", "delete", id]).succeeded();
    assert!(json_of(&shell, &["subscriptions", "list"]).is_empty());
    shell.run(&show).exited_with(15);
}

#[test]
fn numbers_are_listed_and_counted() {
    let carrier = carrier();
    let shell = Shell::beside(&carrier);
    let listed = json_of(&shell, &["numbers", "list"]);
    assert!(!listed.is_empty());
    for number in &listed {
        for key in ["number", "application", "media", "group_media"] {
            assert!(!number[key].is_null(), "{key}: {number}");
        }
    }
    let count = shell.run(&["numbers", "count"]);
    let count = count.succeeded().stdout.trim().to_owned();
    assert_eq!(
        json_of(&shell, &["numbers", "count"])[0]["count"].to_string(),
        count
    );
    let table = shell.run(&["numbers", "list"]);
    let table = &table.succeeded().stdout;
    assert!(
        table.contains(listed[0]["number"].as_str().unwrap()),
        "{table}"
    );
    // Who may not change numbers is told so, and nobody is asked in vain.
    let remove = ["numbers", "remove", "15550100000"];
    assert!(shell.run(&remove).exited_with(5).stderr.contains("--yes"));
}

#[test]
fn numbers_are_added_changed_and_removed() {
    let carrier = carrier();
    let shell = Shell::beside(&carrier);
    let number = "+12025550111";
    let owner = json_of(&shell, &["numbers", "list"])[0]["owner"].clone();
    let owner = owner.as_str().unwrap();
    let of_number = || {
        let listed = json_of(&shell, &["numbers", "list"]).into_iter();
        listed
            .filter(|row| row["number"] == number)
            .collect::<Vec<_>>()
    };
    let run = |arguments: &[&str]| {
        let ended = shell.run(&[&["numbers"], arguments].concat());
        assert_eq!(ended.stdout, "", "{arguments:?}");
        ended
    };
    assert_eq!(of_number(), [] as [Value; 0]);
    run(&["add", number, "--application", "user", "--owner", owner]).succeeded();
    let added = of_number();
    assert_eq!(added.len(), 1, "{added:?}");
    assert_eq!(
        (&added[0]["application"], &added[0]["owner"]),
        (&"user".into(), &owner.into())
    );
    // A number is there once.
    let again = run(&["add", number, "--application", "user", "--owner", owner]);
    assert_ne!(again.code, Some(0));

    let change = ["change", number, "--application", "sip", "--owner", owner];
    run(&change).succeeded();
    let changed = of_number();
    assert_eq!(changed.len(), 1, "{changed:?}");
    assert_eq!(changed[0]["application"], "sip");
    // A user that is none does not get it.
    run(&["change", number, "--application", "user", "--owner", "999"]).exited_with(10);
    assert_eq!(of_number(), changed);

    run(&["remove", number, "--yes"]).succeeded();
    assert_eq!(of_number(), [] as [Value; 0]);
    run(&["remove", number, "--yes"]).exited_with(15);
}

#[test]
fn a_chat_between_users_is_renamed_and_gets_participants() {
    let colleagues = "[[account]]\nsettings = { username = \"201@tidings.example\", password = \"p\" }\n\
                      [[account]]\nsettings = { username = \"202@tidings.example\", password = \"p\" }\n";
    let carrier = Carrier::of(spec(), colleagues);
    let shell = Shell::beside(&carrier);
    let session = carrier.chat("201");
    let renamed = shell.run(&["sessions", "rename", &session, "Front desk"]);
    assert_eq!(renamed.succeeded().stdout, "");
    assert!(renamed.stderr.contains(&session), "{}", renamed.stderr);
    let show = ["sessions", "show", &session];
    assert_eq!(json_of(&shell, &show)[0]["name"], "Front desk");

    let set = ["sessions", "participants", &session, "200", "201", "202"];
    shell.run(&set).succeeded();
    let shown = json_of(&shell, &show).remove(0);
    let participants = shown["participants"].as_array().unwrap();
    let names: Vec<&str> = participants.iter().filter_map(Value::as_str).collect();
    for user in ["200", "201", "202"] {
        assert!(names.iter().any(|name| name.starts_with(user)), "{shown}");
    }

    // A session with a phone has neither.
    let with_phone = send(&shell, PHONE, "Hello");
    shell
        .run(&["sessions", "rename", &with_phone, "Ann"])
        .exited_with(10);
    shell
        .run(&["sessions", "participants", &with_phone, "200", "201"])
        .exited_with(10);
}

#[test]
fn a_file_is_no_folder_and_nothing_is_no_message() {
    let carrier = carrier();
    let shell = Shell::beside(&carrier);
    let session = send(&shell, PHONE, "Hello");
    shell.write("taken", "");
    let fetch = shell.run(&["messages", &session, "--fetch", "taken"]);
    assert!(fetch.exited_with(5).stderr.contains("taken"));
    shell.run(&["status", ""]).exited_with(5);
}

#[test]
fn a_provider_without_them_says_so() {
    let carrier = Carrier::of(spec_that(|can| !can.conversations && !can.numbers), "");
    let shell = Shell::beside(&carrier);
    for arguments in [
        &["sessions", "list"][..],
        &["sessions", "delete", "s", "--yes"],
        &["messages", "s"],
        &["subscriptions", "list"],
        &[
            "subscriptions",
            "create",
            "message",
            "--url",
            "http://127.0.0.1",
        ],
        &["numbers", "list"],
        &["numbers", "count"],
    ] {
        let ended = shell.run(arguments);
        let told = &ended.exited_with(21).stderr;
        assert!(told.contains("this provider"), "{told}");
        assert_eq!(ended.stdout, "");
    }
}
