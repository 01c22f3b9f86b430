//! The public address as applications and browsers see it: reached, ours, and with a certificate that will
//! still hold in two weeks.

use super::{
    Check, Finding, Findings, Visit,
    ports::{DISCOVERY, answers, issuer, json},
};
use crate::outbound::{Probe, Probed, Unmet};

pub(super) async fn check(visit: &Visit<'_>) -> Findings {
    let public = &visit.settings.server.public_url;
    let met = visit.probe.get(&public.at(DISCOVERY), None, visit.clock.now()).await;
    let findings = match met {
        Ok(probed) => judge(public.as_str(), &probed),
        Err(Unmet::NoConnection | Unmet::NoAnswer) if !answers(visit.settings.server.listen).await => {
            Finding::warning(Check::PublicUrl, "public-url-not-serving").alone()
        }
        Err(why) => Finding::failure(Check::PublicUrl, unmet(&why)).alone(),
    };
    findings.into_iter().map(|finding| finding.with("url", public.as_str())).collect()
}

fn judge(public: &str, probed: &Probed) -> Findings {
    let described = json(probed);
    let found = match described.as_ref().and_then(issuer) {
        Some(issuer) if issuer == public => Finding::ok(Check::PublicUrl, "public-url-ok"),
        Some(issuer) => Finding::failure(Check::PublicUrl, "public-url-other-issuer").with("issuer", issuer),
        None => Finding::failure(Check::PublicUrl, "public-url-not-ours").with("status", probed.status),
    };
    let ends = probed.ends_within.map(|days| {
        Finding::warning(Check::PublicUrl, "certificate-ends").with("days", days).with("limit", Probe::DAYS)
    });
    [Some(found), ends].into_iter().flatten().collect()
}

const fn unmet(why: &Unmet) -> &'static str {
    match why {
        Unmet::Address | Unmet::Unresolved => "public-url-unresolved",
        Unmet::NoConnection => "public-url-unreachable",
        Unmet::NoAnswer => "public-url-no-http",
        Unmet::TimedOut => "public-url-silent",
        Unmet::Tls => "public-url-no-tls",
        Unmet::WrongName => "certificate-wrong-name",
        Unmet::Ended => "certificate-ended",
        Unmet::Untrusted => "certificate-untrusted",
    }
}
