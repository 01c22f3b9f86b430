//! The uplink of the city is down: a machine with nothing but its own loopback still lets people sign in.

use std::{
    net::{SocketAddr, TcpStream},
    os::unix::fs::MetadataExt as _,
    process::Command,
    time::Duration,
};

use gapura_tests::{Pair, office::Office, run, servers::wait_until};

use super::receiver::{Receiver, claims};

/// Runs the tests below in a network of their own, in which nothing but loopback exists.
//= SSO-10 test
#[test]
fn with_the_uplink_cut_people_sign_in_and_out() {
    let is_root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    // PostgreSQL has a user of its own, whom only root can be.
    let (apart, pairs) = if is_root { ("--net", "") } else { ("--map-root-user --net", "::sqlite") };
    let inside = "PATH=$PATH:/usr/sbin:/sbin ip link set lo up && exec \"$@\"";
    let mut command = Command::new("unshare");
    command.args(apart.split(' ')).args(["sh", "-c", inside, "sh"]).arg(std::env::current_exe().unwrap());
    command.args([&format!("faults::cut_off::alone{pairs}"), "--ignored", "--nocapture"]);
    let done = command.output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{said}");
    assert!(said.contains(&format!("{} passed", if is_root { 2 } else { 1 })), "{said}");
}

mod alone {
    use super::*;

    #[test]
    #[ignore = "with_the_uplink_cut_people_sign_in_and_out runs it in a network of its own"]
    fn sqlite() {
        run(Pair::SqliteMemory, sign_in_and_out);
    }

    #[test]
    #[ignore = "with_the_uplink_cut_people_sign_in_and_out runs it in a network of its own"]
    fn postgres() {
        run(Pair::PostgresRedis, sign_in_and_out);
    }
}

async fn sign_in_and_out(pair: Pair) {
    let outside = SocketAddr::from(([192, 0, 2, 1], 443));
    let refused = TcpStream::connect_timeout(&outside, Duration::from_secs(1)).unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::NetworkUnreachable, "there is no way out");
    let receiver = Receiver::start().await;
    let office = Office::open_with(pair, &["--logout-uri", &receiver.address("semua")]);
    let mut browser = office.browser(&office.provider);
    let [presensi, kinerja] = ["presensi", "kinerja"].map(|id| office.rp(id, &office.provider));
    let tokens = office.tokens(&mut browser, &presensi).await;
    let started = kinerja.start(&[]);
    let page = browser.follow(&kinerja.redirect_uri, &started.url).await;
    kinerja.redeem(&started, &kinerja.code(&started, &page)).await;
    assert_eq!(presensi.userinfo(&tokens.access_token()).await.status, 200);
    assert_eq!(presensi.introspect(&tokens.access_token()).await["active"], true);
    assert_eq!(presensi.refresh(&tokens.refresh_token()).await.status, 200);
    browser.open("/keluar").await;
    browser.submit("", &[]).await;
    assert_eq!(presensi.userinfo(&tokens.access_token()).await.status, 401);
    let sid = claims(&tokens.id_token_sent())["sid"].as_str().unwrap().to_owned();
    let both_know = || receiver.times(&sid, "semua") == 2;
    wait_until("both applications to hear of the sign-out", both_know, || office.provider.log());
}
