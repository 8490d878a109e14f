//! `tidings status`: how far messages have come, once or until all have come to an end.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tidings::{Error, ErrorKind, Provider, ProviderRef, Reason, Timestamp};

use super::Context;
use crate::args::StatusArgs;
use crate::campaign::CampaignError;
use crate::campaign::journal::{Identity, Journal};
use crate::campaign::progress::Progress;
use crate::config::Lane;
use crate::interrupt::Interrupt;
use crate::output::{Column, Ending, bad_input, counted};
use crate::reports::Reports;
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

/// After this time without a change a watch says that there may never be one, or ends.
const STILL_FOR: Duration = Duration::from_mins(1);

/// How a watch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WatchEnd {
    AllFinal,
    Interrupted,
    TimeIsUp,
    /// Nothing moves, and the provider may never tell more.
    NothingMoves,
}

pub(super) async fn run(
    context: &Context,
    interrupt: &mut Interrupt,
    args: &StatusArgs,
) -> anyhow::Result<()> {
    let connected = context.connect(&args.account)?;
    let mut reports = args.reports.as_deref().map(Reports::open).transpose()?;
    let mut tracked: Vec<Tracked> = if let Some(path) = &args.journal {
        of_journal(context, path, &connected.lane, reports.as_mut())?
    } else {
        let ids = args.ids.iter().map(|id| of_id(id));
        ids.collect::<Result<_, _>>()?
    };
    let capabilities = connected.provider.capabilities();
    if !capabilities.status && !capabilities.reports && reports.is_none() {
        let what = "this provider does not tell how far messages have come";
        return Err(Error::not_sent(ErrorKind::Unsupported, what).into());
    }
    if !capabilities.status && reports.is_none() {
        context.output.remark(
            "this provider tells what became of a message only by calling its customer's server: \
             `tidings callbacks` receives that, and --reports reads what it wrote",
        );
    }
    let limit = match (args.watch, args.timeout) {
        (false, _) => Some(Duration::ZERO),
        (true, limit) => limit,
    };
    let output = &context.output;
    let mut watch = Watch {
        context,
        interrupt,
        provider: &connected.provider,
        reports: reports.as_mut(),
        limit,
        remark: &|remark| output.remark(remark),
    };
    let mut on_change = |message: &Tracked| {
        if output.is_json() {
            output.json_line(&StatusLine::from(message))?;
        }
        Ok(())
    };
    let end = watch.run(&mut tracked, &mut on_change).await?;
    let n_unreadable = reports.as_ref().map_or(0, Reports::n_unreadable);
    if n_unreadable > 0 {
        context.output.warn(format_args!(
            "{} of the reports could not be read",
            counted(n_unreadable, "line")
        ));
    }
    if !context.output.is_json() {
        show(context, &tracked, args.journal.is_some())?;
    }
    let open = tracked.iter().filter(|message| !message.is_final()).count();
    let still = format!("still on their way: {}", counted(open, "message"));
    match end {
        WatchEnd::Interrupted => Err(Ending::Interrupted(still).into()),
        WatchEnd::TimeIsUp if args.watch => Err(Ending::Partly(still).into()),
        WatchEnd::NothingMoves => Err(Ending::Partly(format!(
            "{still}; nothing has changed for a minute, and this provider may never tell more: \
             --timeout says how long to go on"
        ))
        .into()),
        WatchEnd::AllFinal | WatchEnd::TimeIsUp => errors_of(&tracked),
    }
}

/// Another account knows nothing of these ids, or knows other messages under them.
fn of_journal(
    context: &Context,
    path: &Path,
    lane: &Lane,
    reports: Option<&mut Reports>,
) -> anyhow::Result<Vec<Tracked>> {
    let mut known = Journal::read(path)?;
    if Identity::is_gateway(&known.account) {
        return Err(bad_input(format!(
            "the journal {} is of a campaign over a gateway: `tidings batches list` shows how far its \
             batches are",
            path.display()
        )));
    }
    if known.account != Identity::account_of(lane.spec, &lane.account) {
        return Err(CampaignError::OtherAccount {
            path: path.to_owned(),
        }
        .into());
    }
    if let Some(reports) = reports {
        reports.refresh()?;
        // What was reported on was sent, whatever became of the call.
        let is_reported = |(_, about): &mut (u64, ProviderRef)| reports.of(about).is_some();
        known
            .references
            .extend(known.unknown.extract_if(.., is_reported));
        known.references.sort_by_key(|(line, _)| *line);
    }
    if !known.unknown.is_empty() {
        context.output.warn(format_args!(
            "nobody can know whether the {} of other rows reached the provider; they are not in this list",
            counted(known.unknown.len(), "message")
        ));
    }
    let references = known.references.into_iter();
    Ok(references
        .map(|(line, about)| Tracked::new(Some(line), about))
        .collect())
}

fn of_id(id: &str) -> anyhow::Result<Tracked> {
    if id.trim().is_empty() {
        return Err(bad_input("an empty id is that of no message"));
    }
    if !id.trim_start().starts_with('{') {
        return Ok(Tracked::new(None, ProviderRef::message(id)));
    }
    let about: ProviderRef = serde_json::from_str(id)
        .map_err(|error| bad_input(format!("this is no reference of a message: {error}")))?;
    let named = [&about.message, &about.batch, &about.session];
    if named.into_iter().all(Option::is_none) && about.reference.is_none() {
        let what =
            "this is no reference of a message: it has none of message, batch, session, reference";
        return Err(bad_input(what));
    }
    Ok(Tracked::new(None, about))
}

/// What watching needs.
pub(super) struct Watch<'a> {
    pub(super) context: &'a Context,
    pub(super) interrupt: &'a mut Interrupt,
    pub(super) provider: &'a Arc<dyn Provider>,
    /// What the provider told by calling back, where that is known.
    pub(super) reports: Option<&'a mut Reports>,
    /// How long to watch; zero asks once, `None` until all have come to an end, or for as long as
    /// something changes where the provider may never tell of an end.
    pub(super) limit: Option<Duration>,
    /// Hears what is to be said on the way, besides progress.
    pub(super) remark: &'a (dyn Fn(&str) + Sync),
}

impl Watch<'_> {
    /// Asks until every message has come to an end, the time is up, or the person stops it. After
    /// the first answers `on_change` hears of every message, then of every change of a state.
    pub(super) async fn run(
        &mut self,
        tracked: &mut [Tracked],
        on_change: &mut (dyn FnMut(&Tracked) -> anyhow::Result<()> + Send),
    ) -> anyhow::Result<WatchEnd> {
        let Context { output, clock, .. } = self.context;
        let started = clock.now();
        let total = tracked.len();
        let mut progress = (self.limit != Some(Duration::ZERO))
            .then(|| Progress::new(output, clock, "messages at their end", total));
        let mut pause = None;
        let mut moved_at = Some(started);
        let end = loop {
            let before: Vec<_> = tracked.iter().map(Tracked::state).collect();
            self.take_reports(tracked)?;
            tokio::select! {
                () = tracking::ask(self.provider, tracked) => {}
                () = self.interrupt.wait() => break WatchEnd::Interrupted,
            }
            let is_first = pause.is_none();
            for (message, before) in tracked.iter().zip(before) {
                if is_first || message.state() != before {
                    moved_at = moved_at.map(|_| clock.now());
                    on_change(message)?;
                }
            }
            let n_final = tracked
                .iter()
                .filter(|message| self.is_over(message))
                .count();
            if let Some(progress) = &mut progress {
                progress.set(output, n_final);
            }
            if n_final == tracked.len() {
                break WatchEnd::AllFinal;
            }
            let spent = clock.now().since(started);
            if self.limit.is_some_and(|limit| spent >= limit) {
                break WatchEnd::TimeIsUp;
            }
            if moved_at.is_some_and(|moved_at| clock.now().since(moved_at) >= STILL_FOR) {
                if self.limit.is_none() && !self.provider.capabilities().tells_delivery {
                    break WatchEnd::NothingMoves;
                }
                moved_at = None;
                self.say_that_nothing_moves(tracked.len() - n_final);
            }
            let next = tracking::next_pause(pause);
            pause = Some(next);
            let left = self.limit.map_or(next, |limit| limit.saturating_sub(spent));
            tokio::select! {
                () = tokio::time::sleep(next.min(left)) => {}
                () = self.interrupt.wait() => break WatchEnd::Interrupted,
            }
        };
        if let Some(progress) = progress {
            progress.finish();
        }
        Ok(end)
    }

    /// Said once.
    fn say_that_nothing_moves(&self, open: usize) {
        let end = if self.limit.is_some() {
            ""
        } else {
            "; --timeout ends such a watch by itself, Ctrl-C ends this one"
        };
        let why = if self.provider.capabilities().tells_delivery {
            ""
        } else {
            ", and this provider may never tell more of them"
        };
        (self.remark)(&format!(
            "nothing has changed for a minute and {} did not come to an end{why}{end}",
            counted(open, "message")
        ));
    }

    fn take_reports(&mut self, tracked: &mut [Tracked]) -> anyhow::Result<()> {
        let Some(reports) = self.reports.as_deref_mut() else {
            return Ok(());
        };
        reports.refresh()?;
        for message in tracked {
            if let Some(report) = reports.of(&message.about) {
                message.hear(report.clone());
            }
        }
        Ok(())
    }

    /// Whether to watch it no longer. Where reports come in, they can still say more than the
    /// provider does when it is asked.
    fn is_over(&self, message: &Tracked) -> bool {
        message.is_final() || (message.is_asked_out && self.reports.is_none())
    }
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
    if is_campaign && !tracked.is_empty() {
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
        let reason = report.reason.map(reason_word);
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
