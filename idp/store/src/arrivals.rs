//! Eight new people at once: what an import stores by the thousand.
//!
//! A statement costs more than the row it carries, by the way to the engine and back. Eight people in
//! one statement a table hold the writer a fifth of the time that eight times six statements do.

use gapura_core::{
    audit::AuditEvent,
    id::UserId,
    identity::{EmployeeNumber, LoginName},
    organization::Assignment,
    time::{Date, Instant},
};

use crate::{
    StoreError, Tx,
    door::{Value, values},
    users::{self, Profile},
};

/// How many at once; the statements are written for it.
pub const AT_ONCE: usize = 8;

/// One new person with number, login names, post and audit event.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// Key.
    pub user: &'a UserId,
    /// Subject identifier.
    pub sub: &'a str,
    /// Everything else.
    pub profile: &'a Profile,
    /// Key of the row, and NIP or NI PPPK.
    pub number: (&'a str, &'a EmployeeNumber),
    /// The number's login name and, where there is official mail, its own.
    pub names: [Option<&'a LoginName>; 2],
    /// Key of the row, and the post.
    pub post: (&'a str, &'a Assignment),
    /// Date of the post's decree.
    pub decree_date: Option<Date>,
    /// The event that tells of all this.
    pub event: &'a AuditEvent,
}

const USERS: &str = "INSERT INTO users (id, sub, kind, status, full_name, title_before, title_after, gender, birth_date, \
     siasn_person_id, nik_index, nik_sealed, phone_sealed, official_email, private_email_sealed, golongan, legal_status, \
     working_agency, sponsor_opd_id, valid_from, valid_until, epoch, created_at, changed_at) VALUES ($1, $2, $3, \
     $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, 0, $169, $169), \
     ($22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, \
     0, $169, $169), ($43, $44, $45, $46, $47, $48, $49, $50, $51, $52, $53, $54, $55, $56, $57, $58, $59, \
     $60, $61, $62, $63, 0, $169, $169), ($64, $65, $66, $67, $68, $69, $70, $71, $72, $73, $74, $75, $76, \
     $77, $78, $79, $80, $81, $82, $83, $84, 0, $169, $169), ($85, $86, $87, $88, $89, $90, $91, $92, $93, \
     $94, $95, $96, $97, $98, $99, $100, $101, $102, $103, $104, $105, 0, $169, $169), ($106, $107, $108, \
     $109, $110, $111, $112, $113, $114, $115, $116, $117, $118, $119, $120, $121, $122, $123, $124, $125, $126, \
     0, $169, $169), ($127, $128, $129, $130, $131, $132, $133, $134, $135, $136, $137, $138, $139, $140, \
     $141, $142, $143, $144, $145, $146, $147, 0, $169, $169), ($148, $149, $150, $151, $152, $153, $154, \
     $155, $156, $157, $158, $159, $160, $161, $162, $163, $164, $165, $166, $167, $168, 0, $169, $169)";

const NUMBERS: &str = "INSERT INTO employee_numbers (row_id, number, user_id, recorded_at) VALUES ($1, $2, $3, $25), ($4, $5, $6, \
     $25), ($7, $8, $9, $25), ($10, $11, $12, $25), ($13, $14, $15, $25), ($16, $17, $18, $25), ($19, $20, $21, \
     $25), ($22, $23, $24, $25)";

const NAMES: &str = "WITH given (name, kind, user_id) AS (VALUES ($1, $2, $3), ($4, $5, $6), ($7, $8, $9), ($10, $11, $12), ($13, \
     $14, $15), ($16, $17, $18), ($19, $20, $21), ($22, $23, $24), ($25, $26, $27), ($28, $29, $30), ($31, $32, \
     $33), ($34, $35, $36), ($37, $38, $39), ($40, $41, $42), ($43, $44, $45), ($46, $47, $48)) INSERT INTO \
     login_names (name_normalized, kind, user_id) SELECT name, kind, user_id FROM given WHERE name IS NOT NULL ON \
     CONFLICT (name_normalized) DO NOTHING";

const ASSIGNMENTS: &str = "INSERT INTO assignments (row_id, id, user_id, unit_id, position_id, kind, valid_from, valid_until, \
     decree_number, decree_date, recorded_event, recorded_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, \
     $11, $89), ($12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $89), ($23, $24, $25, $26, $27, $28, $29, \
     $30, $31, $32, $33, $89), ($34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $89), ($45, $46, $47, $48, \
     $49, $50, $51, $52, $53, $54, $55, $89), ($56, $57, $58, $59, $60, $61, $62, $63, $64, $65, $66, $89), ($67, \
     $68, $69, $70, $71, $72, $73, $74, $75, $76, $77, $89), ($78, $79, $80, $81, $82, $83, $84, $85, $86, $87, \
     $88, $89)";

const EVENTS: &str = "INSERT INTO audit_events (id, kind, user_id, salt, body, at) VALUES ($1, $2, $3, $4, $5, $41), ($6, $7, $8, \
     $9, $10, $41), ($11, $12, $13, $14, $15, $41), ($16, $17, $18, $19, $20, $41), ($21, $22, $23, $24, $25, \
     $41), ($26, $27, $28, $29, $30, $41), ($31, $32, $33, $34, $35, $41), ($36, $37, $38, $39, $40, $41)";

/// Adds eight people. Refused as a whole where a name, number, NIK or PNS ID is taken.
pub async fn add(tx: &mut Tx, eight: &[Arrival<'_>; AT_ONCE], now: Instant) -> Result<(), StoreError> {
    tx.execute(EVENTS, gather(eight, now, event)).await?;
    tx.execute(USERS, gather(eight, now, |one| users::columns((one.user, one.sub), one.profile))).await?;
    tx.execute(NUMBERS, gather(eight, now, |one| values![one.number.0, one.number.1.as_str(), one.user])).await?;
    let names = eight.iter().flat_map(|one| one.names.map(|name| (name, one.user)));
    let wanted = names.clone().filter(|(name, _)| name.is_some()).count();
    let named = names
        .flat_map(|(name, user)| values![name.map(LoginName::as_str), name.map(|name| name.kind().as_str()), user]);
    let given = tx.execute(NAMES, named.collect()).await?;
    if usize::try_from(given) != Ok(wanted) {
        return Err(StoreError::Unique("login_names".to_owned()));
    }
    tx.execute(ASSIGNMENTS, gather(eight, now, post)).await?;
    Ok(())
}

/// The values of each, and `now` as the last one.
fn gather<'a>(
    eight: &'a [Arrival<'a>; AT_ONCE],
    now: Instant,
    values: impl FnMut(&'a Arrival<'a>) -> Vec<Value>,
) -> Vec<Value> {
    eight.iter().flat_map(values).chain([Value::from(now)]).collect()
}

fn event(one: &Arrival<'_>) -> Vec<Value> {
    let event = one.event;
    values![&event.id, event.kind.as_str(), one.user, &event.salt, event.canonical()]
}

fn post(one: &Arrival<'_>) -> Vec<Value> {
    let (row_id, post) = one.post;
    values![
        row_id,
        &post.id,
        one.user,
        &post.unit_id,
        &post.position.id,
        post.kind.as_str(),
        post.period.from,
        post.period.until,
        post.decree_number.as_deref(),
        one.decree_date,
        &one.event.id,
    ]
}
