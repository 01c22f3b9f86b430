//! The edge: a sibling under the same domain is hostile (docs/threat-model.md).

mod cookies;
mod flood;
mod limits;
mod one_time_link;
mod pages;
mod posts;
mod proxies;
mod sessions;
mod sign_in;
mod throttle;
