import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import http2 from 'node:http2';
import net from 'node:net';
import {
    grpc, startServer, connect, status, submit, cancel, getProof, getProofs, collect, callRaw, encode, emptyStateRequest,
    quickRequest, longRequest, sleep, sanitized,
} from './helpers.mjs';
import { bestOf } from './time.mjs';

const { status: S } = grpc;
const R = (name) => `RESULT_GET_PROOF_${name}`;
const NO_PROVER = /this build has no prover/;

let server, client;
before(async () => { server = await startServer(); client = connect(server); });
after(async () => {
    client?.close();
    const end = await server?.stop();
    if (end) assert.equal(end.code, 0, server.raw);
});

/** A job that runs for seconds, and two that wait behind it (long ones, too, where a test takes its time). */
async function three(c = client, behind = quickRequest()) {
    const running = await submit(c, longRequest());
    while ((await status(c)).current_computing_request_id !== running) await sleep(10);
    return [running, await submit(c, behind), await submit(c, behind)];
}
/** Five long batches, of which the last two wait for many seconds whatever this machine is busy with. */
async function longQueue(c = client) {
    const ids = await three(c, longRequest());
    while (ids.length < 5) ids.push(await submit(c, longRequest()));
    return ids;
}
async function cancelAll(ids, c = client) {
    for (const id of ids) await cancel(c, id);
    for (let i = 0; i < 500 && (await status(c)).state !== 'STATUS_PROVER_IDLE'; i++) await sleep(10);
    assert.equal((await status(c)).state, 'STATUS_PROVER_IDLE');
}
/** Until requests that were sent wait in the server: a client cannot see it. */
const settle = () => sleep(sanitized ? 1500 : 400);

test('every answer that a job can get', async () => {
    const ids = await three();
    const [running, first, second] = ids;
    const a = await getProof(client, running);
    assert.equal(a.result, R('PENDING'));
    assert.match(a.result_string, /^running(: (reading the request|executing the batch), \d+ %)?$/);
    assert.equal(a.id, running);
    assert.equal(a.proof, null);
    const b = await getProof(client, first), c = await getProof(client, second);
    assert.deepEqual([b.result, b.result_string], [R('PENDING'), 'pending: 1 in front in the queue']);
    assert.deepEqual([c.result, c.result_string], [R('PENDING'), 'pending: 2 in front in the queue']);
    await cancel(client, running);
    const d = await getProof(client, running, 5);
    assert.equal(d.result, R('CANCEL'));
    assert.equal(d.result_string, 'cancelled');
    const e = await getProof(client, second, 60);
    assert.equal(e.result, R('INTERNAL_ERROR'));
    assert.match(e.result_string, NO_PROVER);
    const lost = await submit(client, emptyStateRequest(quickRequest().input.public_inputs.batch_l2_data,
        { old_state_root: Buffer.concat([Buffer.alloc(31), Buffer.from([7])]) }));
    assert.equal((await getProof(client, lost, 60)).result, R('COMPLETED_ERROR'));
    // answers do not wear off
    for (let i = 0; i < 3; i++) assert.equal((await getProof(client, running)).result, R('CANCEL'));
});

test('an id in upper case is the same id', async () => {
    const id = await submit(client, quickRequest());
    const r = await getProof(client, id.toUpperCase(), 60);
    assert.equal(r.result, R('INTERNAL_ERROR'));
    assert.equal(r.id, id.toUpperCase(), 'as it was asked');
});

test('unknown ids and texts that are none: ERROR with the reason, at once, and the stream goes on', async () => {
    const id = await submit(client, quickRequest());
    await getProof(client, id, 60);
    const unknown = randomUUID();
    const wrong = ['', 'x', 'nonsense', `${id}0`, id.slice(1), id.replace(/-/g, ''), `{${id}}`, '../../../etc/passwd', 'ü'.repeat(100)];
    const start = Date.now();
    const { responses, code, reasons } = await getProofs(client,
        [[unknown, 3600], ...wrong.map((w) => [w, 3600]), [id, 3600]]);
    assert.ok(Date.now() - start < 10000, 'none of them waited for an hour');
    assert.equal(code, S.OK);
    assert.equal(responses.length, wrong.length + 2);
    assert.equal(responses[0].result, R('ERROR'));
    assert.match(responses[0].result_string, /no such job/);
    wrong.forEach((w, i) => {
        assert.equal(responses[i + 1].id, w);
        assert.equal(responses[i + 1].result, R('ERROR'), w);
        assert.match(responses[i + 1].result_string, /no UUID/);
    });
    assert.equal(responses.at(-1).result, R('INTERNAL_ERROR'));
    assert.equal(reasons.length, wrong.length + 1);
    assert.match(reasons[0], /^0: there is no such job/);
    assert.match(reasons[1], /^1: the id is no UUID/);
});

test('bytes that are no request: ERROR, and the stream ends with OK', async () => {
    const id = randomUUID();
    const good = encode('GetProof', { id, timeout: '0' });
    const nul = Buffer.from(good), utf8 = Buffer.from(good);
    nul[5] = 0;
    utf8[5] = 0xff;
    const large = encode('GetProof', { id: 'x'.repeat(5000), timeout: '1' });
    for (const [bytes, reason] of [[nul, /id.*(NUL|UTF-8)/], [utf8, /id.*UTF-8/], [Buffer.from('0aff', 'hex'), /./],
        [large, /5005 bytes.*at most 4096/]]) {
        const r = await callRaw(client, 'GetProof', [bytes, good]);
        assert.equal(r.code, S.OK);
        assert.deepEqual(r.responses.map((x) => x.result), [R('ERROR')]);
        assert.equal(r.reasons.length, 1);
        assert.match(r.reasons[0], reason);
        assert.match(r.responses[0].result_string, reason);
    }
});

test('time-outs are honoured within 100 ms, also the largest', { timeout: 120000 }, async () => {
    const ids = await three(client, longRequest());
    const slack = sanitized ? 1000 : 100;
    /** How much later than it should the answer comes; too early fails. */
    const late = (c, id, seconds, expected = seconds) => bestOf(slack, async () => {
        const start = performance.now();
        assert.equal((await getProof(c, id, seconds)).result, R('PENDING'));
        const ms = performance.now() - start - expected * 1000;
        assert.ok(ms >= -5, `${seconds} s: ${-ms} ms too early`);
        return ms;
    });
    try {
        await getProof(client, ids[2]); // the first call connects
        for (const seconds of [0, 1, 2]) {
            const ms = await late(client, ids[2], seconds);
            assert.ok(ms < slack, `${seconds} s: ${ms} ms too late`);
        }
    } finally {
        await cancelAll(ids);
    }
    // capped by the configuration; 2^64 - 1 seconds do not overflow
    const capped = await startServer([], { env: { ZKPROVER_JOBS_GET_PROOF_MAX_SECONDS: '1' } });
    const c = connect(capped);
    const more = await three(c, longRequest());
    await getProof(c, more[2]);
    for (const seconds of [2, '18446744073709551', '18446744073709552', '18446744073709551615']) {
        const ms = await late(c, more[2], seconds, 1);
        assert.ok(ms < slack, `${seconds}: ${ms} ms too late`);
    }
    await cancelAll(more, c);
    c.close();
    assert.equal((await capped.stop()).code, 0, capped.raw);
});

test('2^64 - 1 seconds wait until the job ends', async () => {
    const ids = await three();
    const waiting = getProof(client, ids[2], '18446744073709551615');
    await settle();
    await cancel(client, ids[0]);
    assert.match((await waiting).result_string, NO_PROVER);
});

test('who waits hears of the end at once', async () => {
    const bound = sanitized ? 2000 : 200;
    const ms = await bestOf(bound, async () => {
        const ids = await three();
        const waiting = ids.map((id) => getProof(client, id, 60).then((r) => [r, performance.now()]));
        await settle();
        const start = performance.now();
        await cancel(client, ids[2]);
        const [third, t] = await waiting[2];
        assert.equal(third.result, R('CANCEL'));
        await cancel(client, ids[0]);
        assert.equal((await waiting[0])[0].result, R('CANCEL'));
        assert.match((await waiting[1])[0].result_string, NO_PROVER);
        return t - start;
    });
    assert.ok(ms < bound, `${ms} ms`);
});

test('ids mixed on one stream: one answer each, in order, also when a later one is ready first', async () => {
    const ids = await three();
    const [running, first, second] = ids;
    const stream = client.GetProof();
    const end = collect(stream);
    const ask = [[second, 1], [running, 0], ['no id', 9], [first, 0], [running, 60], [second, 60], [first, 60], [second, 0]];
    for (const [id, timeout] of ask) stream.write({ id, timeout });
    await stream.atLeast(4);
    await cancel(client, running);
    await stream.atLeast(ask.length);
    stream.write({ id: first, timeout: 0 });
    await stream.atLeast(ask.length + 1);
    stream.end();
    const { responses, code, reasons } = await end;
    assert.equal(code, S.OK);
    assert.deepEqual(responses.map((r) => r.id), [...ask.map(([id]) => id), first]);
    assert.deepEqual(responses.map((r) => r.result), ['PENDING', 'PENDING', 'ERROR', 'PENDING', 'CANCEL',
        'INTERNAL_ERROR', 'INTERNAL_ERROR', 'INTERNAL_ERROR', 'INTERNAL_ERROR'].map(R));
    assert.equal(reasons.length, 1);
    assert.match(reasons[0], /^2: /);
});

test('half-close: with nothing asked, and with answers owed', async () => {
    const none = await getProofs(client, []);
    assert.deepEqual([none.code, none.responses.length], [S.OK, 0]);
    const ids = await three();
    const waiting = getProofs(client, [[ids[0], 60], [ids[1], 60], [ids[2], 60]]); // half-closed at once
    await settle();
    await cancel(client, ids[0]);
    const { responses, code } = await waiting;
    assert.equal(code, S.OK);
    assert.deepEqual(responses.map((r) => [r.id, r.result]),
        [[ids[0], R('CANCEL')], [ids[1], R('INTERNAL_ERROR')], [ids[2], R('INTERNAL_ERROR')]]);
});

test('more waiting requests than jobs.max_watches: RESOURCE_EXHAUSTED, until some have gone', async () => {
    const s = await startServer([], { env: { ZKPROVER_JOBS_MAX_WATCHES: '3' } });
    const c = connect(s);
    const ids = await three(c);
    const streams = [0, 1, 2].map(() => {
        const stream = c.GetProof();
        stream.write({ id: ids[0], timeout: 60 });
        return [stream, collect(stream)];
    });
    await settle();
    const refused = await getProofs(c, [[ids[0], 60]]);
    assert.equal(refused.code, S.RESOURCE_EXHAUSTED);
    assert.match(refused.details, /3 requests wait for jobs already/);
    streams[0][0].cancel(); // it costs nothing from now on
    assert.equal((await streams[0][1]).code, S.CANCELLED);
    await settle();
    assert.equal((await getProof(c, ids[0])).result, R('PENDING'));
    await cancelAll(ids, c);
    streams[1][0].end();
    streams[2][0].end();
    assert.equal((await streams[1][1]).responses[0].result, R('CANCEL'));
    assert.equal((await streams[2][1]).responses[0].result, R('CANCEL'));
    c.close();
    assert.equal((await s.stop()).code, 0, s.raw);
});

test('1,000 waiting requests: no thread and little memory for each, all answered', { timeout: 120000 }, async () => {
    const queue = await longQueue(), ids = queue.slice(2);
    const clients = Array.from({ length: 10 }, () => connect(server));
    await Promise.all(clients.map((c) => status(c)));
    const threads = server.threads(), memory = server.rssKiB();
    const streams = [];
    for (let i = 0; i < 1000; i++) {
        const stream = clients[i % 10].GetProof();
        stream.write({ id: ids[i % 3], timeout: 100 });
        streams.push([stream, collect(stream)]);
    }
    await sleep(sanitized ? 6000 : 1500);
    assert.equal(streams.filter(([s]) => s.responses.length).length, 0, 'all wait');
    // gRPC has a pool of its own, which does not grow with the calls
    assert.ok(server.threads() <= threads + 8, `${threads} threads, then ${server.threads()}`);
    const each = (server.rssKiB() - memory) / 1000;
    assert.ok(each < (sanitized ? 400 : 64), `${each} KiB for each`);
    assert.ok((await status(client)).state === 'STATUS_PROVER_COMPUTING');
    const start = Date.now();
    for (const id of ids) await cancel(client, id);
    for (const id of queue.slice(0, 2)) await cancel(client, id); // may have ended
    for (const [s, end] of streams) {
        await s.atLeast(1);
        s.end();
        const { code, responses } = await end;
        assert.equal(code, S.OK);
        assert.equal(responses.length, 1);
        assert.equal(responses[0].result, R('CANCEL'));
    }
    assert.ok(Date.now() - start < 30000, `${Date.now() - start} ms`);
    for (const c of clients) c.close();
});

test('1,000 time-outs at one moment are honoured', { timeout: 120000 }, async () => {
    const ids = await three(client, longRequest());
    const clients = Array.from({ length: 4 }, () => connect(server));
    await Promise.all(clients.map((c) => status(c)));
    const start = performance.now();
    const all = await Promise.all(Array.from({ length: 1000 }, (_, i) => getProof(clients[i % 4], ids[i % 3], 2)));
    const ms = performance.now() - start;
    for (const r of all) assert.equal(r.result, R('PENDING'));
    // most of what it takes beyond two seconds is this process sending and reading
    assert.ok(ms >= 1995 && ms < 30000, `${ms} ms`);
    for (const c of clients) c.close();
    await cancelAll(ids);
});

test('clients that vanish while they wait cost nothing', async () => {
    // 600 waits in all, where 150 at once are allowed: so those that are not given back would show
    const s = await startServer([], { env: { ZKPROVER_JOBS_MAX_WATCHES: '150' } });
    const c = connect(s);
    const ids = await longQueue(c), last = ids.at(-1);
    const path = '/zkprover.v1.ZKProverService/GetProof';
    const body = Buffer.from(encode('GetProof', { id: last, timeout: '3600' }));
    const head = Buffer.alloc(5);
    head.writeUInt32BE(body.length, 1);
    const before = s.rssKiB();
    for (let round = 0; round < 5; round++) {
        const sockets = [];
        for (let i = 0; i < 10; i++) {
            const socket = net.connect(s.port, '127.0.0.1');
            socket.on('error', () => {});
            const session = http2.connect(`http://${s.address()}`, { createConnection: () => socket });
            session.on('error', () => {});
            for (let k = 0; k < 10; k++) {
                const stream = session.request({ ':method': 'POST', ':path': path, te: 'trailers', 'content-type': 'application/grpc' });
                stream.on('error', () => {});
                stream.write(Buffer.concat([head, body]));
            }
            sockets.push(socket);
        }
        await sleep(200);
        for (const x of sockets) x.destroy();
        await sleep(sanitized ? 1000 : 200);
    }
    // those that cancel politely
    const streams = Array.from({ length: 100 }, () => {
        const x = c.GetProof();
        x.write({ id: last, timeout: 3600 });
        return [x, collect(x)];
    });
    await settle();
    for (const [x] of streams) x.cancel();
    for (const [, end] of streams) assert.equal((await end).code, S.CANCELLED);
    await settle();
    assert.ok(s.rssKiB() - before < (sanitized ? 200000 : 20000), `${s.rssKiB() - before} KiB`);
    const many = await Promise.all(Array.from({ length: 150 }, () => getProof(c, last, 1)));
    for (const r of many) assert.equal(r.result, R('PENDING'));
    await cancelAll(ids, c);
    c.close();
    assert.equal((await s.stop()).code, 0, s.raw);
});

test('a slow reader holds up nobody, and gets its answers in the end', async () => {
    const id = await submit(client, quickRequest());
    await getProof(client, id, 60);
    const slow = connect(server);
    const stream = slow.GetProof();
    const responses = [];
    stream.pause();
    stream.on('data', (r) => responses.push(r));
    const over = new Promise((done) => stream.on('status', done));
    stream.on('error', () => {});
    const n = 5000;
    for (let i = 0; i < n; i++) stream.write({ id, timeout: 0 });
    stream.end();
    stream.pause();
    const start = Date.now();
    for (let i = 0; i < 20; i++) assert.equal((await getProof(client, id)).result, R('INTERNAL_ERROR'));
    assert.ok(Date.now() - start < 20000, `${Date.now() - start} ms`);
    assert.ok(responses.length < n);
    stream.resume();
    assert.equal((await over).code, S.OK);
    assert.equal(responses.length, n);
    slow.close();
});

test('draining: who waits is answered PENDING at once, who asks again soon UNAVAILABLE', async () => {
    const s = await startServer(['--drain-seconds', '20']);
    const c = connect(s);
    const ids = await three(c);
    const stream = c.GetProof();
    const end = collect(stream);
    stream.write({ id: ids[0], timeout: 3600 });
    stream.write({ id: ids[1], timeout: 3600 });
    stream.write({ id: 'x', timeout: 3600 });
    const half = getProofs(c, [[ids[1], 3600], [ids[2], 3600]]);
    // one that never gives up
    const stubborn = c.GetProof();
    let asked = 0;
    stubborn.on('data', () => { asked++; stubborn.write({ id: ids[2], timeout: 3600 }); });
    stubborn.on('error', () => {});
    const stubbornEnd = new Promise((done) => stubborn.on('status', done));
    stubborn.write({ id: ids[2], timeout: 3600 });
    await settle();
    const start = Date.now();
    s.child.kill('SIGTERM');
    const h = await half;
    assert.equal(h.code, S.OK);
    assert.deepEqual(h.responses.map((r) => r.result), [R('PENDING'), R('PENDING')]);
    assert.match(h.responses[0].result_string, /shutting down/);
    const { responses, code } = await end;
    assert.deepEqual(responses.map((r) => r.result), [R('PENDING'), R('PENDING'), R('ERROR')]);
    assert.equal(code, S.UNAVAILABLE);
    assert.equal((await stubbornEnd).code, S.UNAVAILABLE);
    assert.ok(asked > 1);
    assert.equal((await s.exited).code, 0, s.raw);
    assert.ok(Date.now() - start < 15000, `${Date.now() - start} ms, of the 20 s that it may take`);
    c.close();
});
