//! `POST /v1/segments`: what a text takes, before anything is sent.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use tidings_core::text::Replacement;
use tidings_core::{Priority, Region, SenderId, Tag};
use utoipa::ToSchema;

use super::Api;
use super::auth::Who;
use super::body::JsonBody;
use super::error::{Code, Problem, Result};
use super::request::Text;
use super::schema;
use crate::access::Scope;
use crate::intake::{self, DraftRecipient, Preview, PreviewRequest, RejectionCode};

/// A text that somebody wants to know about.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SegmentsRequest)]
pub(crate) struct SegmentsBody {
    /// The text.
    #[schema(value_type = String, example = "Hello")]
    text: Text,
    /// For whom; without it nothing is said of lanes and cost, and no footer is added.
    #[schema(example = "+4790000001")]
    to: Option<String>,
    /// The sender.
    from: Option<String>,
    /// Your own word for its kind.
    #[schema(value_type = Option<String>)]
    tag: Option<Tag>,
    /// What leaves first.
    #[schema(value_type = Option<schema::Priority>)]
    priority: Option<Priority>,
    /// Which characters may be replaced so that the text takes fewer parts.
    #[schema(value_type = Option<schema::Replacement>)]
    replacement: Option<Replacement>,
    /// The most parts.
    #[schema(minimum = 1, maximum = 255)]
    max_parts: Option<u8>,
    /// The country of a number that is written without one.
    #[schema(value_type = Option<String>, example = "NO")]
    region: Option<Region>,
}

/// What a text takes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Segments)]
pub(crate) struct SegmentsView {
    /// `gsm7` or `ucs2`.
    #[schema(value_type = String)]
    encoding: &'static str,
    /// Septets or UTF-16 code units, without headers.
    units: usize,
    /// How many parts.
    segments: usize,
    /// The units of each part.
    segment_units: Vec<usize>,
    /// The text as it would leave.
    text: String,
    /// What is replaced.
    replaced: Vec<ReplacedView>,
    /// The lane that would carry it.
    #[serde(skip_serializing_if = "Option::is_none")]
    lane: Option<String>,
    /// The sender that the phone would show, as far as is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    /// Why this lane.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    /// What all parts would cost, in the unit of the routes.
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<f64>,
}

/// A character that is replaced.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Replaced)]
pub(crate) struct ReplacedView {
    /// Its place in the text as it was written with its footer, in bytes.
    position: usize,
    /// What stands there.
    original: String,
    /// What would be sent instead.
    replacement: String,
}

impl SegmentsView {
    fn of(preview: Preview) -> Self {
        let replaced = preview.changes.iter().map(|change| ReplacedView {
            position: change.position,
            original: change.original.clone(),
            replacement: change.replacement.clone(),
        });
        let (lane, from, why, cost) = match preview.route {
            Some(route) => (
                Some(route.lane.to_string()),
                route.sender.map(String::from),
                Some(route.why),
                route.cost,
            ),
            None => (None, None, None, None),
        };
        Self {
            encoding: preview.encoding.as_str(),
            units: preview.units,
            segments: preview.segment_units.len(),
            replaced: replaced.collect(),
            segment_units: preview.segment_units,
            text: preview.text,
            lane,
            from,
            why,
            cost,
        }
    }
}

/// Says what a text takes: encoding, parts, replaced characters, lane and cost. Nothing is sent.
#[utoipa::path(
    post,
    path = "/v1/segments",
    tag = "text",
    request_body = SegmentsBody,
    responses((status = 200, description = "What it takes", body = SegmentsView)),
)]
pub(crate) async fn plan(
    State(api): State<Arc<Api>>,
    Extension(who): Extension<Who>,
    JsonBody(body): JsonBody<SegmentsBody>,
) -> Result<Json<SegmentsView>> {
    if !who.caller.allows(Scope::Read) {
        who.may(Scope::Send)?;
    }
    let sender = body.from.as_deref().map(SenderId::parse).transpose();
    let sender = sender.map_err(|fault| {
        let code = Code::Rejected(RejectionCode::InvalidSender);
        Problem::new(code, fault.to_string())
    })?;
    let Text(text) = body.text;
    let region = body.region;
    let request = PreviewRequest {
        text,
        to: body.to.map(|to| DraftRecipient::Written(to, region)),
        from: sender,
        tag: body.tag,
        priority: body.priority.unwrap_or_default(),
        replacement: body.replacement,
        max_parts: body.max_parts,
    };
    if request.max_parts == Some(0) {
        return Err(Problem::of_field("max_parts", "max_parts is at least 1"));
    }
    let preview = intake::preview(&api.gateway, who.caller.customer(), &request)?;
    Ok(Json(SegmentsView::of(preview)))
}
