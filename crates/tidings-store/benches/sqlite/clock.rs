//! The one place of this bench that reads the time.

use std::time::Instant;

#[expect(
    clippy::disallowed_methods,
    reason = "what is measured is the time that passes"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}
