//! What a measurement counted. Called by `load.rs`, shown by `mod.rs`.

use std::time::Duration;

use super::per_second;

/// The counts of one measurement, of one connection or of all.
#[derive(Debug, Default)]
pub(super) struct Figures {
    /// Messages that were accepted.
    pub(super) n_accepted: u64,
    /// Requests that were not.
    pub(super) n_refused: u64,
    /// Rows of batches that were not.
    pub(super) n_rejected: u64,
    /// What the first of those was told.
    pub(super) first_refusal: Option<String>,
    /// Messages that were due each second, where there was a timetable.
    pub(super) offered_per_second: Option<f64>,
    took: Duration,
    /// Of each request in microseconds, from the moment it was due; sorted at the end.
    latencies: Vec<u32>,
}

impl Figures {
    pub(super) fn accepted(&mut self, n_messages: u64, latency: Duration) {
        self.n_accepted += n_messages;
        let microseconds = u32::try_from(latency.as_micros()).unwrap_or(u32::MAX);
        self.latencies.push(microseconds);
    }

    pub(super) fn refused(&mut self, why: impl FnOnce() -> String) {
        self.n_refused += 1;
        self.first_refusal.get_or_insert_with(why);
    }

    pub(super) fn rejected(&mut self, n_rows: u64, why: String) {
        self.n_rejected += n_rows;
        self.first_refusal.get_or_insert(why);
    }

    /// Puts the counts of all connections together.
    pub(super) fn sum(all: impl IntoIterator<Item = Self>, took: Duration) -> Self {
        let mut sum = Self {
            took,
            ..Self::default()
        };
        for figures in all {
            sum.n_accepted += figures.n_accepted;
            sum.n_refused += figures.n_refused;
            sum.n_rejected += figures.n_rejected;
            sum.first_refusal = sum.first_refusal.or(figures.first_refusal);
            sum.latencies.extend(figures.latencies);
        }
        sum.latencies.sort_unstable();
        sum
    }

    pub(super) fn accepted_per_second(&self) -> f64 {
        per_second(self.n_accepted, self.took)
    }

    /// The time below which this share of the answers came, in milliseconds.
    pub(super) fn percentile_ms(&self, share: f64) -> f64 {
        let Some(last) = self.latencies.len().checked_sub(1) else {
            return 0.0;
        };
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share between 0 and 1 of a list's length is a place in it"
        )]
        let place = (last as f64 * share.clamp(0.0, 1.0)).ceil() as usize;
        f64::from(self.latencies[place.min(last)]) / 1000.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_places_in_the_sorted_list() {
        let mut one = Figures::default();
        let mut other = Figures::default();
        for millisecond in (1..=100).rev() {
            let figures = if millisecond % 2 == 0 {
                &mut one
            } else {
                &mut other
            };
            figures.accepted(1, Duration::from_millis(millisecond));
        }
        let sum = Figures::sum([one, other], Duration::from_secs(2));
        let found = [0.0, 0.5, 0.99, 0.999, 1.0].map(|share| sum.percentile_ms(share).to_string());
        assert_eq!(found, ["1", "51", "100", "100", "100"]);
        assert!((sum.accepted_per_second() - 50.0).abs() < 1e-9);
    }

    #[test]
    fn nothing_counted_is_zero() {
        assert!(Figures::default().percentile_ms(0.5).abs() < f64::EPSILON);
    }

    #[test]
    fn the_first_refusal_is_kept() {
        let mut figures = Figures::default();
        figures.refused(|| "429".to_owned());
        figures.refused(|| "500".to_owned());
        let sum = Figures::sum([Figures::default(), figures], Duration::from_secs(1));
        assert_eq!(
            (sum.n_refused, sum.first_refusal.as_deref()),
            (2, Some("429"))
        );
    }
}
