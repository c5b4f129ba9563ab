#!/usr/bin/env bash
# check_install.sh BUILD_FOLDER [DEB]: installs the build below a temporary prefix, or unpacks the Debian package DEB, and
# uses what is there: programs, configuration, unit.
set -euo pipefail

build=$1 deb=${2-}
work=$(mktemp -d)
server=
finish() {
    local code=$?
    if [ -n "$server" ]; then
        kill -KILL "$server" 2>/dev/null || true
    fi
    rm -rf "$work"
    exit "$code"
}
trap finish EXIT
die() {
    printf 'check_install: %s\n' "$*" >&2
    exit 1
}

if [ -n "$deb" ]; then
    dpkg -x "$deb" "$work/root"
    prefix=$work/root/usr config=$work/root/etc/zkprover/zkproverd.json
    named=/usr named_config=/etc/zkprover/zkproverd.json
else
    prefix=$work/prefix
    cmake --install "$build" --prefix "$prefix" >"$work/log" || die "$(tail -n 20 "$work/log")"
    config=$prefix/etc/zkprover/zkproverd.json named=$prefix named_config=$config
fi

for f in bin/zkproverd bin/zkprover lib/systemd/system/zkproverd.service lib/sysusers.d/zkprover.conf \
    share/zkprover/proto/zkprover/v1/zk_prover.proto share/doc/zkprover/operations.md share/doc/zkprover/LICENSE; do
    [ -f "$prefix/$f" ] || die "$f is missing"
done
cmp "$(dirname "$0")/../../packaging/zkproverd.json" "$config"
"$prefix/bin/zkproverd" --version | grep -q '^zkproverd [0-9]' || die "zkproverd --version"
"$prefix/bin/zkprover" --help | grep -q '^commands:' || die "zkprover --help"

# the unit: paths of this prefix, nothing left to fill in, no complaint of systemd
unit=$prefix/lib/systemd/system/zkproverd.service
grep -qxF "ExecStart=$named/bin/zkproverd --config $named_config" "$unit" || die "$(grep ExecStart "$unit")"
if grep -n '@[A-Z]' "$unit" | grep -v 'SystemCallFilter'; then
    die "the unit has placeholders"
fi
if command -v systemd-analyze >/dev/null && [ -z "$deb" ]; then # with DEB its programs are not where it says
    verdict=$(systemd-analyze verify --man=no "$unit" 2>&1) || die "systemd-analyze: $verdict"
    [ -z "$verdict" ] || die "systemd-analyze: $verdict"
fi
# time to stop: longer than the drain time of the configuration and what cancelled calls get
stop=$(sed -n 's/^TimeoutStopSec=//p' "$unit") drain=$(sed -n 's/.*"drain_seconds": \([0-9]*\).*/\1/p' "$config")
[ "$stop" -gt $((drain + 10)) ] || die "TimeoutStopSec=$stop does not cover drain_seconds=$drain"

if command -v systemd-sysusers >/dev/null; then
    mkdir -p "$work/users/etc"
    systemd-sysusers --root="$work/users" "$prefix/lib/sysusers.d/zkprover.conf" 2>"$work/log" || die "$(cat "$work/log")"
    user=$(sed -n 's/^User=//p' "$unit")
    grep -q "^$user:.*:/usr/sbin/nologin\$" "$work/users/etc/passwd" || die "no user $user: $(cat "$work/users/etc/passwd")"
fi

# an operator's configuration survives another installation
if [ -z "$deb" ]; then
    echo '{"log_level": "debug"}' >"$config"
    cmake --install "$build" --prefix "$prefix" >"$work/log"
    grep -q debug "$config" || die "the second installation replaced the configuration"
    cp "$(dirname "$0")/../../packaging/zkproverd.json" "$config"
fi

# the configuration as installed, but for the ports and the folder
"$prefix/bin/zkproverd" --config "$config" --data-dir "$work/data" --check || die "--check"
: >"$work/server.log"
"$prefix/bin/zkproverd" --config "$config" --data-dir "$work/data" --listen 127.0.0.1:0 --http-listen 127.0.0.1:0 \
    2>"$work/server.log" &
server=$!
for _ in $(seq 200); do
    grep -q '"event":"serving"' "$work/server.log" && break
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
done
port=$(sed -n 's/.*"event":"serving".*"port":\([0-9]*\).*/\1/p' "$work/server.log")
[ -n "$port" ] || die "it does not serve: $(cat "$work/server.log")"
"$prefix/bin/zkprover" status --addr "127.0.0.1:$port" --json | grep -qi idle || die "zkprover status"
kill -TERM "$server"
code=0
wait "$server" || code=$?
server=
[ "$code" -eq 0 ] || die "exit code $code after SIGTERM"
echo "ok"
