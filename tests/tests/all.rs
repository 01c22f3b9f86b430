//! The tests of the whole: one binary, modules named by specification or noun.

#[cfg(test)]
#[path = "browser/mod.rs"]
mod browser;
