#!/bin/sh
# The load scenarios of a morning, for a city of 7,000: release build, server on core 0, everything else on
# core 1. `sh tests/load.sh` runs all of them, `sh tests/load.sh 3` only that one. Ends with 1 where a figure
# that is asked for is missed.
set -eu
cd "$(dirname "$0")/.."
command -v taskset >/dev/null 2>&1 || { echo "make load needs taskset (package util-linux)" >&2; exit 3; }
cargo build --release --workspace --bins --locked
ulimit -n "$(ulimit -Hn)"
echo "$(uname -m), $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(date -u +%F)"
exec taskset -c 1 target/release/bench morning "$@"
