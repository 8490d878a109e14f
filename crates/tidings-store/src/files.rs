//! Files that came with texts from phones: [`Files`], one area of [`Store`](crate::Store).
//!
//! A text is kept as soon as it comes, with what is known of its file. The file itself is fetched then, and added
//! here: a provider may take its time, and nobody who tells of a text is kept waiting for it.

use async_trait::async_trait;
use tidings_core::Media;

use crate::error::Result;
use crate::model::{InboundId, StoredInbound};

/// Files of texts from phones. Those that go out are kept with their messages.
#[async_trait]
pub trait Files: Send + Sync + 'static {
    /// A text from a phone, of whichever account, with its file where that is kept; `None` where there is
    /// no such text.
    async fn inbound_file(&self, id: InboundId) -> Result<Option<(StoredInbound, Option<Media>)>>;

    /// Keeps the file of a text; the first that comes stays. Whether it was kept. `NotFound` where there is
    /// no such text.
    async fn keep_inbound_file(&self, id: InboundId, media: Media) -> Result<bool>;
}
