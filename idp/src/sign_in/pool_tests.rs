use std::net::Ipv4Addr;

use super::*;

const SMALL: Cost = Cost { memory_kib: 64, iterations: 1, parallelism: 1 };
const REAL: Cost = Cost { memory_kib: 19_456, iterations: 2, parallelism: 1 };
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7));
const THERE: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1));
const ONE: Size = Size { workers: 1, queue: 8, idle: IDLE };

fn pool(cost: Cost, size: Size) -> PasswordPool {
    PasswordPool::start(cost, size, Secret::new([7; 32])).unwrap()
}

fn password(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

#[tokio::test]
async fn the_real_cost_hashes_and_checks() {
    let pool = pool(REAL, ONE);
    let stored = pool.hash(password("kata sandi"), [1; 16]).await.unwrap();
    assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
    assert_eq!(pool.check(password("kata sandi"), Some(stored.clone()), HERE).await, Ok(Checked::Right));
    assert_eq!(pool.check(password("kata sandI"), Some(stored), HERE).await, Ok(Checked::Wrong));
}

#[tokio::test]
async fn kept_memory_does_not_change_the_hash() {
    let pool = pool(SMALL, ONE);
    let first = pool.hash(password("sandi"), [3; 16]).await.unwrap();
    for _ in 0..3 {
        pool.hash(password("lain"), [4; 16]).await.unwrap();
        assert_eq!(pool.hash(password("sandi"), [3; 16]).await.unwrap(), first);
    }
}

/// Each thread keeps what it used, and gives it back when nothing comes for a while.
#[tokio::test]
async fn memory_is_kept_for_the_next_hash_and_given_back_after_a_while_without_work() {
    let kept = pool(SMALL, ONE);
    assert_eq!(kept.kept_kib(), 0, "nothing before the first password");
    kept.check(password("sandi"), None, HERE).await.unwrap();
    assert_eq!(kept.kept_kib(), 64);
    kept.check(password("sandi"), None, HERE).await.unwrap();
    assert_eq!(kept.kept_kib(), 64);

    let short = pool(SMALL, Size { workers: 3, queue: 8, idle: Duration::from_millis(1) });
    short.check(password("sandi"), None, HERE).await.unwrap();
    let begun = Instant::now();
    while short.kept_kib() > 0 {
        assert!(begun.elapsed() < Duration::from_secs(20), "{} KiB are kept", short.kept_kib());
        tokio::task::yield_now().await;
    }
    assert_eq!(short.check(password("sandi"), None, HERE).await, Ok(Checked::Wrong), "and taken again");
}

//= BSSN4-2021#1.f test
#[tokio::test]
async fn a_pepper_is_part_of_the_hash() {
    let stored = pool(SMALL, ONE).hash(password("sandi"), [1; 16]).await.unwrap();
    let other = PasswordPool::start(SMALL, ONE, Secret::new([8; 32])).unwrap();
    assert_eq!(other.check(password("sandi"), Some(stored), HERE).await, Ok(Checked::Wrong));
}

//= ASN-02 test
#[tokio::test]
async fn nobody_is_hashed_at_todays_cost_and_is_never_right() {
    let pool = pool(SMALL, ONE);
    assert_eq!(pool.check(password("sandi"), None, HERE).await, Ok(Checked::Wrong));
    assert_eq!(pool.check(password(""), None, HERE).await, Ok(Checked::Wrong));
    assert!(pool.load.usual_micros.load(Ordering::Relaxed) > 0, "the work was done");
}

//= BSSN4-2021#1.f test
#[tokio::test]
async fn an_old_cost_still_checks_and_is_told() {
    let old = Cost { memory_kib: 32, ..SMALL };
    let stored = pool(old, ONE).hash(password("sandi"), [1; 16]).await.unwrap();
    let today = pool(SMALL, ONE);
    assert_eq!(today.check(password("sandi"), Some(stored.clone()), HERE).await, Ok(Checked::RightAtOldCost));
    assert_eq!(today.check(password("lain"), Some(stored), HERE).await, Ok(Checked::Wrong));
}

#[tokio::test]
async fn a_stored_text_that_is_no_hash_is_an_error_not_a_wrong_password() {
    let pool = pool(SMALL, ONE);
    for bad in ["", "plain", "$argon2i$v=19$m=64,t=1,p=1$AAAA$AAAA", "$argon2id$v=19$m=64,t=1,p=1$AAAA$AAAA"] {
        assert_eq!(pool.check(password("x"), Some(bad.to_owned()), HERE).await, Err(PoolError::Broken), "{bad}");
    }
}

/// A pool whose one thread never takes a job, so that its queue fills for certain.
fn stuck(queue: usize) -> PasswordPool {
    let size = Size { workers: 1, queue, idle: IDLE };
    PasswordPool { line: Arc::new(Line::new(queue)), size, load: Arc::default(), turns: Turns::default() }
}

fn busy(refused: Result<Checked, PoolError>) -> Busy {
    let Err(PoolError::Busy(busy)) = refused else { panic!("let in: {refused:?}") };
    busy
}

/// Fills a stuck pool with so many, who wait as long as the answer lives.
macro_rules! wait_in {
    ($pool:expr, $many:expr) => {
        wait_in!($pool, $many, HERE)
    };
    ($pool:expr, $many:expr, $from:expr) => {{
        let mut waiting = Vec::new();
        for _ in 0..$many {
            waiting.push(Box::pin($pool.check(password("x"), None, $from)));
            assert!(futures::poll!(waiting.last_mut().unwrap()).is_pending());
        }
        waiting
    }};
}

#[tokio::test]
async fn a_full_queue_says_so_at_once() {
    let pool = stuck(2);
    let _waiting = wait_in!(pool, 2);
    assert_eq!(busy(pool.check(password("x"), None, HERE).await), Busy { ahead: 2, wait: Duration::ZERO });
    assert_eq!(pool.waiting(), 2, "who was turned away is not inside");
}

#[tokio::test]
async fn a_wait_beyond_patience_is_refused_before_it_begins() {
    let pool = stuck(200);
    pool.load.usual_micros.store(100_000, Ordering::Relaxed);
    let _waiting = wait_in!(pool, 9);
    let refused = busy(pool.check(password("x"), None, HERE).await);
    assert_eq!((refused.ahead, refused.wait), (9, Duration::from_millis(900)));
}

/// However long one hash takes, somebody is let in where nobody waits.
#[tokio::test]
async fn an_empty_pool_lets_in() {
    let pool = stuck(200);
    pool.load.usual_micros.store(5_000_000, Ordering::Relaxed);
    let _waiting = wait_in!(pool, 1);
    assert_eq!(busy(pool.check(password("x"), None, HERE).await).ahead, 1);
}

/// A whole city in one minute: each is sent to a later moment than the one before, none to the same.
#[tokio::test]
async fn who_is_turned_away_stands_behind_those_turned_away_before() {
    let pool = stuck(200);
    pool.load.usual_micros.store(10_000, Ordering::Relaxed);
    let _waiting = wait_in!(pool, 81);
    for outside in 0..500 {
        let refused = busy(pool.check(password("x"), None, HERE).await);
        assert_eq!(refused, Busy { ahead: 81 + outside, wait: Duration::from_millis(10) * (81 + outside as u32) });
    }
    pool.load.served(Duration::from_millis(10));
    pool.load.served(Duration::from_millis(10));
    assert_eq!(busy(pool.check(password("x"), None, HERE).await).ahead, 81 + 498, "two were served");
}

/// Whoever keeps on asking from one address keeps nobody else out, and is kept out by nobody while alone.
#[tokio::test]
async fn one_address_that_fills_the_line_gives_half_of_it_to_others() {
    let pool = stuck(6);
    let mut flood = wait_in!(pool, 6);
    busy(pool.check(password("x"), None, HERE).await);
    let _others = wait_in!(pool, 3, THERE);
    for given_way in flood.drain(3..) {
        busy(given_way.await);
    }
    for first in &mut flood {
        assert!(futures::poll!(first).is_pending());
    }
    busy(pool.check(password("x"), None, THERE).await);
    busy(pool.check(password("x"), None, HERE).await);
    busy(pool.check(password("x"), None, IpAddr::V4(Ipv4Addr::LOCALHOST)).await);
    assert_eq!(pool.waiting(), 6);
}

/// The same where it is not the number that makes the line full but the time.
#[tokio::test]
async fn a_line_that_is_long_enough_is_shared_too() {
    let pool = stuck(200);
    pool.load.usual_micros.store(200_000, Ordering::Relaxed);
    let mut flood = wait_in!(pool, 5);
    let _other = wait_in!(pool, 1, THERE);
    assert!(futures::poll!(flood.last_mut().unwrap()).is_ready());
    assert_eq!(pool.waiting(), 5);
}

/// Who asks and asks does not make the others wait for hours.
#[tokio::test]
async fn no_more_stand_outside_than_are_served_in_the_longest_time_told() {
    let pool = stuck(200);
    pool.load.usual_micros.store(10_000, Ordering::Relaxed);
    let _waiting = wait_in!(pool, 81);
    for _ in 0..20_000 {
        assert!(busy(pool.check(password("x"), None, HERE).await).wait <= LONGEST_TOLD);
    }
    assert_eq!(pool.load.outside.load(Ordering::Relaxed), 12_000 - 81);
}

#[tokio::test]
async fn a_caller_that_left_costs_no_hash() {
    let pool = stuck(8);
    let (load, line) = (Arc::clone(&pool.load), Arc::clone(&pool.line));
    drop(wait_in!(pool, 1));
    drop(pool);
    let arena = Arena::trusted();
    let pepper = Arc::new(Secret::new([7; 32]));
    Worker { cost: SMALL, pepper, load: Arc::clone(&load), arena, kept: 0 }.run(&line, IDLE);
    assert_eq!(load.kept_kib.load(Ordering::Relaxed), 0, "nothing was hashed");
    assert_eq!(load.inside.load(Ordering::Relaxed), 0);
}

/// Tokens and pages go first.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn hashing_threads_are_of_low_priority_and_this_one_is_not() {
    let pool = pool(SMALL, ONE);
    pool.check(password("x"), None, HERE).await.unwrap();
    let nice =
        |stat: &str| stat.rsplit_once(')').unwrap().1.split_whitespace().nth(16).unwrap().parse::<i32>().unwrap();
    let own = nice(&std::fs::read_to_string("/proc/thread-self/stat").unwrap());
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    let stats = threads.filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("stat")).ok());
    let hashing: Vec<i32> = stats.filter(|stat| stat.contains("(argon2-")).map(|stat| nice(&stat)).collect();
    assert!(hashing.contains(&(own + NICE).min(19)), "{hashing:?} beside {own}");
}
