//! A campaign over a gateway: what is left of it is handed over as one batch.
//!
//! Called by `mod.rs`. Every row has a key that is made of the campaign's name and of the row's number and
//! text, and the gateway takes each key once. The journal says which rows it has, so that they are not handed
//! over again however late the command is repeated; where an answer was lost, the keys decide. It sends
//! nothing itself.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use tidings::http::Carries;
use tidings::{Acceptance, ErrorKind, ProviderRef, Timestamp};

use super::super::{
    PreparedMessage, identity, journal_path, new_name, read_campaign, remark_on_changes,
    show_bad_rows, show_plan,
};
use super::watch::{self, Watched};
use crate::args::SendArgs;
use crate::campaign::journal::{Fingerprint, Identity, Journal, Outcome};
use crate::campaign::prepare::{Envelope, Prepared};
use crate::commands::Context;
use crate::commands::providers::shown;
use crate::gateway::{Call, Gateway, with_query};
use crate::interrupt::unless_interrupted;
use crate::output::{bad_input, counted};

/// How long after a row was handed over its key can be relied on. The gateway keeps keys for 24 hours.
const KEY_HOLDS: Duration = Duration::from_hours(23);
/// What is said where an answer was lost.
const GOES_ON: &str = "the same command goes on: it hands over what is missing, and nothing twice";

/// A row that the gateway may not have.
struct Row {
    slot: u64,
    fingerprint: Fingerprint,
    /// The gateway's name for it.
    key: String,
    /// Whether the journal says already that it was handed over, without an answer.
    is_open: bool,
    message: PreparedMessage,
}

/// The rows of a campaign by what is to be done with them.
struct Rows {
    left: Vec<Row>,
    /// The gateway has them.
    n_taken: usize,
    /// Handed over too long ago for their keys, without an answer.
    n_unknown: usize,
}

/// What the gateway said.
struct Handed {
    batch: String,
    accepted: u64,
    n_rejected: usize,
}

pub(super) async fn run(
    context: &Context,
    args: &SendArgs,
    gateway: &Gateway,
    envelope: Envelope,
    csv: &Path,
    template: &str,
) -> anyhow::Result<()> {
    let (file, recipe, prepared) = read_campaign(args, envelope, csv, template)?;
    if args.dry_run {
        return show_plan(context, &prepared, true);
    }
    let Prepared { messages, bad_rows } = prepared;
    if messages.is_empty() {
        show_bad_rows(context, &bad_rows, true)?;
        return Err(bad_input("no row of the file can be sent"));
    }
    let account = Identity::gateway_of(gateway.base_url());
    let identity = identity(args, &recipe, &file, account);
    let mut journal = Journal::open(&journal_path(args, csv), &identity, &new_name())?;
    let is_first = journal.is_empty();
    let rows = Rows::sorted(messages, &journal, context.clock.now(), args)?;
    remark_on_changes(context, &journal);
    show_bad_rows(context, &bad_rows, true)?;
    rows.remark(context);

    let campaign = journal.campaign().to_owned();
    let mut watched = if is_first {
        Watched::default()
    } else {
        Watched::find(gateway, &campaign).await?
    };
    let reference = if watched.may_read() {
        format!("{campaign}-{}", watched.len() + 1)
    } else {
        // Who may not read cannot know how many there are.
        format!("{campaign}-{}", context.clock.now().as_millis())
    };
    let mut n_unusable = bad_rows.len();
    let (n_taken, n_unknown) = (rows.n_taken, rows.n_unknown);
    let handed = match rows.left.as_slice() {
        [] => None,
        left => Some(hand_over(context, args, gateway, &mut journal, left, &reference).await?),
    };
    if let Some(handed) = &handed {
        n_unusable += handed.n_rejected;
        watched.add(&handed.batch);
    }
    show_handed(context, handed.as_ref(), watched.last(), n_taken)?;
    watch::to_the_end(context, gateway, watched, n_unusable, n_unknown).await
}

impl Rows {
    fn sorted(
        messages: Vec<PreparedMessage>,
        journal: &Journal,
        now: Timestamp,
        args: &SendArgs,
    ) -> anyhow::Result<Self> {
        let known = messages
            .iter()
            .map(|message| (message.line, &message.fingerprint));
        let places = journal.places(known)?;
        let mut rows = Self {
            left: Vec::new(),
            n_taken: 0,
            n_unknown: 0,
        };
        for (message, place) in messages.into_iter().zip(places) {
            let entry = journal.entry(place.slot);
            if entry.is_some_and(|entry| entry.outcome == Some(Outcome::Submitted)) {
                rows.n_taken += 1;
                continue;
            }
            let open = entry.filter(|entry| entry.is_unknown());
            let key_holds = open.is_none_or(|entry| {
                let begun_at = entry.begun_at;
                begun_at.is_some_and(|begun_at| now < begun_at.plus(KEY_HOLDS))
            });
            if !key_holds && !args.campaign.resend_unknown {
                rows.n_unknown += 1;
                continue;
            }
            rows.left.push(Row {
                slot: place.slot,
                key: format!(
                    "{}-{}-{}",
                    journal.campaign(),
                    message.fingerprint,
                    place.copy
                ),
                // The key counts from when it was handed over first.
                is_open: open.is_some() && key_holds,
                fingerprint: message.fingerprint.clone(),
                message,
            });
        }
        Ok(rows)
    }

    fn remark(&self, context: &Context) {
        let output = &context.output;
        if self.n_taken > 0 {
            output.remark(format_args!(
                "the gateway has {} of this file already: they are not handed over again",
                counted(self.n_taken, "row")
            ));
        }
        let n_open = self.left.iter().filter(|row| row.is_open).count();
        if n_open > 0 {
            output.remark(format_args!(
                "the answer about {} was lost: they are handed over under the same names, and the \
                 gateway takes those that it does not have",
                counted(n_open, "row")
            ));
        }
        if self.n_unknown > 0 {
            output.warn(format_args!(
                "nobody can know whether the gateway has {}, which were handed over more than {} hours \
                 ago without an answer; --resend-unknown hands them over again",
                counted(self.n_unknown, "row"),
                KEY_HOLDS.as_secs() / 3_600
            ));
        }
    }
}

async fn hand_over(
    context: &Context,
    args: &SendArgs,
    gateway: &Gateway,
    journal: &mut Journal,
    rows: &[Row],
    reference: &str,
) -> anyhow::Result<Handed> {
    let mut body = Vec::new();
    for row in rows {
        let mut line = super::body(args, &row.message);
        line["idempotency_key"] = row.key.as_str().into();
        serde_json::to_writer(&mut body, &line)?;
        body.push(b'\n');
    }
    let begun = rows.iter().filter(|row| !row.is_open);
    let begun: Vec<_> = begun
        .map(|row| (row.slot, row.fingerprint.clone()))
        .collect();
    journal.begin(&begun, context.clock.now())?;
    let duplicates = args.campaign.allow_duplicates.then_some("true");
    let conditions = [
        ("reference", Some(reference)),
        ("allow_duplicates", duplicates),
    ];
    let path = with_query("/v1/batches", conditions);
    let call = Call {
        method: &Method::POST,
        path: &path,
        operation: "send",
        carries: Carries::Message,
        // Each row has a key of its own.
        once: None,
        content_type: "application/x-ndjson",
    };
    let answer = unless_interrupted(gateway.call(call, Bytes::from(body))).await;
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            if proves_that_nothing_was_taken(&error) {
                let begun = begun.into_iter();
                journal.end(begun.map(|(slot, _)| (slot, Outcome::NotSent, None)))?;
                journal.sync()?;
            }
            return Err(error.context(GOES_ON));
        }
    };
    note(journal, rows, &answer)?;
    show_rejected(context, rows, &answer)?;
    let n_rejected = answer["rejected_count"].as_u64().unwrap_or_default();
    Ok(Handed {
        batch: shown(&answer["id"]),
        accepted: answer["accepted"].as_u64().unwrap_or_default(),
        n_rejected: usize::try_from(n_rejected).unwrap_or(usize::MAX),
    })
}

/// A batch may be refused when some of its rows are taken; not so where nobody was reached, or who called
/// was not let in.
fn proves_that_nothing_was_taken(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<tidings::Error>();
    error.is_some_and(|error| {
        let was_let_in = !matches!(error.kind(), ErrorKind::Unauthorized | ErrorKind::Forbidden);
        error.acceptance() == Acceptance::NotSent || !was_let_in
    })
}

/// Writes down which rows the gateway has. A row that it refused is in nobody's hands: it may be mended.
fn note(journal: &mut Journal, rows: &[Row], answer: &Value) -> anyhow::Result<()> {
    let rejected: BTreeSet<u64> = rejected(answer)
        .filter_map(|row| row["index"].as_u64())
        .collect();
    let is_whole = answer["rejected_count"].as_u64() == Some(rejected.len() as u64);
    // Of very many only the first are listed. What is behind them stays open, and the keys decide.
    let last = rejected.last().copied().unwrap_or_default();
    let mut batch = ProviderRef::default();
    batch.batch = answer["id"].as_str().map(str::to_owned);
    let ended = (0..)
        .zip(rows)
        .filter(|(index, _)| is_whole || *index <= last);
    let ended = ended.map(|(index, row)| {
        if rejected.contains(&index) {
            (row.slot, Outcome::NotSent, None)
        } else {
            (row.slot, Outcome::Submitted, Some(batch.clone()))
        }
    });
    journal.end(ended)?;
    journal.sync()?;
    Ok(())
}

fn rejected(answer: &Value) -> impl Iterator<Item = &Value> {
    answer["rejected"].as_array().into_iter().flatten()
}

/// Tells what was refused at the door, by the lines of the file.
fn show_rejected(context: &Context, rows: &[Row], answer: &Value) -> anyhow::Result<()> {
    for row in rejected(answer) {
        let index = row["index"].as_u64();
        let index = index.and_then(|index| usize::try_from(index).ok());
        let line = index.and_then(|index| rows.get(index));
        let line = line.map_or(0, |row| row.message.line);
        if context.output.is_json() {
            context.output.json_line(
                &json!({"type": "rejected", "line": line, "code": row["code"], "detail": row["detail"]}),
            )?;
        } else {
            let detail = shown(&row["detail"]);
            context.output.remark(format_args!("line {line}: {detail}"));
        }
    }
    Ok(())
}

/// Tells what was handed over in this run. `last` is the latest batch where that is none.
fn show_handed(
    context: &Context,
    handed: Option<&Handed>,
    last: Option<&str>,
    n_taken: usize,
) -> anyhow::Result<()> {
    let output = &context.output;
    if output.is_json() {
        return output.json_line(&json!({
            "type": "batch",
            "id": last,
            "accepted": handed.map_or(0, |handed| handed.accepted),
            "rejected": handed.map_or(0, |handed| handed.n_rejected),
            "taken_before": n_taken,
        }));
    }
    match handed {
        None => output.remark("nothing is left to hand over"),
        Some(handed) => output.remark(format_args!(
            "handed over as batch {}: {} accepted, {} refused",
            handed.batch, handed.accepted, handed.n_rejected
        )),
    }
    Ok(())
}
