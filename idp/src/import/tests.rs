use std::{
    io::Write as _,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use gapura_core::{
    access::entitlement,
    audit::Actor,
    id::UserId,
    identity::{LoginName, Status, UserKind},
    organization::AssignmentKind,
    secret::Secret,
    time::{Instant, Zone},
};
use gapura_store::{Db, DbConfig, assignments, imports, login_names, organization, rules, standing, users};
use zip::{ZipWriter, write::SimpleFileOptions};

use super::*;
use crate::{clock::Clock, entropy::Entropy, keys::Sealer};

const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../samples/kota-contoh");

/// 2026-11-24 10:00 WIB.
const NOW: Instant = Instant::from_millis(1_795_489_200_000);

struct City {
    importer: Importer,
    folder: tempfile::TempDir,
}

fn sample(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(SAMPLES).join(name)).unwrap()
}

fn sealer() -> Sealer {
    Sealer::of_keys(Secret::new([1; 32]), Secret::new([2; 32]))
}

impl City {
    async fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&DbConfig::sqlite(folder.path().join("gapura.db"))).await.unwrap();
        let importer = Importer {
            db,
            sealer: sealer(),
            clock: Clock::manual(NOW),
            entropy: Entropy,
            zone: Zone::Jakarta,
            domains: Vec::new(),
            actor: Actor::CommandLine { name: "tester".to_owned() },
        };
        Self { importer, folder }
    }

    async fn with_units() -> Self {
        let city = Self::empty().await;
        city.import(Kind::Opd, &sample("opd.csv")).await;
        city
    }

    /// With the 20 first people of the sample, without the 7,012 of the whole.
    async fn small() -> Self {
        let city = Self::with_units().await;
        city.import(Kind::Pegawai, &staff(&[SITI, BUDI])).await;
        city
    }

    async fn run(&self, kind: Kind, bytes: &[u8], (dry_run, skip_errors): (bool, bool)) -> Report {
        let request = Request { kind, file_name: "berkas", bytes, dry_run, skip_errors };
        self.importer.import(&request, &|_, _| ()).await.unwrap()
    }

    async fn import(&self, kind: Kind, bytes: &[u8]) -> Report {
        let report = self.run(kind, bytes, (false, false)).await;
        assert_eq!(report.errors, [], "{}", report.text());
        report
    }

    async fn refuses(&self, kind: Kind, bytes: &[u8]) -> FileRefused {
        let request = Request { kind, file_name: "berkas", bytes, dry_run: true, skip_errors: false };
        match self.importer.import(&request, &|_, _| ()).await {
            Err(ImportError::File(refused)) => refused,
            other => panic!("{other:?}"),
        }
    }

    fn db(&self) -> &Db {
        &self.importer.db
    }

    async fn user(&self, name: &str) -> Option<gapura_core::identity::User> {
        users::find(self.db(), &LoginName::typed(name).unwrap()).await.unwrap()
    }

    async fn posts(&self, user: &UserId) -> Vec<gapura_core::organization::Assignment> {
        assignments::of_user(self.db(), user).await.unwrap()
    }

    /// Everything but random keys, times and ciphertexts.
    async fn state(&self) -> Vec<String> {
        let mut state = Vec::new();
        for mut listed in users::directory(self.db()).await.unwrap() {
            let posts: Vec<_> = self
                .posts(&listed.id)
                .await
                .into_iter()
                .map(|post| (post.unit_id, post.position.name, post.kind, post.period))
                .collect();
            let numbers = login_names::numbers(self.db(), &listed.id).await.unwrap();
            let open = |sealed: Option<Vec<u8>>, context: &str| {
                sealed.map(|sealed| self.importer.sealer.open(context, &sealed).unwrap().expose().clone())
            };
            listed.profile.nik_sealed = open(listed.profile.nik_sealed, "users.nik");
            listed.profile.phone_sealed = open(listed.profile.phone_sealed, "users.phone");
            listed.profile.private_email_sealed = open(listed.profile.private_email_sealed, "users.private_email");
            listed.id = UserId::new("");
            state.push(format!("{listed:?} {posts:?} {}", numbers.len()));
        }
        state.sort();
        state
    }
}

const HEAD: &str = "PNS ID;NIP BARU;NAMA;NIK;NOMOR HP;EMAIL;EMAIL GOV;AGAMA NAMA;ALAMAT;JENIS PEGAWAI NAMA;\
                    KEDUDUKAN HUKUM NAMA;GOL AKHIR NAMA;JENIS JABATAN NAMA;JABATAN NAMA;ESELON NAMA;TMT JABATAN;\
                    UNOR ID;TMT PENSIUN";
const UNIT_A: &str = "C393FD0E1CC62BE5783646BF0324AAC3";
const UNIT_B: &str = "0B13A023AF11BAB1240F16A76490FD4A";
const SITI: &str = "A-1;198508172009042990;Siti Aminah;9901015708850001;081234567890;siti@example.com;\
                    siti@contoh.go.id;Islam;Jl. Rahasia 7;PNS;Aktif;III/a;Fungsional Umum;Bendahara Pengeluaran;;\
                    02-01-2024;C393FD0E1CC62BE5783646BF0324AAC3;01-09-2043";
const BUDI: &str = "B-2;198001012005011991;Budi Santoso;9901010101800002;081298765432;budi@example.com;;Islam;\
                    Jl. Rahasia 8;PNS;Aktif;IV/a;Struktural;Kepala Bidang;III.b;02-01-2024;\
                    C393FD0E1CC62BE5783646BF0324AAC3;01-02-2038";

fn staff(rows: &[&str]) -> Vec<u8> {
    format!("{HEAD}\n{}\n", rows.join("\n")).into_bytes()
}

//= ORG-01 test
#[tokio::test]
async fn the_organisation_tree_is_imported_once() {
    let city = City::empty().await;
    let first = city.import(Kind::Opd, &sample("opd.csv")).await;
    let tree = organization::tree(city.db()).await.unwrap();
    assert_eq!((first.applied, first.diff.new), (tree.len(), tree.len()));
    let again = city.import(Kind::Opd, &sample("opd.csv")).await;
    assert_eq!((again.applied, again.unchanged), (0, tree.len()));
    let school = tree.iter().find(|unit| unit.kind == "sekolah").unwrap();
    assert_eq!(tree.opd_of(&school.id).unwrap().short_name.as_deref(), Some("disdik"));
    assert!(tree.opd_named("diskominfo").unwrap().code.starts_with("2.16."));

    let renamed = String::from_utf8(sample("opd.csv")).unwrap().replace("Dinas Sosial", "Dinas Sosial dan Keluarga");
    let report = city.import(Kind::Opd, renamed.as_bytes()).await;
    assert!(report.diff.changed > 0 && report.diff.new == 0, "{:?}", report.diff);
    let opd = organization::tree(city.db()).await.unwrap();
    assert_eq!(opd.opd_named("dinsos").unwrap().name, "Dinas Sosial dan Keluarga");
}

#[tokio::test]
async fn a_tree_with_a_circle_or_without_a_root_is_refused() {
    let city = City::empty().await;
    let file = "id,kode,singkat,nama,jenis,induk\na,,,A,dinas,b\nb,,,B,unit,a\nc,,,C,unit,nowhere\nd,,d,D,dinas,\nd,,,D,unit,\n";
    let report = city.run(Kind::Opd, file.as_bytes(), (false, false)).await;
    let found: Vec<_> = report.errors.iter().map(|error| (error.row, error.code)).collect();
    assert_eq!(found, [(2, Code::UnitCircle), (3, Code::UnitCircle), (4, Code::UnknownUnit), (6, Code::DuplicateRow)]);
    assert!(organization::tree(city.db()).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_whole_city_is_imported_and_the_second_time_nothing_changes() {
    let city = City::with_units().await;
    let bytes = sample("siasn_data_utama.xlsx");
    let steps = Mutex::new(0);
    let request =
        Request { kind: Kind::Pegawai, file_name: "siasn.xlsx", bytes: &bytes, dry_run: false, skip_errors: false };
    let first = city.importer.import(&request, &|done, _| *steps.lock().unwrap() = done).await.unwrap();
    assert_eq!((first.rows, first.applied, first.unchanged, first.diff.new), (7012, 7012, 0, 7012));
    assert_eq!((first.errors.len(), first.queued.len()), (0, 0), "{}", first.text());
    assert_eq!(*steps.lock().unwrap(), 7012);
    assert_eq!(users::directory(city.db()).await.unwrap().len(), 7012);
    assert_eq!(assignments::current(city.db()).await.unwrap().len(), 7012);
    assert!(imports::unfinished(city.db()).await.unwrap().is_empty());

    let again = city.import(Kind::Pegawai, &bytes).await;
    assert_eq!((again.applied, again.unchanged), (0, 7012), "{}", again.text());
    assert_eq!(again.diff, Difference::default());

    let month_2 = city.run(Kind::Pegawai, &sample("siasn_data_utama_bulan2.xlsx"), (true, false)).await;
    let diff = month_2.diff;
    assert_eq!((month_2.rows, month_2.applied, month_2.unchanged), (7055, 0, 6808));
    assert_eq!((diff.new, diff.moved, diff.status, diff.names, diff.positions), (55, 142, 39, 10, 1));
    assert_eq!((diff.missing, diff.closed, diff.changed), (12, 33, 192));
    assert_eq!(month_2.warnings.iter().filter(|found| found.code == Code::RetiresLater).count(), 28);
    assert_eq!(users::directory(city.db()).await.unwrap().len(), 7012, "a dry run changes nothing");
}

/// Row, code: exactly the faulty rows of the sample, in a city that does not know its people yet.
//= BSSN4-2021#4.e test
#[tokio::test]
async fn the_faulty_file_is_refused_row_by_row() {
    let city = City::with_units().await;
    let report = city.run(Kind::Pegawai, &sample("siasn_bermasalah.xlsx"), (false, false)).await;
    let found = |findings: &[Finding]| findings.iter().map(|found| (found.row, found.code)).collect::<Vec<_>>();
    assert_eq!(report.rows, 20);
    assert_eq!(
        found(&report.errors),
        [(5, Code::NumericNip), (8, Code::NipLength), (17, Code::Formula), (18, Code::DuplicateNip)]
    );
    assert_eq!(
        found(&report.queued),
        [(14, Code::SecondPost), (15, Code::UnknownUnit), (23, Code::UnknownLegalStatus)]
    );
    assert_eq!(
        found(&report.warnings),
        [
            (9, Code::NumericNik),
            (10, Code::BirthDateDiffers),
            (12, Code::GenderDiffers),
            (20, Code::BirthDateDiffers),
            (21, Code::ForeignMail)
        ]
    );
    assert!(report.errors.iter().all(|error| !error.text.is_empty() && !error.column.is_empty()));
    assert_eq!((report.applied, report.unchanged), (0, 0));
    assert!(users::directory(city.db()).await.unwrap().is_empty(), "with an error in any row nothing is applied");
    assert!(imports::unfinished(city.db()).await.unwrap().is_empty());

    let skipped = city.run(Kind::Pegawai, &sample("siasn_bermasalah.xlsx"), (false, true)).await;
    assert_eq!((skipped.rows, skipped.applied, skipped.errors.len()), (20, 16, 4));
    assert_eq!(users::directory(city.db()).await.unwrap().len(), 15);
    assert_eq!(imports::open_queue(city.db()).await.unwrap().len(), 3);

    let again = city.run(Kind::Pegawai, &sample("siasn_bermasalah.xlsx"), (false, true)).await;
    assert_eq!((again.applied, again.unchanged), (0, 16), "{}", again.text());
    assert_eq!(imports::open_queue(city.db()).await.unwrap().len(), 3, "what waits is not queued again");
}

//= SEC-07 test
#[tokio::test]
async fn only_the_kept_columns_are_stored_and_private_ones_only_sealed() {
    let city = City::small().await;
    city.db().close().await;
    let mut seen = 0;
    for entry in std::fs::read_dir(city.folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        seen += usize::from(text.contains("Siti Aminah"));
        for secret in
            ["9901015708850001", "81234567890", "Jl. Rahasia", "Islam", "9901010101800002", "siti@example.com"]
        {
            assert!(!text.contains(secret), "{secret}");
        }
    }
    assert!(seen > 0, "the right files were searched");
}

//= HR-07 test
#[tokio::test]
async fn a_corrected_number_keeps_the_account_and_the_old_number_as_history() {
    let city = City::small().await;
    let before = city.user("198508172009042990").await.unwrap();
    city.importer.clock.advance(std::time::Duration::from_secs(60));
    let report =
        city.import(Kind::Pegawai, &staff(&[&SITI.replace("198508172009042990", "198508162009042990"), BUDI])).await;
    assert_eq!((report.applied, report.unchanged), (1, 1));
    let after = city.user("19850816 200904 2 990").await.unwrap();
    assert_eq!((&after.id, &after.sub), (&before.id, &before.sub));
    assert!(city.user("198508172009042990").await.is_none(), "nobody signs in with the old number");
    let history = login_names::numbers(city.db(), &after.id).await.unwrap();
    assert_eq!(history.len(), 2);
    assert!(history[0].1.is_some() && history[1].1.is_none());

    let stolen =
        staff(&[BUDI, "C-3;198508172009042990;Orang Lain;;;;;;;PNS;Aktif;;;Staf;;;C393FD0E1CC62BE5783646BF0324AAC3;"]);
    let report = city.run(Kind::Pegawai, &stolen, (false, false)).await;
    assert_eq!(report.errors[0].code, Code::NameTaken, "a former number is never given to another person");
}

//= SSO-02 test
#[tokio::test]
async fn a_second_account_for_an_active_number_or_nik_is_refused() {
    let city = City::small().await;
    for (row, column) in [
        (SITI.replace("A-1;", "Z-9;"), "NIP BARU"),
        (SITI.replace("A-1;198508172009042990", "Z-9;198508172009042991"), "NIK"),
    ] {
        let report = city.run(Kind::Pegawai, &staff(&[&row]), (false, true)).await;
        assert_eq!(report.errors.len(), 1);
        assert_eq!((report.errors[0].code, report.errors[0].column.as_str()), (Code::SecondAccount, column));
        assert_eq!(report.applied, 0);
    }
}

#[tokio::test]
async fn a_move_ends_one_post_and_begins_another_on_the_same_day() {
    let city = City::small().await;
    let report = city.import(Kind::Pegawai, &staff(&[SITI, &BUDI.replace(UNIT_A, UNIT_B)])).await;
    assert_eq!((report.diff.moved, report.diff.changed, report.unchanged), (1, 1, 1));
    let budi = city.user("198001012005011991").await.unwrap();
    let posts = city.posts(&budi.id).await;
    let today = Zone::Jakarta.today(NOW);
    let old = posts.iter().find(|post| post.unit_id.as_str() == UNIT_A).unwrap();
    let new = posts.iter().find(|post| post.unit_id.as_str() == UNIT_B).unwrap();
    assert_eq!((old.period.until, new.period.from, new.period.until), (Some(today), today, None));
    let again = city.import(Kind::Pegawai, &staff(&[SITI, &BUDI.replace(UNIT_A, UNIT_B)])).await;
    assert_eq!((again.applied, again.unchanged), (0, 2));
}

#[tokio::test]
async fn the_legal_status_decides_the_account() {
    let city = City::small().await;
    let with = |status: &str, tmt: &str| {
        staff(&[SITI, &BUDI.replace(";Aktif;", &format!(";{status};")).replace("01-02-2038", tmt)])
    };
    let today = Zone::Jakarta.today(NOW);
    for (status, tmt, want) in [
        ("CLTN", "01-02-2038", Status::Limited),
        ("Pemberhentian sementara", "01-02-2038", Status::Suspended),
        ("Aktif", "01-02-2038", Status::Active),
        ("Pensiun", "01-01-2027", Status::Active),
        ("Pensiun", "01-11-2026", Status::Closed),
    ] {
        let report = city.import(Kind::Pegawai, &with(status, tmt)).await;
        assert_eq!(report.applied, 1, "{status} {tmt}");
        let budi = city.user("198001012005011991").await.unwrap();
        assert_eq!(budi.status, want, "{status} {tmt}");
        if want == Status::Active && status == "Pensiun" {
            assert!(budi.may_sign_in(today));
            assert!(!budi.may_sign_in("2027-01-01".parse().unwrap()), "closed at TMT");
        }
    }
    let budi = city.user("198001012005011991").await.unwrap();
    assert!(budi.epoch > 0, "sessions and tokens ended");
    assert!(city.posts(&budi.id).await.iter().all(|post| !post.period.contains(today)));
    let back = city.import(Kind::Pegawai, &with("Aktif", "01-02-2038")).await;
    assert_eq!(back.applied, 1);
    let again = city.user("198001012005011991").await.unwrap();
    assert_eq!((&again.id, &again.sub, again.status), (&budi.id, &budi.sub, Status::Active), "the same account");
    assert!(city.posts(&budi.id).await.iter().any(|post| post.period.contains(today)));
}

#[tokio::test]
async fn an_account_that_an_officer_disabled_stays_disabled() {
    let city = City::small().await;
    let id = city.user("198001012005011991").await.unwrap().id;
    let disabled = id.clone();
    city.db().write(async move |tx| users::set_status(tx, &disabled, Status::Disabled, NOW).await).await.unwrap();
    city.import(Kind::Pegawai, &staff(&[SITI, &BUDI.replace("IV/a", "IV/b")])).await;
    let budi = users::by_id(city.db(), &id).await.unwrap().unwrap();
    assert_eq!((budi.status, budi.golongan.as_deref()), (Status::Disabled, Some("IV/b")));
}

#[tokio::test]
async fn who_is_missing_is_marked_and_keeps_everything() {
    let city = City::with_units().await;
    let person =
        |n: usize| BUDI.replace("B-2;19800101", &format!("P-{n};19800{}", 101 + n)).replace("9901010101800002", "-");
    let all: Vec<String> = (0..20).map(person).collect();
    let rows: Vec<&str> = all.iter().map(String::as_str).collect();
    city.import(Kind::Pegawai, &staff(&rows)).await;
    let report = city.import(Kind::Pegawai, &staff(&rows[1..])).await;
    assert_eq!((report.diff.missing, report.unchanged), (1, 19));
    let absent = |listed: Vec<users::Listed>| listed.iter().filter(|one| one.absent_since.is_some()).count();
    assert_eq!(absent(users::directory(city.db()).await.unwrap()), 1);
    assert!(city.user("198001012005011991").await.unwrap().may_sign_in(Zone::Jakarta.today(NOW)));
    city.import(Kind::Pegawai, &staff(&rows)).await;
    assert_eq!(absent(users::directory(city.db()).await.unwrap()), 0);
    let part = city.import(Kind::Pegawai, &staff(&rows[..3])).await;
    assert_eq!(part.diff.missing, 17);
    assert_eq!(absent(users::directory(city.db()).await.unwrap()), 0, "a part of the personnel marks nobody");
}

//= EX-01 test
//= DOM-03 test
#[tokio::test]
async fn people_without_a_number_sign_in_by_account_name_or_official_mail() {
    let city = City::with_units().await;
    let report = city.import(Kind::Akun, &sample("akun_lain.csv")).await;
    assert_eq!((report.rows, report.applied), (115, 115));
    let mayor = city.user("Oman.Maulana").await.unwrap();
    assert_eq!((mayor.kind, mayor.employee_number.as_deref()), (UserKind::PejabatNegara, None));
    assert_eq!(city.user("oman.maulana.p@contoh.go.id").await.unwrap().id, mayor.id);
    let listed = users::directory(city.db()).await.unwrap();
    let sealed = listed.iter().find(|one| one.id == mayor.id).unwrap().profile.private_email_sealed.clone().unwrap();
    let opened = city.importer.sealer.open("users.private_email", &sealed).unwrap();
    assert_eq!(opened.expose(), b"oman.maulana@example.net");
    assert!(city.user("oman.maulana@example.net").await.is_none(), "private mail is never a login name");
    assert_eq!(city.posts(&mayor.id).await[0].position.name, "Wali Kota");
    let vendors: Vec<_> = listed.iter().filter(|one| one.profile.kind == UserKind::Vendor).collect();
    assert_eq!(vendors.len(), 8);
    for vendor in vendors {
        assert!(vendor.profile.sponsor_opd.is_some() && vendor.profile.validity.unwrap().until.is_some());
        assert!(city.posts(&vendor.id).await.is_empty());
    }
    let again = city.import(Kind::Akun, &sample("akun_lain.csv")).await;
    assert_eq!((again.applied, again.unchanged), (0, 115));
}

#[tokio::test]
async fn contract_staff_and_vendors_need_a_sponsor_and_an_end() {
    let city = City::with_units().await;
    let file = "nama_akun,nama,jenis,opd_sponsor,unit_id,jabatan,berlaku_mulai,berlaku_sampai\n\
                satu.a,Satu,vendor,,,,2026-01-01,2026-12-31\n\
                dua.b,Dua,non_asn,diskominfo,,,2026-01-01,\n\
                tiga.c,Tiga,vendor,entah,,,2026-01-01,2026-12-31\n\
                empat.d,Empat,non_asn,diskominfo,,,2026-12-31,2026-01-01\n\
                lima.e,Lima,asn_pns,diskominfo,,,,\n\
                123456,Enam,dprd,setwan,,,,\n\
                tujuh.g,Tujuh,dprd,setwan,,,,\n";
    let report = city.run(Kind::Akun, file.as_bytes(), (false, true)).await;
    let found: Vec<_> = report.errors.iter().map(|error| (error.row, error.code)).collect();
    assert_eq!(
        found,
        [
            (2, Code::Missing),
            (3, Code::Missing),
            (4, Code::UnknownOpd),
            (5, Code::EndBeforeBegin),
            (6, Code::UnknownWord),
            (7, Code::BadAccountName)
        ]
    );
    assert_eq!(report.applied, 1);
    assert!(city.user("tujuh.g").await.is_some());
}

#[tokio::test]
async fn acting_assignments_stand_beside_the_definitive_post() {
    let city = City::small().await;
    let head = "nip,nama,jenis,jabatan,unit_id,mulai,sampai,nomor_sk,tanggal_sk\n";
    let row = format!(
        "198508172009042990,Siti Aminah,Plt,Kepala Bidang,{UNIT_B},2026-11-01,2027-01-29,800/1/2026,2026-10-30\n"
    );
    let report = city.import(Kind::Penugasan, format!("{head}{row}").as_bytes()).await;
    assert_eq!((report.applied, report.warnings.len()), (1, 0));
    let siti = city.user("198508172009042990").await.unwrap();
    let posts = city.posts(&siti.id).await;
    let acting = posts.iter().find(|post| post.kind == AssignmentKind::Plt).unwrap();
    assert_eq!(acting.period.until, "2027-01-30".parse().ok(), "sampai is the last day");
    assert_eq!(acting.position.eselon.as_deref(), Some("III.b"), "an acting head holds the eselon of the post");
    assert_eq!(posts.len(), 2);
    assert_eq!(city.import(Kind::Penugasan, format!("{head}{row}").as_bytes()).await.unchanged, 1);
    let longer = row.replace("2027-01-29", "2027-04-29");
    assert_eq!(city.import(Kind::Penugasan, format!("{head}{longer}").as_bytes()).await.diff.changed, 1);
    assert_eq!(city.posts(&siti.id).await.len(), 2);
    let staff_kept = city.import(Kind::Pegawai, &staff(&[SITI, BUDI])).await;
    assert_eq!(staff_kept.unchanged, 2, "the personnel file leaves acting posts alone");

    let wrong =
        format!("{head}199999999999999999,Hantu,Plt,X,{UNIT_B},2026-11-01,2027-01-29,,\n{}", row.replace("Plt", "Plx"));
    let report = city.run(Kind::Penugasan, wrong.as_bytes(), (false, false)).await;
    let found: Vec<_> = report.errors.iter().map(|error| (error.row, error.code)).collect();
    assert_eq!(found, [(2, Code::UnknownPerson), (3, Code::UnknownWord)]);
}

//= APP-01 test
#[tokio::test]
async fn applications_and_rules_decide_who_enters() {
    let city = City::small().await;
    let report = city.import(Kind::Aplikasi, &sample("aplikasi.csv")).await;
    assert_eq!((report.applied, report.diff.new), (22, 22));
    assert_eq!(city.import(Kind::Peran, &sample("pemetaan_peran.csv")).await.applied, 18);
    assert_eq!(city.import(Kind::Aplikasi, &sample("aplikasi.csv")).await.unchanged, 22);
    assert_eq!(city.import(Kind::Peran, &sample("pemetaan_peran.csv")).await.unchanged, 18);
    let catalog = rules::catalog(city.db()).await.unwrap();
    let tree = organization::tree(city.db()).await.unwrap();
    let finance = catalog.find("sipd keuangan").unwrap();
    let today = Zone::Jakarta.today(NOW);
    let mut decided = Vec::new();
    for number in ["198508172009042990", "198001012005011991"] {
        let id = city.user(number).await.unwrap().id;
        let standing = standing::of_user(city.db(), &id).await.unwrap().unwrap();
        decided.push(entitlement(&standing, finance, &tree, today).roles);
        assert!(entitlement(&standing, catalog.find("e-Presensi").unwrap(), &tree, today).may_enter());
    }
    assert_eq!(decided, [vec!["bendahara".to_owned()], Vec::new()]);

    let typeless = "nama,jenis,opd_pemilik,peran,bidang\nBaru,,diskominfo,admin,\nLain,sedang,diskominfo,admin,\n";
    let report = city.run(Kind::Aplikasi, typeless.as_bytes(), (false, false)).await;
    let found: Vec<_> = report.errors.iter().map(|error| (error.row, error.code)).collect();
    assert_eq!(found, [(2, Code::Missing), (3, Code::UnknownWord)], "umum or khusus must be said");
    let rules = "aplikasi,peran,opd,jabatan,eselon\nTiada,admin,*,*,*\nSIMRS,raja,*,*,*\nSIMRS,dokter,entah,*,*\nSIMRS,dokter,,*,*\n";
    let report = city.run(Kind::Peran, rules.as_bytes(), (false, false)).await;
    let found: Vec<_> = report.errors.iter().map(|error| (error.row, error.code)).collect();
    assert_eq!(
        found,
        [(2, Code::UnknownApplication), (3, Code::UnknownRole), (4, Code::UnknownOpd), (5, Code::Missing)]
    );
}

#[tokio::test]
async fn an_import_that_was_cut_off_is_visible_and_goes_on_to_the_same_state() {
    let bytes = people_file(100);
    let whole = City::with_units().await;
    whole.import(Kind::Pegawai, &bytes).await;

    for cut in [1, 40, 99] {
        let city = City::with_units().await;
        let request =
            Request { kind: Kind::Pegawai, file_name: "b.csv", bytes: &bytes, dry_run: false, skip_errors: false };
        let done = AtomicUsize::new(0);
        let hear = |stored, _| done.store(stored, Ordering::SeqCst);
        let killed = async {
            let running = city.importer.import(&request, &hear);
            tokio::pin!(running);
            loop {
                // Dropping the future where it stands is what kill -9 leaves in the store.
                tokio::select! {
                    biased;
                    () = std::future::ready(()), if done.load(Ordering::SeqCst) >= cut => break false,
                    _ = &mut running => break true,
                    () = tokio::task::yield_now() => {}
                }
            }
        };
        assert!(!killed.await, "it was cut before its end");
        let left = imports::unfinished(city.db()).await.unwrap();
        assert_eq!(left.len(), 1, "the batch is visible as cut off");
        if cut < 99 {
            assert!(!imports::items(city.db(), &left[0].id).await.unwrap().is_empty());
        }
        assert!(matches!(city.importer.import(&request, &|_, _| ()).await, Err(ImportError::Unfinished(_))));
        let resumed = city.importer.resume(&|_, _| ()).await.unwrap();
        assert_eq!(resumed.len(), 1);
        assert_eq!((resumed[0].report.rows, resumed[0].report.applied), (100, 100));
        assert!(imports::items(city.db(), &left[0].id).await.unwrap().is_empty(), "sealed items are deleted");
        assert!(imports::unfinished(city.db()).await.unwrap().is_empty());
        assert_eq!(city.state().await, whole.state().await);
        assert!(city.importer.resume(&|_, _| ()).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_batch_cut_off_before_it_changed_anything_leaves_with_its_items() {
    let city = City::with_units().await;
    let id = gapura_core::id::BatchId::new("b1");
    let batch = imports::Batch {
        id: id.clone(),
        kind: "pegawai".to_owned(),
        file_name: "b.csv".to_owned(),
        file_digest: String::new(),
        state: imports::BatchState::Preparing,
        total: 0,
        started_at: NOW,
        actor: "{}".to_owned(),
        report: None,
    };
    let kept = id.clone();
    city.db()
        .write(async move |tx| {
            imports::begin(tx, &batch).await?;
            imports::add_item(tx, &kept, 0, b"sealed").await
        })
        .await
        .unwrap();
    city.import(Kind::Pegawai, &staff(&[SITI])).await;
    assert_eq!(imports::unfinished(city.db()).await.unwrap().len(), 1, "it may still be running");
    city.importer.clock.advance(std::time::Duration::from_secs(2 * 3600));
    city.import(Kind::Pegawai, &staff(&[SITI])).await;
    assert!(imports::unfinished(city.db()).await.unwrap().is_empty());
    assert!(imports::items(city.db(), &id).await.unwrap().is_empty());
}

fn people_file(count: usize) -> Vec<u8> {
    let row = |n: usize| {
        BUDI.replace("B-2;198001012005011991", &format!("P-{n};1980010120050119{n:02}"))
            .replace("9901010101800002", &format!("99010101018{n:05}"))
    };
    let rows: Vec<String> = (0..count).map(row).collect();
    staff(&rows.iter().map(String::as_str).collect::<Vec<_>>())
}

fn workbook(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in parts {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[tokio::test]
async fn bombs_macros_and_links_are_refused_before_reading() {
    let city = City::empty().await;
    let zeros = vec![0_u8; 65 * 1024 * 1024];
    let bomb = workbook(&[("xl/worksheets/sheet1.xml", &zeros)]);
    assert!(bomb.len() < 1024 * 1024, "small outside");
    assert_eq!(city.refuses(Kind::Pegawai, &bomb).await, FileRefused::PartTooLarge);
    let ratio = workbook(&[("xl/sharedStrings.xml", &zeros[..1024 * 1024])]);
    assert_eq!(city.refuses(Kind::Pegawai, &ratio).await, FileRefused::Ratio);
    let macros = workbook(&[("xl/workbook.xml", b"<a/>"), ("xl/vbaProject.bin", b"x")]);
    assert_eq!(city.refuses(Kind::Pegawai, &macros).await, FileRefused::Macros);
    let links = workbook(&[("xl/workbook.xml", b"<a/>"), ("xl/externalLinks/externalLink1.xml", b"<a/>")]);
    assert_eq!(city.refuses(Kind::Pegawai, &links).await, FileRefused::ExternalLinks);
    let empty = workbook(&[("hello.txt", b"hello")]);
    assert_eq!(city.refuses(Kind::Pegawai, &empty).await, FileRefused::NotAWorkbook);
    let rows = format!("{HEAD}\n{}", "A;1\n".repeat(200_000));
    assert_eq!(city.refuses(Kind::Pegawai, rows.as_bytes()).await, FileRefused::TooManyRows);
    assert_eq!(city.refuses(Kind::Pegawai, &zeros).await, FileRefused::FileTooLarge);
}

/// The directory says 10 bytes; the part unpacks to 65 MiB.
#[tokio::test]
async fn a_directory_that_lies_about_sizes_is_found_out() {
    let city = City::empty().await;
    let zeros = vec![0_u8; 65 * 1024 * 1024];
    let mut bomb = workbook(&[("xl/worksheets/sheet1.xml", &zeros)]);
    let size = u32::try_from(zeros.len()).unwrap().to_le_bytes();
    let mut at = 0;
    while let Some(found) = bomb[at..].windows(4).position(|window| window == size) {
        bomb[at + found..at + found + 4].copy_from_slice(&10_u32.to_le_bytes());
        at += found + 4;
    }
    assert!(at > 0, "the size was found");
    let refused = city.refuses(Kind::Pegawai, &bomb).await;
    assert!(
        matches!(refused, FileRefused::PartTooLarge | FileRefused::Ratio | FileRefused::NotAWorkbook),
        "{refused:?}"
    );
}
