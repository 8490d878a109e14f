//! The renewal of the key, for a client and all its clones.
//!
//! Called by programs that rotate their keys, and by `client.rs` when a key is refused while it is
//! being replaced. A renewal is never repeated: each one makes the key before it invalid.

use std::sync::{Arc, PoisonError};

use http::Method;
use secrecy::SecretString;
use tokio::sync::oneshot;
use tracing::{Instrument, Span};

use super::client::{Client, Credential, json};
use super::map::PROVIDER;
use super::verdict::Call;
use super::wire::{self, path};
use crate::answer::{Answer, HttpMetadata};
use crate::error::{Acceptance, Error, ErrorKind, Result};

const CALL: Call = Call::renews("renew_api_key");

impl Client {
    /// Replaces the account's key. The old one is invalid from then on; this client and all its
    /// clones use the new one, and [`on_new_key`](super::ClientBuilder::on_new_key) is told it
    /// before this returns. Calls at the same time share one renewal.
    ///
    /// Calls of this client that PassInfo refuses because they still carried the old key are made
    /// once more with the new one.
    ///
    /// It is never repeated by itself. Once begun it is carried through, also when this future is
    /// dropped: otherwise the new key would be lost with the answer. It must be called within a
    /// Tokio runtime, and a runtime that is shut down in the middle does lose it.
    ///
    /// ```no_run
    /// use tidings::{ExposeSecret, passinfo};
    ///
    /// # async fn example(store: fn(&str)) -> tidings::Result<()> {
    /// let client = passinfo::Client::builder()
    ///     .client_id(1234)
    ///     .api_key("the key from the dashboard")
    ///     .on_new_key(move |key| store(key.expose_secret()))
    ///     .build()?;
    /// let clone = client.clone();
    /// client.renew_api_key().await?;
    /// clone.credits().await?; // with the new key
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// With [`Acceptance::Unknown`] the key may have been replaced, and nobody knows the new one:
    /// look into the dashboard.
    pub async fn renew_api_key(&self) -> Result<Answer<SecretString>> {
        let before = self.shared().credential.load_full();
        let (tell, told) = oneshot::channel();
        let client = self.clone();
        let renewing = async move {
            // Whoever asked may have gone; the key has its place all the same.
            drop(tell.send(client.renew(before).await));
        };
        {
            let tasks = &self.shared().renewing;
            let mut tasks = tasks.lock().unwrap_or_else(PoisonError::into_inner);
            while tasks.try_join_next().is_some() {}
            tasks.spawn(renewing.instrument(Span::current()));
        }
        told.await.unwrap_or_else(|_| {
            let what = "the renewal of the key was broken off";
            Err(lost(
                Error::new(ErrorKind::Unavailable, Acceptance::Unknown, what)
                    .during(PROVIDER, CALL.operation),
            ))
        })
    }

    async fn renew(&self, before: Arc<Credential>) -> Result<Answer<SecretString>> {
        let shared = self.shared();
        let mut last_renewal = shared.renewal.lock().await;
        let current = shared.credential.load_full();
        if !Arc::ptr_eq(&before, &current) {
            // Somebody else's renewal was under way, and it is as new as one of our own.
            return Ok(Answer::new(current.key.clone(), last_renewal.clone()));
        }
        let body = json(CALL, &wire::RenewKey::default())?;
        let answer: Answer<wire::RenewAnswer> = self
            .exchange_with(&current, CALL, Method::POST, path::RENEW_KEY, body)
            .await
            .map_err(lost)?;
        let Answer { value, http } = answer;
        let key = [value.new_api_key, value.api_key]
            .into_iter()
            .flatten()
            .find(|key| !key.0.trim().is_empty());
        let credential = key
            .and_then(|key| Credential::new(SecretString::from(key.0)))
            .ok_or_else(|| lost(CALL.unreadable("passinfo gave no new key", http.clone())))?;
        let key = credential.key.clone();
        shared.credential.store(Arc::new(credential));
        last_renewal.clone_from(&http);
        if let Some(tell) = &shared.on_new_key {
            tell(&key);
        }
        tracing::info!(
            provider = PROVIDER,
            client_id = shared.client_id,
            "the passinfo key was renewed"
        );
        Ok(Answer::new(key, http))
    }

    /// The credential once no renewal is under way.
    pub(super) async fn credential_after_renewal(&self) -> Arc<Credential> {
        drop(self.shared().renewal.lock().await);
        self.shared().credential.load_full()
    }
}

/// Says of an unknown outcome what it means here.
fn lost(error: Error) -> Error {
    if error.acceptance() != Acceptance::Unknown {
        return error;
    }
    let what = "the answer to the key's renewal was lost: the key may have been replaced by one that nobody knows";
    let told = Error::new(error.kind(), Acceptance::Unknown, what).during(PROVIDER, CALL.operation);
    let http: Option<HttpMetadata> = error.http().cloned();
    let told = match http {
        Some(http) => told.with_http(http),
        None => told,
    };
    told.with_source(error)
}
