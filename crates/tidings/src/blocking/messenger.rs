//! Messages over several accounts, sent without a runtime.

use std::fmt;

use futures_util::StreamExt as _;
use futures_util::stream;
use tidings_core::{DeliveryReport, Message};

use super::{Runtime, mirror};
use crate::account::AccountName;
use crate::error::Result;
use crate::messenger::{self, Failure, MessengerBuilder, Sent, Verdict, VerdictOrder, Waiting};
use crate::provider::{Balance, Reconciled};
use crate::routing::Decision;

/// Sends messages over one account or several; its calls return when they are done. Clones share
/// everything, also with the [`messenger::Messenger`] that does the work.
///
/// ```
/// use std::sync::Arc;
/// use tidings::memory::MemoryProvider;
/// use tidings::messenger::VerdictOrder;
/// use tidings::{E164, Message, blocking};
///
/// let messenger = blocking::Messenger::builder()
///     .account("main", Arc::new(MemoryProvider::new()))
///     .build_blocking()?;
///
/// let to = E164::parse("+224622000001", None)?;
/// let sent = messenger.send(Message::new(to.clone(), "Your parcel is here"))?;
/// assert_eq!(sent.account.as_str(), "main");
///
/// let many = (1..=3).map(|number| Message::new(to.clone(), format!("Parcel {number} is here")));
/// for verdict in messenger.send_many(many, VerdictOrder::Given) {
///     let verdict = verdict?;
///     println!("{}: {}", verdict.position, verdict.outcome.is_ok());
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Messenger {
    inner: messenger::Messenger,
    runtime: Runtime,
}

impl Messenger {
    /// A blocking messenger around this one.
    ///
    /// # Errors
    /// [`Runtime::shared`]'s.
    pub fn new(inner: messenger::Messenger) -> Result<Self> {
        Ok(Self::on(&Runtime::shared()?, inner))
    }

    /// The same on a runtime of the program's own.
    pub fn on(runtime: &Runtime, inner: messenger::Messenger) -> Self {
        let runtime = runtime.clone();
        Self { inner, runtime }
    }

    /// Begins to put a messenger together; ends with [`MessengerBuilder::build_blocking`].
    pub fn builder() -> MessengerBuilder {
        messenger::Messenger::builder()
    }

    /// The messenger that does the work.
    pub fn asynchronous(&self) -> &messenger::Messenger {
        &self.inner
    }

    /// Blocks until [`send`](messenger::Messenger::send) is done.
    ///
    /// # Errors
    /// Its; inside an asynchronous task one of kind [`ErrorKind::Config`](crate::ErrorKind::Config),
    /// which no account has seen.
    pub fn send(&self, message: Message) -> Result<Sent, Failure> {
        match self.runtime.check() {
            Ok(waiter) => waiter.wait(self.inner.send(message)),
            Err(error) => Err(self.inner.refused(message, error)),
        }
    }

    /// Sends many messages as [`send_many`](messenger::Messenger::send_many) does, with an iterator on
    /// both sides: one verdict for each message, in their order or as soon as each is known.
    ///
    /// Messages are read and calls go on while a verdict is waited for, on the thread that waits. An
    /// iterator of messages that takes its time holds up the calls that are open.
    pub fn send_many<I>(&self, messages: I, order: VerdictOrder) -> Verdicts<I::IntoIter>
    where
        I: IntoIterator<Item = Message, IntoIter: Send>,
    {
        let messages = stream::iter(messages);
        Verdicts {
            verdicts: Some(self.inner.send_many(messages, order)),
            runtime: self.runtime.clone(),
        }
    }

    /// See [`hear`](messenger::Messenger::hear): from another thread it wakes
    /// [`wait_until_final`](Self::wait_until_final).
    pub fn hear(&self, report: DeliveryReport) {
        self.inner.hear(report);
    }

    /// See [`hear_from`](messenger::Messenger::hear_from).
    ///
    /// # Errors
    /// Its.
    pub fn hear_from(&self, account: &AccountName, report: DeliveryReport) -> Result<()> {
        self.inner.hear_from(account, report)
    }

    /// See [`decide`](messenger::Messenger::decide).
    pub fn decide(&self, message: &Message) -> Decision {
        self.inner.decide(message)
    }

    mirror! { "crate::messenger::Messenger" {
        wait status(sent: &[Sent]) -> Vec<Result<DeliveryReport>>;
        call wait_until_final(sent: &Sent, waiting: &Waiting) -> DeliveryReport;
        wait balance() -> Vec<(AccountName, Result<Balance>)>;
        call cancel(sent: &Sent) -> ();
        call reconcile(failure: &Failure) -> Reconciled;
    } }
}

impl MessengerBuilder {
    /// Puts the messenger together for a program without a runtime.
    ///
    /// # Errors
    /// Those of [`build`](Self::build) and of [`Runtime::shared`].
    pub fn build_blocking(self) -> Result<Messenger> {
        Messenger::new(self.build()?)
    }
}

/// What becomes of the messages of an iterator: see [`Messenger::send_many`].
///
/// An error is one of kind [`ErrorKind::Config`](crate::ErrorKind::Config): verdicts were asked for
/// inside an asynchronous task. Nothing more is sent then, and it ends.
#[must_use = "nothing is sent unless the verdicts are asked for"]
pub struct Verdicts<I> {
    verdicts: Option<messenger::Verdicts<stream::Iter<I>>>,
    runtime: Runtime,
}

impl<I: Iterator<Item = Message>> Iterator for Verdicts<I> {
    type Item = Result<Verdict>;

    fn next(&mut self) -> Option<Self::Item> {
        let verdict = self
            .runtime
            .wait(self.verdicts.as_mut()?.next())
            .transpose();
        if !matches!(verdict, Some(Ok(_))) {
            self.verdicts = None;
        }
        verdict
    }
}

impl<I: Iterator<Item = Message>> std::iter::FusedIterator for Verdicts<I> {}

impl<I> fmt::Debug for Verdicts<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Verdicts").field(&self.verdicts).finish()
    }
}
