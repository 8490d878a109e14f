//! Takes in what was heard: reports into histories and states, texts of phones and changes of
//! conversations to [`crate::inbound`].
//!
//! Called by the callbacks' route, by polling and by dispatch after it asked about a lost answer. When
//! it answers, everything is on disk.

use tidings::callback::Callback;
use tidings_core::{DeliveryReport, MessageState, Reason};
use tidings_store::{Applied, Heard, LaneId, StoreError};

use super::health::{self, News};
use crate::gateway::Gateway;
use crate::inbound;

/// The most reports of one transaction: messages of customers wait for no longer one.
const REPORTS_AT_ONCE: usize = 500;

/// What became of what was heard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hearing {
    /// Reports that moved a message on.
    pub n_moved: usize,
    /// Reports that said nothing new.
    pub n_stale: usize,
    /// Reports that concern no message that is known; they are kept.
    pub n_unmatched: usize,
    /// Texts of phones that are new.
    pub n_texts: usize,
}

/// Takes in what a lane's provider told.
pub async fn hear(
    gateway: &Gateway,
    lane: &LaneId,
    callbacks: Vec<Callback>,
) -> Result<Hearing, StoreError> {
    let mut reports = Vec::new();
    let mut texts = Vec::new();
    let mut conversations = Vec::new();
    for callback in callbacks {
        match callback {
            Callback::Report(report) => reports.push(report),
            Callback::Inbound(text) => texts.push(text),
            Callback::Conversation(event) => conversations.push(*event),
            // What there is no word for yet is no news.
            _ => {}
        }
    }
    let mut hearing = hear_reports(gateway, lane, reports).await?;
    // What a file is, is told with the conversation that the text is in.
    let messages = conversations
        .iter()
        .filter_map(|event| event.message.as_ref());
    let files = messages.filter_map(|message| Some((message.id.clone(), message.media.clone()?)));
    let files = files.collect();
    hearing.n_texts = inbound::take_with_files(gateway, lane, texts, &files).await?;
    inbound::follow(gateway, lane, conversations).await?;
    Ok(hearing)
}

/// Takes in reports, many in one transaction: also those of a call that brings thousands.
async fn hear_reports(
    gateway: &Gateway,
    lane: &LaneId,
    reports: Vec<DeliveryReport>,
) -> Result<Hearing, StoreError> {
    let mut hearing = Hearing::default();
    let mut reports = reports.into_iter();
    loop {
        let now = gateway.now();
        let chunk: Vec<Heard> = reports
            .by_ref()
            .take(REPORTS_AT_ONCE)
            .map(|report| Heard {
                lane: lane.clone(),
                report,
                received_at: now,
            })
            .collect();
        if chunk.is_empty() {
            return Ok(hearing);
        }
        let reasons: Vec<Option<Reason>> = chunk.iter().map(|heard| heard.report.reason).collect();
        let applied = gateway.store().apply_reports(chunk, now).await?;
        let mut tally = Tally::new(gateway, lane);
        for (applied, reason) in applied.iter().zip(reasons) {
            tally.count(applied, reason);
        }
        tally.end(&mut hearing).await?;
    }
}

/// Counts what reports did, for metrics, for the lane's health and for who is woken.
struct Tally<'a> {
    gateway: &'a Gateway,
    lane: &'a LaneId,
    hearing: Hearing,
    news: News,
    delay_limit: Option<std::time::Duration>,
}

impl<'a> Tally<'a> {
    fn new(gateway: &'a Gateway, lane: &'a LaneId) -> Self {
        Self {
            gateway,
            lane,
            hearing: Hearing::default(),
            news: News::default(),
            delay_limit: gateway.live().config.monitoring.delivery_delay,
        }
    }

    fn count(&mut self, applied: &Applied, reason: Option<Reason>) {
        let Applied::Noted {
            before,
            after,
            accepted_at,
            taken_at,
            ..
        } = applied
        else {
            self.hearing.n_unmatched += 1;
            return;
        };
        if before == after {
            self.hearing.n_stale += 1;
            return;
        }
        self.hearing.n_moved += 1;
        let lane = self.lane.as_str().to_owned();
        metrics::counter!("tidings_reports_total", "lane" => lane.clone(), "state" => after.as_str())
            .increment(1);
        if after.is_final() {
            self.news.ended += 1;
        }
        match after {
            MessageState::Delivered => {
                self.news.good += 1;
                let now = self.gateway.now();
                metrics::histogram!("tidings_delivery_seconds", "lane" => lane.clone())
                    .record(now.since(*accepted_at).as_secs_f64());
                if let Some(taken_at) = taken_at {
                    let took = now.since(*taken_at);
                    metrics::histogram!("tidings_carrier_seconds", "lane" => lane)
                        .record(took.as_secs_f64());
                    match self.delay_limit {
                        Some(limit) if took > limit => self.news.late += 1,
                        _ => self.news.timely += 1,
                    }
                }
            }
            MessageState::Failed | MessageState::Undelivered => {
                if health::is_provider_fault(reason) {
                    self.news.faults += 1;
                } else {
                    self.news.good += 1;
                }
            }
            _ => {}
        }
    }

    async fn end(self, hearing: &mut Hearing) -> Result<(), StoreError> {
        let Self {
            gateway,
            lane,
            hearing: counted,
            news,
            ..
        } = self;
        hearing.n_moved += counted.n_moved;
        hearing.n_stale += counted.n_stale;
        hearing.n_unmatched += counted.n_unmatched;
        let unheard = [
            ("stale", counted.n_stale),
            ("unmatched", counted.n_unmatched),
        ];
        for (state, count) in unheard {
            if count > 0 {
                metrics::counter!("tidings_reports_total", "lane" => lane.as_str().to_owned(), "state" => state)
                    .increment(count as u64);
            }
        }
        // A stale report is an event too: whoever follows events is told of it.
        gateway.signals().happened();
        match gateway.lane(lane) {
            Some(lane) => health::note(gateway, &lane, news).await,
            None => Ok(()),
        }
    }
}
