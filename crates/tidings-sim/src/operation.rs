//! What a call does, in words that all providers share, so that a scenario can name it without
//! knowing a provider's paths.
//!
//! Used by [`crate::scenario`] to match calls and by [`crate::world`] to say which call it is in.

use serde::Serialize;

/// What a call asks the simulated carrier to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Operation {
    /// Hand over one message or many, or one for a whole group.
    Submit,
    /// Ask how far a message has come.
    MessageStatus,
    /// Ask how far a batch has come.
    BatchStatus,
    /// List the batches of which messages wait.
    ListBatches,
    /// Ask how much of a batch waits.
    ShowBatch,
    /// Stop what waits of a batch.
    StopBatch,
    /// Tell the customer's server what became of a message. The only one that the carrier begins.
    Report,
    /// Ask what is left on the account.
    Balance,
    /// Replace the account's key.
    RenewKey,
    /// Add a contact.
    AddContact,
    /// List contacts.
    ListContacts,
    /// Let further users see a contact.
    LinkUsers,
    /// List groups.
    ListGroups,
    /// Make a group.
    CreateGroup,
    /// Put a contact into a group.
    AddToGroup,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 15] = [
        Self::Submit,
        Self::MessageStatus,
        Self::BatchStatus,
        Self::ListBatches,
        Self::ShowBatch,
        Self::StopBatch,
        Self::Report,
        Self::Balance,
        Self::RenewKey,
        Self::AddContact,
        Self::ListContacts,
        Self::LinkUsers,
        Self::ListGroups,
        Self::CreateGroup,
        Self::AddToGroup,
    ];

    /// Its word in scenarios and statistics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Submit => "submit",
            Self::MessageStatus => "message_status",
            Self::BatchStatus => "batch_status",
            Self::ListBatches => "list_batches",
            Self::ShowBatch => "show_batch",
            Self::StopBatch => "stop_batch",
            Self::Report => "report",
            Self::Balance => "balance",
            Self::RenewKey => "renew_key",
            Self::AddContact => "add_contact",
            Self::ListContacts => "list_contacts",
            Self::LinkUsers => "link_users",
            Self::ListGroups => "list_groups",
            Self::CreateGroup => "create_group",
            Self::AddToGroup => "add_to_group",
        }
    }

    /// The operation with this word.
    pub fn by_word(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|operation| operation.as_str() == word)
    }
}
