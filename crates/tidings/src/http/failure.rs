//! Calls without a whole answer, and what that means for the message that they carried.
//!
//! Made by `mod.rs`, turned into an [`Error`] by each provider's `client.rs`. It holds no request:
//! neither a URL nor a header nor a body can be in what it shows.

use std::error::Error as StdError;
use std::fmt;

use super::connector::ConnectFault;
use super::reach::Reach;
use crate::answer::HttpMetadata;
use crate::error::{Acceptance, Error, ErrorKind};

/// Whether a call carries a message: decides what a failure means for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Carries {
    /// If the call arrives, a phone may receive a text (or something else happens once).
    Message,
    /// The call only asks: it can be repeated at will.
    Question,
}

/// A call without a whole answer.
#[derive(Debug)]
#[non_exhaustive]
pub struct HttpFailure {
    /// How far it came.
    pub reach: Reach,
    /// Whether time ran out.
    pub timed_out: bool,
    /// What came with the head of the answer, if that much came back.
    pub http: Option<HttpMetadata>,
    fault: Fault,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The time for the whole call was over.
    Timeout,
    /// The time for making a connection was over.
    ConnectTimeout,
    /// There is nothing on this machine by which a server could be trusted.
    NoRoots,
    /// No connection could be made.
    Connect,
    /// The connection ended, or failed.
    Closed,
    /// What came back is not HTTP, or more of it than is allowed.
    Malformed,
    /// The body of the answer is longer than the limit.
    TooLong,
    /// The request is none that can be sent.
    BadRequest,
}

impl HttpFailure {
    pub(super) fn new(reach: Reach, fault: Fault) -> Self {
        Self {
            reach,
            timed_out: matches!(fault, Fault::Timeout | Fault::ConnectTimeout),
            http: None,
            fault,
            source: None,
        }
    }

    pub(super) fn with_source(
        mut self,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        self.source = Some(source.into());
        self
    }

    pub(super) fn with_http(mut self, http: HttpMetadata) -> Self {
        self.http = Some(http);
        self
    }

    /// The kind of error that this is.
    pub fn kind(&self) -> ErrorKind {
        match self.fault {
            Fault::Timeout | Fault::ConnectTimeout => ErrorKind::Timeout,
            Fault::NoRoots | Fault::BadRequest => ErrorKind::Config,
            Fault::Connect | Fault::Closed => ErrorKind::Unavailable,
            Fault::Malformed | Fault::TooLong => ErrorKind::Protocol,
        }
    }

    /// What this failure means for a message: [`Acceptance::NotSent`] only when it is proved that
    /// the server cannot have had the whole call.
    pub fn acceptance(&self, carries: Carries) -> Acceptance {
        match (carries, self.reach) {
            (Carries::Message, Reach::Body | Reach::Answer) => Acceptance::Unknown,
            (Carries::Message, Reach::NotConnected | Reach::Connected | Reach::Head)
            | (Carries::Question, _) => Acceptance::NotSent,
        }
    }

    /// What this failure means for a call of `provider` that carries a message or a question.
    pub fn into_error(
        self,
        provider: &'static str,
        operation: &'static str,
        carries: Carries,
    ) -> Error {
        let acceptance = self.acceptance(carries);
        let mut error = Error::new(self.kind(), acceptance, format!("{provider} {self}"))
            .during(provider, operation);
        if let Some(http) = self.http {
            error = error.with_http(http);
        }
        match self.source {
            Some(source) => error.with_source(source),
            None => error,
        }
    }
}

/// A sentence without its subject, which is the provider.
impl fmt::Display for HttpFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.fault, self.reach) {
            (Fault::Timeout, Reach::Answer) => "did not finish its answer in time",
            (Fault::Timeout, _) => "did not answer in time",
            (Fault::ConnectTimeout, _) => "cannot be reached in time",
            (Fault::NoRoots, _) => {
                "cannot be trusted over TLS: no root certificates on this machine"
            }
            (Fault::Connect, _) => "cannot be reached",
            (Fault::Closed, Reach::Answer) => "broke off its answer",
            (Fault::Closed, _) => "closed the connection without an answer",
            (Fault::Malformed, _) => "gave an answer that is not proper HTTP",
            (Fault::TooLong, _) => "gave an answer that is longer than the limit",
            (Fault::BadRequest, _) => "cannot be sent this request",
        })
    }
}

impl StdError for HttpFailure {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

impl Fault {
    /// What the HTTP engine means. Its error holds neither the URL nor a header nor a body.
    pub(super) fn of(error: &hyper_util::client::legacy::Error) -> Self {
        let mut next = error.source();
        while let Some(cause) = next {
            if let Some(fault) = cause.downcast_ref::<ConnectFault>() {
                return match fault {
                    ConnectFault::Timeout => Self::ConnectTimeout,
                    ConnectFault::NoRoots => Self::NoRoots,
                };
            }
            if let Some(error) = cause.downcast_ref::<hyper::Error>() {
                if error.is_parse() {
                    return Self::Malformed;
                }
                if error.is_user() {
                    return Self::BadRequest;
                }
            }
            next = cause.source();
        }
        if error.is_connect() {
            Self::Connect
        } else {
            Self::Closed
        }
    }
}
