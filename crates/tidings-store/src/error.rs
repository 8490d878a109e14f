//! What can go wrong in the store.
//!
//! Made by every implementation; the gateway decides by [`StoreError::kind`] alone.

use std::borrow::Cow;
use std::fmt;

/// A result of the store.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// Why the store did not do something. Nothing of the transaction was kept.
pub struct StoreError(Box<Inner>);

struct Inner {
    kind: StoreErrorKind,
    what: Cow<'static, str>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What kind of trouble it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// What was named is not there.
    NotFound,
    /// Something of this name is there already, or is in a state that does not allow it.
    Conflict,
    /// Nothing can be written at present: the disk is full, the file is locked, the server is away.
    /// What was asked for may be asked for again.
    Unavailable,
    /// The database belongs to a newer version, or what it holds cannot be read.
    Corrupt,
}

impl StoreError {
    /// An error of a kind, with our own sentence about it.
    pub fn new(kind: StoreErrorKind, what: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            kind,
            what: what.into(),
            source: None,
        }))
    }

    /// What was named is not there; `what` is its kind, such as `message`.
    pub fn not_found(what: &'static str) -> Self {
        Self::new(StoreErrorKind::NotFound, format!("there is no such {what}"))
    }

    /// Something of this name is there already, or its state does not allow it.
    pub fn conflict(what: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StoreErrorKind::Conflict, what)
    }

    /// Adds what caused it.
    #[must_use]
    pub fn with_source(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What kind of trouble it is.
    pub fn kind(&self) -> StoreErrorKind {
        self.0.kind
    }

    /// A copy for a further caller of the same transaction; the cause stays with the first.
    #[must_use]
    pub fn copy_without_source(&self) -> Self {
        Self::new(self.0.kind, self.0.what.clone())
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.what)
    }
}

impl fmt::Debug for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreError")
            .field("kind", &self.0.kind)
            .field("what", &self.0.what)
            .field("source", &self.0.source)
            .finish()
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|source| &**source as _)
    }
}
