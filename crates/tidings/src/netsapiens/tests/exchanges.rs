//! The golden exchanges in `testdata/exchanges/`, each with the source that it was taken from. Used by
//! the tests of this folder, and compiled into the tests of the server half by its path.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::value::RawValue;

/// A call and its answer.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Exchange {
    source: String,
    read_on: String,
    #[expect(dead_code, reason = "for readers of the file")]
    note: Option<String>,
    pub(crate) request: GoldenRequest,
    pub(crate) answer: GoldenAnswer,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GoldenRequest {
    pub(crate) method: String,
    /// Path and query as they stand in the first line.
    pub(crate) target: String,
    pub(crate) headers: BTreeMap<String, String>,
    body: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GoldenAnswer {
    pub(crate) status: u16,
    headers: BTreeMap<String, String>,
    body: Box<RawValue>,
}

impl GoldenRequest {
    /// The bytes of the body; none of a call without one.
    pub(crate) fn body(&self) -> String {
        self.body.as_deref().map_or_else(String::new, bytes_of)
    }
}

impl GoldenAnswer {
    /// The bytes of the body.
    pub(crate) fn body(&self) -> String {
        bytes_of(&self.body)
    }
}

/// All exchanges, by the names of their files. What has `older` or `python` in its name is written by
/// others and only read by us.
pub(crate) fn exchanges() -> BTreeMap<String, Exchange> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/netsapiens/testdata/exchanges");
    let read = |file: std::io::Result<std::fs::DirEntry>| {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let exchange = serde_json::from_str(&std::fs::read_to_string(&path).unwrap());
        let exchange: Exchange = exchange.unwrap_or_else(|error| panic!("{name}: {error}"));
        let content_type = &exchange.answer.headers["content-type"];
        assert_eq!(content_type, "application/json", "{name}");
        assert!(exchange.source.starts_with("contract section "), "{name}");
        assert_eq!(exchange.read_on, "2026-11-22", "{name}");
        (name, exchange)
    };
    std::fs::read_dir(folder).unwrap().map(read).collect()
}

/// JSON stands in the files byte for byte, other bodies as a JSON text.
fn bytes_of(body: &RawValue) -> String {
    serde_json::from_str(body.get()).unwrap_or_else(|_| body.get().to_owned())
}
