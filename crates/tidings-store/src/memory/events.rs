//! What happened.

use async_trait::async_trait;

use super::{MemoryStore, Place, State, page};
use crate::error::Result;
use crate::model::{AuditEntry, AuditFilter, Event, EventFilter, EventSeq, NewEvent, Page};
use crate::store::Events;

#[async_trait]
impl Events for MemoryStore {
    async fn events(&self, filter: EventFilter) -> Result<Vec<Event>> {
        let state = &*self.lock();
        let after = usize::try_from(filter.after.0).unwrap_or(0);
        let events = state.events.iter().skip(after);
        let account = filter.account.as_ref();
        let events = events.filter(|event| account.is_none() || event.account.as_ref() == account);
        Ok(events.take(super::limit(filter.limit)).cloned().collect())
    }

    async fn last_event(&self) -> Result<EventSeq> {
        let state = &*self.lock();
        Ok(state
            .events
            .last()
            .map_or_else(EventSeq::default, |event| event.seq))
    }

    async fn record(&self, events: Vec<NewEvent>) -> Result<()> {
        let state = &mut *self.lock();
        for event in events {
            state.tell_new(event);
        }
        Ok(())
    }

    async fn audit(&self, mut entry: AuditEntry) -> Result<()> {
        let state = &mut *self.lock();
        entry.seq = seq_after(state.audit.len());
        state.audit.push(entry);
        Ok(())
    }

    async fn audit_entries(&self, filter: AuditFilter) -> Result<Page<AuditEntry>> {
        let state = &*self.lock();
        let account = filter.account.as_ref();
        let entries = state.audit.iter().rev();
        let entries =
            entries.filter(|entry| account.is_none() || entry.account.as_ref() == account);
        let entries = entries.map(|entry| (Place(entry.seq.0, 0), entry.clone()));
        page(entries, &filter.page, true)
    }
}

impl State {
    /// Gives an event its place and makes the deliveries of the webhooks that are told of it.
    pub(super) fn tell(&mut self, mut event: Event) {
        event.seq = seq_after(self.events.len());
        self.deliver(&event);
        self.events.push(event);
    }

    pub(super) fn tell_new(&mut self, event: NewEvent) {
        self.tell(Event {
            seq: EventSeq::default(),
            at: event.at,
            kind: event.kind,
            account: event.account,
            message: None,
            batch: event.batch,
            lane: event.lane,
            attempt: None,
            state: None,
            version: None,
            their_time: None,
            code: None,
            reason: None,
            detail: event.detail,
        });
    }
}

fn seq_after(n_before: usize) -> EventSeq {
    EventSeq(i64::try_from(n_before + 1).unwrap_or(i64::MAX))
}
