//! Tests of the forms in which documents travel.

mod documents;
pub(in crate::puzzel) mod golden;
mod limits;
mod reading;
mod round_trips;
mod schema;
