//! People of the sample city, and its three applications as real processes.

use std::{
    fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use crate::{
    provider::{Provider, program},
    servers::{free_port, wait_until},
};

/// Somebody in `samples/kota-contoh`.
#[derive(Clone, Copy, Debug)]
pub struct Person {
    /// What the person types at sign-in.
    pub login: &'static str,
    /// Name without titles.
    pub name: &'static str,
    /// Position, as the sample says.
    pub position: &'static str,
    /// Name of the unit the position is in.
    pub unit: &'static str,
    /// Name of the OPD.
    pub opd: &'static str,
}

/// A teacher: roles in e-Presensi, e-Kinerja and others, none in SIPD Keuangan.
pub const TEACHER: Person = Person {
    login: "198404142008032994",
    name: "Oktavia Wijaya Herlina",
    position: "Guru Ahli Madya",
    unit: "SD Negeri Contoh 67",
    opd: "Dinas Pendidikan",
};

/// A treasurer: holds `bendahara` in SIPD Keuangan.
pub const TREASURER: Person = Person {
    login: "197005182005012991",
    name: "Juwita Saputra",
    position: "Bendahara Pengeluaran",
    unit: "Bidang Tiga - Sekretariat Daerah",
    opd: "Sekretariat Daerah",
};

/// A vendor's person without any assignment: no role anywhere.
pub const VENDOR: Person = Person { login: "sandi.setiawan", name: "Sandi Setiawan", position: "", unit: "", opd: "" };

/// The mayor: no NIP.
pub const MAYOR: Person = Person {
    login: "oman.maulana",
    name: "Oman Maulana",
    position: "Wali Kota",
    unit: "Sekretariat Daerah",
    opd: "Sekretariat Daerah",
};

/// A member of the council: no NIP.
pub const COUNCILLOR: Person = Person {
    login: "dian.saputra",
    name: "Dian Saputra",
    position: "Anggota DPRD",
    unit: "Sekretariat Dewan Perwakilan Rakyat Daerah",
    opd: "Sekretariat Dewan Perwakilan Rakyat Daerah",
};

/// The password that tests give to everybody.
pub const PASSWORD: &str = "pagi yang cerah di kota";

/// Those who have a password in a copy of the sample city.
pub const WITH_PASSWORD: [Person; 5] = [TEACHER, TREASURER, VENDOR, MAYOR, COUNCILLOR];

/// One running example application.
pub struct Application {
    /// Its address for browsers.
    pub url: String,
    child: Child,
    log: PathBuf,
}

/// The client's id and the application's name.
const APPLICATIONS: [(&str, &str); 3] =
    [("presensi", "e-Presensi"), ("kinerja", "e-Kinerja"), ("keuangan", "SIPD Keuangan")];

/// Registers the three applications, serves, and starts them beside the provider.
pub fn open(provider: &mut Provider) -> [Application; 3] {
    let ports = APPLICATIONS.map(|_| free_port());
    let urls = [0, 1, 2].map(|at| format!("http://{}.localhost:{}", APPLICATIONS[at].0, ports[at]));
    let others = [0, 1, 2].map(|at| format!("{}={}", APPLICATIONS[at].1, urls[at])).join(",");
    let secrets = [0, 1, 2].map(|at| register(provider, APPLICATIONS[at].0, APPLICATIONS[at].1, &urls[at]));
    provider.serve();
    let mut started = [0, 1, 2].map(|at| {
        let (id, name) = APPLICATIONS[at];
        let log = provider.folder().join(format!("{id}.log"));
        let printed = fs::File::create(&log).unwrap();
        let child = Command::new(program("aplikasi"))
            .env("GAPURA_ISSUER", &provider.public_url)
            .env("GAPURA_CLIENT_ID", id)
            .env("GAPURA_CLIENT_SECRET", &secrets[at])
            .env("GAPURA_PUBLIC_URL", &urls[at])
            .env("APLIKASI_NAMA", name)
            .env("APLIKASI_ALAMAT", format!("127.0.0.1:{}", ports[at]))
            .env("APLIKASI_LAIN", &others)
            .stdin(Stdio::null())
            .stdout(printed.try_clone().unwrap())
            .stderr(printed)
            .spawn()
            .unwrap();
        Application { url: urls[at].clone(), child, log }
    });
    for (application, port) in started.iter_mut().zip(ports) {
        let Application { child, log, .. } = application;
        let ready = || {
            assert!(child.try_wait().unwrap().is_none(), "{}", fs::read_to_string(&*log).unwrap_or_default());
            std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
        };
        wait_until("an application to start", ready, String::new);
    }
    started
}

/// Registers an application's client as the demo does; its secret.
pub fn register(provider: &Provider, id: &str, application: &str, url: &str) -> String {
    let added = provider.gapura_json(&[
        "client",
        "add",
        "--id",
        id,
        "--application",
        application,
        "--redirect-uri",
        &format!("{url}/auth/callback"),
        "--post-logout-redirect-uri",
        &format!("{url}/"),
        "--logout-uri",
        &format!("{url}/auth/backchannel-logout"),
    ]);
    added["client_secret"].as_str().unwrap_or_else(|| panic!("{added}")).to_owned()
}

impl Application {
    /// What it printed.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
