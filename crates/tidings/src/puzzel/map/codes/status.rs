//! What the gateway answers for each message of a call: `MessageStatus.statusCode`. Part of `codes`,
//! which exports it.

use crate::error::ErrorKind;
use crate::puzzel::Dialect;

/// The codes by the vendor's meaning, for code that writes them.
pub mod code {
    /// Taken. In both dialects.
    pub const QUEUED: i64 = 1;
    /// Refused for what is in the message, in [`Dialect::V3`](crate::puzzel::Dialect::V3).
    pub const V3_REJECTED: i64 = 2;
    /// A technical failure, in [`Dialect::V3`](crate::puzzel::Dialect::V3).
    pub const V3_FAILED: i64 = 3;
    /// Wrong user or password, in [`Dialect::Manual`](crate::puzzel::Dialect::Manual).
    pub const ACCESS_ERROR: i64 = 2;
    /// Not allowed, in [`Dialect::Manual`](crate::puzzel::Dialect::Manual).
    pub const ILLEGAL_ACTION: i64 = 3;
    /// Not with this service.
    pub const ILLEGAL_SERVICE: i64 = 4;
    /// A field is missing or wrong.
    pub const SYNTAX_ERROR: i64 = 5;
    /// The gateway failed.
    pub const INTERNAL_ERROR: i64 = 6;
    /// Taken and held until a person approves: too many messages to one number.
    pub const QUOTA_EXCEEDED: i64 = 24;
    /// The reference was taken within the hour.
    pub const NOT_UNIQUE: i64 = 25;
    /// No such batch: the management interface over SOAP.
    pub const NO_SUCH_BATCH: i64 = 1_000;
}

/// What an answer about one message says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verdict {
    /// The gateway has it and will send it.
    Queued,
    /// The gateway has it and sends it only after a person has approved. The vendor's manual also
    /// says, in another place, that nothing is sent: so this is never sent again by itself, and not
    /// counted as refused.
    HeldForApproval,
    /// The gateway had it already, under the same reference.
    AlreadyTaken,
    /// The gateway said no.
    Refused(ErrorKind),
    /// Nothing says whether it was taken.
    Unknown,
}

impl Verdict {
    /// Whether the gateway has the message, now or from before.
    pub const fn is_taken(self) -> bool {
        match self {
            Self::Queued | Self::HeldForApproval | Self::AlreadyTaken => true,
            Self::Refused(_) | Self::Unknown => false,
        }
    }
}

/// One row of the list of status codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StatusCode {
    /// The number on the wire.
    pub code: i64,
    /// The vendor's name for it; in the lower case where it has none and the name is ours.
    pub name: &'static str,
    /// What it means, as a clause that follows "the message".
    pub meaning: &'static str,
    /// What it says of the message.
    pub verdict: Verdict,
}

const fn row(code: i64, name: &'static str, meaning: &'static str, verdict: Verdict) -> StatusCode {
    StatusCode {
        code,
        name,
        meaning,
        verdict,
    }
}

const QUEUED: StatusCode = row(
    code::QUEUED,
    "MESSAGE_DELIVERED_OK",
    "was taken and waits to be sent",
    Verdict::Queued,
);
const ILLEGAL_SERVICE: StatusCode = row(
    code::ILLEGAL_SERVICE,
    "ILLEGAL_SERVICE",
    "was refused: this user may not send with this service",
    Verdict::Refused(ErrorKind::Forbidden),
);
const SYNTAX_ERROR: StatusCode = row(
    code::SYNTAX_ERROR,
    "SYNTAX_ERROR",
    "was refused: one of its fields is missing or wrong",
    Verdict::Refused(ErrorKind::InvalidMessage),
);
// Neither description says that a message that met a fault inside the gateway was not sent.
const INTERNAL_ERROR: StatusCode = row(
    code::INTERNAL_ERROR,
    "INTERNAL_ERROR",
    "met a fault in the gateway, and may have been taken",
    Verdict::Unknown,
);
const QUOTA_EXCEEDED: StatusCode = row(
    code::QUOTA_EXCEEDED,
    "QUOTA_EXCEEDED",
    "is held until a person approves it: too many were sent to this number",
    Verdict::HeldForApproval,
);
const NOT_UNIQUE: StatusCode = row(
    code::NOT_UNIQUE,
    "ERROR_NOT_UNIQUE",
    "was taken before under the same reference, within the hour",
    Verdict::AlreadyTaken,
);
const NO_SUCH_BATCH: StatusCode = row(
    code::NO_SUCH_BATCH,
    "no_such_batch",
    "is in no batch that waits: the service has none with this reference",
    Verdict::Refused(ErrorKind::NotFound),
);

/// The codes of the vendor's manual.
pub static STATUSES_MANUAL: &[StatusCode] = &[
    QUEUED,
    row(
        code::ACCESS_ERROR,
        "ACCESS_ERROR",
        "was refused: the user or the password is wrong",
        Verdict::Refused(ErrorKind::Unauthorized),
    ),
    row(
        code::ILLEGAL_ACTION,
        "ILLEGAL_ACTION",
        "was refused: this user may not do this",
        Verdict::Refused(ErrorKind::Forbidden),
    ),
    ILLEGAL_SERVICE,
    SYNTAX_ERROR,
    INTERNAL_ERROR,
    QUOTA_EXCEEDED,
    NOT_UNIQUE,
    NO_SUCH_BATCH,
];

/// The codes of the present client's reference, which names the first three and says of all others
/// only that they are errors; those have the manual's meaning here, which it does not contradict.
pub static STATUSES_V3: &[StatusCode] = &[
    QUEUED,
    row(
        code::V3_REJECTED,
        "rejected",
        "was refused: its recipient, its text or another field is wrong",
        Verdict::Refused(ErrorKind::Rejected),
    ),
    row(
        code::V3_FAILED,
        "failed",
        "met a technical fault in the gateway, and may have been taken",
        Verdict::Unknown,
    ),
    ILLEGAL_SERVICE,
    SYNTAX_ERROR,
    INTERNAL_ERROR,
    QUOTA_EXCEEDED,
    NOT_UNIQUE,
    NO_SUCH_BATCH,
];

/// All codes that a dialect lists, by ascending number.
pub const fn statuses(dialect: Dialect) -> &'static [StatusCode] {
    match dialect {
        Dialect::V3 => STATUSES_V3,
        Dialect::Manual => STATUSES_MANUAL,
    }
}

/// What a status code means in a dialect; `None` for a code that neither description lists. Such a
/// code says nothing about the message: its outcome is [`Verdict::Unknown`].
pub fn status(dialect: Dialect, code: i64) -> Option<&'static StatusCode> {
    statuses(dialect).iter().find(|row| row.code == code)
}
