#!/bin/sh
# Installs what the tests need beside Rust and gcc, from Debian's packages, and says so first.
set -eu

sh "$(dirname "$0")/toolchain.sh"

# The OpenID provider of other hands that the SDK is tried with, by its lock file. It wants Node 20, which is newer than
# Debian's: without it, or without the registry, that one test says that it did not run.
second_provider() {
    folder=$(dirname "$0")/../client-sdk/tests/second-provider
    cmp -s "$folder/package-lock.json" "$folder/node_modules/.put" && return
    case $(node --version 2>/dev/null) in
        v2[0-9].* | v[3-9][0-9].*) ;;
        *) echo "No Node 20: the SDK will not be tried with a second provider." && return ;;
    esac
    echo "The tests use the npm package oidc-provider. Installing it into client-sdk/tests/second-provider."
    if npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund --silent; then
        cp "$folder/package-lock.json" "$folder/node_modules/.put"
    else
        echo "npm could not install it: the SDK will not be tried with a second provider." >&2
    fi
}

missing=
need() { # a program that shows the package is there, and the package
    [ -x "$1" ] || command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
}
postgres=$(ls -d /usr/lib/postgresql/*/bin/initdb 2>/dev/null | head -n 1 || true)
need "${postgres:-initdb}" postgresql
need redis-server redis-server
need sqlite3 sqlite3
need /usr/sbin/nginx nginx
need /usr/sbin/ip iproute2
need chromium chromium
need chromedriver chromium-driver
need faketime faketime
[ -n "$missing" ] || { second_provider; exit 0; }

as_root=
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null 2>&1 || {
        echo "The tests need these Debian packages:$missing. Install them as root, then run make test again." >&2
        exit 3
    }
    as_root=sudo
fi
echo "The tests need these Debian packages:$missing. Installing them${as_root:+ with sudo}."
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -q </dev/null
# The servers under test are the tests' own: keep the packages from starting theirs.
# shellcheck disable=SC2086
$as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -q --no-install-recommends $missing </dev/null
second_provider
