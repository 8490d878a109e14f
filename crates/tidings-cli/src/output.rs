//! How commands speak: data on stdout, everything else on stderr, and an exit code that says what
//! kind of thing went wrong.
//!
//! Made by `main.rs` and handed to every command. The one place of the command that writes to the
//! standard streams; it knows no command.

use std::fmt::{self, Write as _};
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Arc;

use comfy_table::{CellAlignment, ContentArrangement, Table, TableStyle};
use serde::Serialize;
use tidings::{Acceptance, ErrorKind};

use crate::campaign::CampaignError;
use crate::config::{Environment, allows_colours};
use crate::gateway;

/// Where a command's data and remarks go.
#[derive(Debug)]
pub(crate) struct Output {
    json: bool,
    stdout: io::Stdout,
    stderr: io::Stderr,
    stdout_is_terminal: bool,
    stderr_is_terminal: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self {
            json,
            stdout: io::stdout(),
            stderr: io::stderr(),
            stdout_is_terminal: io::stdout().is_terminal(),
            stderr_is_terminal: io::stderr().is_terminal(),
        }
    }

    /// Whether data is printed as JSON lines.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Whether a person sees progress as it happens.
    pub(crate) fn shows_progress_bars(&self) -> bool {
        self.stderr_is_terminal && !(self.json && self.stdout_is_terminal)
    }

    /// How many characters fit into a line of the terminal that progress is shown on.
    pub(crate) fn progress_width(&self) -> Option<u16> {
        let terminal = self.stderr_is_terminal.then(console::Term::stderr)?;
        let (_, width) = terminal.size_checked()?;
        Some(width)
    }

    /// Whether stderr may be coloured: on a terminal that can, unless `NO_COLOR` is set.
    pub(crate) fn colours_stderr(&self, environment: &Environment) -> bool {
        self.stderr_is_terminal && allows_colours(environment)
    }

    /// One line of data.
    pub(crate) fn line(&self, line: impl fmt::Display) -> anyhow::Result<()> {
        written(writeln!(self.stdout.lock(), "{line}"))
    }

    /// One JSON object on a line of its own.
    pub(crate) fn json_line(&self, value: &impl Serialize) -> anyhow::Result<()> {
        let mut line = serde_json::to_vec(value)?;
        line.push(b'\n');
        written(self.stdout.lock().write_all(&line))
    }

    /// Whole lines of data, with their line ends. When it returns, they have left the program.
    pub(crate) fn whole(&self, lines: &[u8]) -> anyhow::Result<()> {
        let mut stdout = self.stdout.lock();
        written(stdout.write_all(lines).and_then(|()| stdout.flush()))
    }

    /// A table of data: with borders and as wide as the window on a terminal, in plain columns
    /// elsewhere.
    pub(crate) fn table(&self, columns: &[Column], rows: Vec<Vec<String>>) -> anyhow::Result<()> {
        if !self.stdout_is_terminal {
            let table = render_table(columns, rows, comfy_table::presets::NOTHING);
            return self.line(table.trim_fmt());
        }
        let mut table = render_table(columns, rows, comfy_table::presets::UTF8_FULL_CONDENSED);
        if let Some((_, width)) = console::Term::stdout().size_checked() {
            table
                .set_content_arrangement(ContentArrangement::Dynamic)
                .set_width(width);
        }
        self.line(table.trim_fmt())
    }

    /// A remark for the person at the shell. Nobody who closed stderr wants to hear about it.
    pub(crate) fn remark(&self, remark: impl fmt::Display) {
        writeln!(self.stderr.lock(), "{remark}").ok();
    }

    /// A question for the person at the shell; what is typed stands behind it. Who cannot see it must
    /// not be taken to have answered, so here a closed stderr is an error.
    pub(crate) fn prompt(&self, question: impl fmt::Display) -> anyhow::Result<()> {
        let mut stderr = self.stderr.lock();
        write!(stderr, "{question}")?;
        Ok(stderr.flush()?)
    }

    /// Something that works and should be changed all the same.
    pub(crate) fn warn(&self, warning: impl fmt::Display) {
        self.remark(format_args!("warning: {warning}"));
    }
}

/// `1 message`, `2 messages`.
pub(crate) fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// What others wrote, without anything that would move a terminal's cursor.
pub(crate) fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Column {
    Text(&'static str),
    /// Numbers stand at the right.
    Number(&'static str),
}

fn render_table(columns: &[Column], rows: Vec<Vec<String>>, style: TableStyle) -> Table {
    let mut table = Table::new();
    table.load_style(style);
    table.set_header(columns.iter().map(|column| match column {
        Column::Text(title) | Column::Number(title) => *title,
    }));
    table.add_rows(rows);
    for (index, column) in columns.iter().enumerate() {
        if let (Column::Number(_), Some(column)) = (column, table.column_mut(index)) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// Whoever read our stdout has gone: nothing is wrong, and there is nobody left to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OutputClosed;

impl fmt::Display for OutputClosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the reader of the output has gone")
    }
}

impl std::error::Error for OutputClosed {}

pub(crate) fn written(result: io::Result<()>) -> anyhow::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(OutputClosed.into()),
        other => Ok(other?),
    }
}

/// How a command ended, apart from success, where it is not the error of a single call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Something could not be used, and the rest was done.
    Partly(String),
    /// Nobody can know whether some message was sent.
    OutcomeUnknown(String),
    /// A file or a value that the command was given cannot be used.
    BadInput(String),
    /// The person at the shell stopped it.
    Interrupted(String),
}

impl Ending {
    fn exit_code(&self) -> u8 {
        match self {
            Self::Partly(_) => 3,
            Self::OutcomeUnknown(_) => 4,
            Self::BadInput(_) => 5,
            Self::Interrupted(_) => 130,
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Partly(what)
            | Self::OutcomeUnknown(what)
            | Self::BadInput(what)
            | Self::Interrupted(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Ending {}

/// A file or value that the command was given cannot be used.
pub(crate) fn bad_input(what: impl Into<String>) -> anyhow::Error {
    Ending::BadInput(what.into()).into()
}

/// Codes that belong to no kind of error, for the table.
const OTHER_CODES: [(u8, &str, &str); 8] = [
    (0, "success", "everything was done"),
    (1, "failure", "none of the others, such as a full disk"),
    (2, "usage", "the command line cannot be understood"),
    (
        3,
        "partly",
        "some rows, lines or messages could not be used; the rest was done",
    ),
    (
        4,
        "outcome_unknown",
        "nobody can know whether some message was sent",
    ),
    (
        5,
        "bad_input",
        "a file or value that was given cannot be used",
    ),
    (
        130,
        "interrupted",
        "stopped by Ctrl-C or a termination signal",
    ),
    (141, "output_closed", "whoever read the output has gone"),
];

/// The exit code of a kind of error. 1 for kinds that are younger than this program.
pub(crate) fn exit_code_of(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::InvalidMessage => 10,
        ErrorKind::InvalidRecipient => 11,
        ErrorKind::InvalidSender => 12,
        ErrorKind::Unauthorized => 13,
        ErrorKind::Forbidden => 14,
        ErrorKind::NotFound => 15,
        ErrorKind::Rejected => 16,
        ErrorKind::InsufficientCredit => 17,
        ErrorKind::RateLimited => 18,
        ErrorKind::Unavailable => 19,
        ErrorKind::Timeout => 20,
        ErrorKind::Unsupported => 21,
        ErrorKind::Protocol => 22,
        ErrorKind::Config => 23,
        _ => 1,
    }
}

fn meaning_of(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidMessage => "the message cannot be sent in this form",
        ErrorKind::InvalidRecipient => "the recipient is no number that the provider serves",
        ErrorKind::InvalidSender => "the sender is not allowed",
        ErrorKind::Unauthorized => "wrong or expired credentials",
        ErrorKind::Forbidden => "the account may not do this",
        ErrorKind::NotFound => "what was asked about does not exist",
        ErrorKind::Rejected => "the provider refused for a reason of its own",
        ErrorKind::InsufficientCredit => "nothing is left on the account",
        ErrorKind::RateLimited => "too many calls",
        ErrorKind::Unavailable => "the provider cannot be reached or does not serve at present",
        ErrorKind::Timeout => "no answer in time",
        ErrorKind::Unsupported => "the provider has no such function",
        ErrorKind::Protocol => "the provider's answer is not what its API promises",
        ErrorKind::Config => "a setting is missing or wrong",
        _ => "see the message",
    }
}

/// What a person can do about an error of a provider or of a gateway, where that does not follow from its
/// sentence.
pub(crate) fn advice(error: &anyhow::Error) -> Option<&'static str> {
    let error = error.chain().find_map(provider_error)?;
    if error.provider() == Some(gateway::NAME) {
        advice_on_gateway(error)
    } else {
        advice_on_provider(error)
    }
}

fn advice_on_gateway(error: &tidings::Error) -> Option<&'static str> {
    if error.acceptance() == Acceptance::Unknown {
        return Some(
            "look with `tidings messages list` at what the gateway has before it is sent again",
        );
    }
    match error.kind() {
        ErrorKind::Unauthorized => Some(
            "check the key of the gateway's API in --api-key or TIDINGS_API_KEY: it is wrong, \
             expired or revoked. Beside the gateway `tidings keys create --config FILE --account \
             NAME --api tidings` makes another",
        ),
        ErrorKind::Forbidden => Some(
            "use a key that has the scope for it (send, read, manage or admin) and may be used \
             from this address; `tidings keys list` shows what keys may do",
        ),
        ErrorKind::InsufficientCredit => {
            Some("the account's quota is used up: whoever runs the gateway can raise it")
        }
        ErrorKind::RateLimited => Some("wait a little, or make fewer calls at a time"),
        ErrorKind::Unavailable if mentions(error, AUTHORITY_SHOWN) => Some(
            "the gateway shows a certificate that is marked as an authority's own (CA:TRUE), as `openssl \
             req -x509` makes it where nothing else is said: make one for a server, with `-addext \
             basicConstraints=critical,CA:FALSE`",
        ),
        ErrorKind::Unavailable if mentions(error, CERTIFICATE) => Some(
            "if it is the gateway's and no public authority has signed it, name a file that says \
             whom to trust with --gateway-ca-file",
        ),
        // It answered, so that its address is right.
        ErrorKind::Unavailable if error.provider_code().is_some() => {
            Some("the gateway takes no more at present: run the same command again in a while")
        }
        ErrorKind::Unavailable | ErrorKind::Timeout => Some(
            "check the address in --gateway or TIDINGS_GATEWAY and whether the gateway runs, or \
             try again later",
        ),
        _ => None,
    }
}

fn advice_on_provider(error: &tidings::Error) -> Option<&'static str> {
    if error.acceptance() == Acceptance::Unknown {
        return Some("find out at the provider or at the phone before it is sent again");
    }
    match error.kind() {
        ErrorKind::Unauthorized => {
            Some("check the account's credentials in tidings.toml or in the TIDINGS_* variables")
        }
        ErrorKind::InsufficientCredit => {
            Some("top up the account; `tidings balance` tells what is left")
        }
        ErrorKind::RateLimited => Some("wait a little, or lower --rate and --in-flight"),
        ErrorKind::Unavailable if mentions(error, CERTIFICATE) => Some(
            "if it is the provider's and no public authority has signed it, name a file that \
             says whom to trust in the account's ca_file",
        ),
        ErrorKind::Unavailable | ErrorKind::Timeout => {
            Some("check the network and the account's base_url, or try again later")
        }
        _ => None,
    }
}

/// What the TLS library says where it failed for the certificate that was shown.
const CERTIFICATE: &str = "invalid peer certificate";
/// What it says where that is an authority's own.
const AUTHORITY_SHOWN: &str = "CaUsedAsEndEntity";

/// Whether one of its causes has these words.
fn mentions(error: &tidings::Error, words: &str) -> bool {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if error.to_string().contains(words) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Every exit code with its word and meaning, in order.
pub(crate) fn exit_codes() -> Vec<(u8, &'static str, &'static str)> {
    let kinds = ErrorKind::ALL
        .into_iter()
        .map(|kind| (exit_code_of(kind), kind.as_str(), meaning_of(kind)));
    let mut codes: Vec<_> = OTHER_CODES.into_iter().chain(kinds).collect();
    codes.sort_unstable();
    codes
}

/// The table of `tidings help exit-codes`.
pub(crate) fn exit_code_help() -> String {
    let mut help = String::from("EXIT CODES");
    for (code, word, meaning) in exit_codes() {
        write!(help, "\n  {code:>3}  {word:<20} {meaning}").expect("writing to a string works");
    }
    help
}

/// The exit code of a command that failed.
pub(crate) fn exit_code(error: &anyhow::Error) -> u8 {
    for cause in error.chain() {
        if cause.is::<OutputClosed>() {
            return 141;
        }
        if let Some(error) = cause.downcast_ref::<CampaignError>() {
            return match error {
                CampaignError::JournalNotWritten { .. } => 1,
                _ => 5,
            };
        }
        if let Some(ending) = cause.downcast_ref::<Ending>() {
            return ending.exit_code();
        }
        if let Some(error) = provider_error(cause) {
            // What to do about an unknown outcome does not depend on how it came about.
            return match error.acceptance() {
                Acceptance::Unknown => 4,
                _ => exit_code_of(error.kind()),
            };
        }
    }
    1
}

/// Messages that travelled in one call share an error.
fn provider_error<'e>(cause: &'e (dyn std::error::Error + 'static)) -> Option<&'e tidings::Error> {
    let shared = || {
        cause
            .downcast_ref::<Arc<tidings::Error>>()
            .map(AsRef::as_ref)
    };
    cause.downcast_ref::<tidings::Error>().or_else(shared)
}

/// An error and its causes in one line, with the provider's own words: for the person who made the
/// call, never for a log.
pub(crate) fn explain(error: &anyhow::Error) -> String {
    let mut told = String::new();
    for cause in error.chain() {
        let sentence = cause.to_string();
        // Some libraries repeat their cause in their own sentence.
        if !told.contains(&sentence) {
            let separator = if told.is_empty() { "" } else { ": " };
            write!(told, "{separator}{sentence}").expect("writing to a string works");
        }
        if let Some(error) = provider_error(cause) {
            if let Some(text) = error.provider_text() {
                write!(told, " (provider: {text})").expect("writing to a string works");
            }
            if let Some(id) = error.http().and_then(|http| http.request_id.as_deref()) {
                write!(told, " (request id {id})").expect("writing to a string works");
            }
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_kind_of_error_has_an_exit_code_of_its_own() {
        let codes: BTreeSet<u8> = exit_codes().into_iter().map(|(code, ..)| code).collect();
        assert_eq!(codes.len(), ErrorKind::ALL.len() + OTHER_CODES.len());
        assert!(
            ErrorKind::ALL
                .into_iter()
                .all(|kind| exit_code_of(kind) >= 10)
        );
    }

    #[test]
    fn the_exit_code_is_found_under_context() {
        let error = tidings::Error::not_sent(ErrorKind::Unauthorized, "wrong key");
        let error = anyhow::Error::from(error).context("cannot ask for the balance");
        assert_eq!(exit_code(&error), 13);
        assert_eq!(explain(&error), "cannot ask for the balance: wrong key");
        let unknown = tidings::Error::new(ErrorKind::Timeout, Acceptance::Unknown, "late");
        assert_eq!(exit_code(&unknown.into()), 4);
        assert_eq!(exit_code(&anyhow::anyhow!("disk full")), 1);
        assert_eq!(exit_code(&OutputClosed.into()), 141);
    }

    #[track_caller]
    fn check_advice(kind: ErrorKind, acceptance: Acceptance, word: Option<&str>) {
        let error = Arc::new(tidings::Error::new(kind, acceptance, "failed"));
        let advice = advice(&anyhow::Error::from(error).context("the account is in trouble"));
        match (advice, word) {
            (Some(advice), Some(word)) => assert!(advice.contains(word), "{advice}"),
            (advice, word) => assert_eq!(advice, word),
        }
    }

    #[test]
    fn errors_of_a_provider_come_with_advice() {
        use Acceptance::{NotSent, Refused, Unknown};
        check_advice(ErrorKind::Unauthorized, NotSent, Some("credentials"));
        check_advice(ErrorKind::InsufficientCredit, Refused, Some("top up"));
        check_advice(ErrorKind::RateLimited, NotSent, Some("--rate"));
        check_advice(ErrorKind::Unavailable, NotSent, Some("network"));
        check_advice(ErrorKind::Timeout, Unknown, Some("before it is sent again"));
        check_advice(ErrorKind::Rejected, Refused, None);
        assert_eq!(advice(&anyhow::anyhow!("disk full")), None);
        let refused = io::Error::other("invalid peer certificate: UnknownIssuer");
        let refused = tidings::Error::not_sent(ErrorKind::Unavailable, "cannot be reached")
            .with_source(refused);
        let told = advice(&refused.into()).unwrap();
        assert!(told.contains("ca_file"), "{told}");
    }

    #[test]
    fn errors_of_a_gateway_come_with_advice_of_their_own() {
        use Acceptance::{NotSent, Refused, Unknown};
        for (kind, acceptance, word) in [
            (ErrorKind::Unauthorized, Refused, Some("TIDINGS_API_KEY")),
            (ErrorKind::Forbidden, Refused, Some("scope")),
            (ErrorKind::InsufficientCredit, Refused, Some("quota")),
            (ErrorKind::RateLimited, Refused, Some("fewer calls")),
            (ErrorKind::Unavailable, NotSent, Some("TIDINGS_GATEWAY")),
            (ErrorKind::Timeout, Unknown, Some("messages list")),
            (ErrorKind::Rejected, Refused, None),
        ] {
            let error = tidings::Error::new(kind, acceptance, "failed");
            let told = advice(&error.during(gateway::NAME, "send").into());
            match (told, word) {
                (Some(told), Some(word)) => assert!(told.contains(word), "{told}"),
                (told, word) => assert_eq!(told, word, "{kind}"),
            }
        }
        let full = tidings::Error::new(ErrorKind::Unavailable, Refused, "20 messages wait already")
            .during(gateway::NAME, "send")
            .with_provider_code("queue_full");
        let told = advice(&full.into()).unwrap();
        assert!(told.contains("takes no more at present"), "{told}");
        let refused = io::Error::other("invalid peer certificate: UnknownIssuer");
        let refused = tidings::Error::not_sent(ErrorKind::Unavailable, "cannot be reached")
            .during(gateway::NAME, "send")
            .with_source(refused);
        let told = advice(&refused.into()).unwrap();
        assert!(told.contains("--gateway-ca-file"), "{told}");
        let shown = "invalid peer certificate: Other(OtherError(CaUsedAsEndEntity))";
        let refused = tidings::Error::not_sent(ErrorKind::Unavailable, "cannot be reached")
            .during(gateway::NAME, "send")
            .with_source(io::Error::other(shown));
        let told = advice(&refused.into()).unwrap();
        assert!(
            told.contains("basicConstraints=critical,CA:FALSE"),
            "{told}"
        );
    }

    #[test]
    fn the_providers_words_are_shown() {
        let error =
            tidings::Error::not_sent(ErrorKind::Rejected, "refused").with_provider_text("Non");
        assert_eq!(explain(&error.into()), "refused (provider: Non)");
    }

    #[test]
    fn plain_tables_have_columns_and_no_borders() {
        let columns = [Column::Text("state"), Column::Number("messages")];
        let rows = vec![vec!["delivered".to_owned(), "987".to_owned()]];
        let style = comfy_table::presets::NOTHING;
        let table = render_table(&columns, rows, style).trim_fmt();
        assert_eq!(table, " state      messages\n delivered       987");
    }
}
