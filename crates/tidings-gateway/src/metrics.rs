//! The names of all metrics, with what they count and their labels.
//!
//! Used by the stages, which count through the facade `metrics`, and by whoever installs the exporter. A
//! label has few values: lanes, states, classes of errors; never a number, a message or a customer's word.

/// Messages that were handed to a provider: counter. Labels: `lane`; `outcome`, which is `taken`, `not_taken`
/// or `unknown`; `error`, the class of the error or `none`.
pub const SENT: &str = "tidings_sent_messages_total";

/// Calls to providers: histogram, in seconds, without any wait in our own limits. Label: `lane`.
pub const CALL_SECONDS: &str = "tidings_call_seconds";

/// From acceptance (or the time that a message was to leave at, which a store does not tell) until the provider
/// took the message: histogram, in seconds. Label: `lane`.
pub const SENDING_SECONDS: &str = "tidings_sending_seconds";

/// Calls that are open: gauge. Label: `lane`.
pub const CALLS_OPEN: &str = "tidings_calls_open";

/// Messages that wait for a lane: gauge. Labels: `lane`; `state`, which is `ready`, `waiting`, `in_hand` or
/// `in_doubt`.
pub const QUEUE_DEPTH: &str = "tidings_queue_depth";

/// How long the message that has waited longest for a lane has done so: gauge, in seconds. Label: `lane`.
pub const QUEUE_AGE_SECONDS: &str = "tidings_queue_age_seconds";

/// Messages that were sent again after a lost answer because their policy says so, and may arrive twice:
/// counter. Label: `lane`.
pub const DUPLICATE_RISKS: &str = "tidings_duplicate_risks_total";

/// What was found out about lost answers: counter. Labels: `lane`; `finding`, which is `taken`, `not_taken`,
/// `resent` or `given_up`.
pub const DOUBTS_SETTLED: &str = "tidings_doubts_settled_total";

/// Messages that went from a lane out of service to another: counter. Label: `lane`, the one they left.
pub const MOVED: &str = "tidings_moved_messages_total";

/// Whether a lane is in service: gauge, 1 or 0. Label: `lane`.
pub const LANE_UP: &str = "tidings_lane_up";

/// Parts that left over a lane today, where it has a daily cap: gauge. Label: `lane`.
pub const PARTS_TODAY: &str = "tidings_parts_today";

/// What the janitor made good: counter. Label: `what`, which is `leases`, `attempts`, `expired`, `released`,
/// `removed` or `closed`.
pub const REPAIRED: &str = "tidings_repaired_total";
