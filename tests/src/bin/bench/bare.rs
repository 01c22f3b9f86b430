//! The bare server of `ceiling.rs` as a process on the server's core.

use std::{
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use gapura_tests::servers::{free_port, wait_until};

use crate::line::Line;

/// The core the server has for itself; the generator is pinned to the other one by `tests/bench.sh`.
pub(crate) const SERVER_CORE: [&str; 3] = ["taskset", "-c", "0"];

/// This program again, on the server's core.
pub(crate) fn on_servers_core() -> Command {
    let mut command = Command::new(SERVER_CORE[0]);
    command.args(&SERVER_CORE[1..]).arg(std::env::current_exe().unwrap()).stdin(Stdio::null());
    command
}

/// The running process; dropping it ends it.
pub(crate) struct Bare {
    child: Child,
    pub(crate) port: u16,
}

impl Bare {
    /// Starts it; with the time to its first right answer.
    pub(crate) async fn start() -> (Self, Duration) {
        let port = free_port();
        let began = Instant::now();
        let child = on_servers_core().args(["ceiling", &port.to_string()]).spawn().unwrap();
        let ready = || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
        wait_until("the bare server", ready, String::new);
        assert_eq!(Line::open(port, "localhost").await.get("/json", &[]).await.status, 200);
        (Self { child, port }, began.elapsed())
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
