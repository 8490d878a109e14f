//! What would become of a text: parts, encoding, what is replaced, which lane carries it, what it
//! costs. Nothing is sent and nothing kept.
//!
//! Called by the API's `/v1/segments`.

use std::borrow::Cow;
use std::sync::Arc;

use tidings_core::text::{Change, Encoding, Plan, Replacement};
use tidings_core::{Priority, SenderId, Tag};
use tidings_store::LaneId;

use super::check::Ground;
use super::draft::{Draft, DraftRecipient};
use super::verdict::{Rejection, RejectionCode};
use crate::gateway::Gateway;
use crate::settings::Customer;

/// A text that somebody wants to know about.
#[derive(Clone, Debug, Default)]
pub struct PreviewRequest {
    /// The text.
    pub text: Arc<str>,
    /// For whom; without it nothing is said of lanes, and no footer is added.
    pub to: Option<DraftRecipient>,
    /// The sender.
    pub from: Option<SenderId>,
    /// The customer's word for its kind.
    pub tag: Option<Tag>,
    /// What leaves first.
    pub priority: Priority,
    /// Which characters may be replaced.
    pub replacement: Option<Replacement>,
    /// The most parts.
    pub max_parts: Option<u8>,
}

/// What would become of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Preview {
    /// The text as it would leave.
    pub text: String,
    /// Its encoding.
    pub encoding: Encoding,
    /// Septets or UTF-16 code units, without headers.
    pub units: usize,
    /// The units of each part.
    pub segment_units: Vec<usize>,
    /// What is replaced.
    pub changes: Vec<Replaced>,
    /// Who would carry it, where a recipient is named.
    pub route: Option<PreviewedRoute>,
}

/// A character that is replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// Its place in the text as it was written with its footer, in bytes.
    pub position: usize,
    /// What stands there.
    pub original: String,
    /// What would be sent instead.
    pub replacement: String,
}

/// Who would carry a text.
#[derive(Clone, Debug, PartialEq)]
pub struct PreviewedRoute {
    /// The lane.
    pub lane: LaneId,
    /// The sender that the phone would show, as far as is known.
    pub sender: Option<SenderId>,
    /// Why this lane: clauses with semicolons between.
    pub why: String,
    /// What all parts would cost, in the unit of the routes.
    pub cost: Option<f64>,
}

impl Preview {
    /// How many parts.
    pub fn segments(&self) -> usize {
        self.segment_units.len()
    }
}

/// Says what would become of a text.
///
/// # Errors
/// What would be said of such a message.
pub fn preview(
    gateway: &Gateway,
    customer: &Customer,
    request: &PreviewRequest,
) -> Result<Preview, Rejection> {
    let ground = Ground::new(gateway, customer, "tidings".into());
    let Some(to) = &request.to else {
        let nobody = DraftRecipient::Written(String::new(), None);
        let draft = draft_of(request, nobody);
        let plan = ground.plan(&request.text, &draft, false)?;
        return Ok(of_plan(&plan, None));
    };
    let draft = draft_of(request, to.clone());
    let checked = ground.check(&draft)?;
    let (message, lane) = (&checked.message, &checked.lane);
    let draw = gateway.randomness().next();
    let decision = ground.explain(message, draw);
    let rule = decision.rule().ok_or_else(|| {
        // The routes were replaced while we asked.
        Rejection::new(RejectionCode::NoRoute, decision.why())
    })?;
    let with_footer = ground.with_footer(&request.text, rule, false);
    let has_footer = matches!(with_footer, Cow::Owned(_));
    let plan = ground.plan(&with_footer, &draft, has_footer)?;
    let rule = ground.live.config.routes.rules().nth(rule);
    let account = rule.and_then(|rule| {
        let mut accounts = rule.named_accounts().iter();
        accounts.find(|account| account.name.as_str() == lane.id.as_str())
    });
    let cost = account.and_then(|account| account.cost);
    let route = PreviewedRoute {
        lane: lane.id.clone(),
        sender: checked.sender.clone(),
        why: decision.why(),
        cost: cost.map(|cost| cost * f64::from(checked.parts)),
    };
    Ok(of_plan(&plan, Some(route)))
}

fn draft_of(request: &PreviewRequest, to: DraftRecipient) -> Draft {
    let mut draft = Draft::new(to, Arc::clone(&request.text));
    draft.from.clone_from(&request.from);
    draft.tag.clone_from(&request.tag);
    draft.priority = request.priority;
    draft.replacement = request.replacement;
    draft.max_parts = request.max_parts;
    draft
}

fn of_plan(plan: &Plan<'_>, route: Option<PreviewedRoute>) -> Preview {
    let replaced = |change: &Change<'_>| Replaced {
        position: change.position,
        original: change.original.to_owned(),
        replacement: change.replacement.clone().into_owned(),
    };
    Preview {
        text: plan.text().to_owned(),
        encoding: plan.encoding(),
        units: plan.units(),
        segment_units: plan.parts().iter().map(|part| part.units).collect(),
        changes: plan.changes().iter().map(replaced).collect(),
        route,
    }
}
