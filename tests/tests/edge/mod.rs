//! The edge of ARCHITECTURE.md: a sibling under the same domain is hostile.

mod cookies;
mod pages;
mod posts;
mod throttle;
