//! The sockets: free, held by our own running server, or by somebody else.

use std::{
    io::ErrorKind,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};

use super::{Check, Finding, Findings, Visit};
use crate::outbound::Probed;

pub(super) async fn check(visit: &Visit<'_>) -> Findings {
    let (public, ops) = (visit.settings.server.listen, visit.settings.ops);
    let (public, ops) = tokio::join!(socket(visit, "server.listen", public), socket(visit, "ops.listen", ops));
    [public, ops].concat()
}

async fn socket(visit: &Visit<'_>, key: &'static str, address: SocketAddr) -> Findings {
    let named = |finding: Finding| finding.with("key", key).with("address", address).alone();
    if !answers(address).await {
        return named(match TcpListener::bind(address).await {
            Ok(_) => Finding::ok(Check::Ports, "port-free"),
            Err(why) if why.kind() == ErrorKind::AddrInUse => Finding::failure(Check::Ports, "port-taken"),
            Err(why) => Finding::failure(Check::Ports, "port-refused").with("why", why),
        });
    }
    let path = if key == "ops.listen" { "/readyz" } else { DISCOVERY };
    // A certificate is for the public name, wherever the socket is.
    let url = match visit.settings.tls {
        Some(_) if key == "server.listen" => visit.settings.server.public_url.at(path),
        _ => format!("http://{}{path}", reached(address)),
    };
    let answer = visit.probe.get(&url, Some(reached(address)), visit.clock.now()).await.ok();
    named(match answer.as_ref().and_then(json) {
        Some(answer) if key == "ops.listen" => match answer.get("ready") {
            Some(Value::Bool(true)) => Finding::ok(Check::Ports, "port-ours"),
            Some(_) => Finding::warning(Check::Ports, "port-not-ready").with("waiting", waiting(&answer)),
            None => Finding::failure(Check::Ports, "port-taken"),
        },
        Some(answer) if issuer(&answer) == Some(visit.settings.server.public_url.as_str()) => {
            Finding::ok(Check::Ports, "port-ours")
        }
        Some(answer) if issuer(&answer).is_some() => {
            Finding::failure(Check::Ports, "port-other-issuer").with("issuer", issuer(&answer).unwrap_or_default())
        }
        _ => Finding::failure(Check::Ports, "port-taken"),
    })
}

/// Where the provider describes itself (OpenID Connect Discovery section 4).
pub(super) const DISCOVERY: &str = "/.well-known/openid-configuration";

pub(super) fn json(probed: &Probed) -> Option<Value> {
    serde_json::from_slice(&probed.body).ok()
}

pub(super) fn issuer(discovery: &Value) -> Option<&str> {
    discovery.get("issuer")?.as_str()
}

fn waiting(readiness: &Value) -> String {
    let list = readiness.get("waiting_for").and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
}

/// Somebody takes connections there.
pub(super) async fn answers(address: SocketAddr) -> bool {
    TcpStream::connect(reached(address)).await.is_ok()
}

/// Where a socket that listens everywhere is reached from this machine.
fn reached(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => SocketAddr::from((Ipv4Addr::LOCALHOST, address.port())),
        IpAddr::V6(ip) if ip.is_unspecified() => SocketAddr::from((Ipv6Addr::LOCALHOST, address.port())),
        _ => address,
    }
}
