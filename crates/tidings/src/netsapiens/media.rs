//! Files of messages: read from disk, checked before they are sent, written in base64, and fetched
//! from where a message says that its file lies.
//!
//! Called by `send.rs` and by programs. Nothing is converted.

use std::io::Read as _;
use std::path::Path as FilePath;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, Request, Uri};
use secrecy::ExposeSecret as _;
use tidings_core::Media;

use super::client::Client;
use super::map::PROVIDER;
use super::verdict::{self, Call};
use crate::answer::{self, Answer};
use crate::conversations::StoredMedia;
use crate::error::{ErrorKind, Result};

const READ: Call = Call::asks("media_from_file");
const FETCH: Call = Call::asks("fetch_media");

/// The types whose first bytes are known, with those bytes.
const SIGNATURES: [(&str, &[&[u8]]); 3] = [
    ("image/png", &[b"\x89PNG\r\n\x1a\n"]),
    ("image/jpeg", &[b"\xff\xd8\xff"]),
    ("image/gif", &[b"GIF87a", b"GIF89a"]),
];

/// Types by the ends of file names, where the content does not tell.
const TYPES: [(&str, &str); 18] = [
    ("3gp", "video/3gpp"),
    ("amr", "audio/amr"),
    ("bmp", "image/bmp"),
    ("gif", "image/gif"),
    ("htm", "text/html"),
    ("html", "text/html"),
    ("ics", "text/calendar"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("ogg", "audio/ogg"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("txt", "text/plain"),
    ("vcf", "text/vcard"),
    ("wav", "audio/wav"),
    ("webp", "image/webp"),
];

impl Client {
    /// Reads a file that is to be sent. Its type is told by its first bytes where it is a picture of
    /// the three common kinds, otherwise by the end of its name.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidMessage`] when it cannot be read, is empty, is larger than this client
    /// sends, or is of a type that its name does not tell.
    pub async fn media_from_file(&self, path: impl AsRef<FilePath> + Send) -> Result<Media> {
        let invalid = |what: &'static str| READ.not_sent(ErrorKind::InvalidMessage, what);
        let path = path.as_ref().to_owned();
        let limit = self.shared().choices.max_media_bytes;
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.unwrap_or("file").to_owned();
        let read = tokio::task::spawn_blocking(move || {
            // What says nothing true about its length, as a device or a pipe, is read no further.
            let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
            let mut content = Vec::new();
            let n_bytes = std::fs::File::open(&path)?
                .take(most)
                .read_to_end(&mut content)?;
            Ok::<_, std::io::Error>((n_bytes <= limit).then_some(content))
        });
        let content = read
            .await
            .map_err(|stopped| invalid("the file was not read").with_source(stopped))?
            .map_err(|unreadable| invalid("the file cannot be read").with_source(unreadable))?
            .ok_or_else(|| too_large(READ, limit))?;
        let kind = kind_by_content(&content).or_else(|| kind_by_name(&name));
        let kind =
            kind.ok_or_else(|| invalid("the type of the file cannot be told by its name"))?;
        let media = Media::new(kind, content)
            .map_err(|fault| invalid("the file is empty").with_source(fault))?;
        Ok(media.name(name))
    }

    /// Fetches the file of a message from where the list of messages says that it lies
    /// (`file-access-url`). The address is complete in itself and mostly on another host, so no
    /// token goes there; it holds a secret, and holds for a short time only.
    ///
    /// An address out of an event is no better than whoever posted the event: where posts are not
    /// checked, anybody can name any host, also one that only this machine reaches. Fetch what the
    /// list of messages says, or check the host first.
    ///
    /// A redirect is not followed. The file may be as large as the HTTP client's limit for answers,
    /// 4 MiB by default.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when the message has no file or it is there no more,
    /// [`ErrorKind::Protocol`] when the address is not `https` (or `http`, where the `base_url` is
    /// `http`) or what lies there is not of the message's type.
    #[doc(alias("read_media", "file-access-url"))]
    pub async fn fetch_media(&self, media: &StoredMedia) -> Result<Answer<Media>> {
        let url = media.url.as_ref().ok_or_else(|| {
            FETCH.not_sent(
                ErrorKind::NotFound,
                "the message tells no address of a file",
            )
        })?;
        let uri = self.checked_address(url.expose_secret())?;
        let mut request = Request::new(Bytes::new());
        *request.uri_mut() = uri;
        let any = HeaderValue::from_static("*/*");
        request.headers_mut().insert(ACCEPT, any);
        let answer = match self.shared().http.send(request).await {
            Ok(response) => verdict::read_file(FETCH, &response).and_then(|answer| {
                let told = response.headers.get(CONTENT_TYPE);
                let told = told.and_then(|value| value.to_str().ok()).map(essence);
                let file = received(&media.mime_type, told, response.body.clone());
                match file {
                    Ok(file) => Ok(answer.map(|()| file)),
                    Err(what) => Err(FETCH.unreadable(what, answer.http)),
                }
            }),
            Err(failure) => Err(failure.into_error(PROVIDER, FETCH.operation, FETCH.carries)),
        };
        answer::trace(PROVIDER, &answer);
        answer
    }

    /// An address of a file, if it is one that may be called.
    fn checked_address(&self, url: &str) -> Result<Uri> {
        let refused = |what: &'static str| FETCH.not_sent(ErrorKind::Protocol, what);
        let uri: Uri = url
            .trim()
            .parse()
            .map_err(|_| refused("the address of the file is not a url"))?;
        let plain_allowed = self.shared().base.to_string().starts_with("http://");
        match uri.scheme_str() {
            Some("https") => {}
            Some("http") if plain_allowed => {}
            _ => return Err(refused("the address of the file is not https")),
        }
        if uri
            .authority()
            .is_none_or(|host| host.as_str().contains('@'))
        {
            return Err(refused("the address of the file holds a user name"));
        }
        Ok(uri)
    }
}

/// Checks a file before it is sent.
///
/// # Errors
/// [`ErrorKind::InvalidMessage`] when it is too large, or when its first bytes are not those of its
/// type.
pub(super) fn check(call: Call, media: &Media, limit: usize) -> Result<()> {
    if media.content().len() > limit {
        return Err(too_large(call, limit));
    }
    if !matches_its_type(media.mime_type(), media.content()) {
        let what = "the file does not begin as a file of its mime type does";
        return Err(call.not_sent(ErrorKind::InvalidMessage, what));
    }
    Ok(())
}

fn too_large(call: Call, limit: usize) -> crate::error::Error {
    let what = format!("the file is larger than {limit} bytes (max_media_bytes)");
    call.not_sent(ErrorKind::InvalidMessage, what)
}

/// Whether a content begins as those of its type do. Of types whose beginning is not known, all do.
fn matches_its_type(mime_type: &str, content: &[u8]) -> bool {
    let mime_type = match mime_type {
        "image/jpg" | "image/pjpeg" => "image/jpeg",
        other => other,
    };
    let known = SIGNATURES.iter().find(|(kind, _)| *kind == mime_type);
    known.is_none_or(|(_, beginnings)| begins_with_any(content, beginnings))
}

fn begins_with_any(content: &[u8], beginnings: &[&[u8]]) -> bool {
    beginnings
        .iter()
        .any(|beginning| content.starts_with(beginning))
}

fn kind_by_content(content: &[u8]) -> Option<&'static str> {
    let mut known = SIGNATURES.iter();
    known
        .find(|(_, beginnings)| begins_with_any(content, beginnings))
        .map(|(kind, _)| *kind)
}

fn kind_by_name(name: &str) -> Option<&'static str> {
    let (_, end) = name.rsplit_once('.')?;
    let end = end.to_ascii_lowercase();
    let mut known = TYPES.iter();
    known
        .find(|(known, _)| *known == end)
        .map(|(_, kind)| *kind)
}

/// A content type without its parameters.
fn essence(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

/// What was fetched: under the message's type, or under the one that came with it where the message
/// tells none.
fn received(promised: &str, told: Option<&str>, content: Bytes) -> Result<Media, &'static str> {
    const UNKNOWN: &str = "application/octet-stream";
    let kind = Some(promised).filter(|kind| !kind.is_empty());
    let kind = kind.or(told).unwrap_or(UNKNOWN);
    let is_page = told.is_some_and(|told| told.eq_ignore_ascii_case("text/html"));
    if is_page && !kind.eq_ignore_ascii_case("text/html") {
        return Err("a page lies where the file of the message should be");
    }
    let media = Media::new(kind, content).map_err(|fault| match fault {
        tidings_core::MediaError::BadType => "the type of the file is no mime type",
        _ => "the file is empty",
    })?;
    if matches_its_type(media.mime_type(), media.content()) {
        Ok(media)
    } else {
        Err("what lies at the address is no file of the message's type")
    }
}
