//! `make load`: the morning of a city of 7,000, against the real server on one core.
//!
//! | scenario | what |
//! |---|---|
//! | 1 | the normal peak: its busiest minutes at their true rates |
//! | 3 | the thundering herd: nobody could sign in, then everybody tries |
//! | 4 | 2,000 people behind one address |
//! | 7 | Redis dies at the peak and comes back |
//! | 8 | what RS256 costs beside ES256 |
//!
//! The numbers are those of the load model. Passkeys and one-time codes do not exist yet, so the part of the
//! people that will use them comes with a session that began before; the others type a password.

mod arrivals;
mod herd;
mod peak;
mod redis;
mod signing;
pub(crate) mod staff;
mod tally;
mod visit;

use tally::Verdict;

/// The scenarios there are.
const ALL: [u8; 5] = [1, 4, 3, 7, 8];

/// Runs these, or all; whether every pass figure was met.
pub(crate) async fn run(wanted: &[&str]) -> bool {
    let wanted = wanted.iter().map(|number| number.parse().unwrap()).collect::<Vec<u8>>();
    let wanted = if wanted.is_empty() { ALL.to_vec() } else { wanted };
    let unknown = wanted.iter().find(|number| !ALL.contains(number));
    assert!(unknown.is_none(), "there is no scenario {unknown:?}, there are 1, 3, 4, 7 and 8");
    let mut verdicts = Vec::new();
    let on_sqlite = wanted.iter().filter(|number| matches!(number, 1 | 3 | 4)).copied().collect::<Vec<_>>();
    if !on_sqlite.is_empty() {
        let most = if on_sqlite.contains(&3) { herd::PEOPLE } else { peak::BEHIND_ONE_ADDRESS + peak::TYPING };
        let mut town = staff::Town::on_sqlite(most);
        for number in on_sqlite {
            verdicts.push(match number {
                1 => peak::normal(&mut town).await,
                4 => peak::behind_one_address(&mut town).await,
                _ => herd::run(&mut town).await,
            });
        }
    }
    if wanted.contains(&7) {
        verdicts.push(redis::run().await);
    }
    if wanted.contains(&8) {
        verdicts.push(signing::run().await);
    }
    verdicts.iter().for_each(Verdict::print);
    verdicts.iter().all(Verdict::is_met)
}
