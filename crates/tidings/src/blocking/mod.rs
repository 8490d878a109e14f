//! The same clients and the same interface for programs without an asynchronous runtime: every call
//! returns when it is done.
//!
//! [`Provider`] goes around any [`tidings::Provider`](crate::Provider), layers included, and
//! [`Messenger`] around a [`messenger::Messenger`](crate::messenger::Messenger); each provider's own
//! client has a blocking one in its module. They only call the asynchronous ones and
//! decide nothing themselves, so that what holds for those holds here.
//!
//! ```
//! use std::sync::Arc;
//! use tidings::memory::MemoryProvider;
//! use tidings::{ClientRef, E164, Message, Outbound, blocking};
//!
//! let provider = blocking::Provider::new(Arc::new(MemoryProvider::new()))?;
//! let message = Message::new(E164::parse("+224622000001", None)?, "Your parcel is here");
//! let outbound = Outbound::new(ClientRef::new("parcel-4711")?, message);
//! let receipt = provider.submit(&[outbound])?.remove(0)?;
//! println!("{:?}", receipt.provider_ref);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Threads
//!
//! Everything here can be used from several threads at once, none of which waits for another's
//! answer. All of it shares one thread that looks after connections and time; it starts with the
//! first of these objects and ends with the last. A program that has a runtime already can lend it:
//! [`Runtime::of`].
//!
//! Inside an asynchronous task nothing may block, because other tasks wait for the same thread. A
//! call made there is refused with [`ErrorKind::Config`](crate::ErrorKind::Config) before anything is
//! sent; inside `spawn_blocking` it is welcome.

mod areas;
mod items;
mod messenger;
mod provider;
mod runtime;
#[cfg(test)]
pub(crate) mod tests;

pub use areas::{AddressBook, Conversations, OwnNumbers, QueuedBatches, Subscriptions};
pub use items::Items;
pub use messenger::{Messenger, Verdicts};
pub use provider::Provider;
pub use runtime::{Background, Runtime};

/// Writes the blocking methods of a type with the fields `inner` and `runtime`. Names and parameters
/// are those of the asynchronous methods: `call` for those that answer once, `wait` for those that
/// cannot fail but here, `items` for streams.
macro_rules! mirror {
    ($link:literal { $(
        $(#[$attribute:meta])*
        $kind:ident $name:ident($($argument:ident: $type:ty),* $(,)?) -> $answer:ty;
    )* }) => { $(
        $crate::blocking::mirror! { @$kind [$(#[$attribute])*
            #[doc = concat!(
                "Blocks until [`", stringify!($name), "`](", $link, "::", stringify!($name), ") is done."
            )]] $name ($($argument: $type),*) $answer
        }
    )* };
    (@call [$($attributes:tt)*] $name:ident ($($argument:ident: $type:ty),*) $answer:ty) => {
        $($attributes)*
        pub fn $name(&self, $($argument: $type),*) -> $crate::Result<$answer> {
            self.runtime.call(self.inner.$name($($argument),*))
        }
    };
    (@wait [$($attributes:tt)*] $name:ident ($($argument:ident: $type:ty),*) $answer:ty) => {
        $($attributes)*
        pub fn $name(&self, $($argument: $type),*) -> $crate::Result<$answer> {
            self.runtime.wait(self.inner.$name($($argument),*))
        }
    };
    (@items [$($attributes:tt)*] $name:ident ($($argument:ident: $type:ty),*) $answer:ty) => {
        $($attributes)*
        pub fn $name(&self, $($argument: $type),*) -> $crate::blocking::Items<$answer> {
            $crate::blocking::Items::new(&self.runtime, self.inner.$name($($argument),*))
        }
    };
}
pub(crate) use mirror;

/// Writes what the blocking clients of all providers have in common.
#[cfg(feature = "any-provider")]
macro_rules! blocking_client {
    ($id:ident) => {
        /// The client for programs without an asynchronous runtime: the same methods, and each
        /// returns when it is done. Clones share connections and state; see
        #[doc = concat!("[`Client`](super::Client) and [`tidings::blocking`](crate::blocking).")]
        ///
        /// ```no_run
        #[doc = concat!("use tidings::", stringify!($id), "::{Client, blocking};")]
        ///
        /// # fn example(asynchronous: Client) -> tidings::Result<()> {
        /// let client = blocking::Client::new(asynchronous)?;
        /// let provider = client.provider();
        /// println!("{:?}", provider.capabilities());
        /// # Ok(())
        /// # }
        /// ```
        #[derive(Clone)]
        pub struct Client {
            inner: super::Client,
            runtime: $crate::blocking::Runtime,
        }

        impl Client {
            /// A blocking client around this one.
            ///
            /// # Errors
            /// [`Runtime::shared`](crate::blocking::Runtime::shared)'s.
            pub fn new(inner: super::Client) -> $crate::Result<Self> {
                Ok(Self::on(&$crate::blocking::Runtime::shared()?, inner))
            }

            /// The same on a runtime of the program's own.
            pub fn on(runtime: &$crate::blocking::Runtime, inner: super::Client) -> Self {
                let runtime = runtime.clone();
                Self { inner, runtime }
            }

            /// Begins a client from its parts; ends with
            /// [`build_blocking`](super::ClientBuilder::build_blocking).
            pub fn builder() -> super::ClientBuilder {
                super::Client::builder()
            }

            /// See [`Client::from_account`](super::Client::from_account).
            ///
            /// # Errors
            /// Its, and those of [`new`](Self::new).
            pub fn from_account(
                account: &$crate::Account,
                http: $crate::HttpClient,
            ) -> $crate::Result<Self> {
                Self::new(super::Client::from_account(account, http)?)
            }

            /// The client that does the work.
            pub fn asynchronous(&self) -> &super::Client {
                &self.inner
            }

            /// This client as one of any provider.
            pub fn provider(&self) -> $crate::blocking::Provider {
                let inner = std::sync::Arc::new(self.inner.clone());
                $crate::blocking::Provider::on(&self.runtime, inner)
            }
        }

        impl std::fmt::Debug for Client {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_tuple("blocking").field(&self.inner).finish()
            }
        }

        impl super::ClientBuilder {
            /// Makes the blocking client. Nothing is sent.
            ///
            /// # Errors
            /// Those of [`build`](Self::build) and of [`Client::new`].
            pub fn build_blocking(self) -> $crate::Result<Client> {
                Client::new(self.build()?)
            }
        }
    };
}
#[cfg(feature = "any-provider")]
pub(crate) use blocking_client;
