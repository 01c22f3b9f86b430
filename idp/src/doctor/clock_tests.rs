use super::*;

const NOON: Instant = Instant::from_millis(1_800_000_000_000);

fn after(seconds: i64) -> Instant {
    Instant::from_millis(NOON.millis() + seconds * 1000)
}

fn reading(theirs: i64, grain: u64) -> Finding {
    Reading { before: NOON, theirs: after(theirs), after: after(1), grain: Duration::from_secs(grain) }.judge("Redis")
}

//= BSSN4-2021#6.g test
#[test]
fn a_clock_is_judged_in_its_favour() {
    for (theirs, code) in [
        (0, "clock-ok"),
        (-1, "clock-ok"),
        (-2, "clock-off"),
        (-9, "clock-off"),
        (-10, "clock-far"),
        (1, "clock-ok"),
        (2, "clock-ok"),
        (3, "clock-off"),
        (10, "clock-off"),
        (11, "clock-far"),
        (86_400, "clock-far"),
    ] {
        assert_eq!(reading(theirs, 0).code, code, "{theirs}");
    }
    assert_eq!(reading(-2, 1).code, "clock-ok", "a clock that shows whole seconds may be a second further");
    assert!(reading(-100, 0).with.contains(&("seconds", "+100".to_owned())), "ours is ahead");
    assert!(reading(101, 0).with.contains(&("seconds", "-100".to_owned())), "ours is behind");
}

#[test]
fn what_has_happened_lies_behind() {
    assert_eq!(judge_newest(NOON, NOON).level, Level::Ok);
    assert_eq!(judge_newest(NOON, after(-5)).level, Level::Ok);
    assert_eq!(judge_newest(NOON, after(1)).level, Level::Ok);
    assert_eq!(judge_newest(NOON, after(2)).code, "clock-behind");
}
