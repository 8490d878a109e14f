//! Long lists in pages, and what is left out for those to whom it does not belong.
//!
//! Called by every handler that lists something.

use serde::{Deserialize, Serialize};
use tidings_core::E164;
use tidings_store::{Page, PageRequest};
use utoipa::{IntoParams, ToSchema};

use super::error::{Code, Problem, Result};

/// The most things on a page.
const MAX_LIMIT: u16 = 500;
/// What a page holds where nobody says otherwise.
const DEFAULT_LIMIT: u16 = 50;

/// Which page.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// Where the page begins: `next` of the page before. Without it the list begins.
    pub(crate) cursor: Option<String>,
    /// At most so many things: 1 to 500, otherwise 50.
    #[param(minimum = 1, maximum = 500)]
    pub(crate) limit: Option<u16>,
}

impl PageQuery {
    /// What the store is asked.
    pub(crate) fn request(self) -> Result<PageRequest> {
        let limit = self.limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            let detail = format!("limit is 1 to {MAX_LIMIT}");
            return Err(Problem::new(Code::InvalidQuery, detail));
        }
        Ok(PageRequest {
            after: self.cursor.map(String::into_boxed_str),
            limit: limit.into(),
        })
    }
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Listed<T> {
    /// What is on the page.
    pub(crate) items: Vec<T>,
    /// The cursor of the next page; `null` at the end.
    #[schema(required = true)]
    pub(crate) next: Option<String>,
}

impl<T> Listed<T> {
    /// A page of the store, shown.
    pub(crate) fn of<S>(page: Page<S>, show: impl FnMut(S) -> T) -> Self {
        Self {
            items: page.items.into_iter().map(show).collect(),
            next: page.next.map(String::from),
        }
    }

    /// A list that has one page.
    pub(crate) fn whole(items: Vec<T>) -> Self {
        Self { items, next: None }
    }
}

/// A cursor that cannot be read is the caller's, everything else that is not found is not.
pub(crate) fn page_fault(error: tidings_store::StoreError, has_cursor: bool) -> Problem {
    if has_cursor && error.kind() == tidings_store::StoreErrorKind::NotFound {
        return Problem::new(Code::InvalidCursor, "the cursor is none that a page named");
    }
    error.into()
}

/// A number, whole or without its middle.
pub(crate) fn number(number: &E164, is_masked: bool) -> String {
    if is_masked {
        masked(number.as_str())
    } else {
        number.as_str().to_owned()
    }
}

/// A number or an address without its middle.
pub(crate) fn masked(text: &str) -> String {
    let n_characters = text.chars().count();
    let shown = if n_characters > 7 { (4, 2) } else { (1, 0) };
    let beginning: String = text.chars().take(shown.0).collect();
    let end: String = text.chars().skip(n_characters - shown.1).collect();
    format!("{beginning}…{end}")
}

/// A text, whole or as its length alone.
pub(crate) fn text(text: &str, is_masked: bool) -> String {
    if is_masked {
        format!("({} characters)", text.chars().count())
    } else {
        text.to_owned()
    }
}
