//! Which other lane could carry a message.
//!
//! Asked by [`super::lane`] after a failed attempt, by [`super::moving`] for messages of a lane that is out
//! of service or gone, and by [`super::doubt`]. The rules are [`tidings::routing`]; which lane a message gets at
//! first is decided by [`crate::intake`].

use std::time::Duration;

use tidings::routing::{Decision, Standing};
use tidings_core::{Message, SenderId};
use tidings_store::LaneId;

use super::next::OtherLanes;
use crate::gateway::{Gateway, Live};

/// The other lanes for one message.
#[derive(Debug)]
pub(super) struct Others<'a> {
    gateway: &'a Gateway,
    live: &'a Live,
    message: &'a Message,
    here: &'a LaneId,
    tried: &'a [LaneId],
    only_at: Option<Box<str>>,
}

impl<'a> Others<'a> {
    /// Lanes for this message that is `here` now and was tried on those. Where what goes with it binds it
    /// to one provider, only accounts at that one.
    pub(super) fn new(
        gateway: &'a Gateway,
        live: &'a Live,
        message: &'a Message,
        here: &'a LaneId,
        tried: &'a [LaneId],
        only_at: Option<Box<str>>,
    ) -> Self {
        Self {
            gateway,
            live,
            message,
            here,
            tried,
            only_at,
        }
    }

    /// One that a route leads to, whether or not it is in service.
    pub(super) fn out_of_service(&self) -> Option<LaneId> {
        self.among(&Standing::default(), true)
    }

    fn first(&self, may_be_tried: bool) -> Option<LaneId> {
        let now = self.gateway.clock().elapsed();
        let standing = in_service(self.gateway, self.live, now);
        self.among(&standing, may_be_tried)
    }

    fn among(&self, standing: &Standing, may_be_tried: bool) -> Option<LaneId> {
        let draw = self.gateway.randomness().next();
        let decision = self.live.config.routes.decide(self.message, standing, draw);
        let mut candidates = decision.candidates();
        let candidate = candidates.find(|candidate| {
            let name = candidate.account.as_str();
            name != self.here.as_str()
                && (may_be_tried || self.tried.iter().all(|tried| tried.as_str() != name))
                && self.is_allowed(name)
                && can_carry(self.live, name, self.message, candidate.sender)
        })?;
        Some(candidate.account.as_str().into())
    }
}

impl Others<'_> {
    fn is_allowed(&self, lane: &str) -> bool {
        let Some(only_at) = &self.only_at else {
            return true;
        };
        let lane = self.live.lanes.get(lane);
        lane.is_some_and(|lane| lane.spec.id == &**only_at)
    }
}

impl OtherLanes for Others<'_> {
    fn untried(&self) -> Option<LaneId> {
        self.first(false)
    }

    fn any(&self) -> Option<LaneId> {
        self.first(true)
    }
}

/// A lane that a route leads to, for a message that has none: one in service before others.
pub(crate) fn lane_for(
    gateway: &Gateway,
    message: &Message,
    only_at: Option<Box<str>>,
) -> Option<LaneId> {
    let live = gateway.live();
    let nowhere = LaneId::from("");
    let lanes = Others::new(gateway, &live, message, &nowhere, &[], only_at);
    lanes.any().or_else(|| lanes.out_of_service())
}

/// What is known of all lanes at this moment, for [`Routes::decide`](tidings::routing::Routes::decide): which
/// are out of service, and the weights that were measured.
pub fn in_service(gateway: &Gateway, live: &Live, now: Duration) -> Standing {
    let mut standing = Standing::default();
    for lane in live.lanes.values() {
        if let Some(obstacle) = lane.obstacle(now) {
            standing = standing.out_of_service(lane.name.clone(), obstacle.reason());
        }
    }
    match gateway.measured().weights() {
        Some(weights) => standing.weights(weights),
        None => standing,
    }
}

/// Whether any rule that names this lane names another that is in service: whether it is worth while to
/// look at what waits for it.
pub(super) fn has_alternative(gateway: &Gateway, live: &Live, here: &LaneId) -> bool {
    let now = gateway.clock().elapsed();
    let is_another = |name: &str| {
        let lane = live.lanes.get(name);
        name != here.as_str() && lane.is_some_and(|lane| lane.obstacle(now).is_none())
    };
    live.config.routes.rules().any(|rule| {
        let names = || {
            rule.named_accounts()
                .iter()
                .map(|account| account.name.as_str())
        };
        names().any(|name| name == here.as_str()) && names().any(is_another)
    })
}

/// The sender that a message without one has on a lane: that of the rule, else the lane's own, else the
/// gateway's.
pub(super) fn sender_on(live: &Live, lane: &LaneId, message: &Message) -> Option<SenderId> {
    let decision = live
        .config
        .routes
        .decide(message, &Standing::default(), 0.0);
    sender_of(live, lane, &decision)
}

fn sender_of(live: &Live, lane: &LaneId, decision: &Decision) -> Option<SenderId> {
    let mut candidates = decision.candidates();
    let candidate = candidates.find(|candidate| candidate.account.as_str() == lane.as_str());
    let of_rule = candidate.and_then(|candidate| candidate.sender);
    own_sender(live, lane.as_str(), of_rule).cloned()
}

fn own_sender<'a>(
    live: &'a Live,
    lane: &str,
    of_rule: Option<&'a SenderId>,
) -> Option<&'a SenderId> {
    let of_lane = || live.lanes.get(lane)?.config.from.as_ref();
    of_rule
        .or_else(of_lane)
        .or(live.config.sending.sender.as_ref())
}

fn can_carry(live: &Live, lane: &str, message: &Message, of_rule: Option<&SenderId>) -> bool {
    let Some(lane) = live.lanes.get(lane) else {
        return false;
    };
    let sender = match &message.from {
        Some(_) => None,
        None => own_sender(live, lane.id.as_str(), of_rule),
    };
    match sender {
        Some(sender) => {
            let message = message.clone().from(sender.clone());
            lane.capabilities.check(&message).is_ok()
        }
        None => lane.capabilities.check(message).is_ok(),
    }
}
