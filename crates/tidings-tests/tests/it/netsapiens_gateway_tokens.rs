//! JSON web tokens of the gateway's NetSapiens API: what was signed before a restart is good after it, and
//! what was revoked stays so.

use bytes::Bytes;
use http::{Method, Request};
use serde_json::{Value, json};
use tidings::netsapiens;
use tidings::{Account, http::HttpClient};
use tidings_tests::TestGateway;

use crate::gateway_vendors::gateway_to;

/// A program with nothing but HTTP.
struct Program {
    http: HttpClient,
    base_url: String,
}

impl Program {
    fn at(test: &TestGateway) -> Self {
        let http = HttpClient::builder().system_roots(false);
        Self {
            http: http.build().unwrap(),
            base_url: format!("{}/{}/ns-api/v2", test.url(), netsapiens::SPEC.id),
        }
    }

    /// A call of `/jwt`, perhaps with a bearer: the status and the answer.
    async fn jwt(&self, method: Method, bearer: Option<&str>, body: Value) -> (u16, Value) {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}/jwt", self.base_url))
            .header("content-type", "application/json");
        if let Some(bearer) = bearer {
            request = request.header("authorization", format!("Bearer {bearer}"));
        }
        let request = request.body(Bytes::from(body.to_string())).unwrap();
        let answer = self.http.send(request).await.unwrap();
        let body = serde_json::from_slice(&answer.body).unwrap_or_default();
        (answer.status.as_u16(), body)
    }

    async fn sign_in(&self, account: &Account) -> (String, String) {
        let text = |name: &str| account.setting(name).unwrap();
        let asked = json!({
            "grant_type": "password",
            "client_id": text("client_id"),
            "client_secret": text("client_secret"),
            "username": text("username"),
            "password": text("password"),
        });
        let (status, answer) = self.jwt(Method::POST, None, asked).await;
        assert_eq!(status, 200, "{answer}");
        let token = |name: &str| answer[name].as_str().unwrap().to_owned();
        (token("token"), token("refresh"))
    }

    /// The status of asking what a token says.
    async fn status_of(&self, token: &str) -> u16 {
        self.jwt(Method::GET, Some(token), json!({})).await.0
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_json_web_token_outlives_a_restart_and_its_revocation_too() {
    let spec = &netsapiens::SPEC;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tidings.db");
    let test = gateway_to(spec).sqlite(&file).start().await;
    let account = test.vendor_account(spec).await;
    let program = Program::at(&test);
    let (kept, refresh) = program.sign_in(&account).await;
    let (revoked, refresh_of_revoked) = program.sign_in(&account).await;
    let ended = program.jwt(Method::DELETE, Some(&revoked), json!({})).await;
    assert_eq!(ended.0, 202, "{}", ended.1);
    assert_eq!(program.status_of(&kept).await, 200);
    test.finish().await;

    let test = gateway_to(spec).sqlite(&file).start().await;
    let program = Program::at(&test);
    assert_eq!(program.status_of(&kept).await, 200);
    assert_eq!(program.status_of(&revoked).await, 401);
    let renew = async |refresh: &str| {
        let asked = json!({"refresh": refresh});
        program.jwt(Method::POST, None, asked).await.0
    };
    assert_eq!(renew(&refresh_of_revoked).await, 401);
    assert_eq!(renew(&refresh).await, 200);
    assert_eq!(renew(&refresh).await, 401, "it is good once");
    test.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_of_the_configuration_signs_in_the_place_of_the_kept_one() {
    let spec = &netsapiens::SPEC;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tidings.db");
    let signed_with = |secret: &str| {
        let said = format!("[vendors.netsapiens]\njwt_secret = \"{secret}\"\n");
        gateway_to(spec).sqlite(&file).config(&said)
    };
    let first = "the first of two secrets that are long enough";
    let test = signed_with(first).start().await;
    let account = test.vendor_account(spec).await;
    let (token, _) = Program::at(&test).sign_in(&account).await;
    test.finish().await;

    let test = signed_with("the second of two secrets that are long enough");
    let test = test.start().await;
    assert_eq!(Program::at(&test).status_of(&token).await, 401);
    test.finish().await;

    let test = signed_with(first).start().await;
    assert_eq!(Program::at(&test).status_of(&token).await, 200);
    test.finish().await;
}
