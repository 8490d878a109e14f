//! A log that a test can read. Used by the tests that look for secrets in what is logged.

use std::io;
use std::sync::{Arc, Mutex};

use tracing::Dispatch;
use tracing::subscriber::{DefaultGuard, NoSubscriber};

/// Everything that this thread logs from now on, at the most talkative level and of all libraries.
pub(crate) struct CapturedLog {
    lines: Lines,
    _capturing: DefaultGuard,
    /// With one subscriber alone, tracing asks the thread that meets a log line first whether
    /// anybody listens, and keeps that answer for all threads; with a second one it asks everybody.
    _second: Dispatch,
}

impl CapturedLog {
    pub(crate) fn start() -> Self {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        let second = Dispatch::new(NoSubscriber::default());
        Self {
            lines,
            _capturing: tracing::subscriber::set_default(subscriber),
            _second: second,
        }
    }

    /// What has been logged so far.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.lines.0.lock().unwrap().clone()).unwrap()
    }

    /// Checks that this is the log of a run, `expected` being in it, and that no secret is.
    #[track_caller]
    pub(crate) fn check(&self, expected: &[&str], secrets: &[&str]) {
        let log = self.text();
        for expected in expected {
            assert!(log.contains(expected), "{expected} is missing in: {log}");
        }
        check_clean(&log, secrets);
    }
}

/// Checks that none of the secrets is in what is shown.
#[track_caller]
pub(crate) fn check_clean(shown: &str, secrets: &[&str]) {
    for secret in secrets {
        let position = shown.find(secret);
        assert_eq!(position, None, "{secret} is in: {shown}");
    }
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
