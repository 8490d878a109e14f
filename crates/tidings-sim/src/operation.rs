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
    /// Hand over one message or many, one for a whole group, or one to a conversation.
    Submit,
    /// Ask how far a message has come; where messages are kept in conversations, read one of those.
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
    /// Present credentials for a token, or the second step of that.
    SignIn,
    /// Renew a token.
    RefreshToken,
    /// Open a token for somebody else.
    DelegateToken,
    /// End tokens.
    RevokeToken,
    /// List conversations.
    ListConversations,
    /// Look at one conversation.
    ShowConversation,
    /// Change, leave or delete a conversation.
    ChangeConversation,
    /// Fetch the file of a message.
    FetchMedia,
    /// List the numbers of ours.
    ListNumbers,
    /// Ask how many numbers a user has.
    CountNumbers,
    /// Add a number.
    AddNumber,
    /// Say what a number is used for and by whom.
    ChangeNumber,
    /// Take a number away.
    RemoveNumber,
    /// List subscriptions to events.
    ListSubscriptions,
    /// Look at one subscription.
    ShowSubscription,
    /// Subscribe to events.
    Subscribe,
    /// Change a subscription.
    ChangeSubscription,
    /// End a subscription.
    Unsubscribe,
    /// List calls between telephones.
    ListCalls,
    /// Let a telephone call another.
    StartCall,
    /// End a call between telephones.
    EndCall,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 36] = [
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
        Self::SignIn,
        Self::RefreshToken,
        Self::DelegateToken,
        Self::RevokeToken,
        Self::ListConversations,
        Self::ShowConversation,
        Self::ChangeConversation,
        Self::FetchMedia,
        Self::ListNumbers,
        Self::CountNumbers,
        Self::AddNumber,
        Self::ChangeNumber,
        Self::RemoveNumber,
        Self::ListSubscriptions,
        Self::ShowSubscription,
        Self::Subscribe,
        Self::ChangeSubscription,
        Self::Unsubscribe,
        Self::ListCalls,
        Self::StartCall,
        Self::EndCall,
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
            Self::SignIn => "sign_in",
            Self::RefreshToken => "refresh_token",
            Self::DelegateToken => "delegate_token",
            Self::RevokeToken => "revoke_token",
            Self::ListConversations => "list_conversations",
            Self::ShowConversation => "show_conversation",
            Self::ChangeConversation => "change_conversation",
            Self::FetchMedia => "fetch_media",
            Self::ListNumbers => "list_numbers",
            Self::CountNumbers => "count_numbers",
            Self::AddNumber => "add_number",
            Self::ChangeNumber => "change_number",
            Self::RemoveNumber => "remove_number",
            Self::ListSubscriptions => "list_subscriptions",
            Self::ShowSubscription => "show_subscription",
            Self::Subscribe => "subscribe",
            Self::ChangeSubscription => "change_subscription",
            Self::Unsubscribe => "unsubscribe",
            Self::ListCalls => "list_calls",
            Self::StartCall => "start_call",
            Self::EndCall => "end_call",
        }
    }

    /// The operation with this word.
    pub fn by_word(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|operation| operation.as_str() == word)
    }
}
