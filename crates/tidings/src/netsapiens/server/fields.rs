//! What a call holds besides its path: the document in its body, and its query; with what a field
//! must be, so that a wrong one is named.
//!
//! Called by the handlers. How leniently single values are read is `wire`'s; faults repeat nothing of
//! the values.

use std::borrow::Cow;
use std::collections::BTreeMap;

use axum::extract::Request;
use http::header::CONTENT_TYPE;

use super::answer::Refused;
use crate::conversations::Page;
use crate::netsapiens::MAX_ROWS;
use crate::netsapiens::wire::{self, Document, ReadError, Text, Whole};
use crate::serve::{self, Failure};

/// The longest name, id or number that is read, in characters.
const MAX_NAME_LENGTH: usize = 255;

/// How many rows a list has where the caller does not say.
const DEFAULT_ROWS: u32 = 100;

/// Reads a body that is JSON. Nothing at all is an empty document.
pub(super) async fn read<T: Document>(request: Request) -> Result<T, Refused> {
    let body = serve::read_body(request).await?;
    if body.is_empty() {
        return Ok(T::default());
    }
    wire::read(&body).map_err(unreadable)
}

/// Reads what a token is asked for with: the query, and a body that is JSON or a form. What stands
/// in the body wins.
pub(super) async fn read_sign_in(request: Request) -> Result<wire::TokenRequest, Refused> {
    let query = request.uri().query().unwrap_or_default().to_owned();
    let content_type = request.headers().get(CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok());
    let says_json = content_type.is_some_and(|text| text.to_ascii_lowercase().contains("json"));
    let body = serve::read_body(request).await?;
    // Clients are known to send JSON without saying so.
    let looks_like_json = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    if body.is_empty() || !(says_json || looks_like_json) {
        let form = [query.as_bytes(), b"&", &body].concat();
        return wire::read_form(&form).map_err(unreadable);
    }
    let of_body: wire::TokenRequest = wire::read(&body).map_err(unreadable)?;
    let of_query: wire::TokenRequest = wire::read_form(query.as_bytes()).map_err(unreadable)?;
    Ok(together(of_query, of_body))
}

/// The fields of both; where both have one, that of `later`.
fn together(earlier: wire::TokenRequest, later: wire::TokenRequest) -> wire::TokenRequest {
    let or = |earlier: Text, later: Text| if later.is_empty() { earlier } else { later };
    wire::TokenRequest {
        grant_type: or(earlier.grant_type, later.grant_type),
        client_id: or(earlier.client_id, later.client_id),
        client_secret: or(earlier.client_secret, later.client_secret),
        username: or(earlier.username, later.username),
        password: or(earlier.password, later.password),
        refresh_token: or(earlier.refresh_token, later.refresh_token),
        mfa_type: or(earlier.mfa_type, later.mfa_type),
        mfa_vendor: or(earlier.mfa_vendor, later.mfa_vendor),
        ns_id_type: or(earlier.ns_id_type, later.ns_id_type),
        passcode: or(earlier.passcode, later.passcode),
        access_token: or(earlier.access_token, later.access_token),
        refresh: or(earlier.refresh, later.refresh),
        user: or(earlier.user, later.user),
        domain: or(earlier.domain, later.domain),
    }
}

fn unreadable(error: ReadError) -> Refused {
    match error {
        ReadError::NotJson { line, column } => {
            let fault = format!("is no JSON: it goes wrong at line {line}, column {column}");
            Failure::NotJson { fault }.into()
        }
        ReadError::Wrong(fault) => wrong(fault),
    }
}

/// A field that holds something else than belongs there.
pub(super) fn wrong(fault: wire::FieldFault) -> Refused {
    let name = match fault.field {
        Cow::Borrowed("") => Cow::Borrowed("the body"),
        Cow::Owned(name) if name.is_empty() => Cow::Borrowed("the body"),
        name => name,
    };
    Refused::wrong(name, format!("is not right: {}", fault.expected))
}

/// A text that has to be there.
pub(super) fn required<'t>(field: &'static str, text: &'t Text) -> Result<&'t str, Refused> {
    text.get().ok_or(Refused::Missing { field })
}

/// A name, an id or a number that may be missing, without blanks around it.
pub(super) fn name(field: &'static str, text: &Text) -> Result<Option<String>, Refused> {
    let text = text.0.trim();
    if text.chars().count() > MAX_NAME_LENGTH || text.chars().any(char::is_control) {
        let fault = format!("must be a text of at most {MAX_NAME_LENGTH} characters in one line");
        return Err(Refused::wrong(field, fault));
    }
    Ok(Some(text.to_owned()).filter(|text| !text.is_empty()))
}

/// Such a name that has to be there.
pub(super) fn required_name(field: &'static str, text: &Text) -> Result<String, Refused> {
    name(field, text)?.ok_or(Refused::Missing { field })
}

/// A count.
pub(super) fn count(field: &'static str, number: Whole) -> Result<Option<u64>, Refused> {
    let count = number.0.map(u64::try_from).transpose();
    count.map_err(|_| Refused::wrong(field, "must not be negative"))
}

/// The query of a call. Of a parameter that is there twice the last counts.
pub(super) struct Query(BTreeMap<String, Text>);

impl Query {
    /// Reads what stands behind the question mark.
    pub(super) fn of(query: Option<&str>) -> Self {
        let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        let pairs = pairs.map(|(name, value)| (name.into_owned(), Text::from(value)));
        Self(pairs.collect())
    }

    /// A parameter that may be missing.
    pub(super) fn name(&self, field: &'static str) -> Result<Option<String>, Refused> {
        match self.0.get(field) {
            Some(text) => name(field, text),
            None => Ok(None),
        }
    }

    /// A parameter that has to be there.
    pub(super) fn required(&self, field: &'static str) -> Result<String, Refused> {
        self.name(field)?.ok_or(Refused::Missing { field })
    }

    /// Which part of a list is wanted.
    pub(super) fn page(&self) -> Result<Page, Refused> {
        let number = |field, fallback: u32| match self.0.get(field).and_then(Text::get) {
            Some(text) => text.trim().parse().ok(),
            None => Some(fallback),
        };
        let start = number("start", 0)
            .ok_or_else(|| Refused::wrong("start", "must be a whole number from 0"))?;
        let limit = number("limit", DEFAULT_ROWS).filter(|limit| (1..=MAX_ROWS).contains(limit));
        let limit = limit.ok_or_else(|| {
            let fault = format!("must be a whole number from 1 to {MAX_ROWS}");
            Refused::wrong("limit", fault)
        })?;
        Ok(Page::new(start, limit))
    }
}
