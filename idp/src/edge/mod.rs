//! The edge: what every request passes on its way in and every answer on its way out.
//!
//! Every application of a city lies under one registrable domain, many by vendors, so a sibling
//! site is hostile and `SameSite` does not stop it. The story of a request:
//!
//! 1. [`begin`](context::begin) makes its [`RequestContext`]: `now` and `today` once, a request id
//!    that also stands on every page error, the language, the client's address.
//! 2. [`parameters`] reads query or form as a multimap, losslessly and within limits.
//! 3. [`posts`] lets a state-changing request through only from our own pages, and only with an
//!    interaction or form token that belongs to this browser's [`cookies`].
//! 4. [`headers`] writes the security headers of every answer.

pub mod address;
pub mod context;
pub mod cookies;
pub mod headers;
pub mod parameters;
pub mod posts;

pub use context::{Language, RequestContext};
