//! Where a request comes from when proxies stand before the gateway.
//!
//! Asked by `doors.rs` for every request. Only the address of the socket is known for sure. Where that is a
//! proxy that the configuration trusts, so is what this proxy wrote into its header, and so on from the right
//! to the left: the first address that is no trusted proxy's is the caller's. What stands left of it was
//! written by the caller himself and is not looked at.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use http::header::{self, HeaderName};
use ipnet::IpNet;

use crate::config::{ProxyHeader, ServerConfig};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address of whoever made a request that came over a socket from `peer`. Its port is the caller's only
/// where no proxy stands between.
pub(super) fn caller(peer: SocketAddr, headers: &HeaderMap, config: &ServerConfig) -> SocketAddr {
    let trusted = &config.trusted_proxies;
    if !is_trusted(trusted, peer.ip()) {
        return peer;
    }
    let (header, read): (_, fn(&str) -> Option<IpAddr>) = match config.proxy_header {
        ProxyHeader::XForwardedFor => (X_FORWARDED_FOR, address),
        ProxyHeader::Forwarded => (header::FORWARDED, forwarded_for),
    };
    let lines: Vec<&str> = headers
        .get_all(header)
        .iter()
        // A line that is no text ends what can be believed, as an element that is no address.
        .map(|line| line.to_str().unwrap_or_default())
        .collect();
    let mut nearest = peer;
    for element in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
        let Some(address) = read(element.trim()) else {
            return nearest;
        };
        nearest = SocketAddr::new(address, 0);
        if !is_trusted(trusted, address) {
            return nearest;
        }
    }
    nearest
}

/// An IPv4 address that came over an IPv6 socket is the IPv4 address.
fn is_trusted(trusted: &[IpNet], address: IpAddr) -> bool {
    let address = address.to_canonical();
    trusted.iter().any(|net| net.contains(&address))
}

/// `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:4711`.
fn address(text: &str) -> Option<IpAddr> {
    let alone = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    if let Some(alone) = alone {
        return alone.parse().ok().map(IpAddr::V6);
    }
    let plain = text.parse::<IpAddr>().ok();
    plain.or_else(|| text.parse::<SocketAddr>().ok().map(|it| it.ip()))
}

/// The `for` of an element of RFC 7239, such as `for="[2001:db8::1]:4711";proto=https`. A caller that the
/// proxy hides behind a name of its own has no address.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let mut pairs = element.split(';').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
    let value = value.trim();
    let quoted = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    address(quoted.unwrap_or(value))
}
