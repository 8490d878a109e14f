//! One call for a token, however many wait for it.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use futures_util::future::join_all;

use super::{Mood, Server, TestClock, ask};
use crate::error::{Acceptance, Error, ErrorKind, Result};
use crate::netsapiens::Client;

/// A client that has signed in, once.
async fn signed_in(server: &Server) -> (Client, Arc<TestClock>) {
    let clock = TestClock::new();
    let client = server.client(&clock);
    ask(&client).await.unwrap();
    assert_eq!(server.counts(), (1, 0, 1));
    (client, clock)
}

/// What comes of 200 calls at once, on several threads.
async fn two_hundred(client: &Client) -> Vec<Result<()>> {
    let calls = (0..200).map(|_| {
        let client = client.clone();
        async move { ask(&client).await }
    });
    let mut tasks = tokio::task::JoinSet::new();
    for call in calls {
        tasks.spawn(call);
    }
    tasks.join_all().await
}

async fn poll_once<F: Future>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await
}

/// Lets a caller go on until the server has the refresh token from him.
async fn until_it_is_refreshing<F: Future>(server: &Server, mut caller: Pin<&mut F>) {
    while server.counts().1 == 0 {
        assert!(poll_once(caller.as_mut()).await.is_pending());
        tokio::task::yield_now().await;
    }
}

#[track_caller]
fn all_went(results: &[Result<()>]) {
    let failed = results.iter().find_map(|result| result.as_ref().err());
    assert!(failed.is_none(), "{failed:?}");
}

#[track_caller]
fn all_failed(results: &[Result<()>], kind: ErrorKind) {
    for result in results {
        let error: &Error = result.as_ref().unwrap_err();
        assert_eq!(
            (error.kind(), error.acceptance(), error.operation()),
            (kind, Acceptance::NotSent, Some("sign_in")),
            "{error:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_first_calls_sign_in_once() {
    let server = Server::start().await;
    let client = server.client(&TestClock::new());
    all_went(&two_hundred(&client).await);
    assert_eq!(server.counts(), (1, 0, 200));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_calls_across_an_expiry_by_our_clock_refresh_once() {
    let server = Server::start().await;
    let (client, clock) = signed_in(&server).await;
    clock.advance(3_600);
    all_went(&two_hundred(&client).await);
    assert_eq!(server.counts(), (1, 1, 201));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_calls_across_an_expiry_by_the_servers_clock_refresh_once() {
    let server = Server::start().await;
    let (client, _) = signed_in(&server).await;
    server.expire();
    all_went(&two_hundred(&client).await);
    let (passwords, refreshes, asks) = server.counts();
    assert_eq!((passwords, refreshes), (1, 1));
    // Each was refused once at the most.
    assert!((202..=401).contains(&asks), "{asks}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_refresh_token_leads_to_one_sign_in() {
    let server = Server::start().await;
    let (client, _) = signed_in(&server).await;
    server.pbx().refresh = Mood::Refuses;
    server.expire();
    all_went(&two_hundred(&client).await);
    let (passwords, refreshes, _) = server.counts();
    assert_eq!((passwords, refreshes), (2, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_calls_share_one_failure_and_do_not_try_again() {
    let server = Server::start().await;
    let (client, clock) = signed_in(&server).await;
    {
        let mut pbx = server.pbx();
        (pbx.refresh, pbx.password) = (Mood::Refuses, Mood::Refuses);
    }
    clock.advance(3_600);
    all_failed(&two_hundred(&client).await, ErrorKind::Unauthorized);
    assert_eq!(server.counts(), (2, 1, 1));

    // The pause is over after a second, and then lasts for two. The refresh token is forgotten.
    clock.advance(1);
    all_failed(&two_hundred(&client).await, ErrorKind::Unauthorized);
    assert_eq!(server.counts(), (3, 1, 1));
    clock.advance(1);
    all_failed(&two_hundred(&client).await, ErrorKind::Unauthorized);
    assert_eq!(server.counts(), (3, 1, 1));

    server.pbx().password = Mood::Gives;
    clock.advance(1);
    all_went(&two_hundred(&client).await);
    assert_eq!(server.counts(), (4, 1, 201));
}

/// The same where the server, not our clock, ends the token.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_refused_tokens_and_no_new_one_make_one_try() {
    let server = Server::start().await;
    let (client, _) = signed_in(&server).await;
    {
        let mut pbx = server.pbx();
        (pbx.refresh, pbx.password) = (Mood::Refuses, Mood::Refuses);
    }
    server.expire();
    all_failed(&two_hundred(&client).await, ErrorKind::Unauthorized);
    let (passwords, refreshes, asks) = server.counts();
    assert_eq!((passwords, refreshes), (2, 1));
    assert!((2..=201).contains(&asks), "{asks}");
}

#[tokio::test]
async fn an_unreachable_server_does_not_use_up_the_password() {
    for mood in [Mood::IsDown, Mood::HangsUp] {
        let server = Server::start().await;
        let (client, clock) = signed_in(&server).await;
        server.pbx().refresh = mood;
        clock.advance(3_600);
        let failed = ask(&client).await;
        all_failed(&[failed], ErrorKind::Unavailable);
        assert_eq!(server.counts(), (1, 1, 1));
        // Within the pause the error says when to come back.
        let error = ask(&client).await.unwrap_err();
        assert_eq!(error.retry_after(), Some(std::time::Duration::from_secs(1)));
        assert!(error.is_safe_to_resend());
        assert_eq!(server.counts(), (1, 1, 1));

        // The refresh token was not lost, although nobody knows whether the server had used it up.
        server.pbx().refresh = Mood::Gives;
        clock.advance(1);
        let result = ask(&client).await;
        all_went(&[result]);
        // It had where it hung up after reading the call, which our server does when it is down too.
        assert_eq!(server.counts(), (2, 2, 2));
    }
}

#[tokio::test]
async fn a_token_is_renewed_ahead_of_its_end_and_used_until_then_if_that_fails() {
    let server = Server::start().await;
    let (client, clock) = signed_in(&server).await;
    clock.advance(3_539);
    ask(&client).await.unwrap();
    assert_eq!(server.counts(), (1, 0, 2), "61 s before the end");

    clock.advance(1);
    server.pbx().refresh = Mood::IsDown;
    ask(&client).await.unwrap();
    ask(&client).await.unwrap();
    assert_eq!(server.counts(), (1, 1, 4), "60 s before the end");
    clock.advance(1);
    ask(&client).await.unwrap();
    assert_eq!(server.counts(), (1, 2, 5), "after the pause");

    server.pbx().refresh = Mood::Gives;
    clock.advance(2);
    ask(&client).await.unwrap();
    ask(&client).await.unwrap();
    let (_, refreshes, asks) = server.counts();
    assert_eq!((refreshes, asks), (3, 7));
}

#[tokio::test]
async fn a_short_token_is_not_renewed_for_every_call() {
    let server = Server::start().await;
    server.pbx().expires_in = "20";
    let (client, clock) = signed_in(&server).await;
    clock.advance(17);
    ask(&client).await.unwrap();
    assert_eq!(server.counts(), (1, 0, 2));
    clock.advance(1);
    ask(&client).await.unwrap();
    assert_eq!(server.counts(), (1, 1, 3), "a tenth before its end");
}

#[tokio::test]
async fn a_lifetime_that_is_not_told_is_an_hour() {
    for nothing in ["0", "null", "\"\"", "-5"] {
        let server = Server::start().await;
        server.pbx().expires_in = nothing;
        let (client, clock) = signed_in(&server).await;
        ask(&client).await.unwrap();
        clock.advance(3_539);
        ask(&client).await.unwrap();
        assert_eq!(server.counts(), (1, 0, 3), "{nothing}");
        clock.advance(1);
        ask(&client).await.unwrap();
        assert_eq!(server.counts(), (1, 1, 4), "{nothing}");
    }
}

#[tokio::test]
async fn a_caller_who_goes_does_not_take_the_new_token_with_him() {
    let server = Server::start().await;
    let (client, clock) = signed_in(&server).await;
    clock.advance(3_600);
    let (go_on, hold) = tokio::sync::oneshot::channel();
    server.pbx().hold = Some(hold);
    {
        let mut gone = std::pin::pin!(ask(&client));
        until_it_is_refreshing(&server, gone.as_mut()).await;
    }
    let waiting = join_all((0..20).map(|_| ask(&client)));
    let (results, ()) = tokio::join!(waiting, async { go_on.send(()).unwrap() });
    all_went(&results);
    assert_eq!(server.counts(), (1, 1, 21));
}

/// Whatever a caller has come to when he goes, the refresh token is presented once and its successor
/// is there for the next one.
#[tokio::test]
async fn callers_who_go_at_any_moment_lose_nothing() {
    let server = Server::start().await;
    let (client, clock) = signed_in(&server).await;
    let mut renewals = 0;
    for steps in 0..60 {
        clock.advance(3_600);
        {
            let mut gone = std::pin::pin!(ask(&client));
            for _ in 0..steps {
                if poll_once(gone.as_mut()).await.is_ready() {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        ask(&client).await.unwrap();
        renewals += 1;
        let (passwords, refreshes, _) = server.counts();
        assert_eq!((passwords, refreshes), (1, renewals), "after {steps} steps");
    }
}

#[tokio::test]
async fn a_new_token_is_kept_when_everybody_has_gone() {
    let server = Server::start().await;
    let (client, clock) = signed_in(&server).await;
    clock.advance(3_600);
    let (go_on, hold) = tokio::sync::oneshot::channel();
    server.pbx().hold = Some(hold);
    {
        let mut gone = std::pin::pin!(ask(&client));
        until_it_is_refreshing(&server, gone.as_mut()).await;
    }
    go_on.send(()).unwrap();
    let before = client.token().unwrap().expires_at;
    while client.token().unwrap().expires_at == before {
        tokio::task::yield_now().await;
    }
    ask(&client).await.unwrap();
    assert_eq!(server.counts(), (1, 1, 2));
}

#[tokio::test]
async fn missing_rights_are_no_reason_to_sign_in() {
    for words in [
        r#"{"code":401,"message":"Invalid Scope [APP001]"}"#,
        r#"{"code":401,"message":"Permission Denied"}"#,
        r#"{"code":401,"message":"Unauthorized"}"#,
        "",
    ] {
        let server = Server::start().await;
        let (client, _) = signed_in(&server).await;
        server.pbx().refusal = words;
        server.expire();
        for _ in 0..3 {
            ask(&client).await.unwrap_err();
        }
        assert_eq!(server.counts(), (1, 0, 4), "{words}");
    }
}

#[tokio::test]
async fn a_call_is_made_twice_at_the_most() {
    let server = Server::start().await;
    let (client, _) = signed_in(&server).await;
    // Whatever it is presented, this server says that it has expired.
    server.expire();
    let results = join_all((0..1).map(|_| async {
        let answer = ask(&client);
        let mut answer = std::pin::pin!(answer);
        loop {
            server.expire();
            if let Poll::Ready(result) = poll_once(answer.as_mut()).await {
                return result;
            }
            tokio::task::yield_now().await;
        }
    }))
    .await;
    let error = results[0].as_ref().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert_eq!(server.counts(), (1, 1, 3));
}

#[tokio::test]
async fn an_answer_without_a_refresh_token_leaves_none() {
    let server = Server::start().await;
    let (client, clock) = signed_in(&server).await;
    server.pbx().gives_refresh_tokens = false;
    clock.advance(3_600);
    ask(&client).await.unwrap();
    assert_eq!(server.counts(), (1, 1, 2));
    clock.advance(3_600);
    ask(&client).await.unwrap();
    assert_eq!(server.counts(), (2, 1, 3));
}

#[tokio::test]
async fn a_clock_that_jumps_costs_one_renewal_at_the_most() {
    let server = Server::start().await;
    let (client, clock) = signed_in(&server).await;
    let a_year = 365 * 86_400;
    clock.advance(a_year);
    ask(&client).await.unwrap();
    assert_eq!(server.counts(), (1, 1, 2));
    // Back again: the token seems to hold for a year, until the server says that it does not.
    clock.advance(-a_year);
    ask(&client).await.unwrap();
    assert_eq!(server.counts(), (1, 1, 3));
    server.expire();
    ask(&client).await.unwrap();
    assert_eq!(server.counts(), (1, 2, 5));

    // A pause that seems to begin in a year is over.
    {
        let mut pbx = server.pbx();
        (pbx.refresh, pbx.password) = (Mood::Refuses, Mood::Refuses);
    }
    clock.advance(a_year);
    ask(&client).await.unwrap_err();
    clock.advance(-a_year);
    server.expire();
    server.pbx().password = Mood::Gives;
    ask(&client).await.unwrap();
}

/// An answer that was on its way for long refuses a token that nobody presents any more.
#[tokio::test]
async fn only_the_token_that_was_refused_is_replaced() {
    use crate::tests::scripted::{Reply, Scripted};

    let (go_on, hold) = tokio::sync::oneshot::channel();
    let mut hold = Some(hold);
    let mut given = 0;
    let server = Scripted::start(move |seen| {
        if seen.path.ends_with("/tokens") {
            given += 1;
            return Reply::ok(format!(
                r#"{{"access_token":"access-{given}","refresh_token":"refresh-{given}"}}"#
            ));
        }
        if seen.headers["authorization"] == "Bearer access-1" {
            let refused = Reply::status(401, "", super::EXPIRED);
            // The first answer comes late.
            return match hold.take() {
                Some(hold) => Reply::When(hold, Box::new(refused)),
                None => refused,
            };
        }
        Reply::ok("{}")
    })
    .await;
    let client = Client::builder()
        .base_url(&server.url)
        .password("acme.app", "secret", "200@example.test", "secret")
        .clock(TestClock::new())
        .build()
        .unwrap();
    let late = ask(&client);
    let meanwhile = async {
        while server.seen().len() < 2 {
            tokio::task::yield_now().await;
        }
        ask(&client).await.unwrap();
        go_on.send(()).unwrap();
    };
    let (late, ()) = tokio::join!(late, meanwhile);
    late.unwrap();
    let seen = server.seen();
    let tokens = seen.iter().filter(|seen| seen.path.ends_with("/tokens"));
    assert_eq!(tokens.count(), 2, "one sign-in and one refresh");
    assert_eq!(seen.len(), 2 + 2 + 2, "each call was made twice");
}

#[tokio::test]
async fn a_client_signs_in_when_it_is_told_to() {
    use crate::netsapiens::SignedIn;

    let server = Server::start().await;
    let clock = TestClock::new();
    let client = server.client(&clock);
    assert!(client.token().is_none());
    for _ in 0..2 {
        let SignedIn::Done(token) = client.sign_in().await.unwrap() else {
            panic!("there is no second step");
        };
        assert_eq!(token.user, "200");
    }
    assert_eq!(server.counts(), (1, 0, 0));
    // Told to, it does not wait for a pause to end.
    server.pbx().refresh = Mood::Refuses;
    server.pbx().password = Mood::Refuses;
    clock.advance(3_600);
    for _ in 0..3 {
        let error = client.sign_in().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthorized);
    }
    assert_eq!(server.counts(), (4, 1, 0));
}

/// A program may run its calls on one runtime after the other. What the first has taken with it when
/// it ended is begun again.
#[test]
fn a_flight_that_ends_with_its_runtime_before_it_begins_is_made_by_the_next() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let serving = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let server = serving.block_on(Server::start());
    let client = server.client(&TestClock::new());
    let first = runtime();
    let is_pending = first.block_on(async {
        let mut call = std::pin::pin!(client.sign_in());
        poll_once(call.as_mut()).await.is_pending()
    });
    assert!(is_pending);
    drop(first);
    assert_eq!(server.counts(), (0, 0, 0));
    let signed_in = runtime().block_on(client.sign_in());
    assert!(signed_in.is_ok(), "{signed_in:?}");
    assert_eq!(server.counts(), (1, 0, 0));
}
