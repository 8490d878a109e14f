//! Asking how far messages have come.

use std::time::Duration;

use tidings::{
    Acceptance, DeliveryReport, ErrorKind, Outbound, ProviderRef, Reason, Receipt, ReportedState,
    Result,
};
use tidings_tests::CALL_LIMIT;

use crate::behaviour::{Behaviour, rows};
use crate::context::{AT_ONCE, Context, Line};

pub(super) fn rows() -> Vec<Behaviour> {
    rows! {
        a_message_that_was_taken_is_known: [STATUS],
        the_end_of_a_message_is_told: [STATUS, TELLS_DELIVERY],
        a_message_that_is_under_way_has_no_end: [STATUS],
        reports_come_in_the_order_of_the_questions: [STATUS, TELLS_DELIVERY],
        each_report_names_what_it_is_about: [STATUS],
        a_message_that_did_not_arrive_is_told_from_one_that_did: [STATUS, TELLS_DELIVERY],
        what_to_ask_by_survives_a_restart: [STATUS],
        a_message_that_nobody_knows_is_never_delivered: [STATUS],
        no_questions_make_no_call: [STATUS, CALLS],
        a_question_that_fails_says_nothing_of_the_message: [STATUS, FAULTS],
        a_question_that_fails_for_a_moment_is_asked_again: [STATUS, FAULTS],
        a_state_that_nobody_knows_is_kept_in_its_own_word: [STATUS, TELLS_DELIVERY, FAULTS],
        asking_where_nobody_answers_makes_no_call: [NO_STATUS, CALLS],
    }
}

fn about(receipts: Vec<Receipt>) -> Vec<ProviderRef> {
    let about = receipts.into_iter().map(|receipt| receipt.provider_ref);
    about.collect()
}

async fn ask(line: &Line, about: &[ProviderRef]) -> Vec<DeliveryReport> {
    let reports = line.provider.status(about).await.unwrap();
    assert_eq!(reports.len(), about.len(), "one report for each question");
    reports
}

async fn a_message_that_was_taken_is_known(cx: Context) {
    let line = cx.start("").await;
    let about = about(line.take_all(&cx.rows(3)).await);
    for report in ask(&line, &about).await {
        assert_eq!(report.state, ReportedState::Submitted, "{report:?}");
    }
}

async fn the_end_of_a_message_is_told(cx: Context) {
    let line = cx.start(AT_ONCE).await;
    let about = about(line.take_all(&cx.rows(1)).await);
    line.heard();
    let report = &ask(&line, &about).await[0];
    assert_eq!(report.state, ReportedState::Delivered, "{report:?}");
    assert!(report.raw.is_some(), "the provider's own word: {report:?}");
}

async fn a_message_that_is_under_way_has_no_end(cx: Context) {
    let line = cx
        .start("[delays]\nsent_ms = 1000\ndelivered_ms = 60000\n")
        .await;
    let about = about(line.take_all(&cx.rows(1)).await);
    for _ in 0..2 {
        let report = &ask(&line, &about).await[0];
        assert!(!report.state.is_final(), "{report:?}");
        assert_ne!(report.state, ReportedState::Unknown, "{report:?}");
        line.wait(Duration::from_secs(10));
    }
}

/// The second of three does not arrive.
async fn mixed(cx: Context, at: &str) -> (Line, Vec<Outbound>, Vec<ProviderRef>) {
    let to = cx.number(1).as_str().to_owned();
    let rule = format!(
        "{AT_ONCE}[[fail]]\nto = \"{to}\"\nreason = \"recipient_unreachable\"\nat = \"{at}\"\n"
    );
    let line = cx.start(&rule).await;
    let rows = cx.rows(3);
    let about = about(line.take_all(&rows).await);
    line.heard();
    (line, rows, about)
}

async fn reports_come_in_the_order_of_the_questions(cx: Context) {
    let (line, _, mut about) = mixed(cx, "delivered").await;
    about.reverse();
    about.push(about[1].clone());
    let states: Vec<bool> = ask(&line, &about)
        .await
        .into_iter()
        .map(|report| report.state == ReportedState::Delivered)
        .collect();
    assert_eq!(states, [true, false, true, false]);
}

async fn each_report_names_what_it_is_about(cx: Context) {
    let line = cx.start("").await;
    let about = about(line.take_all(&cx.rows(3)).await);
    let told: Vec<ProviderRef> = ask(&line, &about)
        .await
        .into_iter()
        .map(|report| report.about)
        .collect();
    for (told, asked) in told.iter().zip(&about) {
        assert_eq!(told.message, asked.message);
        assert_eq!(told.batch, asked.batch);
        assert_eq!(told.session, asked.session);
    }
}

async fn a_message_that_did_not_arrive_is_told_from_one_that_did(cx: Context) {
    for at in ["sent", "delivered"] {
        let (line, _, about) = mixed(cx, at).await;
        let reports = ask(&line, &about).await;
        let ends = reports.iter().map(|report| report.state);
        let [first, second, third] = ends.collect::<Vec<_>>()[..] else {
            panic!("{reports:?}");
        };
        assert_eq!(
            (first, third),
            (ReportedState::Delivered, ReportedState::Delivered)
        );
        let failed = [ReportedState::Undelivered, ReportedState::Failed];
        assert!(failed.contains(&second), "{reports:?}");
        // A vendor that has one word for every failure tells no reason.
        let reasons = [Reason::RecipientUnreachable, Reason::Unspecified];
        let reason = reports[1].reason;
        assert!(
            reason.is_some_and(|one| reasons.contains(&one)),
            "{reports:?}"
        );
    }
}

/// What a program has kept is all that it needs: another client with the same settings asks by it.
async fn what_to_ask_by_survives_a_restart(cx: Context) {
    let line = cx.start("").await;
    let kept = serde_json::to_string(&line.take(&cx.row(0, "Bonjour")).await.provider_ref).unwrap();
    let later = cx.client(&line.account, CALL_LIMIT);
    let about: ProviderRef = serde_json::from_str(&kept).unwrap();
    let reports = later.status(&[about]).await.unwrap();
    assert_eq!(reports[0].state, ReportedState::Submitted, "{reports:?}");
}

async fn a_message_that_nobody_knows_is_never_delivered(cx: Context) {
    let line = cx.start(AT_ONCE).await;
    line.take(&cx.row(0, "Bonjour")).await;
    // Another carrier knows this one.
    let elsewhere = cx.start(AT_ONCE).await;
    let about = elsewhere.take(&cx.row(1, "Bonjour")).await.provider_ref;
    check_unknown(line.provider.status(&[about]).await);
    check_unknown(line.provider.status(&[ProviderRef::default()]).await);
}

#[track_caller]
fn check_unknown(told: Result<Vec<DeliveryReport>>) {
    match told {
        Ok(reports) => assert_eq!(reports[0].state, ReportedState::Unknown, "{reports:?}"),
        Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound, "{error:?}"),
    }
}

async fn no_questions_make_no_call(cx: Context) {
    let line = cx.start("").await;
    assert_eq!(ask(&line, &[]).await, []);
    assert_eq!(line.n_calls(), 0);
}

const FAILING: [&str; 6] = [
    "refuse = { status = 500 }",
    "rate_limit = {}",
    "drop = { when = \"after\" }",
    "broken_json = true",
    "empty_body = true",
    "failure_in_200 = { message = \"not today\" }",
];

/// An error is no report, and never says that the message was or was not sent.
async fn a_question_that_fails_says_nothing_of_the_message(cx: Context) {
    let line = cx.start("").await;
    let about = about(line.take_all(&cx.rows(1)).await);
    for fault in FAILING {
        line.play(&format!("[[fault]]\n{fault}\n"));
        let error = match line.bare.status(&about).await {
            Err(error) => error,
            Ok(reports) => panic!("{fault}: {reports:?}"),
        };
        assert_eq!(
            error.acceptance(),
            Acceptance::NotSent,
            "{fault}: {error:?}"
        );
        assert_eq!(error.provider(), Some(cx.spec.id), "{fault}");
    }
}

async fn a_question_that_fails_for_a_moment_is_asked_again(cx: Context) {
    let line = cx.start("").await;
    let about = about(line.take_all(&cx.rows(1)).await);
    line.play("[[fault]]\nfirst = 2\nrefuse = { status = 503 }\n");
    let reports = ask(&line, &about).await;
    assert_eq!(reports[0].state, ReportedState::Submitted);
}

async fn a_state_that_nobody_knows_is_kept_in_its_own_word(cx: Context) {
    let line = cx.start(AT_ONCE).await;
    let about = about(line.take_all(&cx.rows(1)).await);
    line.play("[[fault]]\nunknown_status = { word = \"parked\" }\n");
    let report = &ask(&line, &about).await[0];
    assert_eq!(report.state, ReportedState::Unknown, "{report:?}");
    assert_eq!(report.raw.as_deref(), Some("parked"), "{report:?}");
}

async fn asking_where_nobody_answers_makes_no_call(cx: Context) {
    let line = cx.start("").await;
    let about = [ProviderRef::message("4711")];
    let error = line.provider.status(&about).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:?}");
    assert_eq!(line.n_calls(), 0);
}
