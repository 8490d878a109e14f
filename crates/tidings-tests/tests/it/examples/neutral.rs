//! The examples that do not care which provider they have: each against a provider in memory and
//! against a carrier of every provider there is.

use std::fs;

use tidings::{ProviderSpec, providers};
use tidings_sim::SimMessage;
use tidings_tests::{Carrier, CarrierBuilder, Recorder};

use super::{GOOD_DAY, LOST_ANSWER, account_file, file, run, wrong_account_file};

const PHONE: &str = "+224622000001";

/// A carrier whose account has a sender, where such a provider's accounts can have one: as
/// `tidings sim PROVIDER --set sender=Tidings` starts it.
async fn start(spec: &'static ProviderSpec, scenario: &str) -> Carrier {
    with_sender(spec, scenario).start().await
}

/// The same, and it tells this server what becomes of messages.
pub(super) async fn start_telling(
    spec: &'static ProviderSpec,
    scenario: &str,
    customer: &Recorder,
) -> Carrier {
    with_sender(spec, scenario).telling(customer).start().await
}

fn with_sender(spec: &'static ProviderSpec, scenario: &str) -> CarrierBuilder {
    let carrier = Carrier::of(spec).scenario(scenario);
    let mut settings = spec.settings.iter();
    if settings.any(|setting| setting.name == "sender") {
        carrier.setting("sender", "Tidings")
    } else {
        carrier
    }
}

fn arrived(carrier: &Carrier) -> Vec<SimMessage> {
    carrier.simulator.world().messages()
}

/// One text has reached the phone and nothing else has reached any.
#[track_caller]
fn check_one(carrier: &Carrier, text: &str) {
    let arrived = arrived(carrier);
    assert_eq!(arrived.len(), 1, "{arrived:?}");
    assert_eq!((arrived[0].to.as_str(), &*arrived[0].text), (PHONE, text));
}

/// What every example says of an account's file that is none.
#[track_caller]
pub(super) fn check_bad_files(example: &str, before: &[&str]) {
    let check = |path: &str, expected: &str| {
        let arguments = [before, &[path]].concat();
        run(example, &arguments).failed_with(&[expected]);
    };
    check("no-such-file", "cannot read no-such-file");
    for (content, expected) in [
        ("[]", "holds no JSON object"),
        ("{}", "has no `provider`"),
        (
            "{\"provider\":\"nobody\"}",
            "`nobody` is no provider of this build",
        ),
        ("not JSON", "is not JSON"),
    ] {
        let path = file(&format!("bad-for-{example}.json"));
        fs::write(&path, content).unwrap();
        check(&path, expected);
    }
}

// ---- one message ----

const ONE: &str = "send_one";

#[tokio::test(flavor = "multi_thread")]
async fn one_message_reaches_its_phone_as_written() {
    run(ONE, &[]).told(&["taken by main: {", "at present it is submitted"]);
    for spec in providers::ALL {
        let carrier = start(spec, GOOD_DAY).await;
        let account = account_file("one", spec, &carrier);
        let done = run(ONE, &[&account, PHONE, "Bonjour à tous"]);
        let last = if spec.capabilities.status {
            "at present it is"
        } else {
            "it cannot be asked about"
        };
        done.told(&["taken by main: {", last]);
        check_one(&carrier, "Bonjour à tous");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sends_one_message_learns_what_a_failure_means_as_written() {
    for spec in providers::ALL {
        let carrier = start(spec, LOST_ANSWER).await;
        let wrong = wrong_account_file("one-wrong", spec, &carrier);
        run(ONE, &[&wrong]).failed_with(&["not sent: check the account's keys"]);
        let account = account_file("one-lost", spec, &carrier);
        run(ONE, &[&account, "12345"]).failed_with(&["the number needs a plus"]);
        assert_eq!(arrived(&carrier), []);

        // The carrier took it and the answer was lost. Who can be asked tells so.
        let lost = run(ONE, &[&account]);
        if lost.succeeded {
            assert!(spec.capabilities.reconcile, "{lost:#?}");
            lost.told(&["taken by main"]);
        } else {
            lost.failed_with(&["it may arrive: wait for a report, and do not send it again"]);
        }
        check_one(&carrier, "Your parcel is here");
    }
    check_bad_files(ONE, &[]);
}

// ---- fail-over ----

const FAIL_OVER: &str = "fail_over";

#[test]
fn fail_over_is_played_in_memory_as_written() {
    let done = run(FAIL_OVER, &[]);
    done.told(&[
        "tried in the order of preference: first, spare",
        "proved that nothing was sent: spare has it",
        "answer lost, and found on asking: first has it",
        "it may be on its way, so no other account was tried",
        "the first account sent 2 messages, the spare 1",
    ]);
    run(FAIL_OVER, &["one-file"]).failed_with(&["expected the files of two accounts"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_spare_account_sends_what_the_first_surely_did_not_as_written() {
    const TEXT: &str = "The water is switched off at noon";
    for (spec, spare_spec) in providers::ALL
        .iter()
        .zip(providers::ALL.iter().cycle().skip(1))
    {
        let first = start(spec, LOST_ANSWER).await;
        let spare = start(spare_spec, GOOD_DAY).await;
        let wrong = wrong_account_file("first-wrong", spec, &first);
        let spare_file = account_file("spare", spare_spec, &spare);
        run(FAIL_OVER, &[&wrong, &spare_file]).told(&["first, spare", "spare has it"]);
        assert_eq!(arrived(&first), []);
        check_one(&spare, TEXT);

        // A lost answer is no proof: the spare account is left alone, whatever was found out.
        let first_file = account_file("first-lost", spec, &first);
        let lost = run(FAIL_OVER, &[&first_file, &spare_file]);
        if lost.succeeded {
            lost.told(&["first has it"]);
        } else {
            lost.failed_with(&["it may be on its way, so no other account was tried"]);
        }
        check_one(&first, TEXT);
        check_one(&spare, TEXT);

        let wrong_spare = wrong_account_file("spare-wrong", spare_spec, &spare);
        run(FAIL_OVER, &[&wrong, &wrong_spare]).failed_with(&["not sent, by no account"]);
    }
}

// ---- an own provider ----

const OWN: &str = "own_provider";
const PUMP: &str = "The pump is running dry";

#[test]
fn an_own_provider_writes_into_its_folder_as_written() {
    let folder = file("spool");
    fs::remove_dir_all(&folder).ok();
    for inner in ["outgoing", "sent", "failed"] {
        fs::create_dir_all(format!("{folder}/{inner}")).unwrap();
    }
    run(OWN, &[&folder]).told(&["modem has it", "it is submitted"]);
    let mut written = fs::read_dir(format!("{folder}/outgoing")).unwrap();
    let message = written.next().unwrap().unwrap();
    assert!(written.next().is_none());
    let text = fs::read_to_string(message.path()).unwrap();
    assert_eq!(text, format!("To: {PHONE}\n\n{PUMP}"));

    // Where the modem is not there, something else takes over.
    run(OWN, &["no-such-folder"]).told(&["spare has it"]);
    run(OWN, &[]).failed_with(&["expected the modem's folder"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_own_provider_stands_beside_any_other_as_written() {
    for spec in providers::ALL {
        let carrier = start(spec, GOOD_DAY).await;
        let account = account_file("own", spec, &carrier);
        let done = run(OWN, &["no-such-folder", &account]);
        let last = if spec.capabilities.status {
            "it is "
        } else {
            "no way to tell how far a message has come"
        };
        done.told(&["spare has it", last]);
        check_one(&carrier, PUMP);
        let wrong = wrong_account_file("own-wrong", spec, &carrier);
        run(OWN, &["no-such-folder", &wrong]).failed_with(&["account spare did not take"]);
        check_one(&carrier, PUMP);
    }
}

// ---- a CSV file ----

const CSV: &str = "send_csv";
const BAD_ROWS: [&str; 3] = [
    "row 3: the template uses first_name, which is missing or empty",
    "row 4: ",
    "row 5: the phone number holds letters",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_csv_file_is_sent_but_for_its_bad_rows_as_written() {
    const DONE: &str = "3 taken, 0 not sent, 0 unknown, 3 bad rows";
    run(CSV, &[]).told(&[&BAD_ROWS[..], &[DONE]].concat());
    for spec in providers::ALL {
        let carrier = start(spec, GOOD_DAY).await;
        let account = account_file("csv", spec, &carrier);
        run(CSV, &[&account]).told(&[&BAD_ROWS[..], &[DONE]].concat());
        let mut texts: Vec<_> = arrived(&carrier).into_iter().map(|it| it.text).collect();
        texts.sort();
        let expected = ["Aïssatou", "Ibrahima", "Mamadou"].into_iter();
        let expected = expected.zip(["4711", "4716", "4712"]);
        let expected =
            expected.map(|(name, number)| format!("{name}, your parcel {number} is here."));
        assert!(texts.iter().map(|text| &**text).eq(expected), "{texts:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sends_a_csv_file_gets_a_verdict_on_each_row_as_written() {
    let people = file("own-people.csv");
    fs::write(&people, "phone,first_name,number\n+224622000001,Mory,1\n").unwrap();
    for spec in providers::ALL {
        let carrier = start(spec, LOST_ANSWER).await;
        let wrong = wrong_account_file("csv-wrong", spec, &carrier);
        let refused = run(CSV, &[&wrong]);
        refused.failed_with(&[
            "parcel-4711: not sent: ",
            "parcel-4716: not sent: ",
            "0 taken, 3 not sent, 0 unknown, 3 bad rows",
        ]);
        assert_eq!(arrived(&carrier), []);
        let account = account_file("csv-lost", spec, &carrier);
        let lost = run(CSV, &[&account, &people]);
        if lost.succeeded {
            assert!(spec.capabilities.reconcile, "{lost:#?}");
            lost.told(&["1 taken, 0 not sent, 0 unknown, 0 bad rows"]);
        } else {
            lost.failed_with(&["parcel-1: may be on its way: ", "0 not sent, 1 unknown"]);
        }
        check_one(&carrier, "Mory, your parcel 1 is here.");
    }
    run(CSV, &["no-such-file"]).failed_with(&["cannot read no-such-file"]);
}

// ---- without async ----

const BLOCKING: &str = "without_async";

#[tokio::test(flavor = "multi_thread")]
async fn a_program_without_async_sends_and_asks_as_written() {
    run(BLOCKING, &[]).told(&["is submitted", "main has "]);
    for spec in providers::ALL {
        let carrier = start(spec, GOOD_DAY).await;
        let account = account_file("blocking", spec, &carrier);
        let done = run(BLOCKING, &[&account]);
        let capabilities = spec.capabilities;
        let state = if capabilities.status {
            " is "
        } else {
            " is taken; account main has no way"
        };
        let balance = if capabilities.balance {
            "main has "
        } else {
            "main has no way to tell"
        };
        done.told(&[state, balance]);
        assert_eq!(arrived(&carrier).len(), 3);

        let wrong = wrong_account_file("blocking-wrong", spec, &carrier);
        run(BLOCKING, &[&wrong]).failed_with(&[": not sent: ", "not every message was taken"]);
        assert_eq!(arrived(&carrier).len(), 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_without_async_says_what_may_arrive_as_written() {
    for spec in providers::ALL {
        let carrier = start(spec, LOST_ANSWER).await;
        let account = account_file("blocking-lost", spec, &carrier);
        let lost = run(BLOCKING, &[&account]);
        let arrived = arrived(&carrier);
        assert_eq!(arrived.len(), 3, "{arrived:?}");
        if !lost.succeeded {
            lost.failed_with(&[": may arrive: ", "not every message was taken"]);
        }
    }
}
