//! What can be typed after `tidings`: every command, option and example.
//!
//! Read by `main.rs`, which hands each command its own struct; `commands/man.rs` and
//! `commands/completions.rs` print it in other forms. Holds no behaviour beyond reading values. What
//! the commands about a provider's conversations, subscriptions and numbers take, and those that
//! simulate one, is in files of their own.

mod conversations;
mod gateway;
mod numbers;
mod serve;
mod sim;
mod subscriptions;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use tidings::{Priority, Region, SenderId, ZonedTime};
use tidings_core::text::{
    ConcatenationReference, Language, NationalLanguages, Policy, Replacement,
};

use crate::values::{duration, positive, url_path};

pub(crate) use conversations::{
    MessageFilterArgs, MessagesAction, MessagesArgs, SessionsAction, SessionsArgs,
};
pub(crate) use gateway::{
    BenchArgs, CreateKeyArgs, GatewayArgs, KeysAction, KeysArgs, ProvidersAction, ProvidersArgs,
    SigningWord, WebhooksAction, WebhooksArgs,
};
pub(crate) use numbers::{NumberUse, NumbersAction, NumbersArgs};
pub(crate) use serve::{CheckArgs, DemoArgs, ServeArgs};
pub(crate) use sim::SimArgs;
pub(crate) use subscriptions::{ChangeArgs, CreateArgs, SubscriptionsAction, SubscriptionsArgs};

/// Send text messages dependably.
#[derive(Debug, Parser)]
#[command(
    name = "tidings",
    version,
    propagate_version = true,
    max_term_width = 100,
    after_help = "EXAMPLES\n  tidings demo\n  tidings segments \"Bonjour Aïssatou\"\n  \
                  tidings send --to +224622000001 --from Tidings \"Bonjour\"\n  \
                  tidings send --csv people.csv --template \"Bonjour {{first_name}}\" --dry-run\n\n\
                  Exit codes: tidings help exit-codes"
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options that every command takes.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Print data as JSON, one object per line, with stable keys
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Log what happens to stderr; twice for more. `TIDINGS_LOG` sets it exactly
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Segments(SegmentsArgs),
    Send(Box<SendArgs>),
    Status(StatusArgs),
    Batches(BatchesArgs),
    Callbacks(CallbacksArgs),
    Sessions(SessionsArgs),
    Messages(MessagesArgs),
    Subscriptions(SubscriptionsArgs),
    Numbers(NumbersArgs),
    Balance(BalanceArgs),
    Contacts(ContactsArgs),
    Groups(GroupsArgs),
    Serve(ServeArgs),
    Check(CheckArgs),
    Sim(SimArgs),
    Keys(KeysArgs),
    Providers(ProvidersArgs),
    Webhooks(WebhooksArgs),
    Bench(BenchArgs),
    Demo(DemoArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
    ExitCodes(ExitCodesArgs),
}

impl Command {
    /// Whether the command says itself in which form it logs, because its configuration says so.
    pub(crate) fn starts_its_own_log(&self) -> bool {
        matches!(self, Self::Serve(_))
    }
}

/// Which account at which provider is used.
#[derive(Debug, Args)]
#[command(next_help_heading = "Account")]
pub(crate) struct AccountArgs {
    /// The configuration file [default: tidings.toml here, then in the user's configuration folder]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The provider; its settings come from the configuration, or from variables named
    /// `TIDINGS_<PROVIDER>_<SETTING>`
    #[arg(long, value_name = "NAME", value_parser = provider_names())]
    pub(crate) provider: Option<String>,
    /// The account: the `id` of a lane in the configuration
    #[arg(long, value_name = "ID")]
    pub(crate) account: Option<String>,
}

/// Show how texts are encoded and cut into parts
///
/// Nothing is sent. A text of characters that are all in the GSM 7-bit alphabet has 160 units in one
/// part and 153 in each of several; any other text has 70 and 67.
#[derive(Debug, Args)]
#[command(after_help = "EXAMPLES\n  tidings segments \"Bonjour Aïssatou\"\n  \
                  tidings segments --replace accents \"Votre commande a été expédiée\"\n  \
                  tidings segments --file text.txt --json\n  \
                  echo '{\"text\":\"Bonjour\"}' | tidings segments --jsonl")]
pub(crate) struct SegmentsArgs {
    /// The text; `-` or nothing reads it from standard input
    #[arg(conflicts_with = "file")]
    pub(crate) text: Option<String>,
    /// Read the text, or with --jsonl the lines, from a file
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Read lines `{"text":".."}` and print for each `{"encoding","units","segments","segment_units"}`
    #[arg(long, conflicts_with = "text")]
    pub(crate) jsonl: bool,
    #[command(flatten)]
    pub(crate) text_options: TextArgs,
    /// Count with 16-bit references in the headers of parts: 152 units or 66 a part
    #[arg(long)]
    pub(crate) sixteen_bit: bool,
    /// Allow the national tables of these languages, where a route supports them
    #[arg(long, value_name = "LANGUAGE", value_delimiter = ',')]
    pub(crate) national: Vec<NationalTable>,
    /// Keep characters that are seen as one (flags, accents on letters) in one part where that costs
    /// no part
    #[arg(long)]
    pub(crate) keep_graphemes: bool,
}

impl SegmentsArgs {
    pub(crate) fn policy(&self) -> Policy {
        let reference = if self.sixteen_bit {
            ConcatenationReference::SixteenBit
        } else {
            ConcatenationReference::EightBit
        };
        let tables = self
            .national
            .iter()
            .fold(NationalLanguages::NONE, |tables, language| {
                let language = language.language();
                tables.with_single(language).with_locking(language)
            });
        self.text_options
            .policy(u8::MAX)
            .reference(reference)
            .national(tables)
            .keep_graphemes(self.keep_graphemes)
    }
}

/// What may be done with a text.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Text")]
pub(crate) struct TextArgs {
    /// Which characters may be replaced so that the text takes fewer parts: off, typography (nothing
    /// is lost), accents (readable), strict (GSM alphabet or an error)
    #[arg(long, value_name = "LEVEL", default_value = "off")]
    pub(crate) replace: Replacement,
    /// Refuse a text of more parts than this
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..))]
    pub(crate) max_parts: Option<u8>,
}

impl TextArgs {
    /// `provider_limit`: how many parts the provider takes at the most.
    pub(crate) fn policy(self, provider_limit: u8) -> Policy {
        let max_parts = self.max_parts.unwrap_or(u8::MAX).min(provider_limit);
        Policy::default()
            .replacement(self.replace)
            .max_parts(max_parts)
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum NationalTable {
    Turkish,
    Spanish,
    Portuguese,
}

impl NationalTable {
    fn language(self) -> Language {
        match self {
            Self::Turkish => Language::Turkish,
            Self::Spanish => Language::Spanish,
            Self::Portuguese => Language::Portuguese,
        }
    }
}

/// Send one text, or a campaign from a CSV file
///
/// With --csv every row is one message: the text is made of the template, whose `{{column}}` fields
/// are the columns of the file. What was done is kept in a journal beside the file, written to disk
/// before each call: interrupted and repeated, the command sends only what was not sent.
///
/// With --gateway, or the variable `TIDINGS_GATEWAY`, the messages go to a gateway, what is left of a
/// campaign as one batch; repeated, also with a mended file, the command hands over only what the
/// gateway does not have. --rate, --in-flight and --bulk do not work with a gateway.
#[derive(Debug, Args)]
#[command(after_help = "EXAMPLES\n  \
                  tidings send --to +224622000001 --from Tidings \"Bonjour\"\n  \
                  echo \"Bonjour\" | tidings send --to 622000001 --region GN -\n  \
                  tidings send --to +12025550143 --media photo.jpg \"Look\"\n  \
                  tidings send --to +4741000001 --not-before \"2026-12-24T16:00[Europe/Oslo]\" \"God jul\"\n  \
                  tidings send --csv people.csv --template \"Bonjour {{first_name}}\" --dry-run\n  \
                  tidings send --csv people.csv --template \"Bonjour {{first_name}}\" --json\n  \
                  tidings send --csv people.csv --template \"Bonjour {{first_name}}\" --gateway http://127.0.0.1:8080 --api-key env:KEY\n\n\
                  Exit codes: tidings help exit-codes")]
pub(crate) struct SendArgs {
    /// The text of a message to --to; `-` reads it from standard input. Beside --media it may be left
    /// out
    #[arg(
        required_unless_present_any = ["csv", "media"],
        conflicts_with = "csv",
        requires = "to"
    )]
    pub(crate) text: Option<String>,
    /// A recipient; may be given several times, and gets the text once
    #[arg(
        long,
        value_name = "NUMBER",
        required_unless_present = "csv",
        conflicts_with = "csv"
    )]
    pub(crate) to: Vec<String>,
    /// What phones show as the sender: up to 11 letters and digits, a number, or a short code
    #[arg(long, value_name = "SENDER")]
    pub(crate) from: Option<SenderId>,
    /// The country, in two letters, of numbers that are written without + and country code
    #[arg(long, value_name = "COUNTRY")]
    pub(crate) region: Option<Region>,
    /// Send a picture or another file with each message, where the provider can
    #[arg(long, value_name = "FILE")]
    pub(crate) media: Option<PathBuf>,
    /// The MIME type of that file, such as `image/png` [default: found by its content, else by its
    /// name]
    #[arg(long, value_name = "TYPE", requires = "media")]
    pub(crate) media_type: Option<String>,
    /// What leaves first when messages wait
    #[arg(long, value_name = "PRIORITY", default_value = "normal")]
    pub(crate) priority: PriorityWord,
    /// How long the message is worth delivering, such as 90s, 30m, 2h or 1d
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) valid_for: Option<Duration>,
    /// Let no message leave before this time, with its zone or offset, such as
    /// `2026-03-29T09:00[Europe/Oslo]` or `2026-03-29T09:00+02:00`; where the provider can hold
    /// messages back
    #[arg(long, value_name = "TIME")]
    pub(crate) not_before: Option<ZonedTime>,
    /// Let no message leave after this time; what has not left by then is discarded
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<ZonedTime>,
    /// Say what would be sent, with parts, and send nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) text_options: TextArgs,
    #[command(flatten)]
    pub(crate) campaign: CampaignArgs,
    #[command(flatten)]
    pub(crate) account: AccountArgs,
    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,
}

/// Options of a campaign.
#[derive(Debug, Args)]
#[command(next_help_heading = "Campaign")]
pub(crate) struct CampaignArgs {
    /// The CSV file: a line of column names, then one recipient a row; `,`, `;` or tab between fields
    #[arg(long, value_name = "FILE", requires = "template")]
    pub(crate) csv: Option<PathBuf>,
    /// The text, with `{{column}}` for what differs
    #[arg(long, value_name = "TEXT", requires = "csv")]
    pub(crate) template: Option<String>,
    /// The column of the numbers [default: the first of to, phone, number, `phone_number`]
    #[arg(long, value_name = "COLUMN", requires = "csv")]
    pub(crate) to_column: Option<String>,
    /// Send rows with the same number and text more than once
    #[arg(long, requires = "csv")]
    pub(crate) allow_duplicates: bool,
    /// Where to keep what was done [default: FILE.tidings-journal beside the CSV file]
    #[arg(long, value_name = "FILE", requires = "csv")]
    pub(crate) journal: Option<PathBuf>,
    /// Send again what was begun without a known end: a recipient may get the text twice
    #[arg(long, requires = "csv")]
    pub(crate) resend_unknown: bool,
    /// Calls to the provider that may be open at the same time [default: 16]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) in_flight: Option<u16>,
    /// Parts to send per second at the most
    #[arg(long, value_name = "PARTS_PER_SECOND", value_parser = positive)]
    pub(crate) rate: Option<f64>,
    /// Put several rows into one call, as many as the provider takes. Some providers take only rows
    /// of equal text together, and then tell only totals, not how each message fared
    #[arg(long, requires = "csv")]
    pub(crate) bulk: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum PriorityWord {
    Low,
    Normal,
    High,
}

impl PriorityWord {
    pub(crate) fn priority(self) -> Priority {
        match self {
            Self::Low => Priority::Low,
            Self::Normal => Priority::Normal,
            Self::High => Priority::High,
        }
    }
}

/// Show how far messages have come
///
/// An ID is the provider's id of a message, or a reference as `tidings send --json` prints it under
/// `ref`.
#[derive(Debug, Args)]
#[command(after_help = "EXAMPLES\n  tidings status 123\n  \
                  tidings status '{\"message\":\"123\"}' --json\n  \
                  tidings status --journal people.csv.tidings-journal --watch\n  \
                  tidings status --journal people.csv.tidings-journal --reports reports.jsonl")]
pub(crate) struct StatusArgs {
    /// Which messages
    #[arg(
        value_name = "ID",
        required_unless_present = "journal",
        conflicts_with = "journal"
    )]
    pub(crate) ids: Vec<String>,
    /// All messages of a campaign
    #[arg(long, value_name = "FILE")]
    pub(crate) journal: Option<PathBuf>,
    /// What `tidings callbacks --json` wrote: for providers that tell ends only by calling back
    #[arg(long, value_name = "FILE")]
    pub(crate) reports: Option<PathBuf>,
    /// Ask again until all messages have come to an end
    #[arg(long)]
    pub(crate) watch: bool,
    /// With --watch: give up after this time, such as 90s or 2h
    #[arg(long, value_name = "DURATION", value_parser = duration, requires = "watch")]
    pub(crate) timeout: Option<Duration>,
    #[command(flatten)]
    pub(crate) account: AccountArgs,
}

/// List, show, pause and stop batches: of a gateway, or those that wait at a provider
///
/// With --gateway, or the variable `TIDINGS_GATEWAY`, it is about batches of that gateway. Otherwise it is
/// about those that a provider holds back, for a send window or because it takes more at a time than it
/// passes on; a batch is known there only while something of it waits.
#[derive(Debug, Args)]
#[command(
    after_help = "EXAMPLES\n  tidings batches list\n  tidings batches show 5f0c1f0e\n  \
                  tidings batches stop 5f0c1f0e --yes --json\n  \
                  tidings batches list --gateway http://127.0.0.1:8080 --api-key env:KEY\n  \
                  tidings batches pause 0199..\n  tidings batches resend-failed 0199.."
)]
pub(crate) struct BatchesArgs {
    #[command(subcommand)]
    pub(crate) action: BatchesAction,
    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BatchesAction {
    /// List all batches that wait
    List {
        #[command(flatten)]
        account: AccountArgs,
    },
    /// Show how much of one batch waits
    Show {
        /// The batch, as `tidings send` and `tidings batches list` print it
        batch: String,
        #[command(flatten)]
        account: AccountArgs,
    },
    /// Stop for good what has not left of a batch, and say exactly what that was
    Stop {
        /// The batch, as `tidings send` and `tidings batches list` print it
        batch: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        account: AccountArgs,
    },
    /// Let nothing of a gateway's batch leave until it is resumed
    Pause {
        /// The batch
        batch: String,
    },
    /// Let a batch go on
    Resume {
        /// The batch
        batch: String,
    },
    /// Send all messages of a batch again that have failed, each once, in a new batch
    ResendFailed {
        /// The batch
        batch: String,
    },
}

/// Receive what a provider tells by calling its customer's server
///
/// Reports on messages, and texts from phones. A call is answered with 200 when its lines have been
/// written to stdout. It runs until it is interrupted.
#[derive(Debug, Args)]
#[command(
    after_help = "EXAMPLES\n  tidings callbacks --listen 127.0.0.1:8080 --path /reports\n  \
                  tidings callbacks --listen 0.0.0.0:8080 --token env:HOOK_TOKEN --json >> reports.jsonl"
)]
pub(crate) struct CallbacksArgs {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub(crate) listen: SocketAddr,
    /// The path that is called; all others are refused
    #[arg(long, value_name = "PATH", default_value = "/", value_parser = url_path)]
    pub(crate) path: String,
    /// Refuse calls without the query parameter `token=TOKEN`; `env:NAME` and `file:PATH` say where it
    /// lies
    #[arg(long, value_name = "TOKEN")]
    pub(crate) token: Option<String>,
    #[command(flatten)]
    pub(crate) account: AccountArgs,
}

/// Show what is left on the account
#[derive(Debug, Args)]
#[command(after_help = "EXAMPLES\n  tidings balance\n  tidings balance --account guinea --json")]
pub(crate) struct BalanceArgs {
    #[command(flatten)]
    pub(crate) account: AccountArgs,
}

/// List and add contacts that live at the provider
#[derive(Debug, Args)]
#[command(after_help = "EXAMPLES\n  tidings contacts list\n  \
                  tidings contacts add --first-name Aïssatou --last-name Diallo --phone +224622000001")]
pub(crate) struct ContactsArgs {
    #[command(subcommand)]
    pub(crate) action: ContactsAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ContactsAction {
    /// List all contacts
    List {
        /// Contacts to ask for in one call
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
        page_size: u32,
        #[command(flatten)]
        account: AccountArgs,
    },
    /// Add a contact
    Add {
        /// Given name
        #[arg(long, value_name = "NAME")]
        first_name: String,
        /// Family name
        #[arg(long, value_name = "NAME")]
        last_name: String,
        /// Phone number
        #[arg(long, value_name = "NUMBER")]
        phone: String,
        /// The country, in two letters, of a number that is written without + and country code
        #[arg(long, value_name = "COUNTRY")]
        region: Option<Region>,
        #[command(flatten)]
        account: AccountArgs,
    },
}

/// List, make and fill groups that live at the provider, and send to them
#[derive(Debug, Args)]
#[command(
    after_help = "EXAMPLES\n  tidings groups list\n  tidings groups create Clients\n  \
                  tidings groups add --group 1 --contact 7\n  \
                  tidings groups send --group 1 --from Tidings \"Bonjour à tous\""
)]
pub(crate) struct GroupsArgs {
    #[command(subcommand)]
    pub(crate) action: GroupsAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum GroupsAction {
    /// List all groups
    List {
        #[command(flatten)]
        account: AccountArgs,
    },
    /// Make an empty group
    Create {
        /// Its name
        name: String,
        #[command(flatten)]
        account: AccountArgs,
    },
    /// Put a contact into a group
    Add {
        /// The group's id
        #[arg(long, value_name = "ID")]
        group: String,
        /// The contact's id
        #[arg(long, value_name = "ID")]
        contact: String,
        #[command(flatten)]
        account: AccountArgs,
    },
    /// Send one text to every member of a group
    Send {
        /// The group's id
        #[arg(long, value_name = "ID")]
        group: String,
        /// What phones show as the sender
        #[arg(long, value_name = "SENDER")]
        from: Option<SenderId>,
        /// The text; `-` reads it from standard input
        text: String,
        #[command(flatten)]
        text_options: TextArgs,
        #[command(flatten)]
        account: AccountArgs,
    },
}

/// Print a completion script for a shell
#[derive(Debug, Args)]
#[command(
    after_help = "EXAMPLES\n  tidings completions bash > /etc/bash_completion.d/tidings\n  \
                  tidings completions zsh > ~/.zfunc/_tidings"
)]
pub(crate) struct CompletionsArgs {
    /// Which shell
    pub(crate) shell: clap_complete::Shell,
}

/// Print the manual page, or write the pages of all commands
#[derive(Debug, Args)]
#[command(
    after_help = "EXAMPLES\n  tidings man | man -l -\n  tidings man --dir /usr/local/share/man/man1"
)]
pub(crate) struct ManArgs {
    /// Write one page per command into this folder
    #[arg(long, value_name = "FOLDER")]
    pub(crate) dir: Option<PathBuf>,
}

/// Print the exit codes and what they mean
#[derive(Debug, Args)]
#[command(after_help = crate::output::exit_code_help())]
pub(crate) struct ExitCodesArgs;

fn provider_names() -> clap::builder::PossibleValuesParser {
    let ids = tidings::providers::ALL.iter().map(|spec| spec.id);
    clap::builder::PossibleValuesParser::new(ids)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }
}
