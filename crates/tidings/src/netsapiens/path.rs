//! Where the calls go: paths below the base URL, with every part that comes from outside
//! percent-encoded so that it stays one part.
//!
//! Used by every file of the client; the server half matches the same shapes.

use crate::conversations::Page;
use crate::http;

/// Below the base URL.
pub(super) const ROOT: &str = "/ns-api/v2";

/// Where older servers give tokens.
pub(super) const LEGACY_TOKEN: &str = "/ns-api/oauth2/token/";

/// A path below [`ROOT`], made part by part.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Path(String);

impl Path {
    /// A path with these fixed parts, such as `/tokens`.
    pub(super) fn new(fixed: &'static str) -> Self {
        // Room for the longest there is, so that it does not grow part by part.
        let mut path = String::with_capacity(160);
        path.push_str(ROOT);
        path.push_str(fixed);
        Self(path)
    }

    /// `/domains/{domain}`.
    pub(super) fn domain(domain: &str) -> Option<Self> {
        Self::new("/domains").part(domain)
    }

    /// `/domains/{domain}/users/{user}`.
    pub(super) fn user(domain: &str, user: &str) -> Option<Self> {
        Self::domain(domain)?.fixed("/users").part(user)
    }

    /// Adds fixed parts.
    #[must_use]
    pub(super) fn fixed(mut self, fixed: &'static str) -> Self {
        self.0.push_str(fixed);
        self
    }

    /// Adds a part that may hold any character. `None` for one that would make another path of it:
    /// nothing, or one or two dots.
    pub(super) fn part(mut self, part: &str) -> Option<Self> {
        self.0.push('/');
        http::push_id(&mut self.0, part).then_some(self)
    }

    /// Asks for a part of a list. The first rows are asked for without `start`, which not every
    /// version knows on every list.
    #[must_use]
    pub(super) fn page(mut self, page: Page) -> Self {
        let Page { start, limit } = page;
        let query = match start {
            0 => format!("?limit={limit}"),
            _ => format!("?start={start}&limit={limit}"),
        };
        self.0.push_str(&query);
        self
    }

    /// The path as it is sent.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Shows nothing: parts may be phone numbers.
impl std::fmt::Debug for Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Path").finish_non_exhaustive()
    }
}
