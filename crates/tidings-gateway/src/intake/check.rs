//! One draft looked at by itself: its number, its sender, its text, and the lane that is to carry it.
//!
//! Called by `accept.rs` for every draft and by `preview.rs`. It asks no store: opt-outs, zones and quotas
//! are looked up for many messages at once.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use tidings::ErrorKind;
use tidings::routing::{Decision, Standing};
use tidings_core::text::{self, Plan, Policy, Replacement, TextError};
use tidings_core::{
    DeliveryPolicy, E164, Message, QuietTimes, Region, SenderId, TimeZone, Timestamp,
};

use super::draft::{Draft, DraftRecipient};
use super::verdict::{Rejection, RejectionCode};
use crate::dispatch::in_service;
use crate::gateway::{Gateway, Live};
use crate::lane::Lane;
use crate::settings::Customer;
use crate::vendors::KeptTerms;

/// What holds for all drafts of one call.
pub(super) struct Ground<'a> {
    pub gateway: &'a Gateway,
    pub live: Arc<Live>,
    pub customer: &'a Customer,
    /// Which API they came by.
    pub origin: Arc<str>,
    pub now: Timestamp,
    standing: Standing,
    pub policy: DeliveryPolicy,
    region: Option<Region>,
    replacement: Replacement,
    max_parts: u8,
    pub valid_for: Duration,
    pub quiet: QuietTimes,
    /// The zone of recipients that name none, in front of their number's.
    pub zone: Option<&'a TimeZone>,
}

impl<'a> Ground<'a> {
    pub(super) fn new(gateway: &'a Gateway, customer: &'a Customer, origin: Arc<str>) -> Self {
        let live = gateway.live();
        let (sending, settings) = (&live.config.sending, &*customer.settings);
        let hours_of_all = sending.quiet_hours;
        let hours_of_all =
            hours_of_all.and_then(|(from, to)| tidings_core::HoursOfDay::new(from, to).ok());
        let days_of_all = sending.blackout_dates.iter();
        let quiet = QuietTimes::new(
            settings.quiet_hours.or(hours_of_all),
            settings.blackout_dates.iter().chain(days_of_all).copied(),
        );
        let valid_for = settings.valid_for_s;
        Self {
            gateway,
            customer,
            origin,
            now: gateway.now(),
            standing: in_service(gateway, &live, gateway.clock().elapsed()),
            policy: settings.policy.unwrap_or(sending.policy),
            region: settings.region.or(sending.region),
            replacement: settings.replacement.unwrap_or_default(),
            max_parts: settings.max_parts.unwrap_or(u8::MAX).min(sending.max_parts),
            valid_for: valid_for.map_or(sending.valid_for, |seconds| {
                Duration::from_secs(seconds.into())
            }),
            quiet,
            zone: settings.time_zone.as_ref(),
            live,
        }
    }

    /// How this text is planned.
    fn text_policy(&self, replacement: Option<Replacement>, max_parts: Option<u8>) -> Policy {
        let operators = self.live.config.sending.max_parts;
        let max_parts = max_parts.unwrap_or(self.max_parts).min(operators);
        Policy::default()
            .replacement(replacement.unwrap_or(self.replacement))
            .max_parts(max_parts.max(1))
    }
}

/// A draft that can be sent.
pub(super) struct Checked {
    /// What is sent. Its sender is the draft's or the account's; where neither names one, dispatch asks the
    /// rule and the lane.
    pub message: Message,
    /// The text as the customer wrote it, where it differs.
    pub original_text: Option<Arc<str>>,
    pub parts: u16,
    pub lane: Arc<Lane>,
    /// The sender that the phone will show, as far as is known.
    pub sender: Option<SenderId>,
}

impl Ground<'_> {
    /// Looks at everything of a draft that can be looked at without asking the store.
    pub(super) fn check(&self, draft: &Draft) -> Result<Checked, Rejection> {
        let to = self.recipient(&draft.to)?;
        if draft.text.is_empty() && draft.media.is_none() {
            return Err(Rejection::new(
                RejectionCode::InvalidText,
                "the text is empty",
            ));
        }
        if draft.valid_for.is_some_and(|time| time.is_zero()) {
            return Err(Rejection::new(
                RejectionCode::InvalidRequest,
                "a message must be valid for some time",
            ));
        }
        let mut message = Message::new(to, Arc::clone(&draft.text));
        message.from.clone_from(&draft.from);
        if message.from.is_none() {
            message.from.clone_from(&self.customer.settings.sender);
        }
        message.reference.clone_from(&draft.reference);
        message.tag.clone_from(&draft.tag);
        message.priority = draft.priority;
        message.policy = Some(draft.policy.unwrap_or(self.policy));
        message.valid_for = draft.valid_for;
        message.media.clone_from(&draft.media);

        let draw = self.gateway.randomness().next();
        let routes = &self.live.config.routes;
        let decision = routes.decide(&message, &self.standing, draw);
        let Some(rule) = decision.rule() else {
            return Err(Rejection::new(RejectionCode::NoRoute, decision.why()));
        };
        // Words behind hexadecimal digits would be taken for some of them.
        let is_encoded = KeptTerms::read(draft.terms.as_deref()).is_encoded();
        let is_bare = draft.passes_opt_out || is_encoded;
        let with_footer = self.with_footer(&draft.text, rule, is_bare);
        let policy = self.text_policy(draft.replacement, draft.max_parts);
        let has_footer = matches!(with_footer, Cow::Owned(_));
        let plan = plan(&with_footer, policy, has_footer)?;
        let original_text = if plan.text() == &*draft.text {
            None
        } else {
            message.text = plan.text().into();
            Some(Arc::clone(&draft.text))
        };
        // A header numbers at most 255 parts; a message with a file is one.
        let parts = match &message.media {
            Some(_) => 1,
            None => u16::try_from(plan.n_parts()).unwrap_or(u16::MAX),
        };
        let only_at = KeptTerms::only_at(draft.terms.as_deref());
        let (lane, sender) = self.lane(&message, &decision, draw, only_at.as_deref())?;
        Ok(Checked {
            message,
            original_text,
            parts,
            lane,
            sender,
        })
    }

    pub(super) fn recipient(&self, to: &DraftRecipient) -> Result<E164, Rejection> {
        match to {
            DraftRecipient::Number(number) => Ok(*number),
            DraftRecipient::Written(text, region) => E164::parse(text, region.or(self.region))
                .map_err(|error| {
                    Rejection::new(RejectionCode::InvalidRecipient, error.to_string())
                }),
        }
    }

    /// The text with the footer of its rule, on a line of its own unless the footer begins with a blank.
    /// The confirmation of an opt-out does not say how to opt out, so it is `bare`.
    pub(super) fn with_footer<'t>(
        &self,
        text: &'t str,
        rule: usize,
        is_bare: bool,
    ) -> Cow<'t, str> {
        let footer = self.live.config.footers.get(rule);
        match footer.and_then(Option::as_deref) {
            Some(footer) if !is_bare && !text.is_empty() => {
                let begins_with_blank = footer.starts_with(char::is_whitespace);
                let border = if begins_with_blank { "" } else { "\n" };
                Cow::Owned([text, border, footer].concat())
            }
            _ => Cow::Borrowed(text),
        }
    }

    /// The lane that carries a message: the first one of the rule's order that is in service and can; else
    /// the first that can when it is in service again. Dispatch keeps the message for it, or finds
    /// another. What goes with the message may bind it to accounts at one provider.
    fn lane(
        &self,
        message: &Message,
        decision: &Decision,
        draw: f64,
        only_at: Option<&str>,
    ) -> Result<(Arc<Lane>, Option<SenderId>), Rejection> {
        let mut fault = None;
        if let Some(found) = self.first_able(message, decision, only_at, &mut fault) {
            return Ok(found);
        }
        let routes = &self.live.config.routes;
        let if_all_were_in_service = routes.decide(message, &Standing::default(), draw);
        let found = self.first_able(message, &if_all_were_in_service, only_at, &mut fault);
        found.ok_or_else(|| {
            fault.unwrap_or_else(|| Rejection::new(RejectionCode::NoRoute, decision.why()))
        })
    }

    fn first_able(
        &self,
        message: &Message,
        decision: &Decision,
        only_at: Option<&str>,
        fault: &mut Option<Rejection>,
    ) -> Option<(Arc<Lane>, Option<SenderId>)> {
        let mut sendable = Cow::Borrowed(message);
        for candidate in decision.candidates() {
            let Some(lane) = self.live.lanes.get(candidate.account.as_str()) else {
                continue;
            };
            if only_at.is_some_and(|only_at| lane.spec.id != only_at) {
                fault.get_or_insert_with(|| {
                    let lane = &lane.id;
                    let what = format!("lane {lane}: has no words for what goes with the message");
                    Rejection::new(RejectionCode::NoRoute, what)
                });
                continue;
            }
            if message.from.is_none() {
                let of_rule = candidate.sender.or(lane.config.from.as_ref());
                let sender = of_rule.or(self.live.config.sending.sender.as_ref());
                if sendable.from.as_ref() != sender {
                    sendable.to_mut().from = sender.cloned();
                }
            }
            match lane.capabilities.check(&sendable) {
                Ok(()) => {
                    let sender = sendable.from.clone();
                    return Some((Arc::clone(lane), sender));
                }
                Err(error) => {
                    let code = match error.kind() {
                        ErrorKind::InvalidSender => RejectionCode::InvalidSender,
                        ErrorKind::InvalidMessage if message.media.is_some() => {
                            RejectionCode::InvalidRequest
                        }
                        ErrorKind::InvalidMessage => RejectionCode::InvalidText,
                        _ => RejectionCode::NoRoute,
                    };
                    fault.get_or_insert_with(|| {
                        Rejection::new(code, format!("lane {}: {error}", lane.id))
                    });
                }
            }
        }
        None
    }

    /// Who carries a message and why, with what every lane of the rule that cannot carry it says: for
    /// people.
    pub(super) fn explain(&self, message: &Message, draw: f64) -> Decision {
        let mut standing = self.standing.clone();
        for rule in self.live.config.routes.rules() {
            for account in rule.named_accounts() {
                let Some(lane) = self.live.lanes.get(account.name.as_str()) else {
                    continue;
                };
                let sender = message.from.as_ref().or(account.sender.as_ref());
                let sender = sender.or(lane.config.from.as_ref());
                let mut sendable = message.clone();
                sendable.from = sender.or(self.live.config.sending.sender.as_ref()).cloned();
                if let Err(error) = lane.capabilities.check(&sendable) {
                    standing = standing.cannot_carry(account.name.clone(), error.to_string());
                }
            }
        }
        self.live.config.routes.decide(message, &standing, draw)
    }

    /// How a text is planned for a draft.
    pub(super) fn plan<'t>(
        &self,
        text: &'t str,
        draft: &Draft,
        has_footer: bool,
    ) -> Result<Plan<'t>, Rejection> {
        plan(
            text,
            self.text_policy(draft.replacement, draft.max_parts),
            has_footer,
        )
    }
}

fn plan(text: &str, policy: Policy, has_footer: bool) -> Result<Plan<'_>, Rejection> {
    text::plan(text, &policy).map_err(|error| {
        let detail = match error {
            TextError::TooManyParts { parts_needed, max } => {
                let footer = if has_footer { " with its footer" } else { "" };
                format!("the text needs {parts_needed} parts{footer}, {max} are permitted")
            }
            other => other.to_string(),
        };
        Rejection::new(RejectionCode::InvalidText, detail)
    })
}
