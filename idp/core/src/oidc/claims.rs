//! What userinfo says (OpenID Connect Core section 5, docs/claims.md): each scope opens its claims and no
//! other. A claim without a value is left out, never null. NIK, phone and private mail are in none.

use serde_json::{Map, Value, json};

use crate::{
    access::Standing,
    oauth::{Scope, Scopes},
    organization::{Assignment, UnitTree},
    time::Date,
};

/// The claims about a person that the scopes open.
//= OIDC-CORE#5.4
//= OIDC-CORE#5.3.2
//= DEV-06
pub fn userinfo(standing: &Standing, scopes: &Scopes, roles: &[String], (tree, today): (&UnitTree, Date)) -> Value {
    let user = &standing.user;
    let in_force = Assignment::in_force(&standing.assignments, today);
    let mut claims = Claims(Map::new());
    claims.set("sub", Some(&user.sub));
    if scopes.has(Scope::Profile) {
        claims.set("name", Some(&user.name.display()));
        claims.set("locale", user.language.as_ref());
    }
    if scopes.has(Scope::Email) {
        claims.set("email", user.official_email.as_ref());
        // The address comes from the personnel record; nobody has proved to us that they read it.
        claims.set("email_verified", user.official_email.as_ref().map(|_| false));
    }
    if scopes.has(Scope::Nip) {
        claims.set("nip", user.employee_number.as_ref());
    }
    if scopes.has(Scope::Peran) {
        claims.set("roles", Some(roles));
    }
    if scopes.has(Scope::Opd) {
        opd(&mut claims, standing, in_force.first().copied(), tree);
    }
    if scopes.has(Scope::Jabatan) {
        let main = in_force.first();
        claims.set("jenis_pegawai", Some(user.kind));
        claims.set("golongan", user.golongan.as_ref());
        claims.set("jabatan", main.map(|main| &main.position.name));
        claims.set("eselon", main.and_then(|main| main.position.eselon.as_ref()));
        claims.set("penugasan", Some(in_force.iter().map(|held| assignment(held, tree)).collect::<Vec<_>>()));
    }
    Value::Object(claims.0)
}

/// Of the main assignment; of a person without one, the OPD that answers for the account.
fn opd(claims: &mut Claims, standing: &Standing, main: Option<&Assignment>, tree: &UnitTree) {
    let at = main.map(|main| &main.unit_id).or(standing.user.sponsor_opd.as_ref());
    let opd = at.and_then(|unit| tree.opd_of(unit));
    claims.set("opd", opd.map(|opd| &opd.name));
    claims.set("opd_kode", opd.map(|opd| &opd.code));
    claims.set("unit", main.and_then(|main| tree.get(&main.unit_id)).map(|unit| &unit.name));
}

fn assignment(held: &Assignment, tree: &UnitTree) -> Value {
    let opd = tree.opd_of(&held.unit_id);
    let mut claims = Claims(Map::new());
    claims.set("jabatan", Some(&held.position.name));
    claims.set("unit", tree.get(&held.unit_id).map(|unit| &unit.name));
    claims.set("opd", opd.map(|opd| &opd.name));
    claims.set("opd_kode", opd.map(|opd| &opd.code));
    claims.set("sebagai", Some(held.kind));
    // As people say it: the last day on which it is held.
    claims.set("sampai", held.period.until.map(|until| until.plus_days(-1)));
    Value::Object(claims.0)
}

struct Claims(Map<String, Value>);

impl Claims {
    fn set(&mut self, name: &str, value: Option<impl serde::Serialize>) {
        if let Some(value) = value {
            self.0.insert(name.to_owned(), json!(value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::fixtures;

    fn ask(standing: &Standing, scopes: &[&str]) -> Value {
        let scopes = Scopes::of(scopes.iter().copied());
        userinfo(standing, &scopes, &["guru".into()], (&fixtures::tree(), fixtures::TODAY.parse().unwrap()))
    }

    //= OIDC-CORE#5.4 test
    //= OIDC-CORE#5.3.2 test
    //= DEV-06 test
    #[test]
    fn each_scope_opens_its_claims_and_no_other() {
        let standing = fixtures::standing();
        let rows: &[(&str, Value)] = &[
            ("openid", json!({})),
            ("offline_access", json!({})),
            ("profile", json!({"name": "Dra. Rosita Suherman, M.Pd.", "locale": "id"})),
            ("email", json!({"email": "rosita@kota.go.id", "email_verified": false})),
            ("nip", json!({"nip": "198001012005012001"})),
            ("peran", json!({"roles": ["guru"]})),
            ("opd", json!({"opd": "Dinas Pendidikan", "opd_kode": "1.01", "unit": "SDN 1"})),
            (
                "jabatan",
                json!({"jenis_pegawai": "asn_pns", "golongan": "III/a", "jabatan": "Guru", "penugasan": [
                    {"jabatan": "Guru", "unit": "SDN 1", "opd": "Dinas Pendidikan", "opd_kode": "1.01",
                     "sebagai": "definitif"},
                    {"jabatan": "Kepala Sekolah", "unit": "SDN 1", "opd": "Dinas Pendidikan", "opd_kode": "1.01",
                     "sebagai": "plt", "sampai": "2026-12-31"},
                ]}),
            ),
        ];
        for (scope, expected) in rows {
            let mut expected = expected.clone();
            expected["sub"] = json!("sub-1");
            assert_eq!(ask(&standing, &[scope]), expected, "{scope}");
        }
    }

    //= EX-01 test
    #[test]
    fn what_a_person_does_not_have_is_left_out() {
        let mut standing = fixtures::standing();
        standing.user.employee_number = None;
        standing.user.official_email = None;
        standing.assignments.clear();
        let claims = ask(&standing, &["openid", "email", "nip", "opd", "jabatan"]);
        assert_eq!(claims, json!({"sub": "sub-1", "golongan": "III/a", "jenis_pegawai": "asn_pns", "penugasan": []}));
    }
}
