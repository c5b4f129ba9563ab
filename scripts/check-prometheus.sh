#!/usr/bin/env bash
# Starts zkproverd and Debian's Prometheus, both on the loopback interface, lets the one scrape the other, and asserts that
# the target is up, that no scrape had an error, that the samples are there, and that promtool accepts the text.
#
#   scripts/check-prometheus.sh [--no-fetch] [BIN_FOLDER]      default: build/release/bin
#   scripts/check-prometheus.sh --fetch                        only makes sure that Prometheus is there
#
# Prometheus and promtool come from PATH or else from Debian's package, which is unpacked into build/tools and not installed:
# installing it would start a service of its own. With --no-fetch their absence is a skipped test. Exit code 0 only if
# everything holds.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
fetch=yes
case "${1-}" in
--fetch | --no-fetch)
    fetch=${1#--}
    shift
    ;;
-h | --help)
    sed -n '2,10s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
    exit 0
    ;;
-*)
    echo "check-prometheus: unknown option '$1'" >&2
    exit 2
    ;;
esac
bin=${1-$root/build/release/bin}
die() {
    printf 'check-prometheus: %s\n' "$*" >&2
    exit 1
}

work=$(mktemp -d)
pids=()
finish() {
    local code=$?
    for pid in "${pids[@]}"; do
        kill -TERM "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    rm -rf "$work"
    exit "$code"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

tools=$root/build/tools/prometheus
PATH=$PATH:$tools/usr/bin
if ! command -v prometheus >/dev/null || ! command -v promtool >/dev/null; then
    if [ "$fetch" = no-fetch ]; then
        echo "skipped: prometheus is not there; scripts/check-prometheus.sh --fetch unpacks Debian's"
        exit 0
    fi
    echo "check-prometheus: unpacking Debian's prometheus into $tools"
    (cd "$work" && apt-get -q download prometheus >"$work/apt.log" 2>&1) ||
        die "apt-get download prometheus: $(tail -n 3 "$work/apt.log")"
    mkdir -p "$tools"
    dpkg -x "$work"/prometheus_*.deb "$tools"
fi
if [ "$fetch" = fetch ]; then
    exit 0
fi
for p in zkproverd zkprover; do
    [ -x "$bin/$p" ] || die "$bin/$p is not there; build it first"
done

# wait_for FILE PATTERN PID: the first group of the pattern (for sed) as soon as a line has it
wait_for() {
    local found
    for _ in $(seq 200); do
        found=$(sed -n "s/.*$2.*/\\1/p" "$1" 2>/dev/null | head -n 1)
        if [ -n "$found" ]; then
            printf '%s\n' "$found"
            return 0
        fi
        kill -0 "$3" 2>/dev/null || break
        sleep 0.1
    done
    tail -n 5 "$1" >&2
    return 1
}

TSAN_OPTIONS="suppressions=$root/tests/tsan.supp ${TSAN_OPTIONS-}"
export TSAN_OPTIONS
: >"$work/server.log"
"$bin/zkproverd" --listen 127.0.0.1:0 --http-listen 127.0.0.1:0 --data-dir "$work/data" >"$work/server.log" 2>&1 &
server=$!
pids+=("$server")
grpc=$(wait_for "$work/server.log" '"event":"serving".*"port":\([0-9]*\)' "$server") || die "zkproverd did not start"
http=$(wait_for "$work/server.log" '"event":"http".*"port":\([0-9]*\)' "$server") || die "no HTTP port"
"$bin/zkprover" execute --addr "127.0.0.1:$grpc" "$root/tests/data/batch/fork6/transfer.json" >/dev/null

cat >"$work/prometheus.yml" <<EOF
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
  - job_name: zkproverd
    static_configs: [{targets: ['127.0.0.1:$http']}]
EOF
promtool check config "$work/prometheus.yml" >"$work/config.log" || die "$(cat "$work/config.log")"

# --web.listen-address takes no port 0 that could be asked for, so a free one is looked for
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
: >"$work/prometheus.log"
prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/tsdb" --web.listen-address="127.0.0.1:$port" \
    --log.level=warn >"$work/prometheus.log" 2>&1 &
pids+=("$!")

python3 - "http://127.0.0.1:$port" "http://127.0.0.1:$http" "$root/tests/operations" <<'EOF' || die "see above; $(tail -n 5 "$work/prometheus.log")"
import json, subprocess, sys, time, urllib.parse, urllib.request

prometheus, server, folder = sys.argv[1:]
sys.path.insert(0, folder)
import exposition

def get(path):
    with urllib.request.urlopen(prometheus + path, timeout=5) as r:
        return json.load(r)["data"]

def query(text):
    return [(r["metric"], float(r["value"][1])) for r in get("/api/v1/query?" + urllib.parse.urlencode({"query": text}))["result"]]

end = time.monotonic() + 30
while True:  # three scrapes that went well
    try:
        if query("count_over_time(up[1m])") and query("count_over_time(up[1m])")[0][1] >= 3:
            break
    except (OSError, ValueError):
        pass
    if time.monotonic() > end:
        sys.exit("no three scrapes within 30 s")
    time.sleep(0.3)
targets = get("/api/v1/targets")["activeTargets"]
assert [(t["health"], t["lastError"]) for t in targets] == [("up", "")], targets
assert [v for _, v in query("min_over_time(up[1m])")] == [1], "a scrape failed"
assert [v for _, v in query('zkprover_execute_results_total{result="COMPLETED_OK"}')] == [1]
assert [v for _, v in query("zkprover_ready")] == [1]
assert query("histogram_quantile(0.5, zkprover_execute_duration_seconds_bucket)")[0][1] > 0

raw = urllib.request.urlopen(server + "/metrics", timeout=5).read()
families = exposition.parse(raw)
# every sample that we serve is in the database, none more
stored = {m["__name__"] for m, _ in query('{job="zkproverd"}')} - {"up"}
stored = {n for n in stored if not n.startswith("scrape_")}
served = {n for f in families.values() for n, _, _ in f["samples"]}
assert stored == served, stored ^ served
metadata = get("/api/v1/metadata")
for name, family in families.items():
    assert metadata[name][0]["type"] == family["type"] and metadata[name][0]["help"] == family["help"], name
lint = subprocess.run(["promtool", "check", "metrics"], input=raw, capture_output=True)
if lint.returncode or lint.stdout or lint.stderr:
    sys.exit(f"promtool: exit code {lint.returncode}: {lint.stdout.decode()}{lint.stderr.decode()}")
print(f"scrapes {query('count_over_time(up[1m])')[0][1]:.0f}, failed 0; families {len(families)}; samples "
      f"{sum(len(f['samples']) for f in families.values())}; promtool: no complaint")
EOF

kill -TERM "$server"
code=0
wait "$server" || code=$?
[ "$code" -eq 0 ] || die "zkproverd ended with exit code $code"
echo "ok"
