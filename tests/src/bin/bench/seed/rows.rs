//! The rows of one person, all of them made of a number.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use gapura_core::{
    audit::{Actor, AuditEvent, EventKind},
    id::{AssignmentId, ClientId, EventId, FamilyId, RefreshTokenId, SessionId, UserId},
    identity::{Email, EmployeeNumber, LoginName, PersonName, Session, Status, UserKind},
    oauth::Family,
    organization::{Assignment, AssignmentKind},
    time::Instant,
};
use gapura_store::{arrivals::Arrival, refresh_tokens::NewRefreshToken, users::Profile};
use sha2::{Digest as _, Sha256};

use super::{Place, user_id};

/// A hash of the right length that no password has: nobody of these signs in with one.
pub(super) const PASSWORD_HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$YmVuaWhiZW5paGJlbg$YmVuaWhiZW5paGJlbmloYmVuaWhiZW5paGJlbmloYmU";

const DAY: Duration = Duration::from_secs(12 * 3600);

/// A key of the server's form that grows with its number: 48 bits of time, then 80 of number.
pub(super) fn ordered(at: Instant, number: usize) -> String {
    format!("{:012x}{number:020x}", at.millis())
}

/// A text of 128 bits, spread evenly over all and growing with its number.
fn spread((number, of): (usize, usize)) -> String {
    format!("{:032x}", u128::MAX / of as u128 * number as u128)
}

/// An employee number.
pub(super) fn number(number: usize) -> String {
    format!("1985{:010}1{:03}", number / 1000, number % 1000)
}

/// The value of a session cookie.
pub(super) fn cookie(number: usize) -> String {
    URL_SAFE_NO_PAD.encode(hash(&format!("cookie {number}")))
}

/// The secret part of a refresh token.
pub(super) fn secret(number: usize) -> String {
    URL_SAFE_NO_PAD.encode(hash(&format!("refresh {number}")))
}

pub(super) fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// A person as an import would write them.
pub(super) struct Account {
    pub(super) user: UserId,
    sub: String,
    profile: Profile,
    number: EmployeeNumber,
    names: [LoginName; 2],
    post: Assignment,
    event: AuditEvent,
}

impl Account {
    pub(super) fn new((person, people): (usize, usize), place: &Place, at: Instant) -> Self {
        let user = user_id(person, at);
        let number = EmployeeNumber::parse(&number(person)).unwrap();
        let mail = Email::parse(&format!("pegawai{person:07}@contoh.go.id")).unwrap();
        let key = ordered(at, person);
        let event = AuditEvent::new(EventId::new(&key), [7; 16], at, EventKind::UserAdded, Actor::System);
        Self {
            sub: spread((person, people)),
            profile: profile((person, people), &mail),
            names: [LoginName::number(&number), LoginName::email(&mail)],
            number,
            post: Assignment {
                id: AssignmentId::new(key),
                user_id: user.clone(),
                unit_id: place.unit.clone(),
                position: place.position.clone(),
                kind: AssignmentKind::Definitif,
                period: place.period,
                decree_number: Some("800/100-BKPSDM/2020".to_owned()),
            },
            event,
            user,
        }
    }

    pub(super) fn arrival(&self) -> Arrival<'_> {
        Arrival {
            user: &self.user,
            sub: &self.sub,
            profile: &self.profile,
            number: (self.post.id.as_str(), &self.number),
            names: [Some(&self.names[0]), Some(&self.names[1])],
            post: (self.post.id.as_str(), &self.post),
            decree_date: Some(self.post.period.from),
            event: &self.event,
        }
    }
}

/// As full as that of a civil servant: sealed columns have the length that sealing gives them.
fn profile((person, people): (usize, usize), mail: &Email) -> Profile {
    let mut nik_index = hash("nik").to_vec();
    nik_index.splice(..16, (u128::MAX / people as u128 * person as u128).to_be_bytes());
    Profile {
        kind: UserKind::AsnPns,
        status: Status::Active,
        name: PersonName {
            full: format!("Pegawai Ke {person}"),
            title_before: None,
            title_after: Some("S.Kom.".to_owned()),
        },
        gender: None,
        birth_date: Some("1985-01-01".parse().unwrap()),
        siasn_person_id: Some(spread((person, people)).to_uppercase()),
        nik_index: Some(nik_index),
        nik_sealed: Some(vec![7; 45]),
        phone_sealed: Some(vec![7; 42]),
        official_email: Some(mail.as_str().to_owned()),
        private_email_sealed: Some(vec![7; 52]),
        golongan: Some("III/c".to_owned()),
        legal_status: Some("Aktif".to_owned()),
        working_agency: Some("Pemerintah Kota Contoh".to_owned()),
        sponsor_opd: None,
        validity: None,
    }
}

/// A session, and the family and token that rest on it.
pub(super) struct Signed {
    pub(super) session: Session,
    pub(super) cookie_hash: [u8; 32],
    pub(super) family: Family,
    pub(super) token: NewRefreshToken,
}

impl Signed {
    pub(super) fn new(person: usize, (cookie, client): (usize, &ClientId), at: Instant) -> Self {
        let session = Session {
            id: SessionId::new(ordered(at, person)),
            user_id: user_id(person, at),
            user_epoch: 0,
            acr: "pwd".to_owned(),
            amr: vec!["pwd".to_owned()],
            auth_time: at,
            last_seen_at: at,
            expires_at: at.plus(DAY),
            ended: None,
        };
        let family = Family {
            id: FamilyId::new(ordered(at, person)),
            user_id: session.user_id.clone(),
            client_id: client.clone(),
            session_id: Some(session.id.clone()),
            offline: false,
            scopes: ["openid", "profile", "email", "opd", "jabatan", "peran"].map(str::to_owned).to_vec(),
            user_epoch: 0,
            acr: session.acr.clone(),
            amr: session.amr.clone(),
            auth_time: at,
            nonce: Some("uji".to_owned()),
            last_used_at: at,
            expires_at: session.expires_at,
            revoked: None,
        };
        let token = NewRefreshToken {
            id: RefreshTokenId::new(ordered(at, person)),
            family_id: family.id.clone(),
            hash: hash(&secret(person)).to_vec(),
            expires_at: session.expires_at,
        };
        Self { session, cookie_hash: hash(&self::cookie(cookie)), family, token }
    }

    /// A family of this number on that person's session, whose time is over.
    pub(super) fn run_out(number: usize, person: usize, (client, at): (&ClientId, Instant)) -> Self {
        let mut signed = Self::new(person, (person, client), at);
        let over = at.minus(Duration::from_secs(60));
        signed.family.id = FamilyId::new(ordered(at, number));
        signed.family.expires_at = over;
        signed.token.id = RefreshTokenId::new(ordered(at, number));
        signed.token.family_id = signed.family.id.clone();
        signed.token.expires_at = over;
        signed
    }
}
