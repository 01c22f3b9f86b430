//! Standing: all that a request must know of the person behind it, in one statement.
//!
//! The request names the person by a cookie, an access token, a refresh token or an account, and for each there is
//! a statement. It finds `who` first; one arm for each kind of row follows, every one reached by an index. Columns are numbered because the arms of a UNION share
//! them; what each means stands in its arm and in the function that reads it. CROSS JOIN keeps SQLite
//! from beginning at the other end: unlike PostgreSQL it takes the order as written.

use gapura_core::{
    access::{RoleGrant, Standing},
    id::{
        ApplicationId, AssignmentId, ClientId, FamilyId, PositionId, RefreshTokenId, RoleGrantId, SessionId, UnitId,
        UserId,
    },
    identity::{PersonName, Session, User},
    oauth::{Family, RefreshToken, Successor},
    organization::{Assignment, Position},
};

use crate::{
    Db, StoreError,
    columns::{instant, list, must, period, word},
    door::{Cells, Record, Row, Value, values},
};

/// A statement: who it is about, then the arms.
macro_rules! standing {
    ($who:literal) => {
        concat!(
            "WITH who (user_id, session_id, family_id, token_id) AS (",
            $who,
            ") ",
            "SELECT 'user' AS part, u.id AS t1, u.sub AS t2, u.kind AS t3, u.status AS t4, u.full_name AS t5, \
        u.title_before AS t6, u.title_after AS t7, n.number AS t8, u.official_email AS t9, \
        CAST(NULL AS TEXT) AS t10, u.golongan AS t11, u.sponsor_opd_id AS t12, u.valid_from AS t13, \
        u.valid_until AS t14, u.language AS t15, u.epoch AS n1, CAST(NULL AS BIGINT) AS n2, \
        CAST(NULL AS BIGINT) AS n3, CAST(NULL AS BIGINT) AS n4, CAST(NULL AS BIGINT) AS n5 \
      FROM who CROSS JOIN users u \
      LEFT JOIN employee_numbers n ON n.user_id = u.id AND n.superseded_at IS NULL WHERE u.id = who.user_id \
    UNION ALL SELECT 'session', s.id, s.user_id, s.acr, s.amr, s.end_reason, NULL, NULL, NULL, NULL, \
        NULL, NULL, NULL, NULL, NULL, NULL, s.user_epoch, s.auth_time, s.last_seen_at, s.expires_at, s.ended_at \
      FROM who CROSS JOIN sessions s WHERE s.id = who.session_id AND s.user_id = who.user_id \
    UNION ALL SELECT 'family', f.id, f.user_id, f.client_id, f.session_id, f.scopes, f.acr, f.amr, f.nonce, \
        f.revoke_reason, CASE WHEN f.offline THEN 'offline' END, NULL, NULL, NULL, NULL, NULL, \
        f.user_epoch, f.auth_time, f.last_used_at, f.expires_at, f.revoked_at \
      FROM who CROSS JOIN refresh_families f WHERE f.id = who.family_id AND f.user_id = who.user_id \
    UNION ALL SELECT 'token', t.id, t.family_id, t.successor_id, NULL, NULL, NULL, NULL, NULL, NULL, \
        NULL, NULL, NULL, NULL, NULL, NULL, t.issued_at, t.expires_at, t.consumed_at, next.consumed_at, NULL \
      FROM who CROSS JOIN refresh_tokens t \
      LEFT JOIN refresh_tokens next ON next.id = t.successor_id WHERE t.id = who.token_id \
    UNION ALL SELECT 'entered', e.client_id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, \
        NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL \
      FROM who CROSS JOIN session_clients e WHERE e.session_id = who.session_id \
    UNION ALL SELECT 'assignment', a.id, a.user_id, a.unit_id, a.position_id, p.name, p.class, p.eselon, \
        a.kind, a.valid_from, a.valid_until, a.decree_number, NULL, NULL, NULL, NULL, \
        NULL, NULL, NULL, NULL, NULL \
      FROM who CROSS JOIN assignments a CROSS JOIN positions p \
      WHERE a.user_id = who.user_id AND a.superseded_at IS NULL AND p.id = a.position_id \
    UNION ALL SELECT 'grant', g.id, g.user_id, g.application_id, g.role, g.reason, g.approved_by, \
        g.valid_from, g.valid_until, NULL, NULL, NULL, NULL, NULL, NULL, NULL, \
        NULL, NULL, NULL, NULL, NULL \
      FROM who CROSS JOIN role_grants g WHERE g.user_id = who.user_id AND g.superseded_at IS NULL"
        )
    };
}

/// `$1` the hash of a cookie.
const BY_COOKIE: &str =
    standing!("SELECT user_id, id, CAST(NULL AS TEXT), CAST(NULL AS TEXT) FROM sessions WHERE cookie_hash = $1");
/// `$1` `sub`, `$2` the session, `$3` the family.
const BY_TOKEN: &str =
    standing!("SELECT id, CAST($2 AS TEXT), CAST($3 AS TEXT), CAST(NULL AS TEXT) FROM users WHERE sub = $1");
/// `$1` the account.
const OF_USER: &str =
    standing!("SELECT id, CAST(NULL AS TEXT), CAST(NULL AS TEXT), CAST(NULL AS TEXT) FROM users WHERE id = $1");
/// `$1` the refresh token, `$2` its hash.
const BY_REFRESH_TOKEN: &str = standing!(
    "SELECT f.user_id, f.session_id, f.id, t.id FROM refresh_tokens t \
       JOIN refresh_families f ON f.id = t.family_id WHERE t.id = $1 AND t.token_hash = $2"
);

/// All of them, put together as they are, for the suite that prepares every statement on both engines.
#[doc(hidden)]
pub const STATEMENTS: [&str; 4] = [BY_COOKIE, BY_TOKEN, OF_USER, BY_REFRESH_TOKEN];

/// Whom an access token names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRef {
    /// `sub`.
    pub user_sub: String,
    /// `sid`, where the token has one.
    pub session: Option<SessionId>,
    /// The family, where the token has one.
    pub family: Option<FamilyId>,
}

/// The person signed in at the browser that holds this cookie; its SHA-256 is given.
pub async fn by_cookie(db: &Db, cookie_hash: &[u8]) -> Result<Option<Standing>, StoreError> {
    Ok(load(db, BY_COOKIE, values![cookie_hash]).await?.map(|(standing, _)| standing))
}

/// The person an access token names, with the session and the family it names.
pub async fn by_token(db: &Db, token: &TokenRef) -> Result<Option<Standing>, StoreError> {
    let values = values![&token.user_sub, token.session.as_ref(), token.family.as_ref()];
    Ok(load(db, BY_TOKEN, values).await?.map(|(standing, _)| standing))
}

/// A person, without any session.
pub async fn of_user(db: &Db, user: &UserId) -> Result<Option<Standing>, StoreError> {
    Ok(load(db, OF_USER, values![user.as_str()]).await?.map(|(standing, _)| standing))
}

/// The person behind a refresh token, with the token as it stands.
pub(crate) async fn by_refresh_token(
    db: &Db,
    token: &str,
    hash: &[u8],
) -> Result<Option<(RefreshToken, Standing)>, StoreError> {
    let found = load(db, BY_REFRESH_TOKEN, values![token, hash]).await?;
    Ok(found.and_then(|(standing, token)| Some((token?, standing))))
}

async fn load(
    db: &Db,
    sql: &'static str,
    values: Vec<Value>,
) -> Result<Option<(Standing, Option<RefreshToken>)>, StoreError> {
    Parts(db.all(sql, values).await?).standing()
}

/// One row, read as its arm says.
enum Part {
    User(Box<User>),
    Session(Session),
    Family(Family),
    Token(RefreshToken),
    Entered(ClientId),
    Assignment(Assignment),
    Grant(RoleGrant),
}

/// How many columns of text come before those of numbers.
const TEXTS: usize = 15;

impl Record for Part {
    const COLUMNS: &'static [&'static str] = &[
        "part", "t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8", "t9", "t10", "t11", "t12", "t13", "t14", "t15", "n1",
        "n2", "n3", "n4", "n5",
    ];

    fn read(cells: Cells<'_, impl Row>) -> Result<Self, StoreError> {
        let part: String = cells.at(0)?;
        let arm = Arm(cells);
        Ok(match part.as_str() {
            "user" => Self::User(Box::new(arm.user()?)),
            "session" => Self::Session(arm.session()?),
            "family" => Self::Family(arm.family()?),
            "token" => Self::Token(arm.token()?),
            "entered" => Self::Entered(ClientId::new(must(arm.t(1)?, "session_clients.client_id")?)),
            "assignment" => Self::Assignment(arm.assignment()?),
            "grant" => Self::Grant(arm.grant()?),
            other => return Err(StoreError::Corrupt(format!("standing has no part {other}"))),
        })
    }
}

struct Parts(Vec<Part>);

impl Parts {
    /// The rows put together; none where nobody is named.
    fn standing(self) -> Result<Option<(Standing, Option<RefreshToken>)>, StoreError> {
        let (mut user, mut session, mut family, mut token) = (None, None, None, None);
        let (mut entered, mut assignments, mut grants) = (Vec::new(), Vec::new(), Vec::new());
        for part in self.0 {
            match part {
                Part::User(found) => user = Some(*found),
                Part::Session(found) => session = Some(found),
                Part::Family(found) => family = Some(found),
                Part::Token(found) => token = Some(found),
                Part::Entered(client) => entered.push(client),
                Part::Assignment(found) => assignments.push(found),
                Part::Grant(found) => grants.push(found),
            }
        }
        let standing = |user| Standing { user, session, family, entered, assignments, grants };
        Ok(user.map(|user| (standing(user), token)))
    }
}

/// The columns of a row; only those that its arm fills are read.
struct Arm<'r, R>(Cells<'r, R>);

impl<R: Row> Arm<'_, R> {
    fn t(&self, number: usize) -> Result<Option<String>, StoreError> {
        self.0.at(number)
    }

    fn n(&self, number: usize) -> Result<Option<i64>, StoreError> {
        self.0.at(TEXTS + number)
    }

    fn user(&self) -> Result<User, StoreError> {
        Ok(User {
            id: UserId::new(must(self.t(1)?, "users.id")?),
            sub: must(self.t(2)?, "users.sub")?,
            kind: word(&must(self.t(3)?, "users.kind")?, "users.kind")?,
            status: word(&must(self.t(4)?, "users.status")?, "users.status")?,
            name: PersonName {
                full: must(self.t(5)?, "users.full_name")?,
                title_before: self.t(6)?,
                title_after: self.t(7)?,
            },
            employee_number: self.t(8)?,
            official_email: self.t(9)?,
            golongan: self.t(11)?,
            sponsor_opd: self.t(12)?.map(UnitId::new),
            validity: self.t(13)?.map(|from| period(&from, self.t(14)?.as_deref(), "users.valid_from")).transpose()?,
            language: self.t(15)?,
            epoch: must(self.n(1)?, "users.epoch")?,
        })
    }

    fn session(&self) -> Result<Session, StoreError> {
        let reason = self.t(5)?.map(|reason| word(&reason, "sessions.end_reason")).transpose()?;
        Ok(Session {
            id: SessionId::new(must(self.t(1)?, "sessions.id")?),
            user_id: UserId::new(must(self.t(2)?, "sessions.user_id")?),
            user_epoch: must(self.n(1)?, "sessions.user_epoch")?,
            acr: must(self.t(3)?, "sessions.acr")?,
            amr: list(&must(self.t(4)?, "sessions.amr")?, "sessions.amr")?,
            auth_time: must(instant(self.n(2)?), "sessions.auth_time")?,
            last_seen_at: must(instant(self.n(3)?), "sessions.last_seen_at")?,
            expires_at: must(instant(self.n(4)?), "sessions.expires_at")?,
            ended: instant(self.n(5)?).zip(reason),
        })
    }

    fn family(&self) -> Result<Family, StoreError> {
        let reason = self.t(9)?.map(|reason| word(&reason, "refresh_families.revoke_reason")).transpose()?;
        Ok(Family {
            id: FamilyId::new(must(self.t(1)?, "refresh_families.id")?),
            user_id: UserId::new(must(self.t(2)?, "refresh_families.user_id")?),
            client_id: ClientId::new(must(self.t(3)?, "refresh_families.client_id")?),
            session_id: self.t(4)?.map(SessionId::new),
            offline: self.t(10)?.is_some(),
            scopes: list(&must(self.t(5)?, "refresh_families.scopes")?, "refresh_families.scopes")?,
            user_epoch: must(self.n(1)?, "refresh_families.user_epoch")?,
            acr: must(self.t(6)?, "refresh_families.acr")?,
            amr: list(&must(self.t(7)?, "refresh_families.amr")?, "refresh_families.amr")?,
            auth_time: must(instant(self.n(2)?), "refresh_families.auth_time")?,
            nonce: self.t(8)?,
            last_used_at: must(instant(self.n(3)?), "refresh_families.last_used_at")?,
            expires_at: must(instant(self.n(4)?), "refresh_families.expires_at")?,
            revoked: instant(self.n(5)?).zip(reason),
        })
    }

    fn token(&self) -> Result<RefreshToken, StoreError> {
        let consumed = instant(self.n(4)?);
        Ok(RefreshToken {
            id: RefreshTokenId::new(must(self.t(1)?, "refresh_tokens.id")?),
            family_id: FamilyId::new(must(self.t(2)?, "refresh_tokens.family_id")?),
            issued_at: must(instant(self.n(1)?), "refresh_tokens.issued_at")?,
            expires_at: must(instant(self.n(2)?), "refresh_tokens.expires_at")?,
            consumed_at: instant(self.n(3)?),
            successor: self.t(3)?.map(|id| Successor { id: RefreshTokenId::new(id), consumed: consumed.is_some() }),
        })
    }

    fn assignment(&self) -> Result<Assignment, StoreError> {
        let eselon = must(self.t(7)?, "positions.eselon")?;
        Ok(Assignment {
            id: AssignmentId::new(must(self.t(1)?, "assignments.id")?),
            user_id: UserId::new(must(self.t(2)?, "assignments.user_id")?),
            unit_id: UnitId::new(must(self.t(3)?, "assignments.unit_id")?),
            position: Position {
                id: PositionId::new(must(self.t(4)?, "positions.id")?),
                name: must(self.t(5)?, "positions.name")?,
                class: word(&must(self.t(6)?, "positions.class")?, "positions.class")?,
                eselon: (!eselon.is_empty()).then_some(eselon),
            },
            kind: word(&must(self.t(8)?, "assignments.kind")?, "assignments.kind")?,
            period: period(
                &must(self.t(9)?, "assignments.valid_from")?,
                self.t(10)?.as_deref(),
                "assignments.valid_from",
            )?,
            decree_number: self.t(11)?,
        })
    }

    fn grant(&self) -> Result<RoleGrant, StoreError> {
        Ok(RoleGrant {
            id: RoleGrantId::new(must(self.t(1)?, "role_grants.id")?),
            user_id: UserId::new(must(self.t(2)?, "role_grants.user_id")?),
            application_id: ApplicationId::new(must(self.t(3)?, "role_grants.application_id")?),
            role: must(self.t(4)?, "role_grants.role")?,
            reason: must(self.t(5)?, "role_grants.reason")?,
            approved_by: must(self.t(6)?, "role_grants.approved_by")?,
            period: period(
                &must(self.t(7)?, "role_grants.valid_from")?,
                self.t(8)?.as_deref(),
                "role_grants.valid_from",
            )?,
        })
    }
}
