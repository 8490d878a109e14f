//! The files of messages: the address that a list tells, and what is found there.

use serde_json::Value;
use tidings::serve::OverTls;

use crate::desk::{self, Desk, SESSION};
use crate::{MINE, ask, assert_said, get, request, serve, serve_as};

async fn url(settings: &[(&str, &str)], host: &str, is_over_tls: bool) -> String {
    let mut call = get(&format!("{MINE}/messagesessions/{SESSION}/messages"));
    call.headers_mut().insert("host", host.parse().unwrap());
    // Whoever calls may write anything into these.
    for name in ["x-forwarded-host", "x-forwarded-proto", "forwarded"] {
        call.headers_mut()
            .insert(name, "evil.test".parse().unwrap());
    }
    if is_over_tls {
        call.extensions_mut().insert(OverTls::new());
    }
    let rows = ask(&serve_as(&Desk::new(), settings), call)
        .await
        .document();
    // A message without a file has no address.
    assert!(rows[1].get("file-access-url").is_none());
    rows[0]["file-access-url"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_address_names_the_server_as_its_caller_sees_it() {
    let query = "ns-api/?object=message&action=read_media&domain=example.test&user=200\
                 &time=20260102030405&id=12345678901&auth=66778899aabbccddeeff001122334455";
    for (settings, host, is_over_tls, base) in [
        (
            None,
            "core1.example.test",
            false,
            "http://core1.example.test/",
        ),
        (None, "127.0.0.1:8080", true, "https://127.0.0.1:8080/"),
        (None, "[::1]:8080", true, "https://[::1]:8080/"),
        (
            Some("https://pbx.example.test"),
            "127.0.0.1:8080",
            false,
            "https://pbx.example.test/",
        ),
        (
            Some("https://a.test/pbx/"),
            "127.0.0.1:8080",
            true,
            "https://a.test/pbx/",
        ),
        // What is no host must not become another address.
        (None, "a b/c?d", false, "http://localhost/"),
    ] {
        let settings: Vec<_> = settings.iter().map(|url| ("public_url", *url)).collect();
        let url = url(&settings, host, is_over_tls).await;
        assert_eq!(url, format!("{base}{query}"));
    }
}

#[tokio::test]
async fn whoever_has_the_address_has_the_file() {
    let desk = Desk::new();
    let url = url(&[], "core1.example.test", false).await;
    let path = url.strip_prefix("http://core1.example.test").unwrap();
    let file = ask(&serve(&desk), request("GET", path, &[], "")).await;
    assert_eq!(file.status.as_u16(), 200);
    assert_eq!(file.body, desk::PNG);
    assert_eq!(file.header("content-type"), Some("image/png"));
    assert_eq!(file.header("content-disposition"), Some("attachment"));
    assert_eq!(file.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(file.header("cache-control"), Some("private, no-store"));
    assert_eq!(desk.asked(), ["media 200@example.test 12345678901"]);
}

#[tokio::test]
async fn any_other_address_has_no_file() {
    let router = serve(&Desk::new());
    let url = url(&[], "core1.example.test", false).await;
    let path = url.strip_prefix("http://core1.example.test").unwrap();
    for (right, wrong) in [
        (desk::PROOF, "00000000000000000000000000000000"),
        ("user=200", "user=201"),
        ("time=20260102030405", "time=20260102030406"),
        ("domain=example.test", "domain=other.test"),
    ] {
        let path = path.replace(right, wrong);
        let answer = ask(&router, request("GET", &path, &[], "")).await;
        assert_said(&answer, 404, "Resource not found.");
    }
    for field in ["domain", "user", "time", "id", "auth"] {
        let path = path.replace(&format!("&{field}="), "&x=");
        let answer = ask(&router, request("GET", &path, &[], "")).await;
        assert_said(&answer, 400, &format!("Please include field {field}"));
    }
    // A token is no proof.
    let path = path.replace(desk::PROOF, "none");
    let call = crate::call("GET", &path, &Value::Null);
    assert_said(&ask(&router, call).await, 404, "Resource not found.");
}
