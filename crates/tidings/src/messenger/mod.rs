//! Messages over several accounts: which one carries a message, who takes over when it is proved that
//! nothing was sent, and what is done when nobody can know.
//!
//! Used by programs that send. It keeps nothing on disk: what a program must know after a restart is
//! in the [`Sent`] that it is given, and a queue that survives one is the gateway's.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//! use tidings::memory::MemoryProvider;
//! use tidings::messenger::Messenger;
//! use tidings::{E164, Error, ErrorKind, Message};
//!
//! let (norway, spare) = (MemoryProvider::new(), MemoryProvider::new());
//! norway.fail_next(Error::not_sent(ErrorKind::Unavailable, "down for a moment"));
//! let messenger = Messenger::builder()
//!     .account("norway", Arc::new(norway))
//!     .account("spare", Arc::new(spare))
//!     .build()?;
//!
//! let to = E164::parse("+224622000001", None)?;
//! let sent = messenger.send(Message::new(to, "Your parcel is here")).await?;
//! assert_eq!(sent.account.as_str(), "spare");
//! # Ok(())
//! # }
//! ```
//!
//! # What is known of a message that failed
//!
//! An attempt ends in one of three ways, and the message's [`DeliveryPolicy`](crate::DeliveryPolicy) says what follows:
//!
//! | the attempt | `reconcile` | `at_most_once` | `at_least_once` |
//! |---|---|---|---|
//! | proved not sent, and [`Error::may_fail_over`](crate::Error::may_fail_over) | next account | next account | next account |
//! | proved not sent, for a reason that is the message's own | [`Failure`] | [`Failure`] | [`Failure`] |
//! | nobody can know | the provider is asked; again only on its word that it was not taken | [`Failure`] with its [`attempt`](Failure::attempt) | the provider is asked; where nobody can tell, again after [`MessengerSettings::grace`], marked [`Sent::duplicate_risk`] |
//!
//! The messenger itself never repeats what an account refused for a while: that is done by the
//! [layers](crate::layers) of each account.

mod accounts;
mod builder;
mod find_out;
mod heard;
mod journey;
mod lanes;
mod reference;
mod sending;
mod settings;
mod verdict;
mod waiting;

use std::sync::Arc;

use futures_util::future::join_all;
use futures_util::stream::{self, Stream, StreamExt as _};
use tidings_core::{DeliveryReport, Message, ProviderRef};

use crate::account::AccountName;
use crate::error::{Error, ErrorKind, Result};
use crate::provider::{Balance, Reconciled};
use crate::routing::Decision;

use self::accounts::{Account, Shared};
pub use self::builder::MessengerBuilder;
pub use self::journey::Step;
pub use self::sending::Verdicts;
pub use self::settings::MessengerSettings;
pub use self::verdict::{FailedAttempt, Failure, Sent, Verdict, VerdictOrder};
pub use self::waiting::Waiting;

/// Sends messages over one account or several. Clones share everything.
#[derive(Clone, Debug)]
pub struct Messenger(Arc<Shared>);

impl Messenger {
    /// Begins to put a messenger together.
    pub fn builder() -> MessengerBuilder {
        MessengerBuilder::default()
    }

    fn new(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }

    /// Sends a message, over the first of its accounts that takes it.
    ///
    /// When it returns, an account has the message, or it is known that none has it, or
    /// [`Failure::attempt`] says that nobody can tell. Under the policy `reconcile`, finding that out
    /// may take until [`MessengerSettings::deadline`]; that a message was not taken is believed no earlier than
    /// [`MessengerSettings::settle`] after the attempt failed. Dropping the future gives up in the middle: the
    /// message may then be on its way.
    ///
    /// # Errors
    /// [`Failure`], with what each account said.
    pub async fn send(&self, message: Message) -> Result<Sent, Failure> {
        let one = stream::iter([message]);
        let mut verdicts = self.send_many(one, VerdictOrder::AsTheyCome);
        let verdict = verdicts.next().await;
        verdict.expect("each message has a verdict").outcome
    }

    /// Sends many messages: one [`Verdict`] for each, in their order or as soon as each is known.
    ///
    /// Messages travel in calls as full as possible: those that an account takes in one call wait for
    /// one another while more can be read at once, and leave as soon as nothing more is ready. Several
    /// calls are open at once ([`MessengerSettings::calls_at_once`]). No more messages are read than
    /// [`MessengerSettings::window`] beyond those whose verdicts were handed out, which bounds the
    /// memory for any number of messages.
    ///
    /// Nothing moves unless verdicts are asked for. To drop the stream stops the reading and gives up
    /// the open calls: the messages in them may be on their way, and nobody is told.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::sync::Arc;
    /// use futures_util::stream::{self, StreamExt as _};
    /// use tidings::memory::MemoryProvider;
    /// use tidings::messenger::{Messenger, VerdictOrder};
    /// use tidings::{E164, Message};
    ///
    /// let provider = Arc::new(MemoryProvider::new());
    /// let messenger = Messenger::builder().account("main", provider.clone()).build()?;
    /// let people = ["+224622000001", "+224622000002"];
    /// let messages: Vec<Message> = people
    ///     .iter()
    ///     .map(|number| Ok(Message::new(E164::parse(number, None)?, "We open at nine")))
    ///     .collect::<Result<_, tidings::E164Error>>()?;
    ///
    /// let mut verdicts = messenger.send_many(stream::iter(messages), VerdictOrder::Given);
    /// while let Some(verdict) = verdicts.next().await {
    ///     match verdict.outcome {
    ///         Ok(sent) => println!("{}: {:?}", verdict.position, sent.provider_ref),
    ///         Err(failure) => println!("{}: {}", verdict.position, failure.error),
    ///     }
    /// }
    /// // Both travelled in one call.
    /// assert_eq!(provider.submissions(), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn send_many<S>(&self, messages: S, order: VerdictOrder) -> Verdicts<S>
    where
        S: Stream<Item = Message> + Send,
    {
        Verdicts::new(Arc::clone(&self.0), messages, order)
    }

    /// Asks how far messages have come: one report for each, in their order, in one call per account.
    /// Some providers are asked message by message behind that call, so a program asks about no more at
    /// once than its accounts' rates allow.
    ///
    /// An account's error is that of all its messages, and of no others. Messages of an account that
    /// cannot be asked have an error of kind [`ErrorKind::Unsupported`], those of an account that this
    /// messenger does not have one of kind [`ErrorKind::Config`].
    pub async fn status(&self, sent: &[Sent]) -> Vec<Result<DeliveryReport>> {
        let mut reports: Vec<Option<Result<DeliveryReport>>> = Vec::new();
        let mut by_account: Vec<Vec<usize>> = vec![Vec::new(); self.0.accounts.len()];
        for (position, sent) in sent.iter().enumerate() {
            let account = self.0.place(&sent.account);
            reports.push(match account {
                Ok(place) if self.0.accounts[place].capabilities.status => {
                    by_account[place].push(position);
                    None
                }
                Ok(_) => Some(Err(cannot(
                    &sent.account,
                    "tell how far a message has come",
                ))),
                Err(error) => Some(Err(error)),
            });
        }
        let questions = self.0.accounts.iter().zip(by_account);
        let questions = questions.filter(|(_, positions)| !positions.is_empty());
        let questions = questions.map(async |(account, positions)| {
            let refs = positions.iter();
            let refs: Vec<ProviderRef> = refs.map(|it| sent[*it].provider_ref.clone()).collect();
            (account.provider.status(&refs).await, positions)
        });
        for (answer, positions) in join_all(questions).await {
            match answer {
                Ok(answers) => {
                    for (position, report) in positions.into_iter().zip(answers) {
                        reports[position] = Some(Ok(report));
                    }
                }
                Err(error) => {
                    for position in positions {
                        reports[position] = Some(Err(error.copy_without_source()));
                    }
                }
            }
        }
        let reports = reports.into_iter();
        reports
            .map(|report| report.unwrap_or_else(|| Err(waiting::no_report())))
            .collect()
    }

    /// Waits until a message has come to its end: its provider is asked in intervals that grow, and
    /// reports that are handed to [`Self::hear`] count at once.
    ///
    /// When [`Waiting::total`] is over, the last report is returned, whatever it says. An account whose
    /// [`tells_delivery`](crate::Capabilities::tells_delivery) is `false` may never say more than
    /// [`ReportedState::Submitted`](crate::ReportedState::Submitted). An account that cannot be asked
    /// and reports by itself is waited for; that works only for a program that hands on what it hears.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] at once for an account that can neither be asked nor reports;
    /// [`ErrorKind::Config`] for one that this messenger does not have; what the provider said, where it
    /// will not say anything else, or said nothing else until the time was over.
    pub async fn wait_until_final(&self, sent: &Sent, waiting: &Waiting) -> Result<DeliveryReport> {
        self.0.wait_until_final(sent, waiting).await
    }

    /// Takes a report that a provider pushed in, by calling the program's server: who waits for the
    /// message is told, and it is kept for those who wait for it later, the latest
    /// [`MessengerSettings::reports_kept`] of all.
    ///
    /// It is taken for a report of any account whose provider reports by itself. Where several do, and
    /// their ids may be equal, [`Self::hear_from`] says which it was.
    pub fn hear(&self, report: DeliveryReport) {
        self.0.heard.hear(None, report);
    }

    /// As [`Self::hear`], for a report of which the program knows the account.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when this messenger has no such account.
    pub fn hear_from(&self, account: &AccountName, report: DeliveryReport) -> Result<()> {
        let place = self.0.place(account)?;
        self.0.heard.hear(Some(place), report);
        Ok(())
    }

    /// What is left on each account, in the order in which they were added. Accounts that do not tell
    /// have an error of kind [`ErrorKind::Unsupported`].
    pub async fn balance(&self) -> Vec<(AccountName, Result<Balance>)> {
        let ask = async |account: &Account| {
            let balance = if account.capabilities.balance {
                account.provider.balance().await
            } else {
                Err(cannot(&account.name, "tell what is left"))
            };
            (account.name.clone(), balance)
        };
        join_all(self.0.accounts.iter().map(ask)).await
    }

    /// Stops a message that has not left its provider yet.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] where the account has no way to, [`ErrorKind::Config`] where this
    /// messenger does not have the account; otherwise what the provider says.
    pub async fn cancel(&self, sent: &Sent) -> Result<()> {
        let account = self.0.account(&sent.account)?;
        if !account.capabilities.cancel {
            return Err(cannot(&sent.account, "stop a message"));
        }
        account.provider.cancel(&sent.provider_ref).await
    }

    /// Asks once more what became of a message of which nobody could tell: a report that was handed to
    /// [`Self::hear`] shows that it was taken; otherwise the provider is asked.
    ///
    /// A provider that knows a message only by its refusal to take the same one twice is handed it again
    /// under the same references, so that it may leave only now: see
    /// [`Provider::reconcile`](crate::Provider::reconcile).
    ///
    /// That it was not taken is said only when [`MessengerSettings::settle`] has passed since the
    /// attempt began; before that, nobody can tell. A failure without an attempt is one that was surely
    /// not taken.
    ///
    /// # Errors
    /// What the provider says when it cannot be asked.
    pub async fn reconcile(&self, failure: &Failure) -> Result<Reconciled> {
        let (Some(attempt), Some(name)) = (&failure.attempt, &failure.account) else {
            return Ok(Reconciled::NotTaken);
        };
        let place = self.0.place(name)?;
        if let Some(receipt) = find_out::heard_before(&self.0, place, attempt) {
            return Ok(Reconciled::Taken(Box::new(receipt)));
        }
        let account = &self.0.accounts[place];
        if !account.capabilities.reconcile {
            return Ok(Reconciled::CannotTell);
        }
        let asked_after = self.0.clock.now().since(attempt.started);
        Ok(match account.provider.reconcile(attempt).await? {
            Reconciled::NotTaken if asked_after < self.0.settings.settle => Reconciled::CannotTell,
            told => told,
        })
    }

    /// What became of a message that was refused before any account was asked.
    #[cfg(feature = "blocking")]
    pub(crate) fn refused(&self, message: Message, error: Error) -> Failure {
        let reference = message.reference;
        Failure {
            reference: reference.unwrap_or_else(|| self.0.references.next()),
            account: None,
            error,
            attempt: None,
            others: Vec::new(),
        }
    }

    /// Which accounts would carry a message, in which order, and why: [`Decision::why`]. Nothing is sent.
    ///
    /// Where a rule draws ([`Order::Weighted`](crate::routing::Order::Weighted),
    /// [`Order::Adaptive`](crate::routing::Order::Adaptive)), each decision has a draw of its own: that of
    /// a later [`send`](Self::send) may name another account first. Who took a message is
    /// [`Sent::account`].
    pub fn decide(&self, message: &Message) -> Decision {
        self.0.decide(message, self.0.randomness.next()).0
    }
}

fn cannot(account: &AccountName, what: &str) -> Error {
    let what = format!("account {account} has no way to {what}");
    Error::not_sent(ErrorKind::Unsupported, what)
}

#[cfg(test)]
mod tests;
