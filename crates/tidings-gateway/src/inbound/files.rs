//! Files that came with texts from phones: fetched from the provider once the text is kept, and kept with it.
//!
//! [`fetch_later`] is called by [`super::take_with_files`]; [`file_of`] by whoever hands a file out, and fetches what
//! could not be fetched before. Larger ones than the configuration allows are not fetched.

use std::time::Duration;

use tidings::conversations::{Conversations, Page};
use tidings::{Error, ErrorKind};
use tidings_core::Media;
use tidings_store::{InboundFile, InboundId, StoreError, StoredInbound};

use crate::gateway::Gateway;

/// Texts of a conversation that are looked at for one whose file is wanted.
const LATEST: Page = Page::first(100);

/// How long is waited before a file is asked for again that could not be fetched, so often.
const WAITS: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(30)];

/// Fetches the file of a text in the background.
pub fn fetch_later(gateway: &Gateway, id: InboundId) {
    let fetching = gateway.clone();
    gateway.tasks().spawn(async move {
        let gateway = fetching;
        for wait in WAITS.into_iter().map(Some).chain([None]) {
            // What the store says is said by everybody who asks it.
            let Ok(None) = file_of(&gateway, id).await else {
                return;
            };
            let Some(wait) = wait else { return };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = gateway.stopping().cancelled() => return,
            }
        }
    });
}

/// The file of a text, fetched now if it was not before; `None` where there is none, or none to be had.
///
/// # Errors
/// Those of the store.
pub async fn file_of(gateway: &Gateway, id: InboundId) -> Result<Option<Media>, StoreError> {
    let Some((text, kept)) = gateway.store().inbound_file(id).await? else {
        return Ok(None);
    };
    let (None, Some(file)) = (&kept, &text.file) else {
        return Ok(kept);
    };
    match fetch(gateway, &text, file).await {
        Ok(Some(media)) => {
            let keeping = gateway.store().keep_inbound_file(id, media.clone());
            keeping.await?;
            Ok(Some(media))
        }
        Ok(None) => Ok(None),
        Err(error) => {
            tracing::warn!(inbound.id = %id, %error, "the file of text {id} cannot be fetched");
            Ok(None)
        }
    }
}

async fn fetch(
    gateway: &Gateway,
    text: &StoredInbound,
    file: &InboundFile,
) -> tidings::Result<Option<Media>> {
    let most = gateway.live().config.limits.max_inbound_file_bytes;
    let is_too_large = |bytes: u64| usize::try_from(bytes).is_ok_and(|bytes| bytes > most);
    if most == 0 || file.bytes.is_some_and(is_too_large) {
        return Ok(None);
    }
    let Some(lane) = gateway.lane(&text.lane) else {
        return Ok(None);
    };
    let Some(conversations) = lane.provider.conversations() else {
        return Ok(None);
    };
    let fetching = fetch_from(conversations, text, file);
    let fetched = tokio::time::timeout(lane.config.timeout, fetching).await;
    let late = |_| Error::not_sent(ErrorKind::Timeout, "the provider did not answer in time");
    let media = fetched.map_err(late)??;
    Ok(media.filter(|media| media.content().len() <= most))
}

/// Addresses of files hold for a while only, so one is asked for each time.
async fn fetch_from(
    conversations: &dyn Conversations,
    text: &StoredInbound,
    file: &InboundFile,
) -> tidings::Result<Option<Media>> {
    let texts = conversations.messages(&file.session, LATEST).await?;
    let mut texts = texts.into_iter();
    let found = texts.find(|one| one.id == *text.provider_id);
    match found.and_then(|one| one.media) {
        Some(stored) => conversations.fetch(&stored).await.map(Some),
        None => Ok(None),
    }
}
