//! What `send` and `demo` print about messages: JSON lines, tables, and the numbers at the end.

use std::collections::BTreeMap;

use serde::Serialize;
use tidings::{Acceptance, Error, Media, ProviderRef};
use tidings_core::text::Encoding;

use crate::campaign::journal::Outcome;
use crate::campaign::prepare::{BadRow, PreparedMessage};
use crate::campaign::run::{Job, Verdict};
use crate::output::{Column, Output};

/// One message, in JSON.
#[derive(Debug, Serialize)]
pub(crate) struct MessageLine<'m> {
    /// The line of the CSV file.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    to: &'m str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'m str>,
    /// `submitted`, `refused`, `not_sent`, `unknown`, or `dry_run`.
    state: &'static str,
    parts: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<Encoding>,
    /// The file that goes with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    media: Option<MediaLine<'m>>,
    /// How to ask about it: for `tidings status`.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    provider_ref: Option<&'m ProviderRef>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorLine<'m>>,
}

/// A file, in JSON.
#[derive(Debug, Serialize)]
struct MediaLine<'m> {
    #[serde(rename = "type")]
    mime_type: &'m str,
    bytes: usize,
}

#[derive(Debug, Serialize)]
struct ErrorLine<'m> {
    kind: &'static str,
    acceptance: &'static str,
    what: String,
    /// The provider's own code.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'m str>,
    /// The provider's own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'m str>,
}

/// One row that cannot be sent, in JSON.
#[derive(Debug, Serialize)]
pub(crate) struct BadRowLine {
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    /// Always `invalid`.
    state: &'static str,
    error: BadRowError,
}

#[derive(Debug, Serialize)]
struct BadRowError {
    kind: &'static str,
    what: String,
    advice: String,
}

impl<'m> MessageLine<'m> {
    pub(crate) fn done(job: &'m Job, verdict: &'m Verdict, has_lines: bool) -> Self {
        let error = match verdict {
            Verdict::Submitted(_) => None,
            Verdict::Failed(error) => Some(ErrorLine::of(error)),
        };
        Self {
            line: has_lines.then_some(job.line),
            to: job.outbound.message.to.as_str(),
            reference: Some(job.outbound.reference.as_str()),
            state: state_word(verdict.outcome()),
            parts: job.parts,
            encoding: None,
            media: job.outbound.message.media.as_ref().map(MediaLine::of),
            provider_ref: verdict.provider_ref(),
            error,
        }
    }

    pub(crate) fn planned(message: &'m PreparedMessage, has_lines: bool) -> Self {
        Self {
            line: has_lines.then_some(message.line),
            to: message.message.to.as_str(),
            reference: None,
            state: "dry_run",
            parts: message.parts,
            encoding: Some(message.encoding),
            media: message.message.media.as_ref().map(MediaLine::of),
            provider_ref: None,
            error: None,
        }
    }
}

impl<'m> MediaLine<'m> {
    fn of(media: &'m Media) -> Self {
        Self {
            mime_type: media.mime_type(),
            bytes: media.content().len(),
        }
    }
}

impl<'m> ErrorLine<'m> {
    fn of(error: &'m Error) -> Self {
        Self {
            kind: error.kind().as_str(),
            acceptance: error.acceptance().as_str(),
            what: error.to_string(),
            code: error.provider_code(),
            text: error.provider_text(),
        }
    }
}

impl BadRowLine {
    pub(crate) fn new(bad: &BadRow, has_lines: bool) -> Self {
        let fault = &bad.fault;
        let error = BadRowError {
            kind: fault.code(),
            what: fault.to_string(),
            advice: fault.advice(),
        };
        Self {
            line: has_lines.then_some(bad.line),
            state: "invalid",
            error,
        }
    }
}

/// The stable word for an outcome.
pub(crate) fn state_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Submitted => "submitted",
        Outcome::Refused => "refused",
        Outcome::NotSent => "not_sent",
        Outcome::Unknown => "unknown",
    }
}

/// What went wrong with a message, in a few words for a table.
pub(crate) fn short_error(error: &Error) -> String {
    let words = error
        .provider_text()
        .map(|text| format!(" ({text})"))
        .unwrap_or_default();
    let may_be_on_its_way = match error.acceptance() {
        Acceptance::Unknown => "; nobody can know whether it was sent",
        _ => "",
    };
    format!("{error}{words}{may_be_on_its_way}")
}

/// Messages and parts, counted by a word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally(BTreeMap<&'static str, (usize, usize)>);

impl Tally {
    pub(crate) fn add(&mut self, word: &'static str, parts: usize) {
        let (messages, counted_parts) = self.0.entry(word).or_default();
        *messages += 1;
        *counted_parts += parts;
    }

    /// How many messages were counted under a word.
    pub(crate) fn messages(&self, word: &str) -> usize {
        self.0.get(word).map_or(0, |(messages, _)| *messages)
    }

    /// How many messages in all, and their parts.
    pub(crate) fn total(&self) -> (usize, usize) {
        let counts = self.0.values();
        counts.fold((0, 0), |(messages, parts), count| {
            (messages + count.0, parts + count.1)
        })
    }

    pub(crate) fn show(&self, output: &Output, title: &'static str) -> anyhow::Result<()> {
        let columns = [
            Column::Text(title),
            Column::Number("messages"),
            Column::Number("parts"),
        ];
        let row = |word: &str, (messages, parts): (usize, usize)| {
            vec![word.to_owned(), messages.to_string(), parts.to_string()]
        };
        let mut rows: Vec<_> = self
            .0
            .iter()
            .map(|(word, counts)| row(word, *counts))
            .collect();
        if rows.len() != 1 {
            rows.push(row("total", self.total()));
        }
        output.table(&columns, rows)
    }
}

/// By encoding: what a dry run shows.
pub(crate) fn encodings(messages: &[PreparedMessage]) -> Tally {
    let mut tally = Tally::default();
    for message in messages {
        tally.add(message.encoding.as_str(), message.parts);
    }
    tally
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tallies_add_up() {
        let mut tally = Tally::default();
        tally.add("submitted", 2);
        tally.add("submitted", 1);
        tally.add("unknown", 1);
        assert_eq!(tally.messages("submitted"), 2);
        assert_eq!(tally.messages("refused"), 0);
        assert_eq!(tally.total(), (3, 4));
    }
}
