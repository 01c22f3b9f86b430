//! The binary `gapura`.

use std::process::ExitCode;

fn main() -> ExitCode {
    gapura_idp::commands::main()
}
