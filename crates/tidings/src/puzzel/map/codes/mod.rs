//! The vendor's code lists as data: what each code is called, what it means, and what it is for us.
//!
//! Used by both halves and by whoever shows codes to people. The lists are closed here and open on
//! the wire: a lookup of a code that is not listed finds nothing, and the code itself stays where it
//! was read. The wording is ours, the codes and their meanings are the vendor's (its gateway manual
//! unless a list says otherwise).

#![warn(clippy::wildcard_enum_match_arm)]

mod parameter;
mod premium;
mod report;
mod status;

pub use parameter::{PARAMETERS, ParameterForm, ParameterKey, ParsingType, key, parameter};
pub use premium::{
    AGES, BUSINESS_MODELS, BusinessModel, SERVICE_CODES, ServiceCode, business_model, service_code,
};
pub use report::{AnotherAttempt, Billing, REPORTS, ReportCode, code_for, meaning_of, report};
pub use status::{STATUSES_MANUAL, STATUSES_V3, StatusCode, Verdict, code, status, statuses};
