//! `/v1/batches`: many messages under one name are taken, shown, paused, resumed, stopped.
//!
//! How rows are read is in `rows.rs`, how they are taken in `take.rs`, what is done with a batch that is
//! there in `orders.rs`, what became of it in `results.rs`.

mod orders;
mod results;
mod rows;
mod take;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde_json::value::RawValue;
use tidings::template::Template;
use tokio::sync::mpsc;
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::auth::Who;
use super::body::{self, Coding, Query};
use super::error::{Code, Problem, Result};
use super::idempotency::{self, REPLAYED};
use super::request::{Defaults, RowBody};
use crate::access::NATIVE;
use crate::intake::batch::BatchRequest;

pub(crate) use self::orders::*;
pub(crate) use self::results::*;
use self::rows::{RowReader, row_of_json};
use self::take::{Source, Taken, TakenView, Taking, Wanted};

/// The longest name of a batch, in characters.
const MAX_REFERENCE: usize = 255;
/// Pieces of verdicts that wait for the caller.
const VERDICT_PIECES: usize = 4;

/// A batch with all its rows.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewBatch)]
pub(crate) struct BatchBody<'b> {
    /// Your own name for it.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, example = "autumn", min_length = 1, max_length = 255)]
    reference: Option<Cow<'b, str>>,
    /// What rows have where they do not say otherwise.
    #[serde(default)]
    defaults: Defaults,
    /// The text of rows that have none, with fields: `Hi {{first_name}}`.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, example = "Hi {{first_name}}, your order is here")]
    template: Option<Cow<'b, str>>,
    /// Whether rows that say the same to the same person are all sent.
    #[serde(default)]
    allow_duplicates: bool,
    /// The rows.
    #[serde(borrow)]
    #[schema(value_type = Vec<RowBody>)]
    messages: Vec<&'b RawValue>,
}

/// What is said of a batch whose rows come as NDJSON or CSV, and how it is answered.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct BatchQuery {
    /// Your own name for it; with JSON it is in the body.
    #[param(min_length = 1, max_length = 255)]
    reference: Option<String>,
    /// The text of rows that have none, with fields.
    template: Option<String>,
    /// What rows have where they do not say otherwise, as a JSON object.
    #[param(example = "{\"from\":\"Acme\"}")]
    defaults: Option<String>,
    /// Whether rows that say the same to the same person are all sent.
    allow_duplicates: Option<bool>,
    /// Of CSV: the sign between fields, otherwise a comma; `%3B` is a semicolon.
    #[param(max_length = 1)]
    delimiter: Option<String>,
    /// `all`: every verdict is told as a line of JSON, while rows still come in.
    #[param(inline)]
    verdicts: Option<Verdicts>,
}

/// Which verdicts are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdicts {
    /// Those on rows that are not taken.
    #[default]
    Rejected,
    /// All.
    All,
}

/// Sends many messages under one name.
///
/// The rows come as JSON, all at once, or as NDJSON or CSV, which are read as they come in. What has come is
/// sent while the rest still comes. Each row has one verdict; rows that are wrong do not hold up the others.
#[utoipa::path(
    post,
    path = "/v1/batches",
    tag = "batches",
    params(
        BatchQuery,
        ("Idempotency-Key" = Option<String>, Header, description = "A name of this request"),
    ),
    request_body(content(
        (BatchBody<'_> = "application/json"),
        (String = "application/x-ndjson"),
        (String = "text/csv"),
    )),
    responses((status = 202, description = "The accepted rows are on disk", content(
        (TakenView = "application/json"),
        (String = "application/x-ndjson"),
    ))),
)]
pub(crate) async fn take(
    State(api): State<Arc<Api>>,
    Extension(who): Extension<Who>,
    Query(query): Query<BatchQuery>,
    request: Request,
) -> Result<Response> {
    who.may_send()?;
    let key = idempotency::key_of(request.headers())?;
    let kind = kind_of(request.headers())?;
    let waiting = match kind {
        Kind::Json => api.pressure.enter(&api).await?,
        // While the queue is full they are read no further.
        Kind::Lines | Kind::Table => api.pressure.enter_to_wait(&api)?,
    };
    let tells_all = query.verdicts == Some(Verdicts::All);
    let (wanted, source) = read(&api, query, key, kind, request).await?;
    let tasks = api.gateway.tasks().clone();
    if tells_all {
        let (sender, receiver) = mpsc::channel(VERDICT_PIECES);
        let taking = Taking::new(Arc::clone(&api), who, wanted, Some(sender.clone()));
        drop(waiting);
        tasks.spawn(async move {
            let taken = taking.run(source).await;
            let _ = sender.send(last_line(taken)).await;
        });
        return Ok(lines(receiver));
    }
    let taking = Taking::new(Arc::clone(&api), who, wanted, None);
    let taken = tasks.spawn(taking.run(source)).await;
    drop(waiting);
    let lost = |_| Problem::new(Code::Internal, "the batch was not taken to its end");
    match taken.map_err(lost)?? {
        Taken::Now(view) => Ok((StatusCode::ACCEPTED, Json(view)).into_response()),
        Taken::Before(answer) => Ok(replayed(answer.as_deref())),
    }
}

/// Finds out what is said before the rows, and where the rows come from.
async fn read(
    api: &Api,
    query: BatchQuery,
    key: Option<Box<str>>,
    kind: Kind,
    request: Request,
) -> Result<(Wanted, Source)> {
    let template = template(query.template.as_deref())?;
    let reader = match kind {
        Kind::Json => {
            let body = body::read(api, request).await?;
            return read_whole(&query, key, &body);
        }
        Kind::Lines => RowReader::lines(),
        Kind::Table => RowReader::table(delimiter(query.delimiter.as_deref())?, template.clone()),
    };
    let defaults = query.defaults.as_deref().map(str::as_bytes);
    let defaults = defaults.map(|json| body::parse_as::<Defaults>("defaults", json));
    let defaults = defaults.transpose().map_err(|problem| {
        let field = problem.field().unwrap_or_default();
        let detail = match (field, problem.detail()) {
            ("", detail) if detail.starts_with("defaults") => detail.to_owned(),
            ("", detail) => format!("defaults: {detail}"),
            (field, detail) => format!("defaults.{field}: {detail}"),
        };
        Problem::new(Code::InvalidQuery, detail)
    })?;
    let defaults = defaults.unwrap_or_default();
    let wanted = Wanted {
        request: BatchRequest {
            reference: reference(query.reference.as_deref())?,
            key,
            template,
            allows_duplicates: query.allow_duplicates.unwrap_or_default(),
            of_all_rows: of_all_rows(query.template.as_deref(), &defaults),
            ..BatchRequest::new(NATIVE)
        },
        defaults,
        reference: query.reference,
    };
    let coding = Coding::of(request.headers())?;
    let source = Source::Stream {
        body: request.into_body(),
        coding,
        reader,
    };
    Ok((wanted, source))
}

fn read_whole(query: &BatchQuery, key: Option<Box<str>>, body: &Bytes) -> Result<(Wanted, Source)> {
    if query.reference.is_some() || query.template.is_some() || query.defaults.is_some() {
        let detail = "with JSON, reference, template and defaults are in the body";
        return Err(Problem::new(Code::InvalidQuery, detail));
    }
    let body: BatchBody<'_> = body::parse(body)?;
    let rows = body.messages.iter();
    let rows = rows.map(|row| row_of_json(row.get().as_bytes())).collect();
    let wanted = Wanted {
        request: BatchRequest {
            reference: reference(body.reference.as_deref())?,
            key,
            template: template(body.template.as_deref())?,
            allows_duplicates: body.allow_duplicates,
            of_all_rows: of_all_rows(body.template.as_deref(), &body.defaults),
            ..BatchRequest::new(NATIVE)
        },
        defaults: body.defaults,
        reference: body.reference.map(Cow::into_owned),
    };
    Ok((wanted, Source::Whole(rows)))
}

/// In which form rows come.
enum Kind {
    Json,
    Lines,
    Table,
}

fn kind_of(headers: &HeaderMap) -> Result<Kind> {
    let value = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    let kind = value.unwrap_or(b"application/json");
    let kind = kind.split(|byte| *byte == b';').next().unwrap_or_default();
    let is = |name: &[u8]| kind.trim_ascii().eq_ignore_ascii_case(name);
    if value.is_some_and(|value| !is_utf8(value)) {
        let detail = "rows are read in UTF-8; send them so, with charset=utf-8 or without charset";
        return Err(Problem::new(Code::UnsupportedMediaType, detail));
    }
    if is(b"application/x-ndjson") || is(b"application/jsonl") || is(b"application/ndjson") {
        Ok(Kind::Lines)
    } else if is(b"text/csv") {
        Ok(Kind::Table)
    } else if body::check_json(headers).is_ok() {
        Ok(Kind::Json)
    } else {
        let detail = "rows come as application/json, application/x-ndjson or text/csv";
        Err(Problem::new(Code::UnsupportedMediaType, detail))
    }
}

/// Whether a content type names no other encoding than UTF-8.
fn is_utf8(content_type: &[u8]) -> bool {
    let parameters = content_type.split(|byte| *byte == b';').skip(1);
    let mut charsets = parameters.filter_map(|parameter| {
        let parameter = parameter.trim_ascii().to_ascii_lowercase();
        parameter.strip_prefix(b"charset=").map(<[u8]>::to_vec)
    });
    charsets.all(|charset| {
        let charset = charset.trim_ascii();
        let quoted = charset
            .strip_prefix(b"\"")
            .and_then(|it| it.strip_suffix(b"\""));
        matches!(quoted.unwrap_or(charset), b"utf-8" | b"utf8" | b"us-ascii")
    })
}

fn delimiter(text: Option<&str>) -> Result<u8> {
    match text.unwrap_or(",").as_bytes() {
        [delimiter] if delimiter.is_ascii() && !b"\"\r\n".contains(delimiter) => Ok(*delimiter),
        _ => {
            let detail = "delimiter: expected one character, such as ;";
            Err(Problem::new(Code::InvalidQuery, detail))
        }
    }
}

fn reference(text: Option<&str>) -> Result<Option<Arc<str>>> {
    let Some(text) = text else { return Ok(None) };
    let length = text.chars().count();
    if !(1..=MAX_REFERENCE).contains(&length) || text.chars().any(char::is_control) {
        let detail = "a name has 1 to 255 characters";
        return Err(Problem::of_field("reference", detail));
    }
    Ok(Some(text.into()))
}

fn template(text: Option<&str>) -> Result<Option<Template>> {
    let template = text.map(Template::new).transpose();
    template.map_err(|fault| Problem::of_field("template", fault.to_string()))
}

/// What is said of all rows, the same for the same request.
fn of_all_rows(template: Option<&str>, defaults: &Defaults) -> Box<str> {
    let said = serde_json::to_string(&(template, defaults));
    said.expect("texts and numbers can be written as JSON")
        .into()
}

fn replayed(answer: Option<&str>) -> Response {
    let answer = answer.unwrap_or("{}").to_owned();
    let kind = HeaderValue::from_static("application/json");
    let headers = [(header::CONTENT_TYPE, kind), REPLAYED];
    (StatusCode::ACCEPTED, headers, answer).into_response()
}

/// The line behind all verdicts: the sum, or what went wrong.
fn last_line(taken: Result<Taken>) -> Bytes {
    let mut line = Vec::new();
    match taken {
        Ok(Taken::Now(view)) => take::add_line(&mut line, &view),
        Ok(Taken::Before(answer)) => {
            line.extend_from_slice(answer.as_deref().unwrap_or("{}").as_bytes());
            line.push(b'\n');
        }
        Err(problem) => {
            line.extend(problem.to_json());
            line.push(b'\n');
        }
    }
    line.into()
}

fn lines(receiver: mpsc::Receiver<Bytes>) -> Response {
    let pieces = futures_util::stream::unfold(receiver, async |mut receiver| {
        let piece = receiver.recv().await?;
        Some((Ok::<_, std::convert::Infallible>(piece), receiver))
    });
    let kind = HeaderValue::from_static("application/x-ndjson");
    let headers = [(header::CONTENT_TYPE, kind)];
    (StatusCode::ACCEPTED, headers, Body::from_stream(pieces)).into_response()
}
