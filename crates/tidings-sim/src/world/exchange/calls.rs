//! Calls between telephones: they ring, are answered, and end after half a minute.
//!
//! Called by the provider's router. Nobody speaks.

use std::time::Duration;

use async_trait::async_trait;
use tidings::backend::{CallDesk, NewPhoneCall, PhoneCall, Principal, Refusal};
use tidings::conversations::Mailbox;
use tidings_core::Timestamp;

use crate::operation::Operation;
use crate::world::open::draw_key;
use crate::world::{World, lock};

/// How long a telephone rings.
const RINGS_FOR: Duration = Duration::from_secs(3);
/// How long a call takes in all.
const LASTS_FOR: Duration = Duration::from_secs(30);

/// A call that is under way.
pub(in crate::world) struct CallKept {
    account: usize,
    call: PhoneCall,
    auto_answers: bool,
}

/// Ends the calls that have lasted long enough.
pub(super) fn hang_up(calls: &mut Vec<CallKept>, now: Timestamp) {
    calls.retain(|kept| now.since(kept.call.started_at) < LASTS_FOR);
}

impl CallKept {
    fn shown(&self, now: Timestamp) -> PhoneCall {
        let mut call = self.call.clone();
        let rings_for = if self.auto_answers {
            Duration::ZERO
        } else {
            RINGS_FOR
        };
        let answered_at = call.started_at.plus(rings_for);
        call.answered_at = (now >= answered_at).then_some(answered_at);
        call
    }
}

#[async_trait]
impl CallDesk for World {
    async fn calls(
        &self,
        who: &Principal,
        domain: Option<&str>,
        user: Option<&str>,
    ) -> Result<Vec<PhoneCall>, Refusal> {
        self.0.enter(Operation::ListCalls, |_| false)?;
        let state = self.0.state_now();
        let owners = self.0.owners(&state, who, domain, user)?;
        let calls = state.exchange.calls.iter();
        let calls = calls.filter(|kept| owners.contains(&kept.account));
        Ok(calls.map(|kept| kept.shown(state.now)).collect())
    }

    async fn start_call(
        &self,
        who: &Principal,
        owner: &Mailbox,
        call: NewPhoneCall,
    ) -> Result<PhoneCall, Refusal> {
        self.0.enter(Operation::StartCall, |to| {
            call.to.trim_start_matches('+') == to.as_str().trim_start_matches('+')
        })?;
        let mut state = self.0.state_now();
        let account = self.0.owner(&state, who, owner)?;
        let mut calls = state.exchange.calls.iter();
        if calls.any(|kept| kept.account == account && kept.call.id == call.id) {
            return Err(Refusal::Duplicate);
        }
        let session = draw_key(&mut lock(&self.0.random));
        let mut started = PhoneCall::new(call.id, session, owner.clone(), state.now);
        started.from = call.from;
        started.to = call.to;
        started.caller_id = call.caller_id;
        let kept = CallKept {
            account,
            call: started,
            auto_answers: call.auto_answer,
        };
        let shown = kept.shown(state.now);
        state.exchange.calls.push(kept);
        Ok(shown)
    }

    async fn end_call(&self, who: &Principal, owner: &Mailbox, id: &str) -> Result<(), Refusal> {
        self.0.enter(Operation::EndCall, |_| false)?;
        let mut state = self.0.state_now();
        let account = self.0.owner(&state, who, owner)?;
        let calls = &mut state.exchange.calls;
        let before = calls.len();
        calls.retain(|kept| kept.account != account || kept.call.id != id);
        if calls.len() == before {
            return Err(Refusal::NotFound { what: "call" });
        }
        Ok(())
    }
}
