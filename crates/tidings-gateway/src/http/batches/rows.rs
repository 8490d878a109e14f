//! The rows of a batch, out of a body that comes in pieces: [`RowReader`].
//!
//! Called by `take.rs` with every piece. A row that cannot be read is a verdict on that row, and the others
//! go on. What is kept between pieces is one row at the most, of bounded length.

use std::collections::BTreeMap;

use csv_core::ReadRecordResult;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::super::body;
use super::super::error::{Code, Problem, Result};
use super::super::request::{self, FieldValue, RowBody, Text};
use crate::intake::{Rejection, RejectionCode};

/// The longest row, in bytes: a text has at most some 40,000 characters, and a file a megabyte.
const MAX_ROW_BYTES: usize = 4 << 20;
/// The most columns.
const MAX_COLUMNS: usize = 512;

/// A row that was read, or why it could not be.
pub(crate) type RowRead = Result<RowBody, Rejection>;

/// Reads rows out of pieces.
#[derive(Debug)]
pub(crate) enum RowReader {
    /// One JSON object on each line.
    Lines(Lines),
    /// A table, its first row the names of the columns.
    Table(Box<Table>),
}

impl RowReader {
    /// Reads lines of JSON.
    pub(crate) fn lines() -> Self {
        Self::Lines(Lines::default())
    }

    /// Reads CSV with this sign between fields.
    pub(crate) fn table(delimiter: u8) -> Self {
        Self::Table(Box::new(Table::new(delimiter)))
    }

    /// The rows that a further piece completes.
    pub(crate) fn push(&mut self, piece: &[u8]) -> Result<Vec<RowRead>> {
        let mut rows = Vec::new();
        match self {
            Self::Lines(lines) => lines.push(piece, &mut rows),
            Self::Table(table) => table.push(piece, &mut rows)?,
        }
        Ok(rows)
    }

    /// The last row, which nothing follows.
    pub(crate) fn finish(&mut self) -> Result<Vec<RowRead>> {
        let mut rows = Vec::new();
        match self {
            Self::Lines(lines) => lines.finish(&mut rows),
            Self::Table(table) => table.finish(&mut rows)?,
        }
        Ok(rows)
    }
}

fn too_long() -> Rejection {
    let detail = format!("a row has at most {MAX_ROW_BYTES} bytes");
    Rejection::new(RejectionCode::InvalidRequest, detail)
}

/// Reads one row of JSON.
pub(crate) fn row_of_json(json: &[u8]) -> RowRead {
    body::parse(json).map_err(|problem| request::rejection(&problem))
}

/// Lines of JSON.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    begun: Vec<u8>,
    is_too_long: bool,
}

impl Lines {
    fn push(&mut self, piece: &[u8], rows: &mut Vec<RowRead>) {
        let mut parts = piece.split(|byte| *byte == b'\n').peekable();
        while let Some(part) = parts.next() {
            let is_whole = parts.peek().is_some();
            if is_whole && self.begun.is_empty() && !self.is_too_long {
                read_line(part, rows);
                continue;
            }
            if self.begun.len() + part.len() > MAX_ROW_BYTES {
                self.is_too_long = true;
                self.begun.clear();
            }
            if !self.is_too_long {
                self.begun.extend_from_slice(part);
            }
            if is_whole {
                self.finish(rows);
            }
        }
    }

    fn finish(&mut self, rows: &mut Vec<RowRead>) {
        if std::mem::take(&mut self.is_too_long) {
            rows.push(Err(too_long()));
        } else {
            read_line(&self.begun, rows);
        }
        self.begun.clear();
    }
}

fn read_line(line: &[u8], rows: &mut Vec<RowRead>) {
    let line = line.trim_ascii();
    if !line.is_empty() {
        rows.push(row_of_json(line));
    }
}

/// A table.
#[derive(Debug)]
pub(crate) struct Table {
    reader: csv_core::Reader,
    fields: Vec<u8>,
    n_bytes: usize,
    ends: Vec<usize>,
    n_ends: usize,
    is_too_long: bool,
    columns: Option<Vec<String>>,
    /// The first bytes, until it is known whether they are a byte order mark.
    beginning: Option<Vec<u8>>,
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl Table {
    fn new(delimiter: u8) -> Self {
        Self {
            reader: csv_core::ReaderBuilder::new().delimiter(delimiter).build(),
            fields: vec![0; 1 << 10],
            n_bytes: 0,
            ends: vec![0; 16],
            n_ends: 0,
            is_too_long: false,
            columns: None,
            beginning: Some(Vec::new()),
        }
    }

    fn push(&mut self, piece: &[u8], rows: &mut Vec<RowRead>) -> Result<()> {
        let Some(mut beginning) = self.beginning.take() else {
            return self.read(piece, rows);
        };
        beginning.extend_from_slice(piece);
        if beginning.len() < BYTE_ORDER_MARK.len() && BYTE_ORDER_MARK.starts_with(&beginning) {
            self.beginning = Some(beginning);
            return Ok(());
        }
        let marked = beginning.strip_prefix(BYTE_ORDER_MARK);
        self.read(marked.unwrap_or(&beginning), rows)
    }

    fn finish(&mut self, rows: &mut Vec<RowRead>) -> Result<()> {
        if let Some(beginning) = self.beginning.take() {
            self.read(&beginning, rows)?;
        }
        // The library takes an empty piece as the end.
        while self.step(&[], rows)?.is_some() {}
        if self.columns.is_none() {
            let detail = "the table needs a first row with the names of its columns";
            return Err(Problem::new(Code::InvalidRequest, detail));
        }
        Ok(())
    }

    fn read(&mut self, mut piece: &[u8], rows: &mut Vec<RowRead>) -> Result<()> {
        while !piece.is_empty() {
            match self.step(piece, rows)? {
                Some(n_read) => piece = piece.get(n_read..).unwrap_or_default(),
                None => break,
            }
        }
        Ok(())
    }

    /// Reads on; how many bytes of the piece were read, or that nothing of it is left to be read.
    fn step(&mut self, piece: &[u8], rows: &mut Vec<RowRead>) -> Result<Option<usize>> {
        let fields = self.fields.get_mut(self.n_bytes..).unwrap_or_default();
        let ends = self.ends.get_mut(self.n_ends..).unwrap_or_default();
        let (result, n_read, n_bytes, n_ends) = self.reader.read_record(piece, fields, ends);
        self.n_bytes += n_bytes;
        self.n_ends += n_ends;
        match result {
            ReadRecordResult::InputEmpty | ReadRecordResult::End => return Ok(None),
            ReadRecordResult::OutputFull if self.fields.len() >= MAX_ROW_BYTES => {
                self.is_too_long = true;
                self.n_bytes = 0;
            }
            ReadRecordResult::OutputFull => self.fields.resize(2 * self.fields.len(), 0),
            ReadRecordResult::OutputEndsFull if self.ends.len() >= MAX_COLUMNS => {
                self.is_too_long = true;
                self.n_ends = 0;
            }
            ReadRecordResult::OutputEndsFull => self.ends.resize(2 * self.ends.len(), 0),
            ReadRecordResult::Record => self.take_record(rows)?,
        }
        Ok(Some(n_read))
    }

    fn take_record(&mut self, rows: &mut Vec<RowRead>) -> Result<()> {
        let is_too_long = std::mem::take(&mut self.is_too_long);
        let fields = if is_too_long {
            Vec::new()
        } else {
            self.record()
        };
        self.n_bytes = 0;
        self.n_ends = 0;
        match (&self.columns, is_too_long) {
            (None, true) => {
                let detail = format!("a table has at most {MAX_COLUMNS} columns");
                return Err(Problem::new(Code::InvalidRequest, detail));
            }
            (None, false) => self.columns = Some(columns(fields)?),
            (Some(_), true) => rows.push(Err(too_long())),
            (Some(columns), false) => rows.push(row_of_fields(columns, fields)),
        }
        Ok(())
    }

    /// The fields of the record that was just read; `None` is one that is no UTF-8.
    fn record(&self) -> Vec<Option<String>> {
        let ends = self.ends.get(..self.n_ends).unwrap_or_default();
        let mut begin = 0;
        let field = |end: &usize| {
            let bytes = self.fields.get(begin..*end).unwrap_or_default();
            begin = *end;
            String::from_utf8(bytes.to_vec()).ok()
        };
        ends.iter().map(field).collect()
    }
}

fn columns(fields: Vec<Option<String>>) -> Result<Vec<String>> {
    let wrong = |detail: &'static str| Problem::new(Code::InvalidRequest, detail);
    let mut columns = Vec::new();
    for field in fields {
        let name = field.ok_or_else(|| wrong("the names of the columns are not UTF-8"))?;
        let name = name.trim().to_owned();
        if columns.contains(&name) {
            return Err(wrong("the table has two columns of one name"));
        }
        columns.push(name);
    }
    if !columns.iter().any(|name| is_recipient(name)) {
        return Err(wrong("the table needs a column named to"));
    }
    Ok(columns)
}

fn is_recipient(column: &str) -> bool {
    ["to", "phone"].contains(&column)
}

fn row_of_fields(columns: &[String], fields: Vec<Option<String>>) -> RowRead {
    let wrong = |detail: String| Rejection::new(RejectionCode::InvalidRequest, detail);
    if fields.len() != columns.len() {
        let (n_fields, n_columns) = (fields.len(), columns.len());
        let detail = format!("the row has {n_fields} fields, the table {n_columns} columns");
        return Err(wrong(detail));
    }
    let mut row = RowBody::default();
    let mut others = BTreeMap::new();
    for (column, field) in columns.iter().zip(fields) {
        let field = field.ok_or_else(|| wrong(format!("{column}: the field is no UTF-8")))?;
        if field.is_empty() {
            continue;
        }
        if is_recipient(column) {
            row.to = field;
        } else if !set(&mut row, column, &field)? {
            others.insert(column.clone(), FieldValue::Text(field));
        }
    }
    row.fields = (!others.is_empty()).then_some(others);
    Ok(row)
}

/// Sets what a column of this name means; `false` where it means nothing, so that it is the template's.
fn set(row: &mut RowBody, column: &str, field: &str) -> Result<bool, Rejection> {
    match column {
        "text" => row.text = Some(Text(field.into())),
        "idempotency_key" => row.idempotency_key = Some(field.to_owned()),
        "from" => row.from = Some(field.to_owned()),
        "send_at" => row.send_at = Some(field.to_owned()),
        "zone" => row.zone = Some(field.to_owned()),
        "conversation" => row.conversation = Some(field.to_owned()),
        "reference" => row.reference = Some(word(column, field)?),
        "tag" => row.tag = Some(word(column, field)?),
        "priority" => row.priority = Some(word(column, field)?),
        "policy" => row.policy = Some(word(column, field)?),
        "replacement" => row.replacement = Some(word(column, field)?),
        "region" => row.region = Some(word(column, field)?),
        "valid_for_s" => row.valid_for_s = Some(number(column, field)?),
        "max_parts" => row.max_parts = Some(number(column, field)?),
        "ignore_quiet_hours" => row.ignore_quiet_hours = Some(number(column, field)?),
        _ => return Ok(false),
    }
    Ok(true)
}

/// Reads a field as JSON reads a text.
fn word<T: DeserializeOwned>(column: &str, field: &str) -> Result<T, Rejection> {
    of_json(column, Value::from(field))
}

/// Reads a field as JSON reads a number, or `true` and `false`.
fn number<T: DeserializeOwned>(column: &str, field: &str) -> Result<T, Rejection> {
    let value = serde_json::from_str(field.trim());
    of_json(column, value.unwrap_or(Value::Null))
}

fn of_json<T: DeserializeOwned>(column: &str, value: Value) -> Result<T, Rejection> {
    serde_json::from_value(value).map_err(|_| {
        let detail = format!("{column}: the field has another form");
        Rejection::new(RejectionCode::InvalidRequest, detail)
    })
}
