#!/bin/sh
# The figures of docs/benchmarks.md: release build, server on core 0, generator on core 1.
# `sh tests/bench.sh 2` measures two seconds each instead of five.
set -eu
cd "$(dirname "$0")/.."
command -v taskset >/dev/null 2>&1 || { echo "make bench needs taskset (package util-linux)" >&2; exit 3; }
cargo build --release --workspace --bins --locked
echo "$(uname -m), $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(date -u +%F)"
exec taskset -c 1 target/release/bench run "$@"
