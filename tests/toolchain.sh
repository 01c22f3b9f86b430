#!/bin/sh
# Says what is missing to build Gapura: gcc, the C library's headers, Rust of Cargo.toml's rust-version.
set -eu
cd "$(dirname "$0")/.."

wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
lacks=
command -v gcc >/dev/null 2>&1 || lacks="$lacks gcc"
[ -e /usr/include/stdlib.h ] || lacks="$lacks libc6-dev"
if [ -n "$lacks" ]; then
    echo "Building Gapura needs these Debian packages:$lacks. Install them: apt-get install$lacks" >&2
    exit 3
fi
if ! command -v cargo >/dev/null 2>&1 || ! command -v rustc >/dev/null 2>&1; then
    echo "Building Gapura needs Rust $wanted or newer (cargo and rustc), which is not installed." >&2
    exit 3
fi
have=$(rustc --version | cut -d' ' -f2 | cut -d- -f1)
oldest=$(printf '%s\n%s\n' "$wanted" "$have" | sort -V | head -n 1)
if [ "$oldest" != "$wanted" ]; then
    echo "Building Gapura needs Rust $wanted or newer; this machine has $have." >&2
    exit 3
fi
