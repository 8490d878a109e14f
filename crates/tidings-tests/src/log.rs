//! Everything that a test process logs, kept as text, so that a test can look for what must not be
//! in it.
//!
//! Installed once a process, for all threads: spans and events of every crate at the finest level,
//! and the records of the `log` crate. One thing is left out, as our programs leave it out, because
//! it is known to hold what must not be logged: see [`NUMBER_PLANS`].

use std::fmt::Debug;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tidings::{Error, Result};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::Fault;

/// The library with the numbering plans logs, through the `log` crate and at its finest level, the
/// numbers that it reads. (At its other levels it logs regions and calling codes.)
const NUMBER_PLANS: &str = "rlibphonenumber";

/// The log of this process from the moment of [`CapturedLog::install`] on.
#[derive(Clone, Debug, Default)]
pub struct CapturedLog(Arc<Mutex<Vec<u8>>>);

impl CapturedLog {
    /// Begins to capture; a second call gives the same log.
    ///
    /// # Panics
    /// When the process has another subscriber already.
    pub fn install() -> &'static Self {
        static LOG: OnceLock<CapturedLog> = OnceLock::new();
        LOG.get_or_init(|| {
            let log = Self::default();
            let lines = fmt::layer()
                .with_span_events(FmtSpan::FULL)
                .with_ansi(false)
                .with_writer(log.clone());
            let levels = Targets::new()
                .with_default(LevelFilter::TRACE)
                .with_target(NUMBER_PLANS, LevelFilter::DEBUG);
            tracing_subscriber::registry()
                .with(lines)
                .with(levels)
                .init();
            log
        })
    }

    /// What has been logged so far.
    pub fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Checks that none of these stands in what has been logged so far. With each: what it is.
    ///
    /// # Panics
    /// With the line, when one does.
    #[track_caller]
    pub fn assert_lacks(&self, secrets: &[(&str, &str)]) {
        let text = self.text();
        for (what, secret) in secrets {
            let line = text.lines().find(|line| line.contains(secret));
            assert_eq!(line, None, "{what} is in the log");
        }
    }

    /// Checks that all of these stand in what has been logged so far: that it is the log of the run.
    ///
    /// # Panics
    /// When one does not.
    #[track_caller]
    pub fn assert_holds(&self, expected: &[(&str, &str)]) {
        let text = self.text();
        for (what, wanted) in expected {
            assert!(text.contains(wanted), "{what} is not in the log");
        }
    }

    /// Checks that the simulated carrier has let these faults act.
    ///
    /// # Panics
    /// When one never did.
    #[track_caller]
    pub fn assert_acted(&self, faults: &[Fault]) {
        let text = self.text();
        for fault in faults {
            let name = fault.name();
            let acted = format!("a fault of the scenario acts fault={name}");
            assert!(text.contains(&acted), "{name} never acted");
        }
    }
}

/// Logs how a call ended, as a program would: an error with its whole chain. What `Debug` shows of
/// it is logged too. Gives back the answer, if there is one.
pub fn log_ended<T: Debug>(what: &str, ended: Result<T>) -> Option<T> {
    match ended {
        Ok(answer) => {
            tracing::info!(?answer, "{what}");
            Some(answer)
        }
        Err(error) => {
            let chain = chain(&error);
            tracing::error!(debug = ?error, "{what}: {chain}");
            None
        }
    }
}

fn chain(error: &Error) -> String {
    let mut chain = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        chain.push_str(": ");
        chain.push_str(&error.to_string());
        cause = error.source();
    }
    chain
}

impl Write for CapturedLog {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        bytes.extend_from_slice(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for CapturedLog {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
