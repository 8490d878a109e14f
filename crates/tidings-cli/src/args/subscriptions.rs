//! What `tidings subscriptions` takes.

use clap::{ArgGroup, Args, Subcommand};

use super::AccountArgs;
use crate::values::{Moment, moment};

/// Say which events a provider is to post, and where
///
/// Where the provider lets its customers say so by calls. `tidings callbacks` receives the posts.
#[derive(Debug, Args)]
#[command(after_help = "EXAMPLES\n  tidings subscriptions list\n  \
                  tidings subscriptions create message --url https://hooks.example.test/ns --expires 30d\n  \
                  tidings subscriptions update aabbccdd --expires 30d --reset-errors\n  \
                  tidings subscriptions delete aabbccdd")]
pub(crate) struct SubscriptionsArgs {
    #[command(subcommand)]
    pub(crate) action: SubscriptionsAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SubscriptionsAction {
    /// List all subscriptions
    List {
        #[command(flatten)]
        account: AccountArgs,
    },
    /// Show one subscription
    Show {
        /// The subscription, as `tidings subscriptions list` prints it
        subscription: String,
        #[command(flatten)]
        account: AccountArgs,
    },
    /// Subscribe to events
    Create {
        #[command(flatten)]
        new: Box<CreateArgs>,
        #[command(flatten)]
        account: AccountArgs,
    },
    /// Change a subscription: only what is named becomes different
    Update {
        /// The subscription
        subscription: String,
        #[command(flatten)]
        change: Box<ChangeArgs>,
        #[command(flatten)]
        account: AccountArgs,
    },
    /// End a subscription
    Delete {
        /// The subscription
        subscription: String,
        #[command(flatten)]
        account: AccountArgs,
    },
}

/// A subscription that is to be made.
#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    /// The provider's word for the events, such as message
    pub(crate) events: String,
    /// Where they are posted; `env:NAME` and `file:PATH` say where the address lies
    #[arg(long, value_name = "URL")]
    pub(crate) url: String,
    /// Whose events: a domain, or * [default: the account's own]
    #[arg(long, value_name = "DOMAIN")]
    pub(crate) domain: Option<String>,
    /// Whose events: a user of the domain, or * [default: every user's]
    #[arg(long, value_name = "USER")]
    pub(crate) user: Option<String>,
    /// Whose events: a reseller, or *
    #[arg(long, value_name = "RESELLER")]
    pub(crate) reseller: Option<String>,
    /// With whose rights, in the provider's words
    #[arg(long, value_name = "SCOPE")]
    pub(crate) scope: Option<String>,
    /// When it ends: after a time such as 30d, or at 2027-01-31T00:00:00Z
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    pub(crate) expires: Option<Moment>,
    /// Whether another server of the provider takes over when one fails
    #[arg(long, value_name = "YES_OR_NO", value_parser = yes_or_no)]
    pub(crate) fails_over: Option<bool>,
    /// The server of the provider that is to make the calls
    #[arg(long, value_name = "HOST")]
    pub(crate) preferred_server: Option<String>,
}

/// What is to be different about a subscription.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("change").required(true).multiple(true))]
pub(crate) struct ChangeArgs {
    /// The provider's word for other events
    #[arg(long, value_name = "EVENTS", group = "change")]
    pub(crate) events: Option<String>,
    /// Where they are posted; `env:NAME` and `file:PATH` say where the address lies
    #[arg(long, value_name = "URL", group = "change")]
    pub(crate) url: Option<String>,
    /// When it ends: after a time such as 30d, or at 2027-01-31T00:00:00Z
    #[arg(long, value_name = "WHEN", value_parser = moment, group = "change")]
    pub(crate) expires: Option<Moment>,
    /// Begin to count failed calls anew
    #[arg(long, group = "change")]
    pub(crate) reset_errors: bool,
    /// Begin to count calls anew
    #[arg(long, group = "change")]
    pub(crate) reset_posts: bool,
    /// Whether another server of the provider takes over when one fails
    #[arg(long, value_name = "YES_OR_NO", value_parser = yes_or_no, group = "change")]
    pub(crate) fails_over: Option<bool>,
    /// The server of the provider that is to make the calls
    #[arg(long, value_name = "HOST", group = "change")]
    pub(crate) preferred_server: Option<String>,
}

fn yes_or_no(text: &str) -> Result<bool, &'static str> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err("expected yes or no"),
    }
}
