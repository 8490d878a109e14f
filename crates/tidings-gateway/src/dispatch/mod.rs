//! Stages 2 and 3: what is due on a lane is leased, attempted and ended.

mod backoff;
mod group;
mod measure;
mod next;
mod pace;
mod record;
mod route;
mod suspension;

pub use measure::Measurements;
pub(crate) use record::Record;
pub use route::in_service;
pub(crate) use suspension::Suspension;
