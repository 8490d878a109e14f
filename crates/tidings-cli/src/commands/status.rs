//! `tidings status`: how far messages have come, once or until all have come to an end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tidings::{Error, ErrorKind, Provider, ProviderRef, Reason, Timestamp};

use super::Context;
use crate::args::StatusArgs;
use crate::campaign::journal::Journal;
use crate::campaign::progress::Progress;
use crate::interrupt::Interrupt;
use crate::output::{Column, Ending, bad_input};
use crate::tracking::{self, Tracked};

/// One message, in JSON.
#[derive(Serialize)]
struct StatusLine<'m> {
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    #[serde(rename = "ref")]
    about: &'m ProviderRef,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Reason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
    /// The provider's own word for the state.
    #[serde(skip_serializing_if = "Option::is_none")]
    raw: Option<&'m str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'m str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl<'m> From<&'m Tracked> for StatusLine<'m> {
    fn from(message: &'m Tracked) -> Self {
        let report = message.report.as_ref();
        Self {
            line: message.line,
            about: &message.about,
            state: message.state(),
            reason: report.and_then(|report| report.reason),
            at: report.and_then(|report| report.at),
            raw: report.and_then(|report| report.raw.as_deref()),
            detail: report.and_then(|report| report.detail.as_deref()),
            error: message.error.as_ref().map(ToString::to_string),
        }
    }
}

/// How a watch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WatchEnd {
    AllFinal,
    Interrupted,
    TimeIsUp,
}

pub(super) async fn run(
    context: &Context,
    interrupt: &mut Interrupt,
    args: &StatusArgs,
) -> anyhow::Result<()> {
    let mut tracked = which(args)?;
    let connected = context.connect(&args.account)?;
    if !connected.provider.capabilities().status {
        let what = "this provider does not tell how far messages have come";
        return Err(Error::not_sent(ErrorKind::Unsupported, what).into());
    }
    let limit = match (args.watch, args.timeout) {
        (false, _) => Some(Duration::ZERO),
        (true, limit) => limit,
    };
    let end = watch(context, interrupt, &connected.provider, &mut tracked, limit).await?;
    if !context.output.is_json() {
        show(context, &tracked, args.journal.is_some())?;
    }
    let open = tracked.iter().filter(|message| !message.is_final()).count();
    match end {
        WatchEnd::Interrupted => {
            Err(Ending::Interrupted(format!("{open} messages are still on their way")).into())
        }
        WatchEnd::TimeIsUp if args.watch => {
            Err(Ending::Partly(format!("{open} messages are still on their way")).into())
        }
        WatchEnd::AllFinal | WatchEnd::TimeIsUp => errors_of(&tracked),
    }
}

fn which(args: &StatusArgs) -> anyhow::Result<Vec<Tracked>> {
    if let Some(path) = &args.journal {
        let references = Journal::references(path)?;
        return Ok(references
            .into_iter()
            .map(|(line, about)| Tracked::new(Some(line), about))
            .collect());
    }
    let parse = |id: &String| {
        if !id.trim_start().starts_with('{') {
            return Ok(Tracked::new(None, ProviderRef::message(id.as_str())));
        }
        let about = serde_json::from_str(id)
            .map_err(|error| bad_input(format!("this is no reference of a message: {error}")))?;
        Ok(Tracked::new(None, about))
    };
    args.ids.iter().map(parse).collect()
}

/// Asks until every message has come to an end, the time is up, or the person stops it. With JSON
/// output every change of a state is a line as it comes.
pub(super) async fn watch(
    context: &Context,
    interrupt: &mut Interrupt,
    provider: &Arc<dyn Provider>,
    tracked: &mut [Tracked],
    limit: Option<Duration>,
) -> anyhow::Result<WatchEnd> {
    let output = &context.output;
    let started = context.clock.now();
    let mut progress = Progress::new(
        output,
        &context.clock,
        "messages at their end",
        tracked.len(),
    );
    let mut pause = None;
    let mut first = true;
    let end = loop {
        let changed = tokio::select! {
            changed = tracking::ask(provider, tracked) => changed,
            () = interrupt.wait() => break WatchEnd::Interrupted,
        };
        if output.is_json() {
            for (position, message) in tracked.iter().enumerate() {
                if first || changed.binary_search(&position).is_ok() {
                    output.json_line(&StatusLine::from(message))?;
                }
            }
        }
        first = false;
        let n_final = tracked.iter().filter(|message| message.is_final()).count();
        if n_final == tracked.len() {
            break WatchEnd::AllFinal;
        }
        let spent = context.clock.now().since(started);
        if limit.is_some_and(|limit| spent >= limit) {
            break WatchEnd::TimeIsUp;
        }
        progress.set(output, n_final);
        let wait = tracking::next_pause(pause);
        pause = Some(wait);
        tokio::select! {
            () = tokio::time::sleep(limit.map_or(wait, |limit| wait.min(limit.saturating_sub(spent)))) => {}
            () = interrupt.wait() => break WatchEnd::Interrupted,
        }
    };
    progress.finish();
    Ok(end)
}

/// How many messages are in which state.
pub(super) fn states(tracked: &[Tracked]) -> BTreeMap<&'static str, usize> {
    let mut states = BTreeMap::new();
    for message in tracked {
        *states.entry(message.state()).or_default() += 1;
    }
    states
}

fn show(context: &Context, tracked: &[Tracked], is_campaign: bool) -> anyhow::Result<()> {
    let output = &context.output;
    if is_campaign {
        let rows = states(tracked)
            .into_iter()
            .map(|(state, count)| vec![state.to_owned(), count.to_string()]);
        output.table(
            &[Column::Text("state"), Column::Number("messages")],
            rows.collect(),
        )?;
    }
    // Of a campaign only what went wrong is listed.
    let shown = tracked
        .iter()
        .filter(|message| !is_campaign || is_worth_a_line(message));
    let rows: Vec<Vec<String>> = shown.map(row).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let columns = ["message", "state", "since", "reason"].map(Column::Text);
    output.table(&columns, rows)
}

fn is_worth_a_line(message: &Tracked) -> bool {
    message.error.is_some()
        || message
            .report
            .as_ref()
            .is_some_and(|report| report.reason.is_some())
}

fn row(message: &Tracked) -> Vec<String> {
    let about = &message.about;
    let id = about
        .message
        .clone()
        .or_else(|| serde_json::to_string(about).ok());
    let id = match message.line {
        Some(line) => format!("line {line}: {}", id.unwrap_or_default()),
        None => id.unwrap_or_default(),
    };
    let report = message.report.as_ref();
    let at = report.and_then(|report| report.at).map(|at| at.to_string());
    let reason = report.and_then(|report| {
        let reason = report.reason.map(|reason| reason_word(reason).to_owned());
        reason
            .into_iter()
            .chain(report.detail.clone())
            .reduce(|reason, detail| format!("{reason}: {detail}"))
    });
    let error = message.error.as_ref().map(ToString::to_string);
    vec![
        id,
        message.state().to_owned(),
        at.unwrap_or_default(),
        reason.or(error).unwrap_or_default(),
    ]
}

fn reason_word(reason: Reason) -> String {
    // The stable words are those of the JSON form.
    serde_json::to_value(reason)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}

/// A message that could not be asked about is the command's failure.
fn errors_of(tracked: &[Tracked]) -> anyhow::Result<()> {
    let errors: Vec<&Arc<Error>> = tracked
        .iter()
        .filter_map(|message| message.error.as_ref())
        .collect();
    match (errors.first(), errors.len(), tracked.len()) {
        (None, ..) => Ok(()),
        (Some(error), failed, all) if failed == all => Err(Arc::clone(error).into()),
        (Some(_), failed, all) => Err(Ending::Partly(format!(
            "{failed} of {all} messages could not be asked about"
        ))
        .into()),
    }
}
