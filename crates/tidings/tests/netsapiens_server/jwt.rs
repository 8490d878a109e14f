//! JSON web tokens: given by password, second step, refresh and on behalf of an API key; described,
//! revoked, and refused when anybody has touched them.

use axum::Router;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::desk::{self, Desk};
use crate::{API, ask, assert_accepted, assert_said, call_as, request, serve, serve_as};

const NO_TOKEN: &str = "The access token is missing or not valid";

pub(crate) struct Pair {
    pub(crate) token: String,
    pub(crate) refresh: String,
}

async fn post(router: &Router, body: &Value) -> crate::Answer {
    let headers = [("content-type", "application/json")];
    let path = format!("{API}/jwt");
    ask(router, request("POST", &path, &headers, body.to_string())).await
}

fn credentials() -> Value {
    json!({
        "client_id": "acme.app",
        "client_secret": desk::CLIENT_SECRET,
        "username": "200@example.test",
        "password": desk::PASSWORD,
    })
}

fn pair(document: &Value) -> Pair {
    let text = |name: &str| document[name].as_str().unwrap().to_owned();
    Pair {
        token: text("token"),
        refresh: text("refresh"),
    }
}

pub(crate) async fn sign_in(router: &Router) -> Pair {
    pair(&post(router, &credentials()).await.document())
}

fn claims(token: &str) -> Value {
    let claims = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

async fn use_it(router: &Router, token: &str) -> crate::Answer {
    let path = format!("{API}/domains/~/users/~/messagesessions");
    ask(router, call_as(token, "GET", &path, &Value::Null)).await
}

#[tokio::test]
async fn a_token_is_given_described_and_good_for_calls() {
    let router = serve(&Desk::new());
    let pair = sign_in(&router).await;
    use_it(&router, &pair.token).await.document();
    let path = format!("{API}/jwt");
    let described = ask(&router, call_as(&pair.token, "GET", &path, &Value::Null)).await;
    let described = described.document();
    assert_eq!(described, claims(&pair.token));
    let expected = json!({
        "aud": "ns", "exp": 1_767_326_645, "iat": 1_767_323_045, "iss": "core1.example.test",
        "jti": desk::TOKEN, "sub": "200@example.test", "time_out": 3_600_000,
        "domain": "example.test", "territory": "Acme", "user": "200",
        "user_email": "a@example.test", "user_scope": "Basic User", "displayName": "Ann Doe",
        "apiversion": "Version: 44.1.2", "department": "n/a", "login": "200@example.test",
    });
    assert_eq!(described, expected);
    // A token that is no JSON web token has nothing to describe.
    let plain = ask(&router, call_as(desk::TOKEN, "GET", &path, &Value::Null)).await;
    assert_said(&plain, 401, NO_TOKEN);
}

#[tokio::test]
async fn a_refresh_token_is_for_refreshing_and_used_once() {
    let router = serve(&Desk::new());
    let first = sign_in(&router).await;
    assert_said(&use_it(&router, &first.refresh).await, 401, NO_TOKEN);
    let with_token = post(&router, &json!({"refresh": first.token})).await;
    assert_said(&with_token, 401, "Invalid credentials");
    let body = json!({"refresh": first.refresh});
    let second = pair(&post(&router, &body).await.document());
    assert_ne!(claims(&second.token)["jti"], claims(&first.token)["jti"]);
    use_it(&router, &second.token).await.document();
    assert_said(&post(&router, &body).await, 401, "Invalid credentials");
    let third = post(&router, &json!({"refresh": second.refresh})).await;
    third.document();
    for nonsense in ["a.b.c", "nonsense", "a.b", "...."] {
        let answer = post(&router, &json!({"refresh": nonsense})).await;
        assert_said(&answer, 401, "Invalid credentials");
    }
}

#[tokio::test]
async fn a_second_step_may_present_the_first_steps_token() {
    let desk = Desk::new();
    desk.want_second_step();
    let router = serve(&desk);
    let first = post(&router, &credentials()).await.document();
    let pending = first["token"].as_str().unwrap();
    assert!(first.get("refresh").is_none());
    assert_eq!(claims(pending)["user_scope"], "mfa_required");
    assert_eq!(claims(pending)["mfa_type"], "authenticator");
    assert_eq!(use_it(&router, pending).await.status.as_u16(), 401);
    let mut step = credentials();
    step["grant_type"] = json!("mfa");
    step["passcode"] = json!(desk::PASSCODE);
    for presented in [pending, desk::STEP] {
        step["access_token"] = json!(presented);
        let done = pair(&post(&router, &step).await.document());
        use_it(&router, &done.token).await.document();
    }
}

#[tokio::test]
async fn a_key_gets_tokens_for_users_and_nobody_else_does() {
    let desk = Desk::new();
    let router = serve(&desk);
    let path = format!("{API}/jwt");
    let user = json!({"user": "200", "domain": "example.test"});
    let given = ask(&router, call_as(desk::KEY, "POST", &path, &user)).await;
    let given = pair(&given.document());
    assert_eq!(claims(&given.token)["sub"], "200@example.test");
    use_it(&router, &given.token).await.document();
    assert!(
        desk.asked()
            .contains(&"open for 200@example.test".to_owned())
    );

    let other = json!({"user": "999", "domain": "example.test"});
    let answer = ask(&router, call_as(desk::KEY, "POST", &path, &other)).await;
    assert_said(&answer, 404, "Resource not found.");
    let answer = ask(&router, call_as(desk::TOKEN, "POST", &path, &user)).await;
    assert_said(&answer, 401, "Invalid Scope [APP001]");
    let answer = ask(&router, call_as("nsd_unknown", "POST", &path, &user)).await;
    assert_said(&answer, 401, NO_TOKEN);
    for name in ["user", "domain"] {
        let mut less = user.clone();
        less.as_object_mut().unwrap().remove(name);
        let answer = ask(&router, call_as(desk::KEY, "POST", &path, &less)).await;
        assert_said(&answer, 400, &format!("Please include field {name}"));
    }
}

#[tokio::test]
async fn tokens_are_revoked_by_their_holder_by_id_and_by_user() {
    let desk = Desk::new();
    let router = serve(&desk);
    let pair = sign_in(&router).await;
    let path = format!("{API}/jwt");
    for (path, asked) in [
        (
            format!("{path}/200@example.test"),
            "revoke user 200@example.test",
        ),
        (
            format!("{path}/200%40example.test"),
            "revoke user 200@example.test",
        ),
        (format!("{path}/0011223344"), "revoke token 0011223344"),
    ] {
        let call = call_as(&pair.token, "DELETE", &path, &Value::Null);
        assert_accepted(&ask(&router, call).await);
        assert_eq!(desk.asked().last().unwrap(), asked);
    }
    let call = call_as(&pair.token, "DELETE", &path, &Value::Null);
    assert_accepted(&ask(&router, call).await);
    assert_eq!(
        *desk.asked().last().unwrap(),
        format!("revoke token {}", desk::TOKEN)
    );
    assert_said(&use_it(&router, &pair.token).await, 401, NO_TOKEN);
}

#[tokio::test]
async fn nobody_else_writes_our_tokens() {
    let settings = [("jwt_secret", "a secret of more than thirty-two characters")];
    let router = serve_as(&Desk::new(), &settings);
    let token = sign_in(&router).await.token;
    use_it(&router, &token).await.document();
    let parts: Vec<&str> = token.split('.').collect();
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let none = encode(r#"{"alg":"none","typ":"JWT"}"#);
    let mut more = claims(&token);
    more["user_scope"] = json!("Super User");
    more["sub"] = json!("900@example.test");
    let more = encode(&more.to_string());
    let elsewhere = sign_in(&serve(&Desk::new())).await.token;
    let elsewhere_signature = elsewhere.rsplit_once('.').unwrap().1;
    let mut flipped = URL_SAFE_NO_PAD.decode(parts[2]).unwrap();
    flipped[0] ^= 1;
    let flipped = URL_SAFE_NO_PAD.encode(&flipped);
    let shorter = URL_SAFE_NO_PAD.encode(&URL_SAFE_NO_PAD.decode(parts[2]).unwrap()[..16]);
    for forged in [
        format!("{none}.{}.", parts[1]),
        format!("{none}.{}.{}", parts[1], parts[2]),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}.{more}.{}", parts[0], parts[2]),
        format!("{}.{}.{flipped}", parts[0], parts[1]),
        format!("{}.{}.{shorter}", parts[0], parts[1]),
        format!("{}.{}.{elsewhere_signature}", parts[0], parts[1]),
        elsewhere.clone(),
        format!("{token}="),
    ] {
        assert_said(&use_it(&router, &forged).await, 401, NO_TOKEN);
    }
}

#[tokio::test]
async fn a_secret_of_ones_own_outlives_the_router() {
    let desk = Desk::new();
    let settings = [("jwt_secret", "a secret of more than thirty-two characters")];
    let token = sign_in(&serve_as(&desk, &settings)).await.token;
    use_it(&serve_as(&desk, &settings), &token).await.document();
    let drawn = sign_in(&serve(&desk)).await.token;
    assert_said(&use_it(&serve(&desk), &drawn).await, 401, NO_TOKEN);
}
