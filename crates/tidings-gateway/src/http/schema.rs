//! Words of other crates, as the `OpenAPI` document knows them.
//!
//! Used in the `value_type` of handlers' types; the real types are elsewhere, and `tests` holds the lists
//! equal.

use utoipa::ToSchema;

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($variant:ident),+ $(,)? })+) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, serde::Serialize, ToSchema)]
            #[serde(rename_all = "snake_case")]
            pub enum $name {
                $(
                    #[expect(missing_docs, reason = "the word says it")]
                    $variant,
                )+
            }

            impl $name {
                /// Every word.
                pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            }
        )+
    };
}

words!(
    /// What leaves first when messages wait.
    Priority { Low, Normal, High }
    /// What is done when a provider's answer was lost: ask and send again only when it is proved that it
    /// was not taken; never again; again after some time, marked as a possible double.
    Policy { Reconcile, AtMostOnce, AtLeastOnce }
    /// Which characters may be replaced so that a text takes fewer parts.
    Replacement { Off, Typography, Accents, Strict }
    /// How far a message has come.
    State {
        Held, Queued, Sending, Unknown, Submitted, Sent, Delivered, Undelivered, Failed, Expired, Canceled,
    }
    /// What a key allows.
    Scope { Send, Read, Manage, Admin }
    /// What a batch does.
    BatchState { Receiving, Running, Paused, Stopping, Stopped, Done }
);

/// What else there is to know: a sentence, or where an event concerns no message what it is about.
#[derive(Debug, serde::Serialize, ToSchema)]
#[serde(untagged)]
pub enum Detail {
    /// A sentence.
    Sentence(String),
    /// What it is about.
    #[schema(value_type = Object)]
    About(serde_json::Map<String, serde_json::Value>),
}
