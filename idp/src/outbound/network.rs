//! Which addresses a request of our own may reach.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use ipnet::IpNet;
use url::Url;

use crate::settings::{Origin, Settings, is_loopback_name};

/// The rules of this deployment.
pub struct Network {
    allow: Vec<IpNet>,
    public: Origin,
    listening: [SocketAddr; 2],
}

impl Network {
    /// From the settings.
    pub fn new(settings: &Settings) -> Self {
        Self {
            allow: settings.outbound.allow.clone(),
            public: settings.server.public_url.clone(),
            listening: [settings.server.listen, settings.ops],
        }
    }

    /// The addresses among `candidates` that `url` may be fetched from; a sentence where none is.
    pub(super) fn permitted(&self, url: &Url, candidates: &[SocketAddr]) -> Result<Vec<SocketAddr>, String> {
        if self.is_our_name(url) {
            return Err("the address is our own".to_owned());
        }
        let mut why = "the name has no address".to_owned();
        let mut good = Vec::new();
        for address in candidates {
            match self.judge(url, *address) {
                Ok(()) => good.push(*address),
                Err(sentence) => why = sentence,
            }
        }
        if good.is_empty() { Err(why) } else { Ok(good) }
    }

    fn judge(&self, url: &Url, address: SocketAddr) -> Result<(), String> {
        let ip = address.ip().to_canonical();
        if self.is_our_listener(ip, address.port()) {
            return Err("the address is our own".to_owned());
        }
        let listed = self.allow.iter().any(|network| network.contains(&ip));
        let local = ip.is_loopback() && self.is_local_development(url);
        if is_public(ip) {
            if url.scheme() == "https" || listed {
                return Ok(());
            }
            return Err(format!("{ip} is a public address: it must be reached by https"));
        }
        if listed || local {
            return Ok(());
        }
        Err(format!("{ip} is in no public network: list its network in outbound.allow if an application lives there"))
    }

    /// `*.localhost` while this gate itself is one: a developer's machine.
    fn is_local_development(&self, url: &Url) -> bool {
        let ours = is_loopback_name(self.public.host()) || matches!(self.public.host(), "127.0.0.1" | "[::1]");
        ours && url.host_str().is_some_and(is_loopback_name)
    }

    fn is_our_name(&self, url: &Url) -> bool {
        let bare = |host: &str| host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        let same_host = url.host_str().is_some_and(|host| bare(host) == bare(self.public.host()));
        same_host && url.port_or_known_default() == Some(self.public.port())
    }

    fn is_our_listener(&self, ip: IpAddr, port: u16) -> bool {
        self.listening.iter().any(|listening| {
            listening.port() == port
                && (listening.ip().to_canonical() == ip || (listening.ip().is_unspecified() && is_this_machine(ip)))
        })
    }
}

/// An address is ours if a socket can be bound to it.
fn is_this_machine(ip: IpAddr) -> bool {
    ip.is_loopback() || ip.is_unspecified() || UdpSocket::bind((ip, 0)).is_ok()
}

/// Global unicast: not in any range set apart by the IANA special-purpose registries (RFC 6890).
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let apart = ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_broadcast()
        || ip.is_documentation()
        || ip.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (b == 18 || b == 19));
    !apart
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [first, second, ..] = ip.segments();
    // 2000::/3 is what is routed; inside it documentation, 6to4, Teredo and their like carry
    // other addresses or none.
    (first & 0xe000) == 0x2000
        && first != 0x2002
        && !(first == 0x2001 && second < 0x0200)
        && !(first == 0x2001 && second == 0x0db8)
        && !(first == 0x3fff && second < 0x1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_ranges_are_not_public() {
        for text in [
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "0.0.0.0",
            "0.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "192.0.0.8",
            "198.18.0.1",
            "198.19.255.255",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "64:ff9b::a00:1",
            "2002:a00:1::1",
            "2001:db8::1",
            "2001::1",
            "::a00:1",
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
        for text in ["8.8.8.8", "100.63.255.255", "172.32.0.1", "103.10.64.1", "2606:4700::1111", "2001:67c:2e8::1"] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
        let mapped: IpAddr = "::ffff:10.0.0.1".parse().unwrap();
        assert!(!is_public(mapped.to_canonical()));
    }
}
