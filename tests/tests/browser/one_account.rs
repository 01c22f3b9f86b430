//! Pasal 31A as a person meets it: one account, three applications.

use std::time::{Duration, Instant};

use gapura_tests::{
    Pair,
    chromium::Chromium,
    on_both_pairs,
    provider::Provider,
    sample::{self, Application, COUNCILLOR, MAYOR, PASSWORD, Person, TEACHER, TREASURER, VENDOR},
};

on_both_pairs!(a_teacher_has_one_account, people_without_nip_sign_in, a_treasurer_enters_and_a_vendor_does_not);

/// How long a page of this machine may take to come up on a loaded one.
const PATIENCE: Duration = Duration::from_secs(20);

struct City {
    /// Kept alive: dropping it ends the server.
    _provider: Provider,
    applications: [Application; 3],
    chromium: Chromium,
}

impl City {
    async fn open(pair: Pair) -> Self {
        let mut provider = Provider::sample_city(pair);
        let applications = sample::open(&mut provider);
        Self { _provider: provider, applications, chromium: Chromium::start().await }
    }

    fn presensi(&self) -> &str {
        &self.applications[0].url
    }

    fn kinerja(&self) -> &str {
        &self.applications[1].url
    }

    fn keuangan(&self) -> &str {
        &self.applications[2].url
    }

    /// The application's page shows who the person is and what the application may know.
    async fn shows(&self, person: &Person, role: &str) {
        let page = &self.chromium;
        page.until_text(person.name, PATIENCE).await;
        assert!(page.the("#opd").await.text().await.unwrap().contains(person.opd));
        assert!(page.the("#jabatan").await.text().await.unwrap().contains(person.position));
        assert!(page.the("#penugasan").await.text().await.unwrap().contains(person.unit));
        let roles = page.the("#roles").await.text().await.unwrap();
        assert!(roles.split(", ").any(|held| held == role), "{roles}");
    }
}

//= SSO-01 test
//= ASN-03 test
//= DEV-09 test
//= OIDC-BACKCHANNEL#2.7 test
async fn a_teacher_has_one_account(pair: Pair) {
    let city = City::open(pair).await;
    let page = &city.chromium;

    // Signs in at the first with the NIP as the decree prints it.
    page.open(city.presensi()).await;
    page.sign_in("19840414 200803 2 994", PASSWORD).await;
    city.shows(&TEACHER, "pegawai").await;

    // Opens the second without a prompt.
    page.open(city.kinerja()).await;
    city.shows(&TEACHER, "pegawai").await;

    // Is refused at the third, with the reason in words.
    page.open(city.keuangan()).await;
    page.until_text("SIPD Keuangan", PATIENCE).await;
    let error = page.the("#error").await;
    assert_eq!(error.attr("data-code").await.unwrap().as_deref(), Some("access_denied"));
    let told = page.text().await;
    for said in ["Oktavia Wijaya Herlina", "Guru Ahli Madya", "Bendahara Pengeluaran", "eselon II.b"] {
        assert!(told.contains(said), "the refusal does not say \"{said}\":\n{told}");
    }
    assert!(!page.the("#reference").await.text().await.unwrap().is_empty());

    // Signs out at the first, and is out at both within two seconds.
    page.open(city.presensi()).await;
    city.shows(&TEACHER, "pegawai").await;
    sign_out(page).await;
    let out = Instant::now();
    page.open(city.kinerja()).await;
    while !page.has("[name=password]").await {
        assert!(out.elapsed() < Duration::from_secs(2), "still signed in at e-Kinerja:\n{}", page.text().await);
        page.open(city.kinerja()).await;
    }
    page.open(city.presensi()).await;
    page.the("[name=password]").await;
    city.chromium.quit().await;
}

//= EX-01 test
async fn people_without_nip_sign_in(pair: Pair) {
    let city = City::open(pair).await;
    for person in [MAYOR, COUNCILLOR] {
        let page = &city.chromium;
        page.open(city.presensi()).await;
        page.sign_in(person.login, PASSWORD).await;
        city.shows(&person, "pegawai").await;
        sign_out(page).await;
    }
    city.chromium.quit().await;
}

async fn a_treasurer_enters_and_a_vendor_does_not(pair: Pair) {
    let city = City::open(pair).await;
    let page = &city.chromium;
    page.open(city.keuangan()).await;
    page.sign_in(TREASURER.login, PASSWORD).await;
    city.shows(&TREASURER, "bendahara").await;
    sign_out(page).await;

    page.open(city.presensi()).await;
    page.sign_in(VENDOR.login, PASSWORD).await;
    page.until_text(VENDOR.name, PATIENCE).await;
    assert_eq!(page.the("#error").await.attr("data-code").await.unwrap().as_deref(), Some("access_denied"));
    city.chromium.quit().await;
}

/// Signs out at the application shown, and confirms at the provider if it asks.
async fn sign_out(page: &Chromium) {
    page.click("#sign-out").await;
    if page.url().await.contains("/keluar") || page.has("form[action='/keluar']").await {
        page.click("form button[type=submit]").await;
    }
}
