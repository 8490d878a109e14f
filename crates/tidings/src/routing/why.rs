//! A decision in words, for people who ask why a message went where it went. Nothing here decides. No whole
//! phone number is shown.

use std::fmt;

use tidings_core::SenderId;

use super::decision::{Basis, ByRule, Decision, NoRule, SenderChoice};
use super::order;
use super::rule::{MessageKind, Order, Rule};
use super::standing::Obstacle;

impl Decision {
    /// Which rule decides and what it is for, who is left out and why, what the order comes from, and where
    /// the sender comes from: clauses with semicolons between, without any message text or whole phone
    /// number. Made only when it is asked for.
    pub fn why(&self) -> String {
        match &self.0 {
            Basis::NoRule(none) => none.to_string(),
            Basis::Rule(by) => why(by).join("; "),
        }
    }
}

fn why(by: &ByRule) -> Vec<String> {
    let label = Label::new(by.position, by.rule.name.as_deref());
    let mut clauses = vec![format!(
        "{label} decides, which is for {}",
        subject(&by.rule)
    )];
    for (place, obstacle) in &by.unable {
        let name = name(by, *place);
        clauses.push(match obstacle {
            Obstacle::OutOfService(reason) => format!("{name} is out of service: {reason}"),
            Obstacle::CannotCarry(reason) => format!("{name} cannot carry this message: {reason}"),
        });
    }
    let able: Vec<u8> = by.able.iter().collect();
    match *able {
        [] if by.unable.is_empty() => clauses.push("it names none".to_owned()),
        [] => clauses.push("none is left".to_owned()),
        [only] => clauses.push(format!("{} carries the message", name(by, only))),
        [first, ..] => match by.rule.order {
            Order::Failover => clauses.push(preferences(by, &able)),
            Order::Weighted | Order::Adaptive => clauses.push(draw(by, first, &able)),
        },
    }
    senders(by, &able, &mut clauses);
    clauses
}

/// Which messages a rule is for.
fn subject(rule: &Rule) -> String {
    let kinds = or(&rule.kinds, |kind| match kind {
        MessageKind::Text => "texts".to_owned(),
        MessageKind::Media => "messages with a file".to_owned(),
    });
    let numbers = [
        or(&rule.prefixes, ToString::to_string).map(|list| format!("that begin with {list}")),
        or(&rule.calling_codes, |code| format!("+{code}")).map(|list| format!("of {list}")),
        or(&rule.regions, ToString::to_string).map(|list| format!("in {list}")),
    ];
    let numbers: Vec<String> = numbers.into_iter().flatten().collect();
    let conditions = [
        or(&rule.priorities, ToString::to_string).map(|list| format!("of {list} priority")),
        or(&rule.tags, ToString::to_string).map(|list| format!("with the tag {list}")),
        or(&rule.senders, shown).map(|list| format!("from {list}")),
        (!numbers.is_empty()).then(|| format!("to numbers {}", numbers.join(" and "))),
    ];
    let conditions: Vec<String> = conditions.into_iter().flatten().collect();
    match kinds {
        None if conditions.is_empty() => "every message".to_owned(),
        kinds => {
            let kinds = kinds.unwrap_or_else(|| "messages".to_owned());
            let words: Vec<String> = [kinds].into_iter().chain(conditions).collect();
            words.join(" ")
        }
    }
}

/// The order of fail-over; where accounts share a preference, what put them in order.
fn preferences(by: &ByRule, able: &[u8]) -> String {
    let preference = |place: &u8| order::preference(by, *place);
    let preferences: Vec<u16> = able.iter().map(preference).collect();
    let has_tie = preferences
        .windows(2)
        .any(|pair| pair.first() == pair.last());
    let names = able.iter().map(|place| {
        let name = name(by, *place);
        let cost = by.account(*place).and_then(|account| account.cost);
        match (has_tie, cost) {
            (false, _) => name,
            (true, None) => format!("{name} (preference {})", preference(place)),
            (true, Some(cost)) => format!("{name} (preference {}, cost {cost})", preference(place)),
        }
    });
    let names: Vec<String> = names.collect();
    format!("tried in the order of preference: {}", names.join(", "))
}

/// On whom the draw fell, among which weights.
fn draw(by: &ByRule, first: u8, able: &[u8]) -> String {
    let mut in_the_order_of_the_rule = able.to_vec();
    in_the_order_of_the_rule.sort_unstable();
    let weights = in_the_order_of_the_rule.iter().map(|place| {
        let (name, weight) = (name(by, *place), by.weight(*place));
        let at_rest = by.account(*place).map(|account| account.weight);
        match (&by.measured, at_rest) {
            (Some(_), Some(at_rest)) => {
                format!("{name} {} (at rest {})", Rounded(weight), Rounded(at_rest))
            }
            _ => format!("{name} {}", Rounded(weight)),
        }
    });
    let weights: Vec<String> = weights.collect();
    let behind: Vec<String> = able.iter().skip(1).map(|place| name(by, *place)).collect();
    let measured = by.measured.as_ref().map_or("", |_| "measured ");
    format!(
        "the draw {} falls on {} among the {measured}weights {}; behind it {}",
        Rounded(by.draw),
        name(by, first),
        weights.join(", "),
        behind.join(", "),
    )
}

/// Where the sender comes from, if the rule has any.
fn senders(by: &ByRule, able: &[u8], clauses: &mut Vec<String>) {
    let accounts = || able.iter().filter_map(|place| by.account(*place));
    let rule = &by.rule;
    match by.sender {
        SenderChoice::Own => {
            let of_accounts = accounts().any(|account| account.sender.is_some());
            if of_accounts || !rule.senders_for.is_empty() || rule.default_sender.is_some() {
                clauses.push("the message names its own sender".to_owned());
            }
            return;
        }
        SenderChoice::For(position) => {
            if let Some((place, sender)) = rule.senders_for.get(position) {
                clauses.push(format!("the sender for {place} is {}", shown(sender)));
            }
        }
        SenderChoice::Default => {
            if let Some(sender) = &rule.default_sender {
                clauses.push(format!("the default sender is {}", shown(sender)));
            }
        }
    }
    for account in accounts() {
        if let Some(sender) = &account.sender {
            clauses.push(format!("{} sends as {}", account.name, shown(sender)));
        }
    }
}

fn name(by: &ByRule, place: u8) -> String {
    by.account(place)
        .map_or_else(String::new, |account| account.name.to_string())
}

/// Values with `or` between; nothing where there are none.
fn or<T>(values: &[T], word: impl Fn(&T) -> String) -> Option<String> {
    let words: Vec<String> = values.iter().map(word).collect();
    let (last, before) = words.split_last()?;
    Some(match before {
        [] => last.clone(),
        before => format!("{} or {last}", before.join(", ")),
    })
}

/// A sender without the middle of a number.
fn shown(sender: &SenderId) -> String {
    match sender {
        SenderId::International(number) => format!("{number:?}"),
        other => other.to_string(),
    }
}

impl fmt::Display for NoRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.n_rules {
            0 => return f.write_str("there is no rule"),
            1 => f.write_str("the only rule does not fit ")?,
            n => write!(f, "none of the {n} rules fits ")?,
        }
        let kind = match self.kind {
            MessageKind::Text => "a text",
            MessageKind::Media => "a message with a file",
        };
        write!(
            f,
            "{kind} of {} priority to +{}",
            self.priority, self.calling_code
        )?;
        match &self.tag {
            Some(tag) => write!(f, " with the tag {tag}"),
            None => f.write_str(" without a tag"),
        }
    }
}

/// A rule as people call it: by its number, from 1, and its name.
pub(super) struct Label<'a> {
    number: usize,
    name: Option<&'a str>,
}

impl<'a> Label<'a> {
    pub(super) fn new(position: usize, name: Option<&'a str>) -> Self {
        Self {
            number: position + 1,
            name,
        }
    }
}

impl fmt::Display for Label<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rule {}", self.number)?;
        match self.name {
            Some(name) => write!(f, " ({name})"),
            None => Ok(()),
        }
    }
}

/// A number with at most three digits behind the point.
struct Rounded(f64);

impl fmt::Display for Rounded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", (self.0 * 1000.0).round() / 1000.0)
    }
}
