//! Who makes a request: [`Who`], and what his key allows.
//!
//! Called around every handler of our own API, before the body is read. The rules of keys are in
//! [`crate::access`].

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, header};
use tidings_store::AccountId;

use super::Api;
use super::error::{Code, Problem, Result};
use crate::access::{Acting, Caller, Quota, Scope};

/// Who makes a request, and from where.
#[derive(Clone, Debug)]
pub(crate) struct Who {
    /// Whose key it is.
    pub(crate) caller: Caller,
    /// From where.
    pub(crate) from: Option<IpAddr>,
}

/// Whose things somebody looks at, and how much of them he is shown.
#[derive(Clone, Debug)]
pub(crate) struct View {
    /// Whose; `None` is everybody's.
    pub(crate) account: Option<AccountId>,
    /// Whether numbers and texts are masked: they are not the viewer's own.
    pub(crate) is_masked: bool,
}

/// A word for all accounts.
const ALL_ACCOUNTS: &str = "*";

impl Who {
    /// Refuses what the key does not allow.
    pub(crate) fn may(&self, scope: Scope) -> Result<()> {
        if self.caller.allows(scope) {
            return Ok(());
        }
        let detail = format!("the key needs the scope {scope}");
        Err(Problem::new(Code::MissingScope, detail))
    }

    /// The account that the key belongs to.
    pub(crate) fn account(&self) -> &AccountId {
        self.caller.account()
    }

    /// For the audit.
    pub(crate) fn acting(&self) -> Acting {
        self.caller.acting(self.from)
    }

    /// Whether he may send: the key allows it, and so does the account.
    pub(crate) fn may_send(&self) -> Result<()> {
        self.may(Scope::Send)?;
        if self.caller.is_active() {
            return Ok(());
        }
        let code = Code::Rejected(crate::intake::RejectionCode::Inactive);
        Err(Problem::new(code, "the account may not send"))
    }

    /// Whose things he looks at: his own account's, or as an operator another's or everybody's, and
    /// those without texts and whole numbers.
    pub(crate) fn view(&self, wanted: Option<&str>) -> Result<View> {
        self.may(Scope::Read)?;
        let account = self.whose(wanted)?;
        Ok(View {
            is_masked: account.as_ref() != Some(self.account()),
            account,
        })
    }

    /// Whose things a list is to have: his own account's, or as an operator another's; `None` is
    /// everybody's.
    pub(crate) fn whose(&self, wanted: Option<&str>) -> Result<Option<AccountId>> {
        match wanted {
            Some(wanted) if wanted != self.account().as_str() => {
                self.may(Scope::Admin)?;
                Ok((wanted != ALL_ACCOUNTS).then(|| wanted.into()))
            }
            _ => Ok(Some(self.account().clone())),
        }
    }

    /// The account that one thing is looked for in: an operator finds those of all, masked.
    pub(crate) fn reach(&self) -> Option<&AccountId> {
        (!self.caller.allows(Scope::Admin)).then(|| self.account())
    }
}

/// Finds out who makes a request, and takes it out of what his key may make.
pub(crate) async fn authenticate(
    api: &Api,
    headers: &HeaderMap,
    extensions: &Extensions,
) -> Result<(Who, Option<Quota>)> {
    let from = address(extensions);
    let key = bearer(headers)?;
    let access = api.gateway.access();
    let caller = access.check(&api.gateway, key, from).await?;
    let quota = access.admit(&api.gateway, &caller)?;
    Ok((Who { caller, from }, quota))
}

/// Lets a request through whose key is good, with its [`Who`] in the extensions.
pub(crate) async fn guard(
    State(api): State<Arc<Api>>,
    mut request: Request,
    next: Next,
) -> Response {
    let authenticated = authenticate(&api, request.headers(), request.extensions()).await;
    match authenticated {
        Ok((who, quota)) => {
            let path = request.extensions().get::<MatchedPath>();
            let path = path.map_or("", MatchedPath::as_str);
            let known = api.parameters.check(request.method(), path, request.uri());
            let mut response = match known {
                Ok(()) => {
                    request.extensions_mut().insert(who);
                    next.run(request).await
                }
                Err(problem) => problem.into_response(),
            };
            tell_quota(response.headers_mut(), quota);
            response
        }
        Err(problem) => {
            let limit = limit_of(&api, &problem);
            let mut response = problem.into_response();
            tell_quota(response.headers_mut(), limit);
            response
        }
    }
}

/// What is told of the limit to who went over it.
pub(crate) fn limit_of(api: &Api, problem: &Problem) -> Option<Quota> {
    (problem.code() == Code::RateLimited).then(|| Quota {
        limit: api.gateway.live().config.limits.requests_per_second,
        remaining: 0,
        reset_s: 1,
    })
}

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// Says what is left of a key's requests: the three headers of draft-ietf-httpapi-ratelimit-headers-07,
/// which clients know; later drafts have other ones and are not settled.
pub(crate) fn tell_quota(headers: &mut HeaderMap, quota: Option<Quota>) {
    if let Some(quota) = quota {
        headers.insert(LIMIT, HeaderValue::from(quota.limit));
        headers.insert(REMAINING, HeaderValue::from(quota.remaining));
        headers.insert(RESET, HeaderValue::from(quota.reset_s));
    }
}

/// Where a request comes from, as the listener says.
pub(crate) fn address(extensions: &Extensions) -> Option<IpAddr> {
    let info = extensions.get::<ConnectInfo<SocketAddr>>();
    info.map(|ConnectInfo(address)| address.ip())
}

fn bearer(headers: &HeaderMap) -> Result<&str> {
    let missing = || {
        let detail = "the request needs a header Authorization: Bearer KEY";
        Problem::new(Code::Unauthorized, detail)
    };
    let value = headers.get(header::AUTHORIZATION).ok_or_else(missing)?;
    let value = value.to_str().map_err(|_| missing())?;
    let (scheme, key) = value.split_once(' ').ok_or_else(missing)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(missing());
    }
    Ok(key.trim())
}
