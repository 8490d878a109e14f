//! What earlier runs of a campaign have done: which rows are left, and what became of those whose
//! end nobody knew.
//!
//! Called by `mod.rs` before the run.

use super::super::Context;
use super::job;
use super::lines::{MessageLine, Tally, short_error, state_word};
use crate::args::CampaignArgs;
use crate::campaign::CampaignError;
use crate::campaign::journal::{Entry, Journal, Outcome};
use crate::campaign::prepare::PreparedMessage;
use crate::campaign::reconcile::{self, Doubt, Settled};
use crate::campaign::run::{Desk, Job, Verdict};
use crate::output::{Ending, counted};

/// The rows of a campaign by what is to be done with them.
pub(super) struct Rows {
    /// To be sent in this run.
    pub(super) jobs: Vec<Job>,
    /// To be asked about first.
    doubts: Vec<Doubt>,
    /// The others, counted by what is known of them.
    pub(super) tally: Tally,
    resend_unknown: bool,
}

impl Rows {
    pub(super) fn sorted(
        messages: Vec<PreparedMessage>,
        journal: &Journal,
        can_ask: bool,
        args: &CampaignArgs,
    ) -> Result<Self, CampaignError> {
        let known = messages
            .iter()
            .map(|message| (message.line, &message.fingerprint));
        let places = journal.places(known)?;
        let mut rows = Self {
            jobs: Vec::new(),
            doubts: Vec::new(),
            tally: Tally::default(),
            resend_unknown: args.resend_unknown,
        };
        for (message, place) in messages.into_iter().zip(places) {
            let entry = journal.entry(place.slot);
            let job = job(message, place.slot, journal.campaign());
            match entry {
                Some(entry) if entry.is_unknown() => match entry.begun_at.filter(|_| can_ask) {
                    Some(started) => rows.doubts.push(Doubt {
                        job,
                        started,
                        provider_ref: entry.provider_ref.clone(),
                    }),
                    None => rows.stay_unknown(job),
                },
                Some(Entry {
                    outcome: Some(outcome @ (Outcome::Submitted | Outcome::Refused)),
                    ..
                }) => rows.tally.add(state_word(*outcome), job.parts),
                Some(_) | None => rows.jobs.push(job),
            }
        }
        Ok(rows)
    }

    fn stay_unknown(&mut self, job: Job) {
        if self.resend_unknown {
            self.jobs.push(job);
        } else {
            self.tally.add(state_word(Outcome::Unknown), job.parts);
        }
    }

    /// Asks the provider about the rows in doubt, and says how many of them it has.
    pub(super) async fn settle(
        &mut self,
        context: &Context,
        desk: &mut Desk<'_>,
        in_flight: usize,
    ) -> anyhow::Result<usize> {
        let doubts = std::mem::take(&mut self.doubts);
        if doubts.is_empty() {
            return Ok(0);
        }
        context.output.remark(format_args!(
            "asking the provider about {} begun without a known end",
            counted(doubts.len(), "message")
        ));
        let settled = tokio::select! {
            settled = reconcile::settle(&desk.provider, doubts, in_flight) => settled,
            () = desk.interrupt.wait() => {
                let what = "interrupted while the provider was asked; the same command goes on";
                return Err(Ending::Interrupted(what.to_owned()).into());
            }
        };
        let mut taken: Vec<(Job, Verdict)> = Vec::new();
        let mut failed = Vec::new();
        for (job, settled) in settled {
            match settled {
                Settled::Taken(receipt) => {
                    self.tally.add(state_word(Outcome::Submitted), job.parts);
                    taken.push((job, Verdict::Submitted(receipt)));
                }
                Settled::NotTaken => self.jobs.push(job),
                Settled::Unknown => self.stay_unknown(job),
                Settled::Failed(error) => {
                    self.tally.add(state_word(Outcome::Unknown), job.parts);
                    failed.push((job.line, error));
                }
            }
        }
        if let Some((line, error)) = failed.first() {
            context.output.warn(format_args!(
                "{} could not be asked about, the first of them in line {line}: {}",
                counted(failed.len(), "message"),
                short_error(error)
            ));
        }
        self.jobs.sort_by_key(|job| job.line);
        if let Some(journal) = desk.journal.as_deref_mut() {
            journal.end(taken.iter().map(|(job, verdict)| {
                let known = verdict.provider_ref().cloned();
                (job.slot, verdict.outcome(), known)
            }))?;
            journal.sync()?;
        }
        if context.output.is_json() {
            for (job, verdict) in &taken {
                let line = MessageLine::done(job, verdict, true);
                context.output.json_line(&line)?;
            }
        }
        Ok(taken.len())
    }
}

/// `settled` are those that this run has found to be with the provider: it may just have sent them.
pub(super) fn remark_on_earlier_runs(context: &Context, tally: &Tally, settled: usize) {
    let (dealt_with, _) = tally.total();
    if settled > 0 {
        context
            .output
            .remark(format_args!("the provider has {settled} of them"));
    }
    let earlier = dealt_with.saturating_sub(settled);
    if earlier == 0 {
        return;
    }
    context.output.remark(format_args!(
        "dealt with before and not sent again: {}",
        counted(earlier, "message")
    ));
    let unknown = tally.messages("unknown");
    if unknown > 0 {
        context.output.warn(format_args!(
            "of these, nobody can know whether {unknown} reached the provider; --resend-unknown sends \
             them again"
        ));
    }
}
