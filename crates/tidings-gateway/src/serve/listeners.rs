//! The listeners: one without TLS and, where it is configured, one with it.
//!
//! Called by [`start`](super::start) and at the end. What they have in common, the accept loop, is
//! [`tidings::serve::listen`].

use std::net::SocketAddr;
use std::sync::Arc;

use tidings::serve::listen::Listener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::StartError;
use super::certificate::Certificate;
use super::doors::Doors;
use crate::config::ServerConfig;
use crate::gateway::Gateway;
use crate::http;

/// Where a gateway listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// Without TLS.
    pub plain: SocketAddr,
    /// With TLS.
    pub tls: Option<SocketAddr>,
}

impl Addresses {
    /// Where callers of this machine point to, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.plain)
    }

    /// The same with TLS.
    pub fn tls_url(&self) -> Option<String> {
        self.tls.map(|address| format!("https://{address}"))
    }
}

/// Sockets that listen, before anybody is answered.
#[derive(Debug)]
pub struct Bound {
    addresses: Addresses,
    plain: Listener,
    tls: Option<(Listener, Arc<Certificate>)>,
}

/// Listeners that answer.
#[derive(Debug)]
pub(super) struct Listeners {
    addresses: Addresses,
    certificate: Option<Arc<Certificate>>,
    serving: JoinSet<()>,
    stopping: CancellationToken,
}

impl Listeners {
    pub(super) fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// Takes up the files that the configuration names now.
    pub(super) async fn reload(&self, config: &ServerConfig) -> Result<(), StartError> {
        if let (Some(certificate), Some(tls)) = (&self.certificate, &config.tls) {
            certificate.take_up(tls).await?;
        }
        Ok(())
    }

    /// Takes no more connections, and returns when the open ones have had their answers. Dropped before
    /// that, it cuts them off.
    pub(super) async fn finish(mut self) {
        self.stopping.cancel();
        while self.serving.join_next().await.is_some() {}
    }
}

impl Bound {
    pub(super) async fn bind(config: &ServerConfig) -> Result<Self, StartError> {
        let tls = match &config.tls {
            Some(tls) => {
                let certificate = Arc::new(Certificate::read(tls).await?);
                let listener = bind(tls.listen, config).await?;
                let listener = listener.given_tls(certificate.given())?;
                Some((listener, certificate))
            }
            None => None,
        };
        let plain = bind(config.listen, config).await?;
        Ok(Self {
            addresses: Addresses {
                plain: plain.address(),
                tls: tls.as_ref().map(|(listener, _)| listener.address()),
            },
            plain,
            tls,
        })
    }

    /// Where it listens.
    pub fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// Begins to answer.
    pub(super) fn serve(self, gateway: &Gateway) -> Listeners {
        let doors = Doors {
            router: http::router(gateway.clone()),
            gateway: gateway.clone(),
        };
        let stopping = CancellationToken::new();
        let mut serving = JoinSet::new();
        let mut certificate = None;
        serving.spawn(self.plain.serve(doors.clone(), stopping.clone()));
        if let Some((listener, shown)) = self.tls {
            serving.spawn(listener.serve(doors, stopping.clone()));
            let (watched, until) = (Arc::clone(&shown), stopping.clone());
            serving.spawn(async move { watched.watch(until).await });
            certificate = Some(shown);
        }
        Listeners {
            addresses: self.addresses,
            certificate,
            serving,
            stopping,
        }
    }
}

async fn bind(address: SocketAddr, config: &ServerConfig) -> Result<Listener, StartError> {
    let listener = Listener::bind(address)
        .await
        .map_err(|source| StartError::Listen { address, source })?;
    Ok(listener
        .max_connections(config.max_connections)
        .patience(config.idle))
}
