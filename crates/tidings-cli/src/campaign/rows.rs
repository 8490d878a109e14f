//! A CSV file as rows with their line numbers.
//!
//! Called by `prepare.rs`. It knows the form of the file only: what is a number and what is a text
//! is not its business. A row that cannot be read is an item like any other, so that one bad row
//! stops nothing.

use csv::{ByteRecord, ReaderBuilder};
use tidings_gateway::quotes::{QuoteFault, Quotes};

use super::CampaignError;

/// A file whose first line, the names of the columns, has been read.
#[derive(Debug)]
pub(crate) struct Sheet<'f> {
    columns: Vec<String>,
    delimiter: u8,
    body: &'f [u8],
    /// Line of the body's first byte in the file, from 1.
    first_line: u64,
}

/// A row that could be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// The line of the file on which it begins, from 1.
    pub(crate) line: u64,
    /// One field per column, without blanks around it.
    pub(crate) fields: Vec<String>,
}

/// A row that could not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UnreadableRow {
    pub(crate) line: u64,
    pub(crate) fault: FormFault,
}

/// What is wrong with the form of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FormFault {
    /// It has bytes that are not UTF-8.
    NotUtf8,
    /// It has another number of fields than the file has columns.
    FieldCount { found: usize, expected: usize },
    /// Its quotation marks do not pair, so that a field holds what belongs to others.
    Quotes(QuoteFault),
}

impl<'f> Sheet<'f> {
    /// Reads the names of the columns; `,`, `;` and tab are told apart by which of them the line of
    /// names has most of.
    pub(crate) fn open(file: &'f [u8]) -> Result<Self, CampaignError> {
        if file.starts_with(&[0xFF, 0xFE]) || file.starts_with(&[0xFE, 0xFF]) {
            return Err(CampaignError::Utf16);
        }
        let file = file.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(file);
        let delimiter = sniff_delimiter(file);
        let mut lines = Lines::new(file, 1);
        let mut records = reader(file, delimiter);
        let mut names = ByteRecord::new();
        if !records.read_byte_record(&mut names).unwrap_or(false) {
            return Err(CampaignError::EmptyFile);
        }
        let columns = names
            .iter()
            .map(|name| std::str::from_utf8(name).map(|name| name.trim().to_owned()))
            .collect::<Result<Vec<String>, _>>()
            .map_err(|_| CampaignError::ColumnNamesNotUtf8)?;
        if let Some(twice) = twice(&columns) {
            return Err(CampaignError::ColumnTwice { column: twice });
        }
        let body_start = usize::try_from(records.position().byte()).unwrap_or(file.len());
        let mut quotes = Quotes::new(delimiter, 1);
        quotes.read(file.get(..body_start).unwrap_or_default());
        if let Some(fault) = quotes.fault_of_row(body_start >= file.len()) {
            return Err(CampaignError::ColumnNames { fault });
        }
        let first_line = lines.exactly_at(body_start);
        let body = file.get(body_start..).unwrap_or_default();
        Ok(Self {
            columns,
            delimiter,
            body,
            first_line,
        })
    }

    /// The names of the columns.
    pub(crate) fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The rows in order. Lines with nothing on them are left out.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Result<Row, UnreadableRow>> + use<'_, 'f> {
        let mut records = reader(self.body, self.delimiter);
        let mut lines = Lines::new(self.body, self.first_line);
        let mut record = ByteRecord::new();
        let mut quotes = Quotes::new(self.delimiter, self.first_line);
        let mut followed = 0;
        std::iter::from_fn(move || {
            // Reading from memory into bytes, with any number of fields, cannot fail.
            if !records.read_byte_record(&mut record).unwrap_or(false) {
                return None;
            }
            let start = record.position().map_or(0, csv::Position::byte);
            let line = lines.at(usize::try_from(start).unwrap_or(usize::MAX));
            let end = usize::try_from(records.position().byte()).unwrap_or(usize::MAX);
            quotes.read(self.body.get(followed..end).unwrap_or_default());
            followed = end;
            if let Some(fault) = quotes.fault_of_row(end >= self.body.len()) {
                let fault = FormFault::Quotes(fault);
                return Some(Err(UnreadableRow { line, fault }));
            }
            Some(self.row(&record, line))
        })
    }

    fn row(&self, record: &ByteRecord, line: u64) -> Result<Row, UnreadableRow> {
        let unreadable = |fault| UnreadableRow { line, fault };
        let expected = self.columns.len();
        if record.len() != expected {
            let found = record.len();
            return Err(unreadable(FormFault::FieldCount { found, expected }));
        }
        let fields = record.iter().map(|field| {
            let field = std::str::from_utf8(field).map_err(|_| unreadable(FormFault::NotUtf8))?;
            Ok(field.trim().to_owned())
        });
        Ok(Row {
            line,
            fields: fields.collect::<Result<_, _>>()?,
        })
    }
}

fn reader(bytes: &[u8], delimiter: u8) -> csv::Reader<&[u8]> {
    ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(bytes)
}

/// The delimiter that stands most often outside quotation marks in the first line.
fn sniff_delimiter(file: &[u8]) -> u8 {
    let mut quoted = false;
    let mut counts = [(b',', 0_usize), (b';', 0), (b'\t', 0)];
    for &byte in file.trim_ascii_start() {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' | b'\r' if !quoted => break,
            _ if quoted => {}
            _ => {
                let count = counts.iter_mut().find(|(delimiter, _)| *delimiter == byte);
                if let Some((_, count)) = count {
                    *count += 1;
                }
            }
        }
    }
    let [comma, semicolon, tab] = counts;
    let most =
        [semicolon, tab].into_iter().fold(
            comma,
            |most, other| {
                if other.1 > most.1 { other } else { most }
            },
        );
    most.0
}

fn twice(columns: &[String]) -> Option<String> {
    let mut seen = std::collections::BTreeSet::new();
    columns.iter().find(|name| !seen.insert(*name)).cloned()
}

/// Counts lines up to a byte, going forward only. The reader's own count does not see the second
/// half of CR LF in time and counts empty lines to the row after them.
struct Lines<'f> {
    bytes: &'f [u8],
    counted_to: usize,
    line: u64,
}

impl<'f> Lines<'f> {
    fn new(bytes: &'f [u8], first_line: u64) -> Self {
        Self {
            bytes,
            counted_to: 0,
            line: first_line,
        }
    }

    /// The line of the first byte at or after `byte` that does not end a line.
    fn at(&mut self, byte: usize) -> u64 {
        let rest = self.bytes.get(byte..).unwrap_or_default();
        let ends_line = |byte: &&u8| matches!(byte, b'\r' | b'\n');
        let line_ends = rest.iter().take_while(ends_line).count();
        self.exactly_at(byte.saturating_add(line_ends))
    }

    /// The line of this byte.
    fn exactly_at(&mut self, byte: usize) -> u64 {
        let until = byte.min(self.bytes.len());
        while self.counted_to < until {
            let next = self.bytes.get(self.counted_to + 1);
            match self.bytes.get(self.counted_to) {
                Some(b'\n') => self.line += 1,
                // A carriage return alone ends a line, too.
                Some(b'\r') if next != Some(&b'\n') => self.line += 1,
                _ => {}
            }
            self.counted_to += 1;
        }
        self.line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(file: &[u8], columns: &[&str], rows: &[(u64, &[&str])]) {
        let sheet = Sheet::open(file).unwrap();
        assert_eq!(sheet.columns(), columns);
        let found: Vec<Row> = sheet.rows().map(Result::unwrap).collect();
        let expected = rows.iter().map(|(line, fields)| Row {
            line: *line,
            fields: fields.iter().map(|field| (*field).to_owned()).collect(),
        });
        assert_eq!(found, expected.collect::<Vec<Row>>());
    }

    #[test]
    fn delimiters() {
        check(b"to,name\n1,A\n", &["to", "name"], &[(2, &["1", "A"])]);
        check(b"to;name\n1;A,B\n", &["to", "name"], &[(2, &["1", "A,B"])]);
        check(
            b"to\tname\n1\tA;B\n",
            &["to", "name"],
            &[(2, &["1", "A;B"])],
        );
        check(b"to\n1\n", &["to"], &[(2, &["1"])]);
        check(b"\"a;b;c\",to\nx,1", &["a;b;c", "to"], &[(2, &["x", "1"])]);
    }

    #[test]
    fn line_numbers_are_those_of_the_file() {
        check(
            b"\xEF\xBB\xBFto,t\r\n1,a\r\n2,b\r\n",
            &["to", "t"],
            &[(2, &["1", "a"]), (3, &["2", "b"])],
        );
        check(
            b"to,t\n1,\"a\nb\"\n2,c\n",
            &["to", "t"],
            &[(2, &["1", "a\nb"]), (4, &["2", "c"])],
        );
        check(
            b"to,t\r\n1,\"a\r\n\r\nb\"\r\n2,c\r\n",
            &["to", "t"],
            &[(2, &["1", "a\r\n\r\nb"]), (5, &["2", "c"])],
        );
        check(b"\n\nto\n\n\n1\n\n2", &["to"], &[(6, &["1"]), (8, &["2"])]);
        check(b"to\r1\r2\r", &["to"], &[(2, &["1"]), (3, &["2"])]);
        check(b"\"t\no\"\n1\n", &["t\no"], &[(3, &["1"])]);
    }

    /// Such a field would hold the numbers and texts of others.
    #[test]
    fn a_row_with_a_quotation_mark_too_many_cannot_be_read() {
        #[track_caller]
        fn check(file: &[u8], n_rows: usize, expected: (u64, QuoteFault)) {
            let sheet = Sheet::open(file).unwrap();
            let rows: Vec<_> = sheet.rows().collect();
            assert_eq!(rows.len(), n_rows);
            let faults = rows.iter().filter_map(|row| row.as_ref().err());
            let faults: Vec<_> = faults.map(|row| (row.line, row.fault)).collect();
            assert_eq!(faults, [(expected.0, FormFault::Quotes(expected.1))]);
        }
        let never = |line| (line, QuoteFault::NeverClosed { line });
        check(b"to,text\n1,a\n2,\"open\n3,c\n4,d\n", 2, never(3));
        check(b"to,text\r\n\r\n1,\"Hello Bo, your co", 1, never(3));
        let fault = QuoteFault::GoesOn { line: 2, end: 3 };
        check(b"to,text\n1,\"open\n2,\"b\"\n3,c\n", 2, (2, fault));
        let names = Sheet::open(b"to,\"text\n1,a\n").unwrap_err();
        let fault = QuoteFault::NeverClosed { line: 1 };
        assert_eq!(names, CampaignError::ColumnNames { fault });
    }

    #[test]
    fn a_bad_row_does_not_stop_the_others() {
        let sheet = Sheet::open(b"to,name\n1,A\n2,\xE9\n3\n4,D,E\n5,F\n").unwrap();
        let rows: Vec<_> = sheet.rows().collect();
        let faults: Vec<_> = rows.iter().filter_map(|row| row.as_ref().err()).collect();
        assert_eq!(rows.len(), 5);
        let expected = [
            (3, FormFault::NotUtf8),
            (
                4,
                FormFault::FieldCount {
                    found: 1,
                    expected: 2,
                },
            ),
            (
                5,
                FormFault::FieldCount {
                    found: 3,
                    expected: 2,
                },
            ),
        ];
        let faults: Vec<_> = faults.iter().map(|row| (row.line, row.fault)).collect();
        assert_eq!(faults, expected);
    }

    #[test]
    fn files_that_cannot_be_used() {
        assert_eq!(Sheet::open(b"").unwrap_err(), CampaignError::EmptyFile);
        assert_eq!(Sheet::open(b"\n\n").unwrap_err(), CampaignError::EmptyFile);
        assert_eq!(
            Sheet::open(b"\xFF\xFEt\0").unwrap_err(),
            CampaignError::Utf16
        );
        assert_eq!(
            Sheet::open(b"t\xE9l\n").unwrap_err(),
            CampaignError::ColumnNamesNotUtf8
        );
        let twice = CampaignError::ColumnTwice {
            column: "to".to_owned(),
        };
        assert_eq!(Sheet::open(b"to,to\n").unwrap_err(), twice);
    }
}
