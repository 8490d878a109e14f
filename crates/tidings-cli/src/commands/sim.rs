//! `tidings sim`: a simulated carrier behind a provider's API, until it is interrupted. Whoever sits
//! at it can type what phones send.

use std::io::{self, BufRead as _, IsTerminal as _};
use std::path::Path;

use anyhow::Context as _;
use serde_json::{Map, Value};
use tidings::provider::CA_FILE;
use tidings::serve::tls::CertificateError;
use tidings::{Account, E164, Error, ErrorKind, ProviderSpec};
use tidings_sim::{PhoneText, Scenario, SimError, Simulator, World};
use tokio::sync::mpsc;

use super::Context;
use crate::args::SimArgs;
use crate::config::variable_name;
use crate::interrupt::Interrupt;
use crate::output::bad_input;

pub(super) async fn run(
    context: &Context,
    interrupt: &mut Interrupt,
    args: &SimArgs,
) -> anyhow::Result<()> {
    let spec = tidings::providers::by_id(&args.carrier)
        .ok_or_else(|| bad_input(format!("{} is no provider", args.carrier)))?;
    let mut builder = Simulator::builder(spec).listen(args.listen);
    if args.tls {
        builder = match &args.ca_file {
            Some(path) => builder.ca_file(path),
            None => builder.tls(),
        };
    }
    if let Some(path) = &args.scenario {
        builder = builder.scenario(scenario(path)?);
    }
    if let Some(path) = &args.state {
        builder = builder.state_file(path);
    }
    for (name, value) in &args.settings {
        builder = builder.setting(name, value);
    }
    if let Some(url) = &args.callback_url {
        if spec.emit_callback.is_none() {
            let what = format!("{} does not call its customer's server", spec.title);
            return Err(Error::not_sent(ErrorKind::Unsupported, what).into());
        }
        builder = builder.callback_url(url);
    }
    let simulator = builder.start().await.map_err(told_as_input)?;
    if context.output.is_json() {
        context.output.json_line(&access(&simulator))?;
    } else {
        introduce(context, spec, &simulator)?;
    }
    let typed = if args.types || io::stdin().is_terminal() {
        Some(lines_typed())
    } else {
        None
    };
    tokio::select! {
        () = interrupt.wait() => {}
        () = take_texts(context, simulator.world(), typed) => {}
    }
    simulator.stop().await;
    Ok(())
}

/// What the user has to change in what he gave is his input; the rest is as it is.
fn told_as_input(error: SimError) -> anyhow::Error {
    match error {
        SimError::Account { source } => bad_input(source.to_string()),
        SimError::Callback { .. } => bad_input(error.to_string()),
        SimError::Certificate { source } if is_of_somebody_else(&source) => {
            bad_input(source.to_string())
        }
        error => error.into(),
    }
}

/// Whether the file that was named holds something else than what this program keeps there.
fn is_of_somebody_else(error: &CertificateError) -> bool {
    match error {
        CertificateError::NotOurs { .. } => true,
        CertificateError::File { source, .. } => source.kind() == io::ErrorKind::InvalidData,
        _ => false,
    }
}

/// The lines of standard input. The thread that reads them ends with the program.
fn lines_typed() -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel(16);
    // Not one of the run time's own threads: at its end it would wait for them.
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// Lets phones send what is typed. Never ends: when nothing more can be typed, the carrier goes on.
async fn take_texts(context: &Context, world: &World, typed: Option<mpsc::Receiver<String>>) {
    if let Some(mut lines) = typed {
        while let Some(line) = lines.recv().await {
            take_text(context, world, &line).await;
        }
    }
    std::future::pending::<()>().await;
}

async fn take_text(context: &Context, world: &World, line: &str) {
    if line.trim().is_empty() {
        return;
    }
    let Some(text) = phone_text(line) else {
        let expected = "expected a number with + and a text, such as: +4790000001 STOP";
        context.output.warn(expected);
        return;
    };
    match world.receive(text).await {
        Ok(received) => context.output.remark(format_args!(
            "received as {} for {}",
            received.id, received.to
        )),
        Err(refusal) => context.output.warn(refusal),
    }
}

/// `+4790000001 STOP`
fn phone_text(line: &str) -> Option<PhoneText> {
    let (from, text) = line.trim().split_once(char::is_whitespace)?;
    let from: E164 = from.parse().ok()?;
    Some(PhoneText::new(from, text.trim_start()))
}

fn scenario(path: &Path) -> anyhow::Result<Scenario> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| bad_input(format!("{}: {error}", path.display())))?;
    let scenario = Scenario::from_toml(&text).map_err(|error| bad_input(error.to_string()));
    scenario.with_context(|| path.display().to_string())
}

/// Where it is and what a client presents, under the names of the provider's settings.
pub(super) fn access(simulator: &Simulator) -> Map<String, Value> {
    let mut access = Map::new();
    let spec = simulator.world().spec();
    access.insert("provider".to_owned(), spec.id.into());
    access.insert("base_url".to_owned(), simulator.base_url().into());
    let account = simulator.account();
    for name in account.names() {
        if let Some(value) = account.setting(name) {
            let mut settings = spec.settings.iter();
            let is_number = settings.any(|setting| setting.name == name && setting.is_number);
            let number = value.parse::<i64>().ok().filter(|_| is_number);
            let value = number.map_or_else(|| Value::from(value), Value::from);
            access.insert(name.to_owned(), value);
        }
    }
    access
}

/// What a person pastes into the next terminal.
fn introduce(context: &Context, spec: &ProviderSpec, simulator: &Simulator) -> anyhow::Result<()> {
    let output = &context.output;
    output.line(format_args!(
        "{} is simulated at {}",
        spec.title,
        simulator.base_url()
    ))?;
    output.line("In another terminal:\n")?;
    output.line(format_args!("  export TIDINGS_PROVIDER={}", spec.id))?;
    let account = simulator.account();
    for name in account.names() {
        let value = account.setting(name).unwrap_or_default();
        output.line(format_args!(
            "  export {}={value}",
            variable_name(spec, name)
        ))?;
    }
    output.line(format_args!("  {}", example_of_sending(spec, &account)))?;
    let trusting = account.setting(CA_FILE);
    let trusting = trusting.map_or_else(String::new, |file| format!("--cacert {file} "));
    output.line(format_args!(
        "  curl {trusting}{}/_sim/messages",
        simulator.base_url()
    ))?;
    if io::stdin().is_terminal() {
        output.remark("\nType what a phone sends, such as: +4790000001 STOP");
    }
    output.remark("\nCtrl-C ends it.");
    Ok(())
}

/// To a number that the provider serves, from a sender that the account may use.
fn example_of_sending(spec: &ProviderSpec, account: &Account) -> String {
    // Users of an exchange send from their own numbers, and theirs is printed with the account.
    if account.setting("from_number").is_some() {
        return "tidings send --to +12025550143 \"Hello\"".to_owned();
    }
    let number = match spec.capabilities.calling_codes {
        [] => "+4790000001".to_owned(),
        [224, ..] => "+224622000001".to_owned(),
        [code, ..] => format!("+{code}..."),
    };
    format!("tidings send --to {number} --from Tidings \"Bonjour\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: Option<(&str, &str)>) {
        let read = phone_text(line);
        let read = read.as_ref().map(|text| (text.from.as_str(), &*text.text));
        assert_eq!(read, expected, "{line}");
    }

    #[test]
    fn a_typed_line_is_a_number_and_a_text() {
        check("+4790000001 STOP", Some(("+4790000001", "STOP")));
        check(
            "  +4790000001\t two  words ",
            Some(("+4790000001", "two  words")),
        );
        for wrong in [
            "",
            "STOP",
            "+4790000001",
            "4790000001 STOP",
            "+47 STOP",
            "+x STOP",
        ] {
            check(wrong, None);
        }
    }
}
