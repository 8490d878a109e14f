//! The numbers that texts of a user go out from: the one that stands with his key.
//!
//! Called by the providers' routers. Whoever runs the gateway gives a key its number, so nothing is
//! changed here.

use async_trait::async_trait;
use tidings::backend::{NumberDesk, Principal, Refusal};
use tidings::conversations::{Mailbox, Page};
use tidings::numbers::OwnNumber;

use super::Door;
use super::users::User;
use crate::access::Scope;

/// What a number of a user is used for, in the vendor's word.
const APPLICATION: &str = "user";

#[async_trait]
impl NumberDesk for Door {
    async fn numbers(
        &self,
        who: &Principal,
        domain: Option<&str>,
        user: Option<&str>,
        page: Page,
    ) -> Result<Vec<OwnNumber>, Refusal> {
        let caller = self.caller(who, Scope::Read)?;
        let users = self.users_shown(&caller, domain, user).await?;
        let numbers = users.iter().filter_map(shown);
        let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        let part = numbers.skip(count(page.start)).take(count(page.limit));
        Ok(part.collect())
    }

    async fn count_numbers(&self, who: &Principal, owner: &Mailbox) -> Result<u64, Refusal> {
        let caller = self.caller(who, Scope::Read)?;
        let (domain, user) = (Some(owner.domain.as_str()), Some(owner.user.as_str()));
        let users = self.users_shown(&caller, domain, user).await?;
        let n_numbers = users.iter().filter_map(shown).count();
        Ok(u64::try_from(n_numbers).unwrap_or(u64::MAX))
    }
}

fn shown(user: &User) -> Option<OwnNumber> {
    let number = user.number?;
    let owner = Some(user.mailbox.user.clone());
    let mut shown = OwnNumber::new(number.as_str(), APPLICATION).owner(owner);
    shown.domain = Some(user.mailbox.domain.clone());
    shown.media = true;
    Some(shown)
}
