//! The rows of a comparison and the table of their rates.

use std::fmt::Write as _;
use std::time::Duration;

use super::AnyError;

/// How much is asked of a contestant at a time. Only rows with the same load are compared.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Load {
    pub(crate) in_flight: usize,
    pub(crate) messages_per_call: u16,
}

/// A contestant under a load.
pub(crate) struct Row<'r> {
    title: &'static str,
    load: Load,
    is_ours: bool,
    /// Calls for so long and says how many calls there were per second.
    pub(super) run: Run<'r>,
}

type Run<'r> = Box<dyn Fn(Duration) -> Result<f64, AnyError> + 'r>;

impl<'r> Row<'r> {
    pub(super) fn new(
        title: &'static str,
        load: Load,
        run: impl Fn(Duration) -> Result<f64, AnyError> + 'r,
    ) -> Self {
        Self {
            title,
            load,
            is_ours: false,
            run: Box::new(run),
        }
    }

    pub(super) fn ours(mut self) -> Self {
        self.is_ours = true;
        self
    }
}

/// One line per row. `rates`: calls per second of each row in each round.
pub(super) fn markdown(rows: &[Row<'_>], rates: &[Vec<f64>]) -> String {
    let mut table = String::from(
        "| client | messages a call | in flight | messages/s, median | least | most | ours to it |\n\
         |---|---:|---:|---:|---:|---:|---:|\n",
    );
    let medians: Vec<f64> = rates.iter().map(|rates| median(rates)).collect();
    for (row, (rates, middle)) in rows.iter().zip(rates.iter().zip(&medians)) {
        let ours = rows
            .iter()
            .position(|other| other.is_ours && other.load == row.load)
            .map_or(f64::NAN, |place| medians[place]);
        let least = rates.iter().copied().fold(f64::INFINITY, f64::min);
        let most = rates.iter().copied().fold(0.0, f64::max);
        let messages = f64::from(row.load.messages_per_call);
        writeln!(
            table,
            "| {} | {} | {} | {:.0} | {:.0} | {:.0} | {:.2} |",
            row.title,
            row.load.messages_per_call,
            row.load.in_flight,
            middle * messages,
            least * messages,
            most * messages,
            ours / middle,
        )
        .expect("a text can be written to");
    }
    table
}

fn median(rates: &[f64]) -> f64 {
    let mut sorted = rates.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}
