//! The numbers that texts go out from and come in to: whose they are, and what they are used for.
//!
//! Called by programs; the neutral trait is at the end.

use std::future::Future;

use async_trait::async_trait;
use futures_util::stream::TryStreamExt as _;
use http::Method;

use super::client::Client;
use super::map::{conversation, number};
use super::paging;
use super::path::Path;
use super::sessions::{checked, rows, written};
use super::verdict::{self, Call};
use super::wire;
use crate::answer::Answer;
use crate::conversations::Page;
use crate::error::{ErrorKind, Result};
use crate::numbers::{OwnNumber, OwnNumbers};

const LIST: Call = Call::asks("list_numbers");
const COUNT: Call = Call::asks("count_numbers");
const ADD: Call = Call::acts("add_number");
const CHANGE: Call = Call::acts("change_number");
const REMOVE: Call = Call::acts("remove_number");

/// The user that means all of a domain.
const EVERYBODY: &str = "*";

impl Client {
    /// A part of all numbers of the system.
    ///
    /// # Errors
    /// [`ErrorKind::Forbidden`] for whoever may not see the system.
    pub async fn system_numbers(&self, page: Page) -> Result<Answer<Vec<wire::SmsNumber>>> {
        self.number_rows(Some(Path::new("/smsnumbers")), page).await
    }

    /// A part of the numbers of the domain.
    pub async fn domain_numbers(&self, page: Page) -> Result<Answer<Vec<wire::SmsNumber>>> {
        self.number_rows(self.domain_numbers_path(), page).await
    }

    /// A part of the numbers of the user: those that he may send from.
    pub async fn user_numbers(&self, page: Page) -> Result<Answer<Vec<wire::SmsNumber>>> {
        self.number_rows(self.user_numbers_path(), page).await
    }

    /// How many numbers the user has.
    ///
    /// # Errors
    /// [`ErrorKind::Protocol`] when the answer tells no number.
    pub async fn count_user_numbers(&self) -> Result<Answer<u64>> {
        let path = self.user_numbers_path().map(|path| path.fixed("/count"));
        self.call(COUNT, Method::GET, path, None, verdict::read_count)
            .await
    }

    /// Adds a number to the domain.
    ///
    /// # Errors
    /// [`ErrorKind::Rejected`] when the domain has it already.
    pub async fn add_number(&self, number: &wire::NumberAssignment) -> Result<Answer<()>> {
        if number.number.0.trim().is_empty() {
            let what = "the number to be added is missing";
            return Err(ADD.not_sent(ErrorKind::InvalidMessage, what));
        }
        check_application(ADD, number)?;
        let mut added = number.clone();
        added.number = number::canonical(&number.number.0).into();
        let body = written(ADD, &added)?;
        let path = self.domain_numbers_path();
        self.call(ADD, Method::POST, path, Some(body), verdict::read_done)
            .await
    }

    /// Says what a number of the domain is used for, and by whom. The number in `assignment` itself is
    /// not written; `number` says which one it is about.
    pub async fn change_number(
        &self,
        number: &str,
        assignment: &wire::NumberAssignment,
    ) -> Result<Answer<()>> {
        check_application(CHANGE, assignment)?;
        let mut change = assignment.clone();
        change.number = wire::Text::default();
        let body = written(CHANGE, &change)?;
        let path = self.number_path(number);
        self.call(CHANGE, Method::PUT, path, Some(body), verdict::read_done)
            .await
    }

    /// Takes a number out of the domain.
    pub async fn remove_number(&self, number: &str) -> Result<Answer<()>> {
        let path = self.number_path(number);
        self.call(REMOVE, Method::DELETE, path, None, verdict::read_done)
            .await
    }

    async fn number_rows(
        &self,
        path: Option<Path>,
        page: Page,
    ) -> Result<Answer<Vec<wire::SmsNumber>>> {
        let path = path.map(|path| path.page(page));
        let answer = self
            .call(LIST, Method::GET, path, None, verdict::read_list)
            .await?;
        checked(LIST, answer, |row: &wire::SmsNumber| !row.number.is_empty())
    }

    fn domain_numbers_path(&self) -> Option<Path> {
        let path = Path::domain(&self.shared().domain)?;
        Some(path.fixed("/smsnumbers"))
    }

    fn user_numbers_path(&self) -> Option<Path> {
        Some(self.user_path()?.fixed("/smsnumbers"))
    }

    fn number_path(&self, number: &str) -> Option<Path> {
        self.domain_numbers_path()?.part(&number::canonical(number))
    }

    /// All pages of one of the lists.
    async fn all_numbers<F>(
        &self,
        get: impl Fn(Self, Page) -> F + Send + Sync,
    ) -> Result<Vec<OwnNumber>>
    where
        F: Future<Output = Result<Answer<Vec<wire::SmsNumber>>>> + Send,
    {
        let size = self.shared().choices.page_size;
        let key = |row: &wire::SmsNumber| [row.domain.clone(), row.number.clone()];
        let pages = paging::pages(LIST, size, key, |page| get(self.clone(), page));
        let numbers: Vec<wire::SmsNumber> = rows(pages).try_collect().await?;
        Ok(numbers.iter().map(conversation::number).collect())
    }
}

fn check_application(call: Call, number: &wire::NumberAssignment) -> Result<()> {
    if number.application.0.trim().is_empty() {
        let what = "what the number is used for (application) is missing";
        return Err(call.not_sent(ErrorKind::InvalidMessage, what));
    }
    Ok(())
}

/// The user's numbers; those of the whole domain for a client whose user is `*`.
#[async_trait]
impl OwnNumbers for Client {
    async fn list(&self) -> Result<Vec<OwnNumber>> {
        if self.shared().user == EVERYBODY {
            let get = |client: Self, page| async move { client.domain_numbers(page).await };
            return self.all_numbers(get).await;
        }
        let get = |client: Self, page| async move { client.user_numbers(page).await };
        self.all_numbers(get).await
    }

    async fn count(&self) -> Result<u64> {
        if self.shared().user == EVERYBODY {
            let numbers = OwnNumbers::list(self).await?;
            return Ok(numbers.len() as u64);
        }
        self.count_user_numbers().await.map(Answer::into_value)
    }

    async fn add(&self, number: &OwnNumber) -> Result<()> {
        let assignment = conversation::assignment(number);
        self.add_number(&assignment).await.map(Answer::into_value)
    }

    async fn change(&self, number: &OwnNumber) -> Result<()> {
        let assignment = conversation::assignment(number);
        let changed = self.change_number(&number.number, &assignment).await;
        changed.map(Answer::into_value)
    }

    async fn remove(&self, number: &str) -> Result<()> {
        self.remove_number(number).await.map(Answer::into_value)
    }
}
