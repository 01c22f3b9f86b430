//! What runs beside requests: each job a loop that ends when the server stops.
//!
//! | module | what |
//! |---|---|
//! | [`first_keys`] | makes the RSA key at first start, on one node |

mod first_keys;

use tokio::{sync::watch, task::JoinSet};

use crate::state::{App, StartError};

/// The running jobs.
pub struct Jobs {
    stop: watch::Sender<bool>,
    running: JoinSet<()>,
}

impl Jobs {
    /// Starts all jobs of a serving node.
    pub fn start(app: &App) -> Result<Self, StartError> {
        let (stop, stopped) = watch::channel(false);
        let mut running = JoinSet::new();
        running.spawn(first_keys::run(app.clone(), app.entropy.random_id()?, stopped));
        Ok(Self { stop, running })
    }

    /// Lets every job finish the step it is in.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        while self.running.join_next().await.is_some() {}
    }
}
