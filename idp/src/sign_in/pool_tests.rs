use super::*;

const SMALL: Cost = Cost { memory_kib: 64, iterations: 1, parallelism: 1 };
const REAL: Cost = Cost { memory_kib: 19_456, iterations: 2, parallelism: 1 };
const ONE: Size = Size { workers: 1, queue: 8 };

fn pool(cost: Cost, size: Size) -> PasswordPool {
    PasswordPool::start(cost, size, Secret::new([7; 32])).unwrap()
}

fn password(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

/// The test vector of RFC 9106 section 5.3.
//= RFC9106#3.1 test
#[test]
fn the_published_tag_comes_out() {
    let params = argon2::ParamsBuilder::new()
        .m_cost(32)
        .t_cost(3)
        .p_cost(4)
        .output_len(TAG_BYTES)
        .data(argon2::AssociatedData::new(&[4; 12]).unwrap())
        .build()
        .unwrap();
    let tag = argon2id(params, &[3; 8], &[1; 32], &[2; 16], &mut Vec::new()).unwrap();
    let published = [
        0x0d, 0x64, 0x0d, 0xf5, 0x8d, 0x78, 0x76, 0x6c, 0x08, 0xc0, 0x37, 0xa3, 0x4a, 0x8b, 0x53, 0xc9, 0xd0, 0x1e,
        0xf0, 0x45, 0x2d, 0x75, 0xb6, 0x5e, 0xb5, 0x25, 0x20, 0xe9, 0x6b, 0x01, 0xe6, 0x59,
    ];
    assert_eq!(tag, published);
}

#[tokio::test]
async fn the_real_cost_hashes_and_checks() {
    let pool = pool(REAL, ONE);
    let stored = pool.hash(password("kata sandi"), [1; 16]).await.unwrap();
    assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
    assert_eq!(pool.check(password("kata sandi"), Some(stored.clone())).await, Ok(Checked::Right));
    assert_eq!(pool.check(password("kata sandI"), Some(stored)).await, Ok(Checked::Wrong));
}

/// Against the library's own call that allocates anew.
#[tokio::test]
async fn kept_memory_does_not_change_the_hash() {
    let pool = pool(SMALL, ONE);
    let mut expected = [0; 32];
    let params = Params::new(64, 1, 1, Some(32)).unwrap();
    Argon2::new_with_secret(&[7; 32], Algorithm::Argon2id, Version::V0x13, params)
        .unwrap()
        .hash_password_into(b"sandi", &[3; 16], &mut expected)
        .unwrap();
    for _ in 0..3 {
        let stored = pool.hash(password("sandi"), [3; 16]).await.unwrap();
        assert!(stored.ends_with(&STANDARD_NO_PAD.encode(expected)), "{stored}");
        pool.hash(password("lain"), [4; 16]).await.unwrap();
    }
}

#[tokio::test]
async fn a_pepper_is_part_of_the_hash() {
    let stored = pool(SMALL, ONE).hash(password("sandi"), [1; 16]).await.unwrap();
    let other = PasswordPool::start(SMALL, ONE, Secret::new([8; 32])).unwrap();
    assert_eq!(other.check(password("sandi"), Some(stored)).await, Ok(Checked::Wrong));
}

//= ASN-02 test
#[tokio::test]
async fn nobody_is_hashed_at_todays_cost_and_is_never_right() {
    let pool = pool(SMALL, ONE);
    assert_eq!(pool.check(password("sandi"), None).await, Ok(Checked::Wrong));
    assert_eq!(pool.check(password(""), None).await, Ok(Checked::Wrong));
    assert!(pool.load.usual_micros.load(Ordering::Relaxed) > 0, "the work was done");
}

#[tokio::test]
async fn an_old_cost_still_checks_and_is_told() {
    let old = Cost { memory_kib: 32, ..SMALL };
    let stored = pool(old, ONE).hash(password("sandi"), [1; 16]).await.unwrap();
    let today = pool(SMALL, ONE);
    assert_eq!(today.check(password("sandi"), Some(stored.clone())).await, Ok(Checked::RightAtOldCost));
    assert_eq!(today.check(password("lain"), Some(stored)).await, Ok(Checked::Wrong));
}

#[tokio::test]
async fn a_stored_text_that_is_no_hash_is_an_error_not_a_wrong_password() {
    let pool = pool(SMALL, ONE);
    for bad in ["", "plain", "$argon2i$v=19$m=64,t=1,p=1$AAAA$AAAA", "$argon2id$v=19$m=64,t=1,p=1$AAAA$AAAA"] {
        assert_eq!(pool.check(password("x"), Some(bad.to_owned())).await, Err(PoolError::Broken), "{bad}");
    }
}

/// A pool whose one thread never takes a job, so that its queue fills for certain.
fn stuck(queue: usize) -> (PasswordPool, Receiver<Job>) {
    let (jobs, receiver) = sync_channel(queue);
    (PasswordPool { jobs, size: Size { workers: 1, queue }, load: Arc::default(), turns: Turns::default() }, receiver)
}

#[tokio::test]
async fn a_full_queue_says_so_at_once() {
    let (pool, _queue) = stuck(2);
    let mut waiting = Vec::new();
    for _ in 0..2 {
        waiting.push(Box::pin(pool.check(password("x"), None)));
        assert!(futures::poll!(waiting.last_mut().unwrap()).is_pending());
    }
    let refused = pool.check(password("x"), None).await;
    assert_eq!(refused, Err(PoolError::Busy(Busy { ahead: 2, wait: Duration::ZERO })));
}

#[tokio::test]
async fn a_wait_beyond_patience_is_refused_before_it_begins() {
    let (pool, _queue) = stuck(200);
    pool.load.usual_micros.store(100_000, Ordering::Relaxed);
    let mut waiting = Vec::new();
    for _ in 0..=50 {
        waiting.push(Box::pin(pool.check(password("x"), None)));
        assert!(futures::poll!(waiting.last_mut().unwrap()).is_pending());
    }
    let Err(PoolError::Busy(busy)) = pool.check(password("x"), None).await else { panic!("admitted") };
    assert_eq!(busy.ahead, 51);
    assert!(busy.wait > PATIENCE);
}

#[tokio::test]
async fn a_caller_that_left_costs_no_hash() {
    let (pool, queue) = stuck(8);
    let load = Arc::clone(&pool.load);
    {
        let mut gone = Box::pin(pool.check(password("x"), None));
        assert!(futures::poll!(&mut gone).is_pending());
    }
    drop(pool);
    let mut worker = Worker { cost: SMALL, pepper: Arc::new(Secret::new([7; 32])), memory: Vec::new() };
    worker.run(&Mutex::new(queue), &load);
    assert!(worker.memory.is_empty(), "nothing was hashed");
}
