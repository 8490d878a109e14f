//! What became of a batch, as one download: every message of it, a page of the store at a time.
//!
//! The handler of `GET /v1/batches/{id}/results`. It keeps no more than a page in memory; where the store goes
//! away on the way the download breaks off, so that it does not look whole.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use serde::Deserialize;
use tidings_store::{BatchId, MessageFilter, PageRequest, StoreError, StoredMessage};
use utoipa::{IntoParams, ToSchema};

use super::super::Api;
use super::super::auth::Who;
use super::super::body::{Path, Query};
use super::super::error::{Problem, Result};
use super::super::view::MessageView;
use super::take::add_line;
use crate::access::Scope;

/// Messages that are read at once.
const MESSAGES_AT_ONCE: usize = 500;

/// How results are written.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ResultsQuery {
    /// How they are written; without it as `Accept` says, otherwise `ndjson`.
    #[param(inline)]
    format: Option<Format>,
}

/// How results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Format {
    /// Each message as a line of JSON, with all that a list has of it.
    Ndjson,
    /// A table, without texts.
    Csv,
}

impl Format {
    fn wanted_by(headers: &HeaderMap) -> Self {
        let accepted = headers.get_all(header::ACCEPT).iter();
        let mut accepted = accepted.filter_map(|value| value.to_str().ok());
        if accepted.any(|value| value.to_ascii_lowercase().contains("text/csv")) {
            Self::Csv
        } else {
            Self::Ndjson
        }
    }

    const fn content_type(self) -> &'static str {
        match self {
            Self::Ndjson => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8",
        }
    }
}

/// The names of the columns of a table.
const COLUMNS: &str =
    "index,id,reference,to,from,state,reason,detail,segments,lane,accepted_at,changed_at\r\n";

/// Downloads what became of a batch: all its messages, the last row first.
#[utoipa::path(
    get,
    path = "/v1/batches/{id}/results",
    tag = "batches",
    params(("id" = String, Path, format = "uuid", description = "The batch"), ResultsQuery),
    responses((status = 200, description = "Its messages", content(
        (String = "application/x-ndjson"),
        (String = "text/csv"),
    ))),
)]
pub(crate) async fn results(
    State(api): State<Arc<Api>>,
    Extension(who): Extension<Who>,
    Path(id): Path<BatchId>,
    Query(query): Query<ResultsQuery>,
    headers: HeaderMap,
) -> Result<Response> {
    who.may(Scope::Read)?;
    let found = api.gateway.store().batch(who.reach(), id).await?;
    let batch = found.ok_or_else(|| Problem::not_found("batch"))?;
    let format = query.format.unwrap_or_else(|| Format::wanted_by(&headers));
    let download = Download {
        is_masked: batch.account != *who.account(),
        filter: MessageFilter {
            account: Some(batch.account),
            batch: Some(id),
            page: PageRequest {
                after: None,
                limit: MESSAGES_AT_ONCE,
            },
            ..MessageFilter::default()
        },
        api,
        format,
        is_at_end: false,
    };
    // The first page is read before anything is said of success.
    let mut begun = VecDeque::new();
    if format == Format::Csv {
        begun.push_back(Bytes::from_static(COLUMNS.as_bytes()));
    }
    let mut download = download;
    begun.extend(download.next().await?);
    let pieces = futures_util::stream::unfold((begun, download), async |(mut begun, mut rest)| {
        if let Some(piece) = begun.pop_front() {
            return Some((Ok(piece), (begun, rest)));
        }
        let piece = rest.next().await.transpose()?;
        Some((piece, (begun, rest)))
    });
    let kind = HeaderValue::from_static(format.content_type());
    Ok(([(header::CONTENT_TYPE, kind)], Body::from_stream(pieces)).into_response())
}

/// A download on its way.
struct Download {
    api: Arc<Api>,
    filter: MessageFilter,
    format: Format,
    is_masked: bool,
    is_at_end: bool,
}

impl Download {
    /// The messages of a further page; `None` at the end.
    async fn next(&mut self) -> Result<Option<Bytes>, StoreError> {
        if self.is_at_end {
            return Ok(None);
        }
        let store = self.api.gateway.store();
        let page = store.messages(self.filter.clone()).await?;
        self.is_at_end = page.next.is_none();
        self.filter.page.after = page.next;
        let mut lines = Vec::new();
        for message in page.items {
            self.write(message, &mut lines);
        }
        Ok(Some(lines.into()))
    }

    fn write(&self, message: StoredMessage, lines: &mut Vec<u8>) {
        let view = MessageView::of(message, self.is_masked);
        match self.format {
            Format::Ndjson => add_line(lines, &view),
            Format::Csv => add_row(lines, &view),
        }
    }
}

fn add_row(lines: &mut Vec<u8>, view: &MessageView) {
    let index = view.index.map(|index| index.to_string());
    let [segments, accepted_at, changed_at] = [
        view.segments.to_string(),
        view.accepted_at.to_string(),
        view.changed_at.to_string(),
    ];
    let fields = [
        index.as_deref(),
        Some(&view.id),
        view.reference.as_deref(),
        Some(&view.to),
        view.from.as_deref(),
        Some(view.state),
        view.reason,
        view.detail.as_deref(),
        Some(&segments),
        view.lane.as_deref(),
        Some(&accepted_at),
        Some(&changed_at),
    ];
    for (place, field) in fields.into_iter().enumerate() {
        if place > 0 {
            lines.push(b',');
        }
        add_field(lines, field.unwrap_or_default());
    }
    lines.extend_from_slice(b"\r\n");
}

/// Adds a field of a table, in quotation marks where it needs them (RFC 4180).
fn add_field(lines: &mut Vec<u8>, field: &str) {
    if field.contains([',', '"', '\r', '\n']) {
        lines.push(b'"');
        lines.extend_from_slice(field.replace('"', "\"\"").as_bytes());
        lines.push(b'"');
    } else {
        lines.extend_from_slice(field.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_have_quotation_marks_where_they_need_them() {
        #[track_caller]
        fn check(field: &str, expected: &str) {
            let mut line = Vec::new();
            add_field(&mut line, field);
            assert_eq!(String::from_utf8(line).unwrap(), expected);
        }
        check("", "");
        check("+4790000001", "+4790000001");
        check("a, b", "\"a, b\"");
        check("say \"hi\"", "\"say \"\"hi\"\"\"");
        check("two\nlines", "\"two\nlines\"");
    }
}
