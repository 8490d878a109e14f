//! Lists that a provider gives in parts, read to their end or to a limit.
//!
//! Called by `sessions.rs` and `messages.rs`.

use std::collections::HashSet;

use tidings::conversations::Page;
use tidings::{Error, ErrorKind};

/// Rows of one call: more make answers of megabytes, fewer make more calls.
const PAGE_ROWS: u32 = 500;

/// Asks for one part after the other and hands on what is new, `limit` rows at the most. A part that
/// is not as long as was asked ends the list. While somebody writes into a list, rows move from one
/// part to the next: those come once.
///
/// # Errors
/// Those of `get` and `take`; [`ErrorKind::Protocol`] when a part is the same as the one before: then
/// the rest of the list cannot be had.
pub(super) async fn read<T>(
    limit: Option<u32>,
    id_of: impl Fn(&T) -> &str,
    get: impl AsyncFn(Page) -> tidings::Result<Vec<T>>,
    mut take: impl AsyncFnMut(Vec<T>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut known: HashSet<String> = HashSet::new();
    let mut start = 0;
    let mut left = limit.unwrap_or(u32::MAX);
    while left > 0 {
        let asked = left.min(PAGE_ROWS);
        let mut rows = get(Page::new(start, asked)).await?;
        let got = u32::try_from(rows.len()).unwrap_or(u32::MAX);
        rows.retain(|row| known.insert(id_of(row).to_owned()));
        if got > 0 && rows.is_empty() {
            let what = "the provider gives the same part of the list again: the rest cannot be had";
            return Err(Error::not_sent(ErrorKind::Protocol, what).into());
        }
        rows.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        left -= u32::try_from(rows.len()).unwrap_or(u32::MAX);
        start += got;
        if !rows.is_empty() {
            take(rows).await?;
        }
        // More than was asked for is all that there is: such a server knows no parts.
        if got != asked {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A list of this many rows; the calls that were made of it, and the rows that came.
    async fn read_list(
        rows: u32,
        limit: Option<u32>,
        knows_parts: bool,
    ) -> (Vec<(u32, u32)>, anyhow::Result<usize>) {
        let calls = std::sync::Mutex::new(Vec::new());
        let get = async |page: Page| {
            calls.lock().unwrap().push((page.start, page.limit));
            let start = if knows_parts { page.start } else { 0 };
            let end = rows.min(start.saturating_add(page.limit));
            Ok((start..end).map(|row| row.to_string()).collect())
        };
        let mut came = 0;
        let result = read(
            limit,
            |row: &String| row,
            get,
            async |rows| {
                came += rows.len();
                Ok(())
            },
        );
        let result = result.await;
        let calls = calls.into_inner().unwrap();
        (calls, result.map(|()| came))
    }

    #[tokio::test]
    async fn all_parts_are_read_and_no_more_than_are_wanted() {
        let (calls, came) = read_list(1_200, None, true).await;
        assert_eq!(calls, [(0, 500), (500, 500), (1_000, 500)]);
        assert_eq!(came.unwrap(), 1_200);
        let (calls, came) = read_list(1_200, Some(501), true).await;
        assert_eq!(calls, [(0, 500), (500, 1)]);
        assert_eq!(came.unwrap(), 501);
        let (calls, came) = read_list(0, Some(3), true).await;
        assert_eq!((calls, came.unwrap()), (vec![(0, 3)], 0));
    }

    #[tokio::test]
    async fn a_list_that_begins_again_is_an_error_and_no_loop() {
        let (calls, came) = read_list(1_200, None, false).await;
        assert_eq!(calls.len(), 2);
        assert!(came.unwrap_err().to_string().contains("the same part"));
    }
}
