//! Tests of how rows are read: the same rows come out however the body is cut; and of what is said when the
//! store goes away between them.

use proptest::prelude::*;
use tidings_store::{StoreError, StoreErrorKind};

use super::rows::{RowRead, RowReader};
use super::take::with_what_is_kept;
use crate::http::error::{Code, Problem};

#[test]
fn a_store_that_goes_away_says_what_it_has_kept() {
    #[track_caller]
    fn check(kind: StoreErrorKind, n_taken: u64, expected: &str) {
        let problem = Problem::from(StoreError::new(kind, "the disk is full"));
        let code = problem.code();
        let said = with_what_is_kept(problem, n_taken);
        assert_eq!(said.code(), code);
        assert!(said.detail().contains(expected), "{}", said.detail());
    }
    let away = StoreErrorKind::Unavailable;
    assert_eq!(
        Problem::from(StoreError::new(away, "away")).code(),
        Code::StoreUnavailable
    );
    check(away, 0, "nothing was kept");
    check(away, 2_000, "2000 rows are kept, and leave");
    check(StoreErrorKind::Corrupt, 2_000, "the store failed");
}

fn read(mut reader: RowReader, pieces: &[&[u8]]) -> Vec<RowRead> {
    let mut rows = Vec::new();
    for piece in pieces {
        rows.extend(reader.push(piece).unwrap());
    }
    rows.extend(reader.finish().unwrap());
    rows
}

fn shown(rows: &[RowRead]) -> Vec<String> {
    let show = |row: &RowRead| match row {
        Ok(row) => serde_json::to_string(row).unwrap(),
        Err(rejection) => rejection.code.as_str().to_owned(),
    };
    rows.iter().map(show).collect()
}

const LINES: &str = "{\"to\":\"1\",\"text\":\"a\"}\n\n{\"to\":\"2\"}\r\n nonsense \n{\"to\":\"3\",\"text\":\"\\n\"}";
const TABLE: &str = "\u{feff}to,name,text\n1,\"Ada\nB\",\"say \"\"hi\"\"\"\n2,Bo\n3,Cy,ø\r\n\n4,,";

fn cut(text: &str, at: &[usize]) -> Vec<Vec<u8>> {
    let mut at: Vec<usize> = at.iter().map(|at| at % (text.len() + 1)).collect();
    at.sort_unstable();
    let mut begin = 0;
    at.push(text.len());
    let pieces = at.into_iter().map(|end| {
        let piece = text.as_bytes()[begin..end].to_vec();
        begin = end;
        piece
    });
    pieces.collect()
}

proptest! {
    #[test]
    fn where_a_body_is_cut_makes_no_difference(at in prop::collection::vec(0_usize..500, 0..8)) {
        for (text, reader) in [
            (LINES, RowReader::lines as fn() -> RowReader),
            (TABLE, || RowReader::table(b',', None)),
        ] {
            let whole = shown(&read(reader(), &[text.as_bytes()]));
            let pieces = cut(text, &at);
            let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
            prop_assert_eq!(shown(&read(reader(), &pieces)), whole);
        }
    }
}

#[test]
fn a_table_gives_its_rows() {
    let rows = shown(&read(RowReader::table(b',', None), &[TABLE.as_bytes()]));
    assert_eq!(
        rows,
        [
            r#"{"to":"1","text":"say \"hi\"","fields":{"name":"Ada\nB"}}"#,
            "invalid_request",
            r#"{"to":"3","text":"ø","fields":{"name":"Cy"}}"#,
            r#"{"to":"4"}"#,
        ]
    );
    let rows = shown(&read(
        RowReader::table(b';', None),
        &[b"phone;max_parts\n1;2\n3;x"],
    ));
    assert_eq!(rows, [r#"{"to":"1","max_parts":2}"#, "invalid_request"]);
}

/// A column has the name of every field of a row, so that none is taken for one of the template.
#[test]
fn every_field_of_a_row_is_a_column() {
    use crate::http::request::RowBody;
    let unknown = serde_json::from_str::<RowBody>(r#"{"?":1}"#).unwrap_err();
    let unknown = unknown.to_string();
    let names = unknown.split('`').skip(3).step_by(2);
    let names: Vec<&str> = names
        .filter(|name| !["to", "fields"].contains(name))
        .collect();
    assert!(names.len() > 10, "{unknown}");
    for name in names {
        let table = format!("to,{name}\n1,\u{1}\n");
        let rows = read(RowReader::table(b',', None), &[table.as_bytes()]);
        let is_template_field = |row: &RowRead| matches!(row, Ok(row) if row.fields.is_some());
        assert!(!rows.iter().any(is_template_field), "{name}");
    }
}

#[test]
fn a_row_that_is_too_long_is_refused_and_the_next_one_is_read() {
    let long = "x".repeat(9 << 20);
    let lines = format!("{long}\n{{\"to\":\"1\"}}\n");
    let pieces: Vec<&[u8]> = lines.as_bytes().chunks(10_000).collect();
    let rows = shown(&read(RowReader::lines(), &pieces));
    assert_eq!(rows, ["invalid_request", r#"{"to":"1"}"#]);
    let table = format!("to,text\n1,{long}\n2,b\n");
    let pieces: Vec<&[u8]> = table.as_bytes().chunks(10_000).collect();
    let rows = shown(&read(RowReader::table(b',', None), &pieces));
    assert_eq!(rows, ["invalid_request", r#"{"to":"2","text":"b"}"#]);
    let wide = format!("to,text\n{}\n2,b\n", ",".repeat(2_000));
    let rows = shown(&read(RowReader::table(b',', None), &[wide.as_bytes()]));
    assert_eq!(rows, ["invalid_request", r#"{"to":"2","text":"b"}"#]);
}

/// Only the row that is not whole yet is kept between pieces.
#[test]
fn a_hundred_thousand_rows_are_read_as_they_come() {
    let mut reader = RowReader::lines();
    let mut n_rows = 0;
    for number in 0..100_000 {
        let line = format!("{{\"to\":\"+47900{number:05}\",\"text\":\"hi\"}}\n");
        let rows = reader.push(line.as_bytes()).unwrap();
        assert!(rows.len() == 1 && rows[0].is_ok());
        n_rows += rows.len();
    }
    assert_eq!((n_rows, reader.finish().unwrap().len()), (100_000, 0));
}
