//! `tidings contacts`: contacts that live at the provider.

use serde::Serialize;
use tidings::E164;
use tidings::address_book::{AddressBook, Contact};
use tidings::{Error, ErrorKind, Provider};

use super::Context;
use crate::args::{ContactsAction, ContactsArgs};
use crate::output::{Column, bad_input};

#[derive(Serialize)]
struct ContactLine<'c> {
    id: Option<&'c str>,
    first_name: &'c str,
    last_name: &'c str,
    phone_number: &'c str,
}

impl<'c> From<&'c Contact> for ContactLine<'c> {
    fn from(contact: &'c Contact) -> Self {
        Self {
            id: contact.id.as_deref(),
            first_name: &contact.first_name,
            last_name: &contact.last_name,
            phone_number: &contact.phone_number,
        }
    }
}

pub(super) async fn run(context: &Context, args: &ContactsArgs) -> anyhow::Result<()> {
    match &args.action {
        ContactsAction::List { page_size, account } => {
            let connected = context.connect(account)?;
            list(context, book_of(&*connected.provider)?, *page_size).await
        }
        ContactsAction::Add {
            first_name,
            last_name,
            phone,
            region,
            account,
        } => {
            let connected = context.connect(account)?;
            let region = region.or(connected.lane.options.region);
            let phone = E164::parse(phone, region).map_err(|error| bad_input(error.to_string()))?;
            let book = book_of(&*connected.provider)?;
            let contact = book.add_contact(first_name, last_name, &phone).await?;
            show(context, &[contact])
        }
    }
}

/// The provider's address book.
pub(super) fn book_of(provider: &dyn Provider) -> tidings::Result<&dyn AddressBook> {
    provider.address_book().ok_or_else(|| {
        Error::not_sent(
            ErrorKind::Unsupported,
            "this provider has no contacts and groups",
        )
    })
}

/// Pages are printed as they come; a table is printed when all are there, so that its columns fit.
async fn list(context: &Context, book: &dyn AddressBook, page_size: u32) -> anyhow::Result<()> {
    let mut all = Vec::new();
    for page in 1.. {
        let answer = book.contacts(page, page_size).await?;
        let is_last = match answer.total_pages {
            Some(pages) => page >= pages,
            None => answer.contacts.len() < usize::try_from(page_size).unwrap_or(usize::MAX),
        };
        // A server that ignores the page number would otherwise be asked for ever.
        let is_last = is_last || answer.contacts.is_empty();
        if context.output.is_json() {
            show(context, &answer.contacts)?;
        } else {
            all.extend(answer.contacts);
        }
        if is_last {
            break;
        }
    }
    if context.output.is_json() {
        Ok(())
    } else {
        show(context, &all)
    }
}

fn show(context: &Context, contacts: &[Contact]) -> anyhow::Result<()> {
    if context.output.is_json() {
        return contacts
            .iter()
            .try_for_each(|contact| context.output.json_line(&ContactLine::from(contact)));
    }
    let rows = contacts.iter().map(|contact| {
        vec![
            contact.id.clone().unwrap_or_default(),
            contact.first_name.clone(),
            contact.last_name.clone(),
            contact.phone_number.clone(),
        ]
    });
    let columns = ["id", "first name", "last name", "phone number"].map(Column::Text);
    context.output.table(&columns, rows.collect())
}
