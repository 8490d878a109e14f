//! Messages of a lane that carries none go to lanes that do.
//!
//! Called by [`super::lane`] while its lane is out of service, and by [`super::run`] for lanes that are not in
//! the configuration any more. In pieces, so that a lane that is back soon keeps most of what is its own.

use std::time::Duration;

use tidings_store::{LaneId, LeaseRequest, Leased, Next, Returned, StoreError};

use super::next::{self, OtherLanes as _};
use super::route::Others;
use crate::gateway::{Gateway, Live};
use crate::lane::Lane;
use crate::vendors::KeptTerms;

/// How many messages go at once.
const PIECE: usize = 500;

/// How long the piece in hand is nobody else's.
const TERM: Duration = Duration::from_mins(1);

/// What was moved.
#[derive(Debug, Default)]
pub(super) struct Moved {
    /// Messages that went to other lanes.
    pub(super) messages: u64,
    /// Messages that were looked at.
    pub(super) looked_at: usize,
    /// The lanes that got any.
    pub(super) lanes: Vec<LaneId>,
}

/// Moves a piece of what waits for a lane to lanes in service. What none of them carries waits for its
/// own lane for the `rest` of its trouble; for a lane that is gone (`None`) it is held until a route leads
/// somewhere.
pub(super) async fn move_piece(
    gateway: &Gateway,
    here: &LaneId,
    rest: Option<Duration>,
) -> Result<Moved, StoreError> {
    let now = gateway.now();
    let request = LeaseRequest {
        lane: here.clone(),
        node: gateway.node().clone(),
        until: now.plus(TERM),
        limit: PIECE,
    };
    let leased = gateway.store().lease_due(request, now).await?;
    let mut moved = Moved {
        looked_at: leased.len(),
        ..Moved::default()
    };
    if leased.is_empty() {
        return Ok(moved);
    }
    let live = gateway.live();
    let returned = leased.iter().map(|leased| {
        let next = next_place(gateway, &live, here, leased, rest);
        if let Next::Again { lane, .. } = &next
            && lane != here
        {
            moved.messages += 1;
            if !moved.lanes.contains(lane) {
                moved.lanes.push(lane.clone());
            }
        }
        Returned {
            key: leased.key,
            lease: leased.lease,
            next,
            closes_at: None,
            fault: None,
        }
    });
    let returned: Vec<Returned> = returned.collect();
    gateway.store().return_leased(returned, now).await?;
    Ok(moved)
}

/// Where a message goes that only accounts at another provider than that of its lane can carry, because
/// the lane has become an account at another one.
pub(super) fn astray(
    gateway: &Gateway,
    live: &Live,
    leased: &Leased,
    here: &Lane,
) -> Option<Returned> {
    let only_at = KeptTerms::only_at(leased.terms.as_deref())?;
    (here.spec.id != &*only_at).then(|| Returned {
        key: leased.key,
        lease: leased.lease,
        next: next_place(gateway, live, &here.id, leased, None),
        closes_at: None,
        fault: None,
    })
}

fn next_place(
    gateway: &Gateway,
    live: &Live,
    here: &LaneId,
    leased: &Leased,
    rest: Option<Duration>,
) -> Next {
    let only_at = KeptTerms::only_at(leased.terms.as_deref());
    let others = Others::new(gateway, live, &leased.message, here, &leased.tried, only_at);
    let other = match rest {
        Some(_) => others.untried(),
        None => others.any().or_else(|| others.out_of_service()),
    };
    match (other, rest) {
        (Some(lane), _) => next::now(lane),
        (None, Some(rest)) => Next::Again {
            lane: here.clone(),
            not_before: Some(gateway.now().plus(rest)),
        },
        (None, None) => next::without_route(),
    }
}
