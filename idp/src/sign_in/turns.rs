//! How many guesses at one account may be checked at the same moment.
//!
//! The throttle counts a failure when its check has ended; without a bound, hundreds of guesses
//! could be under way before the first is counted.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// Checks of one account under way at once on this node. A person with a double click, or tests of
/// one account side by side, stay below it.
pub const MOST: usize = 8;

/// Who is being checked now, by throttle key.
#[derive(Default)]
pub struct Turns(Mutex<HashMap<String, usize>>);

/// A turn; giving it back is dropping it.
pub struct Turn<'a> {
    turns: &'a Turns,
    key: &'a str,
}

impl Turns {
    /// A turn for this key, unless `most` are taken.
    pub fn take<'a>(&'a self, key: &'a str, most: usize) -> Option<Turn<'a>> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(key.to_owned()).or_insert(0);
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Turn { turns: self, key })
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut taken = self.turns.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(self.key) {
            *count -= 1;
            if *count == 0 {
                taken.remove(self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guesses_at_one_account_are_bounded_and_others_are_not_touched() {
        let turns = Turns::default();
        let held: Vec<Turn<'_>> = (0..MOST).map(|_| turns.take("siti", MOST).unwrap()).collect();
        assert!(turns.take("siti", MOST).is_none());
        assert!(turns.take("oman", MOST).is_some());
        drop(held);
        let alone = turns.take("siti", 1).unwrap();
        assert!(turns.take("siti", 1).is_none());
        drop(alone);
        assert!(turns.0.lock().unwrap().is_empty(), "nothing stays behind");
    }
}
