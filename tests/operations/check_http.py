#!/usr/bin/env python3
"""check_http.py [--promtool] BIN_FOLDER BATCH_FOLDER: a real zkproverd with its HTTP port on loopback executes batches;
its metrics have to be well-formed and to say what was done. --promtool: only whether promtool complains about them."""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import exposition

PATHS = ("/metrics", "/healthz", "/readyz")
# for builds under ThreadSanitizer: gRPC's libraries are not instrumented
TSAN = "suppressions=" + os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tsan.supp")
ENVIRONMENT = dict(os.environ, TSAN_OPTIONS=" ".join(filter(None, [TSAN, os.environ.get("TSAN_OPTIONS")])))


class Server:
    def __init__(self, folder, *flags, env=None):
        self.dir = tempfile.TemporaryDirectory()
        self.log = os.path.join(self.dir.name, "log")
        args = [os.path.join(folder, "zkproverd"), "--listen", "127.0.0.1:0", "--data-dir", self.dir.name + "/data"]
        with open(self.log, "w") as log:
            self.process = subprocess.Popen([*args, *flags], stderr=log, env=dict(ENVIRONMENT, **(env or {})))
        self.lines = []

    def event(self, name, seconds=30):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with open(self.log) as log:
                lines = [json.loads(l) for l in log if l.endswith("\n") and l.startswith("{")]
            found = [l for l in lines if l["event"] == name]
            if found:
                return found[0]
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        with open(self.log) as log:
            raise AssertionError(f"no log line {name}: {log.read()}")

    def get(self, path, method="GET"):
        c = http.client.HTTPConnection("127.0.0.1", self.event("http")["port"], timeout=20)
        try:
            c.request(method, path)
            r = c.getresponse()
            return r.status, dict(r.getheaders()), r.read()
        finally:
            c.close()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(60)
        with open(self.log) as log:
            assert code == 0, (code, log.read())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.dir.cleanup()


def execute(folder, server, *files):
    address = f"127.0.0.1:{server.event('serving')['port']}"
    done = subprocess.run([os.path.join(folder, "zkprover"), "execute", "--addr", address, "--json", *files],
                          capture_output=True, text=True, env=ENVIRONMENT)  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def metrics(server):
    status, headers, raw = server.get("/metrics")
    assert status == 200 and headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8", headers
    return exposition.parse(raw), raw


def served(folder, batches):
    files = [os.path.join(batches, "fork6", name) for name in ("mixed.json", "revert.json", "out-of-counters.json")]
    with Server(folder, "--http-listen", "127.0.0.1:0") as s:
        s.event("serving")
        before, _ = metrics(s)
        value = exposition.value
        info = before["zkprover_build_info"]["samples"][0]
        assert info[1]["fork_id"] == "6" and info[1]["isa"] and info[2] == 1
        assert value(before, "zkprover_ready") == 1
        assert value(before, "zkprover_execute_duration_seconds_count") == 0
        assert value(before, "zkprover_transactions_total", outcome="ok") == 0
        answers = execute(folder, s, *files)
        end = time.monotonic() + 20
        while True:  # a call is over a moment after its client has the answer
            after, raw = metrics(s)
            calls = after.get("zkprover_grpc_calls_total", {"samples": []})["samples"]
            if sum(v for _, _, v in calls) == value(after, "zkprover_grpc_calls_accepted_total"):
                break
            assert time.monotonic() < end, calls
            time.sleep(0.05)
        # what the client saw is what was counted
        transactions = [t for a in answers for t in a["transactions"]]
        ok = sum(t["status"] in ("ok", 1, "0x1", "1") for t in transactions)
        skipped = value(after, "zkprover_transactions_total", outcome="skipped")
        failed = value(after, "zkprover_transactions_total", outcome="failed")
        undone = value(after, "zkprover_transactions_total", outcome="undone")
        assert value(after, "zkprover_transactions_total", outcome="ok") == ok > 0, (ok, transactions)
        assert failed > 0 and skipped > 0 and undone == len(answers[2]["transactions"]) > 0
        assert ok + failed + skipped + undone == len(transactions)
        assert value(after, "zkprover_execute_results_total", result="COMPLETED_OK") == 2
        assert value(after, "zkprover_execute_results_total", result="COMPLETED_ERR") == 1
        assert value(after, "zkprover_execute_duration_seconds_count") == 3
        assert value(after, "zkprover_execute_wait_seconds_count") == 3
        # the command asks GetStatus first, to find out whether there is a server
        service = "zkprover.v1.ZKProverService/"
        probes = sum(v for _, l, v in calls if l["method"] == service + "GetStatus")
        assert probes >= 1
        assert value(after, "zkprover_grpc_requests_total") == value(after, "zkprover_grpc_answers_total") == 3 + probes
        assert {l["method"] for _, l, _ in calls} == {service + "Execute", service + "GetStatus"}, calls
        assert value(after, "zkprover_grpc_inflight_bytes") == 0
        with open(f"/proc/{s.process.pid}/status") as f:
            rss = int(next(l for l in f if l.startswith("VmRSS")).split()[1]) * 1024
        assert 0.5 * rss < value(after, "process_resident_memory_bytes") < 2 * rss
        assert abs(value(after, "process_start_time_seconds") - os.stat(s.log).st_mtime) < 600
        # nothing of a request: no hash, address or data of the batches
        with open(files[0]) as f:
            batch = json.load(f)
        for key in ("oldStateRoot", "newStateRoot", "sequencerAddr", "batchL2Data"):
            if key in batch:
                assert batch[key].encode()[2:] not in raw, key
        # counters do not go back
        later, _ = metrics(s)
        for name, family in after.items():
            if family["type"] == "counter":
                for sample, labels, v in family["samples"]:
                    assert value(later, sample, **labels) >= v, name
        status, headers, body = s.get("/readyz")
        assert (status, body) == (200, b"ready\n")
        assert s.get("/healthz")[::2] == (200, b"ok\n")
        assert s.get("/metrics", "HEAD")[::2] == (200, b"")
        assert s.get("/metrics", "DELETE")[0] == 405 and s.get("/")[0] == 404
        # a client that hangs delays neither the others nor the end
        hung = socket.create_connection(("127.0.0.1", s.event("http")["port"]))
        hung.sendall(b"GET /metrics HTT")
        assert s.get("/healthz")[0] == 200
        s.stop()
        hung.close()


def configured(folder):
    with Server(folder) as s:  # off unless configured
        s.event("serving")
        with open(s.log) as log:
            assert '"event":"http"' not in log.read()
        s.stop()
    zkproverd = os.path.join(folder, "zkproverd")
    for address, extra, code in [
        ("0.0.0.0:0", {}, 3), ("0.0.0.0:0", {"ZKPROVER_HTTP_ALLOW_REMOTE": "true"}, 0), ("localhost:1", {}, 3),
        ("[::1]:0", {}, 0), ("off", {}, 0), ("127.0.0.1:70000", {}, 3),
    ]:  # fmt: skip
        done = subprocess.run([zkproverd, "--check", "--http-listen", address], env=dict(ENVIRONMENT, **extra),
                              capture_output=True, text=True)  # fmt: skip
        assert done.returncode == code, (address, done)
        assert code == 0 or "http.listen" in done.stdout, done
    with socket.create_server(("127.0.0.1", 0)) as taken:
        with Server(folder, "--http-listen", f"127.0.0.1:{taken.getsockname()[1]}") as s:
            assert s.process.wait(30) == 1
            assert "http.listen" in s.event("start_failed")["reason"]


def notified(folder):
    """The messages of Type=notify, in their order."""
    with tempfile.TemporaryDirectory() as d, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(d + "/notify")
        manager.settimeout(30)
        with Server(folder, env={"NOTIFY_SOCKET": d + "/notify"}) as s:
            got = b""
            while b"READY=1" not in got:
                got = manager.recv(4096)
            s.event("serving")
            s.stop()
            assert b"STOPPING=1" in manager.recv(4096)


def promtool(folder, batches):
    if not shutil.which("promtool"):
        print("skipped: promtool is not installed (it is part of Debian's prometheus; scripts/check-prometheus.sh fetches it)")
        return
    with Server(folder, "--http-listen", "127.0.0.1:0") as s:
        execute(folder, s, os.path.join(batches, "fork6", "mixed.json"))
        _, raw = metrics(s)
        done = subprocess.run(["promtool", "check", "metrics"], input=raw, capture_output=True)
        assert done.returncode == 0 and not done.stdout and not done.stderr, done
        s.stop()


def main():
    args = sys.argv[1:]
    if args[:1] == ["--promtool"]:
        promtool(*args[1:])
        return
    exposition.self_test()
    served(*args)
    configured(args[0])
    notified(args[0])


main()
