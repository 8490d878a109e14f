//! A provider from outside this crate, as plain data.

use std::sync::Arc;

use crate::http::HttpClient;
use crate::memory::MemoryProvider;
use crate::provider::{Account, Capabilities, ProviderSpec};

#[test]
fn a_provider_from_outside_connects() {
    static PLAIN: ProviderSpec =
        ProviderSpec::new("plain", "Plain", Capabilities::submit_only(), &[]);
    static CONNECTED: ProviderSpec =
        ProviderSpec::new("memory", "Memory", Capabilities::submit_only(), &[])
            .with_connect(|_, _| Ok(Arc::new(MemoryProvider::new())));
    let http = HttpClient::builder().build().unwrap();
    let account = Account::new("main");
    let error = (PLAIN.connect)(&account, http.clone()).unwrap_err();
    assert_eq!(error.kind(), crate::ErrorKind::Unsupported);
    let provider = (CONNECTED.connect)(&account, http).unwrap();
    assert!(provider.capabilities().balance);
}
