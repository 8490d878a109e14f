//! Why a simulator does not start.
//!
//! Made by the builder; scenarios have an error of their own, [`crate::ScenarioError`].

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why a simulator does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// The system's reason.
        source: io::Error,
    },
    /// There is no certificate for TLS.
    #[error("cannot speak TLS")]
    Certificate {
        /// Why not.
        #[from]
        source: tidings::serve::tls::CertificateError,
    },
    /// The credentials or settings that were given are not what the provider's accounts have.
    #[error("the account's settings do not fit the provider")]
    Account {
        /// Which setting, and what is wrong.
        source: tidings::Error,
    },
    /// The customer's server cannot be called.
    #[error("the customer's server cannot be called: {fault}")]
    Callback {
        /// Why not.
        fault: String,
    },
    /// The state file cannot be read or written.
    #[error("cannot use the state file {}", path.display())]
    StateFile {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Another simulator uses the state file.
    #[error("the state file {} is in use by another simulator", path.display())]
    StateInUse {
        /// The file.
        path: PathBuf,
    },
    /// The state file belongs to another provider, or to another version of this program.
    #[error("the state file {} was written for {found}, not for {expected}", path.display())]
    StateOfAnother {
        /// The file.
        path: PathBuf,
        /// What it was written for.
        found: String,
        /// What was to be started.
        expected: String,
    },
    /// A line of the state file, other than a torn last one, cannot be understood.
    #[error("line {line} of the state file {} cannot be understood", path.display())]
    StateCorrupt {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
}
