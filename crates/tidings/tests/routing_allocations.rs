//! A decision costs no allocation while every account of its rule can carry the message: shown with a
//! counting allocator.

use std::hint::black_box;

use allocation_counter::measure;
use tidings::routing::{Adaptation, Order, RouteAccount, Routes, Rule, Standing};
use tidings::{Message, SenderId, Tag};

/// Heap allocations that a decision costs, with all its candidates looked at.
fn allocations(routes: &Routes, message: &Message, standing: &Standing) -> u64 {
    measure(|| {
        let decision = routes.decide(black_box(message), standing, 0.3);
        for candidate in decision.candidates() {
            black_box((candidate.account, candidate.sender));
        }
    })
    .count_total
}

#[test]
fn a_decision_costs_no_allocation() {
    let accounts = || {
        let cheap = RouteAccount::new("cheap").cost(0.02);
        [
            RouteAccount::new("main").weight(3.0),
            cheap,
            "spare".into(),
            "last".into(),
        ]
    };
    let name = SenderId::parse("Tidings").unwrap();
    let message = Message::new("+224622000001".parse().unwrap(), "Hello");
    let message = message.tag(Tag::new("otp").unwrap());
    for order in [Order::Failover, Order::Weighted, Order::Adaptive] {
        let elsewhere = Rule::new("norway").prefix("+47").accounts(["norway"]);
        let tagged = Rule::new("otp")
            .calling_code(224)
            .tag(Tag::new("otp").unwrap());
        let rule = tagged
            .order(order)
            .accounts(accounts())
            .sender_for(224, name.clone());
        let routes = Routes::new([elsewhere, rule]);
        let standing = Standing::default().weights(Adaptation::of(&routes).weights());
        let decision = routes.decide(&message, &standing, 0.3);
        assert_eq!(decision.candidates().count(), 4);
        assert_eq!(allocations(&routes, &message, &standing), 0, "{order:?}");
    }
    let nobody = Routes::new([Rule::new("norway").prefix("+47").accounts(["norway"])]);
    assert_eq!(allocations(&nobody, &message, &Standing::default()), 0);
}
