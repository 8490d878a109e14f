//! Time is up after exactly the limit, and what that says about a message.

use std::time::Duration;

use tidings_core::Clock;

use super::{PausedClock, Scripted, ask_everything, check_answers_pass, outbounds};
use crate::error::{Acceptance, ErrorKind};
use crate::layers::{Innermost, Stack, Timeout};
use crate::provider::Provider;

#[tokio::test(start_paused = true)]
async fn time_is_up() {
    let clock = PausedClock::new();
    let inner = Innermost::new(Scripted::new(&clock).hanging());
    let limited = Stack::new(Timeout::new(inner, Duration::from_secs(5)));
    let error = limited.submit(&outbounds(1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(error.acceptance(), Acceptance::Unknown);
    assert!(!error.is_safe_to_resend());
    assert_eq!(error.to_string(), "the provider did not answer within 5s");
    assert_eq!(clock.elapsed(), Duration::from_secs(5));

    // A provider may reconcile by sending once more, and a cancel may have stopped the message.
    let expected = [
        Acceptance::NotSent,
        Acceptance::Unknown,
        Acceptance::Unknown,
        Acceptance::NotSent,
    ];
    for (error, acceptance) in ask_everything(&limited).await.into_iter().zip(expected) {
        let error = error.expect("nothing is ever answered");
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert_eq!(error.acceptance(), acceptance);
    }
    assert_eq!(clock.elapsed(), Duration::from_secs(25));
}

#[tokio::test(start_paused = true)]
async fn an_answer_in_time_comes_through() {
    let clock = PausedClock::new();
    let inner = Innermost::new(Scripted::new(&clock).taking(Duration::from_millis(4999)));
    let limited = Stack::new(Timeout::new(inner, Duration::from_secs(5)));
    check_answers_pass(&limited).await;
}
