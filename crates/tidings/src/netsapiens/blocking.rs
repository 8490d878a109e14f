//! The client for programs without an asynchronous runtime.
//!
//! Called by programs. It only waits for [`super::Client`], which knows everything.

use std::path::Path as FilePath;

use secrecy::SecretString;
use tidings_core::{E164, Media};

use super::calls::{ActiveCall, NewCall, StartedCall};
use super::keeper::Keeper;
use super::second_step::{MfaChallenge, SignedIn};
use super::send::{Message, Sent};
use super::session_id::SessionId;
use super::subscriptions::{NewSubscription, Subscription, SubscriptionChange};
use super::token::Token;
use super::wire;
use crate::answer::Answer;
use crate::blocking::{Background, blocking_client, mirror};
use crate::conversations::{Page, StoredMedia};
use crate::error::Result;

blocking_client!(netsapiens);

impl Client {
    /// See [`from_env`](super::Client::from_env).
    ///
    /// # Errors
    /// Its, and those of [`new`](Self::new).
    pub fn from_env() -> Result<Self> {
        Self::new(super::Client::from_env()?)
    }

    /// See [`act_for`](super::Client::act_for).
    #[must_use]
    pub fn act_for(&self, domain: impl Into<String>, user: impl Into<String>) -> Self {
        Self::on(&self.runtime, self.inner.act_for(domain, user))
    }

    /// See [`sending_from`](super::Client::sending_from).
    #[must_use]
    pub fn sending_from(&self, number: E164) -> Self {
        Self::on(&self.runtime, self.inner.sending_from(number))
    }

    /// See [`token`](super::Client::token).
    #[doc(alias("get_token", "auth_data"))]
    pub fn token(&self) -> Option<Token> {
        self.inner.token()
    }

    /// See [`keeper`](super::Client::keeper). [`keep`](Self::keep) runs it.
    #[doc(alias("renew_subscription"))]
    pub fn keeper(&self) -> Keeper {
        self.inner.keeper()
    }

    /// Runs a keeper while the program does other things, until what is returned is dropped.
    ///
    /// What the keeper tells is told on the thread that all blocking objects share, so its
    /// [`on_event`](Keeper::on_event) should return soon.
    pub fn keep(&self, keeper: Keeper) -> Background {
        self.runtime
            .in_background(async move { keeper.run().await })
    }

    // The account and its keys.
    mirror! { "super::Client" {
        #[doc(alias("get_token", "refresh_token"))]
        call sign_in() -> SignedIn;
        call answer(challenge: MfaChallenge, passcode: impl Into<SecretString> + Send) -> SignedIn;
        call api_key_info() -> Answer<wire::ApiKey>;
        call jwt_claims() -> Answer<wire::Claims>;
        call revoke_jwt() -> Answer<()>;
        call revoke_jwt_of(user_or_id: &str) -> Answer<()>;
        call delegate(domain: &str, user: &str) -> Answer<Token>;
        call version() -> Answer<wire::Version>;
    } }

    // Messages, conversations and files.
    mirror! { "super::Client" {
        #[doc(alias("send_message", "MessagesAPI"))]
        call send(message: &Message) -> Answer<Sent>;
        #[doc(alias("send_message"))]
        call send_in(session: &SessionId, message: &Message) -> Answer<Sent>;
        call reply(session: &str, message: &Message) -> Answer<Sent>;
        call send_in_server_session(message: &Message) -> Answer<Sent>;
        #[doc(alias("get_message_sessions", "get_messages", "get_messagesessions"))]
        call sessions(page: Page) -> Answer<Vec<wire::MessageSession>>;
        #[doc(alias("get_message_sessions", "get_messages", "get_messagesessions"))]
        call domain_sessions(page: Page) -> Answer<Vec<wire::MessageSession>>;
        items all_sessions() -> wire::MessageSession;
        items all_domain_sessions() -> wire::MessageSession;
        call session(id: &str) -> Answer<wire::MessageSession>;
        #[doc(alias("get_messages"))]
        call messages(session: &str, page: Page) -> Answer<Vec<wire::Message>>;
        items all_messages(session: &str) -> wire::Message;
        call set_participants(
            session: &str,
            participants: &[impl AsRef<str> + Sync],
        ) -> Answer<()>;
        call rename_session(session: &str, name: &str) -> Answer<()>;
        call mark_session(session: &str, is_read: bool) -> Answer<()>;
        call leave_session(session: &str) -> Answer<()>;
        call delete_session(session: &str) -> Answer<()>;
        call media_from_file(path: impl AsRef<FilePath> + Send) -> Media;
        #[doc(alias("read_media", "file-access-url"))]
        call fetch_media(media: &StoredMedia) -> Answer<Media>;
    } }

    // Subscriptions and numbers.
    mirror! { "super::Client" {
        #[doc(alias("subscribe", "createsubscription", "SubscriptionAPI"))]
        call create_subscription(new: &NewSubscription) -> Answer<Subscription>;
        call create_domain_subscription(new: &NewSubscription) -> Answer<Subscription>;
        #[doc(alias("get_subscriptions", "read_subscription", "read_subscriptions"))]
        call subscriptions(page: Page) -> Answer<Vec<Subscription>>;
        call domain_subscriptions(page: Page) -> Answer<Vec<Subscription>>;
        #[doc(alias("get_subscriptions", "read_subscription", "read_subscriptions"))]
        items all_subscriptions() -> Subscription;
        items all_domain_subscriptions() -> Subscription;
        call find_subscription(new: &NewSubscription) -> Option<Subscription>;
        #[doc(alias("get_subscription", "read_subscription", "readsubscription"))]
        call subscription(id: &str) -> Answer<Subscription>;
        call update_subscription(id: &str, change: &SubscriptionChange) -> Answer<()>;
        call update_domain_subscription(id: &str, change: &SubscriptionChange) -> Answer<()>;
        call delete_subscription(id: &str) -> Answer<()>;
        call delete_subscription_of(id: &str, domain: &str) -> Answer<()>;
        call delete_domain_subscription(id: &str) -> Answer<()>;
        call system_numbers(page: Page) -> Answer<Vec<wire::SmsNumber>>;
        call domain_numbers(page: Page) -> Answer<Vec<wire::SmsNumber>>;
        call user_numbers(page: Page) -> Answer<Vec<wire::SmsNumber>>;
        call count_user_numbers() -> Answer<u64>;
        call add_number(number: &wire::NumberAssignment) -> Answer<()>;
        call change_number(number: &str, assignment: &wire::NumberAssignment) -> Answer<()>;
        call remove_number(number: &str) -> Answer<()>;
    } }

    // Calls.
    mirror! { "super::Client" {
        #[doc(alias("get_calls", "CallsAPI"))]
        call calls() -> Answer<Vec<ActiveCall>>;
        #[doc(alias("get_calls"))]
        call domain_calls() -> Answer<Vec<ActiveCall>>;
        #[doc(alias("get_call_count", "count_calls"))]
        call count_domain_calls() -> Answer<u64>;
        #[doc(alias("get_call", "get_calls"))]
        call active_call(id: &str) -> Answer<ActiveCall>;
        #[doc(alias("new_call", "make_call"))]
        call start_call(new: &NewCall) -> Answer<StartedCall>;
        call hang_up(id: &str) -> Answer<()>;
        call reject_call(id: &str) -> Answer<()>;
        call answer_call(id: &str) -> Answer<()>;
        call hold_call(id: &str) -> Answer<()>;
        call unhold_call(id: &str) -> Answer<()>;
        call transfer_call(id: &str, to: &str) -> Answer<()>;
    } }
}
