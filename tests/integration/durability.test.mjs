// What is acknowledged stays: killed servers, full disks, broken disks, shutting down under load.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
    grpc, binFolder, startServer, connect, status, execute, genProof, submit, cancel, getProof, getProofs, quickRequest,
    longRequest, sleep, tempFolder, until, sanitized,
} from './helpers.mjs';

const { status: S } = grpc;
const shim = resolve(binFolder, '../tests/zkp_fault_shim.so');
const noShim = existsSync(shim) ? false : `${shim} was not built`;

/** A server whose writes below its data directory fail while a file is there: fail(), work(). */
async function faultyServer(error, options = {}) {
    const folder = tempFolder(), when = join(folder, 'when');
    const dataDir = options.dataDir || join(folder, 'data');
    const server = await startServer(options.args || [], {
        dataDir,
        env: {
            LD_PRELOAD: shim, ZKP_FAULT_ERRNO: error, ZKP_FAULT_PATH: dataDir, ZKP_FAULT_WHEN: when,
            // the shim comes before AddressSanitizer's own library, and hands on to it
            ASAN_OPTIONS: `verify_asan_link_order=0 ${process.env.ASAN_OPTIONS || ''}`, ...options.env,
        },
    });
    server.fail = () => writeFileSync(when, '');
    server.work = () => rmSync(when, { force: true });
    server.exited.then(() => { if (options.keep !== true) rmSync(folder, { recursive: true, force: true }); });
    return server;
}

const pending = async (client, ids) => {
    for (const id of ids) assert.equal((await getProof(client, id)).result, 'RESULT_GET_PROOF_PENDING', id);
};

test('SIGTERM and a new start: the running job and the waiting ones go on in their order', async () => {
    const dataDir = tempFolder();
    try {
        let server = await startServer([], { dataDir }), client = connect(server);
        const ended = await submit(client, quickRequest());
        await getProof(client, ended, 60);
        const ids = [await submit(client, longRequest()), await submit(client, quickRequest()), await submit(client, quickRequest())];
        const gone = await submit(client, quickRequest());
        await cancel(client, gone);
        while ((await status(client)).current_computing_request_id !== ids[0]) await sleep(10);
        client.close();
        const start = Date.now();
        assert.equal((await server.stop()).code, 0, server.raw);
        assert.ok(Date.now() - start < (sanitized ? 10000 : 3000));
        const returned = server.events('job').filter((l) => l.what === 'returned');
        assert.deepEqual(returned.map((l) => l.job), [ids[0]]);

        server = await startServer([], { dataDir });
        client = connect(server);
        while ((await status(client)).current_computing_request_id !== ids[0]) await sleep(10);
        assert.deepEqual((await status(client)).pending_request_queue_ids, ids.slice(1));
        await pending(client, ids);
        assert.equal((await getProof(client, gone)).result, 'RESULT_GET_PROOF_CANCEL');
        assert.match((await getProof(client, ended)).result_string, /this build has no prover/);
        assert.equal((await cancel(client, ids[0])).result, 'RESULT_CANCEL_OK');
        assert.match((await getProof(client, ids[2], 60)).result_string, /this build has no prover/);
        const started = server.events('job').filter((l) => l.what === 'started').map((l) => l.job);
        assert.deepEqual(started, ids);
        client.close();
        assert.equal((await server.stop()).code, 0, server.raw);
    } finally {
        rmSync(dataDir, { recursive: true, force: true });
    }
});

/** What clients were told, over many lives of a server with one data directory. */
class Ledger {
    acknowledged = new Set();
    cancelled = new Set();
    perhapsCancelled = new Set();
    ends = new Map(); // id -> result, once it is final
    unanswered = 0; // GenProof calls that may have left a job nobody knows

    /** Clients that submit and cancel until the server is gone or says that it cannot. */
    async drive(server, over) {
        const client = connect(server);
        const submitter = async () => {
            while (!over()) {
                let r;
                try { r = await genProof(client, quickRequest(), { deadline: 20000 }); } catch { r = {}; }
                if (r.code === S.OK && r.result === 'RESULT_GEN_PROOF_OK') {
                    assert.ok(!this.acknowledged.has(r.id), `${r.id} was given twice`);
                    this.acknowledged.add(r.id);
                } else {
                    // these two say that there is no job
                    if (r.code !== S.RESOURCE_EXHAUSTED && !/halted/.test(r.details)) this.unanswered++;
                    await sleep(5);
                }
            }
        };
        const canceller = async () => {
            while (!over()) {
                const open = [...this.acknowledged].filter((id) => !this.ends.has(id)).slice(-40);
                const id = open[Math.floor(Math.random() * open.length)];
                if (!id) { await sleep(5); continue; }
                const known = this.perhapsCancelled.has(id);
                this.perhapsCancelled.add(id);
                const r = await cancel(client, id, { deadline: 20000 });
                if (r.result === 'RESULT_CANCEL_OK') this.cancelled.add(id);
                // a clear refusal: the job has ended otherwise, or nothing has changed
                else if (!known && (r.result === 'RESULT_CANCEL_ERROR' || r.code === S.RESOURCE_EXHAUSTED)) this.perhapsCancelled.delete(id);
                await sleep(10);
            }
        };
        await Promise.all([submitter(), submitter(), submitter(), canceller(), canceller()]);
        client.close();
    }

    /** Everything that was acknowledged is there, and nothing that was cancelled has come back. */
    async check(client, all) {
        const ids = [...this.acknowledged].filter((id) => all || !this.ends.has(id));
        const { responses, code, details } = await getProofs(client, ids.map((id) => [id, 0]));
        assert.equal(code, S.OK, details);
        assert.equal(responses.length, ids.length);
        ids.forEach((id, i) => {
            const { result } = responses[i];
            assert.notEqual(result, 'RESULT_GET_PROOF_ERROR', `${id} was acknowledged, and is lost`);
            if (this.cancelled.has(id)) assert.equal(result, 'RESULT_GET_PROOF_CANCEL', `${id} was cancelled, and is back`);
            if (result === 'RESULT_GET_PROOF_CANCEL') assert.ok(this.perhapsCancelled.has(id), `${id}: nobody cancelled it`);
            if (this.ends.has(id)) assert.equal(result, this.ends.get(id), `${id} has another end than before`);
            if (result !== 'RESULT_GET_PROOF_PENDING') this.ends.set(id, result);
        });
        const { pending_request_queue_ids: queue, current_computing_request_id: current } = await status(client);
        assert.equal(new Set(queue).size, queue.length, 'one id twice in the queue');
        assert.ok(!queue.includes(current), 'the running job is in the queue');
        for (const id of queue) assert.ok(!this.cancelled.has(id), `${id} was cancelled, and waits`);
    }
}

/** Rows of the job database of a server that does not run. */
function rows(dataDir) {
    const script = 'import sqlite3,sys,json; print(json.dumps(sqlite3.connect(sys.argv[1]).execute("SELECT id, state FROM jobs").fetchall()))';
    return JSON.parse(execFileSync('python3', ['-c', script, join(dataDir, 'jobs/jobs.db')], { maxBuffer: 1 << 26 }));
}

/** Rounds of: start, check, drive, kill -9 at a random moment. error: also writes that fail from a random moment on. */
async function killRounds(rounds, error) {
    const dataDir = tempFolder(), ledger = new Ledger();
    const env = { ZKPROVER_JOBS_MAX_QUEUE: '100000', ZKPROVER_JOBS_MAX_ATTEMPTS: '0' };
    const started = new Map(), endedAlready = new Set();
    try {
        for (let round = 0; round <= rounds; round++) {
            const last = round === rounds;
            const server = error && !last ? await faultyServer(error, { dataDir, env }) : await startServer([], { dataDir, env });
            const client = connect(server);
            await ledger.check(client, last || round % 10 === 0);
            if (last) { // it works on, and ends what is left
                const id = await submit(client, quickRequest());
                ledger.acknowledged.add(id);
                assert.match((await getProof(client, id, 300)).result_string, /this build has no prover/);
                await ledger.check(client, true);
                client.close();
                assert.equal((await server.stop()).code, 0, server.raw);
            } else {
                client.close();
                let over = false;
                const driving = ledger.drive(server, () => over);
                await sleep(Math.random() * 250);
                if (error) {
                    server.fail();
                    await sleep(Math.random() * 200);
                    if (Math.random() < 0.5) { server.work(); await sleep(Math.random() * 200); }
                }
                server.child.kill('SIGKILL');
                over = true;
                await server.exited;
                await driving;
                server.work?.();
            }
            for (const l of server.events('job')) {
                if (l.what === 'started') {
                    started.set(l.job, (started.get(l.job) || 0) + 1);
                    assert.ok(!endedAlready.has(l.job), `${l.job} ran again after its end`);
                }
                if (l.what === 'ended') endedAlready.add(l.job);
            }
        }
        const all = rows(dataDir), ids = new Set(all.map(([id]) => id));
        assert.equal(ids.size, all.length, 'one id twice in the store');
        for (const id of ledger.acknowledged) assert.ok(ids.has(id), id);
        const strangers = all.length - ledger.acknowledged.size;
        assert.ok(strangers <= ledger.unanswered, `${strangers} jobs that nobody submitted; ${ledger.unanswered} calls had no answer`);
        return { acknowledged: ledger.acknowledged.size, cancelled: ledger.cancelled.size, unanswered: ledger.unanswered, started: started.size };
    } finally {
        rmSync(dataDir, { recursive: true, force: true });
    }
}

const ROUNDS = Number(process.env.ZKPROVER_KILL_ROUNDS || (sanitized ? 10 : 100));

test(`kill -9 at random moments, ${ROUNDS} times`, { timeout: 1200000 }, async (t) => {
    const seen = await killRounds(ROUNDS, null);
    t.diagnostic(JSON.stringify(seen));
    assert.ok(seen.acknowledged > ROUNDS && seen.cancelled > ROUNDS / 4, JSON.stringify(seen));
});

for (const error of ['ENOSPC', 'EIO'])
    test(`kill -9 while writes fail with ${error}`, { timeout: 600000, skip: noShim }, async (t) => {
        const rounds = Math.max(5, Math.round(ROUNDS / 5));
        const seen = await killRounds(rounds, error);
        t.diagnostic(JSON.stringify(seen));
        assert.ok(seen.acknowledged > rounds, JSON.stringify(seen));
    });

/** What a full disk looks like, and what it looks like when there is room again. */
async function fullDisk(server, fill, empty) {
    const client = connect(server);
    const ended = await submit(client, quickRequest());
    await getProof(client, ended, 60);
    const running = await submit(client, longRequest());
    while ((await status(client)).current_computing_request_id !== running) await sleep(10);
    const waits = await submit(client, quickRequest());

    fill();
    for (let i = 0; i < 3; i++) {
        const r = await genProof(client, quickRequest(`full${i}`));
        assert.equal(r.code, S.RESOURCE_EXHAUSTED, JSON.stringify(r));
        assert.equal(r.id, undefined, 'no message');
        assert.match(r.details, /full|space|room/);
    }
    const c = await cancel(client, waits);
    assert.equal(c.code, S.RESOURCE_EXHAUSTED, JSON.stringify(c));
    assert.equal((await status(client)).state, 'STATUS_PROVER_COMPUTING');
    assert.deepEqual((await status(client)).pending_request_queue_ids, [waits]);
    assert.equal((await getProof(client, ended)).result, 'RESULT_GET_PROOF_INTERNAL_ERROR');
    await pending(client, [running, waits]);
    assert.equal((await execute(client, [quickRequest()])).responses[0].result, 'RESULT_EXECUTE_COMPLETED_OK');

    empty();
    const after = await submit(client, quickRequest('after'));
    assert.equal((await cancel(client, running)).result, 'RESULT_CANCEL_OK');
    assert.match((await getProof(client, waits, 60)).result_string, /this build has no prover/);
    assert.match((await getProof(client, after, 60)).result_string, /this build has no prover/);
    client.close();
    assert.equal((await server.stop()).code, 0, server.raw);
}

test('a full disk: RESOURCE_EXHAUSTED, reading goes on, and all is well when there is room again', { skip: noShim }, async () => {
    const server = await faultyServer('ENOSPC');
    await fullDisk(server, server.fail, server.work);
});

test('a limit of file sizes is a full disk, too', async (t) => {
    const prlimit = (pid, n) => execFileSync('prlimit', ['--pid', String(pid), `--fsize=${n}:unlimited`]);
    try { prlimit(process.pid, 'unlimited'); } catch { return t.skip('prlimit (util-linux) is not there'); }
    const server = await startServer();
    await fullDisk(server, () => prlimit(server.child.pid, 0), () => prlimit(server.child.pid, 'unlimited'));
});

test('a job that ends while the disk is full keeps its end, and has it when there is room again', { skip: noShim }, async () => {
    const server = await faultyServer('ENOSPC', { env: { ZKPROVER_STATE_PERSIST_GEN_PROOF: 'false' } });
    const client = connect(server);
    const id = await submit(client, longRequest(sanitized ? 20 : 100));
    while ((await status(client)).current_computing_request_id !== id) await sleep(10);
    const waiting = getProof(client, id, 120);
    server.fail();
    for (let i = 0; i < 6000 && !server.events('job').some((l) => l.what === 'trouble'); i++) await sleep(20);
    const [trouble] = server.events('job').filter((l) => l.what === 'trouble');
    assert.equal(trouble.job, id);
    assert.equal((await getProof(client, id)).result, 'RESULT_GET_PROOF_PENDING', 'not durable, so not said');
    server.work();
    assert.match((await waiting).result_string, /this build has no prover/);
    client.close();
    assert.equal((await server.stop()).code, 0, server.raw);
});

test('a job store whose disk is broken: HALT, clear answers, and a new start finds everything', { timeout: 120000, skip: noShim }, async () => {
    const dataDir = tempFolder();
    try {
        const server = await faultyServer('EIO', { dataDir });
        const client = connect(server);
        const ended = await submit(client, quickRequest());
        await getProof(client, ended, 60);
        const running = await submit(client, longRequest());
        while ((await status(client)).current_computing_request_id !== running) await sleep(10);
        const waits = await submit(client, quickRequest());
        const waiting = getProof(client, waits, 3600);
        await sleep(sanitized ? 1000 : 300);

        server.fail();
        const r = await genProof(client, quickRequest());
        assert.equal(r.code, S.OK, r.details);
        assert.equal(r.result, 'RESULT_GEN_PROOF_INTERNAL_ERROR');
        assert.equal(r.id, '');
        assert.equal(r.reasons.length, 1);
        server.work(); // the store trusts the disk no more

        const told = await waiting;
        assert.equal(told.result, 'RESULT_GET_PROOF_PENDING');
        assert.match(told.result_string, /the prover has halted/);
        for (let i = 0; i < 3; i++) assert.equal((await status(client)).state, 'STATUS_PROVER_HALT');
        const again = await genProof(client, quickRequest());
        assert.equal(again.code, S.UNAVAILABLE);
        assert.match(again.details, /halted.*restart/s);
        const c = await cancel(client, waits);
        assert.equal(c.code, S.UNAVAILABLE);
        assert.match(c.details, /halted/);
        assert.match((await getProof(client, ended)).result_string, /this build has no prover/);
        assert.match((await getProof(client, waits, 3600)).result_string, /halted/);
        assert.equal((await getProof(client, 'x')).result, 'RESULT_GET_PROOF_ERROR');
        assert.equal((await execute(client, [quickRequest()])).responses[0].result, 'RESULT_EXECUTE_COMPLETED_OK');
        assert.ok(await until(() => server.events('job').some((l) => l.what === 'halted' && l.level === 'error')));
        client.close();
        assert.equal((await server.stop()).code, 0, server.raw);

        const next = await startServer([], { dataDir }), other = connect(next);
        assert.equal((await status(other)).state, 'STATUS_PROVER_COMPUTING');
        await pending(other, [running, waits]);
        assert.equal((await cancel(other, running)).result, 'RESULT_CANCEL_OK');
        assert.match((await getProof(other, waits, 60)).result_string, /this build has no prover/);
        other.close();
        assert.equal((await next.stop()).code, 0, next.raw);
    } finally {
        rmSync(dataDir, { recursive: true, force: true });
    }
});

test('SIGTERM under load: no call is cut off, new ones are UNAVAILABLE, exit code 0 in time', { timeout: 120000 }, async (t) => {
    const dataDir = tempFolder();
    try {
        const server = await startServer(['--drain-seconds', '30'], { dataDir, env: { ZKPROVER_JOBS_MAX_QUEUE: '100000' } });
        const counts = { ok: 0, unavailable: 0, gone: 0, crossed: 0 }, acknowledged = [], wrong = [];
        /** Until the server says that it goes, or is not there any more when a call begins, or (docs/protocol.md) the call crosses its
         *  GOAWAY. Anything but that and answers is wrong; a call that was cut off ends as "connection dropped", for example. */
        const loop = async (what, call) => {
            const client = connect(server);
            for (;;) {
                const r = await call(client);
                if (r.code === S.OK) { counts.ok++; continue; }
                if (r.code === S.UNAVAILABLE && /shutting down/.test(r.details)) counts.unavailable++;
                else if (r.code === S.UNAVAILABLE && /No connection established/.test(r.details)) counts.gone++;
                else if (r.code === S.CANCELLED && !r.responses?.length) counts.crossed++;
                else wrong.push(`${what}: ${r.code} ${r.details}`);
                break;
            }
            client.close();
        };
        const first = connect(server);
        const known = await submit(first, longRequest());
        const loops = [];
        for (let i = 0; i < 4; i++) {
            loops.push(loop('GenProof', async (c) => {
                const r = await genProof(c, quickRequest());
                if (r.code === S.OK) {
                    if (r.result === 'RESULT_GEN_PROOF_OK') acknowledged.push(r.id);
                    else wrong.push(`GenProof: ${r.result} ${r.reasons}`);
                }
                return r;
            }));
            loops.push(loop('GetProof', (c) => getProofs(c, [[known, 3600]])));
            loops.push(loop('Execute', async (c) => {
                const r = await execute(c, [quickRequest(), quickRequest()]);
                if (r.code === S.OK && r.responses.length !== 2) wrong.push(`Execute: ${r.responses.length} answers`);
                return r;
            }));
            loops.push(loop('Cancel', (c) => cancel(c, acknowledged[Math.floor(acknowledged.length / 2)] || 'x')));
        }
        await sleep(1500);
        first.close();
        const start = Date.now();
        server.child.kill('SIGTERM');
        await Promise.all(loops);
        assert.equal((await server.exited).code, 0, server.raw);
        t.diagnostic(`${JSON.stringify(counts)}, ended after ${Date.now() - start} ms`);
        assert.ok(Date.now() - start < (sanitized ? 20000 : 8000), `${Date.now() - start} ms`);
        assert.deepEqual(wrong, []);
        assert.equal(counts.unavailable + counts.gone + counts.crossed, 16);
        const ids = new Set(rows(dataDir).map(([id]) => id));
        for (const id of acknowledged) assert.ok(ids.has(id), `${id} was acknowledged, and is lost`);
        assert.equal(ids.size, acknowledged.length + 1, 'each job was acknowledged');
    } finally {
        rmSync(dataDir, { recursive: true, force: true });
    }
});
