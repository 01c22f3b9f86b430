//! The client's address behind trusted proxies.
//!
//! `Forwarded` (RFC 7239) and `X-Forwarded-For` are believed only from a peer in
//! `trusted_proxies`, and then only as far as the rightmost hop that is no trusted proxy. A header
//! that cannot be read means the peer's own address and a log line: never a skipped check.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use axum::http::{HeaderMap, HeaderName, header::FORWARDED};
use ipnet::IpNet;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address of the client: the peer's, or what trusted proxies say in front of it.
//= T9
pub fn of_client(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let peer = peer.to_canonical();
    let is_trusted = |address: IpAddr| trusted.iter().any(|net| net.contains(&address));
    if !is_trusted(peer) {
        return peer;
    }
    match hops(headers) {
        Ok(hops) => rightmost_untrusted(&hops, is_trusted).unwrap_or(peer),
        Err(Unreadable) => {
            tracing::warn!(%peer, "a trusted proxy sent a forwarding header that cannot be read; taking the proxy's address");
            peer
        }
    }
}

/// The hop that spoke to the outermost trusted proxy. Where all are trusted, the first of them.
fn rightmost_untrusted(hops: &[IpAddr], is_trusted: impl Fn(IpAddr) -> bool) -> Option<IpAddr> {
    hops.iter().rev().copied().find(|hop| !is_trusted(*hop)).or_else(|| hops.first().copied())
}

/// A forwarding header that is not what its specification says.
#[derive(Debug, PartialEq, Eq)]
struct Unreadable;

/// Every hop, leftmost first. `Forwarded` is the standard one and wins where both are sent.
fn hops(headers: &HeaderMap) -> Result<Vec<IpAddr>, Unreadable> {
    if headers.contains_key(FORWARDED) {
        return listed(headers, &FORWARDED, forwarded_for);
    }
    listed(headers, &X_FORWARDED_FOR, |element| node(element).ok_or(Unreadable))
}

/// The elements of a list header, its repeated lines joined in order (RFC 9110 section 5.3).
fn listed(
    headers: &HeaderMap,
    name: &HeaderName,
    read: impl Fn(&str) -> Result<IpAddr, Unreadable>,
) -> Result<Vec<IpAddr>, Unreadable> {
    let mut hops = Vec::new();
    for line in headers.get_all(name) {
        for element in line.to_str().map_err(|_| Unreadable)?.split(',') {
            hops.push(read(element.trim())?);
        }
    }
    Ok(hops)
}

/// The `for` parameter of one element of `Forwarded`.
//= RFC7239#4
fn forwarded_for(element: &str) -> Result<IpAddr, Unreadable> {
    let mut found = None;
    for pair in element.split(';') {
        let (name, value) = pair.trim().split_once('=').ok_or(Unreadable)?;
        if name.eq_ignore_ascii_case("for") && found.replace(value).is_some() {
            return Err(Unreadable);
        }
    }
    let value = found.ok_or(Unreadable)?;
    let bare = match value.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"').ok_or(Unreadable)?,
        None => value,
    };
    node(bare).ok_or(Unreadable)
}

/// An address with or without a port, IPv6 with or without brackets. `unknown` and obfuscated
/// names are no address (RFC 7239 section 6).
fn node(text: &str) -> Option<IpAddr> {
    let address = text
        .parse::<IpAddr>()
        .ok()
        .or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()))
        .or_else(|| text.strip_prefix('[')?.strip_suffix(']')?.parse().ok())?;
    Some(address.to_canonical())
}

/// Whom an address counts as, where each has a share: of IPv6 a household or an office has a whole /64.
pub fn holder(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(six) => IpAddr::V6(Ipv6Addr::from_bits(six.to_bits() & !u128::from(u64::MAX))),
        four @ IpAddr::V4(_) => four,
    }
}

/// The peer of a request that came over no socket (a router called in process).
pub const NO_PEER: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

#[cfg(test)]
mod tests {
    use super::*;

    const TRUSTED: &[&str] = &["10.0.0.0/8", "fd00::/8"];

    fn client(peer: &str, sent: &[(&'static str, &str)]) -> String {
        let mut headers = HeaderMap::new();
        for (name, value) in sent {
            headers.append(*name, value.parse().unwrap());
        }
        let trusted: Vec<IpNet> = TRUSTED.iter().map(|net| net.parse().unwrap()).collect();
        of_client(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    //= T9 test
    #[test]
    fn a_stranger_cannot_choose_its_address() {
        assert_eq!(client("203.0.113.7", &[("x-forwarded-for", "198.51.100.1")]), "203.0.113.7");
        assert_eq!(client("203.0.113.7", &[("forwarded", "for=198.51.100.1")]), "203.0.113.7");
    }

    //= T9 test
    #[test]
    fn the_rightmost_untrusted_hop_counts() {
        let spoofed = [("x-forwarded-for", "1.1.1.1, 198.51.100.1, 10.0.0.9")];
        assert_eq!(client("10.0.0.2", &spoofed), "198.51.100.1");
        let lines = [("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "198.51.100.2")];
        assert_eq!(client("10.0.0.2", &lines), "198.51.100.2");
        assert_eq!(client("10.0.0.2", &[("x-forwarded-for", "10.1.1.1, 10.0.0.9")]), "10.1.1.1");
        assert_eq!(client("10.0.0.2", &[]), "10.0.0.2");
    }

    //= RFC7239#4 test
    #[test]
    fn forwarded_is_read_as_its_rfc_writes_it() {
        let one = |value: &str| client("10.0.0.2", &[("forwarded", value)]);
        assert_eq!(one("for=192.0.2.60;proto=http;by=203.0.113.43"), "192.0.2.60");
        assert_eq!(one("For=\"[2001:db8:cafe::17]:4711\""), "2001:db8:cafe::17");
        assert_eq!(one("for=192.0.2.43, for=\"[fd00::1]\""), "192.0.2.43");
        assert_eq!(client("::ffff:10.0.0.2", &[("forwarded", "for=192.0.2.1")]), "192.0.2.1");
    }

    #[test]
    fn a_network_of_one_household_is_one_holder() {
        let of = |address: &str| holder(address.parse().unwrap()).to_string();
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), of("2001:db8:1:2::9"));
        assert_ne!(of("2001:db8:1:2::9"), of("2001:db8:1:3::9"));
        assert_eq!([of("203.0.113.7"), of("::ffff:203.0.113.7")], ["203.0.113.7", "203.0.113.7"]);
    }

    //= T9 test
    #[test]
    fn what_cannot_be_read_means_the_peer() {
        for bad in ["", "unknown", "for=unknown", "1.2.3", "1.1.1.1,,2.2.2.2", "for=\"1.1.1.1", "'; --"] {
            assert_eq!(client("10.0.0.2", &[("x-forwarded-for", bad)]), "10.0.0.2", "{bad}");
            assert_eq!(client("10.0.0.2", &[("forwarded", bad)]), "10.0.0.2", "{bad}");
        }
        let both = [("forwarded", "for=_hidden"), ("x-forwarded-for", "1.1.1.1")];
        assert_eq!(client("10.0.0.2", &both), "10.0.0.2");
    }
}
