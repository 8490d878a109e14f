//! Taking a batch: rows are read as they come in, handed to intake a thousand at a time, and answered with
//! one verdict each.
//!
//! Called by the handler of `POST /v1/batches`. It runs in a task of its own, so that a caller who goes away
//! leaves no batch behind that is half taken and looks whole.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::StreamExt as _;
use serde::Serialize;
use tidings_store::BatchId;
use tokio::sync::mpsc;
use utoipa::ToSchema;

use super::super::Api;
use super::super::auth::Who;
use super::super::body::{self, Coding, Decoder};
use super::super::error::{Code, Problem, Result};
use super::super::messages::AcceptedView;
use super::super::request::{self, Defaults};
use super::rows::{RowRead, RowReader};
use crate::intake::batch::{self, BatchIntake, BatchRequest, BatchRow, Closed, Opened};
use crate::intake::{RejectionCode, Verdict};

/// Rows that are handed to intake at once.
const ROWS_AT_ONCE: usize = 1_000;
/// Refused rows that are listed in an answer; all are in the stream of verdicts.
const MAX_LISTED: usize = 10_000;
/// The longest streamed body, in bytes, as it comes and as it grows to.
const MAX_STREAM_BYTES: usize = 2 << 30;
/// The longest time between two pieces of a body.
const PIECE_PATIENCE: Duration = Duration::from_mins(1);
/// How long rows that are whole wait for others, so that a slow stream leaves as it comes.
const ROWS_WAIT: Duration = Duration::from_millis(500);
/// How often a full queue is looked at while rows wait for it.
const QUEUE_PAUSE: Duration = Duration::from_millis(250);

/// What is known of a batch before its rows.
pub(super) struct Wanted {
    pub(super) request: BatchRequest,
    pub(super) defaults: Defaults,
    pub(super) reference: Option<String>,
}

/// Where rows come from.
pub(super) enum Source {
    /// They are all there.
    Whole(Vec<RowRead>),
    /// They come in.
    Stream {
        body: Body,
        coding: Coding,
        reader: RowReader,
    },
}

/// A batch that was taken.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TakenBatch)]
pub(crate) struct TakenView {
    /// Its name.
    #[schema(value_type = String, format = "uuid")]
    pub(crate) id: BatchId,
    /// Your own name for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reference: Option<String>,
    /// How many rows were accepted.
    pub(crate) accepted: u64,
    /// The rows that were not, the first 10,000 of them.
    pub(crate) rejected: Vec<RejectedView>,
    /// How many rows were not accepted in all.
    pub(crate) rejected_count: u64,
}

/// A row that was not accepted.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = RejectedRow)]
pub(crate) struct RejectedView {
    /// The row, from 0.
    pub(crate) index: u64,
    /// Why, as a stable word.
    #[schema(value_type = String)]
    pub(crate) code: &'static str,
    /// Why, as a sentence.
    pub(crate) detail: String,
}

/// A verdict as a line of the stream of all verdicts.
#[derive(Serialize)]
struct VerdictLine {
    index: u64,
    #[serde(flatten)]
    accepted: AcceptedView,
}

/// How the taking of a batch ended.
pub(super) enum Taken {
    /// All rows have come.
    Now(TakenView),
    /// The same request was taken before, and answered with this.
    Before(Option<Arc<str>>),
}

/// Takes the rows of a source. With `verdicts` every verdict goes there as a line of JSON.
pub(super) struct Taking {
    api: Arc<Api>,
    who: Who,
    wanted: Wanted,
    intake: Option<Box<BatchIntake>>,
    rejected: Vec<RejectedView>,
    n_taken: u64,
    verdicts: Option<mpsc::Sender<Bytes>>,
}

impl Taking {
    /// Takes a batch that is not opened yet.
    pub(super) fn new(
        api: Arc<Api>,
        who: Who,
        wanted: Wanted,
        verdicts: Option<mpsc::Sender<Bytes>>,
    ) -> Self {
        Self {
            api,
            who,
            wanted,
            intake: None,
            rejected: Vec::new(),
            n_taken: 0,
            verdicts,
        }
    }

    /// Takes all rows.
    pub(super) async fn run(mut self, source: Source) -> Result<Taken> {
        let taken = match source {
            Source::Whole(rows) => self.rows(rows).await,
            Source::Stream {
                body,
                coding,
                reader,
            } => self.stream(body, coding, reader).await,
        };
        let n_taken = self.n_taken;
        match taken {
            Ok(()) => self.close().await,
            Err(problem) => {
                self.give_up().await;
                Err(problem)
            }
        }
        .map_err(|problem| with_what_is_kept(problem, n_taken))
    }

    async fn stream(&mut self, body: Body, coding: Coding, mut reader: RowReader) -> Result<()> {
        let mut pieces = pin!(body.into_data_stream());
        let mut decoder = (coding == Coding::Gzip).then(|| Decoder::new(MAX_STREAM_BYTES));
        let mut left = MAX_STREAM_BYTES;
        let mut rows = Vec::new();
        let mut waited = pin!(tokio::time::sleep(ROWS_WAIT));
        loop {
            let piece = tokio::select! {
                piece = tokio::time::timeout(PIECE_PATIENCE, pieces.next()) => piece,
                () = waited.as_mut(), if !rows.is_empty() => {
                    self.rows(std::mem::take(&mut rows)).await?;
                    continue;
                }
            };
            let broken = |detail: &'static str| Problem::new(Code::IncompleteBody, detail);
            let piece = match piece {
                Ok(None) => break,
                Ok(Some(Ok(piece))) => piece,
                Ok(Some(Err(_))) => return Err(broken("the body broke off")),
                Err(_elapsed) => return Err(broken("the body did not go on")),
            };
            let rest = left.checked_sub(piece.len());
            left = rest.ok_or_else(|| body::too_large(MAX_STREAM_BYTES))?;
            let had_none = rows.is_empty();
            rows.extend(match &mut decoder {
                None => reader.push(&piece)?,
                Some(decoder) => reader.push(&decoder.push(&piece)?)?,
            });
            while rows.len() >= ROWS_AT_ONCE {
                let rest = rows.split_off(ROWS_AT_ONCE);
                self.rows(std::mem::replace(&mut rows, rest)).await?;
            }
            if had_none && !rows.is_empty() {
                waited.set(tokio::time::sleep(ROWS_WAIT));
            }
        }
        if let Some(decoder) = &mut decoder {
            rows.extend(reader.push(&decoder.finish()?)?);
        }
        rows.extend(reader.finish()?);
        self.rows(rows).await
    }

    async fn rows(&mut self, rows: Vec<RowRead>) -> Result<()> {
        // A batch without rows is one too.
        self.open().await?;
        let mut rows = rows.into_iter();
        loop {
            let some: Vec<RowRead> = rows.by_ref().take(ROWS_AT_ONCE).collect();
            if some.is_empty() {
                return Ok(());
            }
            self.wait_for_room().await?;
            let some = some.into_iter().map(|row| self.row(row)).collect();
            let intake = self.open().await?;
            let first = intake.n_rows();
            let verdicts = intake.add::<BatchRow>(some).await?;
            self.tell(first, verdicts).await;
        }
    }

    /// Waits while too many messages wait for their lanes: reading no further is what holds the caller
    /// back.
    async fn wait_for_room(&self) -> Result<()> {
        let limits = self.api.gateway.live().config.limits.clone();
        let waiting = async {
            loop {
                let room = self.api.pressure.check_depth(&self.api, limits.max_queued);
                match room.await {
                    Err(problem) if problem.code() == Code::QueueFull => {}
                    room => return room,
                }
                tokio::time::sleep(QUEUE_PAUSE).await;
            }
        };
        match tokio::time::timeout(limits.request_timeout, waiting).await {
            Ok(room) => room,
            Err(_elapsed) => {
                let detail = "too many messages wait; send the batch again with the same key";
                Err(Problem::new(Code::QueueFull, detail).retry_after(Duration::from_secs(5)))
            }
        }
    }

    fn row(&self, row: RowRead) -> BatchRow {
        let mut row = match row {
            Ok(row) => row,
            Err(rejection) => return rejection.into(),
        };
        let fields = row.fields.take().unwrap_or_default().into_iter();
        let fields = fields
            .map(|(name, value)| (name, value.into_text()))
            .collect();
        let key = row.idempotency_key.take().map(String::into_boxed_str);
        let has_template = self.wanted.request.template.is_some();
        let default = || {
            let text = self.wanted.defaults.text.as_ref();
            text.filter(|_| !has_template).cloned()
        };
        let text = row.text.take().or_else(default).unwrap_or_default();
        let draft = row.message(text, &self.wanted.defaults).draft();
        BatchRow {
            draft: draft.map_err(|problem| request::rejection(&problem)),
            fields,
            key,
        }
    }

    async fn open(&mut self) -> Result<&mut BatchIntake> {
        let intake = if let Some(intake) = self.intake.take() {
            intake
        } else {
            let customer = self.who.caller.customer();
            let request = self.wanted.request.clone();
            match batch::open(&self.api.gateway, customer, request).await? {
                Opened::Rows(intake) => intake,
                Opened::InWork => {
                    let detail = "the request with this Idempotency-Key is being worked on";
                    return Err(Problem::new(Code::RequestInProgress, detail)
                        .retry_after(Duration::from_secs(1)));
                }
                Opened::OtherRequest => return Err(other_request()),
            }
        };
        Ok(self.intake.insert(intake))
    }

    async fn tell(&mut self, first: u64, verdicts: Vec<Verdict>) {
        let n_accepted = verdicts.iter().filter(|verdict| verdict.is_ok()).count();
        self.api.pressure.took(n_accepted as u64);
        self.n_taken += n_accepted as u64;
        let mut lines = Vec::new();
        for (index, verdict) in (first..).zip(verdicts) {
            let rejected = verdict.as_ref().err().map(|rejection| RejectedView {
                index,
                code: rejection.code.as_str(),
                detail: rejection.detail.clone(),
            });
            match (&self.verdicts, verdict, rejected) {
                (Some(_), Ok(accepted), _) => {
                    let accepted = AcceptedView::of(accepted);
                    add_line(&mut lines, &VerdictLine { index, accepted });
                }
                (Some(_), Err(_), rejected) => add_line(&mut lines, &rejected),
                (None, _, rejected) if self.rejected.len() < MAX_LISTED => {
                    self.rejected.extend(rejected);
                }
                (None, _, _) => {}
            }
        }
        if let Some(verdicts) = self.verdicts.as_ref().filter(|_| !lines.is_empty()) {
            // Who does not listen any more is not told; what he sent is taken all the same.
            let _ = verdicts.send(lines.into()).await;
        }
    }

    async fn close(mut self) -> Result<Taken> {
        self.open().await?;
        let intake = self.intake.take().expect("it was opened above");
        let view = TakenView {
            id: intake.id(),
            reference: self.wanted.reference.take(),
            accepted: intake.n_rows() - intake.n_rejected(),
            rejected: std::mem::take(&mut self.rejected),
            rejected_count: intake.n_rejected(),
        };
        let answer = serde_json::to_string(&view);
        let answer = answer.expect("texts and numbers can be written as JSON");
        match intake.close(Some(answer.into())).await? {
            Closed::Now => Ok(Taken::Now(view)),
            Closed::Before { answer } => Ok(Taken::Before(answer)),
            Closed::OtherRequest => Err(other_request()),
        }
    }

    /// The rows broke off.
    async fn give_up(&mut self) {
        if let Some(intake) = self.intake.take()
            && let Err(error) = intake.give_up().await
        {
            tracing::warn!(%error, "a batch that broke off cannot be closed");
        }
    }
}

/// Adds a value as a line of JSON.
pub(super) fn add_line(lines: &mut Vec<u8>, line: &impl Serialize) {
    serde_json::to_writer(&mut *lines, line).expect("texts and numbers can be written as JSON");
    lines.push(b'\n');
}

/// A store that goes away between the rows of a batch has kept those before.
pub(super) fn with_what_is_kept(problem: Problem, n_taken: u64) -> Problem {
    if n_taken == 0 || problem.code() != Code::StoreUnavailable {
        return problem;
    }
    let detail = format!(
        "the store is away at present; {n_taken} rows are kept, and leave: the same request with the same \
         Idempotency-Key takes what is missing"
    );
    Problem::new(Code::StoreUnavailable, detail).retry_after(Duration::from_secs(1))
}

fn other_request() -> Problem {
    let code = Code::Rejected(RejectionCode::KeyReused);
    let detail = "the Idempotency-Key was used for another request, or for the same rows with another \
                  reference, template or defaults; use another key";
    Problem::new(code, detail)
}
