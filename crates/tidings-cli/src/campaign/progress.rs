//! How far a long task is, for the person who waits: a bar on a terminal, now and then a line
//! elsewhere. Always on stderr.
//!
//! Called by the commands that send or watch. It decides nothing.

use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tidings::{Clock, Timestamp};

use crate::output::Output;

/// Counts towards a total.
#[derive(Debug)]
pub(crate) struct Progress {
    what: &'static str,
    total: u64,
    done: u64,
    shown: Shown,
}

#[derive(Debug)]
enum Shown {
    Bar(ProgressBar),
    Lines {
        clock: Arc<dyn Clock>,
        last_at: Timestamp,
        last_tenth: u64,
    },
}

/// Without a terminal, a line at the latest after this time, if anything was done.
const LONGEST_SILENCE: Duration = Duration::from_secs(10);

impl Progress {
    /// `what` is counted, such as `messages sent`.
    pub(crate) fn new(
        output: &Output,
        clock: &Arc<dyn Clock>,
        what: &'static str,
        total: usize,
    ) -> Self {
        let total = total as u64;
        let shown = if output.shows_progress_bars() {
            let style = ProgressStyle::with_template(template(output.progress_width()))
                .expect("the templates are well formed");
            Shown::Bar(ProgressBar::new(total).with_style(style).with_message(what))
        } else {
            Shown::Lines {
                clock: Arc::clone(clock),
                last_at: clock.now(),
                last_tenth: 0,
            }
        };
        Self {
            what,
            total,
            done: 0,
            shown,
        }
    }

    /// So many are done now.
    pub(crate) fn set(&mut self, output: &Output, done: usize) {
        self.done = done as u64;
        match &mut self.shown {
            Shown::Bar(bar) => bar.set_position(self.done),
            Shown::Lines {
                clock,
                last_at,
                last_tenth,
            } => {
                let now = clock.now();
                let tenth = (self.done * 10).checked_div(self.total).unwrap_or(10);
                if tenth > *last_tenth || now.since(*last_at) >= LONGEST_SILENCE {
                    *last_tenth = tenth;
                    *last_at = now;
                    output.remark(format_args!("{}/{} {}", self.done, self.total, self.what));
                }
            }
        }
    }

    /// One more is done.
    pub(crate) fn advance(&mut self, output: &Output) {
        let done = usize::try_from(self.done).unwrap_or(usize::MAX);
        self.set(output, done.saturating_add(1));
    }

    /// A remark that does not tear the bar.
    pub(crate) fn remark(&self, output: &Output, remark: impl std::fmt::Display) {
        match &self.shown {
            Shown::Bar(bar) => bar.suspend(|| output.remark(remark)),
            Shown::Lines { .. } => output.remark(remark),
        }
    }

    /// Leaves the terminal as it was.
    pub(crate) fn finish(self) {
        if let Shown::Bar(bar) = self.shown {
            bar.finish_and_clear();
        }
    }
}

/// What fits into a window of this width: a line that is wrapped leaves traces.
fn template(width: Option<u16>) -> &'static str {
    match width {
        Some(0..50) => "{pos}/{len}",
        Some(50..100) => "{pos}/{len} {msg}, {eta} left",
        Some(100..) | None => {
            "{bar:30} {pos}/{len} {msg}  {per_sec:1}  {elapsed} elapsed, {eta} left"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(width: u16, n_fields: usize) {
        let template = template(Some(width));
        let longest = template
            .replace("{bar:30}", &"#".repeat(30))
            .replace("{pos}/{len}", "100000/100000")
            .replace("{msg}", "messages at their end")
            .replace("{per_sec:1}", "999.9/s")
            .replace("{elapsed}", "59m")
            .replace("{eta}", "59m");
        assert_eq!(template.matches('{').count(), n_fields, "{template}");
        assert!(!longest.contains('{'), "{longest}");
        assert!(longest.len() < width.into(), "{longest}");
    }

    #[test]
    fn progress_fits_into_the_window() {
        check(20, 2);
        check(49, 2);
        check(50, 4);
        check(99, 4);
        check(100, 7);
    }
}
