//! Numbers: whose they are, and who may say so.
//!
//! Called by the provider's router and, for the numbers of a scenario, when it begins to hold.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tidings::backend::{NumberDesk, Principal, Refusal};
use tidings::conversations::{Mailbox, Page};
use tidings::numbers::OwnNumber;
use tidings_core::E164;

use super::ExchangeChange;
use super::desk::part;
use crate::operation::Operation;
use crate::world::World;
use crate::world::state::{Change, State};

/// A number of ours.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::world) struct NumberKept {
    pub(super) number: E164,
    pub(super) application: String,
    pub(super) domain: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) owner: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) carrier: Option<String>,
    pub(super) media: bool,
    pub(super) group_media: bool,
}

impl NumberKept {
    /// A number whose texts are a user's.
    pub(in crate::world) fn of_user(number: E164, owner: &Mailbox) -> Self {
        Self {
            number,
            application: "user".to_owned(),
            domain: owner.domain.clone(),
            owner: Some(owner.user.clone()),
            carrier: Some("simulated".to_owned()),
            media: true,
            group_media: false,
        }
    }

    /// Sets what it is used for.
    pub(in crate::world) fn application(mut self, application: String) -> Self {
        self.application = application;
        self
    }

    /// Sets whether it can carry files.
    pub(in crate::world) fn media(mut self, media: bool) -> Self {
        self.media = media;
        self
    }

    pub(in crate::world) fn is_of(&self, owner: &Mailbox) -> bool {
        self.domain == owner.domain && self.owner.as_deref() == Some(&*owner.user)
    }

    fn shown(&self) -> OwnNumber {
        let mut shown = OwnNumber::new(self.number.as_str(), self.application.as_str())
            .owner(self.owner.clone())
            .carrier(self.carrier.clone());
        shown.domain = Some(self.domain.clone());
        shown.media = self.media;
        shown.group_media = self.group_media;
        shown
    }
}

impl State {
    /// The first number of a user.
    pub(in crate::world) fn number_of_user(&self, account: usize) -> Option<E164> {
        let mailbox = self.mailbox(account)?;
        let mut numbers = self.exchange.numbers.iter();
        let found = numbers.find(|kept| kept.is_of(&mailbox))?;
        Some(found.number)
    }

    /// The account of the user whose number this is.
    pub(in crate::world) fn account_with_number(&self, number: E164) -> Option<usize> {
        let mut numbers = self.exchange.numbers.iter();
        let kept = numbers.find(|kept| kept.number == number)?;
        self.account_at(&Mailbox::new(kept.domain.as_str(), kept.owner.as_deref()?))
    }
}

#[async_trait]
impl NumberDesk for World {
    async fn numbers(
        &self,
        who: &Principal,
        domain: Option<&str>,
        user: Option<&str>,
        page: Page,
    ) -> Result<Vec<OwnNumber>, Refusal> {
        self.0.enter(Operation::ListNumbers, |_| false)?;
        let state = self.0.state_now();
        let numbers = state.exchange.numbers.iter();
        if let (Some(domain), Some(user)) = (domain, user) {
            let owner = Mailbox::new(domain, user);
            self.0.owner(&state, who, &owner)?;
            let own = numbers.filter(|kept| kept.is_of(&owner));
            return Ok(part(own.map(NumberKept::shown), page).collect());
        }
        self.0.domain(&state, who, domain)?;
        let meant = numbers.filter(|kept| {
            domain.is_none_or(|domain| kept.domain == domain)
                && user.is_none_or(|user| kept.owner.as_deref() == Some(user))
        });
        Ok(part(meant.map(NumberKept::shown), page).collect())
    }

    async fn count_numbers(&self, who: &Principal, owner: &Mailbox) -> Result<u64, Refusal> {
        self.0.enter(Operation::CountNumbers, |_| false)?;
        let state = self.0.state_now();
        self.0.owner(&state, who, owner)?;
        let own = state
            .exchange
            .numbers
            .iter()
            .filter(|kept| kept.is_of(owner));
        Ok(u64::try_from(own.count()).unwrap_or(u64::MAX))
    }

    async fn add_number(
        &self,
        who: &Principal,
        domain: &str,
        number: OwnNumber,
    ) -> Result<OwnNumber, Refusal> {
        let digits = read_number(&number.number)?;
        self.0.enter(Operation::AddNumber, |to| *to == digits)?;
        let (added, ticket) = {
            let mut state = self.0.state_now();
            self.0.domain(&state, who, Some(domain))?;
            let mut numbers = state.exchange.numbers.iter();
            if numbers.any(|kept| kept.number == digits) {
                return Err(Refusal::Duplicate);
            }
            check_owner(&state, domain, number.owner.as_deref())?;
            let added = NumberKept {
                number: digits,
                application: number.application,
                domain: domain.to_owned(),
                owner: number.owner,
                carrier: number.carrier,
                media: true,
                group_media: false,
            };
            let shown = added.shown();
            let change = Change::Exchange(ExchangeChange::Number(added));
            (shown, self.0.change(&mut state, change)?)
        };
        self.0.on_disk(ticket).await?;
        Ok(added)
    }

    async fn change_number(
        &self,
        who: &Principal,
        domain: &str,
        number: OwnNumber,
    ) -> Result<(), Refusal> {
        let digits = read_number(&number.number)?;
        self.0.enter(Operation::ChangeNumber, |to| *to == digits)?;
        let ticket = {
            let mut state = self.0.state_now();
            self.0.domain(&state, who, Some(domain))?;
            let kept = find(&state, domain, digits)?;
            check_owner(&state, domain, number.owner.as_deref())?;
            let changed = NumberKept {
                application: number.application,
                owner: number.owner.or_else(|| kept.owner.clone()),
                carrier: number.carrier.or_else(|| kept.carrier.clone()),
                ..kept.clone()
            };
            let change = Change::Exchange(ExchangeChange::Number(changed));
            self.0.change(&mut state, change)?
        };
        self.0.on_disk(ticket).await
    }

    async fn remove_number(
        &self,
        who: &Principal,
        domain: &str,
        number: &str,
    ) -> Result<(), Refusal> {
        let digits = read_number(number)?;
        self.0.enter(Operation::RemoveNumber, |to| *to == digits)?;
        let ticket = {
            let mut state = self.0.state_now();
            self.0.domain(&state, who, Some(domain))?;
            let number = find(&state, domain, digits)?.number;
            let change = Change::Exchange(ExchangeChange::NumberGone { number });
            self.0.change(&mut state, change)?
        };
        self.0.on_disk(ticket).await
    }
}

fn find<'s>(state: &'s State, domain: &str, number: E164) -> Result<&'s NumberKept, Refusal> {
    let mut numbers = state.exchange.numbers.iter();
    numbers
        .find(|kept| kept.number == number && kept.domain == domain)
        .ok_or(Refusal::NotFound { what: "number" })
}

/// Other owners than users, such as queues, are not known here: they are taken as they are.
fn check_owner(state: &State, domain: &str, owner: Option<&str>) -> Result<(), Refusal> {
    let is_extension = |owner: &&str| owner.bytes().all(|byte| byte.is_ascii_digit());
    match owner.filter(|owner| !owner.is_empty()).filter(is_extension) {
        Some(owner) if state.account_at(&Mailbox::new(domain, owner)).is_none() => {
            Err(Refusal::invalid("owner", "names no user of the domain"))
        }
        Some(_) | None => Ok(()),
    }
}

/// With a plus or without.
fn read_number(text: &str) -> Result<E164, Refusal> {
    let text = text.trim();
    let number = if text.starts_with('+') {
        text.parse()
    } else {
        format!("+{text}").parse()
    };
    number.map_err(|_| Refusal::invalid("number", "is no phone number"))
}
