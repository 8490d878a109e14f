//! A gateway from its start to its end: store, lanes, loops, listeners, a configuration that is read again,
//! and an orderly end.
//!
//! Called by the command's `serve` and `demo` and by the harness of the tests. In reading order:
//! [`start`], [`Running::reload`], [`Running::drain`]. What a request or a loop does is not said here.

mod certificate;
mod doors;
mod error;
mod lanes;
mod listeners;
mod proxies;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tidings::layers::Jitter;
use tidings::{Clock, SystemClock, providers};
use tidings_store::open::{self, ExclusiveHold};
use tidings_store::{NodeId, Store};
use tokio::time::timeout;

use self::certificate::Certificate;
use self::listeners::Listeners;
use crate::config::{Config, ServerConfig};
use crate::gateway::Gateway;
use crate::{dispatch, janitor, reports, telemetry, vendors, webhooks};

pub use self::error::StartError;
pub use self::lanes::connected;
pub use self::listeners::{Addresses, Bound};

/// The name under which the only process on a store holds leases: what an earlier one of this name left
/// is taken over at the start.
const NODE: &str = "gateway";

/// What a gateway is made of besides its configuration.
#[derive(Debug)]
pub struct Parts {
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// Where randomness comes from.
    pub randomness: Jitter,
    /// What survives, where it is open already: for tests. `None` opens what the configuration names, and
    /// holds it, so that no second gateway works on it.
    pub store: Option<Arc<dyn Store>>,
}

/// The system's clock and randomness, and the store that the configuration names.
impl Default for Parts {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock::new()),
            randomness: Jitter::random(),
            store: None,
        }
    }
}

/// A gateway that runs.
pub struct Running {
    gateway: Gateway,
    listeners: Listeners,
    /// Given back when everything has ended.
    hold: Option<ExclusiveHold>,
}

/// What became of a configuration that was read again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reloaded {
    /// Keys whose new values hold from the next start on.
    pub needs_restart: Vec<&'static str>,
}

/// How a gateway ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drained {
    /// All that was under way came to its end.
    Whole,
    /// The time was over first. Calls to providers that were cut off are in doubt, and are asked about
    /// after the next start.
    CutOff,
}

/// Takes the addresses of a configuration, before anybody is answered: for whoever has to know them first,
/// such as a carrier that is to call back.
///
/// # Errors
/// [`StartError`] when an address is taken or a certificate cannot be used.
pub async fn bind(config: &ServerConfig) -> Result<Bound, StartError> {
    Bound::bind(config).await
}

/// Whether the files of TLS can be used, where there are any: for whoever checks a configuration.
///
/// # Errors
/// [`StartError`] naming what is wrong.
pub async fn check_certificate(config: &Config) -> Result<(), StartError> {
    if let Some(tls) = &config.server.tls {
        Certificate::read(tls).await?;
    }
    Ok(())
}

/// Starts a gateway: it holds and opens the store, takes over what an earlier process left, connects lanes,
/// starts its loops and listens.
///
/// # Errors
/// [`StartError`], and then nothing runs.
pub async fn start(config: Config, parts: Parts) -> Result<Running, StartError> {
    let bound = bind(&config.server).await?;
    start_at(bound, config, parts).await
}

/// As [`start`], at addresses that were taken before.
///
/// # Errors
/// As [`start`].
pub async fn start_at(bound: Bound, config: Config, parts: Parts) -> Result<Running, StartError> {
    let Parts {
        clock,
        randomness,
        store,
    } = parts;
    // Before the first lane is there, which counts by it.
    telemetry::metrics::install();
    let url = config.store.url.clone();
    let live = connected(config, &clock, None)?;
    let (store, hold) = if let Some(store) = store {
        (store, None)
    } else {
        let hold = open::exclusive(&url)?;
        (open::open(&url, Arc::clone(&clock)).await?, Some(hold))
    };
    let gateway = Gateway::new(store, clock, randomness, NodeId::from(NODE), live);
    telemetry::metrics::start(&gateway);
    janitor::take_over(&gateway).await?;
    vendors::served::keep_secrets(&gateway).await?;
    start_loops(&gateway);
    let listeners = bound.serve(&gateway);
    Ok(Running {
        gateway,
        listeners,
        hold,
    })
}

fn start_loops(gateway: &Gateway) {
    let tasks = gateway.tasks();
    tasks.spawn(dispatch::run(gateway.clone()));
    tasks.spawn(reports::run(gateway.clone()));
    tasks.spawn(webhooks::run(gateway.clone()));
    tasks.spawn(janitor::run(gateway.clone()));
    tasks.spawn(telemetry::metrics::run(gateway.clone()));
}

impl Running {
    /// Where it listens.
    pub fn addresses(&self) -> Addresses {
        self.listeners.addresses()
    }

    /// The context of its stages.
    pub fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// Takes another configuration: lanes, routes, limits and the files of TLS change at once, and no
    /// message is lost over it. Where it cannot work the one before stays.
    ///
    /// # Errors
    /// [`StartError`] as from [`start`].
    pub async fn reload(&self, config: Config) -> Result<Reloaded, StartError> {
        let before = self.gateway.live();
        let needs_restart = needs_restart(&before.config, &config);
        let server = config.server.clone();
        let live = connected(config, self.gateway.clock(), Some(&before))?;
        self.listeners.reload(&server).await?;
        self.gateway.set_live(live);
        Ok(Reloaded { needs_restart })
    }

    /// Ends in order: `/readyz` says no, no new work is begun, open requests and calls to providers are
    /// finished and written, within the time that the configuration gives.
    pub async fn drain(self) -> Drained {
        let Self {
            gateway,
            listeners,
            hold,
        } = self;
        let live = gateway.live();
        let (notice, limit) = (live.config.server.notice, live.config.server.drain);
        drop(live);
        gateway.stopping().cancel();
        if notice > Duration::ZERO {
            tokio::time::sleep(notice).await;
        }
        gateway.tasks().close();
        let ending = async {
            listeners.finish().await;
            gateway.tasks().wait().await;
        };
        let ended = timeout(limit, ending).await;
        drop(hold);
        match ended {
            Ok(()) => Drained::Whole,
            Err(_) => Drained::CutOff,
        }
    }
}

/// What cannot change while a gateway runs.
fn needs_restart(before: &Config, after: &Config) -> Vec<&'static str> {
    let (was, is) = (&before.server, &after.server);
    let tls = |server: &ServerConfig| server.tls.as_ref().map(|tls| tls.listen);
    let changed = [
        ("server.listen", was.listen != is.listen),
        ("server.tls.listen", tls(was) != tls(is)),
        (
            "server.max_connections",
            was.max_connections != is.max_connections,
        ),
        ("server.idle", was.idle != is.idle),
        (
            "limits.max_body_bytes",
            before.limits.max_body_bytes != after.limits.max_body_bytes,
        ),
        (
            "limits.request_timeout",
            before.limits.request_timeout != after.limits.request_timeout,
        ),
        ("store.url", before.store.url != after.store.url),
        ("vendors", !is_served_alike(before, after)),
        (
            "monitoring.log",
            before.monitoring.log != after.monitoring.log,
        ),
        (
            "monitoring.otlp_endpoint",
            before.monitoring.otlp_endpoint != after.monitoring.otlp_endpoint,
        ),
    ];
    changed
        .into_iter()
        .filter(|(_, is_changed)| *is_changed)
        .map(|(key, _)| key)
        .collect()
}

/// Whether all vendors' APIs are served with the same settings.
fn is_served_alike(before: &Config, after: &Config) -> bool {
    let mut specs = providers::ALL.iter();
    specs.all(|spec| {
        let (was, is) = (before.vendor(spec), after.vendor(spec));
        let mut settings = spec.server_settings.iter();
        settings.all(|setting| was.setting(setting.name) == is.setting(setting.name))
    })
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("gateway", &self.gateway)
            .field("addresses", &self.addresses())
            .finish_non_exhaustive()
    }
}
