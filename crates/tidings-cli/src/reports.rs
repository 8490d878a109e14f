//! What `tidings callbacks --json` writes: one line for each thing that a provider told, and the same
//! lines read back for `tidings status --reports`.
//!
//! Called by `commands/callbacks` and `commands/status/mod.rs`. Of several reports on one message the one
//! that says most is kept, in whatever order they came.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tidings::callback::{Callback, ConversationEvent};
use tidings::conversations::ConversationMessage;
use tidings::{
    ClientRef, DeliveryReport, InboundMessage, ProviderRef, Reason, ReportedState, Timestamp,
};

use crate::output::bad_input;
use crate::tracking::says_more;

/// One line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Line {
    Report(ReportLine),
    Inbound(InboundLine),
    Conversation(Box<ConversationLine>),
    /// What this version does not know.
    #[serde(other)]
    Other,
}

/// A report on a message, with the keys of `tidings status --json`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ReportLine {
    /// When it came in, by our clock: some providers give no time of theirs.
    heard_at: Timestamp,
    #[serde(rename = "ref")]
    about: ProviderRef,
    state: ReportedState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<Reason>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    raw: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// A text from a phone.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct InboundLine {
    heard_at: Timestamp,
    id: String,
    from: String,
    to: String,
    text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    received_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    keyword: Option<String>,
}

/// Something that happened in a conversation, with the keys of `tidings sessions` and
/// `tidings messages`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ConversationLine {
    heard_at: Timestamp,
    session: String,
    owner: String,
    remote: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    number: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    is_read: bool,
    /// What was written into it; none where something else happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message: Option<WrittenLine>,
}

/// A message of a conversation.
#[derive(Debug, Serialize, Deserialize)]
struct WrittenLine {
    id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
    kind: String,
    direction: String,
    from: String,
    to: Vec<String>,
    text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    media_type: Option<String>,
}

impl ConversationLine {
    fn of(event: &ConversationEvent, heard_at: Timestamp) -> Self {
        let conversation = &event.conversation;
        Self {
            heard_at,
            session: conversation.id.clone(),
            owner: conversation.owner.to_string(),
            remote: conversation.remote.clone(),
            number: conversation.number.clone(),
            name: conversation.name.clone(),
            is_read: conversation.is_read,
            message: event.message.as_ref().map(WrittenLine::of),
        }
    }
}

impl WrittenLine {
    fn of(message: &ConversationMessage) -> Self {
        let media = message.media.as_ref();
        Self {
            id: message.id.clone(),
            at: message.at,
            kind: message.kind.clone(),
            direction: message.direction.as_str().to_owned(),
            from: message.from.clone(),
            to: message.to.clone(),
            text: message.text.clone(),
            media_type: media.map(|media| media.mime_type.clone()),
        }
    }
}

impl Line {
    pub(crate) fn of(callback: &Callback, heard_at: Timestamp) -> Self {
        match callback {
            Callback::Report(report) => Self::Report(ReportLine::of(report, heard_at)),
            Callback::Inbound(message) => Self::Inbound(InboundLine::of(message, heard_at)),
            Callback::Conversation(event) => {
                Self::Conversation(Box::new(ConversationLine::of(event, heard_at)))
            }
            _ => Self::Other,
        }
    }
}

impl ReportLine {
    fn of(report: &DeliveryReport, heard_at: Timestamp) -> Self {
        Self {
            heard_at,
            about: report.about.clone(),
            state: report.state,
            reason: report.reason,
            at: report.at,
            raw: report.raw.clone(),
            detail: report.detail.clone(),
        }
    }

    fn into_report(self) -> DeliveryReport {
        let mut report = DeliveryReport::new(self.about, self.state);
        report.reason = self.reason;
        report.at = self.at.or(Some(self.heard_at));
        report.raw = self.raw;
        report.detail = self.detail;
        report
    }
}

impl InboundLine {
    fn of(message: &InboundMessage, heard_at: Timestamp) -> Self {
        Self {
            heard_at,
            id: message.id.clone(),
            from: message.from.clone(),
            to: message.to.clone(),
            text: message.text.to_string(),
            received_at: message.received_at,
            session: message.session.clone(),
            keyword: message.keyword.clone(),
        }
    }
}

/// The reports of a file that may still grow.
#[derive(Debug)]
pub(crate) struct Reports {
    file: File,
    /// The beginning of a line whose end has not been written yet.
    torn: Vec<u8>,
    known: HashMap<Key, DeliveryReport>,
    n_unreadable: usize,
}

/// By what a report is found.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Key {
    Message(String),
    Reference(ClientRef),
}

impl Reports {
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let file =
            File::open(path).map_err(|error| bad_input(format!("{}: {error}", path.display())))?;
        Ok(Self {
            file,
            torn: Vec::new(),
            known: HashMap::new(),
            n_unreadable: 0,
        })
    }

    /// Reads the lines that have come since the last time.
    pub(crate) fn refresh(&mut self) -> anyhow::Result<()> {
        let mut bytes = std::mem::take(&mut self.torn);
        let read = self.file.read_to_end(&mut bytes);
        read.context("cannot read the reports")?;
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            if !line.ends_with(b"\n") {
                self.torn = line.to_vec();
                break;
            }
            match serde_json::from_slice(line) {
                Ok(Line::Report(line)) => self.take(&line.into_report()),
                Ok(Line::Inbound(_) | Line::Conversation(_) | Line::Other) => {}
                Err(_) => self.n_unreadable += 1,
            }
        }
        Ok(())
    }

    /// How many lines were no lines of `tidings callbacks --json`.
    pub(crate) fn n_unreadable(&self) -> usize {
        self.n_unreadable
    }

    /// What is known of a message: by the provider's id of it, otherwise by our reference.
    pub(crate) fn of(&self, about: &ProviderRef) -> Option<&DeliveryReport> {
        keys(about).find_map(|key| self.known.get(&key))
    }

    fn take(&mut self, report: &DeliveryReport) {
        for key in keys(&report.about) {
            let known = self.known.get(&key);
            if known.is_none_or(|known| says_more(report.state, known.state)) {
                self.known.insert(key, report.clone());
            }
        }
    }
}

fn keys(about: &ProviderRef) -> impl Iterator<Item = Key> {
    let message = about.message.clone().map(Key::Message);
    let reference = about.reference.clone().map(Key::Reference);
    message.into_iter().chain(reference)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use tidings::conversations::{Conversation, Mailbox};

    use super::*;

    fn line(message: &str, state: ReportedState) -> String {
        let mut about = ProviderRef::message(message);
        about.reference = Some(ClientRef::new(format!("ref-{message}")).unwrap());
        let report = DeliveryReport::new(about, state).raw("0");
        let line = Line::of(&Callback::Report(report), Timestamp::UNIX_EPOCH);
        serde_json::to_string(&line).unwrap() + "\n"
    }

    #[test]
    fn what_is_written_can_be_read_while_it_grows() {
        let mut written = tempfile::NamedTempFile::new().unwrap();
        let mut reports = Reports::open(written.path()).unwrap();
        let state = |reports: &mut Reports, about: &ProviderRef| {
            reports.refresh().unwrap();
            reports.of(about).map(|report| report.state)
        };
        let about = ProviderRef::message("1");
        assert_eq!(state(&mut reports, &about), None);
        let delivered = line("1", ReportedState::Delivered);
        let (begin, end) = delivered.split_at(20);
        written.write_all(begin.as_bytes()).unwrap();
        assert_eq!(state(&mut reports, &about), None);
        written.write_all(end.as_bytes()).unwrap();
        assert_eq!(state(&mut reports, &about), Some(ReportedState::Delivered));
        // What comes late does not undo it, and other lines do no harm.
        written
            .write_all(line("1", ReportedState::Failed).as_bytes())
            .unwrap();
        let inbound = InboundMessage::new("9", "+224622000001", "1960", "hei");
        let inbound = Line::of(&Callback::Inbound(inbound), Timestamp::UNIX_EPOCH);
        serde_json::to_writer(&mut written, &inbound).unwrap();
        written.write_all(b"\n").unwrap();
        let conversation = Conversation::new("c-1", Mailbox::new("example.test", "200"));
        let event = Callback::Conversation(Box::new(ConversationEvent::new(conversation)));
        let event = Line::of(&event, Timestamp::UNIX_EPOCH);
        serde_json::to_writer(&mut written, &event).unwrap();
        written
            .write_all(b"\n{\"kind\":\"younger\",\"x\":1}\nnonsense\n")
            .unwrap();
        assert_eq!(state(&mut reports, &about), Some(ReportedState::Delivered));
        assert_eq!(reports.n_unreadable(), 1);
        // A message whose id was never told is found by our own name for it.
        let mut by_reference = ProviderRef::default();
        by_reference.reference = Some(ClientRef::new("ref-1").unwrap());
        assert!(reports.of(&by_reference).is_some());
        assert!(reports.of(&ProviderRef::message("2")).is_none());
    }
}
