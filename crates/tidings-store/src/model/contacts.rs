//! Address books, and who does not want to be written to.

use std::sync::Arc;

use tidings_core::{E164, TimeZone, Timestamp};

use super::{ContactId, GroupId};

/// A person in an account's address book.
#[derive(Clone)]
pub struct StoredContact {
    /// Its name.
    pub id: ContactId,
    /// The number; one account has each number once.
    pub phone: E164,
    /// Given name.
    pub first_name: Arc<str>,
    /// Family name.
    pub last_name: Arc<str>,
    /// Where the person lives, for the hours in which a text may come.
    pub zone: Option<TimeZone>,
    /// Fields for templates and further needs, as JSON.
    pub fields: Option<Arc<str>>,
    /// Since when.
    pub created_at: Timestamp,
}

/// Shows the id alone: names and numbers are personal.
impl std::fmt::Debug for StoredContact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredContact")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// A named set of contacts.
#[derive(Clone, Debug)]
pub struct StoredGroup {
    /// Its id.
    pub id: GroupId,
    /// What people call it; one account has each name once.
    pub name: Arc<str>,
    /// How many contacts are in it.
    pub n_members: u64,
    /// Since when.
    pub created_at: Timestamp,
}

/// A number that is not to be written to.
#[derive(Clone, Debug)]
pub struct OptOut {
    /// The number.
    pub phone: E164,
    /// For texts from this sender; `None` is from all.
    pub sender: Option<Arc<str>>,
    /// How it came: `inbound`, `api`, `import`.
    pub source: Arc<str>,
    /// The word that was written, where it came by a text.
    pub word: Option<Arc<str>>,
    /// Since when.
    pub since: Timestamp,
}

impl OptOut {
    /// What its event says, as JSON: `phone`, and where they are set `sender`, `source` and `word`.
    pub fn event_detail(&self) -> Arc<str> {
        let mut detail = serde_json::json!({"phone": self.phone.as_str(), "source": &*self.source});
        for (name, value) in [("sender", &self.sender), ("word", &self.word)] {
            if let Some(value) = value {
                detail[name] = (&**value).into();
            }
        }
        detail.to_string().into()
    }

    /// What the event says when the opt-outs of a number are removed: `phone`.
    pub fn removed_detail(phone: &E164) -> Arc<str> {
        serde_json::json!({"phone": phone.as_str()})
            .to_string()
            .into()
    }
}
