//! Where an API is: what stands in front of the paths of its calls, and ids inside those paths.
//!
//! Called by each provider's `builder.rs` and `client.rs`. No error shows the URL: it may hold a
//! password.

use std::fmt;

use http::uri::{self, Authority, PathAndQuery, Scheme, Uri};

/// A base URL: scheme, host, and perhaps a path prefix.
#[derive(Clone, Debug)]
pub(crate) struct BaseUrl {
    scheme: Scheme,
    authority: Authority,
    /// Without a slash at its end.
    prefix: String,
}

impl BaseUrl {
    /// Reads a base URL, without the path at its end that the paths of the calls repeat: the first of
    /// these that it has.
    ///
    /// # Errors
    /// A sentence of what is wrong.
    pub(crate) fn parse(text: &str, repeated: &[&str]) -> Result<Self, &'static str> {
        let uri: Uri = text
            .trim()
            .parse()
            .map_err(|_| "the base_url is not a url")?;
        let parts = uri.into_parts();
        let scheme = parts
            .scheme
            .filter(|scheme| *scheme == Scheme::HTTPS || *scheme == Scheme::HTTP);
        let (Some(scheme), Some(authority)) = (scheme, parts.authority) else {
            return Err("the base_url must begin with https:// or http:// and a host");
        };
        if authority.as_str().contains('@') {
            return Err("the base_url must not hold a user name or password");
        }
        let path = parts.path_and_query;
        if path.as_ref().is_some_and(|path| path.query().is_some()) {
            return Err("the base_url must not hold a query");
        }
        let prefix = path
            .as_ref()
            .map_or("", |path| path.path())
            .trim_end_matches('/');
        let mut shorter = repeated.iter().filter_map(|end| prefix.strip_suffix(end));
        let prefix = shorter.next().unwrap_or(prefix).trim_end_matches('/');
        Ok(Self {
            scheme,
            authority,
            prefix: prefix.to_owned(),
        })
    }

    /// Where a path, perhaps with a query, is. `None` when it is too long or has characters that no
    /// path may have.
    pub(crate) fn uri(&self, path: &str) -> Option<Uri> {
        let mut parts = uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        let path = PathAndQuery::try_from([&self.prefix, path].concat());
        parts.path_and_query = Some(path.ok()?);
        Uri::from_parts(parts).ok()
    }

    /// Adds an id, which may hold any character, to a path. Whether it could be added: not one that
    /// makes another path of it, which is nothing, or one or two dots.
    #[must_use]
    pub(crate) fn push_id(path: &mut String, id: &str) -> bool {
        // The unreserved characters of RFC 3986, section 2.3.
        let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if matches!(id, "" | "." | "..") {
            return false;
        }
        if id.bytes().all(is_unreserved) {
            path.push_str(id);
            return true;
        }
        for byte in id.bytes() {
            if is_unreserved(byte) {
                path.push(char::from(byte));
            } else {
                let hexadecimal = b"0123456789ABCDEF";
                path.push('%');
                for digit in [byte >> 4, byte & 15] {
                    path.push(char::from(hexadecimal[usize::from(digit)]));
                }
            }
        }
        true
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority, self.prefix)
    }
}
