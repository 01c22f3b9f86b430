//! What is registered: weak properties of clients, logout messages that cannot arrive, cheap hashes.

use std::time::Duration;

use futures::future::join_all;
use gapura_core::{
    oauth::{AuthMethod, Client, PkcePolicy, Scope},
    time::Instant,
};
use gapura_store::{clients, logout_messages};
use url::Url;

use super::{Check, Finding, Findings, Visit, unread};
use crate::{
    outbound::{Outbound, OutboundError},
    settings::{Settings, is_loopback_name},
};

const DAY: Duration = Duration::from_secs(24 * 3600);
/// A secret that ends sooner is said.
const SOON: Duration = Duration::from_secs(14 * 24 * 3600);

/// OWASP's recommended pairs for Argon2id lie on this product of KiB and passes, none below this memory.
const LEAST_WORK: u64 = 35_840;
const LEAST_MEMORY: u32 = 7_168;

pub(super) fn passwords(settings: &Settings) -> Findings {
    let cost = settings.passwords.cost;
    let work = u64::from(cost.memory_kib) * u64::from(cost.iterations);
    let found = if cost.memory_kib < LEAST_MEMORY || work < LEAST_WORK {
        Finding::warning(Check::Passwords, "passwords-cheap")
    } else {
        Finding::ok(Check::Passwords, "passwords-ok")
    };
    found.with("memory", cost.memory_kib).with("iterations", cost.iterations).alone()
}

pub(super) async fn check(visit: &Visit<'_>) -> Findings {
    let Some(db) = visit.db else { return Findings::new() };
    let all = match clients::all(db).await {
        Ok(all) => all,
        Err(why) => return unread(Check::Clients, &why),
    };
    let (now, is_public) = (visit.clock.now(), visit.settings.server.public_url.is_https());
    let enabled: Vec<&Client> = all.iter().filter(|client| client.enabled).collect();
    let weak: Findings = enabled.iter().flat_map(|client| weaknesses(client, is_public, now)).collect();
    if weak.is_empty() {
        return Finding::ok(Check::Clients, "clients-ok").with("count", enabled.len()).alone();
    }
    weak
}

fn weaknesses(client: &Client, is_public: bool, now: Instant) -> Findings {
    let mut found: Findings = client.redirect_uris.iter().filter_map(|uri| redirect(uri, is_public)).collect();
    found.extend(secret(client, now));
    let signs_in = client.has_grant("authorization_code");
    if signs_in && client.pkce == PkcePolicy::WhereSent {
        found.push(Finding::warning(Check::Clients, "client-pkce"));
    }
    if signs_in && client.backchannel_logout_uri.is_none() {
        found.push(Finding::warning(Check::Clients, "client-no-logout"));
    }
    if Scope::ALL.iter().all(|scope| client.scopes.iter().any(|registered| registered == scope.as_str())) {
        found.push(Finding::warning(Check::Clients, "client-scopes"));
    }
    found.into_iter().map(|finding| finding.with("client", &client.id)).collect()
}

fn redirect(uri: &str, is_public: bool) -> Option<Finding> {
    let url = Url::parse(uri).ok()?;
    let host = url.host_str().unwrap_or_default();
    let is_local = is_loopback_name(host) || matches!(host, "127.0.0.1" | "[::1]");
    let code = match (is_local, url.scheme()) {
        (true, _) if is_public => "client-redirect-local",
        (false, "http") => "client-redirect-http",
        _ => return None,
    };
    Some(Finding::warning(Check::Clients, code).with("uri", uri))
}

/// The secret that works longest decides.
fn secret(client: &Client, now: Instant) -> Option<Finding> {
    if !matches!(client.auth_method, AuthMethod::Basic | AuthMethod::Post) {
        return None;
    }
    let ends = client.secrets.iter().map(|(_, ends)| ends.unwrap_or(Instant::from_millis(i64::MAX))).max();
    match ends {
        None => Some(Finding::failure(Check::Clients, "client-secret-none")),
        Some(ends) if ends <= now => Some(Finding::failure(Check::Clients, "client-secret-ended")),
        Some(ends) if ends < now.plus(SOON) => {
            let days = ends.since(now).as_secs() / DAY.as_secs();
            Some(Finding::warning(Check::Clients, "client-secret-ends").with("days", days))
        }
        Some(_) => None,
    }
}

pub(super) async fn logout(visit: &Visit<'_>) -> Findings {
    let Some(db) = visit.db else { return Findings::new() };
    let (all, undelivered) =
        match (clients::all(db).await, logout_messages::undelivered(db, visit.clock.now().minus(7 * DAY)).await) {
            (Ok(all), Ok(undelivered)) => (all, undelivered),
            (Err(why), _) | (_, Err(why)) => return unread(Check::Logout, &why),
        };
    let Ok(outbound) = Outbound::new(visit.settings) else { return Findings::new() };
    let receivers = all.iter().filter(|client| client.enabled);
    let receivers = receivers.filter_map(|client| Some((client, client.backchannel_logout_uri.as_deref()?)));
    let judged = join_all(receivers.map(|(client, uri)| receiver(&outbound, client, uri))).await;
    let count = judged.len();
    let mut findings: Findings = judged.into_iter().flatten().collect();
    for failed in undelivered {
        let told = |finding: Finding, count: i64| {
            finding.with("client", &failed.client_id).with("count", count).with("why", &failed.last_error)
        };
        if failed.given_up > 0 {
            findings.push(told(Finding::failure(Check::Logout, "logout-given-up"), failed.given_up));
        }
        if failed.waiting > 0 {
            findings.push(told(Finding::warning(Check::Logout, "logout-waiting"), failed.waiting));
        }
    }
    if findings.is_empty() {
        findings.push(Finding::ok(Check::Logout, "logout-ok").with("count", count));
    }
    findings
}

async fn receiver(outbound: &Outbound, client: &Client, uri: &str) -> Option<Finding> {
    let told = |code| Finding::failure(Check::Logout, code).with("client", &client.id).with("uri", uri);
    match outbound.check(uri).await {
        Ok(()) => None,
        Err(OutboundError::Refused(why)) => Some(told("logout-refused").with("why", why)),
        Err(_) => Some(told("logout-unresolved")),
    }
}

#[cfg(test)]
#[path = "clients_tests.rs"]
mod tests;
