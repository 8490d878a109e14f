//! The gateway as a process: started, killed, asked to end.
//!
//! Called by `stage.rs`, which says with what it is started. It knows nothing of what the gateway does.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

/// How long a gateway may take until it says where it listens.
const LONGEST_START: Duration = Duration::from_mins(1);

/// How long it may take to end when it is asked to.
const LONGEST_END: Duration = Duration::from_mins(1);

/// A gateway that has said where it listens.
pub(crate) struct GatewayProcess {
    child: Child,
    /// Kept open: what it prints has somewhere to go.
    _stdout: BufReader<ChildStdout>,
}

impl GatewayProcess {
    /// Starts it and waits until it takes requests. `None` where it ended by itself instead; its log says
    /// why.
    ///
    /// # Errors
    /// Where it cannot be started at all, or neither listens nor ends.
    pub(crate) async fn start(mut command: Command, log: Stdio) -> Result<Option<Self>, String> {
        let spawned = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn();
        let mut child = spawned.map_err(|error| format!("no gateway can be started: {error}"))?;
        let stdout = child.stdout.take().expect("it was asked for");
        let reading = tokio::task::spawn_blocking(move || {
            let mut stdout = BufReader::new(stdout);
            let mut line = String::new();
            let read = stdout.read_line(&mut line);
            (stdout, read.is_ok_and(|length| length > 0))
        });
        match tokio::time::timeout(LONGEST_START, reading).await {
            Ok(Ok((stdout, true))) => Ok(Some(Self {
                child,
                _stdout: stdout,
            })),
            Ok(_) => {
                child.wait().ok();
                Ok(None)
            }
            Err(_) => {
                child.kill().ok();
                child.wait().ok();
                let limit = LONGEST_START.as_secs();
                Err(format!("a gateway did not get ready within {limit} s"))
            }
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it as a crash does. Whether it was still there to be killed.
    pub(crate) fn kill(mut self) -> bool {
        let was_there = matches!(self.child.try_wait(), Ok(None));
        self.child.kill().ok();
        self.child.wait().ok();
        was_there
    }

    /// Asks it to end, and waits for that. Whether it did.
    pub(crate) async fn end(mut self) -> bool {
        let asked = Command::new("kill")
            .arg(self.child.id().to_string())
            .status();
        if asked.is_ok_and(|status| status.success()) {
            let pause = Duration::from_millis(20);
            let mut left = LONGEST_END;
            while !left.is_zero() {
                if matches!(self.child.try_wait(), Ok(Some(_))) {
                    return true;
                }
                tokio::time::sleep(pause).await;
                left = left.saturating_sub(pause);
            }
        }
        self.kill();
        false
    }
}

impl Drop for GatewayProcess {
    fn drop(&mut self) {
        // It may have ended; then there is nothing to end.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
