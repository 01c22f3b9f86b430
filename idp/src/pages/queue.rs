//! The queue page: more people sign in than passwords can be hashed. It says how long, opens the
//! form again by itself (no script), and keeps no password meanwhile. Whoever sees it was not
//! checked: nothing has failed, nobody comes nearer to being locked.

use std::time::Duration;

use askama::Template;
use axum::{
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    response::Response,
};

use super::paper::{Paper, answer};
use crate::{
    edge::RequestContext,
    sign_in::{Busy, pool::LONGEST_TOLD},
    state::App,
};

/// Shortest and longest time before the form opens again, in seconds, before chance adds up to a
/// quarter: what a whole city was told in one second must not bring it back in one.
const BOUNDS: (u64, u64) = (5, LONGEST_TOLD.as_secs());

#[derive(Template)]
#[template(path = "queue.html")]
struct Page<'a> {
    paper: Paper<'a>,
    seconds: u64,
    people: String,
    arrived: String,
    refresh: String,
    reference: &'a str,
    again: &'a str,
}

/// Draws it; `again` is the address of the form.
pub fn page(app: &App, context: &RequestContext, busy: Busy, again: &str) -> Response {
    let paper = Paper::of(app, context).at(again);
    let seconds = seconds(busy.wait, app.entropy.bytes().map_or(0, u16::from_le_bytes));
    let drawn = Page {
        seconds,
        people: paper.with("queue-people", &[("count", &busy.ahead.to_string())]),
        arrived: paper.clock(context.now),
        refresh: paper.with("queue-refresh-text", &[("seconds", &seconds.to_string())]),
        reference: &context.request_id,
        again,
        paper,
    };
    let mut response = answer(&drawn, StatusCode::SERVICE_UNAVAILABLE, None);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    response
}

fn seconds(wait: Duration, chance: u16) -> u64 {
    let told = wait.as_secs().saturating_add(1).clamp(BOUNDS.0, BOUNDS.1);
    told + u64::from(chance) % (told / 4 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_away_for_longer_than_the_wait_and_a_quarter() {
        let told = |wait: u64| (0..=u16::MAX).map(move |chance| seconds(Duration::from_secs(wait), chance));
        for (wait, least, most) in [(0, 5, 6), (39, 40, 50), (119, 120, 150), (100_000, 120, 150)] {
            assert_eq!((told(wait).min(), told(wait).max()), (Some(least), Some(most)), "{wait}");
        }
    }

    #[test]
    fn chance_spreads_those_who_were_told_the_same() {
        let mut told = [0_u32; 151];
        for chance in 0..=u16::MAX {
            told[usize::try_from(seconds(Duration::from_secs(600), chance)).unwrap()] += 1;
        }
        assert!(told.iter().skip(120).all(|share| (2000..2300).contains(share)), "{told:?}");
    }
}
