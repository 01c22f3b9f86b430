//! Two machines of one application over one store, and a store that fails: no refresh token is redeemed twice or lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::future::{BoxFuture, FutureExt, ready};
use gapura_client::{Ended, MemoryStore, Session, SessionKey, SessionStore, StoreError};
use http::StatusCode;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::browser::{Browser, World};
use crate::provider::Provider;

const SOON: Duration = Duration::from_secs(8);

/// A store that other machines use too.
struct Shared {
    store: Arc<MemoryStore>,
    /// So many of the next updates fail.
    failures: AtomicUsize,
    /// Another machine took every turn, and died.
    taken: AtomicBool,
    loads: AtomicUsize,
}

impl SessionStore for Shared {
    fn load<'a>(&'a self, key: &'a SessionKey) -> BoxFuture<'a, Result<Option<Session>, StoreError>> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        self.store.load(key)
    }

    fn insert<'a>(&'a self, key: &'a SessionKey, session: Session) -> BoxFuture<'a, Result<bool, StoreError>> {
        self.store.insert(key, session)
    }

    fn update<'a>(
        &'a self,
        key: &'a SessionKey,
        read: &'a Session,
        session: Session,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        let fails = self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        if fails {
            return ready(Err(StoreError("uji".to_owned()))).boxed();
        }
        self.store.update(key, read, session)
    }

    fn remove<'a>(&'a self, key: &'a SessionKey) -> BoxFuture<'a, Result<Option<Session>, StoreError>> {
        self.store.remove(key)
    }

    fn end<'a>(&'a self, ended: &'a Ended, mark_until: i64) -> BoxFuture<'a, Result<usize, StoreError>> {
        self.store.end(ended, mark_until)
    }

    fn shared(&self) -> bool {
        true
    }

    fn claim<'a>(&'a self, id: &'a str, until: i64) -> BoxFuture<'a, Result<bool, StoreError>> {
        if self.taken.load(Ordering::SeqCst) {
            return ready(Ok(false)).boxed();
        }
        self.store.claim(id, until)
    }

    fn release<'a>(&'a self, id: &'a str, until: i64) -> BoxFuture<'a, Result<(), StoreError>> {
        self.store.release(id, until)
    }
}

struct Machines {
    one: World,
    other: World,
    shared: Arc<Shared>,
    browser: Browser,
}

impl Machines {
    /// Somebody signed in at one of them, and the session is due.
    async fn new() -> Self {
        let provider = Provider::start().await;
        let store = Arc::new(MemoryStore::new(100, provider.clock.for_app()));
        let shared = Arc::new(Shared {
            store: store.clone(),
            failures: AtomicUsize::new(0),
            taken: AtomicBool::new(false),
            loads: AtomicUsize::new(0),
        });
        let machine = || {
            let shared = shared.clone();
            World::over(provider.clone(), store.clone(), |builder| builder.session_store(shared))
        };
        let (one, other) = (machine().await, machine().await);
        let browser = one.signed_in().await;
        provider.clock.advance(301);
        Self { one, other, shared, browser }
    }

    /// A page in the same browser.
    async fn page(&self, at: &World) -> StatusCode {
        let mut tab = at.browser();
        tab.cookies.clone_from(&self.browser.cookies);
        tab.get("/").await.status
    }

    /// Lets refreshes wait.
    fn slow(&self) -> Arc<Semaphore> {
        let gate = Arc::new(Semaphore::new(0));
        self.one.provider.lie(|lies| lies.gate = Some(gate.clone()));
        gate
    }
}

#[tokio::test]
async fn two_machines_redeem_a_refresh_token_once_however_slow_the_provider_is() {
    let machines = Machines::new().await;
    let provider = &machines.one.provider;
    let gate = machines.slow();
    let meanwhile = async {
        while provider.asked("refresh") == 0 {
            tokio::task::yield_now().await;
        }
        // Four requests of five seconds and a slow store, all at once.
        provider.clock.advance(50);
        let answer = async {
            tokio::time::sleep(Duration::from_millis(600)).await;
            gate.add_permits(9);
        };
        tokio::join!(machines.page(&machines.other), answer).0
    };
    let (first, second) = timeout(SOON, async { tokio::join!(machines.page(&machines.one), meanwhile) }).await.unwrap();
    assert_eq!((first, second, provider.asked("refresh")), (StatusCode::OK, StatusCode::OK, 1));
    assert_eq!(machines.page(&machines.other).await, StatusCode::OK);
    assert_eq!(provider.asked("refresh"), 1);
}

#[tokio::test]
async fn a_turn_without_success_is_given_back() {
    let machines = Machines::new().await;
    let provider = &machines.one.provider;
    provider.lie(|lies| lies.refresh = Some((StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable")));
    assert_eq!(machines.page(&machines.one).await, StatusCode::SERVICE_UNAVAILABLE);
    provider.lie(|lies| lies.refresh = None);
    let began = Instant::now();
    assert_eq!(timeout(SOON, machines.page(&machines.other)).await, Ok(StatusCode::OK));
    assert!(began.elapsed() < Duration::from_secs(5), "nobody has the turn");
}

#[tokio::test]
async fn who_waits_for_a_machine_that_died_gives_up_and_keeps_the_session() {
    let machines = Machines::new().await;
    machines.shared.taken.store(true, Ordering::SeqCst);
    machines.shared.loads.store(0, Ordering::SeqCst);
    let waited = timeout(Duration::from_secs(30), machines.page(&machines.other)).await;
    assert_eq!(waited, Ok(StatusCode::SERVICE_UNAVAILABLE));
    let loads = machines.shared.loads.load(Ordering::SeqCst);
    assert!(loads < 20, "{loads} readings of the store");
    machines.shared.taken.store(false, Ordering::SeqCst);
    assert_eq!(machines.page(&machines.other).await, StatusCode::OK);
}

#[tokio::test]
async fn a_store_that_fails_for_a_moment_loses_no_refresh_token() {
    let machines = Machines::new().await;
    machines.shared.failures.store(2, Ordering::SeqCst);
    for turn in 1..3 {
        assert_eq!(machines.page(&machines.one).await, StatusCode::OK);
        assert_eq!(machines.one.provider.asked("refresh"), turn);
        machines.one.provider.clock.advance(301);
    }
}

#[tokio::test]
async fn a_refresh_token_is_kept_where_nothing_says_the_roles() {
    let machines = Machines::new().await;
    let provider = &machines.one.provider;
    provider.lie(|lies| {
        lies.userinfo_down = true;
        lies.id_token = Box::new(|claims| drop(claims.as_object_mut().unwrap().remove("roles")));
    });
    assert_eq!(machines.page(&machines.one).await, StatusCode::SERVICE_UNAVAILABLE, "old roles decide nothing");
    provider.lie(|lies| lies.userinfo_down = false);
    assert_eq!(machines.page(&machines.other).await, StatusCode::OK, "by the new refresh token");
    assert_eq!(provider.asked("refresh"), 2);
}
