//! How many items one transaction takes, so that it holds the writer a short time only, and how
//! long others get between two.

use std::time::Duration;

/// What one transaction should take; the limit is 50 ms.
const AIM: Duration = Duration::from_millis(20);
/// Most items at once.
const MOST: usize = 8;
/// Between two transactions at least.
const SHORTEST_REST: Duration = Duration::from_millis(1);

/// The pace so far.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    items: usize,
    held: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { items: 1, held: Duration::ZERO }
    }
}

impl Pace {
    /// Items for the next transaction.
    pub fn items(self) -> usize {
        self.items
    }

    /// Learns how long the last one held the writer.
    #[must_use]
    pub fn after(self, held: Duration) -> Self {
        let items = match held {
            held if held > AIM => (self.items / 2).max(1),
            held if held * 3 < AIM => (self.items + 1).min(MOST),
            _ => self.items,
        };
        Self { items, held }
    }

    /// How long to leave the writer to others: another process waits for it by looking again and
    /// again, so without a rest it could look in vain.
    pub fn rest(self) -> Duration {
        (self.held / 4).max(SHORTEST_REST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_store_gets_smaller_groups_and_a_fast_one_larger() {
        let ms = Duration::from_millis;
        let mut pace = Pace::default();
        for _ in 0..20 {
            pace = pace.after(ms(2));
        }
        assert_eq!(pace.items(), MOST);
        assert_eq!(pace.after(ms(10)).items(), MOST);
        for _ in 0..20 {
            pace = pace.after(ms(45));
        }
        assert_eq!(pace.items(), 1);
    }
}
