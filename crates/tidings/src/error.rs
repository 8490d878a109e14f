//! What can go wrong between a caller and a provider, and the one question that decides what may
//! be done about it: could the message be on its way?
//!
//! Made by `http.rs` and by each provider's `map.rs`; layers and dispatchers ask only
//! [`Error::kind`], [`Error::acceptance`], [`Error::is_safe_to_resend`] and
//! [`Error::may_fail_over`]. No status code is looked at outside `map.rs`.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use tidings_core::ProviderRef;

use crate::answer::HttpMetadata;

/// The result of a call to a provider.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failed call, or a refused message.
///
/// `Display` is one sentence of our own; the provider's words are in [`Error::provider_text`],
/// because they may repeat what was sent and so must not reach a log by themselves.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    acceptance: Acceptance,
    what: Cow<'static, str>,
    provider: Option<&'static str>,
    operation: Option<&'static str>,
    provider_code: Option<String>,
    provider_text: Option<String>,
    retry_after: Option<Duration>,
    http: Option<HttpMetadata>,
    provider_ref: Option<ProviderRef>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What went wrong, in kinds that ask for different reactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The message has a form that cannot be sent: too long, empty, a field missing.
    InvalidMessage,
    /// The recipient is no number that this provider serves.
    InvalidRecipient,
    /// The sender is not one that this provider allows.
    InvalidSender,
    /// Wrong or expired credentials.
    Unauthorized,
    /// The credentials are good and do not allow this.
    Forbidden,
    /// What was asked about does not exist.
    NotFound,
    /// The provider refused for a reason of its own.
    Rejected,
    /// Nothing is left on the account.
    InsufficientCredit,
    /// Too many calls: wait, for [`Error::retry_after`] where it is given.
    RateLimited,
    /// The provider cannot be reached or does not serve at present.
    Unavailable,
    /// No answer in time.
    Timeout,
    /// This provider, or this account, has no such function.
    Unsupported,
    /// The answer is not what the provider's API promises.
    Protocol,
    /// A setting is missing or wrong.
    Config,
}

impl ErrorKind {
    /// Every kind, for tables and tests.
    pub const ALL: [Self; 14] = [
        Self::InvalidMessage,
        Self::InvalidRecipient,
        Self::InvalidSender,
        Self::Unauthorized,
        Self::Forbidden,
        Self::NotFound,
        Self::Rejected,
        Self::InsufficientCredit,
        Self::RateLimited,
        Self::Unavailable,
        Self::Timeout,
        Self::Unsupported,
        Self::Protocol,
        Self::Config,
    ];

    /// The stable word for this kind, as in JSON output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidMessage => "invalid_message",
            Self::InvalidRecipient => "invalid_recipient",
            Self::InvalidSender => "invalid_sender",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::Rejected => "rejected",
            Self::InsufficientCredit => "insufficient_credit",
            Self::RateLimited => "rate_limited",
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::Unsupported => "unsupported",
            Self::Protocol => "protocol",
            Self::Config => "config",
        }
    }

    /// Whether it is a fault of the provider or of the way to it: it cannot be reached, does not
    /// answer in time, or answers what its API does not promise. Verdicts about messages, credentials,
    /// credit and throttling are none. Breakers and measured routes count these and nothing else.
    pub const fn is_provider_fault(self) -> bool {
        match self {
            Self::Unavailable | Self::Timeout | Self::Protocol => true,
            Self::InvalidMessage
            | Self::InvalidRecipient
            | Self::InvalidSender
            | Self::Unauthorized
            | Self::Forbidden
            | Self::NotFound
            | Self::Rejected
            | Self::InsufficientCredit
            | Self::RateLimited
            | Self::Unsupported
            | Self::Config => false,
        }
    }
}

/// The stable word.
impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Could the message be on its way? Of a call that carries no message, the answer is always
/// [`Acceptance::NotSent`].
///
/// A `match` over it names what is proved and takes everything else for "may be on its way".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Acceptance {
    /// Proved that it is not: the call failed before the first byte of its body, or the provider
    /// explicitly declined to take the call.
    NotSent,
    /// The provider looked at the message and said no.
    Refused,
    /// Bytes went out and no readable verdict came back: nobody can know.
    Unknown,
}

impl Acceptance {
    /// The stable word, as in JSON output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotSent => "not_sent",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
        }
    }
}

/// The stable word.
impl fmt::Display for Acceptance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Error {
    /// An error with our own sentence about it: lower case, no full stop, no secret, no text of a
    /// message, no whole number.
    pub fn new(
        kind: ErrorKind,
        acceptance: Acceptance,
        what: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self(Box::new(Inner {
            kind,
            acceptance,
            what: what.into(),
            provider: None,
            operation: None,
            provider_code: None,
            provider_text: None,
            retry_after: None,
            http: None,
            provider_ref: None,
            source: None,
        }))
    }

    /// A message or call that was refused before anything was sent.
    pub fn not_sent(kind: ErrorKind, what: impl Into<Cow<'static, str>>) -> Self {
        Self::new(kind, Acceptance::NotSent, what)
    }

    /// The error of a call that was not made because an earlier one of the same list had failed. It
    /// keeps how long to wait; where the list stands in, the caller says.
    #[cfg(all(feature = "client", feature = "any-provider"))]
    pub(crate) fn not_attempted(cause: &Self) -> Self {
        // What is unknown about the earlier call is not unknown about this one.
        let kind = match cause.acceptance() {
            Acceptance::Unknown => ErrorKind::Unavailable,
            Acceptance::NotSent | Acceptance::Refused => cause.kind(),
        };
        let what = "not attempted, because an earlier call of the same list failed";
        let error = Self::not_sent(kind, what);
        match cause.retry_after() {
            Some(wait) => error.with_retry_after(wait),
            None => error,
        }
    }

    /// Names the provider and the operation.
    #[must_use]
    pub fn during(mut self, provider: &'static str, operation: &'static str) -> Self {
        self.0.provider = Some(provider);
        self.0.operation = Some(operation);
        self
    }

    /// Keeps the provider's own code.
    #[must_use]
    pub fn with_provider_code(mut self, code: impl Into<String>) -> Self {
        self.0.provider_code = Some(code.into());
        self
    }

    /// Keeps the provider's own words.
    #[must_use]
    pub fn with_provider_text(mut self, text: impl Into<String>) -> Self {
        self.0.provider_text = Some(text.into());
        self
    }

    /// Keeps how long to wait.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    /// Keeps what came with the answer; its `Retry-After` becomes this error's, unless one is set.
    #[must_use]
    pub fn with_http(mut self, http: HttpMetadata) -> Self {
        self.0.retry_after = self.0.retry_after.or(http.retry_after);
        self.0.http = Some(http);
        self
    }

    /// Keeps how to ask about what the provider may have taken.
    #[must_use]
    pub fn with_provider_ref(mut self, about: ProviderRef) -> Self {
        self.0.provider_ref = Some(about);
        self
    }

    /// Keeps the cause.
    #[must_use]
    pub fn with_source(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The same error for another message that shares its fate. The cause stays with the first.
    #[must_use]
    pub fn copy_without_source(&self) -> Self {
        let Inner {
            kind,
            acceptance,
            what,
            provider,
            operation,
            provider_code,
            provider_text,
            retry_after,
            http,
            provider_ref,
            source: _,
        } = &*self.0;
        Self(Box::new(Inner {
            kind: *kind,
            acceptance: *acceptance,
            what: what.clone(),
            provider: *provider,
            operation: *operation,
            provider_code: provider_code.clone(),
            provider_text: provider_text.clone(),
            retry_after: *retry_after,
            http: http.clone(),
            provider_ref: provider_ref.clone(),
            source: None,
        }))
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Could the message be on its way?
    pub fn acceptance(&self) -> Acceptance {
        self.0.acceptance
    }

    /// Whether the same message may be handed over again without risking a second text: it is
    /// proved that nothing was sent, and the cause is one that passes.
    pub fn is_safe_to_resend(&self) -> bool {
        let passes = matches!(
            self.0.kind,
            ErrorKind::RateLimited | ErrorKind::Unavailable | ErrorKind::Timeout
        );
        passes && self.0.acceptance == Acceptance::NotSent
    }

    /// Whether the same message may be handed to another account without risking a second text: it is
    /// proved that this one sent nothing, and the cause lies with the account or its provider rather
    /// than with the message.
    ///
    /// A message, a recipient or a text that one provider refuses is refused by all, or would get
    /// past a filter by another door; such an error is the end of it.
    pub fn may_fail_over(&self) -> bool {
        let is_another_accounts_chance = match self.0.kind {
            ErrorKind::InvalidSender
            | ErrorKind::Unauthorized
            | ErrorKind::Forbidden
            | ErrorKind::NotFound
            | ErrorKind::InsufficientCredit
            | ErrorKind::RateLimited
            | ErrorKind::Unavailable
            | ErrorKind::Timeout
            | ErrorKind::Unsupported
            | ErrorKind::Protocol
            | ErrorKind::Config => true,
            ErrorKind::InvalidMessage | ErrorKind::InvalidRecipient | ErrorKind::Rejected => false,
        };
        let is_proved = match self.0.acceptance {
            Acceptance::NotSent | Acceptance::Refused => true,
            Acceptance::Unknown => false,
        };
        is_another_accounts_chance && is_proved
    }

    /// How long the provider asked to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The provider's id, such as `passinfo`.
    pub fn provider(&self) -> Option<&'static str> {
        self.0.provider
    }

    /// The call that failed, such as `send_message`.
    pub fn operation(&self) -> Option<&'static str> {
        self.0.operation
    }

    /// The provider's own code: a number, a word, or the HTTP status where it has none.
    pub fn provider_code(&self) -> Option<&str> {
        self.0.provider_code.as_deref()
    }

    /// The provider's own words. They may repeat what was sent: show them to the person who sent
    /// it, never log them.
    pub fn provider_text(&self) -> Option<&str> {
        self.0.provider_text.as_deref()
    }

    /// How to ask about the message, where an answer left its outcome unknown and yet gave an id:
    /// of a batch, for instance, of which only some messages were taken.
    pub fn provider_ref(&self) -> Option<&ProviderRef> {
        self.0.provider_ref.as_ref()
    }

    /// Status, request id and rate limits, where there was an answer.
    pub fn http(&self) -> Option<&HttpMetadata> {
        self.0.http.as_ref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.what)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Error");
        shown
            .field("kind", &self.0.kind)
            .field("acceptance", &self.0.acceptance);
        shown.field("what", &self.0.what);
        if let (Some(provider), Some(operation)) = (self.0.provider, self.0.operation) {
            shown
                .field("provider", &provider)
                .field("operation", &operation);
        }
        if let Some(code) = &self.0.provider_code {
            shown.field("provider_code", code);
        }
        if let Some(wait) = &self.0.retry_after {
            shown.field("retry_after", wait);
        }
        if let Some(http) = &self.0.http {
            shown.field("http", http);
        }
        if let Some(about) = &self.0.provider_ref {
            shown.field("provider_ref", about);
        }
        if let Some(source) = &self.0.source {
            shown.field("source", source);
        }
        shown.finish_non_exhaustive()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0
            .source
            .as_deref()
            .map(|source| source as &(dyn std::error::Error + 'static))
    }
}
