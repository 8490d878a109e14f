//! The numbers of ours that texts go out from and come in to, where a provider lets its customers
//! say whose they are.
//!
//! [`OwnNumbers`] is how programs reach them without knowing the provider; the types also serve the
//! other direction, [`crate::backend`].

use std::fmt;

use async_trait::async_trait;

use crate::error::Result;

/// One number of ours.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OwnNumber {
    /// The number, in E.164 with the plus, `+15550109876`, however the provider writes it.
    pub number: String,
    /// The provider's word for what it is used for, such as `user`.
    pub application: String,
    /// The domain that it belongs to.
    pub domain: Option<String>,
    /// To whom in the domain its texts go.
    pub owner: Option<String>,
    /// Over which carrier they go.
    pub carrier: Option<String>,
    /// Whether it can send and receive files.
    pub media: bool,
    /// Whether it can do so in groups.
    pub group_media: bool,
}

impl OwnNumber {
    /// A number that is used for something.
    pub fn new(number: impl Into<String>, application: impl Into<String>) -> Self {
        Self {
            number: number.into(),
            application: application.into(),
            domain: None,
            owner: None,
            carrier: None,
            media: false,
            group_media: false,
        }
    }

    /// Sets to whom its texts go.
    #[must_use]
    pub fn owner(mut self, owner: Option<String>) -> Self {
        self.owner = owner;
        self
    }

    /// Sets over which carrier they go.
    #[must_use]
    pub fn carrier(mut self, carrier: Option<String>) -> Self {
        self.carrier = carrier;
        self
    }
}

/// Leaves the number out.
impl fmt::Debug for OwnNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnNumber")
            .field("application", &self.application)
            .field("domain", &self.domain)
            .field("owner", &self.owner)
            .field("media", &self.media)
            .finish_non_exhaustive()
    }
}

/// The numbers of one account of a provider.
#[async_trait]
pub trait OwnNumbers: Send + Sync {
    /// All of them.
    async fn list(&self) -> Result<Vec<OwnNumber>>;

    /// How many there are.
    async fn count(&self) -> Result<u64>;

    /// Adds one.
    async fn add(&self, number: &OwnNumber) -> Result<()>;

    /// Says what one is used for and by whom; the rest of what it is does not change.
    async fn change(&self, number: &OwnNumber) -> Result<()>;

    /// Takes one away.
    async fn remove(&self, number: &str) -> Result<()>;
}
