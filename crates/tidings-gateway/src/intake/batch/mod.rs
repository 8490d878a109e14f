//! Batches: many messages under one name, taken row by row while they come in.
//!
//! [`open`] is called by the API's handlers and the vendors' APIs, which then [`add`](BatchIntake::add) rows as
//! they read them and [`close`](BatchIntake::close) the batch at the end. What has come is sent at once. A
//! request with a key that broke off is sent again as a whole: rows that are there already are not taken again,
//! because a batch has every row once, and a row that is another one then ends the request. It reads no format
//! and remembers no row but as a hash. What requests know of one another is in `running.rs`.

mod running;

use std::fmt;
use std::sync::Arc;

use tidings::template::Template;
use tidings_core::Timestamp;
use tidings_store::{
    BatchId, BatchPlace, NewBatch, Once, OpenedBatch, StoreError, StoreErrorKind, TakenRow,
};

use self::running::{InWork, Refused};
use super::accept::{Row, take};
use super::check::Ground;
use super::draft::Draft;
use super::duplicates::Seen;
use super::once::{self, Canonical};
use super::verdict::{AcceptedMessage, Rejection, RejectionCode, Verdict};
use crate::gateway::Gateway;
use crate::settings::Customer;

pub use self::running::Batches;

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
    /// What is said of all rows, as it was written: under the same key it is said again.
    pub of_all_rows: Box<str>,
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
            of_all_rows: Box::default(),
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

/// Why rows were not taken.
#[derive(Debug, thiserror::Error)]
pub enum AddError {
    /// The request comes again, and the batch has another row in this place. Nothing is taken of the rows
    /// that were handed over with it.
    #[error(
        "the Idempotency-Key was used for another request: row {index}, counted from 0, is not the one \
         that was taken under it"
    )]
    OtherRow {
        /// The row, from 0.
        index: u64,
    },
    /// The store did not take them.
    #[error("the store did not take the rows")]
    Store(#[from] StoreError),
}

impl From<AddError> for StoreError {
    fn from(error: AddError) -> Self {
        match error {
            AddError::OtherRow { .. } => Self::conflict("the row is there with another request"),
            AddError::Store(error) => error,
        }
    }
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
    /// What the request says, where it has a key.
    request: Option<Canonical>,
    once: Option<Once>,
    /// Whether it was begun before and broke off, so that rows may be there already.
    is_resumed: bool,
    /// When the last of the messages may leave first.
    latest: Timestamp,
    /// Where the request was ended before: what it was.
    ended: Option<([u8; 32], Option<Arc<str>>)>,
    refused: Refused,
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
    let hash = request.key.as_ref().map(|_| beginning(&request));
    let once = request.key.as_ref().zip(hash.clone());
    let once = once.map(|(key, hash)| Once {
        key: key.clone(),
        body: hash.finish(),
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
    let (id, is_resumed, ended) = match opened {
        Ok(OpenedBatch::New(id)) => (id, false, None),
        Ok(OpenedBatch::Resumed(id)) => (id, once.is_some(), None),
        Ok(OpenedBatch::Before { id, body, answer }) => (id, false, Some((body, answer))),
        Ok(OpenedBatch::InWork) => return Ok(Opened::InWork),
        Ok(OpenedBatch::OtherRequest) => return Ok(Opened::OtherRequest),
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
        is_resumed,
        latest: now,
        ended,
        refused: gateway.batches().refused(id),
        _in_work: in_work,
    })))
}

/// What a request says before its rows.
fn beginning(request: &BatchRequest) -> Canonical {
    let mut hash = Canonical::new("batch");
    hash.optional(request.reference.as_deref());
    hash.number(request.allows_duplicates.into());
    hash.text(&request.of_all_rows);
    hash
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
    /// [`AddError::Store`]: some of the rows may be on disk then; the batch is given up, and the request
    /// sent again under its key takes what is missing. [`AddError::OtherRow`]: a row is not the one that was
    /// taken under the key.
    pub async fn add<R: Into<BatchRow>>(&mut self, rows: Vec<R>) -> Result<Vec<Verdict>, AddError> {
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
        let body = self.request.map_or([0; 32], Canonical::finish);
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
        let store = self.gateway.store();
        if self.is_resumed {
            // It began with more rows than it has now.
            let behind = store.taken_rows(self.id, self.next_index, 1).await?;
            if !behind.is_empty() {
                return Ok(Closed::OtherRequest);
            }
        }
        let now = self.gateway.now();
        store
            .close_batch(self.id, self.n_rejected, once, now)
            .await?;
        self.gateway.signals().happened();
        Ok(Closed::Now)
    }

    /// The rows broke off. With a key they come again, and the batch is kept open for them; without one
    /// nobody can go on with it.
    pub async fn give_up(self) -> Result<(), StoreError> {
        if self.once.is_none() {
            return self.close(None).await.map(drop);
        }
        if self.ended.is_some() || self.n_rejected == 0 {
            return Ok(());
        }
        let store = self.gateway.store();
        store.note_rejected(self.id, self.n_rejected).await
    }

    /// Gives a row its text and its place, and counts it into the request.
    fn read(&mut self, row: BatchRow) -> Row {
        let BatchRow { draft, fields, key } = row;
        let hash = self.request.as_mut().map(|request| {
            let row = hash_of(&draft, &fields, key.as_deref());
            request.bytes(&row);
            let beginning = row.first_chunk();
            u64::from_be_bytes(*beginning.expect("a SHA-256 has 32 bytes"))
        });
        let place = BatchPlace {
            batch: self.id,
            index: self.next_index,
        };
        self.next_index += 1;
        self.n_rows += 1;
        let most = self.gateway.live().config.limits.max_batch_rows;
        let draft = if self.n_rows > most {
            Err(Rejection::new(
                RejectionCode::TooManyRows,
                format!("a batch has at most {most} rows; send the rest as another batch"),
            ))
        } else {
            draft
                .and_then(|draft| self.with_text(draft, &fields))
                .and_then(|draft| self.with_key(draft, key.as_deref()))
        };
        Row {
            draft,
            place: Some(place),
            hash,
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

    async fn take(&mut self, rows: Vec<Row>) -> Result<Vec<Verdict>, AddError> {
        let indices: Vec<u64> = rows
            .iter()
            .map(|row| row.place.map_or(0, |place| place.index))
            .collect();
        let there = self.there(&rows).await?;
        let origin = Arc::clone(&self.origin);
        let ground = Ground::new(&self.gateway, &self.customer, origin);
        let seen = &mut self.seen;
        let took = take(&ground, rows, |place, checked| {
            let index = indices.get(place).copied().unwrap_or_default();
            seen.as_mut()
                .map_or(Ok(()), |seen| seen.note(index, checked))
        });
        let mut took = took.await?;
        if !there.is_empty() {
            keep_verdicts(&mut took.verdicts, &indices, &there);
        }
        self.latest = self.latest.max(took.latest);
        let rejected = took.verdicts.iter().filter(|verdict| verdict.is_err());
        self.n_rejected += rejected.count() as u64;
        self.refused.note(self.n_rejected);
        Ok(took.verdicts)
    }

    /// Which of these rows were taken before; every one of them is the same as it was then.
    async fn there(&self, rows: &[Row]) -> Result<Vec<TakenRow>, AddError> {
        let places = rows
            .iter()
            .filter_map(|row| Some((row.place?.index, row.hash)));
        let places: Vec<(u64, Option<u64>)> = places.collect();
        let (Some((first, _)), Some((last, _))) = (places.first(), places.last()) else {
            return Ok(Vec::new());
        };
        if !self.is_resumed {
            return Ok(Vec::new());
        }
        let store = self.gateway.store();
        let mut there = store.taken_rows(self.id, *first, places.len()).await?;
        there.retain(|row| row.index <= *last);
        let mut places = places.iter();
        for row in &there {
            let hash = places.find(|(index, _)| *index == row.index);
            if row.hash.is_some() && hash.is_some_and(|(_, hash)| *hash != row.hash) {
                return Err(AddError::OtherRow { index: row.index });
            }
        }
        Ok(there)
    }
}

/// What a row asks for.
fn hash_of(
    draft: &Result<Draft, Rejection>,
    fields: &[(String, String)],
    key: Option<&str>,
) -> [u8; 32] {
    let mut hash = Canonical::new("row of a batch");
    hash.optional(key);
    match draft {
        Ok(draft) => {
            hash.draft(draft);
            hash.number(fields.len() as u64);
            for (name, value) in fields {
                hash.text(name);
                hash.text(value);
            }
        }
        Err(rejection) => {
            hash.text(rejection.code.as_str());
            hash.text(&rejection.detail);
        }
    }
    hash.finish()
}

/// Rows that were taken stay so, also where they would not be taken any more: their window may be over.
fn keep_verdicts(verdicts: &mut [Verdict], indices: &[u64], there: &[TakenRow]) {
    let mut there = there.iter().peekable();
    for (index, verdict) in indices.iter().zip(verdicts) {
        let Some(row) = there.next_if(|row| row.index == *index) else {
            continue;
        };
        if verdict.is_err() {
            *verdict = Ok(AcceptedMessage {
                id: row.id,
                state: row.state,
                segments: row.parts,
                lane: None,
                is_repeated: true,
                answer: None,
            });
        }
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
