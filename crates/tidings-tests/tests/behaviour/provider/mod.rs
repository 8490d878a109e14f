//! The tables: what providers do, one file for each area.
//!
//! Every row is a test for every provider. A file has its table at the top and the behaviours below it.

mod balance;
mod cancel;
mod errors;
mod limits;
mod status;
mod submit;

use crate::behaviour::Behaviour;

/// Every behaviour, in the order of the areas.
pub(crate) fn behaviours() -> Vec<Behaviour> {
    let areas = [
        submit::rows,
        limits::rows,
        errors::rows,
        status::rows,
        cancel::rows,
        balance::rows,
    ];
    areas.into_iter().flat_map(|rows| rows()).collect()
}
