//! What `tidings sessions` and `tidings messages` take.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use tidings::Timestamp;

use super::{AccountArgs, GatewayArgs};

/// List, read and change the conversations that a provider keeps
///
/// A session is one conversation: with one phone, or with several people.
#[derive(Debug, Args)]
#[command(after_help = "EXAMPLES\n  tidings sessions list --limit 20\n  \
                  tidings sessions show 0f1e2d3c\n  tidings sessions read 0f1e2d3c\n  \
                  tidings sessions rename 0f1e2d3c \"Team\"\n  \
                  tidings sessions participants 0f1e2d3c 200@example.test 201@example.test\n  \
                  tidings sessions delete 0f1e2d3c --yes")]
pub(crate) struct SessionsArgs {
    #[command(subcommand)]
    pub(crate) action: SessionsAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SessionsAction {
    /// List the sessions, as the provider sorts them
    List {
        /// List no more than this [default: all]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        limit: Option<u32>,
        #[command(flatten)]
        account: AccountArgs,
    },
    /// Show one session
    Show {
        /// The session, as `tidings sessions list` prints it, or as `session` in the `ref` of a message
        session: String,
        #[command(flatten)]
        account: AccountArgs,
    },
    /// Give a session a name
    Rename {
        /// The session
        session: String,
        /// The name
        name: String,
        #[command(flatten)]
        account: AccountArgs,
    },
    /// Mark a session as read
    Read {
        /// The session
        session: String,
        #[command(flatten)]
        account: AccountArgs,
    },
    /// Mark a session as unread
    Unread {
        /// The session
        session: String,
        #[command(flatten)]
        account: AccountArgs,
    },
    /// Set who takes part in a session
    Participants {
        /// The session
        session: String,
        /// Everybody who is to take part, oneself included
        #[arg(required = true)]
        participants: Vec<String>,
        #[command(flatten)]
        account: AccountArgs,
    },
    /// Take no part in a session any more
    Leave {
        /// The session
        session: String,
        #[command(flatten)]
        account: AccountArgs,
    },
    /// Delete a session with its messages
    Delete {
        /// The session
        session: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        account: AccountArgs,
    },
}

/// List, show, stop and resend messages of a gateway, or show those of a session at a provider
///
/// With a session instead of a command it shows that conversation at a provider, and fetches the files
/// that came with it.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "EXAMPLES\n  tidings messages list --state failed --limit 20\n  \
                  tidings messages show 0199..\n  tidings messages cancel 0199..\n  \
                  tidings messages resend 0199..\n  tidings messages 0f1e2d3c --limit 20\n  \
                  tidings messages 0f1e2d3c --fetch files --json"
)]
pub(crate) struct MessagesArgs {
    #[command(subcommand)]
    pub(crate) action: Option<MessagesAction>,
    /// The session, as `tidings sessions list` prints it
    #[arg(required = true)]
    pub(crate) session: Option<String>,
    /// Show no more than this [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: Option<u32>,
    /// Write the files that go with the messages into this folder
    #[arg(long, value_name = "FOLDER")]
    pub(crate) fetch: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) account: AccountArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum MessagesAction {
    /// List messages of a gateway, the latest first
    List {
        #[command(flatten)]
        filter: MessageFilterArgs,
        #[command(flatten)]
        gateway: GatewayArgs,
    },
    /// Show a message with its attempts and all that happened to it
    Show {
        /// The message
        id: String,
        #[command(flatten)]
        gateway: GatewayArgs,
    },
    /// Stop messages that have not left
    Cancel {
        /// The messages
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
        #[command(flatten)]
        gateway: GatewayArgs,
    },
    /// Send messages again that have failed, each as a new message
    Resend {
        /// The messages
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
        #[command(flatten)]
        gateway: GatewayArgs,
    },
}

/// Which messages are listed; all conditions hold together.
#[derive(Debug, Args)]
pub(crate) struct MessageFilterArgs {
    /// In this state, such as queued or failed; may be given several times
    #[arg(long = "state", value_name = "STATE", value_delimiter = ',')]
    pub(crate) states: Vec<String>,
    /// To this number
    #[arg(long, value_name = "NUMBER")]
    pub(crate) to: Option<String>,
    /// Of this batch
    #[arg(long, value_name = "BATCH")]
    pub(crate) batch: Option<String>,
    /// With this name of yours
    #[arg(long, value_name = "REFERENCE")]
    pub(crate) reference: Option<String>,
    /// With this tag
    #[arg(long, value_name = "TAG")]
    pub(crate) tag: Option<String>,
    /// Over this lane
    #[arg(long, value_name = "LANE")]
    pub(crate) lane: Option<String>,
    /// Accepted at this time or later, such as 2026-11-22T08:00:00Z
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<Timestamp>,
    /// Accepted before this time
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<Timestamp>,
    /// Show no more than this
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(crate) limit: usize,
}
