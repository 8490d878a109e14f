//! Batches: many messages under one name, taken row by row while they come in.
//!
//! [`open`] is called by the API's handlers and the vendors' APIs, which then [`add`](BatchIntake::add) rows as
//! they read them and [`close`](BatchIntake::close) the batch at the end. What has come is sent at once. A
//! request with a key that broke off is sent again as a whole: rows that are there already are not taken again,
//! because a batch has every row once. It reads no format and remembers no row but as a hash.

use std::collections::HashSet;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tidings::template::Template;
use tidings_core::Timestamp;
use tidings_store::{
    AccountId, BatchId, BatchPlace, NewBatch, Once, OpenedBatch, StoreError, StoreErrorKind,
};

use super::accept::{Row, take};
use super::check::Ground;
use super::draft::Draft;
use super::duplicates::Seen;
use super::once::{self, Canonical};
use super::verdict::{Rejection, RejectionCode, Verdict};
use crate::gateway::Gateway;
use crate::settings::Customer;

/// Rows in one transaction. Between two of them others have their turn.
const ROWS_AT_ONCE: usize = 1_000;

/// A batch that somebody wants to be opened.
#[derive(Clone, Debug)]
pub struct BatchRequest {
    /// Which API it comes by: `tidings`, or the id of a provider.
    pub origin: Arc<str>,
    /// The customer's own name for it.
    pub reference: Option<Arc<str>>,
    /// The customer's key for the request, as [`once::check_key`] has seen it.
    pub key: Option<Box<str>>,
    /// Whether the rows go to a batch of the same reference that is still open to rows.
    pub joins: bool,
    /// The text of rows that have none of their own, with a field for what differs.
    pub template: Option<Template>,
    /// Whether rows that say the same to the same person are all sent.
    pub allows_duplicates: bool,
}

impl BatchRequest {
    /// A batch of rows with texts of their own.
    pub fn new(origin: impl Into<Arc<str>>) -> Self {
        Self {
            origin: origin.into(),
            reference: None,
            key: None,
            joins: false,
            template: None,
            allows_duplicates: false,
        }
    }
}

/// One row of a batch.
#[derive(Clone, Debug)]
pub struct BatchRow {
    /// What is asked for, or why it could not be read: such a row has its place all the same. A draft
    /// without a text takes that of the template.
    pub draft: Result<Draft, Rejection>,
    /// What the template is filled with: names and values.
    pub fields: Vec<(String, String)>,
    /// The name under which this row is taken once, whatever batch it comes in.
    pub key: Option<Box<str>>,
}

impl From<Draft> for BatchRow {
    fn from(draft: Draft) -> Self {
        Self {
            draft: Ok(draft),
            fields: Vec::new(),
            key: None,
        }
    }
}

impl From<Rejection> for BatchRow {
    fn from(rejection: Rejection) -> Self {
        Self {
            draft: Err(rejection),
            fields: Vec::new(),
            key: None,
        }
    }
}

/// What became of the wish to open a batch.
#[derive(Debug)]
pub enum Opened {
    /// It takes rows.
    Rows(Box<BatchIntake>),
    /// The request with this key is being worked on at this moment.
    InWork,
    /// The key was used for a single message.
    OtherRequest,
}

/// How a batch ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closed {
    /// All its rows have come.
    Now,
    /// The same request was ended before, and answered with this.
    Before {
        /// What was answered then.
        answer: Option<Arc<str>>,
    },
    /// The key was used before for another request.
    OtherRequest,
}

/// A batch that takes rows.
pub struct BatchIntake {
    gateway: Gateway,
    customer: Customer,
    origin: Arc<str>,
    id: BatchId,
    template: Option<Template>,
    next_index: u64,
    n_rows: u64,
    n_rejected: u64,
    seen: Option<Seen>,
    request: Canonical,
    once: Option<Once>,
    /// When the last of the messages may leave first.
    latest: Timestamp,
    /// Where the request was ended before: what it was.
    ended: Option<([u8; 32], Option<Arc<str>>)>,
    _in_work: Option<InWork>,
}

/// Opens a batch for rows, or goes on with one that broke off.
pub async fn open(
    gateway: &Gateway,
    customer: &Customer,
    request: BatchRequest,
) -> Result<Opened, StoreError> {
    let now = gateway.now();
    let in_work = match &request.key {
        None => None,
        Some(key) => match gateway.batches().begin(&customer.id, key) {
            None => return Ok(Opened::InWork),
            in_work => in_work,
        },
    };
    let once = request.key.as_ref().map(|key| Once {
        key: key.clone(),
        body: [0; 32],
        keep_until: now.plus(once::KEPT),
        answer: None,
    });
    let batch = NewBatch {
        id: BatchId(gateway.new_id()),
        reference: request.reference.clone(),
        origin: Arc::clone(&request.origin),
        once: once.clone(),
        joins: request.joins,
        resend_of: None,
    };
    let opened = gateway.store().open_batch(&customer.id, batch, now).await;
    let (id, ended) = match opened {
        Ok(OpenedBatch::New(id) | OpenedBatch::Resumed(id)) => (id, None),
        Ok(OpenedBatch::Before { id, body, answer }) => (id, Some((body, answer))),
        Ok(OpenedBatch::InWork) => return Ok(Opened::InWork),
        Err(error) if error.kind() == StoreErrorKind::Conflict => {
            return Ok(Opened::OtherRequest);
        }
        Err(error) => return Err(error),
    };
    let next_index = if request.joins {
        gateway.batches().free_rows(gateway, id).await?
    } else {
        0
    };
    let mut hash = Canonical::new("batch");
    hash.optional(request.reference.as_deref());
    hash.number(request.allows_duplicates.into());
    Ok(Opened::Rows(Box::new(BatchIntake {
        gateway: gateway.clone(),
        customer: customer.clone(),
        origin: request.origin,
        id,
        template: request.template,
        next_index,
        n_rows: 0,
        n_rejected: 0,
        seen: (!request.allows_duplicates).then(Seen::default),
        request: hash,
        once,
        latest: now,
        ended,
        _in_work: in_work,
    })))
}

impl BatchIntake {
    /// The batch.
    pub fn id(&self) -> BatchId {
        self.id
    }

    /// Whether the request was ended before: rows are compared and not taken, and
    /// [`close`](Self::close) says what was answered.
    pub fn is_repeated(&self) -> bool {
        self.ended.is_some()
    }

    /// How many rows have come.
    pub fn n_rows(&self) -> u64 {
        self.n_rows
    }

    /// How many of them were refused.
    pub fn n_rejected(&self) -> u64 {
        self.n_rejected
    }

    /// Takes rows, and says what became of each, in order. When it answers, what is accepted is on
    /// disk. Of a request that was ended before nothing is taken and nothing said.
    ///
    /// # Errors
    /// What the store says. Some of the rows may be on disk then; the batch is given up, and the request
    /// sent again under its key takes what is missing.
    pub async fn add<R: Into<BatchRow>>(
        &mut self,
        rows: Vec<R>,
    ) -> Result<Vec<Verdict>, StoreError> {
        let mut verdicts = Vec::with_capacity(rows.len());
        let mut rows = rows.into_iter();
        loop {
            let some: Vec<R> = rows.by_ref().take(ROWS_AT_ONCE).collect();
            if some.is_empty() {
                return Ok(verdicts);
            }
            let some = some.into_iter().map(|row| self.read(row.into())).collect();
            if self.ended.is_none() {
                verdicts.extend(self.take(some).await?);
                // Checking a thousand rows takes milliseconds; single messages wait no longer.
                tokio::task::yield_now().await;
            }
        }
    }

    /// All rows have come. `answer` is kept with the customer's key, to be said again.
    pub async fn close(self, answer: Option<Arc<str>>) -> Result<Closed, StoreError> {
        let body = self.request.finish();
        if let Some((before, answer)) = self.ended {
            return Ok(if before == body {
                Closed::Before { answer }
            } else {
                Closed::OtherRequest
            });
        }
        let once = self.once.map(|once| Once {
            body,
            keep_until: once.keep_until.max(self.latest.plus(once::KEPT)),
            answer,
            ..once
        });
        let now = self.gateway.now();
        let store = self.gateway.store();
        store
            .close_batch(self.id, self.n_rejected, once, now)
            .await?;
        self.gateway.signals().happened();
        Ok(Closed::Now)
    }

    /// Gives a row its text and its place, and counts it into the request.
    fn read(&mut self, row: BatchRow) -> Row {
        let BatchRow { draft, fields, key } = row;
        self.request.optional(key.as_deref());
        match &draft {
            Ok(draft) => {
                self.request.draft(draft);
                self.request.number(fields.len() as u64);
                for (name, value) in &fields {
                    self.request.text(name);
                    self.request.text(value);
                }
            }
            Err(rejection) => {
                self.request.text(rejection.code.as_str());
                self.request.text(&rejection.detail);
            }
        }
        let place = BatchPlace {
            batch: self.id,
            index: self.next_index,
        };
        self.next_index += 1;
        self.n_rows += 1;
        let most = self.gateway.live().config.limits.max_batch_rows;
        let draft = if self.n_rows > most {
            Err(Rejection::new(
                RejectionCode::InvalidRequest,
                format!("a batch has at most {most} rows"),
            ))
        } else {
            draft
                .and_then(|draft| self.with_text(draft, &fields))
                .and_then(|draft| self.with_key(draft, key.as_deref()))
        };
        Row {
            draft,
            place: Some(place),
        }
    }

    fn with_text(&self, mut draft: Draft, fields: &[(String, String)]) -> Result<Draft, Rejection> {
        if let Some(template) = &self.template
            && draft.text.is_empty()
        {
            let fields = fields.iter().map(|(name, value)| (name, value));
            let text = template
                .render(fields)
                .map_err(|fault| Rejection::new(RejectionCode::InvalidText, fault.to_string()))?;
            draft.text = text.into();
        }
        Ok(draft)
    }

    /// With its text, because that is what the key stands for.
    fn with_key(&self, mut draft: Draft, key: Option<&str>) -> Result<Draft, Rejection> {
        if let Some(key) = key {
            let hash = once::draft_hash(&draft);
            let named = once::of_request(key, hash, self.gateway.now());
            let named = named.map_err(|fault| {
                let detail = format!("idempotency_key: {fault}");
                Rejection::new(RejectionCode::InvalidRequest, detail)
            })?;
            draft.once = Some(named);
        }
        Ok(draft)
    }

    async fn take(&mut self, rows: Vec<Row>) -> Result<Vec<Verdict>, StoreError> {
        let indices: Vec<u64> = rows
            .iter()
            .map(|row| row.place.map_or(0, |place| place.index))
            .collect();
        let origin = Arc::clone(&self.origin);
        let ground = Ground::new(&self.gateway, &self.customer, origin);
        let seen = &mut self.seen;
        let took = take(&ground, rows, |place, checked| {
            let index = indices.get(place).copied().unwrap_or_default();
            seen.as_mut()
                .map_or(Ok(()), |seen| seen.note(index, checked))
        });
        let took = took.await?;
        self.latest = self.latest.max(took.latest);
        let rejected = took.verdicts.iter().filter(|verdict| verdict.is_err());
        self.n_rejected += rejected.count() as u64;
        Ok(took.verdicts)
    }
}

impl fmt::Debug for BatchIntake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchIntake")
            .field("id", &self.id)
            .field("n_rows", &self.n_rows)
            .field("n_rejected", &self.n_rejected)
            .field("is_repeated", &self.is_repeated())
            .finish_non_exhaustive()
    }
}

/// A request by the account and the key that it has.
type Keyed = (AccountId, Box<str>);

/// What a process knows of the batches that it takes at this moment. Held by the gateway.
#[derive(Debug, Default)]
pub struct Batches {
    in_work: Arc<Mutex<HashSet<Keyed>>>,
    /// The next row of batches that several requests add to.
    next_row: AtomicU64,
}

/// Rows that are set aside for one request that adds to a batch of others.
const ROWS_SET_ASIDE: u64 = 1 << 20;

impl Batches {
    /// Begins to work on a request; `None` where it is being worked on. Dropping the result ends it.
    fn begin(&self, account: &AccountId, key: &str) -> Option<InWork> {
        let name = (account.clone(), Box::from(key));
        let is_new = lock(&self.in_work).insert(name.clone());
        is_new.then(|| InWork {
            all: Arc::clone(&self.in_work),
            name,
        })
    }

    /// The first of rows that no other request uses. They follow the microseconds of the clock, so that
    /// two processes do not meet, and lie behind what the batch has, so that a clock that was set back
    /// does no harm.
    async fn free_rows(&self, gateway: &Gateway, batch: BatchId) -> Result<u64, StoreError> {
        let now = u64::try_from(gateway.now().as_millis()).unwrap_or_default();
        let mut least = now.saturating_mul(1_000);
        loop {
            let set_aside = |next: u64| next.max(least) + ROWS_SET_ASIDE;
            let before = self
                .next_row
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |next| {
                    Some(set_aside(next))
                });
            let first = before.map_or(least, |next| next.max(least));
            let store = gateway.store();
            let behind = store.batch_members(batch, &[], first, 1).await?;
            match behind.first() {
                None => return Ok(first),
                Some(member) => least = member.index + 1,
            }
        }
    }
}

/// A request that is being worked on.
#[derive(Debug)]
struct InWork {
    all: Arc<Mutex<HashSet<Keyed>>>,
    name: Keyed,
}

impl Drop for InWork {
    fn drop(&mut self) {
        lock(&self.all).remove(&self.name);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
