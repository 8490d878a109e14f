//! One file per command. Each has one function that takes the [`Context`] and its own arguments.
//!
//! Called by `main.rs`.

mod balance;
mod batches;
mod bench;
mod callbacks;
mod check;
mod completions;
mod contacts;
mod demo;
mod groups;
mod keys;
mod man;
mod messages;
mod numbers;
mod pages;
mod providers;
mod segments;
mod send;
mod serve;
mod sessions;
mod sim;
mod status;
mod subscriptions;
mod webhooks;

use std::io::Read as _;
use std::sync::Arc;

use anyhow::Context as _;
use tidings::http::HttpClient;
use tidings::layers::{self, Jitter, LayerSettings};
use tidings::{Account, Clock, Provider, ProviderSpec, SystemClock};

use crate::args::{AccountArgs, Cli, Command};
use crate::config::{self, Environment, Lane};
use crate::interrupt::{Interrupt, unless_interrupted};
use crate::output::{Column, Output, bad_input, exit_codes};

/// What every command may use.
#[derive(Debug)]
struct Context {
    output: Output,
    environment: Environment,
    clock: Arc<dyn Clock>,
    /// How often `-v` was given.
    verbose: u8,
}

/// An account that has been connected.
#[derive(Debug)]
struct Connected {
    lane: Lane,
    provider: Arc<dyn Provider>,
}

/// Runs a command to its end.
pub(crate) fn run(cli: Cli, environment: Environment, output: Output) -> anyhow::Result<()> {
    let context = Context {
        output,
        environment,
        clock: Arc::new(SystemClock::new()),
        verbose: cli.global.verbose,
    };
    match cli.command {
        Command::Segments(args) => segments::run(&context, &args),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => man::run(&context, &args),
        Command::ExitCodes(_) => print_exit_codes(&context),
        command => in_run_time(&context, command),
    }
}

fn in_run_time(context: &Context, command: Command) -> anyhow::Result<()> {
    let run_time = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the run time")?;
    run_time.block_on(async {
        match command {
            Command::Send(args) => send::run(context, &args).await,
            Command::Status(args) => status::run(context, &mut Interrupt::listen()?, &args).await,
            Command::Batches(args) => batches::run(context, &args).await,
            Command::Callbacks(args) => {
                callbacks::run(context, &mut Interrupt::listen()?, &args).await
            }
            Command::Sessions(args) => sessions::run(context, &args).await,
            Command::Messages(args) => unless_interrupted(messages::run(context, &args)).await,
            Command::Subscriptions(args) => {
                unless_interrupted(subscriptions::run(context, &args)).await
            }
            Command::Numbers(args) => numbers::run(context, &args).await,
            Command::Balance(args) => unless_interrupted(balance::run(context, &args)).await,
            Command::Contacts(args) => unless_interrupted(contacts::run(context, &args)).await,
            Command::Groups(args) => groups::run(context, &args).await,
            Command::Keys(args) => unless_interrupted(keys::run(context, &args)).await,
            Command::Webhooks(args) => unless_interrupted(webhooks::run(context, &args)).await,
            Command::Providers(args) => unless_interrupted(providers::run(context, &args)).await,
            Command::Bench(args) => unless_interrupted(bench::run(context, &args)).await,
            Command::Sim(args) => sim::run(context, &mut Interrupt::listen()?, &args).await,
            Command::Serve(args) => serve::run(context, &args).await,
            Command::Check(args) => unless_interrupted(check::run(context, &args)).await,
            Command::Demo(args) => demo::run(context, &mut Interrupt::listen()?, &args).await,
            Command::Segments(_)
            | Command::Completions(_)
            | Command::Man(_)
            | Command::ExitCodes(_) => Ok(()),
        }
    })
}

impl Context {
    /// Finds the account in configuration and environment, and makes its client.
    fn connect(&self, args: &AccountArgs) -> anyhow::Result<Connected> {
        let lane = config::lane(args, &self.environment, &self.output)?;
        let provider = connect(lane.spec, &lane.account, &self.clock)?;
        Ok(Connected { lane, provider })
    }
}

/// A client of an account, behind the standard layers.
fn connect(
    spec: &ProviderSpec,
    account: &Account,
    clock: &Arc<dyn Clock>,
) -> tidings::Result<Arc<dyn Provider>> {
    let http = HttpClient::for_account(account, HttpClient::builder())?;
    let client = (spec.connect)(account, http)?;
    // A campaign has a pace and a number of calls in flight of its own: the layers add nothing to
    // what `--in-flight` allows at the most.
    let settings = LayerSettings::default()
        .account(account.id())
        .max_in_flight(1024);
    Ok(layers::standard(
        client,
        &settings,
        Arc::clone(clock),
        Jitter::random(),
    ))
}

/// A text from the command line; `-` stands for standard input, without its last line end. It blocks:
/// who calls it does not listen to signals yet, so that Ctrl-C still ends a program that waits here.
fn text_of(argument: &str) -> anyhow::Result<String> {
    if argument != "-" {
        return Ok(argument.to_owned());
    }
    let mut bytes = Vec::new();
    std::io::stdin()
        .lock()
        .read_to_end(&mut bytes)
        .context("cannot read standard input")?;
    text_of_bytes(bytes, "standard input")
}

/// What an editor or `echo` adds at the end is not meant to be sent.
fn text_of_bytes(bytes: Vec<u8>, source: &str) -> anyhow::Result<String> {
    let mut text =
        String::from_utf8(bytes).map_err(|_| bad_input(format!("{source} is not UTF-8")))?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(text)
}

fn print_exit_codes(context: &Context) -> anyhow::Result<()> {
    if context.output.is_json() {
        return exit_codes()
            .into_iter()
            .try_for_each(|(code, name, meaning)| {
                context
                    .output
                    .json_line(&serde_json::json!({"code": code, "name": name, "meaning": meaning}))
            });
    }
    let rows = exit_codes()
        .into_iter()
        .map(|(code, name, meaning)| vec![code.to_string(), name.to_owned(), meaning.to_owned()]);
    let columns = [
        Column::Number("code"),
        Column::Text("name"),
        Column::Text("meaning"),
    ];
    context.output.table(&columns, rows.collect())
}
