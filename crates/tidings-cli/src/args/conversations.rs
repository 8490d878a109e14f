//! What `tidings sessions` and `tidings messages` take.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::AccountArgs;

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

/// Show the messages of a session, and fetch the files that came with them
#[derive(Debug, Args)]
#[command(after_help = "EXAMPLES\n  tidings messages 0f1e2d3c --limit 20\n  \
                  tidings messages 0f1e2d3c --fetch files --json")]
pub(crate) struct MessagesArgs {
    /// The session, as `tidings sessions list` prints it
    pub(crate) session: String,
    /// Show no more than this [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: Option<u32>,
    /// Write the files that go with the messages into this folder
    #[arg(long, value_name = "FOLDER")]
    pub(crate) fetch: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) account: AccountArgs,
}
