//! A provider of one's own: a folder that the program of a modem watches. It goes where every other
//! provider goes, so layers, routes and fail-over work with it as they are.
//!
//! A message is a file in `outgoing/`; the modem's program moves it to `sent/` or `failed/`. Without
//! an account a provider in memory takes over when the folder is not there:
//!
//! ```sh
//! mkdir -p spool/outgoing spool/sent spool/failed
//! cargo run -p tidings --example own_provider -- spool
//!
//! tidings sim passinfo --set sender=Tidings --listen 127.0.0.1:0 --json > account.json &
//! cargo run -p tidings --example own_provider -- no-such-folder account.json
//! ```

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

mod provider;

use std::path::PathBuf;
use std::sync::Arc;
use std::{env, fs};

use anyhow::Context as _;
use tidings::layers::{self, Jitter, LayerSettings};
use tidings::messenger::Messenger;
use tidings::provider::{check_text_only, unsupported};
use tidings::{
    AttemptRef, Balance, Capabilities, ClientRef, DeliveryReport, E164, Error, ErrorKind, Message,
    Outbound, Provider, ProviderRef, Receipt, Reconciled, ReportedState, Result, SystemClock,
    async_trait,
};

const OUTGOING: &str = "outgoing";
const FOLDERS: [(&str, ReportedState); 3] = [
    (OUTGOING, ReportedState::Submitted),
    ("sent", ReportedState::Sent),
    ("failed", ReportedState::Failed),
];

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let mut arguments = env::args().skip(1);
    let folder = arguments.next().context("expected the modem's folder")?;
    let spool = Arc::new(Spool(folder.into()));
    let settings = LayerSettings::default().with_other_accounts();
    let clock = Arc::new(SystemClock::new());
    let modem = layers::standard(spool, &settings, clock, Jitter::random());
    let (spare, _) = provider::open(arguments.next().as_deref(), &settings)?;
    // Without routes, accounts are tried in the order in which they are named.
    let messenger = Messenger::builder()
        .account("modem", modem)
        .account("spare", spare)
        .build()?;

    let message = Message::new(
        E164::parse("+224622000001", None)?,
        "The pump is running dry",
    );
    let sent = messenger.send(message).await?;
    println!("{} has it", sent.account);
    for report in messenger.status(&[sent]).await {
        match report {
            Ok(report) => println!("it is {}", report.state),
            Err(error) => println!("{error}"),
        }
    }
    Ok(())
}

/// The folder with the three folders.
#[derive(Debug)]
struct Spool(PathBuf);

impl Spool {
    /// Writes a message beside the folder that is watched and moves it there as a whole, so that the
    /// modem never sees half of one: whatever fails, nothing was sent.
    fn put(&self, outbound: &Outbound) -> Result<Receipt> {
        let Outbound {
            reference, message, ..
        } = outbound;
        check_text_only(message)?;
        let name = file_name(reference);
        // The same name is the same message: it is not sent twice.
        if self.find(&name).is_none() {
            let draft = self.0.join(&name);
            fs::write(&draft, format!("To: {}\n\n{}", message.to, message.text))
                .and_then(|()| fs::rename(&draft, self.0.join(OUTGOING).join(&name)))
                .map_err(|fault| {
                    let what = "the modem's folder cannot be written";
                    Error::not_sent(ErrorKind::Unavailable, what).with_source(fault)
                })?;
        }
        Ok(Receipt::new(ProviderRef::message(name)))
    }

    fn find(&self, name: &str) -> Option<ReportedState> {
        let is_in = |folder: &str| self.0.join(folder).join(name).exists();
        FOLDERS
            .iter()
            .find(|(folder, _)| is_in(folder))
            .map(|(_, state)| *state)
    }
}

/// A reference may hold slashes and dots, and a file's name must lead nowhere else.
fn file_name(reference: &ClientRef) -> String {
    let written = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' => char::from(byte).to_string(),
        other => format!("_{other:02x}"),
    };
    reference.as_str().bytes().map(written).collect()
}

#[async_trait]
impl Provider for Spool {
    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::submit_only();
        capabilities.max_messages_per_call = 100;
        capabilities.mixed_texts_per_call = true;
        capabilities.status = true;
        capabilities.reconcile = true;
        capabilities
    }

    /// One verdict per message, in their order.
    async fn submit(&self, messages: &[Outbound]) -> Result<Vec<Result<Receipt>>> {
        Ok(messages.iter().map(|outbound| self.put(outbound)).collect())
    }

    async fn status(&self, refs: &[ProviderRef]) -> Result<Vec<DeliveryReport>> {
        let report = |about: &ProviderRef| {
            let state = about.message.as_deref().and_then(|name| self.find(name));
            let state =
                state.ok_or_else(|| Error::not_sent(ErrorKind::NotFound, "no such file"))?;
            Ok(DeliveryReport::new(about.clone(), state))
        };
        refs.iter().map(report).collect()
    }

    /// A file is there or it is not: this provider can always tell.
    async fn reconcile(&self, attempt: &AttemptRef) -> Result<Reconciled> {
        let name = file_name(&attempt.outbound.reference);
        Ok(match self.find(&name) {
            Some(_) => Reconciled::Taken(Box::new(Receipt::new(ProviderRef::message(name)))),
            None => Reconciled::NotTaken,
        })
    }

    // What a modem does not have. The capabilities say so, and nobody asks.
    async fn cancel(&self, _: &ProviderRef) -> Result<()> {
        Err(unsupported("spool", "cancel"))
    }

    async fn balance(&self) -> Result<Balance> {
        Err(unsupported("spool", "tell a balance"))
    }
}
