//! How many people sign in on a working morning, second by second.
//!
//! Working hours start at 07:30. People arrive before it by a lead that follows Gamma(1.6, 7 min);
//! 8 % are late, spread over half an hour. 85 % of the staff sign in. A seeded simulation of 200
//! mornings answers what the worst second holds; one in a hundred mornings is worse than that.

/// Share of the staff that signs in on a working morning.
const SHARE: f64 = 0.85;
/// Share of them that comes after 07:30, within [`LATE_SECONDS`].
const LATE: f64 = 0.08;
const LATE_SECONDS: usize = 1800;
/// Leads longer than this are one in a hundred thousand.
const EARLY_SECONDS: usize = 6600;
const SHAPE: f64 = 1.6;
const SCALE_SECONDS: f64 = 420.0;
/// Γ(1.6).
const GAMMA_OF_SHAPE: f64 = 0.893_515_349_287_690_3;
const MORNINGS: usize = 200;
/// Share of the staff that stands outside when the gate opens again after an outage at its worst
/// time: 6,500 of 7,000.
const HERD: f64 = 6500.0 / 7000.0;
/// Longest pause between two tries of one person in front of a closed gate.
pub const RETRY_SECONDS: f64 = 30.0;

/// Sign-ins a second at the 99th percentile of mornings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Peak {
    /// In the worst second.
    pub second: f64,
    /// In the worst ten seconds, on average.
    pub ten_seconds: f64,
    /// In the worst minute, on average.
    pub minute: f64,
}

/// What a morning asks of a city with so many staff. The same answer each time.
pub fn peak(staff: u32) -> Peak {
    let rates: Vec<f64> = (0..EARLY_SECONDS + LATE_SECONDS).map(|second| rate(staff, second)).collect();
    let mut numbers = Numbers(20_260_730);
    let mut worst: [Vec<f64>; 3] = Default::default();
    for _ in 0..MORNINGS {
        let arrived: Vec<f64> = rates.iter().map(|rate| numbers.arrivals(*rate)).collect();
        for (found, window) in worst.iter_mut().zip([1, 10, 60]) {
            found.push(fullest(&arrived, window));
        }
    }
    let [second, ten_seconds, minute] = worst.map(ninety_ninth);
    Peak { second, ten_seconds, minute }
}

/// The crowd after an outage from 07:15 to 07:35.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Herd {
    /// How many stand outside.
    pub people: f64,
    /// In how many seconds all of them are served.
    pub seconds: f64,
}

/// The crowd of a city with so many staff, where so many hashes a second are left for it.
pub fn herd(staff: u32, hashes_per_second: f64) -> Herd {
    let people = (f64::from(staff) * HERD).round();
    Herd { people, seconds: people / hashes_per_second + RETRY_SECONDS }
}

/// Sign-ins expected in a second of the morning.
#[expect(clippy::cast_precision_loss, reason = "seconds of a morning")]
fn rate(staff: u32, second: usize) -> f64 {
    let people = f64::from(staff) * SHARE;
    let Some(lead) = EARLY_SECONDS.checked_sub(second + 1) else {
        return people * LATE / LATE_SECONDS as f64;
    };
    let lead = (lead as f64 + 0.5) / SCALE_SECONDS;
    people * (1.0 - LATE) * lead.powf(SHAPE - 1.0) * (-lead).exp() / GAMMA_OF_SHAPE / SCALE_SECONDS
}

#[expect(clippy::cast_precision_loss, reason = "a minute at most")]
fn fullest(arrived: &[f64], window: usize) -> f64 {
    arrived.windows(window).map(|window| window.iter().sum::<f64>()).fold(0.0, f64::max) / window as f64
}

fn ninety_ninth(mut found: Vec<f64>) -> f64 {
    found.sort_by(f64::total_cmp);
    found.get(found.len() * 99 / 100 - 1).copied().unwrap_or_default()
}

/// Numbers that are the same in every run (splitmix64).
struct Numbers(u64);

impl Numbers {
    #[expect(clippy::cast_precision_loss, reason = "53 bits are a float's")]
    fn fraction(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A Poisson number: the product of fractions falls below e^-rate. In parts, since e^-rate of a
    /// large rate is nothing.
    fn arrivals(&mut self, mut rate: f64) -> f64 {
        let mut count = 0.0;
        while rate > 0.0 {
            let part = rate.min(30.0);
            rate -= part;
            let end = (-part).exp();
            let mut product = self.fraction();
            while product > end {
                count += 1.0;
                product *= self.fraction();
            }
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table the city plans by: worst second, worst ten seconds, worst minute. Two hundred
    /// mornings leave one sign-in a second of chance.
    #[test]
    fn the_worst_seconds_are_those_the_city_plans_by() {
        for (staff, second, ten_seconds, minute) in
            [(4_600, 14.0, 6.2, 4.7), (7_000, 17.0, 8.8, 6.8), (12_000, 24.0, 13.9, 11.3), (16_000, 29.0, 17.7, 14.9)]
        {
            let found = peak(staff);
            assert!((found.second - second).abs() <= 1.0, "{staff}: {found:?}");
            assert!((found.ten_seconds - ten_seconds).abs() <= 0.5, "{staff}: {found:?}");
            assert!((found.minute - minute).abs() <= 0.3, "{staff}: {found:?}");
        }
        assert_eq!(peak(7_000), peak(7_000), "the same each time");
    }

    #[test]
    fn everybody_who_signs_in_arrives_once() {
        let people: f64 = (0..EARLY_SECONDS + LATE_SECONDS).map(|second| rate(10_000, second)).sum();
        assert!((people - 8_500.0).abs() < 5.0, "{people}");
        let half_hour: f64 = (EARLY_SECONDS - 1800..EARLY_SECONDS).map(|second| rate(7_000, second)).sum();
        assert!((half_hour - 5_250.0).abs() < 20.0, "between 07:00 and 07:30: {half_hour}");
    }

    #[test]
    fn nobody_is_no_peak() {
        assert_eq!(peak(0), Peak { second: 0.0, ten_seconds: 0.0, minute: 0.0 });
    }

    #[test]
    fn a_herd_is_served_by_what_is_left_for_it() {
        assert_eq!(herd(7_000, 65.0), Herd { people: 6_500.0, seconds: 130.0 });
    }
}
