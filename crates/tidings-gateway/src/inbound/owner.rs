//! Whose a text from a phone is: the account that the lane's configuration names, else the one that
//! wrote to the phone over this lane last, else the first there is.
//!
//! Called by [`super::take`]; looks each phone up once per call of a provider.

use std::collections::HashMap;
use std::sync::Arc;

use tidings::E164;
use tidings_store::{
    AccountId, ConversationId, LaneId, MessageFilter, PageRequest, StoreError, StoredAccount,
    StoredMessage,
};

use crate::gateway::Gateway;
use crate::settings::{AccountSettings, Customer};

/// An account that texts belong to.
pub(super) struct Owner {
    pub(super) customer: Customer,
    /// The conversation in which the account wrote to the phone last.
    pub(super) conversation: Option<ConversationId>,
}

/// The owners of the texts of one call.
pub(super) struct Owners<'a> {
    gateway: &'a Gateway,
    lane: &'a LaneId,
    known: HashMap<Option<E164>, Arc<Owner>>,
}

impl<'a> Owners<'a> {
    pub(super) fn new(gateway: &'a Gateway, lane: &'a LaneId) -> Self {
        Self {
            gateway,
            lane,
            known: HashMap::new(),
        }
    }

    /// Who owns texts of this phone; `None` for a sender that is no number.
    pub(super) async fn of(&mut self, phone: Option<&E164>) -> Result<Arc<Owner>, StoreError> {
        let phone = phone.copied();
        if let Some(owner) = self.known.get(&phone) {
            return Ok(Arc::clone(owner));
        }
        let owner = Arc::new(find(self.gateway, self.lane, phone).await?);
        self.known.insert(phone, Arc::clone(&owner));
        Ok(owner)
    }
}

async fn find(gateway: &Gateway, lane: &LaneId, phone: Option<E164>) -> Result<Owner, StoreError> {
    let store = gateway.store();
    let configured = gateway
        .lane(lane)
        .and_then(|lane| lane.config.inbound_account.as_deref().map(AccountId::from));
    let mut account = match &configured {
        Some(id) => store.account(id).await?,
        None => None,
    };
    let last = match phone {
        Some(phone) => last_to(gateway, lane, phone, account.as_ref()).await?,
        None => None,
    };
    if let (None, Some(last)) = (&account, &last) {
        account = store.account(&last.account).await?;
    }
    let account = match account {
        Some(account) => account,
        None => store
            .accounts()
            .await?
            .into_iter()
            .next()
            .ok_or_else(|| StoreError::not_found("account that a text could belong to"))?,
    };
    Ok(Owner {
        customer: customer_of(&account),
        conversation: last.and_then(|last| last.conversation),
    })
}

/// The message that was accepted last for a phone over a lane.
async fn last_to(
    gateway: &Gateway,
    lane: &LaneId,
    phone: E164,
    account: Option<&StoredAccount>,
) -> Result<Option<StoredMessage>, StoreError> {
    let filter = MessageFilter {
        account: account.map(|account| account.id.clone()),
        to: Some(phone),
        lane: Some(lane.clone()),
        page: PageRequest {
            after: None,
            limit: 1,
        },
        ..MessageFilter::default()
    };
    let page = gateway.store().messages(filter).await?;
    Ok(page.items.into_iter().next())
}

/// What an account wants; one whose settings were written by a newer version has the usual ones here, so
/// that its phones can opt out all the same.
fn customer_of(account: &StoredAccount) -> Customer {
    Customer::of(account).unwrap_or_else(|error| {
        let id = &account.id;
        tracing::warn!(account = %id, %error, "account {id}: {error}");
        Customer {
            is_active: account.is_active,
            ..Customer::new(id.clone(), AccountSettings::default())
        }
    })
}
