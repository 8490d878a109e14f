//! Documents of calls. Part of `wire`.

use serde::{Deserialize, Serialize};

use super::{Text, YesNo};

/// A call that is under way. Each field is also read under the older API's name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct ActiveCall {
    /// The node.
    #[serde(alias = "hostname")]
    pub core_server: Text,
    /// The server's id.
    #[serde(alias = "session_id")]
    pub call_session_id: Text,
    /// The id of the leg of who calls.
    #[serde(alias = "orig_callid")]
    pub call_orig_call_id: Text,
    /// How who calls was recognised.
    #[serde(alias = "orig_match")]
    pub call_orig_match_uri: Text,
    /// Who calls.
    pub call_orig_user: Text,
    /// His domain.
    pub call_orig_domain: Text,
    /// His address.
    pub call_orig_uri: Text,
    /// His name.
    pub call_orig_name: Text,
    /// The number that is shown.
    #[serde(alias = "ani")]
    pub caller_id_number: Text,
    /// The number that was dialled.
    #[serde(alias = "dnis")]
    pub call_dialed_number: Text,
    /// What was done by somebody else.
    #[serde(alias = "by_action")]
    pub call_by_action: Text,
    /// By whom.
    pub call_by_user: Text,
    /// His domain.
    pub call_by_domain: Text,
    /// The id of his call.
    pub call_by_call_id: Text,
    /// The id of the leg of who is called.
    #[serde(alias = "term_callid")]
    pub call_term_call_id: Text,
    /// Who is called.
    pub call_term_user: Text,
    /// His domain.
    pub call_term_domain: Text,
    /// His address.
    pub call_term_uri: Text,
    /// When it began.
    #[serde(alias = "time_begin")]
    pub call_start_datetime: Text,
    /// When it was answered.
    #[serde(alias = "time_answer")]
    pub call_answer_datetime: Text,
    /// About the leg of who calls.
    #[serde(alias = "orig_call_info")]
    pub call_orig_info: Text,
    /// About the leg of who is called.
    #[serde(alias = "term_call_info")]
    pub term_orig_info: Text,
    /// The codec.
    #[serde(alias = "media")]
    pub call_audio_codec: Text,
}

/// `POST .../calls`. What is not set is not written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct NewCall {
    /// Whether the answer waits for the call.
    pub synchronous: YesNo,
    /// The id, which the client makes.
    pub call_id: Text,
    /// Who is called.
    pub call_term_user: Text,
    /// Such as `call`.
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub dial_rule_application: Text,
    /// Who calls, `user@domain`.
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub call_orig_user: Text,
    /// Whether the telephone of who calls answers by itself.
    #[serde(skip_serializing_if = "is_unset")]
    pub auto_answer_enabled: YesNo,
    /// The number that is to be shown.
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub caller_id_number: Text,
    /// The number that is to be shown to who calls.
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub callback_caller_id_number: Text,
    /// A SIP header for who is called.
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub call_term_added_sip_header: Text,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_unset(value: &YesNo) -> bool {
    value.0.is_none()
}
