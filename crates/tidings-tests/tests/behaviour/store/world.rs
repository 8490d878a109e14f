//! What a behaviour works with: a store, a clock that the behaviour moves, and short words for what
//! happens most.

use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tidings_core::{
    DeliveryReport, E164, Message, MessageState, ProviderRef, Reason, ReportedState, Timestamp,
};
use tidings_store::memory::MemoryStore;
use tidings_store::sqlite::SqliteStore;
use tidings_store::{
    AccountId, Applied, AttemptId, BatchId, BatchPlace, Begin, Begun, Cancellation, Event,
    EventFilter, Fault, Finding, Finished, Heard, Hold, LaneId, LeaseRequest, Leased,
    MessageHistory, MessageId, MessageKey, NewBatch, NewMessage, Next, NodeId, Once, OpenedBatch,
    Outcome, Repaired, Returned, Settled, Stamp, Store, StoredAccount, Taken,
};
use tidings_tests::TestClock;
use uuid::Uuid;

/// Which store it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Memory,
    Sqlite,
}

impl Kind {
    pub(crate) const ALL: &[Self] = &[Self::Memory, Self::Sqlite];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Sqlite => "sqlite",
        }
    }
}

/// Where the messages of most behaviours go.
pub(crate) const LANE: &str = "north";

/// Whose they are.
pub(crate) const ACCOUNT: &str = "acme";

/// Who works on them.
pub(crate) const NODE: &str = "node-1";

/// A store with its clock.
pub(crate) struct World {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) now: Timestamp,
    kind: Kind,
    folder: TempDir,
    n_ids: u128,
}

/// The moment at which every behaviour begins.
pub(crate) fn beginning() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

/// Opens the store of a folder.
async fn open(kind: Kind, folder: &TempDir, now: Timestamp) -> Arc<dyn Store> {
    match kind {
        Kind::Memory => Arc::new(MemoryStore::new()),
        Kind::Sqlite => {
            let clock = Arc::new(TestClock::at(now));
            let store = SqliteStore::open(folder.path().join("tidings.db"), clock).await;
            Arc::new(store.expect("a new file can be opened, and one of ours again"))
        }
    }
}

impl World {
    pub(crate) async fn open(kind: Kind) -> Self {
        let folder = TempDir::new().unwrap();
        let now = beginning();
        Self {
            store: open(kind, &folder, now).await,
            now,
            kind,
            folder,
            n_ids: 0,
        }
    }

    /// Closes the store and opens it again, as a process does that starts anew. What is only in memory
    /// stays, because there is nothing to open.
    pub(crate) async fn reopen(&mut self) {
        if self.kind != Kind::Memory {
            // Whoever opens the file finds it closed.
            self.store = Arc::new(MemoryStore::new());
            self.store = open(self.kind, &self.folder, self.now).await;
        }
    }

    pub(crate) fn wait(&mut self, time: Duration) {
        self.now = self.now.plus(time);
    }

    pub(crate) fn after(&self, seconds: u64) -> Timestamp {
        self.now.plus(Duration::from_secs(seconds))
    }

    /// A name that was not used before; later ones are greater.
    pub(crate) fn id(&mut self) -> Uuid {
        self.n_ids += 1;
        Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0000 + self.n_ids)
    }

    // ---- accepting ----

    /// A message for the lane of most behaviours.
    pub(crate) fn new_message(&mut self) -> NewMessage {
        let id = MessageId(self.id());
        let place = self.n_ids;
        new_message(id, Message::new(number(place), format!("Bonjour {place}")))
    }

    /// Takes messages that have to be taken.
    pub(crate) async fn accept(&self, messages: Vec<NewMessage>) -> Vec<MessageId> {
        let ids = messages.iter().map(|message| message.id).collect();
        let taken = self.offer(messages).await;
        assert!(
            taken.iter().all(|taken| *taken == Taken::New),
            "all messages are taken: {taken:?}"
        );
        ids
    }

    /// Hands messages over and gives what became of each.
    pub(crate) async fn offer(&self, messages: Vec<NewMessage>) -> Vec<Taken> {
        let taken = self.store.accept(&account(), messages, self.now).await;
        taken.unwrap()
    }

    /// As many queued messages.
    pub(crate) async fn queue(&mut self, n_messages: usize) -> Vec<MessageId> {
        let messages = (0..n_messages).map(|_| self.new_message()).collect();
        self.accept(messages).await
    }

    pub(crate) async fn queue_one(&mut self) -> MessageId {
        self.queue(1).await[0]
    }

    /// Opens a batch.
    pub(crate) async fn open_batch(&mut self) -> BatchId {
        let batch = new_batch(BatchId(self.id()));
        let opened = self.store.open_batch(&account(), batch, self.now).await;
        match opened.unwrap() {
            OpenedBatch::New(id) => id,
            other => panic!("a new batch is new: {other:?}"),
        }
    }

    /// A batch with as many queued rows, closed.
    pub(crate) async fn batch(&mut self, n_rows: u64) -> (BatchId, Vec<MessageId>) {
        let batch = self.open_batch().await;
        let rows = (0..n_rows).map(|index| self.row(batch, index)).collect();
        let ids = self.accept(rows).await;
        self.close_batch(batch).await;
        (batch, ids)
    }

    /// A row of a batch.
    pub(crate) fn row(&mut self, batch: BatchId, index: u64) -> NewMessage {
        let mut row = self.new_message();
        row.batch = Some(BatchPlace { batch, index });
        row
    }

    pub(crate) async fn close_batch(&self, batch: BatchId) {
        let closed = self.store.close_batch(batch, 0, None, self.now).await;
        closed.unwrap();
    }

    /// Gives the account as many parts.
    pub(crate) async fn account_with(&self, quota: Option<i64>) {
        let account = StoredAccount {
            id: account(),
            settings: "{}".into(),
            quota,
            is_active: true,
            created_at: self.now,
            version: 1,
        };
        self.store.add_account(account).await.unwrap();
    }

    // ---- the way out ----

    /// Leases for a minute.
    pub(crate) async fn lease(&self, limit: usize) -> Vec<Leased> {
        self.lease_on(LANE, NODE, limit).await
    }

    pub(crate) async fn lease_on(&self, lane: &str, node: &str, limit: usize) -> Vec<Leased> {
        let request = LeaseRequest {
            lane: lane.into(),
            node: node.into(),
            until: self.after(60),
            limit,
        };
        self.store.lease_due(request, self.now).await.unwrap()
    }

    pub(crate) async fn lease_one(&self) -> Leased {
        let mut leased = self.lease(1).await;
        leased.pop().expect("a message is ready")
    }

    pub(crate) async fn begin(&self, leased: &Leased) -> Begun {
        let begin = Begin {
            key: leased.key,
            lease: leased.lease,
            from: leased
                .message
                .from
                .clone()
                .filter(|_| leased.is_from_routed),
        };
        let begun = self.store.begin_attempts(vec![begin], self.now).await;
        begun.unwrap()[0]
    }

    /// Begins an attempt that may be made.
    pub(crate) async fn go(&self, leased: &Leased) -> AttemptId {
        match self.begin(leased).await {
            Begun::Go(attempt) => attempt,
            Begun::Gone => panic!("the attempt may be made"),
        }
    }

    /// Leases one message and begins its attempt.
    pub(crate) async fn send_one(&self) -> (MessageKey, AttemptId) {
        let leased = self.lease_one().await;
        (leased.key, self.go(&leased).await)
    }

    pub(crate) async fn finish(
        &self,
        (key, attempt): (MessageKey, AttemptId),
        outcome: Outcome,
    ) -> MessageState {
        let finished = Finished {
            key,
            attempt,
            outcome,
        };
        let after = self.store.finish_attempts(vec![finished], self.now).await;
        after.unwrap()[0]
    }

    pub(crate) async fn give_back(&self, leased: &Leased, next: Next) {
        let returned = Returned {
            key: leased.key,
            lease: leased.lease,
            next,
            closes_at: None,
            fault: None,
        };
        let returned = self.store.return_leased(vec![returned], self.now).await;
        returned.unwrap();
    }

    pub(crate) async fn settle(
        &self,
        (key, attempt): (MessageKey, AttemptId),
        finding: Finding,
    ) -> MessageState {
        let settled = Settled {
            key,
            attempt,
            finding,
        };
        let after = self.store.settle_doubts(vec![settled], self.now).await;
        after.unwrap()[0]
    }

    pub(crate) async fn repair(&self) -> Repaired {
        self.store.repair(1_000, self.now).await.unwrap()
    }

    pub(crate) async fn take_over(&self) -> Repaired {
        let node = NodeId::from(NODE);
        self.store.take_over(&node, self.now).await.unwrap()
    }

    pub(crate) async fn cancel(&self, id: MessageId) -> Cancellation {
        let canceled = self.store.cancel(None, vec![id], self.now).await;
        canceled.unwrap()[0]
    }

    // ---- reports ----

    pub(crate) async fn report(&self, about: ProviderRef, said: ReportedState) -> Applied {
        self.hear(DeliveryReport::new(about, said)).await
    }

    pub(crate) async fn hear(&self, report: DeliveryReport) -> Applied {
        let heard = Heard {
            lane: LANE.into(),
            report,
            received_at: self.now,
        };
        let applied = self.store.apply_reports(vec![heard], self.now).await;
        applied.unwrap().remove(0)
    }

    // ---- looking ----

    pub(crate) async fn history(&self, id: MessageId) -> MessageHistory {
        let history = self.store.message(None, id).await.unwrap();
        history.expect("the message is kept")
    }

    pub(crate) async fn state(&self, id: MessageId) -> MessageState {
        self.history(id).await.message.state
    }

    /// The words of what happened to a message.
    pub(crate) async fn words(&self, id: MessageId) -> Vec<&'static str> {
        let events = self.history(id).await.events;
        let words = events.iter().map(|event| event.kind.as_str());
        words
            .map(|word| word.strip_prefix("message.").unwrap_or(word))
            .collect()
    }

    /// Everything that happened, in order.
    pub(crate) async fn all_events(&self) -> Vec<Event> {
        let filter = EventFilter {
            limit: 100_000,
            ..EventFilter::default()
        };
        self.store.events(filter).await.unwrap()
    }
}

// ---- values ----

pub(crate) fn account() -> AccountId {
    ACCOUNT.into()
}

pub(crate) fn lane() -> LaneId {
    LANE.into()
}

/// The phone with this place in the count.
pub(crate) fn number(place: u128) -> E164 {
    E164::parse_possible(&format!("+47{:08}", 40_000_000 + place), None).unwrap()
}

/// A message with nothing else said.
pub(crate) fn new_message(id: MessageId, message: Message) -> NewMessage {
    NewMessage {
        id,
        message,
        original_text: None,
        parts: 1,
        lane: Some(lane()),
        stamp: Stamp(0),
        hold: None,
        timing: None,
        closes_at: None,
        expires_at: None,
        batch: None,
        row_hash: None,
        once: None,
        origin: "tidings".into(),
        terms: None,
        conversation: None,
        shown_sender: None,
        passes_opt_out: false,
        resend_of: None,
    }
}

pub(crate) fn new_batch(id: BatchId) -> NewBatch {
    NewBatch {
        id,
        reference: None,
        origin: "tidings".into(),
        once: None,
        joins: false,
        resend_of: None,
    }
}

/// A key for a request whose body is `body`, kept for a day.
pub(crate) fn once(key: &str, body: u8, now: Timestamp) -> Once {
    Once {
        key: key.into(),
        body: [body; 32],
        keep_until: now.plus(Duration::from_hours(24)),
        answer: Some(format!("answer to {key}").into()),
    }
}

pub(crate) fn fault(class: &str) -> Fault {
    Fault {
        class: class.into(),
        code: Some("17".into()),
        detail: Some("the provider said no".into()),
    }
}

pub(crate) fn taken(provider_id: &str) -> Outcome {
    Outcome::Taken {
        provider_ref: ProviderRef::message(provider_id),
        poll_at: None,
    }
}

pub(crate) fn not_taken(next: Next) -> Outcome {
    Outcome::NotTaken {
        fault: fault("rate_limited"),
        next,
    }
}

/// The answer was lost; it is to be asked about at this time.
pub(crate) fn lost(check_at: Timestamp) -> Outcome {
    Outcome::Unknown {
        fault: fault("timeout"),
        provider_ref: None,
        check_at: Some(check_at),
    }
}

/// It waits for the same lane.
pub(crate) fn again() -> Next {
    Next::Again {
        lane: lane(),
        not_before: None,
    }
}

pub(crate) fn failed() -> Next {
    Next::Fail(Reason::InvalidRecipient)
}

pub(crate) fn held(reason: tidings_core::HeldReason, until: Option<Timestamp>) -> Hold {
    Hold { reason, until }
}

/// Our own reference, as a provider that keeps it reports it.
pub(crate) fn by_reference(attempt: AttemptId) -> ProviderRef {
    let mut about = ProviderRef::default();
    about.reference = Some(attempt.reference());
    about
}
