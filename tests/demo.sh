#!/bin/sh
# The sample city on this machine: the provider and three applications. Data and passwords stay in .demo/.
set -eu
umask 077
cd "$(dirname "$0")/.."

sh tests/toolchain.sh

listening() { # a port of this machine, by the kernel's own table
    awk -v port="$(printf ':%04X' "$1")" '$4 == "0A" && substr($2, length($2) - 4) == port { found = 1 } END { exit !found }' \
        /proc/net/tcp /proc/net/tcp6 2>/dev/null
}
taken=
for port in 8080 8081 8082 8083 9080; do
    ! listening "$port" || taken="$taken $port"
done
if [ -n "$taken" ]; then
    echo "The demo needs ports 8080 to 8083 and 9080 of this machine; in use:$taken. End what listens there first." >&2
    exit 3
fi

echo "Building Gapura and the example application (the first time some minutes)."
cargo build --locked --workspace --bins --examples
here=$(pwd)
gapura="$here/target/debug/gapura"
aplikasi="$here/target/debug/examples/aplikasi"
sample="$here/samples/kota-contoh"

teacher=198404142008032994   # Oktavia Wijaya Herlina, Guru Ahli Madya, SD Negeri Contoh 67
treasurer=197005182005012991 # Juwita Saputra, Bendahara Pengeluaran, Sekretariat Daerah
vendor=sandi.setiawan        # Sandi Setiawan, of a vendor, without assignment

new_password() { # three groups of four letters and digits that cannot be mistaken for each other
    tr -dc 'abcdefghjkmnpqrstuvwxyz23456789' </dev/urandom | head -c 12 | sed 's/\(....\)\(....\)/\1-\2-/'
}

give_password() { # a sign-in name, and the file that keeps its password
    new_password >"$2"
    "$gapura" user passwd "$1" <"$2" >/dev/null
}

add_client() { # id, application, port
    "$gapura" client add --json --id "$1" --application "$2" \
        --redirect-uri "http://$1.localhost:$3/auth/callback" \
        --post-logout-redirect-uri "http://$1.localhost:$3/" \
        --logout-uri "http://$1.localhost:$3/auth/backchannel-logout" 2>client.log |
        sed -n 's/.*"client_secret": *"\([^"]*\)".*/\1/p' >"$1.secret"
    [ -s "$1.secret" ] || { cat client.log >&2; exit 1; }
}

if [ -d .demo ] && [ ! -e .demo/loaded ]; then
    echo "An earlier start was cut off while it loaded the sample city; beginning again."
    rm -rf .demo
fi
if [ ! -d .demo ]; then
    mkdir .demo
    cd .demo
    cat >gapura.toml <<'TOML'
[server]
listen = "127.0.0.1:8080"
public_url = "http://sso.localhost:8080"

[city]
name = "Kota Contoh"
help = "Service Desk TIK, Diskominfo"

[mail]
official_domains = ["contoh.go.id", "dewan.contoh.go.id"]
TOML
    echo "Loading the sample city."
    "$gapura" import opd "$sample/opd.csv"
    "$gapura" import pegawai "$sample/siasn_data_utama.xlsx"
    "$gapura" import akun "$sample/akun_lain.csv"
    "$gapura" import penugasan "$sample/penugasan.csv"
    "$gapura" import aplikasi "$sample/aplikasi.csv"
    "$gapura" import peran "$sample/pemetaan_peran.csv"
    give_password "$teacher" teacher.password
    give_password "$treasurer" treasurer.password
    give_password "$vendor" vendor.password
    add_client presensi e-Presensi 8081
    add_client kinerja e-Kinerja 8082
    add_client keuangan "SIPD Keuangan" 8083
    : >loaded
else
    cd .demo
fi

started=
end() {
    trap - EXIT INT TERM
    # shellcheck disable=SC2086
    [ -z "$started" ] || kill $started 2>/dev/null || true
    wait
}
trap end EXIT
trap 'echo; echo "Ending the demo."; exit 0' INT TERM

answers() { # process, port, its log
    tries=0
    until listening "$2"; do
        tries=$((tries + 1))
        if ! kill -0 "$1" 2>/dev/null || [ "$tries" -gt 300 ]; then
            echo "Port $2 does not answer. The end of .demo/$3:" >&2
            tail -n 20 "$3" >&2
            exit 1
        fi
        sleep 0.1
    done
}

"$gapura" serve >>provider.log 2>&1 &
provider=$!
started="$provider"
answers "$provider" 8080 provider.log

run_application() { # id, name, port
    GAPURA_ISSUER=http://sso.localhost:8080 GAPURA_CLIENT_ID="$1" GAPURA_CLIENT_SECRET_FILE="$1.secret" \
        GAPURA_PUBLIC_URL="http://$1.localhost:$3" APLIKASI_NAMA="$2" APLIKASI_ALAMAT="127.0.0.1:$3" \
        APLIKASI_LAIN="e-Presensi=http://presensi.localhost:8081,e-Kinerja=http://kinerja.localhost:8082,SIPD Keuangan=http://keuangan.localhost:8083" \
        "$aplikasi" >>"$1.log" 2>&1 &
    application=$!
    started="$started $application"
    answers "$application" "$3" "$1.log"
}
run_application presensi e-Presensi 8081
run_application kinerja e-Kinerja 8082
run_application keuangan "SIPD Keuangan" 8083

# Somebody else may have taken a port between our look at it and our start.
# shellcheck disable=SC2086
for process in $started; do
    kill -0 "$process" 2>/dev/null || {
        echo "A part of the demo ended at once; its reason stands at the end of one of .demo/*.log." >&2
        exit 3
    }
done

cat <<TXT

Gapura runs. Open these in Chromium or Firefox (Safari does not resolve *.localhost):

  Gapura          http://sso.localhost:8080
  e-Presensi      http://presensi.localhost:8081
  e-Kinerja       http://kinerja.localhost:8082
  SIPD Keuangan   http://keuangan.localhost:8083

Sign in as

  a teacher       198404142008032994   $(cat teacher.password)   (roles in e-Presensi and e-Kinerja)
  a treasurer     197005182005012991   $(cat treasurer.password)   (also in SIPD Keuangan)
  a vendor        sandi.setiawan       $(cat vendor.password)   (no role anywhere)

Ctrl-C ends everything. Data and passwords stay in .demo/.
TXT
wait "$provider"
