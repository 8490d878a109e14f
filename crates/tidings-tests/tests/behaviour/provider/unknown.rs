//! Answers that are lost: what is said of the message is true at every stage at which a connection can
//! die, and what can be found out afterwards is true too. What a messenger makes of it is in
//! `policies.rs`.

use std::sync::Arc;
use std::time::Duration;

use tidings::{
    Acceptance, Error, ErrorKind, Outbound, ProviderRef, Reconciled, ReportedState, Result,
};
use tidings_tests::{CALL_LIMIT, CutLine, Ending, Stage, standard};

use Acceptance::{NotSent, Unknown};

use crate::behaviour::{Behaviour, rows};
use crate::context::{Context, Line, lost_attempt, submit};

pub(super) fn rows() -> Vec<Behaviour> {
    let mut rows = rows! {
        a_lost_answer_about_a_message_that_was_taken_never_leads_to_the_word_that_it_was_not: [RECONCILE, FAULTS],
        a_lost_answer_about_a_message_that_was_not_taken_never_leads_to_the_word_that_it_was: [RECONCILE, FAULTS],
        a_lost_answer_about_a_message_that_waits_is_found_out: [RECONCILE, FAULTS],
        a_message_that_was_acknowledged_is_never_said_not_to_be_taken: [RECONCILE],
        to_ask_about_a_lost_answer_sends_nothing: [RECONCILE, FAULTS],
        a_question_about_a_lost_answer_that_fails_is_no_answer: [RECONCILE, FAULTS],
        where_a_lost_answer_cannot_be_found_out_nothing_is_asked_or_claimed: [NO_RECONCILE, FAULTS],
    };
    for (stage, ending) in every_death() {
        let name = format!(
            "connection_{}_{}_leaves_no_false_word",
            ending.as_str(),
            stage.as_str()
        );
        rows.push(Behaviour::named(name, &[], move |cx| {
            check_word(cx, stage, ending)
        }));
    }
    rows
}

/// Every stage with every way to end there. What does not listen cannot end a connection.
fn every_death() -> impl Iterator<Item = (Stage, Ending)> {
    let both = |stage| Ending::ALL.map(|ending| (stage, ending));
    let deaths = Stage::ALL.into_iter().flat_map(both);
    deaths.filter(|death| *death != (Stage::BeforeTheConnection, Ending::Reset))
}

// ---- what is said ----

/// In the text of the messages whose calls are cut, and in no other call.
pub(super) const MARKER: &str = "Zugspitze";

/// A carrier, or a gateway, behind a line that can be cut.
pub(super) struct Fragile {
    pub(super) line: Line,
    pub(super) cut: CutLine,
}

impl Fragile {
    /// The line is about to be cut at a stage of the next call that holds [`MARKER`].
    pub(super) async fn start(cx: Context, (stage, ending): (Stage, Ending)) -> Self {
        let mut line = cx.start("").await;
        let (url, address) = line.listens_at();
        let cut = CutLine::to(address).await;
        let base_url = line.account.setting("base_url").unwrap_or_default();
        let base_url = base_url.replacen(&url, &cut.base_url(), 1);
        line.account = line.account.clone().with("base_url", base_url);
        line.bare = cx.client(&line.account, CALL_LIMIT);
        line.provider = standard(Arc::clone(&line.bare), Duration::from_mins(1));
        if stage.is_before_any_call() {
            // The first connection of this client is the one that matters.
            cut.cut((stage, ending), MARKER, 1).await;
            // Whoever has been turned away may want to wait longer than anybody does here.
            line.provider = standard(Arc::clone(&line.bare), Duration::from_millis(50));
            return Self { line, cut };
        }
        // Signing in, where that is needed, is not what is cut.
        line.take(&cx.row(0, "Bonjour")).await;
        cut.cut((stage, ending), MARKER, 1).await;
        Self { line, cut }
    }

    /// Mends the line. Where nobody could get through, another client calls from now on, one that has
    /// no reason to wait; and where the connection ended behind an answer, one that need not have noticed
    /// that by now.
    pub(super) async fn heal(&mut self, cx: Context, stage: Stage) {
        self.cut.heal().await;
        if stage.is_before_any_call() || stage == Stage::AfterTheAnswer {
            let again = cx.client(&self.line.account, CALL_LIMIT);
            self.line.provider = standard(again, CALL_LIMIT);
        }
    }
}

async fn check_word(cx: Context, stage: Stage, ending: Ending) {
    let mut fragile = Fragile::start(cx, (stage, ending)).await;
    let row = cx.row(1, MARKER);
    let said = fragile.line.submit_one(&row).await;
    fragile.heal(cx, stage).await;
    let Fragile { line, cut } = fragile;
    let arrived = line.arrivals_of(&row);
    check_truth(&said, arrived);
    check_stage(stage, ending, &said, arrived);
    if stage != Stage::BeforeTheConnection {
        assert!(cut.n_cuts() > 0, "the line was not cut");
    }
    // The line works again.
    let next = cx.row(2, "Bonsoir");
    line.take(&next).await;
    assert_eq!(line.arrivals_of(&next), 1);
}

/// What is called sent has arrived, what is called not sent has not, and nothing arrived twice.
#[track_caller]
fn check_truth<T>(said: &Result<T>, arrived: usize) {
    let acceptance = said.as_ref().err().map(Error::acceptance);
    let is_true = match acceptance {
        None => arrived == 1,
        Some(Unknown) => arrived <= 1,
        Some(_) => arrived == 0,
    };
    assert!(
        is_true,
        "it arrived {arrived} times, and was said to be {acceptance:?}"
    );
}

/// What can be known at a stage is known.
#[track_caller]
fn check_stage<T>(stage: Stage, ending: Ending, said: &Result<T>, arrived: usize) {
    let acceptance = said.as_ref().err().map(Error::acceptance);
    match stage {
        Stage::BeforeTheConnection => assert_eq!(acceptance, Some(NotSent)),
        // How much the client had written by then is its own secret, and the carrier read none of it.
        Stage::AfterTheConnection => assert_eq!(arrived, 0),
        Stage::InTheHead | Stage::AfterTheHead | Stage::InTheBody => {
            assert_eq!((acceptance, arrived), (Some(Unknown), 0));
        }
        Stage::AfterTheBody => assert_eq!(acceptance, Some(Unknown)),
        Stage::BeforeTheAnswer
        | Stage::InTheAnswersHead
        | Stage::AfterTheAnswersHead
        | Stage::InTheAnswersBody => assert_eq!((acceptance, arrived), (Some(Unknown), 1)),
        Stage::AfterTheAnswer if ending == Ending::Closed => assert_eq!(acceptance, None),
        // A reset may overtake what was sent before it.
        Stage::AfterTheAnswer => assert_eq!(arrived, 1),
    }
}

// ---- what is found out ----

/// Hands a message over of which nobody knows afterwards whether it was taken.
async fn lose(line: &Line, row: &Outbound, scenario: &str) -> Error {
    let lost = "[[fault]]\ncall = \"submit\"\ndrop = { when = \"after\" }\n";
    line.play(&format!("{scenario}{lost}"));
    let error = submit(&*line.bare, std::slice::from_ref(row))
        .await
        .remove(0)
        .unwrap_err();
    assert_eq!(error.acceptance(), Unknown, "{error:?}");
    error
}

async fn lose_before(line: &Line, row: &Outbound) -> Error {
    line.play("[[fault]]\ncall = \"submit\"\ndrop = { when = \"before\" }\n");
    let error = submit(&*line.bare, std::slice::from_ref(row))
        .await
        .remove(0)
        .unwrap_err();
    assert_eq!(error.acceptance(), Unknown, "{error:?}");
    line.play("");
    error
}

async fn a_lost_answer_about_a_message_that_was_taken_never_leads_to_the_word_that_it_was_not(
    cx: Context,
) {
    let line = cx.start("").await;
    let row = cx.row(0, "Bonjour");
    let error = lose(&line, &row, "").await;
    assert_eq!(line.arrivals_of(&row), 1);
    line.play("");
    match line
        .provider
        .reconcile(&lost_attempt(&row, &error))
        .await
        .unwrap()
    {
        Reconciled::Taken(receipt) => check_receipt(cx, &line, &row, receipt.provider_ref).await,
        Reconciled::CannotTell => {}
        other => panic!("{other:?}"),
    }
}

/// Whoever holds the receipt can ask by it like by any other.
async fn check_receipt(cx: Context, line: &Line, row: &Outbound, about: ProviderRef) {
    let reference = about.reference.as_ref();
    assert!(reference.is_none_or(|it| *it == row.reference), "{about:?}");
    assert_ne!(about, ProviderRef::default());
    line.play("");
    if cx.can().status {
        let reports = line.provider.status(&[about]).await.unwrap();
        assert_ne!(reports[0].state, ReportedState::Unknown, "{reports:?}");
    }
}

async fn a_lost_answer_about_a_message_that_was_not_taken_never_leads_to_the_word_that_it_was(
    cx: Context,
) {
    let line = cx.start("").await;
    let row = cx.row(0, "Bonjour");
    let error = lose_before(&line, &row).await;
    let found = line
        .provider
        .reconcile(&lost_attempt(&row, &error))
        .await
        .unwrap();
    let allowed = [Reconciled::NotTaken, Reconciled::CannotTell];
    assert!(allowed.contains(&found), "{found:?}");
}

/// What the carrier still has can be seen there by every provider that can say anything.
async fn a_lost_answer_about_a_message_that_waits_is_found_out(cx: Context) {
    let slow = "rate_per_s = 1.0\n";
    let line = cx.start(slow).await;
    line.take(&cx.row(0, "Bonjour")).await;
    let row = cx.row(1, "Bonjour");
    let error = lose(&line, &row, slow).await;
    line.play(slow);
    match line
        .provider
        .reconcile(&lost_attempt(&row, &error))
        .await
        .unwrap()
    {
        Reconciled::Taken(receipt) => check_receipt(cx, &line, &row, receipt.provider_ref).await,
        other => panic!("{other:?}"),
    }
}

async fn a_message_that_was_acknowledged_is_never_said_not_to_be_taken(cx: Context) {
    let line = cx.start("").await;
    let row = cx.row(0, "Bonjour");
    let receipt = line.take(&row).await;
    let error = Error::new(ErrorKind::Timeout, Unknown, "the answer was forgotten");
    let error = error.with_provider_ref(receipt.provider_ref);
    let found = line
        .provider
        .reconcile(&lost_attempt(&row, &error))
        .await
        .unwrap();
    assert_ne!(found, Reconciled::NotTaken);
    assert_eq!(line.arrivals_of(&row), 1);
}

async fn to_ask_about_a_lost_answer_sends_nothing(cx: Context) {
    let line = cx.start("").await;
    let rows = cx.rows(2);
    let first = lose_before(&line, &rows[0]).await;
    let second = lose(&line, &rows[1], "").await;
    line.play("");
    for _ in 0..3 {
        drop(
            line.provider
                .reconcile(&lost_attempt(&rows[0], &first))
                .await,
        );
        drop(
            line.provider
                .reconcile(&lost_attempt(&rows[1], &second))
                .await,
        );
    }
    assert_eq!(line.arrivals_of(&rows[0]), 0);
    assert_eq!(line.arrivals_of(&rows[1]), 1);
}

async fn a_question_about_a_lost_answer_that_fails_is_no_answer(cx: Context) {
    let line = cx.start("").await;
    let row = cx.row(0, "Bonjour");
    let error = lose(&line, &row, "").await;
    let faults = [
        "refuse = { status = 500 }",
        "refuse = { status = 404, body = \"<html>Not Found</html>\" }",
        "drop = { when = \"after\" }",
        "broken_json = true",
        "empty_body = true",
        "failure_in_200 = { message = \"not today\" }",
        "wrong_content_type = { content_type = \"text/html\" }",
    ];
    for fault in faults {
        line.play(&format!("[[fault]]\n{fault}\n"));
        match line.bare.reconcile(&lost_attempt(&row, &error)).await {
            // Read in spite of the fault.
            Ok(Reconciled::Taken(receipt)) => {
                check_receipt(cx, &line, &row, receipt.provider_ref).await;
            }
            Ok(Reconciled::CannotTell) => {}
            Ok(other) => panic!("{fault}: {other:?}"),
            Err(error) => assert_eq!(error.acceptance(), NotSent, "{fault}: {error:?}"),
        }
    }
    assert_eq!(line.arrivals_of(&row), 1);
}

async fn where_a_lost_answer_cannot_be_found_out_nothing_is_asked_or_claimed(cx: Context) {
    let line = cx.start("").await;
    let row = cx.row(0, "Bonjour");
    let error = lose(&line, &row, "").await;
    let before = line.n_calls();
    let found = line
        .provider
        .reconcile(&lost_attempt(&row, &error))
        .await
        .unwrap();
    assert_eq!(found, Reconciled::CannotTell);
    assert_eq!(line.n_calls(), before);
}
