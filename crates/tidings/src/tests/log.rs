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
