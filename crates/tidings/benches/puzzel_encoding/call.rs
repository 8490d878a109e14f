//! The call with many messages whose cost is measured here and held by `tests/puzzel_allocations.rs`.

use std::fmt::Write as _;

/// How many messages it holds.
pub(crate) const N_MESSAGES: u64 = 1_000;

/// The call in JSON, with the given members in every message.
pub(crate) fn call(members: &str) -> String {
    let mut call =
        r#"{"serviceId":1000,"username":"demo","password":"s3cret","message":["#.to_owned();
    for n in 0..N_MESSAGES {
        let comma = if n == 0 { "" } else { "," };
        write!(call, r#"{comma}{{"recipient":"+47{n:08}",{members}}}"#)
            .expect("a String takes everything");
    }
    call.push_str("]}");
    call
}
