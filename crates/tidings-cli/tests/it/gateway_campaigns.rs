//! Campaigns over a gateway: whatever happens to the file, the line or the command, everybody gets a text
//! once.

use std::collections::BTreeMap;

use crate::gateway::{REFUSED, Served, text, until};
use crate::lossy::Line;
use crate::shell::{Ended, signal};

const TEMPLATE: &str = "Hi {{first_name}}";

/// The rows of many people.
fn people(range: std::ops::Range<u32>) -> String {
    let row = |n| format!("+224622{n:06},N{n}\n");
    range.map(row).collect()
}

fn send(served: &Served, more: &[&str]) -> Ended {
    let send = ["send", "--csv", "people.csv", "--template", TEMPLATE];
    served.shell.run(&[&send, more].concat())
}

/// How often each phone got a text.
fn received(served: &Served) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for message in served.carrier.messages() {
        *counts.entry(message.to.as_str().to_owned()).or_default() += 1;
    }
    counts
}

#[track_caller]
fn check_each_once(served: &Served, n_phones: usize) {
    let received = received(served);
    assert!(received.values().all(|n| *n == 1), "twice: {received:?}");
    assert_eq!(received.len(), n_phones);
}

#[test]
fn a_campaign_over_a_gateway_can_be_repeated() {
    let served = Served::start();
    let people = "to,first_name\n+224622000001,Ann\n+224622000002,Bo\n+224622000003,Cy\n";
    served.shell.write("people.csv", people);
    let send = [
        "send",
        "--csv",
        "people.csv",
        "--template",
        "Hi {{first_name}}",
    ];
    let json = [&send[..], &["--json"]].concat();
    let first = served.shell.run(&json).succeeded().json();
    let batch = first.iter().find(|line| line["type"] == "batch").unwrap();
    assert_eq!(
        (&batch["accepted"], &batch["rejected"]),
        (&3.into(), &0.into())
    );
    let counts = first.iter().find(|line| line["type"] == "counts").unwrap();
    assert_eq!(counts["counts"]["delivered"], 3, "{counts}");

    let second = served.shell.run(&json).succeeded().json();
    let again = second.iter().find(|line| line["type"] == "batch").unwrap();
    assert_eq!(again["id"], batch["id"]);
    assert_eq!(
        (&again["accepted"], &again["taken_before"]),
        (&0.into(), &3.into())
    );
    let shown = served.shell.run(&send).succeeded().stdout.clone();
    assert!(shown.contains("delivered"), "{shown}");
    assert_eq!(served.carrier.messages().len(), 3);

    // A row that cannot be used, and one whose phone refuses.
    served
        .shell
        .write("people.csv", format!("{people}12,Di\n{REFUSED},Ed\n"));
    let partly = served.shell.run(&json);
    let lines = partly.exited_with(3).json();
    let counts = lines.iter().find(|line| line["type"] == "counts").unwrap();
    assert_eq!(counts["counts"]["failed"], 1, "{counts}");
    let dry = [&json[..], &["--dry-run"]].concat();
    served.shell.run(&dry).exited_with(3);
}

#[test]
fn a_campaign_that_was_broken_off_goes_on() {
    let served = Served::start();
    served.shown("providers pause one");
    let people = "to\n+224622000001\n+224622000002\n";
    served.shell.write("people.csv", people);
    let send = ["send", "--csv", "people.csv", "--template", "Hi", "--json"];
    let mut watching = served.shell.tidings(&send).spawn().unwrap();
    until("the gateway has it", || {
        let batches = served.json("batches list");
        batches.iter().any(|batch| batch["messages"] == 2)
    });
    // Between two things that it does nobody may have heard the first one.
    let mut looks = 0..;
    until("it breaks off", || {
        if looks.next().unwrap_or(0_u32) % 100 == 0 {
            signal(&watching, "INT");
        }
        watching.try_wait().unwrap().is_some()
    });
    let ended = Ended::from(watching.wait_with_output().unwrap());
    ended.exited_with(130);
    assert!(served.carrier.messages().is_empty());

    served.shown("providers resume one");
    served.shell.run(&send).succeeded();
    assert_eq!(served.carrier.messages().len(), 2);
    assert_eq!(served.json("batches list").len(), 1);
}

#[test]
fn a_mended_campaign_sends_only_what_was_not_taken() {
    let served = Served::start();
    let good = people(0..60);
    let file = format!("to,first_name\n{good}12,Di\n622000061,Ed\n+224622000062,\n");
    served.shell.write("people.csv", file);
    let first = send(&served, &[]);
    let told = &first.exited_with(3).stderr;
    assert!(told.contains("60 accepted, 0 refused"), "{told}");
    check_each_once(&served, 60);

    // Two rows are mended, one is added at the end.
    let mended = "12,Di\n+224622000061,Ed\n+224622000062,Fay\n+224622000063,Gil\n";
    served
        .shell
        .write("people.csv", format!("to,first_name\n{good}{mended}"));
    let second = send(&served, &[]);
    let told = &second.exited_with(3).stderr;
    assert!(told.contains("has 60 rows of this file already"), "{told}");
    assert!(told.contains("3 accepted, 0 refused"), "{told}");
    check_each_once(&served, 63);
    let delivered = second
        .stdout
        .lines()
        .find(|line| line.contains("delivered"));
    assert!(
        delivered.is_some_and(|line| line.contains("63")),
        "{}",
        second.stdout
    );

    // Rows have moved, and one came in front.
    let moved = format!(
        "to,first_name\n+224622000064,Hal\n{}{}+224622000061,Ed\n+224622000062,Fay\n+224622000063,Gil\n",
        people(30..60),
        people(0..30)
    );
    served.shell.write("people.csv", moved);
    let third = send(&served, &["--json"]).succeeded().json();
    let batch = third.iter().find(|line| line["type"] == "batch").unwrap();
    let told = ["accepted", "taken_before"].map(|name| batch[name].as_u64());
    assert_eq!(told, [Some(1), Some(63)]);
    check_each_once(&served, 64);
    assert_eq!(served.json("batches list").len(), 3);

    // A row that somebody has cannot become another text unnoticed, nor can the template.
    let changed = people(1..60);
    served
        .shell
        .write("people.csv", format!("to,first_name\n{changed}"));
    let refused = send(&served, &[]);
    let told = &refused.exited_with(5).stderr;
    assert!(
        told.contains("was sent before and is changed or gone"),
        "{told}"
    );
    let other = ["send", "--csv", "people.csv", "--template", "Bye"];
    let refused = served.shell.run(&other);
    let told = &refused.exited_with(5).stderr;
    assert!(told.contains("the template changed"), "{told}");
    check_each_once(&served, 64);
}

#[test]
fn the_same_person_twice_on_purpose_gets_two_texts_in_a_campaign() {
    let served = Served::start();
    let twice = "to,first_name\n+224622000001,Ann\n+224622000002,Bo\n+224622000001,Ann\n";
    served.shell.write("people.csv", twice);
    let options = ["--allow-duplicates", "--journal", "autumn"];
    for _ in 0..2 {
        send(&served, &options).succeeded();
    }
    served
        .shell
        .write("people.csv", format!("{twice}+224622000001,Ann\n"));
    send(&served, &options).succeeded();
    let received = received(&served);
    let counts: Vec<usize> = received.into_values().collect();
    assert_eq!(counts, [3, 1]);
    assert!(served.shell.path("autumn").exists());
    assert!(!served.shell.path("people.csv.tidings-journal").exists());
    // Another name is another campaign.
    send(&served, &["--allow-duplicates", "--journal", "spring"]).succeeded();
    assert_eq!(served.carrier.messages().len(), 8);
}

#[test]
fn a_campaign_whose_answer_was_lost_goes_on_with_a_mended_file() {
    let mut served = Served::start();
    let line = Line::to(served.shell.value("TIDINGS_GATEWAY"));
    served.shell.set("TIDINGS_GATEWAY", &line.url());
    let good = people(0..50);
    served
        .shell
        .write("people.csv", format!("to,first_name\n{good}12,Di\n"));
    line.loses_answers(true);
    let lost = send(&served, &[]);
    let told = &lost.exited_with(4).stderr;
    assert!(told.contains("nothing twice"), "{told}");
    line.loses_answers(false);
    until("the gateway has them", || received(&served).len() == 50);

    let moved = [people(25..50), people(0..25)].concat();
    let mended = format!("to,first_name\n{moved}+224622000051,Di\n");
    served.shell.write("people.csv", mended);
    let second = send(&served, &[]);
    let told = &second.succeeded().stderr;
    assert!(told.contains("the answer about 50 rows was lost"), "{told}");
    check_each_once(&served, 51);
    // Both batches are watched.
    let shown = &second.stdout;
    let delivered = shown.lines().find(|line| line.contains("delivered"));
    assert!(delivered.is_some_and(|line| line.contains("51")), "{shown}");
    let third = send(&served, &[]);
    let told = &third.succeeded().stderr;
    assert!(told.contains("nothing is left to hand over"), "{told}");
    check_each_once(&served, 51);
}

#[test]
fn a_campaign_is_watched_on_when_its_gateway_was_restarted() {
    let mut served = Served::start();
    let direct = served.shell.value("TIDINGS_GATEWAY").to_owned();
    let line = Line::to(&direct);
    served.shown("providers pause one");
    served
        .shell
        .write("people.csv", format!("to,first_name\n{}", people(0..3)));
    served.shell.set("TIDINGS_GATEWAY", &line.url());
    let arguments = ["send", "--csv", "people.csv", "--template", TEMPLATE];
    let log = std::fs::File::create(served.shell.path("send.log")).unwrap();
    let mut command = served.shell.tidings(&arguments);
    let watching = command.stderr(log).spawn().unwrap();
    let told = || std::fs::read_to_string(served.shell.path("send.log")).unwrap();
    until("it is handed over", || told().contains("3 accepted"));
    served.restart();
    line.leads_to(served.shell.value("TIDINGS_GATEWAY"));
    served.shown("providers resume one");
    let ended = Ended::from(watching.wait_with_output().unwrap());
    assert!(ended.succeeded().stdout.contains("delivered"), "{ended:?}");
    check_each_once(&served, 3);
}

#[test]
fn a_campaign_with_a_key_that_may_only_send_is_handed_over_and_says_so() {
    let mut served = Served::start();
    let made = served.one("keys create --account acme --scope send");
    let all = served.shell.value("TIDINGS_API_KEY").to_owned();
    served.shell.set("TIDINGS_API_KEY", text(&made, "api_key"));
    served
        .shell
        .write("people.csv", format!("to,first_name\n{}", people(0..3)));
    for _ in 0..2 {
        let sent = send(&served, &[]);
        let told = &sent.succeeded().stderr;
        assert!(told.contains("a key with the scope read"), "{told}");
    }
    served.shell.set("TIDINGS_API_KEY", &all);
    until("they have left", || received(&served).len() == 3);
    check_each_once(&served, 3);
}

#[test]
fn a_campaign_that_was_stopped_says_what_was_stopped() {
    let served = Served::start();
    served.shown("providers pause one");
    served
        .shell
        .write("people.csv", format!("to,first_name\n{}", people(0..4)));
    let arguments = ["send", "--csv", "people.csv", "--template", TEMPLATE];
    let watching = served.shell.tidings(&arguments).spawn().unwrap();
    until("the gateway has it", || {
        let batches = served.json("batches list");
        batches.iter().any(|batch| batch["messages"] == 4)
    });
    let batch = served.one("batches list");
    served.shown(&format!("batches stop {} --yes", text(&batch, "id")));
    let mut ended = vec![Ended::from(watching.wait_with_output().unwrap())];
    ended.push(send(&served, &[]));
    for ended in ended {
        let told = &ended.exited_with(3).stderr;
        assert!(told.contains("4 messages stopped before leaving"), "{told}");
        assert!(!told.contains("sent") && !told.contains("arrive"), "{told}");
    }
}

#[test]
fn an_end_alone_begins_at_once_in_a_campaign_too() {
    let served = Served::start();
    served
        .shell
        .write("people.csv", "to,first_name\n+224622000001,Ann\n");
    let end = ["--until", "2099-01-01T00:00Z"];
    for _ in 0..2 {
        send(&served, &end).succeeded();
    }
    served.one("send --to +224622000002 --until 2099-01-01T00:00Z Hi");
    until("both have left", || received(&served).len() == 2);
    check_each_once(&served, 2);
}

#[test]
fn options_that_a_gateway_cannot_keep_are_refused_in_a_campaign() {
    let served = Served::start();
    served
        .shell
        .write("people.csv", "to,first_name\n+224622000001,Ann\n");
    for option in [&["--rate", "5"][..], &["--in-flight", "2"], &["--bulk"]] {
        let refused = send(&served, option);
        let told = &refused.exited_with(5).stderr;
        assert!(told.contains(option[0]), "{told}");
        assert!(told.contains("leave it out"), "{told}");
    }
    assert_eq!(served.carrier.messages().len(), 0);
}
