//! Without the feature `aws-lc-rs` the program chooses the cryptography, once for the process.

use crate::error::ErrorKind;
use crate::http::HttpClient;

/// One test, because what is installed stays installed.
#[test]
fn the_program_chooses() {
    let error = HttpClient::builder().build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("CryptoProvider"), "{error}");
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .unwrap();
    assert!(HttpClient::builder().build().is_ok());
}
