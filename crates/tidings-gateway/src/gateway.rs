//! The context that every stage takes first: store, clock, randomness, and what the configuration says at
//! this moment.
//!
//! Made by whoever starts a gateway; cheap to clone. It decides nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use secrecy::SecretString;
use tidings::layers::Jitter;
use tidings_core::{Clock, Timestamp};
use tidings_store::{LaneId, NodeId, Store};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::access::Access;
use crate::config::Config;
use crate::dispatch::Measurements;
use crate::intake::batch::Batches;
use crate::lane::Lane;
use crate::names::Names;
use crate::signals::Signals;

/// A gateway that runs, or could.
#[derive(Clone)]
pub struct Gateway(Arc<Shared>);

struct Shared {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    randomness: Jitter,
    names: Names,
    node: NodeId,
    live: ArcSwap<Live>,
    signals: Signals,
    batches: Batches,
    measured: Measurements,
    access: Access,
    metrics_page: OnceLock<MetricsPage>,
    secrets: OnceLock<BTreeMap<String, SecretString>>,
    tasks: TaskTracker,
    stopping: CancellationToken,
}

/// Writes the numbers of the moment, in the text format of Prometheus.
pub type MetricsPage = Box<dyn Fn() -> String + Send + Sync>;

/// What the configuration says, with what was made of it. Replaced as a whole when it is read again.
#[derive(Debug)]
pub struct Live {
    /// The configuration.
    pub config: Config,
    /// Every lane by its name.
    pub lanes: BTreeMap<LaneId, Arc<Lane>>,
}

impl Gateway {
    /// A gateway on a store, with nothing running yet.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        randomness: Jitter,
        node: NodeId,
        live: Live,
    ) -> Self {
        Self(Arc::new(Shared {
            store,
            clock,
            randomness,
            names: Names::default(),
            node,
            live: ArcSwap::from_pointee(live),
            signals: Signals::default(),
            batches: Batches::default(),
            measured: Measurements::default(),
            access: Access::default(),
            metrics_page: OnceLock::new(),
            secrets: OnceLock::new(),
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
        }))
    }

    /// What survives.
    pub fn store(&self) -> &dyn Store {
        &*self.0.store
    }

    /// The clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// Randomness.
    pub fn randomness(&self) -> &Jitter {
        &self.0.randomness
    }

    /// The name under which this process holds leases.
    pub fn node(&self) -> &NodeId {
        &self.0.node
    }

    /// What the configuration says at this moment. Not to be kept over a wait.
    pub fn live(&self) -> Arc<Live> {
        self.0.live.load_full()
    }

    /// One lane, if the configuration has it at this moment.
    pub fn lane(&self, id: &LaneId) -> Option<Arc<Lane>> {
        self.0.live.load().lanes.get(id).map(Arc::clone)
    }

    /// Replaces what the configuration says.
    pub fn set_live(&self, live: Live) {
        self.0.live.store(Arc::new(live));
        self.signals().reloaded();
    }

    /// Wakes loops.
    pub fn signals(&self) -> &Signals {
        &self.0.signals
    }

    /// Batches whose rows are coming in.
    pub fn batches(&self) -> &Batches {
        &self.0.batches
    }

    /// Who may come in.
    pub fn access(&self) -> &Access {
        &self.0.access
    }

    /// Says what writes the page of numbers. The first one who says it is heard.
    pub fn set_metrics_page(&self, page: MetricsPage) {
        let _ = self.0.metrics_page.set(page);
    }

    /// The page of numbers, where anybody writes one.
    pub fn metrics_page(&self) -> Option<String> {
        self.0.metrics_page.get().map(|page| page())
    }

    /// Says what the gateway itself signs with, by name. The first who says it is heard.
    pub fn set_secrets(&self, secrets: BTreeMap<String, SecretString>) {
        let _ = self.0.secrets.set(secrets);
    }

    /// What the gateway itself signs with, under a name.
    pub fn secret(&self, name: &str) -> Option<&SecretString> {
        self.0.secrets.get()?.get(name)
    }

    /// What the lanes' calls have shown, as far as routes go by it.
    pub fn measured(&self) -> &Measurements {
        &self.0.measured
    }

    /// What runs in the background; awaited at the end.
    pub fn tasks(&self) -> &TaskTracker {
        &self.0.tasks
    }

    /// Says that no new work is to be begun.
    pub fn stopping(&self) -> &CancellationToken {
        &self.0.stopping
    }

    /// A name for something new, greater than all that were made before (RFC 9562, section 5.7).
    pub fn new_id(&self) -> Uuid {
        let randomness = &self.0.randomness;
        let draw = || randomness.next().to_bits();
        self.0.names.next(self.now(), draw)
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway")
            .field("node", &self.0.node)
            .finish_non_exhaustive()
    }
}
