//! nginx in front of two nodes, by the configuration that docs/nginx.conf recommends.

use std::{fs, path::Path};

use crate::servers::{Guarded, folder, free_port, wait_until};

/// What an operator is told to use.
const RECOMMENDED: &str = include_str!("../../docs/nginx.conf");

/// A running nginx; dropping it ends it.
pub struct Nginx {
    /// Where it listens.
    pub port: u16,
    folder: std::path::PathBuf,
    running: Option<Guarded>,
}

impl Nginx {
    /// An address for it, known before the nodes are.
    pub fn new() -> Self {
        Self { port: free_port(), folder: folder("nginx"), running: None }
    }

    /// Serves these nodes, the recommended way but for the address, TLS and how long an answer is waited for.
    pub fn serve(&mut self, nodes: [u16; 2], patience: &str) {
        let at = |port: u16| format!("127.0.0.1:{port}");
        let mut text = RECOMMENDED.to_owned();
        let listen = format!("listen {}", at(self.port));
        let changes = [
            ("10.0.0.11:8080", at(nodes[0])),
            ("10.0.0.12:8080", at(nodes[1])),
            ("listen 443 ssl", listen),
            ("proxy_read_timeout 10s", format!("proxy_read_timeout {patience}")),
        ];
        for (recommended, ours) in changes {
            assert!(text.contains(recommended), "docs/nginx.conf says {recommended}");
            text = text.replace(recommended, &ours);
        }
        let text = text.lines().filter(|line| !line.trim().starts_with("ssl_")).collect::<Vec<_>>().join("\n");
        let config = self.folder.join("nginx.conf");
        fs::write(&config, whole(&self.folder, &text)).unwrap();
        let [config, place] = [&config, &self.folder].map(|path| path.display().to_string());
        let command = ["/usr/sbin/nginx", "-p", &place, "-e", "stderr", "-c", &config];
        let running = Guarded::start("TERM", self.folder.clone(), self.port, &command.map(ToOwned::to_owned));
        let ready = || std::net::TcpStream::connect(("127.0.0.1", self.port)).is_ok();
        wait_until("nginx to start", ready, || running.log());
        self.running = Some(running);
    }
}

impl Default for Nginx {
    fn default() -> Self {
        Self::new()
    }
}

/// The frame that Debian's own nginx.conf is.
fn whole(folder: &Path, server: &str) -> String {
    let places = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let places = places.map(|name| format!("{name}_temp_path {}/{name};", folder.display())).join("\n");
    // Whoever may read the folder is the one who runs the test.
    let user =
        if folder.metadata().is_ok_and(|it| std::os::unix::fs::MetadataExt::uid(&it) == 0) { "user root;" } else { "" };
    format!(
        "daemon off;\n{user}\nworker_processes 1;\npid {}/pid;\nevents {{ worker_connections 1024; }}\n\
         http {{\naccess_log off;\n{places}\n{server}\n}}\n",
        folder.display()
    )
}
