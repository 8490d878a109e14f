//! The settings of a client: what is read, and what is refused by its name.

use secrecy::ExposeSecret as _;
use tidings_core::E164;

use super::super::builder::account_of;
use super::super::{Brings, Client, ClientBuilder, Credentials, SETTINGS};
use crate::config::Environment;
use crate::http::HttpClient;
use crate::provider::Account;
use crate::tests::scripted::{Reply, Scripted};
use crate::tests::settings::{SECRET, WRONG_BASE_URLS, check_refused};

fn whole() -> ClientBuilder {
    Client::builder().base_url("pbx.example.test").password(
        "acme.app",
        SECRET,
        "200@example.test",
        SECRET,
    )
}

fn base_of(url: &str) -> String {
    let client = whole().base_url(url).build();
    client.unwrap().shared().base.to_string()
}

#[test]
fn a_base_url_may_be_a_host_alone_and_may_end_in_the_vendors_paths() {
    for (given, expected) in [
        ("api.example.com", "https://api.example.com"),
        ("api.example.com:8443", "https://api.example.com:8443"),
        (" api.example.com/ ", "https://api.example.com"),
        ("api.example.com/ns-api/v2", "https://api.example.com"),
        (
            "https://api.example.com/ns-api/v2/",
            "https://api.example.com",
        ),
        ("https://api.example.com/ns-api", "https://api.example.com"),
        ("https://api.example.com/ns-api/", "https://api.example.com"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        (
            "http://[::1]:8080/netsapiens",
            "http://[::1]:8080/netsapiens",
        ),
        (
            "https://gw.example.com/netsapiens/ns-api/v2",
            "https://gw.example.com/netsapiens",
        ),
        ("localhost:8080", "https://localhost:8080"),
        ("[::1]:8443", "https://[::1]:8443"),
    ] {
        assert_eq!(base_of(given), expected, "{given}");
    }
}

#[test]
fn wrong_settings_are_refused_by_name_and_without_their_value() {
    #[track_caller]
    fn check(builder: ClientBuilder, setting: &str) {
        check_refused(builder.build(), setting);
    }
    let password = |client_id, secret, username, password| {
        whole().password(client_id, secret, username, password)
    };
    assert!(whole().build().is_ok());
    check(Client::builder().base_url("a.test"), "credentials");
    check(password(" ", SECRET, "user", SECRET), "client_id");
    check(password("app", " ", "user", SECRET), "client_secret");
    check(password("app", SECRET, "", SECRET), "username");
    check(password("app", SECRET, "user", ""), "password");
    check(whole().domain(""), "domain");
    check(whole().user(" "), "user");
    check(whole().base_url(" "), "base_url");
    // A host alone means https.
    for base_url in WRONG_BASE_URLS.iter().filter(|url| **url != "sms.example") {
        check(whole().base_url(*base_url), "base_url");
    }
    check(whole().base_url("s3cret@pbx.example.test"), "base_url");
    check(whole().base_url("pbx.example.test/?s3cret"), "base_url");
}

#[test]
fn a_key_belongs_to_no_user_so_that_domain_and_user_must_be_said() {
    let with_key = || {
        let key = Credentials::ApiKey("nsd_12345678-s3cret".into());
        whole().credentials(key)
    };
    let shown = check_refused(with_key().build(), "domain");
    assert_eq!(shown, "with an api_key the domain and the user must be set");
    let shown = check_refused(with_key().domain("example.test").build(), "user");
    assert_eq!(shown, "with an api_key the user must be set");
    let shown = check_refused(with_key().user("200").build(), "domain");
    assert_eq!(shown, "with an api_key the domain must be set");
    let complete = || with_key().domain("example.test").user("200");
    assert!(complete().build().is_ok());
    for unsendable in ["", " ", "nsd_s3cret\n1"] {
        let key = Credentials::ApiKey(unsendable.into());
        check_refused(complete().credentials(key).build(), "api_key");
    }
    for unsendable in ["", "s3cret\n1"] {
        let jwt = Credentials::Jwt(unsendable.into());
        check_refused(whole().credentials(jwt).build(), "json web token");
    }
}

fn account() -> Account {
    Account::new("office")
        .with("base_url", "pbx.example.test")
        .with("client_id", "acme.app")
        .with("client_secret", SECRET)
        .with("username", "200@example.test")
        .with("password", SECRET)
}

#[test]
fn a_client_is_made_from_an_account() {
    #[track_caller]
    fn check(account: &Account, setting: &str) {
        let http = HttpClient::builder().build().unwrap();
        let shown = check_refused(Client::from_account(account, http), setting);
        assert!(shown.contains("account office"), "{shown}");
    }
    let http = || HttpClient::builder().build().unwrap();
    let full = account()
        .with("sign_in", "jwt")
        .with("domain", "example.test")
        .with("user", "201")
        .with("from_number", "15550101234")
        .with("sessions", "per_recipient")
        .with("max_media_bytes", "1000")
        .with("token_file", "/nowhere/token.json");
    let client = Client::from_account(&full, http()).unwrap();
    let shared = client.shared();
    assert_eq!((&*shared.domain, &*shared.user), ("example.test", "201"));
    let number = E164::parse_possible("+15550101234", None).unwrap();
    assert_eq!(shared.from_number, Some(number));
    let keyed = Account::new("office")
        .with("base_url", "pbx.example.test")
        .with("api_key", "nsd_12345678-s3cret")
        .with("domain", "example.test")
        .with("user", "201");
    Client::from_account(&keyed, http()).unwrap();

    check(&Account::new("office"), "base_url");
    for missing in ["client_id", "client_secret", "username", "password"] {
        let mut without = Account::new("office");
        for name in account().names().filter(|name| *name != missing) {
            without = without.with(name, account().setting(name).unwrap());
        }
        check(&without, missing);
        check(&account().with(missing, ""), missing);
    }
    check(&account().with("sign_in", "cookie"), "sign_in");
    check(&account().with("from_number", "s3cret"), "from_number");
    check(&account().with("sessions", "one"), "sessions");
    check(&account().with("max_media_bytes", "0"), "max_media_bytes");
    check(
        &account().with("max_media_bytes", "many"),
        "max_media_bytes",
    );
    check(&account().with("api_key", "nsd_s3cret"), "domain");
    check(
        &account().with("base_url", "https://u:s3cret@h"),
        "base_url",
    );
    check(&account().with("colour", "s3cret"), "colour");
}

#[tokio::test]
async fn the_settings_of_an_account_reach_the_wire() {
    let server = Scripted::start(|seen| match seen.path.as_str() {
        "/prefix/ns-api/v2/jwt" => Reply::ok(r#"{"token":"jwt-1"}"#),
        _ => Reply::ok("[]"),
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token.json");
    let account = account()
        .with("base_url", [&server.url, "/prefix/ns-api"].concat())
        .with("sign_in", "jwt")
        .with("token_file", file.to_str().unwrap());
    let http = HttpClient::for_account(&account, HttpClient::builder()).unwrap();
    let client = Client::from_account(&account, http).unwrap();
    client.sign_in().await.unwrap();
    let token = client.token().unwrap();
    assert_eq!(token.access_token.expose_secret(), "jwt-1");
    assert!(std::fs::read_to_string(&file).unwrap().contains("jwt-1"));
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn a_client_is_made_from_the_environment() {
    fn variables(name: &str) -> Option<String> {
        let value = match name {
            "NETSAPIENS_BASE_URL" => "pbx.example.test",
            "NETSAPIENS_CLIENT_ID" => "acme.app",
            "NETSAPIENS_CLIENT_SECRET" | "NETSAPIENS_PASSWORD" => SECRET,
            "NETSAPIENS_USERNAME" => "200@example.test",
            "NETSAPIENS_USER" => "201",
            "NETSAPIENS_SIGN_IN" => "jwt",
            "NETSAPIENS_CA_FILE" => "/nowhere/ca.pem",
            "NETSAPIENS_DOMAIN" => "",
            _ => return None,
        };
        Some(value.to_owned())
    }
    fn without_password(name: &str) -> Option<String> {
        variables(name).filter(|_| name != "NETSAPIENS_PASSWORD")
    }
    fn with_key(name: &str) -> Option<String> {
        match name {
            "NETSAPIENS_BASE_URL" => Some("pbx.example.test".to_owned()),
            "NETSAPIENS_API_KEY" => Some("nsd_12345678".to_owned()),
            _ => None,
        }
    }
    let account = account_of(Environment::of(variables)).unwrap();
    let mut expected: Vec<&str> = vec![
        "base_url",
        "ca_file",
        "client_id",
        "client_secret",
        "password",
        "sign_in",
        "user",
        "username",
    ];
    expected.sort_unstable();
    assert_eq!(account.names().collect::<Vec<_>>(), expected);
    assert_eq!(account.parsed("sign_in").unwrap(), Some(Brings::Jwt));

    check_refused(
        account_of(Environment::of(without_password)),
        "NETSAPIENS_PASSWORD",
    );
    check_refused(account_of(Environment::of(|_| None)), "NETSAPIENS_BASE_URL");
    let keyed = account_of(Environment::of(with_key)).unwrap();
    assert_eq!(keyed.setting("api_key"), Some("nsd_12345678"));
}

/// Each of them, with a value that the others go with.
#[test]
fn every_setting_is_read() {
    let values = |name: &str| match name {
        "base_url" => "pbx.example.test",
        "sign_in" => "jwt",
        "from_number" => "+15550101234",
        "sessions" => "per_recipient",
        "max_media_bytes" => "1000",
        _ => "x",
    };
    let mut account = Account::new("office");
    for setting in SETTINGS {
        account = account.with(setting.name, values(setting.name));
    }
    let http = HttpClient::builder().build().unwrap();
    Client::from_account(&account, http).unwrap();
}
