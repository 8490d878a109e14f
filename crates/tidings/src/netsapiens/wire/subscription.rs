//! Documents of event subscriptions. Part of `wire`.

use serde::Serialize;

use super::read::reads;
use super::{Text, Whole, YesNo};

/// A subscription.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Subscription {
    /// The id.
    pub id: Text,
    /// Whether another node takes over.
    pub subscription_geo_support: YesNo,
    /// Where events are posted.
    pub post_url: Text,
    /// Which events.
    pub model: Text,
    /// With whose rights.
    pub user_scope: Text,
    /// Whose events.
    pub reseller: Text,
    /// Whose events.
    pub domain: Text,
    /// Whose events.
    pub user: Text,
    /// The node that is to post. Also read as `server_preferred`.
    pub preferred_server: Text,
    /// The node that posts.
    pub current_active_server: Text,
    /// `pending`, `active` or `error`.
    pub status: Text,
    /// Posts that failed.
    pub error_count: Whole,
    /// Posts.
    pub posts_count: Whole,
    /// When it was made.
    pub subscription_creation_datetime: Text,
    /// When it ends.
    pub subscription_expires_datetime: Text,
}

reads!(Subscription {
    "id" => id,
    "subscription-geo-support" => subscription_geo_support,
    "post-url" => post_url,
    "model" => model,
    "user-scope" => user_scope,
    "reseller" => reseller,
    "domain" => domain,
    "user" => user,
    "preferred-server" | "server_preferred" => preferred_server,
    "current-active-server" => current_active_server,
    "status" => status,
    "error-count" => error_count,
    "posts-count" => posts_count,
    "subscription-creation-datetime" => subscription_creation_datetime,
    "subscription-expires-datetime" => subscription_expires_datetime,
});

/// `POST /subscriptions`. What is not set is not written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct CreateSubscription {
    /// Which events.
    pub model: Text,
    /// Where they are to be posted.
    pub post_url: Text,
    /// Whose events.
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub domain: Text,
    /// Whose events.
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub user: Text,
    /// Whose events.
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub reseller: Text,
    /// With whose rights.
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub user_scope: Text,
    /// Whether another node takes over.
    #[serde(skip_serializing_if = "YesNo::is_unset")]
    pub subscription_geo_support: YesNo,
    /// The node that is to post.
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub preferred_server: Text,
    /// When it is to end, `YYYY-MM-DD HH:MM:SS` in UTC.
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub subscription_expires_datetime: Text,
}

reads!(CreateSubscription {
    "model" => model,
    "post-url" => post_url,
    "domain" => domain,
    "user" => user,
    "reseller" => reseller,
    "user-scope" => user_scope,
    "subscription-geo-support" => subscription_geo_support,
    "preferred-server" | "server_preferred" => preferred_server,
    "subscription-expires-datetime" => subscription_expires_datetime,
});

/// `PUT /subscriptions/{id}`. What is not set is not written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct ChangeSubscription {
    /// Which events.
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub model: Text,
    /// Where they are to be posted.
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub post_url: Text,
    /// Whether another node takes over.
    #[serde(skip_serializing_if = "YesNo::is_unset")]
    pub subscription_geo_support: YesNo,
    /// The node that is to post.
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub preferred_server: Text,
    /// When it is to end.
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub subscription_expires_datetime: Text,
    /// 0, and nothing else.
    #[serde(skip_serializing_if = "Whole::is_unset")]
    pub error_count: Whole,
    /// 0, and nothing else.
    #[serde(skip_serializing_if = "Whole::is_unset")]
    pub posts_count: Whole,
}

reads!(ChangeSubscription {
    "model" => model,
    "post-url" => post_url,
    "subscription-geo-support" => subscription_geo_support,
    "preferred-server" | "server_preferred" => preferred_server,
    "subscription-expires-datetime" => subscription_expires_datetime,
    "error-count" => error_count,
    "posts-count" => posts_count,
});
