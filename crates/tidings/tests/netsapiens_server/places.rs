//! Paths: what `~` and `*` mean, names that are none, everything that is not served, and the API under
//! a prefix.

use axum::Router;
use serde_json::Value;

use crate::desk::{self, Desk, SESSION};
use crate::{API, MINE, ask, assert_said, call, get, request, serve};

const NO_ROUTE: &str = "No Route Found [92]";

#[tokio::test]
async fn one_asks_for_oneself_by_a_tilde_and_for_all_by_a_star() {
    for (path, asked) in [
        (
            "domains/~/messagesessions",
            "conversations example.test all",
        ),
        (
            "domains/~/users/~/messagesessions",
            "conversations example.test 200",
        ),
        (
            "domains/~/users/*/messagesessions",
            "conversations example.test all",
        ),
        (
            "domains/example.test/users/~/messagesessions",
            "conversations example.test 200",
        ),
        (
            "domains/example.test/users/200/messagesessions",
            "conversations example.test 200",
        ),
        (
            "domains/%65xample.test/users/2%300/messagesessions",
            "conversations example.test 200",
        ),
    ] {
        let desk = Desk::new();
        ask(&serve(&desk), get(&format!("{API}/{path}")))
            .await
            .document();
        assert_eq!(desk.asked(), [format!("{asked} 0+100")]);
    }
    for (path, asked) in [
        ("domains/*/smsnumbers", "numbers all all 0+100"),
        ("domains/*/users/*/smsnumbers", "numbers all all 0+100"),
        ("domains/*/calls", "calls all all"),
        ("domains/*/subscriptions", "subscriptions all 0+100"),
    ] {
        let desk = Desk::new();
        ask(&serve(&desk), get(&format!("{API}/{path}")))
            .await
            .document();
        assert_eq!(desk.asked(), [asked]);
    }
}

#[tokio::test]
async fn a_star_is_nobody_to_send_for() {
    let router = serve(&Desk::new());
    let user = "user must be ~ or 1 to 16 letters, digits, dots, dashes and underscores";
    let domain = "domain must be ~ or 1 to 64 letters, digits, dots, dashes and underscores";
    let sms = serde_json::json!({
        "type": "sms", "message": "hello", "destination": "15550101234",
        "from-number": "15550109876",
    });
    for (method, path, fault) in [
        ("POST", "domains/~/users/*/messages".to_owned(), user),
        ("POST", "domains/*/users/~/messages".to_owned(), domain),
        (
            "GET",
            format!("domains/~/users/*/messagesessions/{SESSION}"),
            user,
        ),
        (
            "DELETE",
            format!("domains/*/users/*/messagesessions/{SESSION}"),
            domain,
        ),
        ("POST", "domains/*/smsnumbers".to_owned(), domain),
    ] {
        let answer = ask(&router, call(method, &format!("{API}/{path}"), &sms)).await;
        assert_said(&answer, 400, fault);
    }
}

#[tokio::test]
async fn names_that_are_none_are_refused_before_anybody_is_asked() {
    let desk = Desk::new();
    let router = serve(&desk);
    let domain = "domain must be ~ or 1 to 64 letters, digits, dots, dashes and underscores";
    let user = "user must be ~ or 1 to 16 letters, digits, dots, dashes and underscores";
    for (path, fault) in [
        (
            format!("domains/{}/messagesessions", "d".repeat(65)),
            domain,
        ),
        ("domains//messagesessions".to_owned(), domain),
        ("domains/a%2Fb/messagesessions".to_owned(), domain),
        ("domains/a%20b/messagesessions".to_owned(), domain),
        ("domains/d%C3%BCr/messagesessions".to_owned(), domain),
        (
            "domains/~/users/12345678901234567/messagesessions".to_owned(),
            user,
        ),
        (
            "domains/~/users/a%2F..%2Fb/messagesessions".to_owned(),
            user,
        ),
        ("domains/~/users/a%3Fb/messagesessions".to_owned(), user),
    ] {
        let answer = ask(&router, get(&format!("{API}/{path}"))).await;
        assert_said(&answer, 400, fault);
    }
    let answer = ask(&router, get(&format!("{API}/domains/%FF/messagesessions"))).await;
    assert_said(&answer, 400, "the path must be UTF-8, percent-encoded");
    let id = "x".repeat(256);
    let answer = ask(&router, get(&format!("{MINE}/messagesessions/{id}"))).await;
    assert_said(
        &answer,
        400,
        "messagesession must be a text of at most 255 characters",
    );
    assert!(desk.asked().is_empty());
}

#[tokio::test]
async fn what_is_not_there_is_told_with_its_name() {
    let router = serve(&Desk::new());
    let answer = ask(
        &router,
        get(&format!("{API}/domains/other.test/messagesessions")),
    )
    .await;
    assert_said(&answer, 404, "Domain other.test does not exist");
    let answer = ask(
        &router,
        get(&format!("{API}/domains/~/users/999/messagesessions")),
    )
    .await;
    assert_said(
        &answer,
        404,
        "User 999 does not exist in domain example.test",
    );
    let answer = ask(
        &router,
        get(&format!("{API}/domains/~/users/201/messagesessions")),
    )
    .await;
    assert_said(&answer, 401, "Invalid Scope [APP001]");
    let answer = ask(&router, get(&format!("{API}/domains/*/messagesessions"))).await;
    assert_said(&answer, 401, "Invalid Scope [APP001]");
}

#[tokio::test]
async fn what_is_not_served_is_no_route() {
    let router = serve(&Desk::new());
    for (method, path) in [
        ("GET", "/"),
        ("GET", "/ns-api/v2"),
        ("GET", "/ns-api/v2/"),
        ("GET", "/ns-api/v2/nowhere"),
        ("GET", "/ns-api/v2/tokens"),
        ("PUT", "/ns-api/v2/tokens"),
        ("POST", "/ns-api/v2/version"),
        ("POST", "/ns-api/v2/domains/~/users/~/messagesessions"),
        ("GET", "/ns-api/v2/domains/~/users/~/messages"),
        ("PATCH", "/ns-api/v2/subscriptions/1"),
        ("GET", "/ns-api/v2/domains/~/smsnumbers/15550109876"),
        ("GET", "/ns-api/v2/apikeys"),
        ("GET", "/ns-api/v2/apikeys/nsd_a1b2c3d4"),
        ("GET", "/ns-api/v2/domains/~/users/../messagesessions/x/y"),
        ("OPTIONS", "/ns-api/v2/subscriptions"),
        ("POST", "/ns-api/oauth/token"),
        ("GET", "/ns-api/?object=subscriber&action=read"),
        ("POST", "/ns-api/?object=message&action=create"),
    ] {
        // With and without a token.
        let answer = ask(&router, call(method, path, &Value::Null)).await;
        assert_said(&answer, 404, NO_ROUTE);
        let answer = ask(&router, request(method, path, &[], "")).await;
        assert_said(&answer, 404, NO_ROUTE);
    }
}

#[tokio::test]
async fn the_api_stands_under_any_prefix() {
    let desk = Desk::new();
    let router = Router::new().nest("/netsapiens", serve(&desk));
    let path = format!("/netsapiens{MINE}/messagesessions/{SESSION}/messages");
    let rows = ask(&router, get(&path)).await.document();
    let url = rows[0]["file-access-url"].as_str().unwrap();
    let rest = url.strip_prefix("http://core1.example.test").unwrap();
    assert!(
        rest.starts_with("/netsapiens/ns-api/?object=message&"),
        "{rest}"
    );
    let file = ask(&router, request("GET", rest, &[], "")).await;
    assert_eq!(file.body, desk::PNG);
    let answer = ask(&router, get("/netsapiens/ns-api/v2/nowhere")).await;
    assert_said(&answer, 404, NO_ROUTE);
}
