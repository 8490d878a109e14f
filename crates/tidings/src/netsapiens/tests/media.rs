//! Files that are fetched from where a message says that they lie.

use super::{builder, client};
use crate::conversations::StoredMedia;
use crate::error::{Acceptance, ErrorKind};
use crate::http::HttpClient;
use crate::provider::Provider;
use crate::tests::scripted::{Reply, Scripted};

const QUERY: &str = "/ns-api/?object=message&action=read_media&id=7&auth=s3cret";

fn at(url: impl Into<String>) -> StoredMedia {
    let mut media = StoredMedia::new("text/vcard");
    media.url = Some(url.into().into());
    media
}

#[tokio::test]
async fn a_file_is_fetched_without_a_token() {
    let host =
        Scripted::start(|_| Reply::status(200, "content-type: text/vcard\r\n", "BEGIN")).await;
    let client = client(&host);
    let stored = at(format!("{}{QUERY}", host.url));
    let file = client
        .conversations()
        .unwrap()
        .fetch(&stored)
        .await
        .unwrap();
    assert_eq!(
        (file.mime_type(), &file.content()[..]),
        ("text/vcard", &b"BEGIN"[..])
    );
    let seen = host.seen();
    assert_eq!((seen.len(), seen[0].path.as_str()), (1, QUERY));
    assert!(!seen[0].headers.contains_key("authorization"));
}

#[tokio::test]
async fn the_type_comes_from_the_message_or_else_from_the_answer() {
    let host = Scripted::start(|_| {
        Reply::status(200, "content-type: text/plain; charset=utf-8\r\n", "GIF89a")
    })
    .await;
    let client = client(&host);
    let mut media = at(&host.url);
    media.mime_type = "image/gif".to_owned();
    assert_eq!(
        client.fetch_media(&media).await.unwrap().mime_type(),
        "image/gif"
    );
    media.mime_type = String::new();
    assert_eq!(
        client.fetch_media(&media).await.unwrap().mime_type(),
        "text/plain"
    );
    media.mime_type = "image/png".to_owned();
    let error = client.fetch_media(&media).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.acceptance()),
        (ErrorKind::Protocol, Acceptance::NotSent)
    );
}

#[tokio::test]
async fn addresses_that_must_not_be_called_are_refused() {
    let server = Scripted::start(|_| Reply::ok("x")).await;
    let plain = client(&server);
    let over_tls = builder(&server)
        .base_url("api.example.test")
        .build()
        .unwrap();
    let port = server.url.strip_prefix("http://").unwrap();
    for (client, url) in [
        (&over_tls, server.url.clone()),
        (&plain, format!("ftp://{port}/")),
        (&plain, "/ns-api/?object=message".to_owned()),
        (&plain, "not a url s3cret".to_owned()),
        (&plain, format!("http://user:s3cret@{port}/")),
    ] {
        let error = client.fetch_media(&at(url)).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.acceptance()),
            (ErrorKind::Protocol, Acceptance::NotSent)
        );
        assert!(!format!("{error} {error:?}").contains("s3cret"));
    }
    let nowhere = StoredMedia::new("image/png");
    let error = plain.fetch_media(&nowhere).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn redirects_large_files_pages_and_refusals_are_no_files() {
    async fn check(status: u16, headers: &'static str, body: &'static str, kind: ErrorKind) {
        let host = Scripted::start(move |_| Reply::status(status, headers, body)).await;
        let http = HttpClient::builder().max_body_bytes(8).build().unwrap();
        let client = builder(&host).http(http).build().unwrap();
        let error = client.fetch_media(&at(&host.url)).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.acceptance()),
            (kind, Acceptance::NotSent),
            "{body}"
        );
        assert_eq!(host.seen().len(), 1);
    }
    check(302, "location: /elsewhere\r\n", "", ErrorKind::Protocol).await;
    check(200, "", "123456789", ErrorKind::Protocol).await;
    check(200, "", "", ErrorKind::Protocol).await;
    check(
        200,
        "content-type: text/html\r\n",
        "<p>",
        ErrorKind::Protocol,
    )
    .await;
    check(404, "", "", ErrorKind::NotFound).await;
    check(401, "", "", ErrorKind::Unauthorized).await;
    check(503, "", "", ErrorKind::Unavailable).await;
}

/// What has no end of its own is not read to it.
#[cfg(unix)]
#[tokio::test]
async fn a_file_is_read_no_further_than_it_may_be_sent() {
    let server = Scripted::start(|_| Reply::ok("[]")).await;
    let client = builder(&server).max_media_bytes(10).build().unwrap();
    let reading = client.media_from_file("/dev/zero");
    let read = tokio::time::timeout(std::time::Duration::from_secs(5), reading).await;
    let error = read.unwrap().unwrap_err();
    assert!(
        error.to_string().contains("larger than 10 bytes"),
        "{error}"
    );
}
