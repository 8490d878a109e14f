//! Documents of calls. Part of `wire`.

use serde::Serialize;

use super::read::reads;
use super::{Text, YesNo};

/// A call that is under way. Each field is also read under the older API's name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct ActiveCall {
    /// The node.
    pub core_server: Text,
    /// The server's id.
    pub call_session_id: Text,
    /// The id of the leg of who calls.
    pub call_orig_call_id: Text,
    /// How who calls was recognised.
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
    pub caller_id_number: Text,
    /// The number that was dialled.
    pub call_dialed_number: Text,
    /// What was done by somebody else.
    pub call_by_action: Text,
    /// By whom.
    pub call_by_user: Text,
    /// His domain.
    pub call_by_domain: Text,
    /// The id of his call.
    pub call_by_call_id: Text,
    /// The id of the leg of who is called.
    pub call_term_call_id: Text,
    /// Who is called.
    pub call_term_user: Text,
    /// His domain.
    pub call_term_domain: Text,
    /// His address.
    pub call_term_uri: Text,
    /// When it began.
    pub call_start_datetime: Text,
    /// When it was answered.
    pub call_answer_datetime: Text,
    /// About the leg of who calls.
    pub call_orig_info: Text,
    /// About the leg of who is called.
    pub term_orig_info: Text,
    /// The codec.
    pub call_audio_codec: Text,
}

reads!(ActiveCall {
    "core-server" | "hostname" => core_server,
    "call-session-id" | "session_id" => call_session_id,
    "call-orig-call-id" | "orig_callid" => call_orig_call_id,
    "call-orig-match-uri" | "orig_match" => call_orig_match_uri,
    "call-orig-user" => call_orig_user,
    "call-orig-domain" => call_orig_domain,
    "call-orig-uri" => call_orig_uri,
    "call-orig-name" => call_orig_name,
    "caller-id-number" | "ani" => caller_id_number,
    "call-dialed-number" | "dnis" => call_dialed_number,
    "call-by-action" | "by_action" => call_by_action,
    "call-by-user" => call_by_user,
    "call-by-domain" => call_by_domain,
    "call-by-call-id" => call_by_call_id,
    "call-term-call-id" | "term_callid" => call_term_call_id,
    "call-term-user" => call_term_user,
    "call-term-domain" => call_term_domain,
    "call-term-uri" => call_term_uri,
    "call-start-datetime" | "time_begin" => call_start_datetime,
    "call-answer-datetime" | "time_answer" => call_answer_datetime,
    "call-orig-info" | "orig_call_info" => call_orig_info,
    "term-orig-info" | "term_call_info" => term_orig_info,
    "call-audio-codec" | "media" => call_audio_codec,
});

/// `POST .../calls`. What is not set is not written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
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
    #[serde(skip_serializing_if = "YesNo::is_unset")]
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

reads!(NewCall {
    "synchronous" => synchronous,
    "call-id" => call_id,
    "call-term-user" => call_term_user,
    "dial-rule-application" => dial_rule_application,
    "call-orig-user" => call_orig_user,
    "auto-answer-enabled" => auto_answer_enabled,
    "caller-id-number" => caller_id_number,
    "callback-caller-id-number" => callback_caller_id_number,
    "call-term-added-sip-header" => call_term_added_sip_header,
});
