//! The examples that show what only one vendor has.

use std::collections::BTreeSet;

use tidings::{ReportedState, TimeZone, ZonedTime, netsapiens, passinfo, puzzel};
use tidings_tests::Carrier;

use super::{GOOD_DAY, LOST_ANSWER, account_file, run, wrong_account_file};

// ---- texts that recipients pay for ----

const PREMIUM: &str = "puzzel_premium_window";

#[tokio::test(flavor = "multi_thread")]
async fn tickets_are_sold_for_tomorrow_morning_and_taken_back_as_written() {
    let carrier = Carrier::of(&puzzel::SPEC).system_clock().start().await;
    let account = account_file("premium", &puzzel::SPEC, &carrier);
    run(PREMIUM, &[&account]).told(&["2 tickets wait until tomorrow at eight"]);
    let sold = carrier.simulator.world().messages();
    let oslo = TimeZone::named("Europe/Oslo").unwrap();
    let hour = |moment| ZonedTime::new(moment, &oslo).time_of_day().to_string();
    for ticket in &sold {
        assert_eq!((ticket.price, ticket.left_at), (4200, None), "{ticket:?}");
        let window = ticket.window.as_ref().unwrap();
        assert_eq!(hour(window.from), "08:00:00");
        assert_eq!(hour(window.until.unwrap()), "10:00:00");
    }
    let names: BTreeSet<_> = sold.iter().map(|ticket| &ticket.reference).collect();
    assert_eq!(names.len(), 2, "{sold:?}");

    run(PREMIUM, &[&account, "stop"]).told(&["stopped 2 tickets"]);
    let states = carrier.simulator.world().messages().into_iter();
    let states: Vec<_> = states.map(|ticket| ticket.state).collect();
    use ReportedState::{Canceled, Submitted};
    assert_eq!(states, [Submitted, Submitted, Canceled, Canceled]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sells_tickets_is_told_what_was_sold_as_written() {
    let carrier = Carrier::start(&puzzel::SPEC, LOST_ANSWER).await;
    let wrong = wrong_account_file("premium-wrong", &puzzel::SPEC, &carrier);
    run(PREMIUM, &[&wrong]).failed_with(&["nothing was sold: nothing was sent"]);
    assert_eq!(carrier.simulator.world().messages(), []);

    let account = account_file("premium-lost", &puzzel::SPEC, &carrier);
    let lost = run(PREMIUM, &[&account]);
    lost.failed_with(&["it may be sold: wait for its report, and do not send it again"]);
    // And so it is.
    assert_eq!(carrier.simulator.world().messages().len(), 2);

    run(PREMIUM, &[]).failed_with(&["tidings sim puzzel --json > account.json"]);
    run(PREMIUM, &["no-such-file"]).failed_with(&["cannot read no-such-file"]);
}

// ---- a picture in a session ----

const SESSION: &str = "netsapiens_media_session";

#[tokio::test(flavor = "multi_thread")]
async fn a_text_and_a_picture_are_one_conversation_as_written() {
    let carrier = Carrier::start(&netsapiens::SPEC, GOOD_DAY).await;
    let account = account_file("session", &netsapiens::SPEC, &carrier);
    let done = run(SESSION, &[&account]);
    done.told(&["mms outbound: parcel.png", "fetched 97 bytes of image/png"]);
    check_conversation(&carrier);

    let text = super::file("not-a-picture");
    std::fs::write(&text, "a text").unwrap();
    run(SESSION, &[&account, &text]).failed_with(&["the type of the file"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_looked_up_in_the_session_as_written() {
    let carrier = Carrier::start(&netsapiens::SPEC, &format!("{GOOD_DAY}{LOST_ANSWER}")).await;
    let account = account_file("session-lost", &netsapiens::SPEC, &carrier);
    let done = run(SESSION, &[&account]);
    done.told(&[
        "looking into the session",
        "the text is in session",
        "the picture is in session",
    ]);
    check_conversation(&carrier);

    let wrong = wrong_account_file("session-wrong", &netsapiens::SPEC, &carrier);
    run(SESSION, &[&wrong]).failed_with(&["it was not sent"]);
    run(SESSION, &[]).failed_with(&["tidings sim netsapiens --json > account.json"]);
    check_conversation(&carrier);
}

/// A text and a picture have reached the phone, in one session.
#[track_caller]
fn check_conversation(carrier: &Carrier) {
    let messages = carrier.simulator.world().messages();
    let sessions: BTreeSet<_> = messages
        .iter()
        .map(|message| message.session.as_ref().unwrap().id.as_str())
        .collect();
    assert_eq!((messages.len(), sessions.len()), (2, 1), "{messages:?}");
}

// ---- contacts and groups ----

const CONTACTS: &str = "passinfo_contacts";

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_made_once_and_told_as_often_as_wanted_as_written() {
    let carrier = Carrier::start(&passinfo::SPEC, GOOD_DAY).await;
    let account = account_file("contacts", &passinfo::SPEC, &carrier);
    let first = run(CONTACTS, &[&account]);
    first.told(&[
        "Mory is contact",
        "queued for 3 of 3 parents",
        "delivered to 3, failed for 0",
    ]);
    let again = run(CONTACTS, &[&account]);
    again.told(&["Mory is in the address book", "queued for 3 of 3 parents"]);
    let reached: Vec<_> = carrier.simulator.world().messages();
    let phones: BTreeSet<_> = reached.iter().map(|message| message.to).collect();
    assert_eq!((reached.len(), phones.len()), (6, 3), "{reached:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_tells_a_group_is_told_whether_it_may_have_been_told_as_written() {
    let carrier = Carrier::start(&passinfo::SPEC, LOST_ANSWER).await;
    let wrong = wrong_account_file("contacts-wrong", &passinfo::SPEC, &carrier);
    run(CONTACTS, &[&wrong]).failed_with(&["did not accept the client id and key"]);
    let account = account_file("contacts-lost", &passinfo::SPEC, &carrier);
    run(CONTACTS, &[&account]).failed_with(&["all parents may have been told, or none"]);
    assert_eq!(carrier.simulator.world().messages().len(), 3);
    run(CONTACTS, &[]).failed_with(&["tidings sim passinfo --json > account.json"]);
}
