//! The first of the two seams: [`Provider`], through which programs call out to a provider without
//! knowing which one it is, and [`ProviderSpec`], all that the workspace knows of one.
//!
//! Implemented by each provider's `client.rs`, by the layers around it and by [`crate::memory`].
//! What only one provider has is an inherent method of its client, not part of this trait.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use tidings_core::{ClientRef, DeliveryReport, Message, ProviderRef};

use crate::address_book::AddressBook;
use crate::answer::HttpMetadata;
use crate::backend::Terms;
use crate::batches::QueuedBatches;
use crate::callback::{CallbackEmitter, ParseCallback};
use crate::conversations::Conversations;
use crate::error::{Acceptance, Error, ErrorKind, Result};
use crate::numbers::OwnNumbers;
use crate::subscriptions::Subscriptions;

pub use crate::account::{Account, CA_FILE, COMMON_SETTINGS, Presence, Setting};

/// One account at one messaging provider.
///
/// Which methods may be called is said by [`Provider::capabilities`]; those that are not supported
/// answer with [`ErrorKind::Unsupported`].
///
/// A program can bring a provider of its own; the layers go around it as around any other. What few
/// providers have (an address book, conversations and the like) is left out where it is not there; a
/// wrapper around another provider forwards these methods too, see
/// [`clippy::missing_trait_methods`](https://rust-lang.github.io/rust-clippy/stable/index.html#missing_trait_methods):
///
/// ```
/// use tidings::provider::unsupported;
/// use tidings::{
///     AttemptRef, Balance, Capabilities, DeliveryReport, Outbound, Provider, ProviderRef, Receipt,
///     Reconciled, Result, async_trait,
/// };
///
/// /// Takes every message and sends none.
/// #[derive(Debug)]
/// struct Nowhere;
///
/// #[async_trait]
/// impl Provider for Nowhere {
///     fn capabilities(&self) -> Capabilities {
///         let mut capabilities = Capabilities::submit_only();
///         capabilities.max_messages_per_call = 50;
///         capabilities
///     }
///
///     async fn submit(&self, messages: &[Outbound]) -> Result<Vec<Result<Receipt>>> {
///         let taken = |outbound: &Outbound| {
///             let id = outbound.reference.as_str();
///             Ok(Receipt::new(ProviderRef::message(id)))
///         };
///         Ok(messages.iter().map(taken).collect())
///     }
///
///     async fn status(&self, _: &[ProviderRef]) -> Result<Vec<DeliveryReport>> {
///         Err(unsupported("nowhere", "status"))
///     }
///
///     async fn reconcile(&self, _: &AttemptRef) -> Result<Reconciled> {
///         Ok(Reconciled::CannotTell)
///     }
///
///     async fn cancel(&self, _: &ProviderRef) -> Result<()> {
///         Err(unsupported("nowhere", "cancel"))
///     }
///
///     async fn balance(&self) -> Result<Balance> {
///         Err(unsupported("nowhere", "balance"))
///     }
/// }
///
/// assert!(!Nowhere.capabilities().status);
/// ```
#[async_trait]
pub trait Provider: fmt::Debug + Send + Sync + 'static {
    /// Limits, bulk size, and which of the methods below may be called.
    fn capabilities(&self) -> Capabilities;

    /// Hands messages over: one result per message, in their order. The outer error concerns the
    /// whole call: then no message has a verdict of its own, and the error's
    /// [`acceptance`](Error::acceptance) holds for all of them.
    ///
    /// A call is never repeated in here once a byte of its body went out.
    async fn submit(&self, messages: &[Outbound]) -> Result<Vec<Result<Receipt>>>;

    /// Asks how far messages have come: one report per reference, in their order.
    ///
    /// An error concerns the whole call, and no report is given. A provider that is asked by one
    /// call per message may refuse one of many for its rate limit, so a program asks about no more
    /// messages at once than its account's rate allows.
    async fn status(&self, refs: &[ProviderRef]) -> Result<Vec<DeliveryReport>>;

    /// After an unknown outcome: was this attempt taken?
    ///
    /// The message never goes twice for being asked about. A provider that refuses what it has already
    /// taken may be asked by handing the attempt over again under the same names: then it is taken when
    /// this returns [`Reconciled::Taken`], at first or only now.
    async fn reconcile(&self, attempt: &AttemptRef) -> Result<Reconciled>;

    /// Stops a message that has not left the provider yet.
    async fn cancel(&self, what: &ProviderRef) -> Result<()>;

    /// What is left on the account.
    async fn balance(&self) -> Result<Balance>;

    /// Contacts and groups that live at the provider; `None` where it has none.
    fn address_book(&self) -> Option<&dyn AddressBook> {
        None
    }

    /// Batches that wait at the provider; `None` where it does not tell.
    fn batches(&self) -> Option<&dyn QueuedBatches> {
        None
    }

    /// Conversations that the provider keeps; `None` where it keeps none.
    fn conversations(&self) -> Option<&dyn Conversations> {
        None
    }

    /// Subscriptions to what the provider tells; `None` where it has none.
    fn subscriptions(&self) -> Option<&dyn Subscriptions> {
        None
    }

    /// Numbers of ours that live at the provider; `None` where it does not tell.
    fn numbers(&self) -> Option<&dyn OwnNumbers> {
        None
    }
}

/// A message on its way to a provider, under the name by which the attempt can be found again.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outbound {
    /// Our name for it: the caller's reference, or one that was made for it.
    pub reference: ClientRef,
    /// What is to be sent.
    pub message: Message,
    /// What is asked for beside the message in the words of this one provider: for gateways that take
    /// messages in the place of a provider and pass them on to it. Providers that have no such words
    /// do not look at it.
    pub terms: Option<Arc<Terms>>,
}

impl Outbound {
    /// A message under a name.
    pub fn new(reference: ClientRef, message: Message) -> Self {
        Self {
            reference,
            message,
            terms: None,
        }
    }

    /// Sets what is asked for beside the message in the words of the provider that it goes to.
    #[must_use]
    pub fn terms(mut self, terms: Arc<Terms>) -> Self {
        self.terms = Some(terms);
        self
    }
}

/// A provider's word that it has taken a message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// How to ask about it.
    pub provider_ref: ProviderRef,
    /// What came with the answer; messages that travelled in one call share it.
    pub http: Option<Arc<HttpMetadata>>,
}

impl Receipt {
    /// A receipt without HTTP metadata.
    pub fn new(provider_ref: ProviderRef) -> Self {
        Self {
            provider_ref,
            http: None,
        }
    }

    /// Keeps what came with the answer.
    #[must_use]
    pub fn with_http(mut self, http: Arc<HttpMetadata>) -> Self {
        self.http = Some(http);
        self
    }
}

/// An attempt whose outcome is unknown.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AttemptRef {
    /// What was to be sent, under which name.
    pub outbound: Outbound,
    /// When the attempt began, by our clock.
    pub started: tidings_core::Timestamp,
    /// What the failed call's error told of how to ask about it.
    pub provider_ref: Option<ProviderRef>,
}

impl AttemptRef {
    /// An attempt to send `outbound` that began at `started`.
    pub fn new(outbound: Outbound, started: tidings_core::Timestamp) -> Self {
        Self {
            outbound,
            started,
            provider_ref: None,
        }
    }

    /// Adds what the failed call's error told: [`Error::provider_ref`].
    #[must_use]
    pub fn provider_ref(mut self, known: ProviderRef) -> Self {
        self.provider_ref = Some(known);
        self
    }
}

/// What a provider can say about an attempt whose outcome is unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reconciled {
    /// It was taken.
    Taken(Box<Receipt>),
    /// It was not taken: it may be sent again.
    NotTaken,
    /// The provider cannot say.
    CannotTell,
}

/// What is left on an account.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Balance {
    /// The amount, in `unit`s.
    pub amount: i64,
    /// What is counted, such as `sms credits`.
    pub unit: &'static str,
}

impl Balance {
    /// An amount of some unit.
    pub fn new(amount: i64, unit: &'static str) -> Self {
        Self { amount, unit }
    }
}

/// Limits of a provider, and which functions it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "a table of yes and no, read by name"
)]
#[non_exhaustive]
pub struct Capabilities {
    /// How many messages one call of [`Provider::submit`] takes at the most.
    pub max_messages_per_call: usize,
    /// Whether the messages of one such call may differ in text and sender. Otherwise the provider
    /// makes a call of its own for each text and sender, and a caller who wants few calls puts
    /// messages of equal text and sender together.
    pub mixed_texts_per_call: bool,
    /// The calling codes that it serves; empty means all.
    pub calling_codes: &'static [u16],
    /// How many parts a text may have at the most.
    pub max_parts: u8,
    /// How many characters a text may have at the most, whatever parts they make; `None` where only
    /// parts are limited.
    pub max_characters: Option<usize>,
    /// Whether a message without a sender can be sent.
    pub sender_optional: bool,
    /// Whether a message may name when it may leave; otherwise such a message is refused.
    pub send_window: bool,
    /// Whether [`Provider::status`] answers.
    pub status: bool,
    /// Whether every account is told, asked or by itself, what became of a message in the end. Otherwise
    /// it may stay submitted for ever, and nobody should wait for its end without a limit.
    pub tells_delivery: bool,
    /// Whether the provider tells by itself what became of a message, by calling its customer's
    /// server. Where this is so and `status` is not, there is no other way to know.
    pub reports: bool,
    /// Whether [`Provider::reconcile`] can say more than "cannot tell".
    pub reconcile: bool,
    /// Whether [`Provider::cancel`] works.
    pub cancel: bool,
    /// Whether [`Provider::balance`] answers.
    pub balance: bool,
    /// Whether [`Provider::address_book`] is there.
    pub address_book: bool,
    /// Whether [`Provider::batches`] is there.
    pub batches: bool,
    /// How large the file of a message may be, in bytes; `None` where messages are texts only.
    pub max_media_bytes: Option<usize>,
    /// Whether [`Provider::conversations`] is there.
    pub conversations: bool,
    /// Whether [`Provider::subscriptions`] is there.
    pub subscriptions: bool,
    /// Whether [`Provider::numbers`] is there.
    pub numbers: bool,
}

impl Capabilities {
    /// A provider that can do nothing but take one message a call, to any country, of up to 255
    /// parts. Set what it can do besides on the result.
    pub const fn submit_only() -> Self {
        Self {
            max_messages_per_call: 1,
            mixed_texts_per_call: false,
            calling_codes: &[],
            max_parts: 255,
            max_characters: None,
            sender_optional: true,
            send_window: false,
            status: false,
            tells_delivery: false,
            reports: false,
            reconcile: false,
            cancel: false,
            balance: false,
            address_book: false,
            batches: false,
            max_media_bytes: None,
            conversations: false,
            subscriptions: false,
            numbers: false,
        }
    }
}

/// Refuses a message with a file, for a provider that sends texts only.
///
/// # Errors
/// [`ErrorKind::InvalidMessage`] when there is one: without it the recipient would get another
/// message than the sender meant.
pub fn check_text_only(message: &Message) -> Result<()> {
    match message.media {
        Some(_) => Err(Error::not_sent(
            ErrorKind::InvalidMessage,
            "this provider sends texts only, no files",
        )),
        None => Ok(()),
    }
}

/// The error of a method that a provider does not have.
pub fn unsupported(provider: &'static str, operation: &'static str) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        Acceptance::NotSent,
        format!("{provider} has no way to {operation}"),
    )
    .during(provider, operation)
}

/// All that the workspace knows of a provider: plain data. Registered in [`crate::providers::ALL`].
#[non_exhaustive]
pub struct ProviderSpec {
    /// Its name in configuration and on the command line: lower case letters.
    pub id: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// What its accounts can do with default settings.
    pub capabilities: Capabilities,
    /// What an account needs: drives configuration checks and documentation.
    pub settings: &'static [Setting],
    /// What is to be said besides where we stand in the vendor's place, such as in which form its
    /// customers are called; no client reads these.
    pub server_settings: &'static [Setting],
    /// Makes a client of an account's settings.
    #[cfg(feature = "client")]
    pub connect: fn(&Account, crate::http::HttpClient) -> Result<Arc<dyn Provider>>,
    /// The provider's API as a server over a backend. It reads
    /// [`server_settings`](Self::server_settings), and of the settings those that make a difference
    /// to a server, such as which of a vendor's two dialects is spoken; an account without any is the
    /// default.
    #[cfg(feature = "server")]
    pub router: MakeRouter,
    /// Reads what the provider tells by calling its customer's server.
    pub parse_callback: Option<ParseCallback>,
    /// Makes such calls: for simulators, and for gateways that stand in the provider's place.
    pub emit_callback: Option<CallbackEmitter>,
}

/// Makes a provider's router, or says which setting is wrong.
#[cfg(feature = "server")]
pub type MakeRouter = fn(Arc<dyn crate::backend::Backend>, &Account) -> Result<axum::Router>;

impl ProviderSpec {
    /// A provider that has neither a client nor a server yet: `connect` answers with
    /// [`ErrorKind::Unsupported`] and `router` serves no path. For providers outside this crate
    /// and for tests, which add what they have.
    pub const fn new(
        id: &'static str,
        title: &'static str,
        capabilities: Capabilities,
        settings: &'static [Setting],
    ) -> Self {
        Self {
            id,
            title,
            capabilities,
            settings,
            server_settings: &[],
            #[cfg(feature = "client")]
            connect: |_, _| Err(unsupported("this provider", "connect")),
            #[cfg(feature = "server")]
            router: |_, _| Ok(axum::Router::new()),
            parse_callback: None,
            emit_callback: None,
        }
    }

    /// Sets what is to be said besides where we stand in the vendor's place.
    #[must_use]
    pub const fn with_server_settings(mut self, settings: &'static [Setting]) -> Self {
        self.server_settings = settings;
        self
    }

    /// Sets what makes a client of an account's settings.
    #[cfg(feature = "client")]
    #[must_use]
    pub const fn with_connect(
        mut self,
        connect: fn(&Account, crate::http::HttpClient) -> Result<Arc<dyn Provider>>,
    ) -> Self {
        self.connect = connect;
        self
    }

    /// Sets the provider's API as a server over a backend.
    #[cfg(feature = "server")]
    #[must_use]
    pub const fn with_router(mut self, router: MakeRouter) -> Self {
        self.router = router;
        self
    }

    /// Sets how the provider's calls to its customer's server are read.
    #[must_use]
    pub const fn with_parse_callback(mut self, parse: ParseCallback) -> Self {
        self.parse_callback = Some(parse);
        self
    }

    /// Sets how such calls are made.
    #[must_use]
    pub const fn with_emit_callback(mut self, emitter: CallbackEmitter) -> Self {
        self.emit_callback = Some(emitter);
        self
    }
}

impl fmt::Debug for ProviderSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderSpec")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
