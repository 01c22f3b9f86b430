//! What stands in a small city's database at the beginning of a test.

use gapura_core::{
    access::{AppRole, Application, ApplicationKind, Predicate, RoleRule},
    id::{ApplicationId, AssignmentId, ClientId, EventId, PositionId, RuleId, UnitId, UserId},
    identity::{Email, EmployeeNumber, LoginName, PersonName, Status, UserKind},
    oauth::{AuthMethod, Client, PkcePolicy, RefreshPolicy, SignatureAlg},
    organization::{Assignment, AssignmentKind, Position, PositionClass, Unit},
    secret::Secret,
    time::{Date, Instant, Period},
};
use gapura_store::{
    StoreError, Tx, applications, applications::Registered, assignments, clients, credentials, login_names,
    organization, recording::Recording, roles, rules, users, users::Profile,
};
use sha2::{Digest as _, Sha256};

use super::{City, ClientSeed, PASSWORD, Somebody, TEACHER, TREASURER, VENDOR};
use crate::relying_party::random;

const CLIENTS: [ClientSeed; 5] = [
    ClientSeed {
        id: "presensi",
        application: "presensi",
        auth: AuthMethod::Basic,
        alg: SignatureAlg::Es256,
        refresh: RefreshPolicy::RotateWithRetry,
        grants: &["authorization_code", "refresh_token"],
    },
    ClientSeed {
        id: "kinerja",
        application: "kinerja",
        auth: AuthMethod::Basic,
        alg: SignatureAlg::Rs256,
        refresh: RefreshPolicy::Rotate,
        grants: &["authorization_code", "refresh_token"],
    },
    ClientSeed {
        id: "keuangan",
        application: "keuangan",
        auth: AuthMethod::Basic,
        alg: SignatureAlg::Es256,
        refresh: RefreshPolicy::RotateWithRetry,
        grants: &["authorization_code", "refresh_token"],
    },
    ClientSeed {
        id: "ponsel",
        application: "presensi",
        auth: AuthMethod::None,
        alg: SignatureAlg::Es256,
        refresh: RefreshPolicy::Rotate,
        grants: &["authorization_code", "refresh_token"],
    },
    ClientSeed {
        id: "direktori",
        application: "kinerja",
        auth: AuthMethod::Basic,
        alg: SignatureAlg::Es256,
        refresh: RefreshPolicy::Rotate,
        grants: &["client_credentials"],
    },
];

/// Plants everything; the secrets of the confidential clients.
pub(super) async fn plant(city: &City) -> Vec<(&'static str, String)> {
    let now = city.clock.now();
    let hash = city.app.hasher.hash(Secret::new(PASSWORD.to_owned()), [7; 16]).await.unwrap();
    let secrets = CLIENTS.map(|client| (client.id, random(32)));
    let planted = secrets.clone();
    city.app
        .db
        .write(async move |tx| {
            units(tx, now).await?;
            for (number, who) in [TEACHER, TREASURER, VENDOR].iter().enumerate() {
                person(tx, number, who, &hash, now).await?;
            }
            access(tx, now).await?;
            for seed in &CLIENTS {
                client(tx, seed, &planted, now).await?;
            }
            Ok(())
        })
        .await
        .unwrap();
    secrets.to_vec()
}

fn day(year: i32, month: u8, of_month: u8) -> Date {
    Date::new(year, month, of_month).unwrap()
}

fn since_2020() -> Period {
    Period { from: day(2020, 1, 1), until: None }
}

/// Seeds are recorded by an event of their own, as an import's rows are.
fn event() -> EventId {
    EventId::new("00000000000000000000000000000001")
}

async fn units(tx: &mut Tx, now: Instant) -> Result<(), StoreError> {
    let all = [
        ("disdik", None, "disdik", "Dinas Pendidikan", "dinas"),
        ("sd1", Some("disdik"), "disdik", "SD Negeri Contoh 1", "sekolah"),
        ("bkad", None, "bkad", "Badan Keuangan dan Aset Daerah", "badan"),
    ];
    for (id, parent, opd, name, kind) in all {
        let unit = Unit {
            id: UnitId::new(id),
            parent: parent.map(UnitId::new),
            opd: UnitId::new(opd),
            code: format!("1.01.{id}"),
            short_name: parent.is_none().then(|| id.to_owned()),
            name: name.to_owned(),
            kind: kind.to_owned(),
            period: since_2020(),
        };
        let event = event();
        organization::record_unit(tx, &unit, id, Recording { row_id: id, at: now, event: &event }).await?;
    }
    Ok(())
}

async fn person(tx: &mut Tx, number: usize, who: &Somebody, hash: &str, now: Instant) -> Result<(), StoreError> {
    let id = UserId::new(format!("orang-{number}"));
    let is_vendor = who.post.is_none();
    let profile = Profile {
        kind: if is_vendor { UserKind::Vendor } else { UserKind::AsnPns },
        status: Status::Active,
        name: PersonName { full: who.name.to_owned(), title_before: None, title_after: None },
        gender: None,
        birth_date: None,
        siasn_person_id: None,
        nik_index: None,
        nik_sealed: None,
        phone_sealed: None,
        official_email: who.email.map(ToOwned::to_owned),
        private_email_sealed: None,
        golongan: (!is_vendor).then(|| "III/d".to_owned()),
        legal_status: None,
        working_agency: None,
        sponsor_opd: is_vendor.then(|| UnitId::new("bkad")),
        validity: is_vendor.then(|| Period { from: day(2026, 1, 1), until: Some(day(2027, 1, 1)) }),
    };
    users::add(tx, (&id, &format!("sub{number}{}", random(12))), &profile, now).await?;
    credentials::set_password(tx, &id, hash, now).await?;
    match who.nip {
        Some(nip) => {
            let nip = EmployeeNumber::parse(nip).unwrap();
            login_names::add_number(tx, &id, &nip, &format!("nip-{number}"), now).await?;
            login_names::add(tx, &id, &LoginName::number(&nip)).await?;
        }
        None => {
            login_names::add(tx, &id, &LoginName::account(who.login).unwrap()).await?;
        }
    }
    if let Some(email) = who.email {
        login_names::add(tx, &id, &LoginName::email(&Email::parse(email).unwrap())).await?;
    }
    if let Some((name, unit)) = who.post {
        let position = Position {
            id: PositionId::new(format!("jabatan-{number}")),
            name: name.to_owned(),
            class: PositionClass::Functional,
            eselon: None,
        };
        organization::add_position(tx, &position).await?;
        let assignment = Assignment {
            id: AssignmentId::new(format!("penugasan-{number}")),
            user_id: id.clone(),
            unit_id: UnitId::new(unit),
            position,
            kind: AssignmentKind::Definitif,
            period: since_2020(),
            decree_number: None,
        };
        let event = event();
        let row_id = format!("penugasan-{number}");
        assignments::record(tx, &assignment, None, Recording { row_id: &row_id, at: now, event: &event }).await?;
    }
    Ok(())
}

async fn access(tx: &mut Tx, now: Instant) -> Result<(), StoreError> {
    let all = [
        ("presensi", "e-Presensi", "pegawai", &[][..]),
        ("kinerja", "e-Kinerja", "pegawai", &[][..]),
        ("keuangan", "SIPD Keuangan", "bendahara", &["Bendahara Pengeluaran"][..]),
    ];
    let event = event();
    for (id, name, role, positions) in all {
        let application_id = ApplicationId::new(id);
        let application = Application {
            id: application_id.clone(),
            name: name.to_owned(),
            identifier: format!("https://{id}.kota-contoh.go.id"),
            kind: ApplicationKind::Umum,
            owner_opd: Some(UnitId::new("bkad")),
            open_to_all: false,
        };
        applications::add(tx, &Registered { application, field: None }, now).await?;
        let role_row = AppRole { application_id: application_id.clone(), code: role.to_owned(), period: since_2020() };
        let row_id = format!("peran-{id}");
        roles::record(tx, &role_row, Recording { row_id: &row_id, at: now, event: &event }).await?;
        let rule = RoleRule {
            id: RuleId::new(format!("aturan-{id}")),
            number: 1,
            application_id,
            role: role.to_owned(),
            predicate: Predicate {
                positions: positions.iter().map(|name| (*name).to_owned()).collect(),
                ..Predicate::default()
            },
            period: since_2020(),
        };
        let row_id = format!("aturan-{id}");
        rules::record(tx, &rule, Recording { row_id: &row_id, at: now, event: &event }).await?;
    }
    Ok(())
}

async fn client(
    tx: &mut Tx,
    seed: &ClientSeed,
    secrets: &[(&'static str, String)],
    now: Instant,
) -> Result<(), StoreError> {
    let home = format!("https://{}.kota-contoh.go.id", seed.id);
    let client = Client {
        id: ClientId::new(seed.id),
        application_id: ApplicationId::new(seed.application),
        name: seed.id.to_owned(),
        enabled: true,
        auth_method: seed.auth,
        secrets: Vec::new(),
        keys: None,
        grant_types: seed.grants.iter().map(|grant| (*grant).to_owned()).collect(),
        redirect_uris: vec![format!("{home}/auth/callback")],
        post_logout_redirect_uris: vec![format!("{home}/keluar")],
        scopes: ["openid", "profile", "email", "opd", "jabatan", "nip", "peran", "offline_access"]
            .map(ToOwned::to_owned)
            .to_vec(),
        home_uri: format!("{home}/"),
        backchannel_logout_uri: Some(format!("{home}/auth/backchannel-logout")),
        id_token_alg: seed.alg,
        pkce: PkcePolicy::Required,
        refresh: seed.refresh,
        asks_consent: false,
    };
    clients::add(tx, &client, now).await?;
    if seed.auth != AuthMethod::None
        && let Some((_, secret)) = secrets.iter().find(|(id, _)| *id == seed.id)
    {
        let hash = Sha256::digest(secret);
        let row_id = format!("rahasia-{}", seed.id);
        let secret = clients::NewSecret { id: &row_id, hash: &hash, expires_at: None };
        clients::add_secret(tx, &client.id, &secret, now).await?;
    }
    Ok(())
}
