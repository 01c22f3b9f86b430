//! Pages for people: server-rendered HTML that works without script, in two languages.
//!
//! A page is drawn on a [`Paper`] (city, language, links of the frame) and leaves as a [`Response`]
//! with the page policy of [`crate::edge::headers`]. Endpoints that show pages of their own live
//! here too: home, sign-out, one-time link. Sign-in is in [`crate::sign_in`].

pub mod assets;
pub mod done;
pub mod error;
pub mod home;
pub mod link;
pub mod paper;
pub mod queue;
pub mod refusal;
pub mod sign_out;
pub mod texts;

pub use error::ErrorPage;
pub use paper::Paper;
pub use texts::Texts;
