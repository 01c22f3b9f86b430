//! The tests of the whole: one binary, modules named by specification or noun.

#[cfg(test)]
#[path = "browser/mod.rs"]
mod browser;
#[cfg(test)]
#[path = "edge/mod.rs"]
mod edge;
#[cfg(test)]
#[path = "faults/mod.rs"]
mod faults;
#[cfg(test)]
#[path = "import/mod.rs"]
mod import;
#[cfg(test)]
#[path = "operations/mod.rs"]
mod operations;
#[cfg(test)]
#[path = "protocol/mod.rs"]
mod protocol;
#[cfg(test)]
#[path = "sdk/mod.rs"]
mod sdk;
