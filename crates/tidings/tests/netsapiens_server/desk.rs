//! A backend for the tests of the server half: it knows a few users, tokens and keys, answers with
//! what the golden exchanges hold, remembers what it was asked, and refuses, panics or waits when it
//! is told to.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use secrecy::ExposeSecret;
use tidings::backend::{
    AccountDesk, Batches, CallDesk, Contacts, ConversationChange, ConversationDesk, Identity,
    MediaAddress, Messages, NewPhoneCall, NumberDesk, PhoneCall, Post, Presented, Principal,
    Recipient, Refusal, Revoked, Rights, SecondStep, SignIn, SignedIn, SubscriptionDesk, Token,
    TokenDesk,
};
use tidings::conversations::{
    Conversation, ConversationMessage, Direction, LastMessage, Mailbox, Page, StoredMedia,
};
use tidings::numbers::OwnNumber;
use tidings::subscriptions::{NewSubscription, Subscription, SubscriptionChange};
use tidings::{Media, Timestamp};

pub(crate) const DOMAIN: &str = "example.test";
pub(crate) const PASSWORD: &str = "hunter2";
pub(crate) const CLIENT_SECRET: &str = "s3cr3t";
/// The token of the golden exchanges.
pub(crate) const TOKEN: &str = "00112233445566778899aabbccddeeff";
pub(crate) const REFRESH: &str = "ffeeddccbbaa99887766554433221100";
/// What a first step brings; the second step's passcode.
pub(crate) const STEP: &str = "2233445566778899aabbccddeeff0011";
pub(crate) const PASSCODE: &str = "012345";
/// A token that was good.
pub(crate) const OLD_TOKEN: &str = "0000000000000000000000000000dead";
pub(crate) const KEY: &str = "nsd_a1b2c3d4EXAMPLEEXAMPLEEXAMPLEEXAMPLEEXAMPLEEXAMPLEEXAMPLE";
pub(crate) const SESSION: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";
pub(crate) const OWN_NUMBER: &str = "+15550109876";
pub(crate) const PROOF: &str = "66778899aabbccddeeff001122334455";
pub(crate) const SUBSCRIPTION: &str = "aabbccddeeff00112233445566778899";
/// A text at which the desk panics.
pub(crate) const PANIC: &str = "please panic";
/// A text at which the desk never answers.
pub(crate) const NEVER: &str = "please never answer";

#[derive(Debug, Default)]
pub(crate) struct Desk {
    refusal: Mutex<Option<Refusal>>,
    asked: Mutex<Vec<String>>,
    /// Whether a password is only the first step.
    wants_second_step: Mutex<bool>,
    takes_no_sign_in: Mutex<bool>,
    /// Access and refresh tokens that hold, with the number of renewals before.
    tokens: Mutex<HashMap<String, u32>>,
    messages: Mutex<Option<Vec<ConversationMessage>>>,
}

impl Desk {
    pub(crate) fn new() -> Arc<Self> {
        let desk = Self::default();
        for token in [TOKEN, REFRESH] {
            desk.tokens.lock().unwrap().insert(token.to_owned(), 0);
        }
        Arc::new(desk)
    }

    /// Every further call beyond signing in is refused.
    pub(crate) fn refuse(&self, refusal: Refusal) {
        *self.refusal.lock().unwrap() = Some(refusal);
    }

    /// There is nowhere to sign in.
    pub(crate) fn refuse_sign_ins(&self) {
        *self.takes_no_sign_in.lock().unwrap() = true;
    }

    /// A password is only the first step from now on.
    pub(crate) fn want_second_step(&self) {
        *self.wants_second_step.lock().unwrap() = true;
    }

    /// These are the messages of every session from now on.
    pub(crate) fn show(&self, messages: Vec<ConversationMessage>) {
        *self.messages.lock().unwrap() = Some(messages);
    }

    /// What was asked so far, one line a call.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    fn ask(&self, what: String) -> Result<(), Refusal> {
        self.asked.lock().unwrap().push(what);
        self.refusal.lock().unwrap().clone().map_or(Ok(()), Err)
    }

    /// A token that is good from now on.
    fn opened(&self, n_renewals: u32) -> Token {
        let token = token_after(n_renewals);
        let refresh = token.refresh.as_ref().unwrap();
        for secret in [&token.access, refresh] {
            let mut tokens = self.tokens.lock().unwrap();
            tokens.insert(secret.expose_secret().to_owned(), n_renewals);
        }
        token
    }
}

/// The token after this many renewals.
fn token_after(n_renewals: u32) -> Token {
    let (access, refresh) = match n_renewals {
        0 => (TOKEN.to_owned(), REFRESH.to_owned()),
        // As the golden exchange has them.
        1 => (
            "112233445566778899aabbccddeeff00".to_owned(),
            "00ffeeddccbbaa998877665544332211".to_owned(),
        ),
        n => (format!("access{n:026}"), format!("refresh{n:025}")),
    };
    let mut token = Token::new(access, at(), ann());
    token.refresh = Some(refresh.into());
    token.lifetime = Some(Duration::from_hours(1));
    token
}

pub(crate) fn at() -> Timestamp {
    "2026-01-02T03:04:05.678Z".parse().unwrap()
}

pub(crate) fn owner() -> Mailbox {
    Mailbox::new(DOMAIN, "200")
}

fn ann() -> Principal {
    let mut identity = Identity::new(DOMAIN, "200");
    "Acme".clone_into(&mut identity.reseller);
    "Ann Doe".clone_into(&mut identity.display_name);
    identity.email = Some("a@example.test".to_owned());
    identity.client_id = Some("acme.app".to_owned());
    Principal::new("account").identity(identity)
}

fn key() -> Token {
    let mut identity = Identity::new(DOMAIN, "");
    identity.user = None;
    "Acme".clone_into(&mut identity.reseller);
    identity.rights = Rights::Domain;
    "Texts of the shop".clone_into(&mut identity.display_name);
    Token::new(KEY, at(), Principal::new("account").identity(identity))
}

#[async_trait]
impl TokenDesk for Desk {
    async fn open(
        &self,
        presented: &Presented,
        second_step: Option<&SecondStep>,
    ) -> Result<SignedIn, Refusal> {
        if *self.takes_no_sign_in.lock().unwrap() {
            return Err(Refusal::Unsupported);
        }
        let is = |setting, value| presented.value(setting) == Some(value);
        if !(is("client_id", "acme.app")
            && is("client_secret", CLIENT_SECRET)
            && is("username", "200@example.test")
            && is("password", PASSWORD))
        {
            return Err(Refusal::Unauthorized);
        }
        match second_step {
            Some(step) => {
                let is_right =
                    step.token.expose_secret() == STEP && step.passcode.expose_secret() == PASSCODE;
                if !is_right {
                    return Err(Refusal::Unauthorized);
                }
                Ok(SignedIn::Token(Box::new(self.opened(0))))
            }
            None if *self.wants_second_step.lock().unwrap() => {
                let mut step = Token::new(STEP, at(), ann());
                step.lifetime = Some(Duration::from_hours(1));
                Ok(SignedIn::SecondStep(Box::new(step)))
            }
            None => Ok(SignedIn::Token(Box::new(self.opened(0)))),
        }
    }

    async fn open_for(&self, who: &Principal, user: &Mailbox) -> Result<Token, Refusal> {
        self.ask(format!("open for {user}"))?;
        assert_eq!(who, &key().who);
        if *user == owner() {
            Ok(self.opened(0))
        } else {
            Err(Refusal::NotFound { what: "user" })
        }
    }

    async fn renew(&self, presented: &Presented, refresh: &str) -> Result<Token, Refusal> {
        let secret = presented.value("client_secret").unwrap_or(CLIENT_SECRET);
        if secret != CLIENT_SECRET {
            return Err(Refusal::Unauthorized);
        }
        let known = self.tokens.lock().unwrap().get(refresh).copied();
        let n_renewals = known.ok_or(Refusal::Unauthorized)?;
        let expected = token_after(n_renewals).refresh.unwrap();
        if expected.expose_secret() != refresh {
            return Err(Refusal::Unauthorized);
        }
        self.tokens.lock().unwrap().remove(refresh);
        Ok(self.opened(n_renewals + 1))
    }

    async fn bearer(&self, token: &str) -> Result<Token, Refusal> {
        match token {
            KEY => Ok(key()),
            OLD_TOKEN => Err(Refusal::Expired),
            STEP => Err(Refusal::Unauthorized),
            _ => {
                let n_renewals = self.tokens.lock().unwrap().get(token).copied();
                let mut held = token_after(n_renewals.ok_or(Refusal::Unauthorized)?);
                if held.access.expose_secret() != token {
                    return Err(Refusal::Unauthorized);
                }
                held.refresh = None;
                Ok(held)
            }
        }
    }

    async fn revoke(&self, _: &Principal, which: Revoked<'_>) -> Result<(), Refusal> {
        match which {
            Revoked::Token(token) => {
                self.ask(format!("revoke token {token}"))?;
                self.tokens.lock().unwrap().remove(token);
            }
            Revoked::User(user) => self.ask(format!("revoke user {user}"))?,
            other => panic!("{other:?} is new"),
        }
        Ok(())
    }
}

fn recipient(recipient: &Recipient) -> String {
    match recipient {
        Recipient::Phone(number) => number.to_string(),
        Recipient::User(user) => user.clone(),
        other => panic!("{other:?} is new"),
    }
}

#[async_trait]
impl ConversationDesk for Desk {
    async fn post(
        &self,
        _: &Principal,
        owner: &Mailbox,
        post: Post,
    ) -> Result<ConversationMessage, Refusal> {
        let to: Vec<String> = post.to.iter().map(recipient).collect();
        let media = post.media.as_ref().map_or_else(String::new, |media| {
            format!(" +{} {}", media.mime_type(), media.content().len())
        });
        self.ask(format!(
            "post {owner} {}: {} {}->{}: {}{media}",
            post.conversation.as_deref().unwrap_or("new"),
            post.kind,
            post.from.as_ref().map_or("", |from| from.as_str()),
            to.join(","),
            post.text,
        ))?;
        match &*post.text {
            PANIC => panic!("the desk was told to"),
            NEVER => std::future::pending().await,
            _ => {}
        }
        if post
            .from
            .as_ref()
            .is_some_and(|from| from.as_str() != OWN_NUMBER)
        {
            return Err(Refusal::invalid("from", "is no number of this user"));
        }
        let session = post.conversation.unwrap_or_else(|| SESSION.to_owned());
        let mut sent = outbound(&post.text);
        sent.conversation = session;
        sent.to = to;
        sent.kind = post.kind;
        if post.from.is_none() {
            sent.direction = Direction::Internal;
            sent.from = owner.to_string();
        }
        Ok(sent)
    }

    async fn conversations(
        &self,
        _: &Principal,
        domain: Option<&str>,
        user: Option<&str>,
        page: Page,
    ) -> Result<Vec<Conversation>, Refusal> {
        let of = |name: Option<&str>| name.unwrap_or("all").to_owned();
        self.ask(format!(
            "conversations {} {} {}+{}",
            of(domain),
            of(user),
            page.start,
            page.limit
        ))?;
        check_place(domain, user)?;
        let mut all = vec![conversation()];
        if user.is_none() {
            all.push(group());
        }
        Ok(all)
    }

    async fn conversation(
        &self,
        _: &Principal,
        owner: &Mailbox,
        id: &str,
    ) -> Result<Conversation, Refusal> {
        self.ask(format!("conversation {owner} {id}"))?;
        check_place(Some(&owner.domain), Some(&owner.user))?;
        if id == SESSION {
            Ok(conversation())
        } else {
            Err(Refusal::NotFound {
                what: "conversation",
            })
        }
    }

    async fn conversation_messages(
        &self,
        _: &Principal,
        owner: &Mailbox,
        id: &str,
        page: Page,
    ) -> Result<Vec<ConversationMessage>, Refusal> {
        self.ask(format!(
            "messages {owner} {id} {}+{}",
            page.start, page.limit
        ))?;
        let shown = self.messages.lock().unwrap().clone();
        Ok(shown.unwrap_or_else(|| vec![picture(), outbound("5"), inbound()]))
    }

    async fn change_conversation(
        &self,
        _: &Principal,
        owner: &Mailbox,
        id: &str,
        change: ConversationChange,
    ) -> Result<(), Refusal> {
        self.ask(format!("change {owner} {id} {change:?}"))
    }

    async fn media_address(
        &self,
        _: &Principal,
        owner: &Mailbox,
        message: &str,
    ) -> Result<MediaAddress, Refusal> {
        let time = "20260102030405";
        Ok(MediaAddress::new(owner.clone(), message, time, PROOF))
    }

    async fn stored_media(&self, address: &MediaAddress) -> Result<Media, Refusal> {
        self.ask(format!("media {} {}", address.owner, address.message))?;
        let is_right = address.proof.expose_secret() == PROOF
            && address.time == "20260102030405"
            && address.owner == owner();
        if is_right {
            Ok(Media::new("image/png", PNG).unwrap())
        } else {
            Err(Refusal::Unauthorized)
        }
    }
}

/// The first bytes of a picture.
pub(crate) const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

fn check_place(domain: Option<&str>, user: Option<&str>) -> Result<(), Refusal> {
    match (domain, user) {
        (None, _) => Err(Refusal::Forbidden {
            what: "all domains".to_owned(),
        }),
        (Some(DOMAIN), None | Some("200")) => Ok(()),
        (Some(DOMAIN), Some("201")) => Err(Refusal::Forbidden {
            what: "another user".to_owned(),
        }),
        (Some(DOMAIN), Some(_)) => Err(Refusal::NotFound { what: "user" }),
        (Some(_), _) => Err(Refusal::NotFound { what: "domain" }),
    }
}

pub(crate) fn conversation() -> Conversation {
    let mut conversation = Conversation::new(SESSION, owner());
    conversation.remote = vec!["+15550101234".to_owned()];
    conversation.number = Some(OWN_NUMBER.to_owned());
    conversation.started_at = Some("2026-01-01T00:00:00Z".parse().unwrap());
    let mut last = LastMessage::new("sms", "see you");
    last.at = Some(at());
    last.sender = Some("200@example.test".to_owned());
    conversation.last = Some(last);
    conversation
}

fn group() -> Conversation {
    let mut group = conversation();
    "af1e2d3c4b5a69788796a5b4c3d2e1f0".clone_into(&mut group.id);
    group.remote = vec!["201@example.test".to_owned(), "202@example.test".to_owned()];
    group.number = None;
    group.is_read = false;
    group.is_group = true;
    group.name = Some("Team".to_owned());
    group.participants = ["200", "201", "202"]
        .map(|user| format!("{user}@{DOMAIN}"))
        .to_vec();
    let mut last = LastMessage::new("chat", "5");
    last.at = Some(at());
    last.sender = Some("201@example.test".to_owned());
    group.last = Some(last);
    group
}

fn message(id: &str, kind: &str, direction: Direction, text: &str) -> ConversationMessage {
    let mut message = ConversationMessage::new(id, SESSION, kind, direction, text);
    message.at = Some(at());
    message
}

pub(crate) fn inbound() -> ConversationMessage {
    let mut message = message("m-65f0a1b2c3d4e", "sms", Direction::Inbound, "hello");
    "+15550101234".clone_into(&mut message.from);
    message.to = vec![OWN_NUMBER.to_owned()];
    message
}

pub(crate) fn outbound(text: &str) -> ConversationMessage {
    let mut message = message("m-65f0a1b2c3d4f", "sms", Direction::Outbound, text);
    OWN_NUMBER.clone_into(&mut message.from);
    message.to = vec!["+15550101234".to_owned()];
    message.status = Some("sending".to_owned());
    message
}

pub(crate) fn picture() -> ConversationMessage {
    let mut message = inbound();
    "12345678901".clone_into(&mut message.id);
    "mms".clone_into(&mut message.kind);
    "photo.png".clone_into(&mut message.text);
    let mut media = StoredMedia::new("image/png");
    media.bytes = Some(8);
    message.media = Some(media);
    message
}

#[async_trait]
impl NumberDesk for Desk {
    async fn numbers(
        &self,
        _: &Principal,
        domain: Option<&str>,
        user: Option<&str>,
        page: Page,
    ) -> Result<Vec<OwnNumber>, Refusal> {
        let of = |name: Option<&str>| name.unwrap_or("all").to_owned();
        self.ask(format!(
            "numbers {} {} {}+{}",
            of(domain),
            of(user),
            page.start,
            page.limit
        ))?;
        let mut own = OwnNumber::new(OWN_NUMBER, "user")
            .owner(Some("200".to_owned()))
            .carrier(Some("carrier-a".to_owned()));
        own.domain = Some(DOMAIN.to_owned());
        own.media = true;
        let mut spare = OwnNumber::new("+15550109877", "available");
        spare.domain = Some(DOMAIN.to_owned());
        spare.carrier = Some("carrier-a".to_owned());
        Ok(match domain {
            None => vec![own, spare],
            Some(_) => vec![own],
        })
    }

    async fn count_numbers(&self, _: &Principal, owner: &Mailbox) -> Result<u64, Refusal> {
        self.ask(format!("count numbers {owner}"))?;
        Ok(2)
    }

    async fn add_number(
        &self,
        _: &Principal,
        domain: &str,
        number: OwnNumber,
    ) -> Result<OwnNumber, Refusal> {
        self.ask(format!("add {domain} {}", told(&number)))?;
        Ok(number)
    }

    async fn change_number(
        &self,
        _: &Principal,
        domain: &str,
        number: OwnNumber,
    ) -> Result<(), Refusal> {
        self.ask(format!("change {domain} {}", told(&number)))
    }

    async fn remove_number(
        &self,
        _: &Principal,
        domain: &str,
        number: &str,
    ) -> Result<(), Refusal> {
        self.ask(format!("remove {domain} {number}"))
    }
}

fn told(number: &OwnNumber) -> String {
    format!(
        "{} {} {:?} {:?}",
        number.number, number.application, number.owner, number.carrier
    )
}

pub(crate) fn subscription() -> Subscription {
    let url = "https://hooks.example.test/ns?k=abc";
    let mut subscription = Subscription::new(SUBSCRIPTION, "message", url);
    DOMAIN.clone_into(&mut subscription.domain);
    subscription.reseller = Some("Acme".to_owned());
    subscription.scope = Some("Office Manager".to_owned());
    subscription.created_at = Some("2026-01-01T00:00:00Z".parse().unwrap());
    subscription.expires_at = Some("2046-01-01T00:00:00Z".parse().unwrap());
    subscription
}

#[async_trait]
impl SubscriptionDesk for Desk {
    async fn subscriptions(
        &self,
        _: &Principal,
        domain: Option<&str>,
        page: Page,
    ) -> Result<Vec<Subscription>, Refusal> {
        let domain = domain.unwrap_or("all");
        self.ask(format!(
            "subscriptions {domain} {}+{}",
            page.start, page.limit
        ))?;
        let mut failing = subscription();
        "babbccddeeff00112233445566778899".clone_into(&mut failing.id);
        "messagesession".clone_into(&mut failing.events);
        failing.active_server = Some("core1.example.test".to_owned());
        failing.preferred_server = Some("core2.example.test".to_owned());
        "error".clone_into(&mut failing.status);
        (failing.errors, failing.posts) = (3, 40);
        Ok(match domain {
            "all" => vec![subscription(), failing],
            _ => vec![subscription()],
        })
    }

    async fn subscription(&self, _: &Principal, id: &str) -> Result<Subscription, Refusal> {
        self.ask(format!("subscription {id}"))?;
        if id == SUBSCRIPTION {
            Ok(subscription())
        } else {
            Err(Refusal::NotFound {
                what: "subscription",
            })
        }
    }

    async fn subscribe(
        &self,
        _: &Principal,
        new: NewSubscription,
    ) -> Result<Subscription, Refusal> {
        self.ask(format!(
            "subscribe {} {:?} {:?} {:?} {:?} {:?} {:?} until {}",
            new.events,
            new.domain,
            new.user,
            new.reseller,
            new.scope,
            new.fails_over,
            new.preferred_server,
            new.expires_at.unwrap(),
        ))?;
        let mut made = subscription();
        made.expires_at = new.expires_at;
        Ok(made)
    }

    async fn change_subscription(
        &self,
        _: &Principal,
        id: &str,
        change: SubscriptionChange,
    ) -> Result<(), Refusal> {
        let url = change
            .url
            .as_ref()
            .map(|url| url.expose_secret().to_owned());
        self.ask(format!(
            "change {id} {:?} {url:?} {:?} {} {} {:?} {:?}",
            change.events,
            change.expires_at.map(|at| at.to_string()),
            change.reset_errors,
            change.reset_posts,
            change.fails_over,
            change.preferred_server,
        ))
    }

    async fn unsubscribe(&self, _: &Principal, id: &str) -> Result<(), Refusal> {
        self.ask(format!("unsubscribe {id}"))
    }
}

pub(crate) const CALL: &str = "20260102030405000001-00112233445566778899aabbccddeeff";

#[async_trait]
impl CallDesk for Desk {
    async fn calls(
        &self,
        _: &Principal,
        domain: Option<&str>,
        user: Option<&str>,
    ) -> Result<Vec<PhoneCall>, Refusal> {
        self.ask(format!(
            "calls {} {}",
            domain.unwrap_or("all"),
            user.unwrap_or("all")
        ))?;
        Ok(vec![call()])
    }

    async fn start_call(
        &self,
        _: &Principal,
        owner: &Mailbox,
        call: NewPhoneCall,
    ) -> Result<PhoneCall, Refusal> {
        self.ask(format!(
            "call {owner} {} {}->{} {:?} {}",
            call.id, call.from, call.to, call.caller_id, call.auto_answer
        ))?;
        Ok(self::call())
    }

    async fn end_call(&self, _: &Principal, owner: &Mailbox, id: &str) -> Result<(), Refusal> {
        self.ask(format!("end {owner} {id}"))
    }
}

fn call() -> PhoneCall {
    let id = "20260102030405000002-00112233445566778899aabbccddeeff";
    let mut call = PhoneCall::new(id, CALL, owner(), at());
    "200@example.test".clone_into(&mut call.from);
    "+15550101234".clone_into(&mut call.to);
    call.caller_id = Some(OWN_NUMBER.to_owned());
    call
}

// Areas that the vendor's API does not have.

#[async_trait]
impl SignIn for Desk {
    async fn sign_in(&self, _: &Presented) -> Result<Principal, Refusal> {
        Err(Refusal::Unsupported)
    }
}

impl Messages for Desk {}

impl Batches for Desk {}

impl Contacts for Desk {}

impl AccountDesk for Desk {}
