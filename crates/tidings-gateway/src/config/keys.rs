//! Every key of the configuration, with its form, its default and what it means.
//!
//! Read by `sections.rs` and `lanes.rs`, so that a key which is not here is refused and a default that
//! is written here is the one that holds; and by the test that compares `docs/configuration.md`.

/// One key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its table: `server`, `server.tls`, .. or `lanes` and `routes`, which there may be several of.
    pub section: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What is written there.
    pub form: &'static str,
    /// What holds where it is left out; `None` is nothing.
    pub default: Option<&'static str>,
    /// What it means.
    pub help: &'static str,
}

impl Key {
    /// The variable that takes the place of what the file says; `None` for tables of which there may
    /// be several.
    pub fn variable(&self) -> Option<String> {
        let is_one = !matches!(self.section, LANES | ROUTES);
        is_one.then(|| variable(self.section, self.name))
    }
}

pub(super) const LANES: &str = "lanes";
pub(super) const ROUTES: &str = "routes";

/// `TIDINGS_SERVER_TLS_CERT`
pub(super) fn variable(section: &str, name: &str) -> String {
    format!("TIDINGS_{section}_{name}")
        .replace('.', "_")
        .to_ascii_uppercase()
}

/// The tables that there may be one of, in the order of the documentation.
pub const SECTIONS: &[&str] = &[
    "server",
    "server.tls",
    "store",
    "sending",
    "limits",
    "webhooks",
    "monitoring",
];

const fn key(
    section: &'static str,
    name: &'static str,
    form: &'static str,
    default: Option<&'static str>,
    help: &'static str,
) -> Key {
    Key {
        section,
        name,
        form,
        default,
        help,
    }
}

/// Every key, by table.
#[rustfmt::skip]
pub const KEYS: &[Key] = &[
    key("server", "listen", "address", Some("127.0.0.1:8080"), "where it listens, without TLS; port 0 takes a free one"),
    key("server", "public_url", "URL", None, "how customers and providers reach it: the beginning of callback addresses"),
    key("server", "drain", "duration", Some("30s"), "the longest time that open requests and calls to providers are given when it stops"),
    key("server", "notice", "duration", Some("0s"), "before that: how long it goes on taking requests while `/readyz` says no, so that a load balancer notices"),
    key("server", "max_connections", "number", Some("8192"), "connections at the same time, on each listener; further ones wait"),
    key("server", "idle", "duration", Some("75s"), "a connection without a call for so long is closed"),
    key("server", "trusted_proxies", "list of networks", Some(""), "proxies whose word on where a request comes from is believed, such as `10.0.0.0/8`; left out, it comes from where the connection does"),
    key("server", "proxy_header", "word", Some("x-forwarded-for"), "the header in which trusted proxies say it: `x-forwarded-for` or `forwarded`"),
    key("server.tls", "listen", "address", Some("127.0.0.1:8443"), "where it listens with TLS"),
    key("server.tls", "cert", "path", None, "the certificate and those that vouch for it, PEM; read again when the file changes"),
    key("server.tls", "key", "path", None, "the certificate's key, PEM; read again when the file changes"),
    key("store", "url", "URL", Some("sqlite://tidings.db"), "what survives: `sqlite://PATH`, or `memory:` for trying out"),
    key("sending", "policy", "word", Some("reconcile"), "after a lost answer: `reconcile`, `at_most_once` or `at_least_once`"),
    key("sending", "valid_for", "duration", Some("1d"), "how long a message is worth sending, from the moment it may leave"),
    key("sending", "region", "country", None, "the country of numbers that are written without one, such as `NO`"),
    key("sending", "sender", "sender", None, "the sender of messages that name none"),
    key("sending", "max_parts", "number", Some("10"), "the most parts of a text, 1 to 255"),
    key("sending", "max_attempts", "number", Some("12"), "attempts that fail with proof before a message has failed"),
    key("sending", "retry_for", "duration", Some("4h"), "from the first attempt on, the time after which none is made any more"),
    key("sending", "grace", "duration", Some("10m"), "after a lost answer: how long the provider is asked and reports are waited for before the policy decides"),
    key("sending", "settle", "duration", Some("1m"), "how long after an attempt a provider's word that it was not taken is believed"),
    key("sending", "quiet_hours", "hours", None, "no message leaves in these hours of the recipient's zone, such as `21:00-08:00`"),
    key("sending", "blackout_dates", "list of days", Some(""), "no message leaves on these days of the recipient's zone"),
    key("sending", "zone", "time zone", Some("UTC"), "the recipient's zone, where nothing else says it"),
    key("limits", "max_body_bytes", "bytes", Some("1048576"), "the longest body of a request; batches that are streamed may be longer, and what providers tell may have 8 MiB in any case"),
    key("limits", "max_inbound_file_bytes", "bytes", Some("1048576"), "the largest file of a text from a phone that is kept; 0 keeps none"),
    key("limits", "request_timeout", "duration", Some("30s"), "the longest time of a request, but for streams"),
    key("limits", "max_batch_rows", "number", Some("1000000"), "messages in one batch"),
    key("limits", "batch_idle", "duration", Some("1d"), "a batch that is open and has had no new row for so long is closed"),
    key("limits", "requests_per_second", "number", Some("100000"), "requests a second with one key"),
    key("limits", "max_queued", "number", Some("5000000"), "messages that wait for a lane before no more are taken"),
    key("limits", "max_waiting", "number", Some("10000"), "requests that wait for a commit before no more are taken"),
    key("webhooks", "timeout", "duration", Some("15s"), "the longest time of a call"),
    key("webhooks", "allow_loopback", "true or false", Some("false"), "whether this machine's own addresses may be called: for trying out"),
    key("webhooks", "allowed_networks", "list of networks", Some(""), "networks that may be called although they are private, such as `10.1.0.0/16`"),
    key("webhooks", "disable_after", "duration", Some("5d"), "a webhook that fails for so long without a success is switched off"),
    key("monitoring", "log", "word", Some("human"), "the form of log lines: `human` or `json`; `TIDINGS_LOG` says which lines"),
    key("monitoring", "otlp_endpoint", "URL", None, "where traces go, by OTLP over HTTP, such as `http://127.0.0.1:4318`"),
    key("monitoring", "failure_rate", "share", None, "a lane whose share of failures is above this, 0 to 1, raises an event"),
    key("monitoring", "delivery_delay", "duration", None, "a lane whose messages take longer than this to be delivered, or of which nothing is heard for so long, raises an event"),
    key(LANES, "id", "text", None, "your name for the account; required"),
    key(LANES, "provider", "word", None, "one of the providers; required"),
    key(LANES, "rate", "number", None, "parts a second at the most: a number above 0, such as `20` or `0.5`"),
    key(LANES, "daily_cap", "number", None, "parts a day at the most"),
    key(LANES, "in_flight", "number", Some("16"), "calls that may be open at the same time, 1 to 1024"),
    key(LANES, "bulk", "number", None, "messages in one call; left out: as many as the provider takes"),
    key(LANES, "timeout", "duration", Some("30s"), "the longest time of a call"),
    key(LANES, "from", "sender", None, "the sender of messages that name none"),
    key(LANES, "region", "country", None, "for `tidings send`: the country of numbers that are written without one"),
    key(LANES, "low_balance", "number", None, "below so much a balance is low, and an event is raised"),
    key(LANES, "inbound_account", "text", None, "the customer that texts from phones over this lane belong to"),
    key(LANES, "callback_token", "secret", None, "what the provider's callbacks have in their path: 16 to 128 letters, digits, `-` and `_`"),
    key(ROUTES, "name", "text", None, "what the rule is called in explanations"),
    key(ROUTES, "prefix", "text or list", None, "numbers that begin so, such as `+224`"),
    key(ROUTES, "calling_code", "number or list", None, "numbers with this country calling code"),
    key(ROUTES, "region", "country or list", None, "numbers of this country"),
    key(ROUTES, "sender", "sender or list", None, "messages from this sender"),
    key(ROUTES, "tag", "word or list", None, "messages with this tag"),
    key(ROUTES, "kind", "word or list", None, "`text`, or `media`: messages with a file"),
    key(ROUTES, "priority", "word or list", None, "messages of this priority: `high`, `normal`, `low`"),
    key(ROUTES, "lanes", "list", None, "who carries them: names, or tables of `name`, `weight`, `cost`, `preference`, `sender`; required"),
    key(ROUTES, "order", "word", Some("failover"), "in which order the lanes are tried: `failover`, `weighted`, `adaptive`"),
    key(ROUTES, "sender_for", "table", None, "the sender by country, for messages that name none: `{ NO = \"Tidings\", \"+45\" = \"1960\" }`"),
    key(ROUTES, "default_sender", "sender", None, "the sender of all other messages that name none"),
    key(ROUTES, "adaptive", "table", None, "how far and how fast weights move under `adaptive`"),
    key(ROUTES, "footer", "text", None, "what is added to the texts, such as how to opt out: on a line of its own unless it begins with a blank; it counts in the parts"),
];

/// The key of this name in a table.
pub(super) fn key_of(section: &str, name: &str) -> Option<&'static Key> {
    KEYS.iter()
        .find(|key| key.section == section && key.name == name)
}

/// The names of a table's keys.
pub(super) fn names_of(section: &str) -> impl Iterator<Item = &'static str> {
    KEYS.iter()
        .filter(move |key| key.section == section)
        .map(|key| key.name)
}
