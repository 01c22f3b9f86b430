//! Real Chromium, real `gapura serve`, real applications, the sample city.

mod hostile_sibling;
mod one_account;
