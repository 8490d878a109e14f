//! The tables: what providers do, one file for each area.
//!
//! Every row is a test for every provider. A file has its table at the top and the behaviours below it.

mod areas;
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

/// Every behaviour, in the order of the areas.
pub(crate) fn behaviours() -> Vec<Behaviour> {
    let areas = [
        submit::rows,
        limits::rows,
        errors::rows,
        unknown::rows,
        policies::rows,
        status::rows,
        callbacks::rows,
        cancel::rows,
        balance::rows,
        redaction::rows,
        areas::rows,
    ];
    areas.into_iter().flat_map(|rows| rows()).collect()
}
