//! The two storage pairs, and how one test runs on both.

use std::future::Future;

/// Where a deployment keeps its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pair {
    /// SQLite, short-lived state in memory: one node.
    SqliteMemory,
    /// PostgreSQL and Redis: several nodes.
    PostgresRedis,
}

/// Runs a test on one pair, on threads of its own.
pub fn run<F: Future<Output = ()>>(pair: Pair, test: impl FnOnce(Pair) -> F) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(test(pair));
}

/// Makes two tests of each function `async fn name(pair: Pair)`: `name::sqlite` and `name::postgres`.
#[macro_export]
macro_rules! on_both_pairs {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[test]
            fn sqlite() {
                $crate::run($crate::Pair::SqliteMemory, super::$name);
            }

            #[test]
            fn postgres() {
                $crate::run($crate::Pair::PostgresRedis, super::$name);
            }
        }
    )+};
}
