//! The binary `gapura`.

fn main() {}
