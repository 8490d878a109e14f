//! Tests of what would become of a text.

use tidings_core::text::{Encoding, Replacement};

use super::*;

const ROUTES: &str = "[[routes]]\nname = \"norway\"\nprefix = \"+47\"\nfooter = \"STOP ends this\"\n\
    lanes = [{ name = \"main\", cost = 0.05 }, \"spare\"]\n";

#[tokio::test]
async fn a_text_alone_is_cut_into_parts() {
    let harness = Harness::new().await;
    let request = PreviewRequest {
        text: "a".repeat(161).into(),
        ..PreviewRequest::default()
    };
    let shown = preview(&harness.gateway, &harness.customer, &request).unwrap();
    assert_eq!((shown.encoding, shown.units), (Encoding::Gsm7, 161));
    assert_eq!((shown.segments(), shown.segment_units), (2, vec![153, 8]));
    assert_eq!(shown.route, None);
}

#[tokio::test]
async fn with_a_recipient_it_says_who_carries_it_why_and_for_how_much() {
    let harness = Harness::with(ROUTES, AccountSettings::default()).await;
    let request = PreviewRequest {
        text: "a".repeat(146).into(),
        to: Some(to("+4740612345")),
        ..PreviewRequest::default()
    };
    let shown = preview(&harness.gateway, &harness.customer, &request).unwrap();
    assert!(shown.text.ends_with("\nSTOP ends this"));
    assert_eq!(shown.segments(), 2);
    let route = shown.route.unwrap();
    assert_eq!((route.lane.as_str(), route.cost), ("main", Some(0.1)));
    assert!(
        route.why.starts_with("rule 1 (norway) decides"),
        "{}",
        route.why
    );
    assert!(!route.why.contains("406"), "{}", route.why);
    // It says what stands in the way of the others.
    harness.lane("main").standing.set_paused(true);
    let shown = preview(&harness.gateway, &harness.customer, &request).unwrap();
    let route = shown.route.unwrap();
    assert_eq!((route.lane.as_str(), route.cost), ("spare", None));
    assert!(
        route.why.contains("main is out of service"),
        "{}",
        route.why
    );
    // Nothing was sent.
    assert!(harness.all().await.is_empty());
    assert!(harness.lane("spare").standing.flows().is_empty());
}

#[tokio::test]
async fn replaced_characters_are_shown() {
    let harness = Harness::new().await;
    let text = format!("{}\u{2019}s", "a".repeat(100));
    let request = PreviewRequest {
        text: text.as_str().into(),
        replacement: Some(Replacement::Typography),
        ..PreviewRequest::default()
    };
    let shown = preview(&harness.gateway, &harness.customer, &request).unwrap();
    assert_eq!(
        shown.changes,
        [Replaced {
            position: 100,
            original: "\u{2019}".into(),
            replacement: "'".into(),
        }]
    );
    assert!(shown.text.ends_with("a's"));
}

#[tokio::test]
async fn what_would_be_refused_is() {
    let harness = Harness::with(ROUTES, AccountSettings::default()).await;
    let request = |number: &str| PreviewRequest {
        text: "a".into(),
        to: Some(to(number)),
        ..PreviewRequest::default()
    };
    let asked = |number: &str| preview(&harness.gateway, &harness.customer, &request(number));
    assert_eq!(
        asked("x").unwrap_err().code,
        RejectionCode::InvalidRecipient
    );
    assert_eq!(
        asked("+224622000001").unwrap_err().code,
        RejectionCode::NoRoute
    );
}
