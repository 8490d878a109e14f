//! Signing in: tokens in three encodings, the older call, the second step, refreshing once, API keys,
//! and every credential that is wrong.

use http::StatusCode;
use serde_json::{Value, json};

use crate::desk::{self, Desk};
use crate::{API, Answer, ask, assert_said, call_as, request, serve, serve_as};

fn credentials() -> Value {
    json!({
        "grant_type": "password",
        "client_id": "acme.app",
        "client_secret": desk::CLIENT_SECRET,
        "username": "200@example.test",
        "password": desk::PASSWORD,
    })
}

pub(crate) fn form(fields: &Value) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields.as_object().unwrap() {
        form.append_pair(name, value.as_str().unwrap());
    }
    form.finish()
}

fn post(path: &str, content_type: &str, body: String) -> http::Request<axum::body::Body> {
    request("POST", path, &[("content-type", content_type)], body)
}

async fn ask_token(desk: &std::sync::Arc<Desk>, fields: &Value) -> Answer {
    let call = post("/ns-api/v2/tokens", "application/json", fields.to_string());
    ask(&serve(desk), call).await
}

#[tokio::test]
async fn credentials_come_in_json_in_a_form_in_the_query_and_mixed() {
    let desk = Desk::new();
    let fields = credentials();
    let (json, form) = (fields.to_string(), form(&fields));
    let mut half = fields.clone();
    half.as_object_mut().unwrap().remove("password");
    let (half_json, half_form) = (half.to_string(), self::form(&half));
    let urlencoded = "application/x-www-form-urlencoded";
    for (path, content_type, body) in [
        (
            "/ns-api/v2/tokens".to_owned(),
            "application/json",
            json.clone(),
        ),
        (
            "/ns-api/v2/tokens".to_owned(),
            "application/json; charset=utf-8",
            json.clone(),
        ),
        // A client that does not say what it sends.
        (
            "/ns-api/v2/tokens".to_owned(),
            "text/plain",
            format!("\n {json}"),
        ),
        ("/ns-api/v2/tokens".to_owned(), urlencoded, form.clone()),
        (
            format!("/ns-api/v2/tokens?{form}"),
            "text/plain",
            String::new(),
        ),
        (
            "/ns-api/v2/tokens?password=hunter2".to_owned(),
            "application/json",
            half_json,
        ),
        (
            "/ns-api/v2/tokens?password=hunter2".to_owned(),
            urlencoded,
            half_form,
        ),
        (
            "/ns-api/v2/tokens?password=wrong".to_owned(),
            "application/json",
            json.clone(),
        ),
        (
            "/ns-api/v2/tokens?password=wrong".to_owned(),
            urlencoded,
            form.clone(),
        ),
        (
            "/ns-api/oauth2/token/".to_owned(),
            urlencoded,
            format!("{form}&format=json"),
        ),
        ("/ns-api/oauth2/token".to_owned(), urlencoded, form.clone()),
        (
            format!("/ns-api/oauth2/token/?{form}"),
            urlencoded,
            String::new(),
        ),
    ] {
        let call = post(&path, content_type, body);
        let token = ask(&serve(&desk), call).await.document();
        assert_eq!(token["access_token"], desk::TOKEN, "{path} {content_type}");
    }
}

#[tokio::test]
async fn a_token_says_whose_it_is() {
    let token = ask_token(&Desk::new(), &credentials()).await.document();
    let expected = json!({
        "username": "200@example.test", "user": "200", "territory": "Acme",
        "domain": "example.test", "department": "n/a", "uid": "200@example.test",
        "login": "200@example.test", "scope": "Basic User", "user_email": "a@example.test",
        "displayName": "Ann Doe", "access_token": desk::TOKEN, "expires_in": 3600,
        "token_type": "Bearer", "refresh_token": desk::REFRESH, "client_id": "acme.app",
        "apiversion": "Version: 44.1.2",
    });
    assert_eq!(token, expected);
}

#[tokio::test]
async fn the_password_is_what_is_asked_for_without_a_grant() {
    let mut fields = credentials();
    fields.as_object_mut().unwrap().remove("grant_type");
    assert_eq!(
        ask_token(&Desk::new(), &fields).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn each_missing_credential_is_named() {
    let refresh = json!({
        "grant_type": "refresh_token", "client_id": "acme.app",
        "client_secret": desk::CLIENT_SECRET, "refresh_token": desk::REFRESH,
    });
    let mut step = credentials();
    step["grant_type"] = json!("mfa");
    step["access_token"] = json!(desk::STEP);
    step["passcode"] = json!(desk::PASSCODE);
    for fields in [credentials(), refresh, step] {
        for name in fields.as_object().unwrap().keys() {
            if name == "grant_type" {
                continue;
            }
            for nothing in [Value::Null, json!("")] {
                let mut less = fields.clone();
                less[name] = nothing;
                let answer = ask_token(&Desk::new(), &less).await;
                assert_said(&answer, 400, &format!("Please include field {name}"));
            }
            let mut wrong = fields.clone();
            wrong[name] = json!({"a": 1});
            let answer = ask_token(&Desk::new(), &wrong).await;
            assert_said(
                &answer,
                400,
                &format!("{name} is not right: expected a text"),
            );
        }
    }
}

#[tokio::test]
async fn other_grants_and_passcodes_are_named() {
    let mut fields = credentials();
    fields["grant_type"] = json!("authorization_code");
    let answer = ask_token(&Desk::new(), &fields).await;
    let sentence = "grant_type must be password, refresh_token or mfa";
    assert_said(&answer, 400, sentence);

    fields["grant_type"] = json!("mfa");
    fields["access_token"] = json!(desk::STEP);
    for passcode in ["12345", "1234567", "12345a", "１２３４５６"] {
        fields["passcode"] = json!(passcode);
        let answer = ask_token(&Desk::new(), &fields).await;
        assert_said(&answer, 400, "passcode must be six digits");
    }
    fields["passcode"] = json!(desk::PASSCODE);
    fields["ns_id_type"] = json!("somebody");
    let answer = ask_token(&Desk::new(), &fields).await;
    assert_said(&answer, 400, "ns_id_type must be subscriber or level1");
}

#[tokio::test]
async fn wrong_credentials_have_the_status_that_is_set() {
    let mut refresh = json!({
        "grant_type": "refresh_token", "client_id": "acme.app", "refresh_token": desk::REFRESH,
    });
    refresh["client_secret"] = json!("wrong");
    let mut wrong = vec![refresh];
    for name in ["client_id", "client_secret", "username", "password"] {
        let mut fields = credentials();
        fields[name] = json!("wrong");
        wrong.push(fields);
    }
    for fields in wrong {
        for (setting, status) in [("400", 400), ("401", 401), ("403", 403)] {
            let router = serve_as(&Desk::new(), &[("credentials_refused_as", setting)]);
            for path in [
                "/ns-api/v2/tokens",
                "/ns-api/oauth2/token/",
                "/ns-api/v2/jwt",
            ] {
                let call = post(path, "application/json", fields.to_string());
                assert_said(&ask(&router, call).await, status, "Invalid credentials");
            }
        }
    }
}

#[tokio::test]
async fn a_refresh_token_is_used_once() {
    let desk = Desk::new();
    let mut fields = json!({
        "grant_type": "refresh_token", "client_id": "acme.app",
        "client_secret": desk::CLIENT_SECRET, "refresh_token": desk::REFRESH,
    });
    let first = ask_token(&desk, &fields).await.document();
    assert_eq!(first["uid"], "200@example.test");
    assert_ne!(first["access_token"], desk::TOKEN);
    assert_said(&ask_token(&desk, &fields).await, 401, "Invalid credentials");
    fields["refresh_token"] = first["refresh_token"].clone();
    let second = ask_token(&desk, &fields).await.document();
    assert_ne!(second["access_token"], first["access_token"]);
}

#[tokio::test]
async fn a_second_step_is_asked_for_and_taken() {
    let desk = Desk::new();
    desk.want_second_step();
    let challenge = ask_token(&desk, &credentials()).await.document();
    assert_eq!(challenge["scope"], "mfa_required");
    assert_eq!(challenge["mfa_type"], "authenticator");
    assert_eq!(challenge["mfa_vendor"], "google");
    assert_eq!(challenge["access_token"], desk::STEP);
    assert!(challenge.get("refresh_token").is_none());
    let call = call_as(
        desk::STEP,
        "GET",
        &format!("{API}/subscriptions"),
        &Value::Null,
    );
    assert_eq!(
        ask(&serve(&desk), call).await.status,
        StatusCode::UNAUTHORIZED
    );

    let mut fields = credentials();
    fields["grant_type"] = json!("mfa");
    fields["access_token"] = challenge["access_token"].clone();
    fields["mfa_type"] = challenge["mfa_type"].clone();
    fields["mfa_vendor"] = challenge["mfa_vendor"].clone();
    fields["passcode"] = json!("999999");
    assert_said(&ask_token(&desk, &fields).await, 401, "Invalid credentials");
    fields["passcode"] = json!(desk::PASSCODE);
    let token = ask_token(&desk, &fields).await.document();
    assert_eq!(token["scope"], "Basic User");
    assert_eq!(token["access_token"], desk::TOKEN);
}

#[tokio::test]
async fn calls_want_a_bearer_that_holds() {
    let router = serve(&Desk::new());
    let path = format!("{API}/subscriptions");
    let no_token = "The access token is missing or not valid";
    for headers in [
        vec![],
        vec![("authorization", "Bearer")],
        vec![("authorization", "Bearer ")],
        vec![("authorization", "Basic ZGVtbzpzM2NyZXQ=")],
        vec![("authorization", "Bearer nonsense")],
        vec![("authorization", "Bearer a.b.c")],
        vec![("authorization", "Bearer ffeeddccbbaa99887766554433221100")],
    ] {
        let answer = ask(&router, request("GET", &path, &headers, "")).await;
        assert_said(&answer, 401, no_token);
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    }
    let call = call_as(desk::OLD_TOKEN, "GET", &path, &Value::Null);
    let answer = ask(&router, call).await;
    assert_said(&answer, 401, "The access token provided has expired");
    let bearer = format!("bearer  {}", desk::TOKEN);
    let call = request("GET", &path, &[("authorization", &bearer)], "");
    assert_eq!(ask(&router, call).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_key_is_described_to_its_holder_and_has_no_user() {
    let router = serve(&Desk::new());
    let path = format!("{API}/apikeys/~");
    let answer = ask(&router, call_as(desk::KEY, "GET", &path, &Value::Null)).await;
    let described = answer.document();
    assert_eq!(described["key-id"], "nsd_a1b2c3d4");
    assert_eq!(described["description"], "Texts of the shop");
    assert_eq!(described["user-scope"], "Office Manager");
    assert!(
        described.get("key").is_none(),
        "the key is shown once, when it is made"
    );
    let answer = ask(&router, call_as(desk::TOKEN, "GET", &path, &Value::Null)).await;
    assert_said(&answer, 401, "Invalid Scope [APP001]");

    for path in [
        format!("{API}/domains/~/messagesessions"),
        format!("{API}/domains/example.test/users/~/messagesessions"),
        format!("{API}/domains/~/users/200/smsnumbers"),
    ] {
        let answer = ask(&router, call_as(desk::KEY, "GET", &path, &Value::Null)).await;
        assert_said(&answer, 400, "~ needs a user");
    }
    let path = format!("{API}/domains/example.test/users/200/messagesessions");
    let answer = ask(&router, call_as(desk::KEY, "GET", &path, &Value::Null)).await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn the_version_is_told_to_everybody() {
    let router = serve_as(&Desk::new(), &[("api_version", "45.0.1")]);
    let version = ask(&router, request("GET", &format!("{API}/version"), &[], "")).await;
    let expected = json!({
        "apiversion": "Version: 45.0.1",
        "hostname": "core1.example.test",
        "current-time": "2026-01-02T03:04:05+00:00",
    });
    assert_eq!(version.document(), expected);
}
