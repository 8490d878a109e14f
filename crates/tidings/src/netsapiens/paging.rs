//! Lists that come in pages, as streams: one call after the other, until a page is not full.
//!
//! Called by `sessions.rs`, `numbers.rs` and `reconcile.rs`. Knows no list by name.

use std::collections::HashSet;
use std::future::Future;
use std::hash::Hash;

use futures_util::stream::{self, Stream};

use super::verdict::Call;
use crate::answer::Answer;
use crate::conversations::Page;
use crate::error::{ErrorKind, Result};

/// A page that was got, and what came with it.
pub(super) type Got<T> = Result<Answer<Vec<T>>>;

/// All pages of a list, each with the rows that the one before did not have.
///
/// A page that is not full ends the list, and so does one with more rows than were asked for: the
/// server does not know `limit` and has given all there is. While somebody writes into a list that has
/// the latest first, rows move from one page to the next; those come once. A page that holds the
/// first row of the one before is the same page again, from a server that does not know `start`: that
/// is an error, because the rest of the list cannot be had.
pub(super) fn pages<T, K, F>(
    call: Call,
    size: u32,
    key: fn(&T) -> K,
    get: impl Fn(Page) -> F + Send,
) -> impl Stream<Item = Got<T>> + Send
where
    T: Send,
    K: Eq + Hash + Send,
    F: Future<Output = Got<T>> + Send,
{
    let begin = Some(Position {
        start: 0,
        first: None,
        before: HashSet::new(),
    });
    stream::try_unfold((begin, get), move |(position, get)| async move {
        let Some(position) = position else {
            return Ok(None);
        };
        let page = get(Page::new(position.start, size)).await?;
        let is_same = position
            .first
            .as_ref()
            .is_some_and(|first| page.value.iter().any(|row| key(row) == *first));
        if is_same {
            let what = "netsapiens gives the same part of the list again: it does not know start";
            return Err(call
                .not_sent(ErrorKind::Protocol, what)
                .with_http(page.http));
        }
        let n_rows = u32::try_from(page.value.len()).unwrap_or(u32::MAX);
        let next = (n_rows == size).then(|| Position {
            start: position.start.saturating_add(n_rows),
            first: page.value.first().map(key),
            before: page.value.iter().map(key).collect(),
        });
        let before = position.before;
        let fresh = page.map(|mut rows| {
            rows.retain(|row| !before.contains(&key(row)));
            rows
        });
        Ok(Some((fresh, (next, get))))
    })
}

/// Where the next page begins, and what the one before it held.
struct Position<K> {
    start: u32,
    first: Option<K>,
    before: HashSet<K>,
}
