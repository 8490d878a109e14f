//! The quotation marks of a CSV, followed byte by byte beside the reader: [`Quotes`].
//!
//! Used by the API's handlers and by the command. A reader takes a mark that is never closed as a field that
//! holds the rest of the table, so that one person would get the numbers and texts of all others. This finds
//! such fields; it reads no table itself.

use std::fmt;

/// Follows a table from its first byte to its last.
#[derive(Clone, Debug)]
pub struct Quotes {
    delimiter: u8,
    place: Place,
    /// The line of the next byte, from 1.
    line: u64,
    follows_return: bool,
    /// The line of the mark that was opened last.
    opened: u64,
    fault: Option<QuoteFault>,
}

/// Where in a field the next byte is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Begin,
    Plain,
    Quoted,
    /// Behind a mark that ends the field, unless a second one follows at once.
    Closed,
    /// Behind such a mark and a blank.
    BlankBehind,
}

/// What is wrong with the quotation marks of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuoteFault {
    /// The table ends within a field in quotation marks.
    NeverClosed {
        /// The line where the field begins, from 1.
        line: u64,
    },
    /// A field in quotation marks goes on behind its end: mostly the mark that opens it is one too many,
    /// and the one that ends it opens another field.
    GoesOn {
        /// The line where the field begins, from 1.
        line: u64,
        /// The line where it ends.
        end: u64,
    },
}

impl fmt::Display for QuoteFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NeverClosed { line } => {
                write!(
                    f,
                    "a quotation mark that begins in line {line} is never closed"
                )
            }
            Self::GoesOn { line, end } => write!(
                f,
                "the field in quotation marks that begins in line {line} goes on behind its end in line {end}"
            ),
        }
    }
}

impl Quotes {
    /// Follows a table with this sign between fields, whose first byte stands in this line.
    pub fn new(delimiter: u8, line: u64) -> Self {
        Self {
            delimiter,
            place: Place::Begin,
            line,
            follows_return: false,
            opened: line,
            fault: None,
        }
    }

    /// Follows further bytes.
    pub fn read(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.follow(byte);
        }
    }

    /// What is wrong with the row that was just read to its end; at the end of the table also whether it
    /// ends too early.
    pub fn fault_of_row(&mut self, is_end: bool) -> Option<QuoteFault> {
        let never_closed = (is_end && self.place == Place::Quoted)
            .then_some(QuoteFault::NeverClosed { line: self.opened });
        self.fault.take().or(never_closed)
    }

    fn follow(&mut self, byte: u8) {
        let ends_line = matches!(byte, b'\n' | b'\r');
        let is_border = ends_line || byte == self.delimiter;
        self.place = match self.place {
            Place::Quoted if byte == b'"' => Place::Closed,
            Place::Closed if byte == b'"' => Place::Quoted,
            Place::Quoted => Place::Quoted,
            Place::Begin if byte == b'"' => {
                self.opened = self.line;
                Place::Quoted
            }
            _ if is_border => Place::Begin,
            Place::Begin | Place::Plain => Place::Plain,
            Place::Closed | Place::BlankBehind if matches!(byte, b' ' | b'\t') => {
                Place::BlankBehind
            }
            Place::Closed | Place::BlankBehind => {
                let (line, end) = (self.opened, self.line);
                self.fault.get_or_insert(QuoteFault::GoesOn { line, end });
                Place::Plain
            }
        };
        // CR LF is one end of a line.
        if byte == b'\r' || (byte == b'\n' && !self.follows_return) {
            self.line += 1;
        }
        self.follows_return = byte == b'\r';
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The faults of a table that is read as one row.
    #[track_caller]
    fn check(table: &str, expected: Option<QuoteFault>) {
        let mut quotes = Quotes::new(b',', 1);
        quotes.read(table.as_bytes());
        assert_eq!(quotes.fault_of_row(true), expected, "{table}");
    }

    #[test]
    fn a_mark_that_is_never_closed_is_found_where_it_begins() {
        for good in [
            "a,b\n1,2\n",
            "\"a\",\"b\"",
            "\"two\nlines\",b",
            "say \"hi\",b",
            "\"say \"\"hi\"\"\",b",
            "\"\",\"\"\"\"",
            "\"a\" ,b\r\n",
            "5\" pipe,b",
        ] {
            check(good, None);
        }
        let never = |line| Some(QuoteFault::NeverClosed { line });
        check("\"a", never(1));
        check("a,b\n1,\"open\n2,three", never(2));
        check("a\r\n\r\n\"x\r\ny", never(3));
        check("a,\"b\"\"", never(1));
        let goes_on = |line, end| Some(QuoteFault::GoesOn { line, end });
        check("1,\"open\n2,three\n3,\"closed\"\n", goes_on(1, 3));
        check("\"a\" b", goes_on(1, 1));
        check("\"a\" \"b\"", goes_on(1, 1));
    }

    #[test]
    fn the_next_row_is_read_anew() {
        let mut quotes = Quotes::new(b';', 5);
        quotes.read(b"\"a\"b;c\n");
        let fault = QuoteFault::GoesOn { line: 5, end: 5 };
        assert_eq!(quotes.fault_of_row(false), Some(fault));
        quotes.read(b"\"a\";\"b\"\n");
        assert_eq!(quotes.fault_of_row(true), None);
    }
}
