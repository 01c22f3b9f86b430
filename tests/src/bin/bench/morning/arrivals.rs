//! When people come: lead times before 07:30 follow a Gamma distribution (shape 1.6, scale 7 minutes), and
//! 8 of 100 come in the quarter of an hour after it.

use std::time::Duration;

/// Staff of the city, and how many of them sign in on a working morning.
const STAFF: f64 = 7_000.0;
const SHARE: f64 = 0.85;
const LATE: f64 = 0.08;
const SHAPE: f64 = 1.6;
const SCALE_MINUTES: f64 = 7.0;

/// A source of chance that gives every run the same morning (SplitMix64).
pub(super) struct Chance(u64);

impl Chance {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// From 0 to below 1.
    pub(super) fn share(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// From one duration to below another, evenly.
    pub(super) fn between(&mut self, least: u64, most: u64) -> Duration {
        Duration::from_secs_f64(least as f64 + self.share() * (most - least) as f64)
    }

    /// A normally distributed number (Box and Muller).
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.share()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.share()).cos()
    }

    /// A number of the Gamma distribution with scale 1, for a shape of at least one (Marsaglia and Tsang).
    fn gamma(&mut self, shape: f64) -> f64 {
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let v = (1.0 + c * x).powi(3);
            if v > 0.0 && (1.0 - self.share()).ln() < 0.5 * x * x + d - d * v + d * v.ln() {
                return d * v;
            }
        }
    }
}

/// Seconds after 07:00 at which people arrive, in order; whoever comes before seven is left out.
pub(super) fn morning(chance: &mut Chance) -> Vec<f64> {
    let people = (STAFF * SHARE) as usize;
    let mut seconds = Vec::new();
    for _ in 0..people {
        let at = if chance.share() < LATE {
            1_800.0 + chance.share() * 900.0
        } else {
            1_800.0 - chance.gamma(SHAPE) * SCALE_MINUTES * 60.0
        };
        if at >= 0.0 {
            seconds.push(at);
        }
    }
    seconds.sort_by(f64::total_cmp);
    seconds
}

/// The arrivals from one minute after 07:00 to another, counted from the first of them.
pub(super) fn within(morning: &[f64], (from, until): (u64, u64)) -> Vec<Duration> {
    let [from, until] = [from, until].map(|minute| minute as f64 * 60.0);
    let inside = morning.iter().filter(|at| (from..until).contains(*at));
    inside.map(|at| Duration::from_secs_f64(at - from)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_morning_is_that_of_the_model() {
        let (mut logins, mut worst_minute, mut worst_second) = (0.0, 0.0, 0.0);
        for seed in 0..20 {
            let morning = morning(&mut Chance::new(seed));
            logins += morning.iter().filter(|at| **at < 1_800.0).count() as f64 / 20.0;
            let busiest = |width: f64| {
                let until = |end: f64| morning.partition_point(|at| *at < end);
                let counts = morning.iter().map(|first| until(first + width) - until(*first));
                counts.max().unwrap() as f64 / width / 20.0
            };
            worst_minute += busiest(60.0);
            worst_second += busiest(1.0);
        }
        // The model's means over 200 mornings: 5,250 logins, 6.3 in the worst minute, 13.9 in the worst second.
        assert!((5_150.0..5_400.0).contains(&logins), "{logins}");
        assert!((5.8..7.0).contains(&worst_minute), "{worst_minute}");
        assert!((12.0..19.0).contains(&worst_second), "{worst_second}");
    }

    #[test]
    fn a_window_counts_from_its_beginning() {
        assert_eq!(within(&[10.0, 60.0, 90.0, 120.0], (1, 2)), [0, 30].map(Duration::from_secs));
    }
}
