//! A stream as an iterator.
//!
//! Made by the blocking methods whose asynchronous ones give a stream.

use std::fmt;
use std::pin::Pin;

use futures_util::{Stream, StreamExt};

use super::Runtime;
use crate::error::Result;

/// What a list at a provider holds, fetched as it is needed. After an error it ends.
pub struct Items<T> {
    stream: Option<Pin<Box<dyn Stream<Item = Result<T>> + Send>>>,
    runtime: Runtime,
}

impl<T> Items<T> {
    /// Waits for each item of a stream when it is asked for.
    pub fn new(runtime: &Runtime, stream: impl Stream<Item = Result<T>> + Send + 'static) -> Self {
        Self {
            stream: Some(Box::pin(stream)),
            runtime: runtime.clone(),
        }
    }
}

impl<T> Iterator for Items<T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.runtime.wait(self.stream.as_mut()?.next());
        let item = next
            .map_err(Some)
            .and_then(|item| item.ok_or(None)?.map_err(Some));
        if item.is_err() {
            self.stream = None;
        }
        item.map_or_else(|error| error.map(Err), |item| Some(Ok(item)))
    }
}

impl<T> std::iter::FusedIterator for Items<T> {}

impl<T> fmt::Debug for Items<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Items").finish_non_exhaustive()
    }
}
