//! Tests of the journal.

use std::path::{Path, PathBuf};

use tidings::{ProviderRef, Timestamp};

use super::CampaignError;
use super::journal::{Fingerprint, Identity, Journal, Outcome};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("people.csv.tidings-journal")
    }

    fn open(&self) -> Result<Journal, CampaignError> {
        Journal::open(&self.path(), &identity("file"), "c1")
    }
}

fn identity(file: &str) -> Identity {
    Identity {
        file: Fingerprint::of(&[file.as_bytes()]),
        template: Fingerprint::of(&[b"template"]),
        options: Fingerprint::of(&[b"options"]),
        account: "a".to_owned(),
    }
}

fn row(line: u64) -> (u64, Fingerprint) {
    (line, Fingerprint::of(&[&line.to_le_bytes()]))
}

#[test]
fn what_was_written_is_read_back() {
    let desk = Desk::new();
    let mut journal = desk.open().unwrap();
    journal.begin(&[row(2), row(3), row(4)], NOW).unwrap();
    let reference = ProviderRef::message("123");
    journal
        .end([(2, Outcome::Submitted, Some(reference.clone()))])
        .unwrap();
    journal.end([(3, Outcome::NotSent, None)]).unwrap();
    drop(journal);

    let journal = Journal::open(&desk.path(), &identity("file"), "another name").unwrap();
    assert_eq!(journal.campaign(), "c1");
    let entry = |line| journal.entry(line).unwrap();
    assert_eq!(entry(2).outcome, Some(Outcome::Submitted));
    assert_eq!(entry(2).provider_ref, Some(reference.clone()));
    assert_eq!(entry(2).fingerprint, row(2).1);
    assert_eq!(entry(2).begun_at, Some(NOW));
    assert_eq!(entry(3).outcome, Some(Outcome::NotSent));
    assert!(entry(4).is_unknown());
    assert_eq!(journal.entry(5), None);
    let known = Journal::read(&desk.path()).unwrap();
    assert_eq!(known.references, [(2, reference)]);
    assert_eq!((known.account.as_str(), known.unknown.len()), ("a", 1));
}

#[test]
fn a_torn_last_line_counts_as_not_written_wherever_it_is_torn() {
    let desk = Desk::new();
    let mut journal = desk.open().unwrap();
    journal.begin(&[row(2)], NOW).unwrap();
    let before = std::fs::read(desk.path()).unwrap();
    journal
        .end([(2, Outcome::Submitted, Some(ProviderRef::message("123")))])
        .unwrap();
    drop(journal);
    let whole = std::fs::read(desk.path()).unwrap();
    for length in 0..whole.len() {
        std::fs::write(desk.path(), &whole[..length]).unwrap();
        let mut journal = desk.open().unwrap();
        if length >= before.len() {
            assert!(journal.entry(2).unwrap().is_unknown(), "torn at {length}");
        }
        // And what is written next stands on a line of its own.
        journal.begin(&[row(9)], NOW).unwrap();
        drop(journal);
        assert!(
            desk.open().unwrap().entry(9).unwrap().is_unknown(),
            "torn at {length}"
        );
    }
}

#[test]
fn an_attempt_that_is_begun_again_is_open_again() {
    let desk = Desk::new();
    let mut journal = desk.open().unwrap();
    journal.begin(&[row(2)], NOW).unwrap();
    journal.end([(2, Outcome::NotSent, None)]).unwrap();
    journal.begin(&[row(2)], NOW).unwrap();
    drop(journal);
    assert!(desk.open().unwrap().entry(2).unwrap().is_unknown());
}

#[test]
fn another_campaign_is_noticed() {
    let desk = Desk::new();
    drop(desk.open().unwrap());
    let mut other = identity("file");
    other.template = Fingerprint::of(&[b"other template"]);
    other.account = "b".to_owned();
    let error = Journal::open(&desk.path(), &other, "c2").unwrap_err();
    let changed = vec!["the template", "the account"];
    assert_eq!(
        error,
        CampaignError::OtherCampaign {
            path: desk.path(),
            changed
        }
    );
    assert!(error.to_string().contains("--journal"), "{error}");
}

#[test]
fn a_changed_file_is_taken_only_if_the_rows_that_were_sent_are_in_it() {
    let desk = Desk::new();
    let mut journal = desk.open().unwrap();
    journal.begin(&[row(2), row(4)], NOW).unwrap();
    assert!(!journal.file_changed());
    drop(journal);
    let journal = Journal::open(&desk.path(), &identity("corrected"), "c2").unwrap();
    assert!(journal.file_changed());
    let places = |rows: &[(u64, Fingerprint)]| {
        let rows = rows.iter().map(|(line, fingerprint)| (*line, fingerprint));
        let places = journal.places(rows)?;
        Ok(places.iter().map(|place| place.slot).collect::<Vec<u64>>())
    };
    let slots = places(&[row(2), row(3), row(4), row(5)]);
    assert_eq!(slots, Ok(vec![2, 3, 4, 5]));
    // Moved, with a new row where another stood.
    let moved = [(3, row(2).1), (4, row(9).1), (5, row(4).1)];
    assert_eq!(places(&moved), Ok(vec![2, 6, 4]));
    let changed = (4, row(5).1);
    for (rows, count) in [(&[row(2)][..], 1), (&[row(2), changed], 1), (&[], 2)] {
        let expected = CampaignError::RowsGone {
            path: desk.path(),
            first: if count == 1 { 4 } else { 2 },
            count,
        };
        assert_eq!(places(rows), Err(expected));
    }
}

#[test]
fn rows_that_nobody_has_may_change_and_equal_rows_are_told_apart() {
    let desk = Desk::new();
    let mut journal = desk.open().unwrap();
    let same = row(2).1;
    let begun = [(2, same.clone()), (3, same.clone()), row(4), row(5)];
    journal.begin(&begun, NOW).unwrap();
    let ended = [(4, Outcome::NotSent, None), (5, Outcome::Refused, None)];
    journal.end(ended).unwrap();
    let rows = [(2, same.clone()), (3, same.clone()), (4, same.clone())];
    let places = journal.places(rows.iter().map(|(line, of)| (*line, of)));
    let told = places.unwrap().into_iter();
    let told: Vec<(u64, usize)> = told.map(|place| (place.slot, place.copy)).collect();
    assert_eq!(told, [(2, 0), (3, 1), (6, 2)]);
}

#[test]
fn two_processes_cannot_send_the_same_campaign() {
    let desk = Desk::new();
    let journal = desk.open().unwrap();
    assert_eq!(
        desk.open().unwrap_err(),
        CampaignError::JournalInUse { path: desk.path() }
    );
    drop(journal);
    desk.open().unwrap();
}

#[test]
fn a_damaged_line_in_the_middle_stops_everything() {
    let desk = Desk::new();
    let mut journal = desk.open().unwrap();
    journal.begin(&[row(2)], NOW).unwrap();
    journal.begin(&[row(3)], NOW).unwrap();
    drop(journal);
    let text = std::fs::read_to_string(desk.path()).unwrap();
    std::fs::write(desk.path(), text.replacen("begin", "bogus", 1)).unwrap();
    let error = desk.open().unwrap_err();
    assert_eq!(
        error,
        CampaignError::JournalCorrupt {
            path: desk.path(),
            line: 3
        }
    );
}

#[test]
fn a_journal_that_does_not_tell_when_rows_were_begun_is_read() {
    let desk = Desk::new();
    let mut journal = desk.open().unwrap();
    journal.begin(&[row(2)], NOW).unwrap();
    drop(journal);
    let text = std::fs::read_to_string(desk.path()).unwrap();
    let earlier: Vec<&str> = text
        .lines()
        .filter(|line| !line.contains("\"at\""))
        .collect();
    assert_eq!(earlier.len(), 2, "{text}");
    std::fs::write(desk.path(), earlier.join("\n") + "\n").unwrap();
    let journal = desk.open().unwrap();
    let entry = journal.entry(2).unwrap();
    assert!(entry.is_unknown() && entry.begun_at.is_none(), "{entry:?}");
}

#[test]
fn what_an_unknown_outcome_told_is_kept_and_is_no_reference_of_a_message() {
    let desk = Desk::new();
    let mut journal = desk.open().unwrap();
    journal.begin(&[row(2)], NOW).unwrap();
    let told = ProviderRef::message("9");
    let ended = (2, Outcome::Unknown, Some(told.clone()));
    journal.end([ended]).unwrap();
    drop(journal);
    let journal = desk.open().unwrap();
    assert_eq!(journal.entry(2).unwrap().provider_ref, Some(told));
    drop(journal);
    let known = Journal::read(&desk.path()).unwrap();
    let lines: Vec<u64> = known.unknown.iter().map(|(line, _)| *line).collect();
    assert_eq!((lines, known.references), (vec![2], vec![]));
    // Our own name is the same in every run, so a report that carries it is about this row.
    let (_, about) = &known.unknown[0];
    assert_eq!(about.message.as_deref(), Some("9"));
    assert_eq!(about.reference.as_ref().unwrap().as_str(), "c1-2");
}

#[test]
fn a_file_that_is_no_journal_is_left_alone() {
    for content in [
        "to,name\n1,A\n",
        "no line end",
        "{\"journal\":{\"version\":9}}\n",
    ] {
        let desk = Desk::new();
        std::fs::write(desk.path(), content).unwrap();
        let error = desk.open().unwrap_err();
        assert_eq!(
            error,
            CampaignError::NotAJournal { path: desk.path() },
            "{content}"
        );
        assert_eq!(std::fs::read_to_string(desk.path()).unwrap(), content);
    }
    assert!(Journal::read(Path::new("/does/not/exist")).is_err());
}

#[test]
fn what_is_begun_shows_neither_numbers_nor_texts() {
    let desk = Desk::new();
    let mut journal = desk.open().unwrap();
    let fingerprint = Fingerprint::of(&[b"+224622000001", b"Tidings", b"Bonjour"]);
    journal.begin(&[(2, fingerprint)], NOW).unwrap();
    let text = std::fs::read_to_string(desk.path()).unwrap();
    assert!(
        !text.contains("622000001") && !text.contains("Bonjour"),
        "{text}"
    );
}

#[test]
fn fingerprints_tell_parts_apart() {
    assert_ne!(
        Fingerprint::of(&[b"ab", b"c"]),
        Fingerprint::of(&[b"a", b"bc"])
    );
}
