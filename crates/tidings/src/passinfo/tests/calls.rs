//! The client's own calls: the golden requests and answers, chunks, pages, groups, renewal.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt;
use secrecy::ExposeSecret;
use tidings_core::{ReportedState, SenderId};

use super::super::{BatchState, Client, ClientBuilder};
use super::golden::{Exchange, exchanges};
use super::scripted::{CLIENT_ID, KEY, Reply, Scripted};
use super::{TestClock, guinea, sender};
use crate::config::Environment;
use crate::error::{Acceptance, Error, ErrorKind};
use crate::http::HttpClient;
use crate::provider::Account;
use crate::tests::settings::{SECRET, WRONG_BASE_URLS, check_refused};

#[tokio::test]
async fn the_client_sends_the_golden_requests_and_reads_the_golden_answers() {
    for (name, exchange) in exchanges() {
        let answer = exchange.answered().to_owned();
        let status = exchange.answer.status;
        let server = Scripted::start(move |_| Reply::status(status, "", answer.clone())).await;
        make_the_call(&server.client(), &exchange)
            .await
            .unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let seen = server.seen();
        let request = &exchange.request;
        assert_eq!(seen.len(), 1, "{name}");
        assert_eq!(seen[0].method, request.method, "{name}");
        assert_eq!(seen[0].path, request.path, "{name}");
        assert_eq!(seen[0].body, exchange.sent(), "{name}");
        for (header, value) in &request.headers {
            assert_eq!(seen[0].headers.get(header), Some(value), "{name}: {header}");
        }
    }
}

/// Makes the call of a golden exchange and checks what comes back.
async fn make_the_call(client: &Client, exchange: &Exchange) -> Result<(), Error> {
    match exchange.call.as_str() {
        "send_message" => {
            let sent = client.send(&guinea(1), "Hello World", None).await?;
            assert_eq!(sent.id, "123");
            assert_eq!(sent.http.status, 200);
        }
        "send_bulk" => {
            let to = [guinea(1), guinea(2), guinea(3)];
            let outcome = client
                .send_bulk(&to, "Hello Everyone", Some(&sender()))
                .await?;
            assert!(outcome.is_complete());
            assert_eq!((outcome.chunks.len(), outcome.queued()), (1, 3));
        }
        "send_to_group" => {
            let receipt = client.send_to_group("groupId", "Hello Group", None).await?;
            assert_eq!((receipt.group_size, receipt.queued), (50, 50));
        }
        "message_status" => {
            let report = client.message_status("1234567890").await?;
            let expected = [ReportedState::Sent, ReportedState::Delivered];
            assert!(expected.contains(&report.state));
        }
        "batch_status" => {
            let status = client.batch_status("1234567890").await?;
            let counts = (status.successful, status.failed, status.pending);
            assert_eq!(counts, (Some(45), Some(2), Some(3)));
            assert_eq!(status.state, BatchState::Processing);
            assert!(!status.state.is_final());
            assert!(BatchState::Completed.is_final() && BatchState::Failed.is_final());
        }
        "credits" => assert_eq!(*client.credits().await?, 100),
        "renew_api_key" => {
            let key = client.renew_api_key().await?;
            assert_eq!(key.expose_secret(), "made-up-new-key");
        }
        "create_contact" => {
            let contact = client.create_contact("John", "Smith", &guinea(1)).await?;
            assert_eq!(contact.phone_number, "622000001");
        }
        "contacts" => assert_eq!(client.contacts_page(1, 10).await?.contacts.len(), 1),
        "link_users" => {
            let users = ["user_123", "user_456", "user_789"];
            client.link_users("contact_123", &users).await?;
        }
        "groups" => {
            let groups = client.groups().await?;
            assert_eq!(
                (groups[0].id.as_str(), groups[0].members),
                ("group_456", Some(50))
            );
        }
        "add_contact_to_group" => {
            client
                .add_contact_to_group("contact_123", "group_456")
                .await?;
        }
        "create_group" => assert_eq!(client.create_group("Conakry").await?.id, "group_456"),
        other => panic!("unknown call {other}"),
    }
    Ok(())
}

#[tokio::test]
async fn every_answer_carries_its_http_metadata() {
    let server = Scripted::start(|_| {
        Reply::status(
            200,
            "x-request-id: r-77\r\nx-ratelimit-limit: 60\r\nx-ratelimit-remaining: 59\r\n",
            r#"{"solde":"12"}"#,
        )
    })
    .await;
    let credits = server.client().credits().await.unwrap();
    assert_eq!(credits.value, 12);
    assert_eq!(credits.http.status, 200);
    assert_eq!(credits.http.request_id.as_deref(), Some("r-77"));
    assert_eq!(credits.http.rate_limit.limit, Some(60));
    assert_eq!(credits.http.rate_limit.remaining, Some(59));
}

#[tokio::test]
async fn base_urls_are_understood_in_every_form() {
    for suffix in [
        "",
        "/",
        "/v1",
        "/v1/",
        "/behind/a/proxy",
        "/behind/a/proxy/v1/",
    ] {
        let server = Scripted::answering(&[r#"{"solde":1}"#]).await;
        let client = server.builder().base_url(format!("{}{suffix}", server.url));
        client.build().unwrap().credits().await.unwrap();
        let prefix = if suffix.starts_with("/behind") {
            "/behind/a/proxy"
        } else {
            ""
        };
        assert_eq!(server.seen()[0].path, format!("{prefix}/v1/user/get_solde"));
    }
}

#[test]
fn wrong_settings_are_refused_by_name_and_without_their_value() {
    #[track_caller]
    fn check(builder: ClientBuilder, setting: &str) {
        check_refused(builder.build(), setting);
    }
    let whole = || Client::builder().client_id(1).api_key(SECRET);
    check(Client::builder().api_key(SECRET), "client_id");
    check(Client::builder().client_id(1), "api_key");
    check(whole().client_id(" "), "client_id");
    check(whole().client_id("a\nb"), "client_id");
    check(whole().api_key("s3cret\n\u{7}"), "api_key");
    check(whole().bulk_size(0), "bulk_size");
    check(whole().bulk_size(10_001), "bulk_size");
    for base_url in WRONG_BASE_URLS {
        check(whole().base_url(base_url), "base_url");
    }
    check(
        whole().default_sender(SenderId::parse("+224622000001").unwrap()),
        "sender",
    );
}

#[test]
fn a_client_is_made_from_an_account() {
    let account = || {
        Account::new("guinea")
            .with("client_id", "1")
            .with("api_key", "k")
    };
    let http = || HttpClient::builder().build().unwrap();
    assert!(Client::from_account(&account(), http()).is_ok());
    let full = account()
        .with("base_url", "http://127.0.0.1:1/v1")
        .with("sender", "Tidings")
        .with("bulk_size", "7");
    let client = Client::from_account(&full, http()).unwrap();
    assert_eq!(
        crate::Provider::capabilities(&client).max_messages_per_call,
        7
    );

    let check = |account: Account, setting: &str| {
        let shown = check_refused(Client::from_account(&account, http()), setting);
        assert!(shown.contains("guinea"), "{shown}");
    };
    check(Account::new("guinea").with("client_id", "1"), "api_key");
    check(account().with("bulk_size", "many"), "bulk_size");
    check(account().with("bulk_size", "0"), "bulk_size");
    check(account().with("sender", "much too long a name"), "sender");
    check(account().with("colour", "red"), "colour");
}

#[test]
fn a_client_is_made_from_the_environment() {
    fn whole(name: &str) -> Option<String> {
        let value = match name {
            "PASSINFO_API_KEY" => "k",
            "PASSINFO_CLIENT_ID" => "17",
            "PASSINFO_BASE_URL" => "http://127.0.0.1:9/v1",
            "PASSINFO_SENDER" => "Tidings",
            _ => return None,
        };
        Some(value.to_owned())
    }
    let client = ClientBuilder::from_environment(Environment::of(whole)).unwrap();
    let shown = format!("{:?}", client.build().unwrap());
    assert!(
        shown.contains("http://127.0.0.1:9") && shown.contains("17"),
        "{shown}"
    );

    let without_key = |name: &str| whole(name).filter(|_| name != "PASSINFO_API_KEY");
    let error = ClientBuilder::from_environment(Environment::of(without_key)).unwrap_err();
    assert!(error.to_string().contains("PASSINFO_API_KEY"));
    let empty_id = |name: &str| {
        whole(name).map(|value| {
            if name == "PASSINFO_CLIENT_ID" {
                String::new()
            } else {
                value
            }
        })
    };
    let error = ClientBuilder::from_environment(Environment::of(empty_id)).unwrap_err();
    assert!(error.to_string().contains("PASSINFO_CLIENT_ID"));
    let bad_sender = |name: &str| {
        whole(name).map(|value| {
            if name == "PASSINFO_SENDER" {
                "+".repeat(20)
            } else {
                value
            }
        })
    };
    let error = ClientBuilder::from_environment(Environment::of(bad_sender)).unwrap_err();
    assert!(error.to_string().contains("PASSINFO_SENDER"));
}

// ---- what is checked before anything is sent ----

#[tokio::test]
async fn nothing_is_sent_of_what_cannot_be_sent() {
    let server = Scripted::answering(&[]).await;
    let client = server.client();
    let foreign = "+4790000001".parse().unwrap();
    let number_as_sender = SenderId::parse("+224622000001").unwrap();
    let no_sender = Client::builder()
        .api_key(KEY)
        .client_id(CLIENT_ID)
        .base_url(&server.url)
        .build()
        .unwrap();

    let check = |error: Option<Error>, kind: ErrorKind| {
        let error = error.unwrap();
        assert_eq!(
            (error.kind(), error.acceptance()),
            (kind, Acceptance::NotSent)
        );
        assert_eq!(error.provider(), Some("passinfo"));
        assert!(error.operation().is_some());
    };
    check(
        client.send(&foreign, "a", None).await.err(),
        ErrorKind::InvalidRecipient,
    );
    check(
        client.send(&guinea(1), "", None).await.err(),
        ErrorKind::InvalidMessage,
    );
    check(
        client
            .send(&guinea(1), "a", Some(&number_as_sender))
            .await
            .err(),
        ErrorKind::InvalidSender,
    );
    check(
        no_sender.send(&guinea(1), "a", None).await.err(),
        ErrorKind::InvalidSender,
    );
    check(
        client.send_bulk(&[], "a", None).await.err(),
        ErrorKind::InvalidRecipient,
    );
    check(
        client
            .send_bulk(&[guinea(1), foreign], "a", None)
            .await
            .err(),
        ErrorKind::InvalidRecipient,
    );
    check(
        client.send_bulk(&[guinea(1)], "", None).await.err(),
        ErrorKind::InvalidMessage,
    );
    let too_long = "a".repeat(255 * 153 + 1);
    check(
        client.send(&guinea(1), &too_long, None).await.err(),
        ErrorKind::InvalidMessage,
    );
    check(
        client.send_bulk(&[guinea(1)], &too_long, None).await.err(),
        ErrorKind::InvalidMessage,
    );
    check(
        client.send_to_group("g", &too_long, None).await.err(),
        ErrorKind::InvalidMessage,
    );
    check(
        no_sender.send_bulk(&[guinea(1)], "a", None).await.err(),
        ErrorKind::InvalidSender,
    );
    check(
        client.send_to_group("", "a", None).await.err(),
        ErrorKind::NotFound,
    );
    check(
        client.send_to_group("g", "", None).await.err(),
        ErrorKind::InvalidMessage,
    );
    check(client.message_status("..").await.err(), ErrorKind::NotFound);
    check(
        client.contacts_page(0, 10).await.err(),
        ErrorKind::InvalidMessage,
    );
    check(
        client.contacts_page(1, 0).await.err(),
        ErrorKind::InvalidMessage,
    );
    check(
        client.create_contact("a", "b", &foreign).await.err(),
        ErrorKind::InvalidRecipient,
    );
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn ids_cannot_leave_their_place_in_the_path() {
    let server = Scripted::answering(&[r#"{"status":"sent"}"#]).await;
    server
        .client()
        .message_status("a/../b?c#d é%")
        .await
        .unwrap();
    let expected = "/v1/message/get_single_status/a%2F..%2Fb%3Fc%23d%20%C3%A9%25";
    assert_eq!(server.seen()[0].path, expected);
}

// ---- large lists ----

fn bulk_answer(number: usize, taken: usize, failed: usize) -> String {
    format!(
        r#"{{"status":"success","successful_sends":{taken},"failed_sends":{failed},"batch_id":{number}}}"#
    )
}

#[tokio::test]
async fn large_lists_are_cut_into_calls_of_the_set_size() {
    let server = Scripted::answering(&[
        &bulk_answer(1, 3, 0),
        &bulk_answer(2, 2, 1),
        &bulk_answer(3, 1, 0),
    ])
    .await;
    let client = server.builder().bulk_size(3).build().unwrap();
    let to: Vec<_> = (1..=7).map(guinea).collect();
    let outcome = client.send_bulk(&to, "Bonjour", None).await.unwrap();
    let ranges: Vec<_> = outcome
        .chunks
        .iter()
        .map(|chunk| chunk.recipients.clone())
        .collect();
    assert_eq!(ranges, [0..3, 3..6, 6..7]);
    let ids: Vec<_> = outcome
        .chunks
        .iter()
        .map(|chunk| chunk.outcome.as_ref().unwrap().batch_id.clone().unwrap())
        .collect();
    assert_eq!(ids, ["1", "2", "3"]);
    assert_eq!(outcome.queued(), 6);
    assert!(!outcome.is_complete());
    let contacts: Vec<String> = server.seen().iter().map(|seen| seen.body.clone()).collect();
    assert!(contacts[0].contains(r#"["622000001","622000002","622000003"]"#));
    assert!(contacts[2].contains(r#"["622000007"]"#));
}

#[tokio::test]
async fn a_chunk_that_fails_does_not_hide_the_others() {
    #[track_caller]
    fn check(chunk: &super::super::BulkChunk, kind: ErrorKind, acceptance: Acceptance) {
        let error = chunk.outcome.as_ref().unwrap_err();
        assert_eq!((error.kind(), error.acceptance()), (kind, acceptance));
    }
    async fn outcome_with(second: Reply) -> (usize, super::super::BulkOutcome) {
        let mut second = Some(second);
        let mut number = 0;
        let server = Scripted::start(move |_| {
            number += 1;
            match number {
                2 => second.take().unwrap(),
                _ => Reply::ok(bulk_answer(number, 1, 0)),
            }
        })
        .await;
        let client = server.builder().bulk_size(1).build().unwrap();
        let to: Vec<_> = (1..=3).map(guinea).collect();
        let outcome = client.send_bulk(&to, "Bonjour", None).await.unwrap();
        assert!(outcome.chunks[0].outcome.is_ok());
        (server.seen().len(), outcome)
    }

    // A refusal of one chunk concerns that chunk.
    let (calls, outcome) = outcome_with(Reply::status(400, "", r#"{"message":"bad"}"#)).await;
    check(
        &outcome.chunks[1],
        ErrorKind::InvalidMessage,
        Acceptance::Refused,
    );
    assert!(outcome.chunks[2].outcome.is_ok());
    assert_eq!(calls, 3);

    // These would meet the next chunk as well: the rest is not attempted, and is known as not sent.
    let (calls, outcome) = outcome_with(Reply::status(401, "", "")).await;
    check(
        &outcome.chunks[1],
        ErrorKind::Unauthorized,
        Acceptance::NotSent,
    );
    check(
        &outcome.chunks[2],
        ErrorKind::Unauthorized,
        Acceptance::NotSent,
    );
    assert_eq!(calls, 2);

    let (calls, outcome) = outcome_with(Reply::status(402, "", "")).await;
    check(
        &outcome.chunks[2],
        ErrorKind::InsufficientCredit,
        Acceptance::NotSent,
    );
    assert_eq!(calls, 2);

    let (calls, outcome) = outcome_with(Reply::status(429, "retry-after: 7\r\n", "")).await;
    check(
        &outcome.chunks[2],
        ErrorKind::RateLimited,
        Acceptance::NotSent,
    );
    let rest = outcome.chunks[2].outcome.as_ref().unwrap_err();
    assert_eq!(rest.retry_after(), Some(Duration::from_secs(7)));
    assert!(rest.is_safe_to_resend());
    assert_eq!(calls, 2);

    let (calls, outcome) = outcome_with(Reply::status(502, "", "")).await;
    check(
        &outcome.chunks[1],
        ErrorKind::Unavailable,
        Acceptance::Unknown,
    );
    check(
        &outcome.chunks[2],
        ErrorKind::Unavailable,
        Acceptance::NotSent,
    );
    assert_eq!(calls, 2);
}

// ---- contacts ----

/// A server of `n` contacts that keeps to `page` and `limit`, with totals or without.
async fn contact_server(n: u32, with_totals: bool) -> Scripted {
    Scripted::start(move |seen| {
        let number = |name: &str| -> u32 {
            let query = seen.path.split_once('?').unwrap().1;
            let pair = query.split('&').find_map(|pair| pair.strip_prefix(name)).unwrap();
            pair.parse().unwrap()
        };
        let (page, limit) = (number("page="), number("limit="));
        let first = (page - 1) * limit + 1;
        let contacts: Vec<_> = (first..first + limit)
            .filter(|id| *id <= n)
            .map(|id| serde_json::json!({"id": id, "first_name": "A"}))
            .collect();
        let answer = if with_totals {
            let pages = n.div_ceil(limit);
            serde_json::json!({"contacts": contacts, "total": n, "page": page, "total_pages": pages})
        } else {
            serde_json::json!(contacts)
        };
        Reply::ok(answer.to_string())
    })
    .await
}

async fn ids_of_all(client: &Client, limit: u32) -> Vec<Result<String, ErrorKind>> {
    let contacts = client.all_contacts(limit);
    let ids = contacts.map(|contact| {
        contact
            .map(|contact| contact.id.unwrap())
            .map_err(|error| error.kind())
    });
    ids.collect().await
}

#[tokio::test]
async fn all_contacts_come_in_order_with_totals_and_without() {
    for (n, with_totals, expected_calls) in [
        (25, true, 3),
        (25, false, 4),
        (20, true, 2),
        (20, false, 3),
        (0, true, 1),
        (0, false, 1),
    ] {
        let server = contact_server(n, with_totals).await;
        let ids = ids_of_all(&server.client(), 10).await;
        let expected: Vec<_> = (1..=n).map(|id| Ok(id.to_string())).collect();
        assert_eq!(ids, expected);
        assert_eq!(server.seen().len(), expected_calls, "{n} {with_totals}");
    }
}

#[tokio::test]
async fn pages_are_read_only_as_they_are_needed() {
    let server = contact_server(1000, true).await;
    let client = server.client();
    let first: Vec<_> = client.all_contacts(10).take(10).collect().await;
    assert_eq!(first.len(), 10);
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_server_that_repeats_a_page_for_ever_comes_to_an_end() {
    // A bare list that ignores the page: it is the whole.
    let server = Scripted::start(|_| Reply::ok(r#"[{"id":1},{"id":2}]"#)).await;
    let ids = ids_of_all(&server.client(), 2).await;
    assert_eq!(ids, [Ok("1".to_owned()), Ok("2".to_owned())]);
    assert_eq!(server.seen().len(), 2);

    // With totals that promise more, the rest is missing, and that is said.
    let server =
        Scripted::start(|_| Reply::ok(r#"{"contacts":[{"id":1},{"id":2}],"total":9}"#)).await;
    let ids = ids_of_all(&server.client(), 2).await;
    assert_eq!(
        ids,
        [
            Ok("1".to_owned()),
            Ok("2".to_owned()),
            Err(ErrorKind::Protocol)
        ]
    );
}

/// A list that ends early is an error where the totals show it, and never a shorter list.
#[tokio::test]
async fn contacts_that_totals_promise_and_pages_lack_are_missed() {
    #[track_caller]
    fn check(ids: &[Result<String, ErrorKind>], n_contacts: usize, is_complete: bool) {
        assert_eq!(ids.iter().filter(|id| id.is_ok()).count(), n_contacts);
        let expected = (!is_complete).then_some(&Err(ErrorKind::Protocol));
        assert_eq!(ids.iter().find(|id| id.is_err()), expected);
    }
    let first = r#"{"contacts":[{"id":1}],"total":3,"total_pages":3}"#;
    for (second, is_complete) in [
        (r#"{"contacts":[],"total":3,"total_pages":3}"#, false),
        // Somebody has deleted the others in the meantime.
        (r#"{"contacts":[],"total":1,"total_pages":1}"#, true),
        (r#"{"contacts":[],"total_pages":3}"#, false),
        (r#"{"contacts":[],"total_pages":1}"#, true),
        (r#"{"contacts":[{"id":1}],"total_pages":3}"#, false),
        ("[]", true),
    ] {
        let server = Scripted::answering(&[first, second]).await;
        check(&ids_of_all(&server.client(), 1).await, 1, is_complete);
    }
    for none in [
        r#"{"contacts":[],"total":0,"total_pages":0}"#,
        r#"{"contacts":[],"total_pages":1}"#,
        "[]",
    ] {
        let server = Scripted::answering(&[none]).await;
        check(&ids_of_all(&server.client(), 1).await, 0, true);
    }
}

#[tokio::test]
async fn an_error_ends_the_contacts_after_those_that_came() {
    let mut replies: VecDeque<Reply> =
        [Reply::ok(r#"[{"id":1}]"#), Reply::status(500, "", "oops")].into();
    let server = Scripted::start(move |_| replies.pop_front().unwrap()).await;
    let ids = ids_of_all(&server.client(), 1).await;
    assert_eq!(ids, [Ok("1".to_owned()), Err(ErrorKind::Unavailable)]);
}

// ---- groups ----

#[tokio::test]
async fn groups_are_kept_for_the_set_time_by_the_clock() {
    let clock = TestClock::new();
    let server = Scripted::start(|seen| match seen.method.as_str() {
        "GET" => Reply::ok(r#"{"groupes":[{"id":"g1","name":"Conakry"}]}"#),
        _ => Reply::ok(r#"{"success":true,"id":"g2","name":"Kindia"}"#),
    })
    .await;
    let kept: Arc<TestClock> = Arc::clone(&clock);
    let client = server
        .builder()
        .clock(kept)
        .groups_cache(Duration::from_mins(1))
        .build()
        .unwrap();
    let asked = || {
        server
            .seen()
            .iter()
            .filter(|seen| seen.method == "GET")
            .count()
    };

    client.groups().await.unwrap();
    assert_eq!(
        client.clone().group("g1").await.unwrap().unwrap().name,
        "Conakry"
    );
    assert_eq!(
        client.group_named("Conakry").await.unwrap().unwrap().id,
        "g1"
    );
    assert_eq!(client.group("g9").await.unwrap(), None);
    assert_eq!(asked(), 1);
    clock.advance(59_999);
    client.groups().await.unwrap();
    assert_eq!(asked(), 1);
    clock.advance(1);
    client.groups().await.unwrap();
    assert_eq!(asked(), 2);
    client.refresh_groups().await.unwrap();
    assert_eq!(asked(), 3);
    client.create_group("Kindia").await.unwrap();
    client.groups().await.unwrap();
    assert_eq!(asked(), 4);
    client.add_contact_to_group("c", "g1").await.unwrap();
    client.groups().await.unwrap();
    assert_eq!(asked(), 5);
    clock.advance(-10);
    client.groups().await.unwrap();
    assert_eq!(asked(), 6, "a clock that was set back makes no list young");
}

#[tokio::test]
async fn a_change_whose_caller_has_gone_ends_what_is_kept() {
    let (arrive, arrived) = tokio::sync::oneshot::channel();
    let mut arrive = Some(arrive);
    let server = Scripted::start(move |seen| {
        if seen.method == "GET" {
            return Reply::ok("[]");
        }
        arrive.take().unwrap().send(()).unwrap();
        Reply::Silence
    })
    .await;
    let client = server
        .builder()
        .groups_cache(Duration::from_mins(10))
        .build()
        .unwrap();
    client.groups().await.unwrap();
    client.groups().await.unwrap();
    tokio::select! {
        _ = client.create_group("Parents") => panic!("nothing was answered"),
        arrived = arrived => arrived.unwrap(),
    }
    client.groups().await.unwrap();
    let asked = server.seen();
    let asked: Vec<&str> = asked.iter().map(|seen| seen.method.as_str()).collect();
    assert_eq!(asked, ["GET", "POST", "GET"]);
}

#[tokio::test]
async fn groups_are_asked_for_every_time_unless_they_may_be_kept() {
    let server = Scripted::answering(&["[]", "[]"]).await;
    let client = server.client();
    client.groups().await.unwrap();
    client.groups().await.unwrap();
    assert_eq!(server.seen().len(), 2);
}

// ---- renewal ----

#[tokio::test]
async fn a_new_key_reaches_all_clones_and_is_handed_over_before_the_call_returns() {
    let server = Scripted::start(|seen| match seen.path.as_str() {
        "/v1/user/renew_api_key" => Reply::ok(r#"{"new_api_key":"the-new-key"}"#),
        _ => Reply::ok(r#"{"solde":1}"#),
    })
    .await;
    let stored = Arc::new(Mutex::new(Vec::new()));
    let store = Arc::clone(&stored);
    let client = server
        .builder()
        .on_new_key(move |key| store.lock().unwrap().push(key.expose_secret().to_owned()))
        .build()
        .unwrap();
    let clone = client.clone();
    let key = client.renew_api_key().await.unwrap();
    assert_eq!(*stored.lock().unwrap(), ["the-new-key"]);
    assert_eq!(key.expose_secret(), "the-new-key");
    clone.credits().await.unwrap();
    let keys: Vec<String> = server
        .seen()
        .iter()
        .map(|seen| seen.key().to_owned())
        .collect();
    assert_eq!(keys, [KEY, "the-new-key"]);
    assert_eq!(server.seen()[0].body, "{}");
}

#[tokio::test]
async fn renewals_at_the_same_time_are_one() {
    let (tell, told) = tokio::sync::oneshot::channel();
    let mut told = Some(told);
    let server = Scripted::start(move |_| {
        let answer = Reply::ok(r#"{"api_key":"the-new-key"}"#);
        match told.take() {
            Some(told) => Reply::When(told, Box::new(answer)),
            None => Reply::status(500, "", "renewed twice"),
        }
    })
    .await;
    let client = server.client();
    let (first, second) = (client.clone(), client.clone());
    // Polled in this order: both have begun before the answer is let go.
    let (first, second, ()) = tokio::join!(first.renew_api_key(), second.renew_api_key(), async {
        tell.send(()).unwrap();
    });
    assert_eq!(first.unwrap().expose_secret(), "the-new-key");
    assert_eq!(second.unwrap().expose_secret(), "the-new-key");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_renewal_is_carried_through_when_its_caller_has_gone() {
    let (tell, told) = tokio::sync::oneshot::channel();
    let (arrive, arrived) = tokio::sync::oneshot::channel();
    let mut once = Some((arrive, told));
    let server = Scripted::start(move |seen| {
        if seen.path != "/v1/user/renew_api_key" {
            return Reply::ok(r#"{"solde":1}"#);
        }
        let (arrive, told) = once.take().unwrap();
        arrive.send(()).unwrap();
        let answer = Reply::ok(r#"{"new_api_key":"the-new-key"}"#);
        Reply::When(told, Box::new(answer))
    })
    .await;
    let (store, stored) = tokio::sync::oneshot::channel();
    let store = Mutex::new(Some(store));
    let client = server
        .builder()
        .on_new_key(move |key| {
            let store = store.lock().unwrap().take().unwrap();
            store.send(key.expose_secret().to_owned()).unwrap();
        })
        .build()
        .unwrap();
    tokio::select! {
        _ = client.renew_api_key() => panic!("the answer was not let go yet"),
        arrived = arrived => arrived.unwrap(),
    }
    tell.send(()).unwrap();
    assert_eq!(stored.await.unwrap(), "the-new-key");
    client.credits().await.unwrap();
    assert_eq!(server.seen()[1].key(), "the-new-key");
}

#[tokio::test]
async fn a_new_key_is_read_in_every_form() {
    for body in [
        r#"{"new_api_key":"","api_key":"4711"}"#,
        r#"{"new_api_key":null,"api_key":"4711"}"#,
        r#"{"new_api_key":4711}"#,
    ] {
        let server = Scripted::answering(&[body]).await;
        let key = server.client().renew_api_key().await.unwrap();
        assert_eq!(key.expose_secret(), "4711", "{body}");
    }
}

#[tokio::test]
async fn a_renewal_is_never_repeated_and_a_lost_one_is_said_to_be_unknown() {
    for (name, reply) in [
        ("no answer", Reply::Close),
        ("server error", Reply::status(500, "", "")),
        ("not json", Reply::ok("<html>the-new-key</html>")),
        (
            "no key",
            Reply::ok(r#"{"status":"success","hidden":"the-new-key"}"#),
        ),
        ("empty key", Reply::ok(r#"{"new_api_key":""}"#)),
        ("unusable key", Reply::ok(r#"{"new_api_key":"a\nb"}"#)),
    ] {
        let mut reply = Some(reply);
        let server = Scripted::start(move |_| reply.take().unwrap()).await;
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        let client = server
            .builder()
            .on_new_key(move |_| {
                counted.fetch_add(1, Ordering::SeqCst);
            })
            .build()
            .unwrap();
        let error = client.renew_api_key().await.unwrap_err();
        assert_eq!(error.acceptance(), Acceptance::Unknown, "{name}");
        assert!(
            error.to_string().contains("may have been replaced"),
            "{name}: {error}"
        );
        let shown = format!("{error:?} {:?}", error.provider_text());
        assert!(!shown.contains("the-new-key"), "{name}: {shown}");
        assert_eq!(server.seen().len(), 1, "{name}");
        assert_eq!(calls.load(Ordering::SeqCst), 0, "{name}");
    }
}

#[tokio::test]
async fn a_refused_renewal_leaves_the_key() {
    let server = Scripted::answering(&[
        r#"{"status":"error","message":"not now"}"#,
        r#"{"solde":1}"#,
    ])
    .await;
    let client = server.client();
    let error = client.renew_api_key().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.acceptance()),
        (ErrorKind::Rejected, Acceptance::Refused)
    );
    client.credits().await.unwrap();
    assert_eq!(server.seen()[1].key(), KEY);
}

#[tokio::test]
async fn a_call_refused_for_a_key_that_was_replaced_meanwhile_is_made_again() {
    let (tell, told) = tokio::sync::oneshot::channel();
    let mut told = Some(told);
    let server = Scripted::start(move |seen| match (seen.path.as_str(), seen.key()) {
        ("/v1/user/renew_api_key", _) => Reply::ok(r#"{"new_api_key":"the-new-key"}"#),
        (_, "the-new-key") => Reply::ok(r#"{"status":"success","message_id":"5"}"#),
        (_, _) => Reply::When(told.take().unwrap(), Box::new(Reply::status(401, "", ""))),
    })
    .await;
    let client = server.client();
    let renewing = client.clone();
    let to = guinea(1);
    let (sent, ()) = tokio::join!(client.send(&to, "Bonjour", None), async move {
        renewing.renew_api_key().await.unwrap();
        tell.send(()).unwrap();
    });
    assert_eq!(sent.unwrap().id, "5");
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn a_wrong_key_is_not_tried_twice() {
    let server = Scripted::start(|_| Reply::status(401, "", r#"{"message":"who?"}"#)).await;
    let error = server
        .client()
        .send(&guinea(1), "Bonjour", None)
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.acceptance()),
        (ErrorKind::Unauthorized, Acceptance::NotSent)
    );
    assert_eq!(server.seen().len(), 1);
}

/// `passinfo-sdk` 1.0.2, `client.py` and `models.py`: whoever looks for one of its names in the
/// documentation finds ours.
#[test]
fn every_name_of_the_vendors_package_is_found() {
    let sources = [
        include_str!("../client.rs"),
        include_str!("../contacts.rs"),
        include_str!("../groups.rs"),
        include_str!("../renewal.rs"),
    ];
    let lines = || sources.iter().flat_map(|source| source.lines());
    for name in [
        "PassInfoSDKClient",
        "PassInfoAPI",
        "send_message",
        "send_message_bulk",
        "send_message_group",
        "get_message_status",
        "get_message_status_bulk",
        "get_sms_count",
        "renew_api_key",
        "create_contact",
        "get_user_groups",
        "add_contact_to_group",
        "get_contacts_list",
        "add_users_to_contact",
    ] {
        let alias = format!("\"{name}\"");
        let function = format!("pub async fn {name}(");
        let is_found = lines().any(|line| {
            line.contains(&function) || (line.contains("#[doc(alias") && line.contains(&alias))
        });
        assert!(is_found, "{name}");
    }
}
