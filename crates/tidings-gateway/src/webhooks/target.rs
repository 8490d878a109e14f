//! Where webhooks may go: public addresses over TLS, and nothing else unless the configuration says so.
//!
//! `manage.rs` checks what is written when a webhook is made; `connector.rs` checks the address that is
//! connected to, each time, so that a name which points elsewhere later gains nothing. Pure.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::LazyLock;

use http::Uri;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::config::WebhooksConfig;

/// What may be called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Targets {
    /// Loopback addresses too, also without TLS.
    pub allow_loopback: bool,
    /// Networks that may be called although they are not public.
    pub allowed_networks: Vec<IpNet>,
}

impl From<&WebhooksConfig> for Targets {
    fn from(config: &WebhooksConfig) -> Self {
        Self {
            allow_loopback: config.allow_loopback,
            allowed_networks: config.allowed_networks.clone(),
        }
    }
}

/// Why an address is not called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// The text is no absolute URL of http or https.
    #[error("expected a URL such as https://example.com/hook")]
    NoUrl,
    /// It is http, and not a loopback address that may be called.
    #[error("the URL has to begin with https://")]
    NotEncrypted,
    /// It has a name and a password in it.
    #[error("the URL must not hold a user name or a password")]
    Credentials,
    /// Its port belongs to another service.
    #[error("the port has to be 443 or one above 1023 (80 for http)")]
    Port,
    /// It leads into a network that is not public.
    #[error("the address is in a network that may not be called")]
    Network,
}

impl Targets {
    /// Checks what a customer wrote: form, scheme, port, and the address where one is written out.
    pub fn check(&self, url: &str) -> Result<Uri, TargetError> {
        let uri: Uri = url.parse().map_err(|_| TargetError::NoUrl)?;
        let authority = uri.authority().ok_or(TargetError::NoUrl)?;
        let is_encrypted = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(TargetError::NoUrl),
        };
        if authority.as_str().contains('@') {
            return Err(TargetError::Credentials);
        }
        let host = bare_host(&uri).filter(|host| !host.is_empty());
        let host = host.ok_or(TargetError::NoUrl)?;
        let address: Option<IpAddr> = host.parse().ok();
        let is_loopback = address.map_or(host.eq_ignore_ascii_case("localhost"), |address| {
            embedded(address).is_loopback()
        });
        if !(is_encrypted || is_loopback && self.allow_loopback) {
            return Err(TargetError::NotEncrypted);
        }
        check_port(port_of(&uri), is_encrypted)?;
        if let Some(address) = address {
            self.check_address(address, is_encrypted)?;
        } else if is_odd_number(host) || (is_loopback && !self.allow_loopback) {
            return Err(TargetError::Network);
        }
        Ok(uri)
    }

    /// Checks the address that is about to be connected to.
    pub fn check_address(&self, address: IpAddr, is_encrypted: bool) -> Result<(), TargetError> {
        let address = embedded(address);
        if address.is_loopback() {
            return if self.allow_loopback {
                Ok(())
            } else {
                Err(TargetError::Network)
            };
        }
        if !is_encrypted {
            return Err(TargetError::NotEncrypted);
        }
        let is_allowed = self.allowed_networks.iter().any(|it| it.contains(&address));
        if is_allowed || is_public(address) {
            Ok(())
        } else {
            Err(TargetError::Network)
        }
    }
}

/// The port of a URL, written or not.
pub(super) fn port_of(uri: &Uri) -> u16 {
    let usual = if uri.scheme_str() == Some("http") {
        80
    } else {
        443
    };
    uri.port_u16().unwrap_or(usual)
}

/// The host of a URL, an IPv6 address without its brackets.
pub(super) fn bare_host(uri: &Uri) -> Option<&str> {
    let host = uri.host()?;
    let inner = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    Some(inner.unwrap_or(host))
}

fn check_port(port: u16, is_encrypted: bool) -> Result<(), TargetError> {
    match port {
        443 | 1_024.. => Ok(()),
        80 if !is_encrypted => Ok(()),
        _ => Err(TargetError::Port),
    }
}

/// Whether a name would be read as an address by some resolvers, such as `2130706433` or `0x7f.1`: a
/// name's last part is never a number (RFC 3696, section 2).
fn is_odd_number(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let last = host.rsplit('.').next().unwrap_or_default();
    let is_hexadecimal = last
        .strip_prefix("0x")
        .or_else(|| last.strip_prefix("0X"))
        .is_some_and(|digits| digits.bytes().all(|it| it.is_ascii_hexdigit()));
    is_hexadecimal || (!last.is_empty() && last.bytes().all(|it| it.is_ascii_digit()))
}

/// The IPv4 address that an IPv6 address stands for, where it is of a kind that leads to one; else the
/// address itself.
fn embedded(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else {
        return address;
    };
    let segments = v6.segments();
    let octets = v6.octets();
    let last = || Ipv4Addr::new(octets[12], octets[13], octets[14], octets[15]);
    match segments {
        // `::` and `::1` are addresses of their own.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => address,
        // IPv4-mapped (RFC 4291, 2.5.5.2), IPv4-compatible (2.5.5.1), IPv4-translated (RFC 2765),
        // NAT64 (RFC 6052), ISATAP (RFC 5214).
        [0, 0, 0, 0, 0, 0 | 0xffff, ..]
        | [0, 0, 0, 0, 0xffff, 0, ..]
        | [0x64, 0xff9b, 0, 0, 0, 0, ..]
        | [_, _, _, _, 0 | 0x200, 0x5efe, ..] => last().into(),
        // 6to4 (RFC 3056).
        [0x2002, ..] => Ipv4Addr::new(octets[2], octets[3], octets[4], octets[5]).into(),
        // Teredo (RFC 4380): the client's address, all bits turned.
        [0x2001, 0, ..] => Ipv4Addr::from_bits(!last().to_bits()).into(),
        _ => address,
    }
}

/// Whether an address is of the public internet: global unicast that no registry has set aside.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !SPECIAL_V4.iter().any(|net| net.contains(&address)),
        IpAddr::V6(address) => {
            GLOBAL_V6.contains(&address) && !SPECIAL_V6.iter().any(|net| net.contains(&address))
        }
    }
}

/// IANA IPv4 Special-Purpose Address Registry, with multicast (RFC 5771).
static SPECIAL_V4: LazyLock<Vec<Ipv4Net>> = LazyLock::new(|| {
    read(&[
        "0.0.0.0/8",       // this network
        "10.0.0.0/8",      // private
        "100.64.0.0/10",   // shared, carriers' own
        "127.0.0.0/8",     // loopback
        "169.254.0.0/16",  // link-local, and clouds' metadata
        "172.16.0.0/12",   // private
        "192.0.0.0/24",    // protocol assignments
        "192.0.2.0/24",    // documentation
        "192.31.196.0/24", // AS112
        "192.52.193.0/24", // AMT
        "192.88.99.0/24",  // 6to4 relays
        "192.168.0.0/16",  // private
        "192.175.48.0/24", // AS112
        "198.18.0.0/15",   // benchmarks
        "198.51.100.0/24", // documentation
        "203.0.113.0/24",  // documentation
        "224.0.0.0/4",     // multicast
        "240.0.0.0/4",     // reserved, and broadcast
    ])
});

/// Global unicast (RFC 4291, section 2.4): everything else is special.
static GLOBAL_V6: LazyLock<Ipv6Net> =
    LazyLock::new(|| "2000::/3".parse().expect("this is a network"));

/// What the IANA IPv6 Special-Purpose Address Registry has within global unicast.
static SPECIAL_V6: LazyLock<Vec<Ipv6Net>> = LazyLock::new(|| {
    read(&[
        "2001::/23",         // protocol assignments, Teredo
        "2001:db8::/32",     // documentation
        "2002::/16",         // 6to4
        "2620:4f:8000::/48", // AS112
        "3fff::/20",         // documentation
    ])
});

fn read<N: std::str::FromStr>(networks: &[&str]) -> Vec<N> {
    let networks = networks.iter().map(|it| it.parse().ok());
    let networks: Option<Vec<N>> = networks.collect();
    networks.expect("these are networks")
}

#[cfg(test)]
mod tests {
    use super::{TargetError, Targets};

    fn strict() -> Targets {
        Targets::default()
    }

    fn open() -> Targets {
        Targets {
            allow_loopback: true,
            allowed_networks: vec!["10.1.0.0/16".parse().unwrap()],
        }
    }

    #[track_caller]
    fn check(targets: &Targets, url: &str, expected: Result<(), TargetError>) {
        assert_eq!(targets.check(url).map(|_| ()), expected, "{url}");
    }

    #[track_caller]
    fn check_address(targets: &Targets, address: &str, expected: Result<(), TargetError>) {
        let found = targets.check_address(address.parse().unwrap(), true);
        assert_eq!(found, expected, "{address}");
    }

    #[test]
    fn public_addresses_over_tls_may_be_called() {
        for url in [
            "https://example.com/hook?key=1",
            "https://example.com:8443/",
            "https://8.8.8.8/",
            "https://[2606:4700:4700::1111]/hook",
        ] {
            check(&strict(), url, Ok(()));
        }
    }

    #[test]
    fn what_is_no_good_url_is_refused() {
        for url in [
            "",
            "example.com",
            "/hook",
            "ftp://example.com/",
            "https://",
            "mailto:a@b.c",
        ] {
            check(&strict(), url, Err(TargetError::NoUrl));
        }
        check(
            &strict(),
            "https://a:b@example.com/",
            Err(TargetError::Credentials),
        );
        check(
            &strict(),
            "http://example.com/",
            Err(TargetError::NotEncrypted),
        );
        check(
            &open(),
            "http://example.com/",
            Err(TargetError::NotEncrypted),
        );
        for port in [1, 22, 25, 80, 111, 445, 1_023] {
            let url = format!("https://example.com:{port}/");
            check(&strict(), &url, Err(TargetError::Port));
        }
    }

    #[test]
    fn loopback_needs_the_setting_and_no_tls() {
        for url in [
            "http://127.0.0.1:8080/",
            "http://localhost:3000/",
            "http://[::1]:8080/",
        ] {
            check(&strict(), url, Err(TargetError::NotEncrypted));
            check(&open(), url, Ok(()));
        }
        for url in [
            "https://127.0.0.1/",
            "https://localhost/",
            "https://[::ffff:127.0.0.1]/",
        ] {
            check(&strict(), url, Err(TargetError::Network));
            check(&open(), url, Ok(()));
        }
    }

    #[test]
    fn numbers_that_some_read_as_addresses_are_refused() {
        for host in [
            "2130706433",
            "0x7f000001",
            "0x7f.1",
            "127.1",
            "017700000001",
            "10.1.",
        ] {
            let url = format!("https://{host}/");
            check(&strict(), &url, Err(TargetError::Network));
        }
    }

    #[test]
    fn addresses_that_are_not_public_are_refused() {
        for address in [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "2001:db8::1",
            "2001:10::1",
            "3fff::1",
            "64:ff9b:1::1",
            "100::1",
            "5f00::1",
            "4000::1",
        ] {
            check_address(&strict(), address, Err(TargetError::Network));
        }
    }

    #[test]
    fn addresses_within_addresses_are_unwrapped() {
        for address in [
            "::ffff:10.0.0.1",                      // mapped
            "::10.0.0.1",                           // compatible
            "::ffff:0:10.0.0.1",                    // translated
            "64:ff9b::10.0.0.1",                    // NAT64
            "2002:0a00:0001::1",                    // 6to4
            "2001:0:4136:e378:8000:63bf:f5ff:fffe", // Teredo of 10.0.0.1
            "fe80::5efe:10.0.0.1",                  // ISATAP
            "2606:4700::5efe:10.0.0.1",
        ] {
            check_address(&strict(), address, Err(TargetError::Network));
        }
        for address in ["::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:0808:0808::1"] {
            check_address(&strict(), address, Ok(()));
        }
    }

    #[test]
    fn networks_of_the_configuration_may_be_called_over_tls() {
        check_address(&open(), "10.1.2.3", Ok(()));
        check_address(&open(), "::ffff:10.1.2.3", Ok(()));
        check_address(&open(), "10.2.0.1", Err(TargetError::Network));
        let plain = open().check_address("10.1.2.3".parse().unwrap(), false);
        assert_eq!(plain, Err(TargetError::NotEncrypted));
        let public = open().check_address("8.8.8.8".parse().unwrap(), false);
        assert_eq!(public, Err(TargetError::NotEncrypted));
    }
}
