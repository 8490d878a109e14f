//! Files that go with messages: which type a file has, and under which name one of a type is kept.
//!
//! Called by `commands/send` and `commands/messages.rs`. A file is known by what is in it; only where
//! that says nothing its name decides.

use std::path::Path;

use tidings::Media;

use crate::output::bad_input;

/// Types that phones show, with the ends of their files' names: the first is the one that is given.
const TYPES: [(&str, &[&str]); 25] = [
    ("image/jpeg", &["jpg", "jpeg"]),
    ("image/png", &["png"]),
    ("image/gif", &["gif"]),
    ("image/webp", &["webp"]),
    ("image/bmp", &["bmp"]),
    ("image/tiff", &["tif", "tiff"]),
    ("image/heic", &["heic", "heif"]),
    ("image/svg+xml", &["svg"]),
    ("video/mp4", &["mp4", "m4v"]),
    ("video/3gpp", &["3gp"]),
    ("video/quicktime", &["mov"]),
    ("video/webm", &["webm"]),
    ("audio/mpeg", &["mp3"]),
    ("audio/mp4", &["m4a"]),
    ("audio/amr", &["amr"]),
    ("audio/ogg", &["ogg", "oga", "opus"]),
    ("audio/wav", &["wav"]),
    ("audio/aac", &["aac"]),
    ("application/pdf", &["pdf"]),
    ("application/zip", &["zip"]),
    ("text/vcard", &["vcf", "vcard"]),
    ("text/calendar", &["ics"]),
    ("text/html", &["html", "htm"]),
    ("text/csv", &["csv"]),
    ("text/plain", &["txt"]),
];

/// Reads a file that is to be sent; `mime_type` is what the person says it is.
pub(crate) fn read(path: &Path, mime_type: Option<&str>) -> anyhow::Result<Media> {
    let wrong = |what: String| bad_input(format!("{}: {what}", path.display()));
    let content = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let found = mime_type
        .or_else(|| type_of_content(&content))
        .or_else(|| type_of_name(path))
        .ok_or_else(|| {
            wrong("neither its content nor its name tells what it is: say --media-type".to_owned())
        })?;
    let media = Media::new(found, content).map_err(|error| wrong(error.to_string()))?;
    let name = path.file_name().map(|name| name.to_string_lossy());
    Ok(match name {
        Some(name) => media.name(name.into_owned()),
        None => media,
    })
}

/// The end of the name of a file of this type, without the dot.
pub(crate) fn extension_of(mime_type: &str) -> &'static str {
    let known = TYPES.iter().find(|(known, _)| *known == mime_type);
    let extensions = known.map_or(&[][..], |(_, extensions)| extensions);
    extensions.first().copied().unwrap_or("bin")
}

fn type_of_name(path: &Path) -> Option<&'static str> {
    let extension = path.extension()?.to_str()?.to_ascii_lowercase();
    let mut types = TYPES.iter();
    let found = types.find(|(_, extensions)| extensions.contains(&extension.as_str()));
    found.map(|(mime_type, _)| *mime_type)
}

/// By the first bytes, as the formats' own descriptions say.
fn type_of_content(content: &[u8]) -> Option<&'static str> {
    const BEGINNINGS: [(&[u8], &str); 15] = [
        (b"\xFF\xD8\xFF", "image/jpeg"),
        (b"\x89PNG\r\n\x1A\n", "image/png"),
        (b"GIF87a", "image/gif"),
        (b"GIF89a", "image/gif"),
        (b"BM", "image/bmp"),
        (b"II*\0", "image/tiff"),
        (b"MM\0*", "image/tiff"),
        (b"\x1A\x45\xDF\xA3", "video/webm"),
        (b"ID3", "audio/mpeg"),
        (b"\xFF\xFB", "audio/mpeg"),
        (b"#!AMR", "audio/amr"),
        (b"OggS", "audio/ogg"),
        (b"%PDF-", "application/pdf"),
        (b"PK\x03\x04", "application/zip"),
        (b"BEGIN:VCARD", "text/vcard"),
    ];
    let begins = BEGINNINGS
        .iter()
        .find(|(beginning, _)| content.starts_with(beginning));
    if let Some((_, mime_type)) = begins {
        return Some(mime_type);
    }
    match (content.get(..4)?, content.get(4..8)?, content.get(8..12)?) {
        (b"RIFF", _, b"WEBP") => Some("image/webp"),
        (b"RIFF", _, b"WAVE") => Some("audio/wav"),
        (_, b"ftyp", brand) => Some(match brand {
            b"heic" | b"heix" | b"mif1" => "image/heic",
            b"qt  " => "video/quicktime",
            b"M4A " => "audio/mp4",
            brand if brand.starts_with(b"3g") => "video/3gpp",
            _ => "video/mp4",
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, content: &[u8], expected: &str) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        let media = read(&path, None).unwrap();
        assert_eq!(media.mime_type(), expected, "{name}");
        assert_eq!(media.file_name(), Some(name));
    }

    #[test]
    fn a_file_is_known_by_its_content_and_else_by_its_name() {
        check("a", b"\x89PNG\r\n\x1A\n....", "image/png");
        check("lies.gif", b"\xFF\xD8\xFF\xE0....", "image/jpeg");
        check("a.bin", b"RIFF\0\0\0\0WEBPVP8 ", "image/webp");
        check("a.bin", b"\0\0\0\x18ftypmp42\0\0", "video/mp4");
        check("a.bin", b"\0\0\0\x18ftyp3gp4\0\0", "video/3gpp");
        check("a.bin", b"\0\0\0\x18ftypheic\0\0", "image/heic");
        check("NOTE.TXT", b"hello", "text/plain");
        check("page.html", b"<p>", "text/html");
    }

    #[test]
    fn what_is_no_file_of_a_known_type_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("thing");
        assert!(read(&path, None).is_err());
        std::fs::write(&path, "hello").unwrap();
        let refused = read(&path, None).unwrap_err().to_string();
        assert!(refused.contains("--media-type"), "{refused}");
        let said = read(&path, Some("text/plain")).unwrap();
        assert_eq!(said.mime_type(), "text/plain");
        assert!(read(&path, Some("text")).is_err());
        std::fs::write(&path, "").unwrap();
        assert!(read(&path, Some("text/plain")).is_err());
    }

    #[test]
    fn every_type_has_a_name_and_every_name_one_type() {
        let mut seen = std::collections::BTreeSet::new();
        for (mime_type, extensions) in TYPES {
            assert_eq!(extension_of(mime_type), extensions[0]);
            assert!(extensions.iter().all(|extension| seen.insert(*extension)));
        }
        assert_eq!(extension_of("application/x-unknown"), "bin");
    }
}
