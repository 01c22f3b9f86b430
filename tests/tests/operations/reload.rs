//! Settings that change while the server serves.

use std::fs;

use gapura_tests::{
    Pair,
    provider::{Provider, signal},
    servers::wait_until,
    wire,
};

/// A page without any application behind it; its foot names the city.
async fn page(provider: &Provider) -> String {
    wire::get(&wire::router(provider.port()), "/authorize").await.1
}

async fn shows(provider: &Provider, city: &str) {
    let begun = std::time::Instant::now();
    loop {
        let shown = page(provider).await;
        if shown.contains(city) {
            return;
        }
        assert!(begun.elapsed().as_secs() < 60, "no page of {city}: {shown}\n{}", provider.log());
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_change_is_taken_over_and_what_may_not_is_named() {
    let mut provider = Provider::new(Pair::SqliteMemory);
    let file = provider.folder().join("satu.toml");
    let begun_with = fs::read_to_string(&file).unwrap();
    let write = |more: &str| fs::write(&file, format!("{begun_with}{more}")).unwrap();
    provider.serve();
    shows(&provider, "Kota Contoh").await;

    write("[city]\nname = \"Kota Baru\"\nzone = \"Asia/Jayapura\"\n[passwords]\nqueue = 7\n");
    signal("HUP", provider.pid());
    shows(&provider, "Kota Baru").await;
    let log = provider.log();
    let line = |words: &str| log.lines().find(|line| line.contains(words)).unwrap_or_else(|| panic!("{words}: {log}"));
    let stays = line("need a restart");
    assert!(
        stays.contains("city.zone") && stays.contains("passwords.queue") && !stays.contains("city.name"),
        "{stays}"
    );
    assert!(line("settings read again").contains("city.name"), "{log}");

    // A broken file changes nothing, and its line is named.
    write("[city]\nnama = \"Kota Rusak\"\n");
    signal("HUP", provider.pid());
    wait_until("the complaint", || provider.log().contains("the old ones stay"), || provider.log());
    let count = begun_with.lines().count() + 2;
    assert!(provider.log().contains(&format!("line {count}")) && provider.log().contains("nama"), "{}", provider.log());
    shows(&provider, "Kota Baru").await;

    // Without a signal it is seen too.
    write("[city]\nname = \"Kota Lain\"\n");
    shows(&provider, "Kota Lain").await;
    assert_eq!(provider.stop(), Some(0));
}
