//! How long a start takes, to the first right answer.

use std::time::{Duration, Instant};

use gapura_tests::{Pair, provider::Provider};

use crate::{
    bare::{Bare, SERVER_CORE},
    city::HOST,
    line::Line,
};

/// How often each is measured; the median counts.
const TIMES: usize = 5;

/// Of the bare server.
pub(crate) async fn of_bare() -> Duration {
    let mut took = Vec::new();
    for _ in 0..TIMES {
        took.push(Bare::start().await.1);
    }
    median(took)
}

/// Of a deployment that was served before; it is not running, before and after.
pub(crate) async fn again(provider: &mut Provider) -> Duration {
    let mut took = Vec::new();
    for _ in 0..TIMES {
        took.push(one(provider).await);
        provider.stop();
    }
    median(took)
}

/// Of deployments that never were: database, keys and all are made.
pub(crate) async fn first_ever() -> Duration {
    let mut took = Vec::new();
    for _ in 0..TIMES {
        took.push(one(&mut Provider::new(Pair::SqliteMemory).through(&SERVER_CORE)).await);
    }
    median(took)
}

async fn one(provider: &mut Provider) -> Duration {
    let began = Instant::now();
    provider.serve();
    let mut line = Line::open(provider.port(), &format!("{HOST}:{}", provider.port())).await;
    assert_eq!(line.get("/.well-known/openid-configuration", &[]).await.status, 200);
    began.elapsed()
}

fn median(mut took: Vec<Duration>) -> Duration {
    took.sort_unstable();
    took[TIMES / 2]
}

pub(crate) fn ms(took: Duration) -> f64 {
    took.as_secs_f64() * 1e3
}
