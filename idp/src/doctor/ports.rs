//! The sockets: free, held by our own running server, or by somebody else.

use std::{
    io::ErrorKind,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};

use super::{Check, Finding, Findings, Visit};
use crate::{operations::WaitsFor, outbound::Probed};

pub(super) async fn check(visit: &Visit<'_>) -> Findings {
    let (public, ops) = (visit.settings.server.listen, visit.settings.ops);
    let (public, ops) = tokio::join!(socket(visit, "server.listen", public), socket(visit, "ops.listen", ops));
    [public, ops].concat()
}

async fn socket(visit: &Visit<'_>, key: &'static str, address: SocketAddr) -> Findings {
    let found = if answers(address).await { who(visit, key, address).await } else { free(address).await.alone() };
    found.into_iter().map(|finding| finding.with("key", key).with("address", address)).collect()
}

/// Whether a server could listen where nobody answers.
async fn free(address: SocketAddr) -> Finding {
    match TcpListener::bind(address).await {
        Ok(_) => Finding::ok(Check::Ports, "port-free"),
        Err(why) if why.kind() == ErrorKind::AddrInUse => taken(),
        Err(why) => Finding::failure(Check::Ports, "port-refused").with("why", why),
    }
}

/// Who answers there.
async fn who(visit: &Visit<'_>, key: &'static str, address: SocketAddr) -> Findings {
    let path = if key == "ops.listen" { "/readyz" } else { DISCOVERY };
    // A certificate is for the public name, wherever the socket is.
    let url = match visit.settings.tls {
        Some(_) if key == "server.listen" => visit.settings.server.public_url.at(path),
        _ => format!("http://{}{path}", reached(address)),
    };
    let answer = visit.probe.get(&url, Some(reached(address)), visit.clock.now()).await.ok();
    match answer.as_ref().and_then(json) {
        Some(readiness) if key == "ops.listen" => ready(&readiness),
        Some(discovery) => match issuer(&discovery) {
            Some(issuer) if issuer == visit.settings.server.public_url.as_str() => ours().alone(),
            Some(issuer) => Finding::failure(Check::Ports, "port-other-issuer").with("issuer", issuer).alone(),
            None => taken().alone(),
        },
        None => taken().alone(),
    }
}

/// What `/readyz` says, a finding for each thing that is waited for.
fn ready(readiness: &Value) -> Findings {
    if readiness.get("ready") == Some(&Value::Bool(true)) {
        return ours().alone();
    }
    let waits = readiness.get("waiting_for").and_then(Value::as_array).into_iter().flatten();
    let waits: Vec<WaitsFor> = waits.filter_map(|what| what.as_str()?.parse().ok()).collect();
    if waits.is_empty() {
        return taken().alone();
    }
    waits.into_iter().map(|what| Finding::warning(Check::Ports, code(what))).collect()
}

const fn code(waited_for: WaitsFor) -> &'static str {
    match waited_for {
        WaitsFor::Database => "port-waits-database",
        WaitsFor::Changes => "port-waits-changes",
        WaitsFor::ShortLived => "port-waits-redis",
        WaitsFor::SigningKeys => "port-waits-keys",
    }
}

fn ours() -> Finding {
    Finding::ok(Check::Ports, "port-ours")
}

fn taken() -> Finding {
    Finding::failure(Check::Ports, "port-taken")
}

/// Where the provider describes itself (OpenID Connect Discovery section 4).
pub(super) const DISCOVERY: &str = "/.well-known/openid-configuration";

pub(super) fn json(probed: &Probed) -> Option<Value> {
    serde_json::from_slice(&probed.body).ok()
}

pub(super) fn issuer(discovery: &Value) -> Option<&str> {
    discovery.get("issuer")?.as_str()
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_thing_that_is_waited_for_is_a_finding() {
        let codes = |readiness: Value| ready(&readiness).iter().map(|found| found.code).collect::<Vec<_>>();
        assert_eq!(codes(json!({"ready": true, "waiting_for": []})), ["port-ours"]);
        let all = json!({"ready": false, "waiting_for": WaitsFor::ALL});
        let waits = ["port-waits-database", "port-waits-changes", "port-waits-redis", "port-waits-keys"];
        assert_eq!(codes(all), waits);
        assert_eq!(codes(json!({"ready": "soon"})), ["port-taken"], "no server of ours says so");
    }
}
