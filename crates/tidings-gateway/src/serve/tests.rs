//! Where requests come from: chains of proxies, and callers who write headers themselves. And when files of a
//! certificate that cannot be used are told of.

use std::net::SocketAddr;

use http::HeaderMap;

use super::certificate::Complaint;
use super::proxies::caller;
use crate::config::{Config, ProxyHeader, ServerConfig};

const FRONT: &str = "10.0.0.1:4000";

fn config(header: ProxyHeader, trusted: &[&str]) -> ServerConfig {
    ServerConfig {
        trusted_proxies: trusted.iter().map(|net| net.parse().unwrap()).collect(),
        proxy_header: header,
        ..Config::default().server
    }
}

#[track_caller]
fn check(peer: &str, lines: &[(&'static str, &str)], config: &ServerConfig, expected: &str) {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(*name, value.parse().unwrap());
    }
    let peer: SocketAddr = peer.parse().unwrap();
    let found = caller(peer, &headers, config);
    assert_eq!(found.ip().to_string(), expected, "{lines:?} from {peer}");
}

#[test]
fn the_rightmost_address_that_is_no_proxys_is_the_callers() {
    let config = config(ProxyHeader::XForwardedFor, &["10.0.0.0/8", "fd00::/8"]);
    let name = "x-forwarded-for";
    check(FRONT, &[(name, "192.0.2.7")], &config, "192.0.2.7");
    check(FRONT, &[(name, "192.0.2.7:51000")], &config, "192.0.2.7");
    check(FRONT, &[(name, "2001:db8::1")], &config, "2001:db8::1");
    check(FRONT, &[(name, "[2001:db8::1]")], &config, "2001:db8::1");
    check(
        FRONT,
        &[(name, "[2001:db8::1]:51000")],
        &config,
        "2001:db8::1",
    );
    check(
        FRONT,
        &[(name, "192.0.2.7, 10.0.0.2")],
        &config,
        "192.0.2.7",
    );
    check(
        FRONT,
        &[(name, "192.0.2.7"), (name, "10.0.0.2,fd00::1")],
        &config,
        "192.0.2.7",
    );
    check(
        "[::ffff:10.0.0.1]:4000",
        &[(name, "192.0.2.7")],
        &config,
        "192.0.2.7",
    );
    // Nothing but proxies: the first of them asks for itself.
    check(FRONT, &[(name, "10.0.0.3, 10.0.0.2")], &config, "10.0.0.3");
    check(FRONT, &[], &config, "10.0.0.1");
}

#[test]
fn what_a_caller_writes_himself_is_not_believed() {
    let trusting = config(ProxyHeader::XForwardedFor, &["10.0.0.0/8"]);
    let name = "x-forwarded-for";
    // Not through a proxy.
    check(
        "192.0.2.7:4000",
        &[(name, "198.51.100.1")],
        &trusting,
        "192.0.2.7",
    );
    // Through one, which adds where he is at the end, or as a line of its own.
    check(
        FRONT,
        &[(name, "198.51.100.1, 192.0.2.7")],
        &trusting,
        "192.0.2.7",
    );
    check(
        FRONT,
        &[(name, "198.51.100.1"), (name, "192.0.2.7")],
        &trusting,
        "192.0.2.7",
    );
    // As if he were a proxy.
    check(
        FRONT,
        &[(name, "198.51.100.1, 10.9.9.9, 192.0.2.7")],
        &trusting,
        "192.0.2.7",
    );
    // What is no address ends what can be believed.
    check(
        FRONT,
        &[(name, "198.51.100.1, unknown")],
        &trusting,
        "10.0.0.1",
    );
    check(
        FRONT,
        &[(name, "198.51.100.1, unknown, 10.0.0.2")],
        &trusting,
        "10.0.0.2",
    );
    check(FRONT, &[(name, "198.51.100.1,")], &trusting, "10.0.0.1");
    check(
        FRONT,
        &[(name, "198.51.100.1, 300.1.1.1")],
        &trusting,
        "10.0.0.1",
    );
    // The other header is nobody's but the caller's.
    check(
        FRONT,
        &[("forwarded", "for=198.51.100.1")],
        &trusting,
        "10.0.0.1",
    );
    // Without a trusted proxy no header counts.
    let plain = config(ProxyHeader::XForwardedFor, &[]);
    check(FRONT, &[(name, "198.51.100.1")], &plain, "10.0.0.1");
}

#[test]
fn the_header_of_the_standard_is_read_where_it_is_configured() {
    let config = config(ProxyHeader::Forwarded, &["10.0.0.0/8"]);
    let name = "forwarded";
    check(FRONT, &[(name, "for=192.0.2.7")], &config, "192.0.2.7");
    check(
        FRONT,
        &[(name, "proto=https; For=\"192.0.2.7:51000\";by=10.0.0.1")],
        &config,
        "192.0.2.7",
    );
    check(
        FRONT,
        &[(
            name,
            "for=198.51.100.1, for=\"[2001:db8::1]:51000\", for=10.0.0.2",
        )],
        &config,
        "2001:db8::1",
    );
    check(
        FRONT,
        &[(name, "for=198.51.100.1, for=_hidden")],
        &config,
        "10.0.0.1",
    );
    check(
        FRONT,
        &[(name, "for=198.51.100.1, proto=https")],
        &config,
        "10.0.0.1",
    );
    check(
        FRONT,
        &[("x-forwarded-for", "198.51.100.1")],
        &config,
        "10.0.0.1",
    );
}

#[test]
fn what_stays_wrong_with_a_certificate_is_told_once() {
    let mut complaint = Complaint::default();
    let looks = ["key", "key", "key", "cert", "key", "key"];
    let told = looks.map(|what| complaint.is_due(what));
    assert_eq!(told, [false, true, false, false, false, true]);
}
