//! The faults that a call to any provider can meet, one scenario of the simulated carrier each.
//!
//! Made by the tests that look for secrets in the log of a full run; a provider's own faults are
//! added by its test.

use std::time::Duration;

use tidings_sim::Scenario;

/// How long a call may take, so that no busy machine makes it too long.
pub const CALL_LIMIT: Duration = Duration::from_secs(30);
/// Shorter than a late answer takes.
const SHORT: Duration = Duration::from_millis(500);

/// A fault, as a scenario has it below `[[fault]]`.
#[derive(Clone, Copy, Debug)]
pub struct Fault(&'static str);

impl Fault {
    /// Those that every provider's calls can meet.
    pub const OF_ALL_PROVIDERS: [Self; 13] = [
        Self("refuse = { status = 503, code = \"busy\", body = \"come back later\" }"),
        Self("refuse = { status = 400 }"),
        Self("rate_limit = { retry_after_s = 2 }"),
        Self("drop = { when = \"before\" }"),
        Self("drop = { when = \"before\", reset = true }"),
        Self("drop = { when = \"after\" }"),
        Self("drop = { when = \"mid_answer\" }"),
        Self("late = { ms = 2000 }\nfirst = 2"),
        Self("slow = { chunk_ms = 1 }"),
        Self("broken_json = true"),
        Self("wrong_content_type = { content_type = \"text/html\" }"),
        Self("empty_body = true"),
        Self("failure_in_200 = { message = \"not today\" }"),
    ];

    /// A fault of one's own.
    pub const fn new(toml: &'static str) -> Self {
        Self(toml)
    }

    /// What a log calls it.
    pub fn name(self) -> &'static str {
        self.0.split(' ').next().unwrap_or_default()
    }

    /// The scenario in which every call meets it.
    ///
    /// # Panics
    /// When it is no fault that a scenario knows.
    pub fn scenario(self) -> Scenario {
        Scenario::from_toml(&format!("[[fault]]\n{}\n", self.0))
            .expect("a scenario knows the fault")
    }

    /// How long a call may take: where answers come late, less than that.
    pub fn time_limit(self) -> Duration {
        if self.name() == "late" {
            SHORT
        } else {
            CALL_LIMIT
        }
    }
}
