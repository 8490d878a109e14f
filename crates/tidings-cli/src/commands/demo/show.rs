//! What the demo prints: the carrier at the beginning, the results at the end.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::json;
use tidings::{E164, ProviderRef, ProviderSpec};
use tidings_core::text::Encoding;
use tidings_sim::Simulator;

use crate::campaign::journal::Outcome;
use crate::campaign::prepare::{BadRow, PreparedMessage};
use crate::commands::send::lines::{Tally, encodings, state_word};
use crate::commands::sim;
use crate::output::{Column, Output};
use crate::tracking::Tracked;

/// What became of a message when it was handed over.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) line: u64,
    pub(super) outcome: Outcome,
    pub(super) provider_ref: Option<ProviderRef>,
}

/// Every row of the campaign and how far it has come.
#[derive(Debug)]
pub(super) struct Results {
    messages: BTreeMap<u64, MessageResult>,
    encodings: Tally,
    bad_rows: Vec<BadRow>,
}

#[derive(Debug)]
struct MessageResult {
    to: E164,
    parts: usize,
    encoding: Encoding,
    state: &'static str,
    provider_ref: Option<ProviderRef>,
}

/// Says where the carrier is, so that a curious person can look at it.
pub(super) fn carrier(
    output: &Output,
    spec: &ProviderSpec,
    simulator: &Simulator,
) -> anyhow::Result<()> {
    if output.is_json() {
        let mut line = sim::access(simulator);
        line.insert("type".to_owned(), "carrier".into());
        return output.json_line(&line);
    }
    let url = simulator.base_url();
    output.remark(format_args!(
        "A carrier that speaks the API of {} is simulated at {url}",
        spec.title
    ));
    Ok(())
}

/// Says what is about to happen.
pub(super) fn beginning(output: &Output, results: &Results) {
    let (messages, parts) = results.encodings.total();
    let bad = results.bad_rows.len();
    output.remark(format_args!(
        "The campaign has {} rows: {messages} messages of {parts} parts, and {bad} rows that cannot be sent",
        messages + bad
    ));
}

impl Results {
    pub(super) fn new(messages: &[PreparedMessage], bad_rows: Vec<BadRow>) -> Self {
        let results = messages.iter().map(|message| {
            let result = MessageResult {
                to: message.message.to,
                parts: message.parts,
                encoding: message.encoding,
                state: "not_sent",
                provider_ref: None,
            };
            (message.line, result)
        });
        Self {
            messages: results.collect(),
            encodings: encodings(messages),
            bad_rows,
        }
    }

    pub(super) fn take_verdict(&mut self, sent: Sent) {
        if let Some(message) = self.messages.get_mut(&sent.line) {
            message.state = state_word(sent.outcome);
            message.provider_ref = sent.provider_ref;
        }
    }

    /// What is to be watched: everything that the carrier took.
    pub(super) fn tracked(&self) -> Vec<Tracked> {
        let taken = self.messages.iter();
        let taken =
            taken.filter_map(|(line, message)| Some((*line, message.provider_ref.clone()?)));
        taken
            .map(|(line, about)| Tracked::new(Some(line), about))
            .collect()
    }

    pub(super) fn take_reports(&mut self, tracked: &[Tracked]) {
        for report in tracked {
            let message = report.line.and_then(|line| self.messages.get_mut(&line));
            if let Some(message) = message {
                message.state = report.state();
            }
        }
    }

    pub(super) fn show(&self, output: &Output) -> anyhow::Result<()> {
        if output.is_json() {
            self.show_json(output)
        } else {
            self.show_tables(output)
        }
    }

    fn show_tables(&self, output: &Output) -> anyhow::Result<()> {
        output.line("")?;
        self.states().show(output, "state")?;
        output.line("")?;
        self.encodings.show(output, "encoding")?;
        output.line("")?;
        let columns = [
            Column::Number("line"),
            Column::Text("not sent because"),
            Column::Text("what to do"),
        ];
        let rows = self.bad_rows.iter().map(|bad| {
            vec![
                bad.line.to_string(),
                bad.fault.to_string(),
                bad.fault.advice(),
            ]
        });
        output.table(&columns, rows.collect())
    }

    fn states(&self) -> Tally {
        let mut states = Tally::default();
        for message in self.messages.values() {
            states.add(message.state, message.parts);
        }
        states
    }

    fn show_json(&self, output: &Output) -> anyhow::Result<()> {
        #[derive(Serialize)]
        struct MessageLine<'m> {
            r#type: &'static str,
            line: u64,
            to: &'m str,
            state: &'static str,
            parts: usize,
            encoding: Encoding,
            #[serde(rename = "ref")]
            provider_ref: Option<&'m ProviderRef>,
        }
        for (line, message) in &self.messages {
            output.json_line(&MessageLine {
                r#type: "message",
                line: *line,
                to: message.to.as_str(),
                state: message.state,
                parts: message.parts,
                encoding: message.encoding,
                provider_ref: message.provider_ref.as_ref(),
            })?;
        }
        for bad in &self.bad_rows {
            output.json_line(&json!({
                "type": "bad_row",
                "line": bad.line,
                "kind": bad.fault.code(),
                "what": bad.fault.to_string(),
                "advice": bad.fault.advice(),
            }))?;
        }
        let (messages, parts) = self.encodings.total();
        output.json_line(&json!({
            "type": "summary",
            "rows": messages + self.bad_rows.len(),
            "messages": messages,
            "parts": parts,
            "bad_rows": self.bad_rows.len(),
            "states": self.states().counts(),
            "encodings": self.encodings.counts(),
        }))
    }
}
