//! Which of the API's places a path names. Called by the server for every call.
//!
//! It works on the path as it was sent: a batch may be called `a/b`, and whether a slash belongs to
//! the name or separates is lost as soon as a path is decoded.

use percent_encoding::percent_decode_str;

use crate::puzzel::wire::path;

/// A place of the API.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Where messages are sent.
    Send,
    /// The batches of a service.
    Batches(Service),
    /// One of them.
    Batch(Service, Reference),
}

/// The service id as the path has it, decoded; `None` where that is no text.
pub(super) type Service = Option<String>;

/// The name of a batch, decoded once; `None` where that is no text.
pub(super) type Reference = Option<String>;

impl Place {
    /// Reads a path without its query. Slashes may be doubled and follow the end.
    ///
    /// The name of a batch is everything behind `/batch/`: a slash in it may be written as `%2F` or
    /// as itself, but one that begins or ends the name has to be written as `%2F`.
    pub(super) fn of(raw_path: &str) -> Option<Self> {
        if let Some(rest) = behind(raw_path, path::SEND) {
            return rest.trim_matches('/').is_empty().then_some(Self::Send);
        }
        let rest = behind(raw_path, path::MANAGEMENT).or_else(|| behind(raw_path, path::MGMT))?;
        let rest = rest.trim_start_matches('/');
        let (service, rest) = rest.split_once('/')?;
        let reference = behind(rest, path::BATCH)?.trim_matches('/');
        let service = decoded(service);
        Some(if reference.is_empty() {
            Self::Batches(service)
        } else {
            Self::Batch(service, decoded(reference))
        })
    }
}

/// What follows the segments of `fixed` at the beginning of a path; empty or beginning with a slash.
fn behind<'p>(raw_path: &'p str, fixed: &str) -> Option<&'p str> {
    let mut rest = raw_path;
    for segment in fixed.split('/').filter(|segment| !segment.is_empty()) {
        rest = rest.trim_start_matches('/').strip_prefix(segment)?;
        if !rest.is_empty() && !rest.starts_with('/') {
            return None;
        }
    }
    Some(rest)
}

fn decoded(raw: &str) -> Option<String> {
    let text = percent_decode_str(raw).decode_utf8().ok()?;
    Some(text.into_owned())
}
