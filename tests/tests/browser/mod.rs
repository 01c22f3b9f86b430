//! Real Chromium, real `gapura serve`, real applications, the sample city.

mod one_account;
