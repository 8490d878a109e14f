//! Reads the tables of which there is one: what a variable says, else what the file says, else the
//! default.
//!
//! Called by [`Config`](super::Config).

use std::net::IpAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use tidings_store::StoreUrl;

use super::environment::Environment;
use super::file::{ConfigFile, Written, config_error};
use super::keys::{self, SECTIONS};
use super::values::{
    Wrong, between, country, day, duration, flag, hours, number, parsed, positive, sender, share,
    some_duration, url, zone,
};
use super::{
    LimitsConfig, LogForm, MonitoringConfig, ProxyHeader, SendingConfig, ServerConfig, StoreConfig,
    TlsConfig, WebhooksConfig,
};

/// Where values come from.
#[derive(Debug)]
pub(super) struct Sources<'a> {
    pub(super) file: &'a ConfigFile,
    pub(super) environment: &'a Environment,
}

/// One table of them.
struct Section<'a> {
    sources: &'a Sources<'a>,
    name: &'static str,
}

/// What is written for a key, and where.
struct Found {
    values: Vec<String>,
    place: String,
    is_of_file: bool,
}

impl<'a> Sources<'a> {
    /// Variables that look like keys and are none are refused: somebody meant something by them.
    pub(super) fn check_variables(&self) -> tidings::Result<()> {
        let outer = SECTIONS.iter().filter(|section| !section.contains('.'));
        for section in outer {
            let prefix = keys::variable(section, "");
            let is_known = |name: &&str| {
                let mut keys = keys::KEYS.iter();
                !keys.any(|key| key.variable().as_deref() == Some(*name))
            };
            if let Some(name) = self.environment.names_with(&prefix).find(is_known) {
                return Err(config_error(format!(
                    "the variable {name} is no key of [{section}]"
                )));
            }
        }
        Ok(())
    }

    pub(super) fn server(&self) -> tidings::Result<ServerConfig> {
        let server = self.section("server");
        Ok(ServerConfig {
            listen: server.required("listen", address)?,
            tls: self.tls()?,
            public_url: server.optional("public_url", url)?,
            drain: server.required("drain", duration)?,
            notice: server.required("notice", duration)?,
            max_connections: server.required("max_connections", positive)?,
            idle: server.required("idle", some_duration)?,
            trusted_proxies: server.list("trusted_proxies", network)?,
            proxy_header: server.required("proxy_header", |text| match text {
                "x-forwarded-for" => Ok(ProxyHeader::XForwardedFor),
                "forwarded" => Ok(ProxyHeader::Forwarded),
                _ => Err("expected x-forwarded-for or forwarded".to_owned()),
            })?,
        })
    }

    fn tls(&self) -> tidings::Result<Option<TlsConfig>> {
        let tls = self.section("server.tls");
        let is_wanted = self.file.section_line("server.tls").is_some()
            || ["listen", "cert", "key"].iter().any(|key| tls.is_set(key));
        if !is_wanted {
            return Ok(None);
        }
        Ok(Some(TlsConfig {
            listen: tls.required("listen", address)?,
            cert: tls.path("cert")?,
            key: tls.path("key")?,
        }))
    }

    pub(super) fn store(&self) -> tidings::Result<StoreConfig> {
        let store = self.section("store");
        let found = store.found("url")?.expect("the key has a default");
        let url = found.read(|text| text.parse::<StoreUrl>().map_err(|error| error.to_string()))?;
        // A path in the file starts from where the file is, as with `file:`.
        let url = match url {
            StoreUrl::Sqlite(path) if found.is_of_file => {
                StoreUrl::Sqlite(self.file.folder().join(path))
            }
            url => url,
        };
        Ok(StoreConfig { url })
    }

    pub(super) fn sending(&self) -> tidings::Result<SendingConfig> {
        let sending = self.section("sending");
        Ok(SendingConfig {
            policy: sending.required("policy", parsed)?,
            valid_for: sending.required("valid_for", some_duration)?,
            region: sending.optional("region", country)?,
            sender: sending.optional("sender", sender)?,
            max_parts: sending.required("max_parts", |text| between(text, 1, 255))?,
            max_attempts: sending.required("max_attempts", positive)?,
            retry_for: sending.required("retry_for", duration)?,
            grace: sending.required("grace", duration)?,
            settle: sending.required("settle", duration)?,
            quiet_hours: sending.optional("quiet_hours", hours)?,
            blackout_dates: sending.list("blackout_dates", day)?,
            zone: sending.required("zone", zone)?,
        })
    }

    pub(super) fn limits(&self) -> tidings::Result<LimitsConfig> {
        let limits = self.section("limits");
        Ok(LimitsConfig {
            max_body_bytes: limits.required("max_body_bytes", positive)?,
            max_inbound_file_bytes: limits.required("max_inbound_file_bytes", number)?,
            request_timeout: limits.required("request_timeout", some_duration)?,
            max_batch_rows: limits.required("max_batch_rows", positive)?,
            batch_idle: limits.required("batch_idle", some_duration)?,
            requests_per_second: limits.required("requests_per_second", positive)?,
            max_queued: limits.required("max_queued", number)?,
            max_waiting: limits.required("max_waiting", positive)?,
        })
    }

    pub(super) fn webhooks(&self) -> tidings::Result<WebhooksConfig> {
        let webhooks = self.section("webhooks");
        Ok(WebhooksConfig {
            timeout: webhooks.required("timeout", some_duration)?,
            allow_loopback: webhooks.required("allow_loopback", flag)?,
            allowed_networks: webhooks.list("allowed_networks", network)?,
            disable_after: webhooks.required("disable_after", some_duration)?,
        })
    }

    pub(super) fn monitoring(&self) -> tidings::Result<MonitoringConfig> {
        let monitoring = self.section("monitoring");
        Ok(MonitoringConfig {
            log: monitoring.required("log", |text| match text {
                "human" => Ok(LogForm::Human),
                "json" => Ok(LogForm::Json),
                _ => Err("expected human or json".to_owned()),
            })?,
            otlp_endpoint: monitoring.optional("otlp_endpoint", url)?,
            failure_rate: monitoring.optional("failure_rate", share)?,
            delivery_delay: monitoring.optional("delivery_delay", some_duration)?,
        })
    }

    /// Keys that cannot stand beside each other, told on the line of the first of them that the file has, and
    /// no variable in its place.
    pub(super) fn wrong(&self, keys: &[(&'static str, &str)], what: &str) -> tidings::Error {
        let mut lines = keys.iter().filter_map(|(section, key)| {
            let entry = self.file.entry(section, key)?;
            (!self.section(section).is_set(key)).then_some(entry.line)
        });
        match lines.next() {
            Some(line) => self.file.wrong(line, what),
            None => config_error(what),
        }
    }

    fn section(&'a self, name: &'static str) -> Section<'a> {
        Section {
            sources: self,
            name,
        }
    }
}

impl Section<'_> {
    fn optional<T>(
        &self,
        key: &str,
        read: impl Fn(&str) -> Result<T, Wrong>,
    ) -> tidings::Result<Option<T>> {
        self.found(key)?.map(|found| found.read(read)).transpose()
    }

    /// A key with a default.
    fn required<T>(
        &self,
        key: &str,
        read: impl Fn(&str) -> Result<T, Wrong>,
    ) -> tidings::Result<T> {
        let value = self.optional(key, read)?;
        value.ok_or_else(|| config_error(format!("{}.{key} is missing", self.name)))
    }

    fn list<T>(
        &self,
        key: &str,
        read: impl Fn(&str) -> Result<T, Wrong>,
    ) -> tidings::Result<Vec<T>> {
        let Some(found) = self.found(key)? else {
            return Ok(Vec::new());
        };
        let each = found.values.iter().flat_map(|values| values.split(','));
        each.map(str::trim)
            .filter(|value| !value.is_empty())
            .map(|value| read(value).map_err(|wrong| found.wrong(&wrong)))
            .collect()
    }

    fn path(&self, key: &str) -> tidings::Result<PathBuf> {
        let Some(found) = self.found(key)? else {
            let what = format!(
                "{}.{key} is missing: TLS needs a certificate and its key",
                self.name
            );
            let file = self.sources.file;
            return Err(match file.section_line(self.name) {
                Some(line) => file.wrong(line, what),
                None => config_error(what),
            });
        };
        let path = PathBuf::from(found.one()?);
        Ok(if found.is_of_file {
            self.sources.file.folder().join(path)
        } else {
            path
        })
    }

    fn is_set(&self, key: &str) -> bool {
        let variable = keys::variable(self.name, key);
        self.sources.environment.value(&variable).is_some()
    }

    fn found(&self, key: &str) -> tidings::Result<Option<Found>> {
        let known = keys::key_of(self.name, key).expect("only keys of the table are asked for");
        let variable = keys::variable(self.name, key);
        if let Some(value) = self.sources.environment.value(&variable) {
            return Ok(Some(Found {
                values: vec![value.to_owned()],
                place: variable,
                is_of_file: false,
            }));
        }
        let file = self.sources.file;
        if let Some(entry) = file.entry(self.name, key) {
            let place = format!("{}: line {}: {}.{key}", file.name(), entry.line, self.name);
            let values = match &entry.value {
                Written::One(value) => vec![value.clone()],
                Written::Many(values) if known.form.starts_with("list") => values.clone(),
                Written::Many(_) | Written::Table(_) | Written::Mixed => {
                    return Err(config_error(format!("{place}: expected {}", known.form)));
                }
            };
            return Ok(Some(Found {
                values,
                place,
                is_of_file: true,
            }));
        }
        Ok(known.default.map(|value| Found {
            values: vec![value.to_owned()],
            place: format!("{}.{key}", self.name),
            is_of_file: false,
        }))
    }
}

impl Found {
    fn one(&self) -> tidings::Result<&str> {
        match self.values.as_slice() {
            [one] => Ok(one),
            _ => Err(self.wrong("expected one value")),
        }
    }

    fn read<T>(&self, read: impl Fn(&str) -> Result<T, Wrong>) -> tidings::Result<T> {
        read(self.one()?).map_err(|wrong| self.wrong(&wrong))
    }

    fn wrong(&self, what: &str) -> tidings::Error {
        config_error(format!("{}: {what}", self.place))
    }
}

/// A single address is a network too.
fn network(text: &str) -> Result<IpNet, Wrong> {
    let address = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse()
        .or_else(|_| address())
        .map_err(|_| "expected networks such as 10.1.0.0/16".to_owned())
}

fn address(text: &str) -> Result<std::net::SocketAddr, Wrong> {
    text.parse()
        .map_err(|_| "expected an address such as 127.0.0.1:8080".to_owned())
}
