//! Which address a request came from, for limits. Behind a proxy that is what the proxy says; a
//! header that anybody may write is believed of nobody else.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::request::Parts;

use crate::App;
use crate::error::ApiError;

const FORWARDED_FOR: &str = "x-forwarded-for";
/// What a home or an office gets at least (RFC 6177): who has one address has all of these.
const IPV6_CLIENT_BITS: u8 = 64;

/// An address, or all addresses that begin with the same bits: `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    address: IpAddr,
    bits: u8,
}

impl Prefix {
    /// Whether an address begins with the prefix.
    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        self.address.is_ipv4() == address.is_ipv4()
            && first_bits(address, self.bits) == first_bits(self.address, self.bits)
    }
}

/// Why a text is not a prefix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an address such as 10.1.2.3, nor a prefix such as 10.0.0.0/8 or fd00::/8")]
pub struct BadPrefix(String);

impl FromStr for Prefix {
    type Err = BadPrefix;

    fn from_str(text: &str) -> Result<Self, BadPrefix> {
        let bad = || BadPrefix(text.chars().take(80).collect());
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse().map_err(|_| bad())?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| bad())?;
        let bits_max = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(bits_max);
        if bits > bits_max {
            return Err(bad());
        }
        Ok(Self { address, bits })
    }
}

fn first_bits(address: IpAddr, bits: u8) -> u128 {
    let (all, length) = match address {
        IpAddr::V4(v4) => (u128::from(v4.to_bits()), 32),
        IpAddr::V6(v6) => (v6.to_bits(), 128),
    };
    let dropped = u32::from(length - bits.min(length));
    all.checked_shr(dropped).unwrap_or(0)
}

/// Whom a limit counts: one IPv4 address, or one IPv6 network of 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Client(IpAddr);

impl Client {
    pub(crate) fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(v6) => {
                let dropped = 128 - u32::from(IPV6_CLIENT_BITS);
                IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> dropped << dropped))
            }
            v4 => v4,
        })
    }
}

/// What a limit counts an address as: itself, or an IPv6 network of 64 bits.
#[must_use]
pub fn client_network(address: IpAddr) -> IpAddr {
    Client::of(address).0
}

/// The rightmost address of `peer` and the headers before it that is no trusted proxy: each proxy
/// adds the address that connected to it at the right, and what is left of it anybody may have made
/// up.
fn behind(peer: IpAddr, headers: &HeaderMap, trusted: &[Prefix]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|prefix| prefix.holds(address));
    let mut address = peer.to_canonical();
    let lines = headers.get_all(FORWARDED_FOR).iter();
    let lines: Vec<_> = lines.map(|line| line.to_str().unwrap_or("")).collect();
    let mut hops = lines.iter().rev().flat_map(|line| line.rsplit(','));
    while is_trusted(address) {
        // A hop that does not read hides those before it: the last proxy known counts for them.
        let Some(hop) = hops.next().and_then(read_hop) else {
            break;
        };
        address = hop;
    }
    address
}

/// An address, with or without a port.
fn read_hop(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim();
    let socket = || hop.parse().ok().map(|socket: SocketAddr| socket.ip());
    let address = hop.parse().ok().or_else(socket);
    address.map(|address: IpAddr| address.to_canonical())
}

impl FromRequestParts<App> for Client {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let ConnectInfo(peer) = ConnectInfo::<SocketAddr>::from_request_parts(parts, app)
            .await
            .map_err(|_| ApiError::bad_request("this connection has no address"))?;
        let trusted = app.trusted_proxies();
        warn_of_proxy(peer.ip(), &parts.headers, trusted);
        Ok(Self::of(behind(peer.ip(), &parts.headers, trusted)))
    }
}

/// A forgotten flag makes everybody behind the proxy one client: said once, where an operator looks.
fn warn_of_proxy(peer: IpAddr, headers: &HeaderMap, trusted: &[Prefix]) {
    static SAID: AtomicBool = AtomicBool::new(false);
    if trusted.is_empty()
        && headers.contains_key(FORWARDED_FOR)
        && !SAID.swap(true, Ordering::Relaxed)
    {
        tracing::warn!(
            "requests come with X-Forwarded-For from {peer}; if it is your proxy, start with \
            --trusted-proxy {peer}, or all clients behind it share one limit"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rightmost_address_that_is_not_trusted_counts() {
        let trusted: Vec<Prefix> = ["127.0.0.1", "10.0.0.0/8", "fd00::/8"]
            .map(|text| text.parse().unwrap())
            .into();
        for (peer, lines, expected) in [
            // Without a proxy the header is only what a client claims.
            ("192.0.2.1", vec!["198.51.100.7"], "192.0.2.1"),
            ("127.0.0.1", vec!["198.51.100.7"], "198.51.100.7"),
            (
                "127.0.0.1",
                vec!["1.1.1.1, 198.51.100.7, 10.1.2.3"],
                "198.51.100.7",
            ),
            ("127.0.0.1", vec!["1.1.1.1", "198.51.100.7"], "198.51.100.7"),
            (
                "::ffff:127.0.0.1",
                vec!["198.51.100.7:4711"],
                "198.51.100.7",
            ),
            ("fd00::1", vec!["[2001:db8::1]:4711"], "2001:db8::1"),
            ("127.0.0.1", vec![], "127.0.0.1"),
            ("127.0.0.1", vec!["10.0.0.9"], "10.0.0.9"),
            ("127.0.0.1", vec!["198.51.100.7, nonsense"], "127.0.0.1"),
            (
                "127.0.0.1",
                vec!["198.51.100.7, nonsense, 10.0.0.9"],
                "10.0.0.9",
            ),
        ] {
            let mut headers = HeaderMap::new();
            for line in &lines {
                headers.append(FORWARDED_FOR, line.parse().unwrap());
            }
            let found = behind(peer.parse().unwrap(), &headers, &trusted);
            assert_eq!(found.to_string(), expected, "{peer} {lines:?}");
        }
    }

    #[test]
    fn prefixes_are_read_and_hold_what_begins_with_them() {
        for (prefix, address, holds) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("0.0.0.0/0", "192.0.2.1", true),
            ("0.0.0.0/0", "::1", false),
            ("::/0", "2001:db8::1", true),
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("2001:db8::/32", "2001:db8:1::1", true),
        ] {
            let found = prefix.parse::<Prefix>().unwrap();
            assert_eq!(
                found.holds(address.parse().unwrap()),
                holds,
                "{prefix} {address}"
            );
        }
        for bad in [
            "",
            "10.0.0.0/33",
            "10.0.0.0/",
            "proxy.example",
            "::/129",
            "10/8",
        ] {
            assert!(bad.parse::<Prefix>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_ipv6_network_is_one_client() {
        for (one, other, same) in [
            ("2001:db8::1", "2001:db8::ffff:1", true),
            ("2001:db8::1", "2001:db8:0:1::1", false),
            ("192.0.2.1", "::ffff:192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
        ] {
            let client = |text: &str| Client::of(text.parse().unwrap());
            assert_eq!(client(one) == client(other), same, "{one} {other}");
        }
    }
}
