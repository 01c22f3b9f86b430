//! Every rule at every door: the table is generated, so a new door or rule is in it by itself.

use super::*;
use crate::{
    access::fixtures,
    id::{ClientId, UserId},
    identity::{SessionEnd, Status},
    oauth::{FamilyEnd, fixtures::client},
    time::Period,
};

const IDLE: Duration = Duration::from_secs(600);

struct Scene {
    client: Client,
    standing: Standing,
    access: ApplicationAccess,
    moment: Moment,
}

fn scene() -> Scene {
    Scene {
        client: client(),
        standing: fixtures::standing(),
        access: fixtures::access(),
        moment: Moment { now: Instant::from_millis(1000), today: fixtures::TODAY.parse().unwrap(), idle: IDLE },
    }
}

fn ask(door: Door, scene: &Scene) -> Result<(), Rule> {
    let answer = match door {
        Door::ClientCredentials => pass_machine(door, &scene.client, scene.moment),
        _ => pass(door, &scene.client, &scene.standing, (&scene.access, &fixtures::tree()), scene.moment),
    };
    answer.map(|_| ()).map_err(|turned| turned.rule)
}

/// How a rule is broken: several ways each.
fn breakages(rule: Rule) -> Vec<fn(&mut Scene)> {
    match rule {
        Rule::ClientEnabled => vec![|s| s.client.enabled = false],
        Rule::GrantRegistered => vec![|s| s.client.grant_types.clear()],
        Rule::UserEnabled => vec![
            |s| s.standing.user.status = Status::Disabled,
            |s| s.standing.user.status = Status::Suspended,
            |s| s.standing.user.status = Status::Closed,
            |s| {
                s.standing.user.validity =
                    Some(Period { from: s.moment.today.plus_days(-9), until: Some(s.moment.today) });
            },
        ],
        Rule::FamilyAlive => vec![
            |s| s.standing.family = None,
            |s| {
                s.standing.family.as_mut().unwrap().revoked = Some((Instant::from_millis(1), FamilyEnd::Reuse));
            },
            |s| s.standing.family.as_mut().unwrap().expires_at = s.moment.now,
            |s| s.standing.family.as_mut().unwrap().client_id = ClientId::new("kinerja"),
            |s| s.standing.family.as_mut().unwrap().user_id = UserId::new("u2"),
        ],
        Rule::SessionAlive => vec![
            |s| s.standing.session = None,
            |s| {
                s.standing.session.as_mut().unwrap().ended = Some((Instant::from_millis(1), SessionEnd::SignedOut));
            },
            |s| s.standing.session.as_mut().unwrap().expires_at = s.moment.now,
            |s| s.moment.now = Instant::from_millis(600_000),
            |s| s.standing.session.as_mut().unwrap().user_epoch = 2,
            |s| s.standing.session.as_mut().unwrap().user_id = UserId::new("u2"),
        ],
        Rule::EpochCurrent => vec![|s| s.standing.family.as_mut().unwrap().user_epoch = 2],
        Rule::MayEnter => vec![
            |s| s.access.rules.clear(),
            |s| s.access.roles.clear(),
            |s| s.standing.assignments.clear(),
            |s| s.standing.user.status = Status::Limited,
            |s| s.access.application.id = crate::id::ApplicationId::new("lain"),
        ],
    }
}

/// The cells without a meaning: the only exceptions, each with its reason.
fn asked(door: Door, rule: Rule) -> bool {
    match (door, rule) {
        (_, Rule::ClientEnabled) => true,
        // Tokens are honoured to their end even where the client may get no new ones.
        (Door::Userinfo | Door::Introspection, Rule::GrantRegistered) => false,
        (_, Rule::GrantRegistered) => true,
        // A machine is nobody.
        (Door::ClientCredentials, _) => false,
        // The family is born by the redemption.
        (Door::Authorize | Door::Code, Rule::FamilyAlive | Rule::EpochCurrent) => false,
        _ => true,
    }
}

//= T7 test
//= T20 test
#[test]
fn every_rule_is_asked_at_every_door() {
    for door in Door::ALL {
        assert_eq!(ask(*door, &scene()), Ok(()), "{door}");
        for rule in Rule::ALL {
            for (way, breakage) in breakages(*rule).into_iter().enumerate() {
                let mut scene = scene();
                breakage(&mut scene);
                let expected = if asked(*door, *rule) { Err(*rule) } else { Ok(()) };
                assert_eq!(ask(*door, &scene), expected, "{door} × {rule}, way {way}");
            }
        }
    }
}

#[test]
fn the_list_of_rules_is_complete() {
    let listed: Vec<Rule> = RULES.iter().map(|(rule, _)| *rule).collect();
    assert_eq!(listed, Rule::ALL);
}

//= OIDC-CORE#11 test
#[test]
fn an_offline_family_outlives_its_session_but_not_its_epoch() {
    let offline = || {
        let mut scene = scene();
        scene.standing.session = None;
        scene.standing.family.as_mut().unwrap().offline = true;
        scene
    };
    for door in [Door::Refresh, Door::Userinfo, Door::Introspection] {
        assert_eq!(ask(door, &offline()), Ok(()), "{door}");
        let mut later = offline();
        later.standing.user.epoch = 4;
        assert_eq!(ask(door, &later), Err(Rule::EpochCurrent), "{door}");
    }
    for door in [Door::Authorize, Door::Code] {
        assert_eq!(ask(door, &offline()), Err(Rule::SessionAlive), "{door}");
    }
}

#[test]
fn who_is_turned_away_at_an_application_learns_why() {
    let mut scene = scene();
    scene.access.rules.clear();
    let turned =
        pass(Door::Authorize, &scene.client, &scene.standing, (&scene.access, &fixtures::tree()), scene.moment)
            .unwrap_err();
    assert!(turned.entitlement.is_some_and(|entitlement| !entitlement.may_enter()));
}
