//! After a full run over the sample city, logs and database hold no NIK, no telephone number, no private
//! e-mail address, no password and no token in clear (SEC-07).

use std::{
    collections::{HashMap, HashSet},
    fs,
};

use calamine::{Reader as _, Xlsx, open_workbook};
use gapura_tests::{
    Pair,
    browser::Browser,
    on_both_pairs,
    provider::{Provider, samples},
    relying_party::RelyingParty,
    sample::{PASSWORD, TEACHER, register},
    servers::postgres,
    wire,
};
use url::Url;

on_both_pairs!(nothing_secret_is_written_in_clear);

/// What people type into the wrong field.
const MISTYPED: &str = "sandi-di-kolom-nama-7781";

//= SEC-07 test
//= BSSN4-2021#6.c test
async fn nothing_secret_is_written_in_clear(pair: Pair) {
    let mut provider = Provider::sample_city(pair);
    let url = "https://presensi.kota-contoh.go.id";
    let secret = register(&provider, "presensi", "e-Presensi", url);
    provider.serve();
    let public = Url::parse(&provider.public_url).unwrap();
    let router = wire::router(provider.port());
    let rp = RelyingParty::new(
        router.clone(),
        public.clone(),
        "presensi",
        Some(secret.clone()),
        &format!("{url}/auth/callback"),
    );
    let mut written = use_everything(&rp, &mut Browser::new(router, public)).await;
    provider.gapura(&["user", "disable", TEACHER.login]);
    written.extend([secret, PASSWORD.to_owned(), MISTYPED.to_owned()]);
    // A private address of the file of other accounts; official ones are login names and stand in clear.
    written.push("oman.maulana@example.net".to_owned());
    let log = provider.log();
    assert!(log.lines().count() > 3, "the log was read");
    provider.stop();

    let mut kept = vec![("log", log.clone().into_bytes())];
    match &provider.database {
        Some(url) => kept.push(("database", bytes_in_clear(&postgres().dump(url)))),
        None => {
            for file in ["gapura.db", "gapura.db-wal"] {
                kept.push(("database", fs::read(provider.folder().join(file)).unwrap_or_default()));
            }
        }
    }
    let read = kept.iter().any(|(place, bytes)| *place == "database" && holds(bytes, TEACHER.login.as_bytes()));
    assert!(read, "what was read is the database: it knows the teacher's NIP");
    let numbers = numbers();
    for (place, bytes) in &kept {
        // Every private address of the sample is under one of these, no official one is.
        for domain in ["@example.com", "@example.net"] {
            assert!(!holds(bytes, domain.as_bytes()), "{place} holds a private e-mail address");
        }
        assert_eq!(digits_of(bytes, &numbers), Vec::<String>::new(), "{place} holds numbers of people");
        for secret in &written {
            assert!(!holds(bytes, secret.as_bytes()), "{place} holds {secret}");
        }
    }
    assert!(!holds(log.as_bytes(), TEACHER.login.as_bytes()), "the log holds a NIP");
}

/// Signs in wrongly and rightly, uses every endpoint, signs out; every secret that crossed the wire.
async fn use_everything(rp: &RelyingParty, browser: &mut Browser) -> Vec<String> {
    let mut secrets = Vec::new();
    let started = rp.start(&[]);
    browser.follow(&rp.redirect_uri, &started.url).await;
    browser.submit("password", &[("username", MISTYPED), ("password", "x")]).await;
    browser.submit("password", &[("username", TEACHER.login), ("password", MISTYPED)]).await;
    let page = browser.submit("password", &[("username", TEACHER.login), ("password", PASSWORD)]).await;
    let code = rp.code(&started, &page);
    let tokens = rp.redeem(&started, &code).await;
    secrets.extend([code, started.verifier.clone(), tokens.access_token(), tokens.id_token_sent()]);
    rp.userinfo(&tokens.access_token()).await;
    rp.introspect(&tokens.access_token()).await;
    let again = rp.checked(&rp.refresh(&tokens.refresh_token()).await).await;
    for token in [&tokens, &again] {
        // The part that is secret; the id before it is the key of a row.
        secrets.push(token.refresh_token().split('.').next_back().unwrap().to_owned());
    }
    secrets.push(again.access_token());
    secrets.extend(browser.cookies().iter().map(|(_, value)| value.clone()).filter(|value| value.len() > 20));
    let hint = tokens.id_token_sent();
    browser.open(&format!("/logout?id_token_hint={hint}")).await;
    browser.open("/authorize?client_id=presensi&redirect_uri=https%3A%2F%2Fexample.com").await;
    secrets
}

/// Every NIK and telephone number of the sample city, by length.
fn numbers() -> HashMap<usize, HashSet<Vec<u8>>> {
    let mut book: Xlsx<_> = open_workbook(samples().join("siasn_data_utama.xlsx")).unwrap();
    let sheet = book.worksheet_range_at(0).unwrap().unwrap();
    let mut rows = sheet.rows();
    let heading = rows.next().unwrap().iter().map(ToString::to_string).collect::<Vec<_>>();
    let columns = ["NIK", "NOMOR HP"].map(|name| heading.iter().position(|have| have == name).unwrap());
    let mut numbers: HashMap<usize, HashSet<Vec<u8>>> = HashMap::new();
    for row in rows {
        for column in columns {
            let digits = row[column].to_string().bytes().filter(u8::is_ascii_digit).collect::<Vec<_>>();
            // With and without the leading zero or country code, as a normal form may write it.
            let bare = digits.strip_prefix(b"0").unwrap_or(&digits).to_vec();
            if bare.len() >= 9 {
                numbers.entry(bare.len()).or_default().insert(bare);
            }
        }
    }
    assert!(numbers.values().map(HashSet::len).sum::<usize>() > 10_000);
    numbers
}

/// A dump writes bytes as `'\x..'`: read as digits they hold any number by chance, and a number stored as bytes
/// would not be seen in them. Here they stand as the bytes they are.
fn bytes_in_clear(dump: &str) -> Vec<u8> {
    let mut pieces = dump.split("'\\x");
    let mut clear = pieces.next().unwrap().as_bytes().to_vec();
    for piece in pieces {
        let (hex, rest) = piece.split_once('\'').unwrap();
        let bytes = hex.as_bytes().chunks(2).map(|two| u8::from_str_radix(str::from_utf8(two).unwrap(), 16).unwrap());
        clear.push(b'\'');
        clear.extend(bytes);
        clear.push(b'\'');
        clear.extend_from_slice(rest.as_bytes());
    }
    clear
}

fn digits_of(bytes: &[u8], numbers: &HashMap<usize, HashSet<Vec<u8>>>) -> Vec<String> {
    let mut found = Vec::new();
    for run in bytes.split(|byte| !byte.is_ascii_digit()).filter(|run| run.len() >= 9) {
        for (length, known) in numbers {
            for window in run.windows(*length).filter(|window| known.contains(*window)) {
                found.push(String::from_utf8_lossy(window).into_owned());
            }
        }
    }
    found
}

fn holds(haystack: &[u8], needle: &[u8]) -> bool {
    let mut from = 0;
    while let Some(at) = haystack[from..].iter().position(|byte| *byte == needle[0]) {
        from += at;
        if haystack[from..].starts_with(needle) {
            return true;
        }
        from += 1;
    }
    false
}
