//! Which node does a job that must run on one node at a time.

use std::time::Duration;

use gapura_core::time::{CLOCK_LEEWAY, Instant};

use crate::{StoreError, Tx, door::values};

/// Takes or prolongs the lease on a job; whether `holder` has it now. One guarded statement. A lease that ends
/// later than any taken now could was taken by a clock that was wrong, and is free.
pub async fn hold(tx: &mut Tx, job: &str, holder: &str, now: Instant, lease: Duration) -> Result<bool, StoreError> {
    const SQL: &str = "INSERT INTO job_leases (job, holder, lease_until) VALUES ($1, $2, $3) \
         ON CONFLICT (job) DO UPDATE SET holder = excluded.holder, lease_until = excluded.lease_until \
         WHERE job_leases.holder = excluded.holder OR job_leases.lease_until <= $4 OR job_leases.lease_until > $5";
    let latest = now.plus(lease).plus(CLOCK_LEEWAY);
    Ok(tx.execute(SQL, values![job, holder, now.plus(lease), now, latest]).await? == 1)
}

/// Gives a lease back, so that another node need not wait for its end.
pub async fn release(tx: &mut Tx, job: &str, holder: &str) -> Result<(), StoreError> {
    const SQL: &str = "DELETE FROM job_leases WHERE job = $1 AND holder = $2";
    tx.execute(SQL, values![job, holder]).await.map(drop)
}
