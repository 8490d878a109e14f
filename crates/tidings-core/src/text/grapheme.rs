//! Parts that end between grapheme clusters. Called by `segment` under [`Policy::keep_graphemes`](super::Policy::keep_graphemes).
//!
//! A courtesy: a flag or a letter with its marks that is torn over two parts shows broken on some phones while they wait for the
//! second. It never costs a part, and a cluster that no part can hold is cut between characters. CR LF is two characters here,
//! not the one cluster that Unicode makes of it.

use unicode_segmentation::GraphemeCursor;

/// The Unicode version whose extended grapheme clusters (UAX #29) are kept whole: major, minor, update.
pub const UNICODE_VERSION: (u64, u64, u64) = unicode_segmentation::UNICODE_VERSION;

/// Chooses the end of one part after the other.
pub(super) struct Cuts<'t, F> {
    text: &'t str,
    /// Parts that may still be used.
    budget: usize,
    fill: F,
}

impl<'t, F: Fn(&str) -> usize> Cuts<'t, F> {
    /// `fill` gives the bytes of a text's beginning that go into one part; `budget` is the number of parts that it fills.
    pub(super) const fn new(text: &'t str, budget: usize, fill: F) -> Self {
        Self { text, budget, fill }
    }

    /// Bytes of the next part, of the text that is left.
    pub(super) fn next(&mut self, rest: &str) -> usize {
        self.budget = self.budget.saturating_sub(1);
        let greedy = (self.fill)(rest);
        let start = self.text.len() - rest.len();
        match self.cluster_around(start + greedy) {
            Some(cluster) if cluster > start && self.fits(cluster) => cluster - start,
            _ => greedy,
        }
    }

    /// Where the cluster begins that a cut at `position` would tear; `None` where nothing is torn or tearing cannot be helped.
    fn cluster_around(&self, position: usize) -> Option<usize> {
        let (before, after) = self.text.split_at_checked(position)?;
        let mut cursor = GraphemeCursor::new(position, self.text.len(), true);
        let is_line_end = before.ends_with('\r') && after.starts_with('\n');
        if is_line_end || cursor.is_boundary(self.text, 0).ok()? {
            return None;
        }
        let start = cursor.prev_boundary(self.text, 0).ok()??;
        cursor.set_cursor(position);
        let end = cursor.next_boundary(self.text, 0).ok()??;
        let cluster = self.text.get(start..end)?;
        ((self.fill)(cluster) == cluster.len()).then_some(start)
    }

    /// Whether what follows `position` still fits into the parts that are left.
    fn fits(&self, position: usize) -> bool {
        let mut rest = self.text.get(position..).unwrap_or_default();
        for _ in 0..self.budget {
            if rest.is_empty() {
                return true;
            }
            rest = rest.get((self.fill)(rest)..).unwrap_or_default();
        }
        rest.is_empty()
    }
}
