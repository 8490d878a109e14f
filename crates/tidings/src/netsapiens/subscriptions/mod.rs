//! Subscriptions to events: made, listed, changed and ended. What is posted for them is read in
//! `callback/`.
//!
//! Called by programs and by `keeper.rs`; the neutral trait is at the end. The server makes no second
//! subscription just like one that is there: it answers 409, which is
//! [`ErrorKind::Rejected`] with the code `409`.

mod subscription;

use async_trait::async_trait;
use futures_util::stream::{Stream, TryStreamExt as _};
use http::Method;
use serde::Serialize;

use super::client::Client;
use super::paging;
use super::path::Path;
use super::sessions::{checked, rows, written};
use super::verdict::{self, Call};
use super::wire;
use crate::answer::Answer;
use crate::conversations::Page;
use crate::error::{Acceptance, ErrorKind, Result};
use crate::subscriptions as neutral;

pub use subscription::{
    Expiry, NewSubscription, Subscription, SubscriptionChange, SubscriptionStatus,
};

const CREATE: Call = Call::acts("create_subscription");
const LIST: Call = Call::asks("list_subscriptions");
const SHOW: Call = Call::asks("subscription");
const CHANGE: Call = Call::acts("update_subscription");
const DELETE: Call = Call::acts("delete_subscription");

/// The scope of an account that sees nobody else's events.
const BASIC_USER: &str = "Basic User";

impl Client {
    /// Makes a subscription and gives it as the server keeps it.
    ///
    /// Where the answer does not hold the subscription, it is looked up in the list by its model and
    /// its address.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidMessage`] before anything is sent, for a `post_url` that is none, and for a
    /// preferred server that is more than a host. [`ErrorKind::Rejected`] with the
    /// [code](crate::Error::provider_code) `409` when there is one just like it:
    /// [`Self::find_subscription`] finds it. [`ErrorKind::Forbidden`] for events of others than the
    /// account may see.
    #[doc(alias("subscribe", "createsubscription", "SubscriptionAPI"))]
    pub async fn create_subscription(&self, new: &NewSubscription) -> Result<Answer<Subscription>> {
        self.create_at(new, Path::new("/subscriptions")).await
    }

    /// Makes a subscription through the domain's own list, which version 45 has.
    ///
    /// # Errors
    /// As [`Self::create_subscription`], and [`ErrorKind::Unsupported`] where the version has no such
    /// call.
    pub async fn create_domain_subscription(
        &self,
        new: &NewSubscription,
    ) -> Result<Answer<Subscription>> {
        let path = self.domain_subscriptions_path();
        let path = path.ok_or_else(|| no_path(CREATE))?;
        self.create_at(new, path).await
    }

    /// A part of the subscriptions that the account may see.
    ///
    /// # Errors
    /// [`ErrorKind::Protocol`] when a row is none.
    #[doc(alias("get_subscriptions", "read_subscription", "read_subscriptions"))]
    pub async fn subscriptions(&self, page: Page) -> Result<Answer<Vec<Subscription>>> {
        let path = Path::new("/subscriptions").page(page);
        self.subscription_rows(Some(path)).await
    }

    /// A part of the subscriptions of the domain, which version 45 lists.
    ///
    /// # Errors
    /// As [`Self::subscriptions`], and [`ErrorKind::Unsupported`] where the version has no such call.
    pub async fn domain_subscriptions(&self, page: Page) -> Result<Answer<Vec<Subscription>>> {
        let path = self.domain_subscriptions_path();
        self.subscription_rows(path.map(|path| path.page(page)))
            .await
    }

    /// All subscriptions that the account may see, as a stream that asks for the next part when it is
    /// needed. It ends with an error when a call fails.
    #[doc(alias("get_subscriptions", "read_subscription", "read_subscriptions"))]
    pub fn all_subscriptions(&self) -> impl Stream<Item = Result<Subscription>> + Send + use<> {
        let client = self.clone();
        let get = move |page| {
            let client = client.clone();
            async move { client.subscriptions(page).await }
        };
        let size = self.shared().choices.page_size;
        rows(paging::pages(LIST, size, subscription_key, get))
    }

    /// All subscriptions of the domain, as [`Self::all_subscriptions`] gives those of the account.
    pub fn all_domain_subscriptions(
        &self,
    ) -> impl Stream<Item = Result<Subscription>> + Send + use<> {
        let client = self.clone();
        let get = move |page| {
            let client = client.clone();
            async move { client.domain_subscriptions(page).await }
        };
        let size = self.shared().choices.page_size;
        rows(paging::pages(LIST, size, subscription_key, get))
    }

    /// The subscription that is for the same model and address as `new`, and for those whose events
    /// `new` names. `None` when there is none.
    pub async fn find_subscription(&self, new: &NewSubscription) -> Result<Option<Subscription>> {
        let mut all = std::pin::pin!(self.all_subscriptions());
        while let Some(found) = all.try_next().await? {
            if new.is_like(&found) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// One subscription.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is none with this id.
    #[doc(alias("get_subscription", "read_subscription", "readsubscription"))]
    pub async fn subscription(&self, id: &str) -> Result<Answer<Subscription>> {
        let path = Path::new("/subscriptions").part(id);
        let answer: Answer<Vec<wire::Subscription>> = self
            .call(SHOW, Method::GET, path, None, verdict::read_list)
            .await?;
        let Answer { value: rows, http } = answer;
        let is_asked_for = |row: &&wire::Subscription| row.id.0 == id;
        match (rows.iter().find(is_asked_for), rows.is_empty()) {
            (Some(row), _) => Subscription::from_wire(row)
                .map(|found| Answer::new(found, http.clone()))
                .ok_or_else(|| SHOW.unreadable(NO_SUBSCRIPTION, http)),
            (None, true) => Err(SHOW
                .not_sent(ErrorKind::NotFound, "netsapiens knows no such subscription")
                .with_http(http)),
            (None, false) => Err(SHOW.unreadable(NO_SUBSCRIPTION, http)),
        }
    }

    /// Changes a subscription. Only what is to be different is sent.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidMessage`] before anything is sent, when nothing is to be different and for
    /// the faults of [`Self::create_subscription`]. [`ErrorKind::NotFound`] when there is none with
    /// this id.
    pub async fn update_subscription(
        &self,
        id: &str,
        change: &SubscriptionChange,
    ) -> Result<Answer<()>> {
        let path = Path::new("/subscriptions").part(id);
        self.update_at(path, change).await
    }

    /// Changes a subscription through the domain's own list, which version 45 has.
    ///
    /// # Errors
    /// As [`Self::update_subscription`], and [`ErrorKind::Unsupported`] where the version has no such
    /// call.
    pub async fn update_domain_subscription(
        &self,
        id: &str,
        change: &SubscriptionChange,
    ) -> Result<Answer<()>> {
        let path = self.domain_subscriptions_path();
        self.update_at(path.and_then(|path| path.part(id)), change)
            .await
    }

    /// Ends a subscription.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is none with this id.
    pub async fn delete_subscription(&self, id: &str) -> Result<Answer<()>> {
        let path = Path::new("/subscriptions").part(id);
        self.delete_at(path, None).await
    }

    /// Ends a subscription and says in the body in whose domain it is, as the description of version
    /// 45 has it for accounts below a super user. Other servers are known to want no body.
    ///
    /// # Errors
    /// As [`Self::delete_subscription`].
    pub async fn delete_subscription_of(&self, id: &str, domain: &str) -> Result<Answer<()>> {
        let path = Path::new("/subscriptions").part(id);
        let body = DeleteSubscription {
            subscription_id: id,
            domain,
        };
        self.delete_at(path, Some(&body)).await
    }

    /// Ends a subscription through the domain's own list, which version 45 has.
    ///
    /// # Errors
    /// As [`Self::delete_subscription`], and [`ErrorKind::Unsupported`] where the version has no such
    /// call.
    pub async fn delete_domain_subscription(&self, id: &str) -> Result<Answer<()>> {
        let path = self.domain_subscriptions_path();
        self.delete_at(path.and_then(|path| path.part(id)), None)
            .await
    }

    fn domain_subscriptions_path(&self) -> Option<Path> {
        let path = Path::domain(&self.shared().domain)?;
        Some(path.fixed("/subscriptions"))
    }

    async fn create_at(&self, new: &NewSubscription, path: Path) -> Result<Answer<Subscription>> {
        if let Some(fault) = new.fault() {
            return Err(CREATE.not_sent(ErrorKind::InvalidMessage, fault));
        }
        let (domain, user) = self.whose_events(new).await?;
        let document = new.document(&domain, &user, self.shared().clock.now());
        let answer = self
            .call(
                CREATE,
                Method::POST,
                Some(path),
                Some(written(CREATE, &document)?),
                read_made,
            )
            .await?;
        let Answer { value: made, http } = answer;
        if let Some(made) = made {
            return Ok(Answer::new(made, http));
        }
        // It is made, and its id is in the list.
        match self.find_subscription(new).await? {
            Some(found) => Ok(Answer::new(found, http)),
            None => Err(CREATE
                .error(
                    ErrorKind::Protocol,
                    Acceptance::Unknown,
                    "netsapiens took a subscription and does not list it",
                )
                .with_http(http)),
        }
    }

    /// The domain and the user that a subscription is for that names none. The token knows whose it
    /// is; what is set goes before.
    async fn whose_events(&self, new: &NewSubscription) -> Result<(String, String)> {
        let shared = self.shared();
        if new.domain.is_some() && new.user.is_some() {
            return Ok(Default::default());
        }
        shared.sign_in.bearer().await?;
        let token = self.token();
        let own = |set: &str, told: Option<&String>| match (set, told) {
            ("~", Some(told)) if !told.is_empty() => told.clone(),
            (set, _) => set.to_owned(),
        };
        let domain = own(&shared.domain, token.as_ref().map(|token| &token.domain));
        let is_basic = token
            .as_ref()
            .is_some_and(|token| token.scope == BASIC_USER);
        let user = if is_basic {
            own(&shared.user, token.as_ref().map(|token| &token.user))
        } else {
            "*".to_owned()
        };
        Ok((domain, user))
    }

    /// The domain and the user that a subscription is for; `None` where only the server knows.
    pub(super) async fn whose_events_if_known(
        &self,
        new: &NewSubscription,
    ) -> Result<(Option<String>, Option<String>)> {
        let (domain, user) = self.whose_events(new).await?;
        let known = |named: &Option<String>, own: String| {
            let own = Some(own).filter(|own| !own.is_empty() && own != "~");
            named.clone().or(own)
        };
        Ok((known(&new.domain, domain), known(&new.user, user)))
    }

    async fn subscription_rows(&self, path: Option<Path>) -> Result<Answer<Vec<Subscription>>> {
        let answer: Answer<Vec<wire::Subscription>> = self
            .call(LIST, Method::GET, path, None, verdict::read_list)
            .await?;
        let answer = checked(LIST, answer, |row| !row.id.is_empty())?;
        Ok(answer.map(|rows| rows.iter().filter_map(Subscription::from_wire).collect()))
    }

    async fn update_at(
        &self,
        path: Option<Path>,
        change: &SubscriptionChange,
    ) -> Result<Answer<()>> {
        if let Some(fault) = change.fault() {
            return Err(CHANGE.not_sent(ErrorKind::InvalidMessage, fault));
        }
        let body = written(CHANGE, &change.document())?;
        self.call(CHANGE, Method::PUT, path, Some(body), verdict::read_done)
            .await
    }

    async fn delete_at(
        &self,
        path: Option<Path>,
        body: Option<&DeleteSubscription<'_>>,
    ) -> Result<Answer<()>> {
        let body = body.map(|body| written(DELETE, body)).transpose()?;
        self.call(DELETE, Method::DELETE, path, body, verdict::read_done)
            .await
    }
}

const NO_SUBSCRIPTION: &str = "netsapiens gave something else than the subscription asked for";

/// The body that version 45 describes for `DELETE`.
#[derive(Serialize)]
struct DeleteSubscription<'a> {
    subscription_id: &'a str,
    domain: &'a str,
}

/// Reads the answer to a subscription that was made: itself, where the answer holds it.
fn read_made(
    call: Call,
    response: &crate::http::HttpResponse,
) -> Result<Answer<Option<Subscription>>> {
    let answer = verdict::read_done(call, response)?;
    let rows: Option<wire::Rows<wire::Subscription>> = serde_json::from_slice(&response.body).ok();
    let row = rows.and_then(|rows| rows.0.into_iter().next());
    Ok(answer.map(|()| row.as_ref().and_then(Subscription::from_wire)))
}

fn subscription_key(subscription: &Subscription) -> String {
    subscription.id.clone()
}

fn no_path(call: Call) -> crate::Error {
    call.not_sent(
        ErrorKind::InvalidMessage,
        "a part of the path is empty or dots",
    )
}

#[async_trait]
impl neutral::Subscriptions for Client {
    async fn list(&self) -> Result<Vec<neutral::Subscription>> {
        self.all_subscriptions()
            .map_ok(neutral::Subscription::from)
            .try_collect()
            .await
    }

    async fn show(&self, id: &str) -> Result<neutral::Subscription> {
        let found = self.subscription(id).await?;
        Ok(found.into_value().into())
    }

    async fn create(&self, new: &neutral::NewSubscription) -> Result<neutral::Subscription> {
        let made = self.create_subscription(&new.into()).await?;
        Ok(made.into_value().into())
    }

    async fn update(&self, id: &str, change: &neutral::SubscriptionChange) -> Result<()> {
        self.update_subscription(id, &change.into()).await?;
        Ok(())
    }

    async fn delete(&self, id: &str) -> Result<()> {
        self.delete_subscription(id).await?;
        Ok(())
    }
}
