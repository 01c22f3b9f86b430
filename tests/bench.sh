#!/bin/sh
# The figures of docs/benchmarks.md: release build, server on core 0, generator on core 1.
# `sh tests/bench.sh` measures everything of the default run, `sh tests/bench.sh run 2` in two seconds each
# instead of five; `flat [MINUTES]`, `growth [SECONDS [LARGEST]]` and `seed FILE PEOPLE` are the long commands.
set -eu
cd "$(dirname "$0")/.."
command -v taskset >/dev/null 2>&1 || { echo "make bench needs taskset (package util-linux)" >&2; exit 3; }
cargo build --release --workspace --bins --locked
echo "$(uname -m), $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(date -u +%F)"
[ $# -gt 0 ] || set -- run
exec taskset -c 1 target/release/bench "$@"
