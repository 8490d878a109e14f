//! Ctrl-C and the termination signal, as something that can be waited for.
//!
//! Made by each command when it has something to end in order: until then either ends the program
//! by itself, from then on neither does.

use std::future::Future;

use anyhow::Context as _;

use crate::output::Ending;

/// The signals that ask the program to end.
#[derive(Debug)]
pub(crate) struct Interrupt {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Interrupt {
    /// Must be called inside the run time.
    #[cfg(unix)]
    pub(crate) fn listen() -> anyhow::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let listen = |kind| signal(kind).context("cannot listen to signals");
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    #[cfg(not(unix))]
    pub(crate) fn listen() -> anyhow::Result<Self> {
        Ok(Self {})
    }

    /// Returns when a signal has come since the last call. May be dropped and called again.
    #[cfg(unix)]
    pub(crate) async fn wait(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    #[cfg(not(unix))]
    pub(crate) async fn wait(&mut self) {
        // Without a way to listen, nothing ever comes.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// The signal that asks a server to read its configuration again.
#[derive(Debug)]
pub(crate) struct Reload {
    #[cfg(unix)]
    hangup: tokio::signal::unix::Signal,
}

impl Reload {
    /// Must be called inside the run time. From then on the signal does not end the program.
    #[cfg(unix)]
    pub(crate) fn listen() -> anyhow::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let hangup = signal(SignalKind::hangup()).context("cannot listen to signals")?;
        Ok(Self { hangup })
    }

    #[cfg(not(unix))]
    pub(crate) fn listen() -> anyhow::Result<Self> {
        Ok(Self {})
    }

    /// Returns when the signal has come since the last call. May be dropped and called again.
    #[cfg(unix)]
    pub(crate) async fn wait(&mut self) {
        if self.hangup.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    }

    #[cfg(not(unix))]
    pub(crate) async fn wait(&mut self) {
        std::future::pending::<()>().await;
    }
}

/// Gives up work that has nothing to end in order, with the documented exit code.
pub(crate) async fn unless_interrupted<T>(
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    let mut interrupt = Interrupt::listen()?;
    tokio::select! {
        result = work => result,
        () = interrupt.wait() => Err(Ending::Interrupted("interrupted".to_owned()).into()),
    }
}
