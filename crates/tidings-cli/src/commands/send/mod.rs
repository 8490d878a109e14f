//! `tidings send`: one text to a few recipients, or a campaign from a CSV file.

mod earlier;
pub(super) mod lines;
mod over_gateway;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use tidings::{
    Capabilities, Error, ErrorKind, Media, Outbound, ProviderRef, SendWindow, Timestamp, ZonedTime,
};

use self::earlier::{Rows, remark_on_earlier_runs};
use self::lines::{BadRowLine, MessageLine, Tally, encodings, short_error, state_word};
use super::{Connected, Context, text_of};
use crate::args::SendArgs;
use crate::campaign::journal::{self, Fingerprint, Identity, Journal};
use crate::campaign::prepare::{
    BadRow, Envelope, Prepared, PreparedMessage, Recipe, RowFault, prepare,
};
use crate::campaign::progress::Progress;
use crate::campaign::run::{self, Calls, Desk, Job, Pacing, RunEnd, Verdict};
use crate::config::LaneOptions;
use crate::gateway::Gateway;
use crate::interrupt::Interrupt;
use crate::media;
use crate::output::{Column, Ending, Output, bad_input, counted};

/// Calls open at the same time where nobody says otherwise.
const IN_FLIGHT: u16 = 16;

/// The account and what is the same for every message.
struct Desktop {
    /// `None` in a dry run without an account.
    connected: Option<Connected>,
    envelope: Envelope,
    pacing: Pacing,
}

pub(super) async fn run(context: &Context, args: &SendArgs) -> anyhow::Result<()> {
    // The command line counts before the environment.
    let names_account = args.account.provider.is_some() || args.account.account.is_some();
    let is_meant = Gateway::is_meant(&args.gateway, &context.environment);
    if is_meant && (args.gateway.gateway.is_some() || !names_account) {
        return over_gateway::run(context, args).await;
    }
    let desktop = desktop(context, args)?;
    match (&args.campaign.csv, &args.campaign.template) {
        (Some(csv), Some(template)) => campaign(context, args, desktop, csv, template).await,
        _ => direct(context, args, desktop).await,
    }
}

fn desktop(context: &Context, args: &SendArgs) -> anyhow::Result<Desktop> {
    let connected = match context.connect(&args.account) {
        Ok(connected) => Some(connected),
        Err(error) if args.dry_run => {
            context.output.warn(format_args!(
                "the provider's limits are not checked: {error}"
            ));
            None
        }
        Err(error) => return Err(error),
    };
    let capabilities = connected
        .as_ref()
        .map_or(Capabilities::submit_only(), |connected| {
            connected.provider.capabilities()
        });
    let options = connected
        .as_ref()
        .map_or_else(LaneOptions::default, |connected| {
            connected.lane.options.clone()
        });
    let from = args.from.clone().or(options.from);
    if from.is_none() && !capabilities.sender_optional {
        let what =
            "this account needs a sender: name one with --from, or as `from` in the configuration";
        return Err(Error::not_sent(ErrorKind::InvalidSender, what).into());
    }
    let window = window(
        context.clock.now(),
        args.not_before.as_ref(),
        args.until.as_ref(),
    );
    let window = window.map_err(bad_input)?;
    if window.is_some() && connected.is_some() && !capabilities.send_window {
        let what = "this provider has no send windows: a message leaves when it is handed over, so \
                    --not-before and --until cannot be kept";
        return Err(Error::not_sent(ErrorKind::Unsupported, what).into());
    }
    let media = args.media.as_deref();
    let media = media.map(|path| media::read(path, args.media_type.as_deref()));
    let media = media.transpose()?;
    if let (Some(media), Some(_)) = (&media, &connected) {
        check_media(media, &capabilities)?;
    }
    let size = capabilities.max_messages_per_call;
    let calls = match (args.campaign.bulk, capabilities.mixed_texts_per_call) {
        (false, _) => Calls::Single,
        (true, false) => Calls::EqualTexts(size),
        (true, true) => Calls::AnyTexts(size),
    };
    Ok(Desktop {
        connected,
        envelope: Envelope {
            from,
            region: args.region.or(options.region),
            priority: args.priority.priority(),
            valid_for: args.valid_for,
            window,
            media,
            policy: args.text_options.policy(capabilities.max_parts),
            capabilities,
        },
        pacing: Pacing {
            in_flight: args
                .campaign
                .in_flight
                .or(options.in_flight)
                .unwrap_or(IN_FLIGHT)
                .into(),
            rate: args.campaign.rate.or(options.rate),
            calls,
        },
    })
}

/// Whether the provider takes the file at all.
fn check_media(media: &Media, capabilities: &Capabilities) -> tidings::Result<()> {
    let size = media.content().len();
    match capabilities.max_media_bytes {
        None => {
            let what = "this provider sends texts only: --media cannot be sent";
            Err(Error::not_sent(ErrorKind::Unsupported, what))
        }
        Some(limit) if size > limit => {
            let what = format!("the file of --media has {size} bytes, and {limit} may be sent");
            Err(Error::not_sent(ErrorKind::InvalidMessage, what))
        }
        Some(_) => Ok(()),
    }
}

/// What `--not-before` and `--until` say. An end without a beginning begins now.
fn window(
    now: Timestamp,
    not_before: Option<&ZonedTime>,
    until: Option<&ZonedTime>,
) -> Result<Option<SendWindow>, String> {
    let Some(until) = until else {
        return Ok(not_before.cloned().map(SendWindow::from));
    };
    if until.timestamp() <= now {
        return Err(format!("--until {until} is over"));
    }
    let from = not_before.cloned();
    let from = from.unwrap_or_else(|| ZonedTime::new(now, &until.zone()));
    let window = SendWindow::between(from, until.clone());
    window
        .map(Some)
        .map_err(|_| "--until is not after --not-before".to_owned())
}

/// The recipients of the command line.
async fn direct(context: &Context, args: &SendArgs, desktop: Desktop) -> anyhow::Result<()> {
    let output = &context.output;
    let text = text_of(args.text.as_deref().unwrap_or_default())?;
    let messages = addressed(context, &desktop.envelope, &args.to, &text)?;
    let Some(Connected { provider, .. }) = desktop.connected.filter(|_| !args.dry_run) else {
        return show_plan(
            context,
            &Prepared {
                messages,
                bad_rows: Vec::new(),
            },
            false,
        );
    };
    let name = new_name();
    let jobs = messages
        .into_iter()
        .map(|message| {
            let slot = message.line;
            job(message, slot, &name)
        })
        .collect();
    let mut rows = Vec::new();
    let mut failure = None;
    let mut tally = Tally::default();
    let desk = Desk {
        provider,
        clock: &*context.clock,
        journal: None,
        interrupt: &mut Interrupt::listen()?,
    };
    let end = run::run(desk, jobs, desktop.pacing, &mut |job, verdict| {
        tally.add(state_word(verdict.outcome()), job.parts);
        if let Verdict::Failed(error) = verdict {
            failure = Some(Arc::clone(error));
        }
        if output.is_json() {
            return output.json_line(&MessageLine::done(job, verdict, false));
        }
        rows.push(table_row(job, verdict));
        Ok(())
    })
    .await?;
    if !rows.is_empty() {
        show_rows(output, rows)?;
    }
    match (end, failure, tally.total()) {
        (RunEnd::Complete, None, _) => Ok(()),
        // One message: its error is the command's.
        (RunEnd::Complete | RunEnd::Trouble(_), Some(error), (1, _)) => Err(error.into()),
        (end, _, _) => conclude(context, end, &tally, None),
    }
}

/// One message for each number, however often and in whatever form it was given.
fn addressed(
    context: &Context,
    envelope: &Envelope,
    recipients: &[String],
    text: &str,
) -> anyhow::Result<Vec<PreparedMessage>> {
    let mut messages: Vec<PreparedMessage> = Vec::new();
    for (line, to) in (1..).zip(recipients) {
        // Nothing has been sent yet, and the person is there to correct it.
        let message = envelope.message(line, to, text).map_err(|fault| {
            let what = format!("recipient {line}: {fault}; {}", fault.advice());
            match fault {
                RowFault::NotServed { .. } => {
                    anyhow::Error::from(Error::not_sent(ErrorKind::InvalidRecipient, what))
                }
                _ => bad_input(what),
            }
        })?;
        let same = |earlier: &&PreparedMessage| earlier.message.to == message.message.to;
        match messages.iter().find(same) {
            Some(earlier) => context.output.remark(format_args!(
                "recipient {line} is recipient {} once more: the text goes there once",
                earlier.line
            )),
            None => messages.push(message),
        }
    }
    Ok(messages)
}

fn table_row(job: &Job, verdict: &Verdict) -> Vec<String> {
    let (told, batch) = match verdict {
        Verdict::Submitted(receipt) => names(&receipt.provider_ref),
        Verdict::Failed(error) => (short_error(error), String::new()),
    };
    let to = job.outbound.message.to.to_string();
    let state = state_word(verdict.outcome()).to_owned();
    vec![to, state, job.parts.to_string(), told, batch]
}

/// The id of a message, and the batch that it travels in. Without an id of its own, all that is known
/// of it.
fn names(about: &ProviderRef) -> (String, String) {
    match &about.message {
        Some(id) => (id.clone(), about.batch.clone().unwrap_or_default()),
        None => (
            serde_json::to_string(about).unwrap_or_default(),
            String::new(),
        ),
    }
}

fn show_rows(output: &Output, rows: Vec<Vec<String>>) -> anyhow::Result<()> {
    let has_batches = rows
        .iter()
        .any(|row| row.last().is_some_and(|batch| !batch.is_empty()));
    // What failed has no id: the reason stands in its place.
    let is_sent = |row: &Vec<String>| row.get(1).is_some_and(|state| state == "submitted");
    let told = if rows.iter().all(is_sent) {
        "id"
    } else if rows.iter().any(is_sent) {
        "id or reason"
    } else {
        "reason"
    };
    let columns = ["to", "state", "parts", told, "batch"].map(Column::Text);
    match columns.split_last() {
        Some((_, without_batch)) if !has_batches => {
            let rows = rows.into_iter().map(|mut row| {
                row.pop();
                row
            });
            output.table(without_batch, rows.collect())
        }
        _ => output.table(&columns, rows),
    }
}

async fn campaign(
    context: &Context,
    args: &SendArgs,
    desktop: Desktop,
    csv: &Path,
    template: &str,
) -> anyhow::Result<()> {
    let output = &context.output;
    let (file, recipe, prepared) = read_campaign(args, desktop.envelope, csv, template)?;
    let Some(connected) = desktop.connected.filter(|_| !args.dry_run) else {
        return show_plan(context, &prepared, true);
    };
    let path = journal_path(args, csv);
    let account = Identity::account_of(connected.lane.spec, &connected.lane.account);
    let identity = identity(args, &recipe, &file, account);
    let mut journal = Journal::open(&path, &identity, &new_name())?;
    let provider = connected.provider;
    let can_ask = provider.capabilities().reconcile;
    let mut rows = Rows::sorted(prepared.messages, &journal, can_ask, &args.campaign)?;
    remark_on_changes(context, &journal);
    show_bad_rows(context, &prepared.bad_rows, true)?;
    let n_bad = prepared.bad_rows.len();
    let interrupt = &mut Interrupt::listen()?;
    let mut desk = Desk {
        provider,
        clock: &*context.clock,
        journal: Some(&mut journal),
        interrupt,
    };
    let settled = rows
        .settle(context, &mut desk, desktop.pacing.in_flight)
        .await?;
    let Rows {
        jobs, mut tally, ..
    } = rows;
    remark_on_earlier_runs(context, &tally, settled);

    let mut progress = Progress::new(output, &context.clock, "messages", jobs.len());
    let end = run::run(desk, jobs, desktop.pacing, &mut |job, verdict| {
        tally.add(state_word(verdict.outcome()), job.parts);
        progress.advance(output);
        if output.is_json() {
            return output.json_line(&MessageLine::done(job, verdict, true));
        }
        if let Verdict::Failed(error) = verdict {
            let state = state_word(verdict.outcome());
            progress.remark(
                output,
                format_args!("line {}: {state}: {}", job.line, short_error(error)),
            );
        }
        Ok(())
    })
    .await;
    progress.finish();
    let end = end?;
    if !output.is_json() {
        tally.show(output, "state")?;
    }
    conclude(context, end, &tally, Some(n_bad))
}

fn remark_on_changes(context: &Context, journal: &Journal) {
    if journal.file_changed() {
        let what = "the file has changed; the rows that were sent before are still in it";
        context.output.remark(what);
    }
}

pub(super) fn job(message: PreparedMessage, slot: u64, campaign: &str) -> Job {
    let reference = journal::reference(campaign, slot);
    Job {
        line: message.line,
        slot,
        parts: message.parts,
        fingerprint: message.fingerprint,
        outbound: Outbound::new(reference.clone(), message.message.reference(reference)),
    }
}

/// A name that no other run has.
pub(super) fn new_name() -> String {
    format!("{:016x}", fastrand::u64(..))
}

fn journal_path(args: &SendArgs, csv: &Path) -> PathBuf {
    if let Some(named) = &args.campaign.journal {
        return named.clone();
    }
    let mut name = csv.as_os_str().to_owned();
    name.push(".tidings-journal");
    PathBuf::from(name)
}

/// The file, what is made of its rows, and the messages that come out.
fn read_campaign<'a>(
    args: &'a SendArgs,
    envelope: Envelope,
    csv: &Path,
    template: &'a str,
) -> anyhow::Result<(Vec<u8>, Recipe<'a>, Prepared)> {
    let file =
        std::fs::read(csv).map_err(|error| bad_input(format!("{}: {error}", csv.display())))?;
    let recipe = Recipe {
        template,
        to_column: args.campaign.to_column.as_deref(),
        allow_duplicates: args.campaign.allow_duplicates,
        envelope,
    };
    let prepared = prepare(&file, &recipe).with_context(|| csv.display().to_string())?;
    Ok((file, recipe, prepared))
}

fn identity(args: &SendArgs, recipe: &Recipe<'_>, file: &[u8], account: String) -> Identity {
    let envelope = &recipe.envelope;
    let mut options = format!(
        "{:?} {:?} {:?} {:?} {:?} {:?}",
        envelope.from,
        envelope.region,
        envelope.priority,
        envelope.valid_for,
        args.text_options.replace,
        recipe.to_column
    );
    // As they were typed: where only the end is given, the window begins anew with each run.
    if args.not_before.is_some() || args.until.is_some() {
        write!(options, " {:?} {:?}", args.not_before, args.until)
            .expect("writing to a string works");
    }
    if let Some(media) = &envelope.media {
        let file = Fingerprint::of(&[media.mime_type().as_bytes(), media.content()]);
        write!(options, " {file:?}").expect("writing to a string works");
    }
    Identity {
        file: Fingerprint::of(&[file]),
        template: Fingerprint::of(&[recipe.template.as_bytes()]),
        options: Fingerprint::of(&[options.as_bytes()]),
        account,
    }
}

/// What a dry run prints.
fn show_plan(context: &Context, prepared: &Prepared, has_lines: bool) -> anyhow::Result<()> {
    let output = &context.output;
    show_bad_rows(context, &prepared.bad_rows, has_lines)?;
    if output.is_json() {
        for message in &prepared.messages {
            output.json_line(&MessageLine::planned(message, has_lines))?;
        }
    } else {
        encodings(&prepared.messages).show(output, "encoding")?;
        let first = prepared.messages.first();
        if let Some(media) = first.and_then(|first| first.message.media.as_ref()) {
            let (kind, size) = (media.mime_type(), media.content().len());
            output.remark(format_args!("with each goes a file: {kind}, {size} bytes"));
        }
    }
    let bad = prepared.bad_rows.len();
    match bad {
        0 => output.remark("nothing was sent"),
        bad => output.remark(format_args!(
            "nothing was sent; {} could not be used",
            counted(bad, "row")
        )),
    }
    match bad {
        0 => Ok(()),
        bad => Err(Ending::Partly(format!("to be corrected: {}", counted(bad, "row"))).into()),
    }
}

fn show_bad_rows(context: &Context, bad_rows: &[BadRow], has_lines: bool) -> anyhow::Result<()> {
    for bad in bad_rows {
        if context.output.is_json() {
            context.output.json_line(&BadRowLine::new(bad, has_lines))?;
        } else {
            let advice = bad.fault.advice();
            context
                .output
                .remark(format_args!("line {}: {}; {advice}", bad.line, bad.fault));
        }
    }
    Ok(())
}

/// What is to be said at the end, and with which exit code. `bad_rows` is there for a campaign: only
/// its journal lets the same command go on.
fn conclude(
    context: &Context,
    end: RunEnd,
    tally: &Tally,
    bad_rows: Option<usize>,
) -> anyhow::Result<()> {
    let unknown = tally.messages("unknown");
    let failed =
        tally.messages("refused") + tally.messages("not_sent") + bad_rows.unwrap_or_default();
    let what_next = match bad_rows {
        Some(_) => "the same command goes on",
        None => "the same command would send to all of them again: name only those that are left",
    };
    match end {
        RunEnd::Interrupted { abandoned } => {
            let submitted = tally.messages("submitted");
            let given_up = match abandoned {
                0 => String::new(),
                open => {
                    format!(", {open} calls were given up and nobody can know what became of them")
                }
            };
            Err(Ending::Interrupted(format!(
                "interrupted: {submitted} messages are with the provider{given_up}; {what_next}"
            ))
            .into())
        }
        RunEnd::Trouble(error) => {
            context.output.remark(format_args!(
                "stopped early; when the cause is mended, {what_next}"
            ));
            Err(anyhow::Error::from(error).context("the account or the provider is in trouble"))
        }
        RunEnd::Complete if unknown > 0 => {
            if bad_rows.is_some() {
                context.output.remark(
                    "the same command sends none of them twice, and asks about them where the \
                     provider can say",
                );
            }
            Err(Ending::OutcomeUnknown(format!(
                "nobody can know what became of {}",
                counted(unknown, "message")
            ))
            .into())
        }
        RunEnd::Complete if failed > 0 => {
            let told = [
                ("rows that cannot be used", bad_rows.unwrap_or_default()),
                (
                    "messages that were not sent",
                    failed - bad_rows.unwrap_or_default(),
                ),
            ];
            let told = told.into_iter().filter(|(_, count)| *count > 0);
            let told: Vec<String> = told
                .map(|(what, count)| format!("{what}: {count}"))
                .collect();
            Err(Ending::Partly(told.join("; ")).into())
        }
        RunEnd::Complete => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-03-28T20:00:00Z";

    #[track_caller]
    fn check(not_before: &str, until: &str, expected: Result<&str, &str>) {
        let time =
            |text: &str| -> Option<ZonedTime> { (!text.is_empty()).then(|| text.parse().unwrap()) };
        let window = window(
            NOW.parse().unwrap(),
            time(not_before).as_ref(),
            time(until).as_ref(),
        );
        let window = window.map(|window| format!("{window:?}"));
        assert_eq!(
            window.as_deref().map_err(String::as_str),
            expected,
            "{not_before} {until}"
        );
    }

    #[test]
    fn windows() {
        check("", "", Ok("None"));
        check(
            "2026-03-29T09:00[Europe/Oslo]",
            "",
            Ok("Some(SendWindow(from 2026-03-29T09:00:00+02:00[Europe/Oslo]))"),
        );
        // What is over as a beginning is no fault: the message leaves at once.
        check(
            "2026-03-27T09:00Z",
            "",
            Ok("Some(SendWindow(from 2026-03-27T09:00:00+00:00[UTC]))"),
        );
        check(
            "",
            "2026-03-28T23:00[Europe/Oslo]",
            Ok("Some(SendWindow(2026-03-28T21:00:00+01:00[Europe/Oslo] to \
                2026-03-28T23:00:00+01:00[Europe/Oslo]))"),
        );
        check(
            "2026-03-29T09:00[Europe/Oslo]",
            "2026-03-29T10:00[Europe/Oslo]",
            Ok("Some(SendWindow(2026-03-29T09:00:00+02:00[Europe/Oslo] to \
                2026-03-29T10:00:00+02:00[Europe/Oslo]))"),
        );
        check(
            "2026-03-29T09:00[Europe/Oslo]",
            "2026-03-29T07:00Z",
            Err("--until is not after --not-before"),
        );
        check(
            "",
            "2026-03-28T21:00+01:00",
            Err("--until 2026-03-28T21:00:00+01:00[+01:00] is over"),
        );
    }
}
