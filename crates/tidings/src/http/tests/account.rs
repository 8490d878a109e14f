//! The client of an account with a file of certificates.

use super::server::{Close, Server};
use super::stages::{builder, post};
use crate::error::{Error, ErrorKind};
use crate::http::HttpClient;
use crate::provider::{Account, CA_FILE};

#[tokio::test]
async fn an_account_trusts_the_certificates_of_its_file() {
    let server = Server::tls([], Close::Fin).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, server.certificate()).unwrap();

    let account = Account::new("office").with(CA_FILE, file.to_str().unwrap());
    let trusting = HttpClient::for_account(&account, builder()).unwrap();
    let answer = trusting.send(post(&server.url(), 10)).await.unwrap();
    assert_eq!(answer.status.as_u16(), 200);
    drop(trusting);

    let without = HttpClient::for_account(&Account::new("office"), builder()).unwrap();
    let failure = without.send(post(&server.url(), 10)).await.unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::Config, "nothing is trusted");
    drop(without);
    assert_eq!(server.finish().await.whole_requests(), 1);
}

#[test]
fn a_file_that_cannot_be_used_is_named_with_its_account() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("empty.pem"), "").unwrap();
    std::fs::write(
        path("broken.pem"),
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    )
    .unwrap();
    check(&path("missing.pem"), "the file cannot be read");
    check(
        &path("empty.pem"),
        "there is no certificate in the PEM text",
    );
    check(&path("broken.pem"), "a root certificate cannot be used");
}

#[track_caller]
fn check(file: &str, fault: &str) {
    let account = Account::new("office").with(CA_FILE, file);
    let error: Error = HttpClient::for_account(&account, builder()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    let expected = format!("account office with ca_file {file}: {fault}");
    assert_eq!(error.to_string(), expected);
}
