//! `tidings numbers`: the numbers that texts go out from and come in to.

use serde::Serialize;
use serde_json::json;
use tidings::numbers::{OwnNumber, OwnNumbers};
use tidings::{Error, ErrorKind, Provider};

use super::Context;
use crate::args::{AccountArgs, NumberUse, NumbersAction, NumbersArgs};
use crate::interrupt::unless_interrupted;
use crate::output::{Column, bad_input, shown};
use crate::question::{can_be_asked, is_confirmed};

/// One number, in JSON.
#[derive(Serialize)]
struct NumberLine<'n> {
    number: &'n str,
    application: &'n str,
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<&'n str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<&'n str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    carrier: Option<&'n str>,
    media: bool,
    group_media: bool,
}

impl<'n> From<&'n OwnNumber> for NumberLine<'n> {
    fn from(number: &'n OwnNumber) -> Self {
        Self {
            number: &number.number,
            application: &number.application,
            domain: number.domain.as_deref(),
            owner: number.owner.as_deref(),
            carrier: number.carrier.as_deref(),
            media: number.media,
            group_media: number.group_media,
        }
    }
}

pub(super) async fn run(context: &Context, args: &NumbersArgs) -> anyhow::Result<()> {
    let (NumbersAction::List { account }
    | NumbersAction::Count { account }
    | NumbersAction::Add { account, .. }
    | NumbersAction::Change { account, .. }
    | NumbersAction::Remove { account, .. }) = &args.action;
    unless_interrupted(act(context, account, &args.action)).await
}

async fn act(
    context: &Context,
    account: &AccountArgs,
    action: &NumbersAction,
) -> anyhow::Result<()> {
    let connected = context.connect(account)?;
    let numbers = numbers_of(&*connected.provider)?;
    let output = &context.output;
    match action {
        NumbersAction::List { .. } => show(context, &numbers.list().await?),
        NumbersAction::Count { .. } => {
            let count = numbers.count().await?;
            if output.is_json() {
                output.json_line(&json!({"count": count}))
            } else {
                output.line(count)
            }
        }
        NumbersAction::Add { number, .. } => {
            numbers.add(&own_number(number)).await?;
            output.remark(format_args!("{} is added", number.number));
            Ok(())
        }
        NumbersAction::Change { number, .. } => {
            numbers.change(&own_number(number)).await?;
            output.remark(format_args!("{} is changed", number.number));
            Ok(())
        }
        NumbersAction::Remove { number, yes, .. } => {
            if !*yes && !is_to_be_removed(context, number).await? {
                anyhow::bail!("nothing was taken away");
            }
            numbers.remove(number).await?;
            output.remark(format_args!("{number} is taken away"));
            Ok(())
        }
    }
}

fn numbers_of(provider: &dyn Provider) -> tidings::Result<&dyn OwnNumbers> {
    provider.numbers().ok_or_else(|| {
        Error::not_sent(
            ErrorKind::Unsupported,
            "this provider does not tell whose numbers are whose",
        )
    })
}

fn own_number(written: &NumberUse) -> OwnNumber {
    OwnNumber::new(written.number.as_str(), written.application.as_str())
        .owner(written.owner.clone())
        .carrier(written.carrier.clone())
}

async fn is_to_be_removed(context: &Context, number: &str) -> anyhow::Result<bool> {
    if !can_be_asked() {
        return Err(bad_input(
            "texts to a number that is taken away are lost, and nobody is here to be asked: say --yes",
        ));
    }
    let question = format!("Take {number} away? Texts to it are lost then.");
    is_confirmed(&context.output, &question).await
}

fn show(context: &Context, numbers: &[OwnNumber]) -> anyhow::Result<()> {
    if context.output.is_json() {
        return numbers
            .iter()
            .try_for_each(|number| context.output.json_line(&NumberLine::from(number)));
    }
    if numbers.is_empty() {
        context.output.remark("there are no numbers");
        return Ok(());
    }
    let columns = [
        "number",
        "application",
        "owner",
        "domain",
        "carrier",
        "files",
    ];
    let rows = numbers.iter().map(|number| {
        let text = |field: &Option<String>| shown(field.as_deref().unwrap_or_default());
        let files = match (number.media, number.group_media) {
            (_, true) => "yes, in groups too",
            (true, false) => "yes",
            (false, false) => "no",
        };
        vec![
            shown(&number.number),
            shown(&number.application),
            text(&number.owner),
            text(&number.domain),
            text(&number.carrier),
            files.to_owned(),
        ]
    });
    context
        .output
        .table(&columns.map(Column::Text), rows.collect())
}
