//! A campaign: a CSV file and a template become messages, and the messages are sent, each once.
//!
//! In reading order: [`rows`] reads the file, [`prepare`] fills in the template and checks
//! every row, [`journal`] keeps on disk what was begun, [`reconcile`] asks about what nobody knows,
//! [`run`] sends, [`progress`] tells a person how far it is. Called by `commands/send.rs` and `commands/demo.rs`; knows no provider by name.

pub(crate) mod journal;
#[cfg(test)]
mod journal_tests;
pub(crate) mod prepare;
pub(crate) mod progress;
pub(crate) mod reconcile;
pub(crate) mod rows;
pub(crate) mod run;
#[cfg(test)]
mod run_tests;

use std::path::PathBuf;

use tidings::template::TemplateError;
use tidings_gateway::quotes::QuoteFault;

/// Why a campaign cannot begin, or had to stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CampaignError {
    /// The file has no line of column names.
    EmptyFile,
    /// The file is in UTF-16.
    Utf16,
    /// The line of column names is not UTF-8.
    ColumnNamesNotUtf8,
    /// The line of column names has quotation marks that do not pair.
    ColumnNames { fault: QuoteFault },
    /// Two columns have the same name.
    ColumnTwice { column: String },
    /// There is no column of numbers.
    NoNumberColumn {
        wanted: Vec<String>,
        present: Vec<String>,
    },
    /// The template uses columns that the file does not have.
    MissingColumns {
        missing: Vec<String>,
        present: Vec<String>,
    },
    /// The template cannot be read.
    Template { what: String },
    /// The journal cannot be opened or read.
    JournalFile { path: PathBuf, what: String },
    /// The journal cannot be written any more, as on a full disk.
    JournalNotWritten { path: PathBuf, what: String },
    /// Another process sends this campaign.
    JournalInUse { path: PathBuf },
    /// The journal belongs to another campaign.
    OtherCampaign {
        path: PathBuf,
        changed: Vec<&'static str>,
    },
    /// Rows that were sent, or may have been, are not in the file any more.
    RowsGone {
        path: PathBuf,
        first: u64,
        count: usize,
    },
    /// The journal belongs to a campaign of another account.
    OtherAccount { path: PathBuf },
    /// The file is something else.
    NotAJournal { path: PathBuf },
    /// A line in the middle of the journal cannot be read.
    JournalCorrupt { path: PathBuf, line: usize },
}

impl std::fmt::Display for CampaignError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::EmptyFile => {
                f.write_str("the file is empty: its first line must name the columns")
            }
            Self::Utf16 => f.write_str("the file is in UTF-16; save it as CSV UTF-8"),
            Self::ColumnNamesNotUtf8 => {
                f.write_str("the column names are not in UTF-8; save the file as CSV UTF-8")
            }
            Self::ColumnNames { fault } => write!(f, "the column names cannot be read: {fault}"),
            Self::ColumnTwice { column } => write!(f, "two columns are called {column}"),
            Self::NoNumberColumn { wanted, present } => write!(
                f,
                "no column is called {}; name the column of numbers with --to-column, of {}",
                wanted.join(" or "),
                present.join(", ")
            ),
            Self::MissingColumns { missing, present } => write!(
                f,
                "the template uses {}, which the file does not have; its columns are {}",
                missing.join(", "),
                present.join(", ")
            ),
            Self::Template { what } => write!(f, "the template cannot be read: {what}"),
            Self::JournalFile { path, what } => write!(f, "journal {}: {what}", path.display()),
            Self::JournalNotWritten { path, what } => write!(
                f,
                "the journal {} cannot be written, so nothing more was begun; when the cause is \
                 mended, the same command goes on: {what}",
                path.display()
            ),
            Self::JournalInUse { path } => write!(
                f,
                "another process is sending this campaign: it holds the journal {}",
                path.display()
            ),
            Self::OtherCampaign { path, changed } => write!(
                f,
                "the journal {} is of another campaign: {} changed since it was begun; to go on with \
                 that one, put it back; to begin a new one, move the journal away or name another with \
                 --journal",
                path.display(),
                changed.join(" and ")
            ),
            Self::RowsGone { path, first, count } => {
                let others = match count {
                    1 => String::new(),
                    count => format!(" and {} more", count - 1),
                };
                write!(
                    f,
                    "the row of line {first}{others} was sent before and is changed or gone: put it back as \
                     it was, or to begin a new campaign, move the journal {} away or name another with \
                     --journal",
                    path.display()
                )
            }
            Self::OtherAccount { path } => write!(
                f,
                "the journal {} is of another account: pick the account that sent it",
                path.display()
            ),
            Self::NotAJournal { path } => write!(
                f,
                "{} is not a journal of this version; name another with --journal",
                path.display()
            ),
            Self::JournalCorrupt { path, line } => write!(
                f,
                "line {line} of the journal {} cannot be read; what was sent after it cannot be told, \
                 so nothing is sent",
                path.display()
            ),
        }
    }
}

impl std::error::Error for CampaignError {}

impl From<TemplateError> for CampaignError {
    fn from(error: TemplateError) -> Self {
        match error {
            TemplateError::MissingFields { missing, present } => {
                Self::MissingColumns { missing, present }
            }
            TemplateError::Syntax { what } => Self::Template { what },
            other => Self::Template {
                what: other.to_string(),
            },
        }
    }
}
