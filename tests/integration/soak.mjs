// soak.mjs SECONDS: fifty clients against one server whose queue is full all the time (scripts/soak-service.sh).
//
// Load, a pause in which all clients have left, load again, SIGTERM under that load, and a second server on the same folder
// that must know every job which the first has acknowledged. The exit code is 0 only if every check at the end passed.
import { readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import {
    grpc, root, startServer, connect, status, cancel, genProof, getProofs, execute, emptyStateRequest, quickRequest,
    requestOfFile, createTx, LOOP, tempFolder, sleep, MIB,
} from './helpers.mjs';
import { growth, median, percentile } from './flat.mjs';

const { status: S } = grpc;
const CLIENTS = 50;
const MAX_QUEUE = 100;
const MAX_OPEN = 6; // jobs whose end a client still waits for; all together are more than the queue takes
const RETAIN = 500; // more than all clients have open: the end of each job can be heard before it is deleted
const DRAIN_SECONDS = 20;
const seconds = Number(process.argv[2]);
if (!Number.isInteger(seconds) || seconds < 15 || seconds > 86400) {
    console.error('soak.mjs: expected SECONDS, a number from 15 to 86400');
    process.exit(2);
}
const warmup = seconds >= 300 ? 60 : Math.floor(seconds / 3);
// What counts as growth. A short run ends before the caches are warm, and finds gross faults only.
const long = seconds >= 300;
// gRPC starts a thread now and then that stays: 19 became 20 after eight minutes of full load.
const LIMIT = { rss: (long ? 6 : 48) * MIB, fds: 4, threads: long ? 3 : 8, data: (long ? 4 : 48) * MIB };

// ---- batches ----

const ofFile = (name) => {
    const { file, request } = requestOfFile(join(root, 'tests/data/batch/fork6', name));
    return { request, root: file.newStateRoot };
};
const loops = (n) => ({ request: emptyStateRequest(Buffer.concat(Array.from({ length: n }, (_, i) => createTx(LOOP, `soak${i}`)))) });
// The same ones again and again: then the state store, which keeps what jobs bring, is full-grown after the warm-up.
const quick = Array.from({ length: 12 }, (_, i) => ({ request: quickRequest(`soak${i}`) }));
const files = ['transfer.json', 'erc20.json', 'contracts.json', 'mixed.json'].map(ofFile);
const medium = loops(3), lengthy = loops(40);
const malformed = { request: emptyStateRequest(Buffer.alloc(0), { chain_id: '0' }), bad: true };

const pick = (list) => list[Math.floor(Math.random() * list.length)];
const chance = (p) => Math.random() < p;
function anyBatch(shares) {
    if (chance(shares.lengthy)) return lengthy;
    if (chance(shares.medium)) return medium;
    if (chance(0.01)) return malformed;
    return chance(0.5) ? pick(quick) : pick(files);
}

// ---- what is written down ----

const times = new Map(); // method -> milliseconds
const results = new Map(); // method -> result -> count
const faults = new Map(); // what must not be -> count
const jobs = new Map(); // acknowledged id -> the end that was heard, or null
const cancelled = new Set(); // acknowledged as cancelled
const ended = []; // ids in the order in which their ends were heard
let doubtful = 0; // GenProof calls that we cut off: a job may be there
let crossed = 0; // calls that began when the draining server was closing its connections
let termAt = Infinity, goneAt = Infinity;

function note(map, key, value) {
    if (!map.has(key)) map.set(key, []);
    map.get(key).push(value);
}
function count(method, result) {
    if (!results.has(method)) results.set(method, new Map());
    const m = results.get(method);
    m.set(result, (m.get(result) || 0) + 1);
}
const fault = (text) => faults.set(text, (faults.get(text) || 0) + 1);
const nameOf = (code) => Object.keys(S).find((k) => S[k] === code);

/** A call that ended with this code, other than OK: true if that may be. */
function mayFail(method, code, details, started) {
    count(method, nameOf(code));
    if (code === S.UNAVAILABLE && performance.now() >= termAt) {
        // Refused by the draining server, or there is none any more. A call that the server had must not be dropped.
        if (/shutting down|draining/.test(details) || /No connection established|ECONNREFUSED/.test(details)) return true;
        if (started >= termAt) return true;
        fault(`${method} begun before SIGTERM, cut off by the end of the server: ${details}`);
        return false;
    }
    if (code === S.CANCELLED && started >= termAt) { // gRPC's end of a stream that crosses its GOAWAY; nothing was read of it
        crossed++;
        return true;
    }
    const when = performance.now() < termAt ? '' : `, begun ${started < termAt ? 'before' : 'after'} SIGTERM`;
    fault(`${method}: ${nameOf(code)} ${details.slice(0, 200)}${when}`);
    return false;
}
function heard(id, answer) {
    const end = answer.result.replace('RESULT_GET_PROOF_', '');
    if (answer.id !== id) fault(`GetProof of ${id} answered for '${answer.id}'`);
    if (end === 'PENDING') return false;
    if (end === 'ERROR') fault(`GetProof does not know the acknowledged job ${id}`);
    else if (end !== 'INTERNAL_ERROR' && end !== 'CANCEL') fault(`GetProof: ${end} ${answer.result_string.slice(0, 200)}`);
    else if (end === 'INTERNAL_ERROR' && !/this build has no prover/.test(answer.result_string))
        fault(`GetProof: ${answer.result_string.slice(0, 200)}`);
    if (cancelled.has(id) && end !== 'CANCEL') fault(`a cancelled job ended as ${end}`);
    jobs.set(id, end);
    ended.push(id);
    return true;
}

// ---- one client ----

async function runClient(server, phase) {
    let client = connect(server), reconnect = performance.now() + 5000 + 10000 * Math.random();
    const ops = {
        async GenProof(open) {
            const batch = anyBatch({ lengthy: 0.05, medium: 0.2 }), start = performance.now();
            if (chance(0.01)) { // a client that goes away
                doubtful++;
                await genProof(client, batch.request, { deadline: 5 * Math.random() });
                count('GenProof', 'left');
                return;
            }
            const r = await genProof(client, batch.request);
            if (r.code === S.RESOURCE_EXHAUSTED) {
                note(times, 'GenProof, queue full', performance.now() - start);
                count('GenProof', 'RESOURCE_EXHAUSTED');
                if (!/jobs are waiting/.test(r.details)) fault(`GenProof: ${r.details.slice(0, 200)}`);
                await sleep(50 + 100 * Math.random());
                return;
            }
            if (r.code !== S.OK) {
                mayFail('GenProof', r.code, r.details, start);
                return;
            }
            const result = r.result.replace('RESULT_GEN_PROOF_', '');
            count('GenProof', result);
            if (batch.bad ? result !== 'ERROR' : result !== 'OK') fault(`GenProof: ${result} ${r.reasons}`);
            if (result !== 'OK') return;
            note(times, 'GenProof, taken', performance.now() - start);
            if (jobs.has(r.id)) fault(`the id ${r.id} was given twice`);
            jobs.set(r.id, null);
            open.push(r.id);
        },
        async GetProof(open) {
            if (!open.length) return;
            const start = performance.now(), left = chance(0.03);
            const wait = chance(0.5) ? 0 : 1 + Math.floor(2 * Math.random());
            const ids = chance(0.2) ? [...open] : [open[0]];
            const r = await getProofs(client, ids.map((id, i) => [id, i ? 0 : wait]),
                left ? { deadline: 300 * Math.random() } : {});
            const took = performance.now() - start;
            if (r.code !== S.OK) {
                if (left) count('GetProof', 'left');
                else mayFail('GetProof', r.code, r.details, start);
            } else if (r.responses.length !== ids.length) {
                fault(`GetProof: ${r.responses.length} answers to ${ids.length} requests`);
            }
            for (const [i, answer] of r.responses.entries()) {
                count('GetProof', answer.result.replace('RESULT_GET_PROOF_', ''));
                if (heard(ids[i], answer)) open.splice(open.indexOf(ids[i]), 1);
            }
            if (r.code !== S.OK) return;
            if (wait === 0) note(times, 'GetProof, time-out 0', took);
            else if (r.responses[0]?.result === 'RESULT_GET_PROOF_PENDING' && ids.length === 1 && performance.now() < termAt)
                note(times, 'GetProof, after its time-out', took - 1000 * wait);
        },
        async Cancel(open) {
            const own = open.length > 0 && chance(0.8), start = performance.now();
            const id = own ? pick(open) : pick(ended) || 'nothing';
            const r = await cancel(client, id);
            if (r.code !== S.OK) {
                mayFail('Cancel', r.code, r.details, start);
                return;
            }
            const result = r.result.replace('RESULT_CANCEL_', '');
            count('Cancel', own ? result : `${result} (ended before)`);
            note(times, 'Cancel', performance.now() - start);
            if (result === 'OK' && jobs.has(id)) cancelled.add(id);
            const end = jobs.get(id);
            if (result === 'OK' && end && end !== 'CANCEL') fault(`Cancel is OK of a job that has ended as ${end}`);
        },
        async GetStatus() {
            const start = performance.now();
            try {
                await status(client);
                count('GetStatus', 'OK');
                note(times, 'GetStatus', performance.now() - start);
            } catch (error) {
                mayFail('GetStatus', error.code, error.details, start);
            }
        },
        async Execute() {
            const batches = Array.from({ length: chance(0.2) ? 3 : 1 }, () => anyBatch({ lengthy: 0.002, medium: 0.05 }));
            const start = performance.now(), left = chance(0.03);
            const r = await execute(client, batches.map((b) => b.request), left ? { deadline: 50 * Math.random() } : {});
            if (r.code !== S.OK && left) count('Execute', 'left');
            else if (r.code !== S.OK) mayFail('Execute', r.code, r.details, start);
            else if (batches.length === 1) note(times, 'Execute', performance.now() - start);
            for (const [i, answer] of r.responses.entries()) {
                const result = answer.result.replace('RESULT_EXECUTE_', '');
                count('Execute', result);
                const drained = result === 'CANCEL' && performance.now() >= termAt;
                if (!drained && result !== (batches[i].bad ? 'ERROR' : 'COMPLETED_OK') && !(left && result === 'CANCEL'))
                    fault(`Execute: ${result} ${r.reasons}`);
                if (result === 'COMPLETED_OK' && batches[i].root && BigInt(batches[i].root) !== BigInt(answer.new_state_root))
                    fault(`Execute: new_state_root ${answer.new_state_root}, expected ${batches[i].root}`);
            }
        },
    };
    while (!phase.over && performance.now() < goneAt) {
        const x = Math.random(), open = phase.open;
        const op = open.length >= MAX_OPEN || x < 0.3 ? ops.GetProof : x < 0.65 ? ops.GenProof : x < 0.73 ? ops.Cancel
            : x < 0.83 ? ops.GetStatus : ops.Execute;
        await op(open);
        await sleep(performance.now() >= termAt ? 100 : 10 + 40 * Math.random());
        if (performance.now() > reconnect && performance.now() < termAt) { // as clients come and go
            client.close();
            client = connect(server);
            reconnect = performance.now() + 5000 + 10000 * Math.random();
        }
    }
    client.close();
}

/** All clients until stop() is called; what they have open stays in `open` from one load to the next. */
function startLoad(server, open) {
    const phases = open.map((list) => ({ over: false, open: list }));
    const all = Promise.all(phases.map((p) => runClient(server, p)));
    return { all, stop: () => { for (const p of phases) p.over = true; return all; } };
}

// ---- the server from outside ----

function folderBytes(folder) {
    let sum = 0;
    for (const name of readdirSync(folder, { recursive: true })) {
        try {
            const s = statSync(join(folder, String(name)));
            if (s.isFile()) sum += 512 * s.blocks; // what it takes: the state store's file is sparse
        } catch { /* deleted meanwhile */ }
    }
    return sum;
}
const fdsOf = (server) => readdirSync(`/proc/${server.child.pid}/fd`).length;
function cpuSeconds(server) {
    const f = readFileSync(`/proc/${server.child.pid}/stat`, 'utf8').split(') ')[1].split(' ');
    return (Number(f[11]) + Number(f[12])) / 100;
}

/** One look a second, until stopped. */
function startSampling(server, observer) {
    const samples = [], begin = performance.now();
    let over = false;
    const all = (async () => {
        while (!over) {
            const pending = (await status(observer)).pending_request_queue_ids.length;
            samples.push({
                t: (performance.now() - begin) / 1000, rss: server.rssKiB() * 1024, threads: server.threads(),
                fds: fdsOf(server), data: folderBytes(server.dataDir), pending,
            });
            dropLog(server);
            await sleep(1000 - (performance.now() - begin) % 1000);
        }
        return samples;
    })();
    return { samples, stop: () => { over = true; return all; } };
}
/** Errors and warnings of the log are faults, but for the one that each job of this build ends with; the rest is forgotten. */
function dropLog(server) {
    for (const line of server.log)
        if (line.event === 'not json' || line.level === 'error'
            || (line.level === 'warn' && !/this build has no prover/.test(line.text)))
            fault(`log: ${JSON.stringify(line).slice(0, 300)}`);
    server.log.length = 0;
    server.raw = '';
}

// ---- the end ----

let failed = 0;
function check(good, text) {
    console.log(`${good ? 'ok  ' : 'FAIL'} ${text}`);
    if (!good) failed++;
}
const mib = (n) => `${(n / MIB).toFixed(1)} MiB`;
function checkFlat(samples, name, show) {
    const g = growth(samples.map((s) => [s.t, s[name]]));
    check(g.growth <= LIMIT[name], `${name}: median ${show(g.median)}, ${show(g.min)} to ${show(g.max)}; the line gains `
        + `${show(g.growth)} in ${g.seconds.toFixed(0)} s (at most ${show(LIMIT[name])})`);
}
function printFigures(lag, elapsed) {
    console.log(`\n${'milliseconds'.padEnd(30)}${['calls', 'p50', 'p99', 'max'].map((h) => h.padStart(10)).join('')}`);
    for (const [name, v] of [...times].sort())
        console.log(name.padEnd(30) + String(v.length).padStart(10)
            + [percentile(v, 0.5), percentile(v, 0.99), percentile(v, 1)].map((x) => x.toFixed(1).padStart(10)).join(''));
    console.log(`the clients' own process was late by ${(lag.percentile(50) / 1e6 - 10).toFixed(1)} ms (p50), `
        + `${(lag.percentile(99) / 1e6 - 10).toFixed(1)} ms (p99): part of the above\n`);
    let calls = 0;
    for (const [method, m] of [...results].sort()) {
        for (const n of m.values()) calls += n;
        console.log(`${method}: ${[...m].sort().map(([k, n]) => `${k} ${n}`).join(', ')}`);
    }
    console.log(`${calls} results in ${elapsed.toFixed(0)} s, ${(calls / elapsed).toFixed(0)} a second\n`);
}

/** The second server on the same folder: every job is there, ends once, and stays what it was. */
async function checkRestart(dataDir) {
    const server = await startServer([], { dataDir, env });
    const client = connect(server);
    const pending = (await status(client)).pending_request_queue_ids;
    check(new Set(pending).size === pending.length, `restarted: ${pending.length} jobs wait, none twice`);
    const strange = pending.filter((id) => !jobs.has(id)).length;
    check(strange <= doubtful, `${strange} of them were never acknowledged (clients cut off ${doubtful} submissions)`);
    const again = pending.filter((id) => jobs.get(id) || cancelled.has(id)).length;
    check(again === 0, `${again} of them had ended or were cancelled before`);
    const owed = [...jobs].filter(([, end]) => end === null).map(([id]) => id);
    const r = await getProofs(client, owed.map((id) => [id, 120]), { deadline: 300000 });
    for (const [i, a] of r.responses.entries())
        if (!heard(owed[i], a)) fault(`a job did not end after the restart: ${a.result_string.slice(0, 100)}`);
    const lost = owed.length - r.responses.length;
    check(lost === 0 && !owed.some((id) => jobs.get(id) === null || jobs.get(id) === 'ERROR'),
        `all ${owed.length} acknowledged jobs without an end were known, and ended`);
    const recent = ended.slice(-300 - owed.length, -owed.length || undefined);
    const ends = await getProofs(client, recent.map((id) => [id, 0]));
    const changed = ends.responses.filter((a, i) => !['RESULT_GET_PROOF_ERROR', `RESULT_GET_PROOF_${jobs.get(recent[i])}`]
        .includes(a.result)).length;
    const kept = ends.responses.filter((a) => a.result !== 'RESULT_GET_PROOF_ERROR').length;
    check(ends.responses.length === recent.length && changed === 0 && (kept > 0 || !recent.length),
        `of the last ${recent.length} ends ${kept} are still kept, all as they were heard`);
    client.close();
    dropLog(server);
    check((await server.stop()).code === 0, 'the second server ended with 0');
}

const env = {
    ZKPROVER_JOBS_MAX_QUEUE: String(MAX_QUEUE), ZKPROVER_JOBS_RETAIN_MAX: String(RETAIN),
    ZKPROVER_DRAIN_SECONDS: String(DRAIN_SECONDS),
};

async function main(dataDir) {
    let server = await startServer([], { dataDir, env });
    const observer = connect(server);
    // Whatever is opened once is open before the idle server is looked at.
    await execute(observer, [quick[0].request]);
    const first = await genProof(observer, files[1].request);
    await getProofs(observer, [[first.id, 60]]);
    const idle = { fds: fdsOf(server), threads: server.threads() };
    console.log(`${CLIENTS} clients for ${seconds} s; the first ${warmup} s are warm-up; the idle server has ${idle.fds} file `
        + `handles and ${idle.threads} threads`);

    const open = Array.from({ length: CLIENTS }, () => []);
    const lag = monitorEventLoopDelay({ resolution: 10 });
    lag.enable();
    const begin = performance.now(), cpu = cpuSeconds(server);
    const sampling = startSampling(server, observer);
    let load = startLoad(server, open);
    for (let s = 0; s < seconds; s += 30) {
        await sleep(Math.min(30, seconds - s) * 1000);
        const x = sampling.samples[sampling.samples.length - 1];
        console.log(`${x.t.toFixed(0).padStart(5)} s: ${mib(x.rss)}, ${x.threads} threads, ${x.fds} file handles, data `
            + `${mib(x.data)}, ${x.pending} waiting, ${jobs.size} jobs taken`);
    }
    const samples = (await sampling.stop()).filter((s) => s.t >= warmup);
    const elapsed = (performance.now() - begin) / 1000;
    const cpuShare = (cpuSeconds(server) - cpu) / elapsed;
    lag.disable();
    await load.stop();

    // All have left: nothing of them may stay.
    let after;
    for (let i = 0; i < 50; i++) {
        after = { fds: fdsOf(server), threads: server.threads() };
        if (after.fds <= idle.fds + 2) break;
        await sleep(200);
    }

    // The end, under load again.
    load = startLoad(server, open);
    await sleep(3000);
    termAt = performance.now();
    server.child.kill('SIGTERM');
    const exited = server.exited.then((end) => { goneAt = performance.now() + 500; return end; });
    const timer = setTimeout(() => server.child.kill('SIGKILL'), (DRAIN_SECONDS + 30) * 1000);
    const end = await exited;
    clearTimeout(timer);
    const drain = (performance.now() - termAt) / 1000;
    await load.all;
    observer.close();
    dropLog(server);

    printFigures(lag, elapsed);
    check(samples.filter((s) => s.pending >= 0.9 * MAX_QUEUE).length >= 0.8 * samples.length,
        `the queue was full: median ${median(samples.map((s) => s.pending))} of ${MAX_QUEUE} jobs waited`);
    console.log(`     the server used ${cpuShare.toFixed(2)} processors`);
    checkFlat(samples, 'rss', mib);
    checkFlat(samples, 'fds', (n) => n.toFixed(1));
    checkFlat(samples, 'threads', (n) => n.toFixed(1));
    checkFlat(samples, 'data', mib);
    check(after.fds <= idle.fds + 2, `file handles when all clients had left: ${after.fds}, idle before: ${idle.fds}`);
    check(end.code === 0 && drain <= DRAIN_SECONDS + 2,
        `SIGTERM under load: exit code ${end.code} after ${drain.toFixed(2)} s (drain time ${DRAIN_SECONDS} s)`);
    console.log(`     ${crossed} calls begun after SIGTERM ended as CANCELLED, not UNAVAILABLE`);
    await checkRestart(dataDir);
    for (const method of ['GenProof', 'GetProof', 'Cancel', 'GetStatus', 'Execute'])
        if (!results.has(method)) fault(`${method} was never called`);
    for (const [text, n] of [...faults].slice(0, 20)) console.log(`     ${n} times: ${text}`);
    check(faults.size === 0, `${faults.size} kinds of answers that must not be`);
}

const dataDir = tempFolder();
try {
    await main(dataDir);
} catch (error) {
    console.error(error);
    failed++;
}
rmSync(dataDir, { recursive: true, force: true });
console.log(failed ? `soak: ${failed} checks failed` : 'soak: all checks passed');
process.exit(failed ? 1 : 0);
