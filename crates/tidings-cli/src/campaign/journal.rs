//! The journal of a campaign: what was begun and how it ended, on disk before each call.
//!
//! Called by `run.rs`. A file of JSON lines that is only appended to: a first line that says which
//! campaign it is, then `at` and `begin` lines, each on disk before the first byte of the calls it names, and
//! `end` lines. Whatever moment the program is killed at, the file tells for every row whether it
//! was never begun, has an outcome, or was begun and nobody can know.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tidings::{Account, ClientRef, ProviderRef, ProviderSpec, Timestamp};

use super::CampaignError;

/// What makes two runs the same campaign. Hashes, so that the journal holds no texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Identity {
    pub(crate) file: Fingerprint,
    pub(crate) template: Fingerprint,
    /// Sender, text policy and everything else that changes what phones receive.
    pub(crate) options: Fingerprint,
    /// The provider, the lane, and a hash of its settings that are no secrets: a simulated carrier
    /// is another account, a renewed key is not. Or the address of a gateway.
    pub(crate) account: String,
}

impl Identity {
    /// The words for an account.
    pub(crate) fn account_of(spec: &ProviderSpec, account: &Account) -> String {
        let settings = spec.settings.iter().filter(|setting| !setting.is_secret);
        let values: Vec<&[u8]> = settings
            .flat_map(|setting| [Some(setting.name), account.setting(setting.name)])
            .map(|text| text.unwrap_or_default().as_bytes())
            .collect();
        let Fingerprint(hash) = Fingerprint::of(&values);
        format!("{}/{}/{hash}", spec.id, account.id())
    }

    /// The words for a gateway, which knows by itself whose a key is.
    pub(crate) fn gateway_of(url: &str) -> String {
        let Fingerprint(hash) = Fingerprint::of(&[url.as_bytes()]);
        format!("{GATEWAY}{hash}")
    }

    /// Whether these are the words for a gateway.
    pub(crate) fn is_gateway(account: &str) -> bool {
        account.starts_with(GATEWAY)
    }
}

/// What the account of a campaign over a gateway begins with.
const GATEWAY: &str = "gateway/";

/// Our name for the message of a row: the same in every run of a campaign.
pub(crate) fn reference(campaign: &str, slot: u64) -> ClientRef {
    ClientRef::new(format!("{campaign}-{slot}"))
        .expect("a campaign's name and a number are visible ASCII characters")
}

/// The first 16 hexadecimal digits of a SHA-256.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Fingerprint(String);

impl std::fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Fingerprint {
    /// The parts are told apart: `["ab", "c"]` and `["a", "bc"]` differ.
    pub(crate) fn of(parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(part.len().to_le_bytes());
            hash.update(part);
        }
        let digest = hash.finalize();
        let digits = digest.iter().take(8).map(|byte| format!("{byte:02x}"));
        Self(digits.collect())
    }
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// The provider has it.
    Submitted,
    /// The provider looked at this message and said no.
    Refused,
    /// Proved that it was not sent: it can be sent again.
    NotSent,
    /// Nobody can know.
    Unknown,
}

/// What the journal knows of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) fingerprint: Fingerprint,
    /// When it was begun. Journals of earlier versions do not tell.
    pub(crate) begun_at: Option<Timestamp>,
    /// `None`: begun, and the program ended before the answer came.
    pub(crate) outcome: Option<Outcome>,
    /// How to ask about it. Of an unknown outcome, what the failed call told.
    pub(crate) provider_ref: Option<ProviderRef>,
}

impl Entry {
    /// Begun or answered without anybody knowing whether it was sent.
    pub(crate) fn is_unknown(&self) -> bool {
        matches!(self.outcome, None | Some(Outcome::Unknown))
    }
}

/// What a journal tells someone who wants to know how far its messages have come.
#[derive(Debug)]
pub(crate) struct Known {
    /// [`Identity::account`].
    pub(crate) account: String,
    /// Messages of which nobody can know whether they were sent: what is known to ask about them.
    pub(crate) unknown: Vec<(u64, ProviderRef)>,
    /// The messages that the provider has, in order of their lines.
    pub(crate) references: Vec<(u64, ProviderRef)>,
}

/// Where a row of the file stands in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Its number there: the line on which it first stood, or one behind all lines where another row
    /// has that.
    pub(crate) slot: u64,
    /// How many rows before it in the file are the same.
    pub(crate) copy: usize,
}

/// An open journal; no other process has it open for writing.
#[derive(Debug)]
pub(crate) struct Journal {
    file: File,
    path: PathBuf,
    /// The length of all lines that are whole.
    whole_bytes: u64,
    campaign: String,
    file_changed: bool,
    entries: BTreeMap<u64, Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Line {
    Journal(Header),
    /// When what follows was begun.
    At(Timestamp),
    Begin(Vec<(u64, Fingerprint)>),
    End(End),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    version: u32,
    /// The first half of every message's reference.
    campaign: String,
    identity: Identity,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    line: u64,
    outcome: Outcome,
    #[serde(rename = "ref", default, skip_serializing_if = "Option::is_none")]
    provider_ref: Option<ProviderRef>,
}

const VERSION: u32 = 1;

impl Journal {
    /// Opens the journal of a campaign, or begins one. `new_campaign` names it if it is new.
    pub(crate) fn open(
        path: &Path,
        identity: &Identity,
        new_campaign: &str,
    ) -> Result<Self, CampaignError> {
        let cannot = |error: std::io::Error| CampaignError::JournalFile {
            path: path.to_owned(),
            what: error.to_string(),
        };
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(path)
            .map_err(cannot)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(CampaignError::JournalInUse {
                    path: path.to_owned(),
                });
            }
            Err(TryLockError::Error(error)) => return Err(cannot(error)),
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(cannot)?;
        let content = Content::parse(&bytes, path)?;
        let whole_bytes = content.whole_bytes as u64;
        // A line that was being written when the program was killed is as good as none.
        if content.whole_bytes < bytes.len() {
            file.set_len(whole_bytes).map_err(cannot)?;
            file.seek(SeekFrom::End(0)).map_err(cannot)?;
        }
        let (campaign, is_new, file_changed) = match content.header {
            Some(header) => {
                same_campaign(&header.identity, identity, path)?;
                (
                    header.campaign,
                    false,
                    header.identity.file != identity.file,
                )
            }
            None => (new_campaign.to_owned(), true, false),
        };
        let entries = content.entries;
        let mut journal = Self {
            file,
            path: path.to_owned(),
            whole_bytes,
            campaign,
            file_changed,
            entries,
        };
        if is_new {
            let header = Header {
                version: VERSION,
                campaign: journal.campaign.clone(),
                identity: identity.clone(),
            };
            journal.append(&[Line::Journal(header)])?;
            journal.sync()?;
        }
        // Also where the file was there: whoever made it may have been killed before this.
        sync_folder(path).map_err(cannot)?;
        Ok(journal)
    }

    /// Reads what a journal says of the messages that are with the provider.
    pub(crate) fn read(path: &Path) -> Result<Known, CampaignError> {
        let bytes = std::fs::read(path).map_err(|error| CampaignError::JournalFile {
            path: path.to_owned(),
            what: error.to_string(),
        })?;
        let content = Content::parse(&bytes, path)?;
        let header = content.header.ok_or_else(|| CampaignError::NotAJournal {
            path: path.to_owned(),
        })?;
        let mut known = Known {
            account: header.identity.account,
            unknown: Vec::new(),
            references: Vec::new(),
        };
        for (line, entry) in content.entries {
            if entry.is_unknown() {
                let mut about = entry.provider_ref.unwrap_or_default();
                about.reference = Some(reference(&header.campaign, line));
                known.unknown.push((line, about));
            } else if let (Some(Outcome::Submitted), Some(about)) =
                (entry.outcome, entry.provider_ref)
            {
                known.references.push((line, about));
            }
        }
        Ok(known)
    }

    /// The name of the campaign: the first half of every message's reference.
    pub(crate) fn campaign(&self) -> &str {
        &self.campaign
    }

    /// Whether nothing was begun yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Finds for every row of the file, by its number and text, what the journal has of it: so rows can
    /// be mended, moved and added, and the same row twice in the file is two.
    ///
    /// # Errors
    /// [`CampaignError::RowsGone`]: a row that was sent, or may have been, is not in the file any more. What
    /// stands in its place would be a second text to somebody.
    pub(crate) fn places<'r>(
        &self,
        rows: impl IntoIterator<Item = (u64, &'r Fingerprint)>,
    ) -> Result<Vec<Place>, CampaignError> {
        let rows: Vec<(u64, &Fingerprint)> = rows.into_iter().collect();
        let mut begun: HashMap<&Fingerprint, VecDeque<u64>> = HashMap::new();
        for (slot, entry) in &self.entries {
            let slots = begun.entry(&entry.fingerprint).or_default();
            slots.push_back(*slot);
        }
        let lines = rows.iter().map(|(line, _)| *line).max();
        let slots = self.entries.keys().next_back().copied();
        let mut behind_all = lines.max(slots).unwrap_or_default();
        let mut copies: HashMap<&Fingerprint, usize> = HashMap::new();
        let mut places = Vec::with_capacity(rows.len());
        for (line, fingerprint) in rows {
            let copy = copies.entry(fingerprint).or_default();
            let known = begun.get_mut(fingerprint).and_then(VecDeque::pop_front);
            let slot = known.unwrap_or_else(|| {
                if self.entries.contains_key(&line) {
                    behind_all += 1;
                    behind_all
                } else {
                    line
                }
            });
            places.push(Place { slot, copy: *copy });
            *copy += 1;
        }
        let is_with_somebody = |slot: &u64| {
            let entry = self.entries.get(slot);
            entry.is_some_and(|it| it.is_unknown() || it.outcome == Some(Outcome::Submitted))
        };
        let gone = begun.into_values().flatten().filter(is_with_somebody);
        let mut gone: Vec<u64> = gone.collect();
        gone.sort_unstable();
        match gone.first() {
            None => Ok(places),
            Some(first) => Err(CampaignError::RowsGone {
                path: self.path.clone(),
                first: *first,
                count: gone.len(),
            }),
        }
    }

    /// Whether the file is not byte for byte the one that the journal was begun with.
    pub(crate) fn file_changed(&self) -> bool {
        self.file_changed
    }

    /// What is known of the row that has this place.
    pub(crate) fn entry(&self, slot: u64) -> Option<&Entry> {
        self.entries.get(&slot)
    }

    /// Writes that these rows are about to be sent. When it returns, that is on disk.
    pub(crate) fn begin(
        &mut self,
        rows: &[(u64, Fingerprint)],
        at: Timestamp,
    ) -> Result<(), CampaignError> {
        self.append(&[Line::At(at), Line::Begin(rows.to_vec())])?;
        self.sync()?;
        for (line, fingerprint) in rows {
            let entry = Entry {
                fingerprint: fingerprint.clone(),
                begun_at: Some(at),
                outcome: None,
                provider_ref: None,
            };
            self.entries.insert(*line, entry);
        }
        Ok(())
    }

    /// Writes how attempts ended. It reaches the disk with the next [`Self::begin`] or
    /// [`Self::sync`]; until then a power cut turns these rows into unknown ones, which are not sent
    /// again.
    pub(crate) fn end(
        &mut self,
        rows: impl IntoIterator<Item = (u64, Outcome, Option<ProviderRef>)>,
    ) -> Result<(), CampaignError> {
        let mut lines = Vec::new();
        for (line, outcome, provider_ref) in rows {
            if let Some(entry) = self.entries.get_mut(&line) {
                entry.outcome = Some(outcome);
                entry.provider_ref.clone_from(&provider_ref);
            }
            lines.push(Line::End(End {
                line,
                outcome,
                provider_ref,
            }));
        }
        self.append(&lines)
    }

    /// Waits until everything is on disk.
    pub(crate) fn sync(&mut self) -> Result<(), CampaignError> {
        self.file.sync_data().map_err(|error| self.failed(&error))
    }

    /// One write for all lines: a reader sees whole lines, or one torn line at the end. Where the
    /// write fails, on a full disk, what it left is cut off, so that a later line is not glued to
    /// it.
    fn append(&mut self, lines: &[Line]) -> Result<(), CampaignError> {
        let mut bytes = Vec::new();
        for line in lines {
            serde_json::to_writer(&mut bytes, line).expect("lines of the journal are plain data");
            bytes.push(b'\n');
        }
        match self.file.write_all(&bytes) {
            Ok(()) => {
                self.whole_bytes += bytes.len() as u64;
                Ok(())
            }
            Err(error) => {
                // If this fails, too, the next reader refuses the journal instead of guessing.
                self.file.set_len(self.whole_bytes).ok();
                Err(self.failed(&error))
            }
        }
    }

    fn failed(&self, error: &std::io::Error) -> CampaignError {
        CampaignError::JournalNotWritten {
            path: self.path.clone(),
            what: error.to_string(),
        }
    }
}

struct Content {
    header: Option<Header>,
    entries: BTreeMap<u64, Entry>,
    /// When the rows that come next were begun.
    at: Option<Timestamp>,
    /// The length of all lines that are whole.
    whole_bytes: usize,
}

impl Content {
    fn parse(bytes: &[u8], path: &Path) -> Result<Self, CampaignError> {
        let mut content = Self {
            header: None,
            entries: BTreeMap::new(),
            at: None,
            whole_bytes: 0,
        };
        for (index, text) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
            if !text.ends_with(b"\n") {
                break;
            }
            let corrupt = || match index {
                0 => CampaignError::NotAJournal {
                    path: path.to_owned(),
                },
                _ => CampaignError::JournalCorrupt {
                    path: path.to_owned(),
                    line: index + 1,
                },
            };
            let line: Line = serde_json::from_slice(text).map_err(|_| corrupt())?;
            content.take(line, index).ok_or_else(corrupt)?;
            content.whole_bytes += text.len();
        }
        // Something else than a journal may have no line end at all: it must not be cut off.
        if content.header.is_none() && !looks_torn(bytes) {
            return Err(CampaignError::NotAJournal {
                path: path.to_owned(),
            });
        }
        Ok(content)
    }

    /// `None` if such a line cannot stand here.
    fn take(&mut self, line: Line, index: usize) -> Option<()> {
        match line {
            Line::Journal(header) if index == 0 && header.version == VERSION => {
                self.header = Some(header);
            }
            Line::At(at) if index > 0 => self.at = Some(at),
            Line::Begin(rows) if index > 0 => {
                for (line, fingerprint) in rows {
                    let entry = Entry {
                        fingerprint,
                        begun_at: self.at,
                        outcome: None,
                        provider_ref: None,
                    };
                    self.entries.insert(line, entry);
                }
            }
            Line::End(end) if index > 0 => {
                let entry = self.entries.get_mut(&end.line)?;
                entry.outcome = Some(end.outcome);
                entry.provider_ref = end.provider_ref;
            }
            Line::Journal(_) | Line::At(_) | Line::Begin(_) | Line::End(_) => return None,
        }
        Some(())
    }
}

/// Whether these bytes can be the beginning of a journal's first line.
fn looks_torn(bytes: &[u8]) -> bool {
    const BEGINNING: &[u8] = b"{\"journal\":{";
    let shared = bytes.len().min(BEGINNING.len());
    bytes.get(..shared) == BEGINNING.get(..shared)
}

fn same_campaign(old: &Identity, new: &Identity, path: &Path) -> Result<(), CampaignError> {
    let changed = [
        ("the template", old.template != new.template),
        ("the account", old.account != new.account),
        (
            "the sender or another option that changes the messages",
            old.options != new.options,
        ),
    ];
    let changed: Vec<&'static str> = changed
        .iter()
        .filter(|(_, differs)| *differs)
        .map(|(what, _)| *what)
        .collect();
    if changed.is_empty() {
        Ok(())
    } else {
        Err(CampaignError::OtherCampaign {
            path: path.to_owned(),
            changed,
        })
    }
}

/// A new file survives a power cut only when its folder is on disk, too.
#[cfg(unix)]
fn sync_folder(path: &Path) -> std::io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// Elsewhere folders cannot be opened; the system writes them by itself.
#[cfg(not(unix))]
fn sync_folder(_path: &Path) -> std::io::Result<()> {
    Ok(())
}
