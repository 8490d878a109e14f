//! Tests of sending, over a provider that does what the test says.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tidings::{
    Acceptance, AttemptRef, Balance, Capabilities, ClientRef, DeliveryReport, Error, ErrorKind,
    Message, Outbound, Provider, ProviderRef, Receipt, Reconciled, Result, SystemClock,
};

use super::journal::{Fingerprint, Identity, Journal, Outcome};
use super::run::{Calls, Desk, Job, Pacing, RunEnd, Verdict, run};
use crate::interrupt::Interrupt;

/// Answers each call with the next of its errors, and with success when there are none left.
#[derive(Debug, Default)]
struct Scripted {
    errors: Mutex<VecDeque<Option<Error>>>,
    /// The references of each call.
    calls: Mutex<Vec<Vec<String>>>,
    journal: Option<std::path::PathBuf>,
    /// What the journal held when each call began.
    journal_at_call: Mutex<Vec<String>>,
}

#[async_trait]
impl Provider for Scripted {
    fn capabilities(&self) -> Capabilities {
        Capabilities::submit_only()
    }

    async fn submit(&self, messages: &[Outbound]) -> Result<Vec<Result<Receipt>>> {
        if let Some(path) = &self.journal {
            self.journal_at_call
                .lock()
                .unwrap()
                .push(std::fs::read_to_string(path).unwrap());
        }
        let references = messages
            .iter()
            .map(|message| message.reference.as_str().to_owned());
        self.calls.lock().unwrap().push(references.collect());
        match self.errors.lock().unwrap().pop_front().flatten() {
            Some(error) => Err(error),
            None => Ok(messages
                .iter()
                .map(|message| {
                    Ok(Receipt::new(ProviderRef::message(
                        message.reference.as_str(),
                    )))
                })
                .collect()),
        }
    }

    async fn status(&self, _: &[ProviderRef]) -> Result<Vec<DeliveryReport>> {
        Ok(Vec::new())
    }

    async fn reconcile(&self, _: &AttemptRef) -> Result<Reconciled> {
        Ok(Reconciled::CannotTell)
    }

    async fn cancel(&self, _: &ProviderRef) -> Result<()> {
        Ok(())
    }

    async fn balance(&self) -> Result<Balance> {
        Ok(Balance::new(0, "parts"))
    }
}

fn jobs(texts: &[&str]) -> Vec<Job> {
    let jobs = (2..).zip(texts).map(|(line, text)| {
        let to = format!("+2246220000{line:02}").parse().unwrap();
        Job {
            line,
            slot: line,
            parts: 1,
            fingerprint: Fingerprint::of(&[text.as_bytes()]),
            outbound: Outbound::new(
                ClientRef::new(line.to_string()).unwrap(),
                Message::new(to, *text),
            ),
        }
    });
    jobs.collect()
}

fn pacing(in_flight: usize, calls: Calls) -> Pacing {
    Pacing {
        in_flight,
        rate: None,
        calls,
    }
}

/// Runs the jobs and returns what came of each line.
async fn outcomes(
    provider: &Arc<Scripted>,
    jobs: Vec<Job>,
    pacing: Pacing,
    journal: Option<&mut Journal>,
) -> (RunEnd, Vec<(u64, Outcome)>) {
    let mut interrupt = Interrupt::listen().unwrap();
    let provider: Arc<dyn Provider> = Arc::clone(provider) as Arc<dyn Provider>;
    let desk = Desk {
        provider,
        clock: &SystemClock::new(),
        journal,
        interrupt: &mut interrupt,
    };
    let mut outcomes = Vec::new();
    let end = run(desk, jobs, pacing, &mut |job: &Job, verdict: &Verdict| {
        outcomes.push((job.line, verdict.outcome()));
        Ok(())
    })
    .await
    .unwrap();
    (end, outcomes)
}

fn failing(errors: impl IntoIterator<Item = Option<Error>>) -> Arc<Scripted> {
    Arc::new(Scripted {
        errors: Mutex::new(errors.into_iter().collect()),
        ..Scripted::default()
    })
}

#[tokio::test]
async fn every_outcome_is_told_apart() {
    let failed = |kind, acceptance| Some(Error::new(kind, acceptance, "failed"));
    let provider = failing([
        None,
        failed(ErrorKind::Rejected, Acceptance::Refused),
        failed(ErrorKind::Timeout, Acceptance::Unknown),
        failed(ErrorKind::Unavailable, Acceptance::NotSent),
        failed(ErrorKind::RateLimited, Acceptance::Refused),
    ]);
    let jobs = jobs(&["a", "b", "c", "d", "e"]);
    let (end, outcomes) = outcomes(&provider, jobs, pacing(1, Calls::Single), None).await;
    assert!(matches!(end, RunEnd::Complete));
    let expected = [
        (2, Outcome::Submitted),
        (3, Outcome::Refused),
        (4, Outcome::Unknown),
        (5, Outcome::NotSent),
        // Refused for the account's sake: the message itself can be sent again.
        (6, Outcome::NotSent),
    ];
    assert_eq!(outcomes, expected);
}

#[tokio::test]
async fn a_refused_account_stops_the_campaign_at_once() {
    let refused = Error::not_sent(ErrorKind::Unauthorized, "wrong key");
    let provider = failing([Some(refused)]);
    let (end, outcomes) = outcomes(
        &provider,
        jobs(&["a", "b", "c"]),
        pacing(1, Calls::Single),
        None,
    )
    .await;
    assert!(matches!(end, RunEnd::Trouble(_)), "{end:?}");
    assert_eq!(outcomes, [(2, Outcome::NotSent)]);
}

#[tokio::test]
async fn a_provider_that_is_down_stops_the_campaign_after_a_while() {
    let down = || Some(Error::not_sent(ErrorKind::Unavailable, "down"));
    let provider = failing(std::iter::repeat_with(down).take(100));
    let (end, outcomes) =
        outcomes(&provider, jobs(&["a"; 60]), pacing(1, Calls::Single), None).await;
    assert!(matches!(end, RunEnd::Trouble(_)), "{end:?}");
    assert_eq!(outcomes.len(), 20);
}

#[tokio::test]
async fn equal_texts_share_calls_if_asked() {
    let provider = failing([]);
    let texts = ["a", "b", "a", "a", "b", "a"];
    outcomes(
        &provider,
        jobs(&texts),
        pacing(1, Calls::EqualTexts(3)),
        None,
    )
    .await;
    let calls = provider.calls.lock().unwrap().clone();
    assert_eq!(calls, [vec!["2", "4", "5"], vec!["3", "6"], vec!["7"]]);
}

#[tokio::test]
async fn where_texts_may_differ_in_a_call_every_call_is_filled() {
    let provider = failing([]);
    let texts = ["a", "b", "a", "c", "b", "d", "e"];
    outcomes(&provider, jobs(&texts), pacing(1, Calls::AnyTexts(3)), None).await;
    let calls = provider.calls.lock().unwrap().clone();
    assert_eq!(calls, [vec!["2", "3", "4"], vec!["5", "6", "7"], vec!["8"]]);
}

#[tokio::test]
async fn the_journal_names_every_message_before_its_call() {
    check_named_before_its_call(&["a", "b", "c", "d", "e"], pacing(2, Calls::Single), 5).await;
    // A call with several messages is no exception.
    check_named_before_its_call(
        &["a", "a", "b", "a", "a"],
        pacing(2, Calls::EqualTexts(3)),
        3,
    )
    .await;
}

async fn check_named_before_its_call(texts: &[&str], pacing: Pacing, n_calls: usize) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let identity = Identity {
        file: Fingerprint::of(&[]),
        template: Fingerprint::of(&[]),
        options: Fingerprint::of(&[]),
        account: "a".to_owned(),
    };
    let mut journal = Journal::open(&path, &identity, "c").unwrap();
    let provider = Arc::new(Scripted {
        journal: Some(path.clone()),
        ..Scripted::default()
    });
    outcomes(&provider, jobs(texts), pacing, Some(&mut journal)).await;
    let calls = provider.calls.lock().unwrap().clone();
    let seen = provider.journal_at_call.lock().unwrap().clone();
    assert_eq!(calls.len(), n_calls);
    for (call, journal) in calls.iter().zip(seen) {
        for line in call {
            let is_begun =
                |text: &str| text.contains("begin") && text.contains(&format!("[{line},"));
            assert!(journal.lines().any(is_begun), "{line}: {journal}");
        }
    }
    for line in 2..7 {
        let entry = journal.entry(line).unwrap();
        assert_eq!(entry.outcome, Some(Outcome::Submitted));
    }
}

#[tokio::test]
async fn when_nobody_listens_any_more_nothing_more_is_begun() {
    let provider = failing([]);
    let mut interrupt = Interrupt::listen().unwrap();
    let seam: Arc<dyn Provider> = Arc::clone(&provider) as Arc<dyn Provider>;
    let desk = Desk {
        provider: seam,
        clock: &SystemClock::new(),
        journal: None,
        interrupt: &mut interrupt,
    };
    let result = run(
        desk,
        jobs(&["a"; 50]),
        pacing(2, Calls::Single),
        &mut |_, _| anyhow::bail!("gone"),
    )
    .await;
    assert_eq!(result.unwrap_err().to_string(), "gone");
    assert!(provider.calls.lock().unwrap().len() <= 4);
}
