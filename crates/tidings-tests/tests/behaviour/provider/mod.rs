//! The tables: what providers do, one file for each area.
//!
//! Every row is a test for every provider, and one more through a gateway. A file has its table at the top and the behaviours below it.

mod areas;
mod bad_day;
mod balance;
mod callbacks;
mod cancel;
mod errors;
mod limits;
mod policies;
mod redaction;
mod status;
mod submit;
mod unknown;

use crate::behaviour::Behaviour;

/// Every behaviour, in the order of the areas, with why no gateway may stand between client and carrier,
/// where that holds for the whole area.
pub(crate) fn behaviours() -> Vec<(Option<&'static str>, Behaviour)> {
    type Rows = fn() -> Vec<Behaviour>;
    let areas: [(Rows, Option<&'static str>); 12] = [
        (submit::rows, None),
        (limits::rows, None),
        (
            errors::rows,
            Some("what a carrier's faults do to a client is seen of the carrier itself"),
        ),
        (unknown::rows, None),
        (
            policies::rows,
            Some("a gateway has policies of its own, and tests of them"),
        ),
        (status::rows, None),
        (
            callbacks::rows,
            Some("a gateway tells its customers by webhooks"),
        ),
        (cancel::rows, None),
        (
            balance::rows,
            Some("an account of a gateway has a quota in the place of the carrier's credit"),
        ),
        (
            redaction::rows,
            Some("a client shows and logs the same, whoever it calls"),
        ),
        (areas::rows, None),
        (
            bad_day::rows,
            Some("a gateway has bad days of its own: cargo xtask chaos"),
        ),
    ];
    let areas = areas.into_iter();
    areas
        .flat_map(|(rows, why)| rows().into_iter().map(move |row| (why, row)))
        .collect()
}
