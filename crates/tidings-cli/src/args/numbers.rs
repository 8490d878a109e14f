//! What `tidings numbers` takes.

use clap::{Args, Subcommand};

use super::AccountArgs;

/// List and change the numbers that texts go out from and come in to
///
/// Where the provider lets its customers say whose they are. A number is written as the provider
/// writes it: `tidings numbers list` shows how.
#[derive(Debug, Args)]
#[command(
    after_help = "EXAMPLES\n  tidings numbers list\n  tidings numbers count\n  \
                  tidings numbers add 15550109876 --application user --owner 200\n  \
                  tidings numbers change 15550109876 --application user --owner 201\n  \
                  tidings numbers remove 15550109876 --yes"
)]
pub(crate) struct NumbersArgs {
    #[command(subcommand)]
    pub(crate) action: NumbersAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum NumbersAction {
    /// List all numbers
    List {
        #[command(flatten)]
        account: AccountArgs,
    },
    /// Count the numbers of the account's user
    Count {
        #[command(flatten)]
        account: AccountArgs,
    },
    /// Add a number
    Add {
        #[command(flatten)]
        number: NumberUse,
        #[command(flatten)]
        account: AccountArgs,
    },
    /// Say what a number is used for and by whom
    Change {
        #[command(flatten)]
        number: NumberUse,
        #[command(flatten)]
        account: AccountArgs,
    },
    /// Take a number away
    Remove {
        /// The number
        number: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        account: AccountArgs,
    },
}

/// A number and what it is for.
#[derive(Debug, Args)]
pub(crate) struct NumberUse {
    /// The number
    pub(crate) number: String,
    /// The provider's word for what it is used for, such as user
    #[arg(long, value_name = "WORD")]
    pub(crate) application: String,
    /// To whom its texts go
    #[arg(long, value_name = "OWNER")]
    pub(crate) owner: Option<String>,
    /// Over which carrier they go
    #[arg(long, value_name = "CARRIER")]
    pub(crate) carrier: Option<String>,
}
