//! Settings and their defaults.

use std::time::Duration;

use tidings_core::DeliveryPolicy;

use super::*;
use crate::messenger::{Sent, VerdictOrder, Waiting};

#[test]
fn each_setter_sets_its_own() {
    let second = Duration::from_secs;
    let set = MessengerSettings::default()
        .policy(DeliveryPolicy::AtLeastOnce)
        .window(1)
        .calls_at_once(2)
        .deadline(second(3))
        .settle(second(4))
        .grace(second(5))
        .resends(6)
        .hears_reports(true)
        .reports_kept(7);
    let expected = MessengerSettings {
        policy: DeliveryPolicy::AtLeastOnce,
        window: 1,
        calls_at_once: 2,
        deadline: second(3),
        settle: second(4),
        grace: second(5),
        resends: 6,
        hears_reports: true,
        reports_kept: 7,
    };
    assert_eq!(set, expected);
    let waiting = Waiting::default()
        .waits(second(1), second(2))
        .factor(3.0)
        .total(second(4));
    let expected = Waiting {
        first: second(1),
        longest: second(2),
        factor: 3.0,
        total: second(4),
    };
    assert_eq!(waiting, expected);
}

#[test]
fn defaults_send_nothing_twice() {
    assert_eq!(
        MessengerSettings::default().policy,
        DeliveryPolicy::Reconcile
    );
    assert_eq!(VerdictOrder::default(), VerdictOrder::Given);
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_of_a_message_survives_a_restart() {
    let two = Two::new();
    let sent = two.alone(settings()).send(message(1)).await.unwrap();
    let kept = serde_json::to_string(&sent).unwrap();
    let read: Sent = serde_json::from_str(&kept).unwrap();
    assert_eq!(read, sent);
    let reports = two.alone(settings()).status(&[read]).await;
    assert_eq!(reports[0].as_ref().unwrap().state, ReportedState::Submitted);
}
