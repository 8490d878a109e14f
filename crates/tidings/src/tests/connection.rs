//! What can become of a call on its way, and what every provider's client has to say of it: whether
//! a text may have gone out. Called by the tests of every provider with its own [`FailingCalls`],
//! by [`tests_of`].
//!
//! Nothing here knows what a provider's answers look like.

use std::time::Duration;

use super::scripted::{Reply, Scripted};
use crate::error::{Acceptance, Error, ErrorKind};
use crate::http::HttpClient;

/// Two calls of a provider's client that have no success here.
pub(crate) trait FailingCalls {
    /// What comes of a call that sends.
    fn send(base_url: String, http: HttpClient) -> impl Future<Output = Error> + Send;

    /// What comes of a question.
    fn ask(base_url: String, http: HttpClient) -> impl Future<Output = Error> + Send;
}

/// The tests of this file for one provider.
macro_rules! tests_of {
    ($calls:ty) => {
        $crate::tests::connection::tests_of!($calls:
            a_rate_limit_has_taken_nothing,
            a_503_is_a_refusal_only_when_it_names_a_time_to_come_back,
            a_server_that_is_not_there_has_taken_nothing,
            a_connection_that_closes_after_the_request_leaves_the_outcome_unknown,
            silence_leaves_the_outcome_unknown,
            a_redirect_is_not_followed,
        );
    };
    ($calls:ty: $($test:ident,)+) => {
        $(
            #[tokio::test]
            async fn $test() {
                $crate::tests::connection::$test::<$calls>().await;
            }
        )+
    };
}
pub(crate) use tests_of;

fn http() -> HttpClient {
    HttpClient::builder().build().unwrap()
}

#[track_caller]
fn check(error: &Error, kind: ErrorKind, acceptance: Acceptance) {
    assert_eq!((error.kind(), error.acceptance()), (kind, acceptance));
    let is_safe = acceptance == Acceptance::NotSent;
    assert_eq!(error.is_safe_to_resend(), is_safe);
}

/// What comes of a call that sends when it gets this reply. It is made once.
pub(crate) async fn send_error<C: FailingCalls>(reply: Reply) -> Error {
    let mut reply = Some(reply);
    let server = Scripted::start(move |_| reply.take().unwrap()).await;
    let error = C::send(server.url.clone(), http()).await;
    assert_eq!(
        server.seen().len(),
        1,
        "a message is never sent twice by the client"
    );
    error
}

pub(crate) async fn a_rate_limit_has_taken_nothing<C: FailingCalls>() {
    let reply = Reply::status(
        429,
        "retry-after: 30\r\nx-ratelimit-remaining: 0\r\nx-request-id: r-9\r\n",
        r#"{"message":"slow down"}"#,
    );
    let error = send_error::<C>(reply).await;
    check(&error, ErrorKind::RateLimited, Acceptance::NotSent);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(30)));
    assert_eq!(error.http().unwrap().rate_limit.remaining, Some(0));
    assert_eq!(error.http().unwrap().request_id.as_deref(), Some("r-9"));

    let error = send_error::<C>(Reply::status(429, "", "")).await;
    check(&error, ErrorKind::RateLimited, Acceptance::NotSent);
    assert_eq!(error.retry_after(), None);
}

pub(crate) async fn a_503_is_a_refusal_only_when_it_names_a_time_to_come_back<C: FailingCalls>() {
    let come_back = "retry-after: 30\r\n";
    let error = send_error::<C>(Reply::status(503, come_back, "")).await;
    check(&error, ErrorKind::Unavailable, Acceptance::NotSent);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(30)));
    let error = send_error::<C>(Reply::status(503, "", "")).await;
    check(&error, ErrorKind::Unavailable, Acceptance::Unknown);
    // Of the other server errors a time to come back proves nothing.
    let error = send_error::<C>(Reply::status(502, come_back, "")).await;
    check(&error, ErrorKind::Unavailable, Acceptance::Unknown);
}

pub(crate) async fn a_server_that_is_not_there_has_taken_nothing<C: FailingCalls>() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = C::send(url, http()).await;
    check(&error, ErrorKind::Unavailable, Acceptance::NotSent);
}

pub(crate) async fn a_connection_that_closes_after_the_request_leaves_the_outcome_unknown<
    C: FailingCalls,
>() {
    let error = send_error::<C>(Reply::Close).await;
    check(&error, ErrorKind::Unavailable, Acceptance::Unknown);
}

/// And a question can be asked again.
pub(crate) async fn silence_leaves_the_outcome_unknown<C: FailingCalls>() {
    let server = Scripted::start(|_| Reply::Silence).await;
    let http = HttpClient::builder().timeout(Duration::from_millis(300));
    let http = http.build().unwrap();
    let error = C::send(server.url.clone(), http.clone()).await;
    check(&error, ErrorKind::Timeout, Acceptance::Unknown);
    let error = C::ask(server.url.clone(), http).await;
    check(&error, ErrorKind::Timeout, Acceptance::NotSent);
}

pub(crate) async fn a_redirect_is_not_followed<C: FailingCalls>() {
    let elsewhere = Reply::status(307, "location: /elsewhere\r\n", "");
    let error = send_error::<C>(elsewhere).await;
    check(&error, ErrorKind::Protocol, Acceptance::Unknown);
}
