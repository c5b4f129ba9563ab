import { test, before, after, afterEach } from 'node:test';
import assert from 'node:assert/strict';
import net from 'node:net';
import http2 from 'node:http2';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
    grpc, startServer, connect, status, collect, execute, executeRaw, emptyStateRequest, executePath,
    encodeExecute, quickRequest, longRequest, binFolder, sleep, sanitized, MIB,
} from './helpers.mjs';
import { bestOf } from './time.mjs';

const { status: S } = grpc;
let server, client;
before(async () => { server = await startServer(['--workers', '2']); client = connect(server); });
after(async () => {
    client?.close();
    const end = await server?.stop();
    if (end) assert.equal(end.code, 0, server.raw);
});
// after every abuse the server is there and executes correctly
let expected;
afterEach(async () => {
    assert.equal((await status(client)).state, 'STATUS_PROVER_IDLE');
    const { responses, code } = await execute(client, [quickRequest()]);
    assert.equal(code, 0);
    expected ??= responses[0].new_state_root;
    assert.equal(responses[0].new_state_root, expected);
});

/** What the log says about long batches: the only requests of that size. */
const longBytes = encodeExecute(longRequest()).length;
const longEvents = () => server.events('execute').filter((e) => e.request_bytes === longBytes);

/** Until a worker has let go of its cancelled batch. */
async function waitForLong(n, ms = 10000) {
    const end = Date.now() + ms;
    while (longEvents().length < n && Date.now() < end) await sleep(20);
    assert.equal(longEvents().length, n);
    assert.equal(longEvents()[n - 1].result, 'CANCEL');
}

test('a method that the service does not have is UNIMPLEMENTED', async () => {
    const unknown = await new Promise((done) => {
        client.makeUnaryRequest('/zkprover.v1.ZKProverService/Nothing', (b) => b, (b) => b,
            Buffer.alloc(0), (e) => done(e));
    });
    assert.equal(unknown.code, S.UNIMPLEMENTED);
});

test('half-close: without a request, and after requests, ends with OK', async () => {
    const none = await execute(client, []);
    assert.equal(none.code, S.OK);
    assert.equal(none.responses.length, 0);
    const stream = client.Execute();
    const result = collect(stream);
    stream.write(quickRequest());
    await stream.atLeast(1);
    await sleep(100);
    stream.end();
    const end = await result;
    assert.equal(end.code, S.OK);
    assert.equal(end.responses.length, 1);
});

test('a unary call without a message is an error', async () => {
    const session = http2.connect(`http://${server.address()}`);
    const trailers = await new Promise((done, fail) => {
        session.on('error', fail);
        const r = session.request({
            ':method': 'POST', ':path': '/zkprover.v1.ZKProverService/GetStatus', te: 'trailers',
            'content-type': 'application/grpc',
        });
        r.on('response', (h) => { if (h['grpc-status'] !== undefined) done(h); });
        r.on('trailers', done);
        r.on('error', fail);
        r.end();
        r.resume();
    });
    session.close();
    assert.equal(trailers['grpc-status'], String(S.INVALID_ARGUMENT));
});

test('cancelling a long batch stops its work quickly', async () => {
    const bound = sanitized ? 3000 : 1000;
    const ms = await bestOf(bound, async () => {
        const before = longEvents().length;
        const stream = client.Execute();
        const result = collect(stream);
        stream.write(longRequest());
        await sleep(1000);
        assert.equal(longEvents().length, before, 'it still runs');
        const start = Date.now();
        stream.cancel();
        assert.equal((await result).code, S.CANCELLED);
        await waitForLong(before + 1);
        return Date.now() - start;
    });
    assert.ok(ms < bound, `${ms} ms`);
});

test('a deadline ends the call and stops its work', async () => {
    const before = longEvents().length;
    const start = Date.now();
    const { code } = await execute(client, [longRequest()], { deadline: 1000 });
    assert.equal(code, S.DEADLINE_EXCEEDED);
    await waitForLong(before + 1);
    assert.ok(Date.now() - start < 10000, `${Date.now() - start} ms`);
});

test('GetStatus answers at once while every worker is busy and requests wait', async () => {
    const before = longEvents().length;
    const streams = [1, 2, 3, 4].map(() => { // two workers: two run, two wait
        const s = client.Execute();
        s.write(longRequest());
        return [s, collect(s)];
    });
    await sleep(600);
    for (let i = 0; i < 5; i++) {
        const ms = await bestOf(500, async () => {
            const start = Date.now();
            assert.equal((await status(client)).state, 'STATUS_PROVER_IDLE');
            return Date.now() - start;
        });
        assert.ok(ms < 500, `${ms} ms`);
    }
    assert.equal(longEvents().length, before);
    for (const [s] of streams) s.cancel();
    for (const [, end] of streams) assert.equal((await end).code, S.CANCELLED);
    const end = Date.now() + 5000; // those that waited were never begun: their size was not even read
    const cancelled = () => server.events('execute').filter((e) => e.result === 'CANCEL' && e.request_bytes === 0);
    while ((longEvents().length < before + 2 || cancelled().length < 2) && Date.now() < end) await sleep(20);
    assert.equal(longEvents().length, before + 2);
    assert.equal(cancelled().length, 2);
});

/** A client on a bare HTTP/2 session, so that its socket can be destroyed. */
function bareStream(request) {
    const socket = net.connect(server.port, '127.0.0.1');
    const session = http2.connect(`http://${server.address()}`, { createConnection: () => socket });
    session.on('error', () => {});
    const stream = session.request({
        ':method': 'POST', ':path': executePath, te: 'trailers', 'content-type': 'application/grpc',
    });
    stream.on('error', () => {});
    const body = Buffer.from(encodeExecute(request));
    const head = Buffer.alloc(5);
    head.writeUInt32BE(body.length, 1);
    return { socket, session, stream, frame: Buffer.concat([head, body]) };
}

test('a client that vanishes while its batch runs costs nothing', async () => {
    const before = longEvents().length;
    const c = bareStream(longRequest());
    c.stream.write(c.frame);
    await sleep(800);
    c.socket.destroy();
    await waitForLong(before + 1);
});

test('clients that vanish in the middle of a message cost nothing', async () => {
    const before = longEvents().length;
    for (let i = 0; i < 20; i++) {
        const c = bareStream(longRequest());
        c.stream.write(c.frame.subarray(0, 1 + i * 4000));
        await sleep(20);
        c.socket.destroy();
    }
    await sleep(200);
    assert.equal(longEvents().length, before);
});

test('noise on the port does no harm', async () => {
    for (const bytes of [Buffer.from('GET / HTTP/1.1\r\n\r\n'), Buffer.alloc(100000, 0x5a), Buffer.alloc(9)]) {
        const socket = net.connect(server.port, '127.0.0.1');
        socket.on('error', () => {});
        socket.write(bytes);
        await sleep(50);
        socket.destroy();
    }
});

test('compressed messages are refused, since they could expand without limit', async () => {
    const c = connect(server, { 'grpc.default_compression_algorithm': 2 });
    const { code, responses } = await execute(c, [emptyStateRequest(Buffer.alloc(100000))]);
    c.close();
    assert.equal(code, S.UNIMPLEMENTED);
    assert.equal(responses.length, 0);
});

test('a request of 40 MB with 152,000 nodes', { timeout: 240000 }, async (t) => {
    const maker = resolve(binFolder, '../tests/make_nodes');
    if (!existsSync(maker)) return t.skip(`${maker} was not built`);
    const lines = execFileSync(maker, ['152000', '1'], { maxBuffer: 100 * MIB }).toString().trim().split('\n');
    const request = quickRequest();
    request.input.db = Object.fromEntries(lines.map((l) => l.split(' ')));
    const bytes = Buffer.from(encodeExecute(request));
    assert.ok(bytes.length > 40e6 && bytes.length < 64 * MIB, `${bytes.length} bytes`);
    const plain = await execute(client, [quickRequest()]);
    const { code, responses, reasons } = await executeRaw(client, [bytes, bytes]);
    assert.equal(code, S.OK, reasons.join());
    assert.deepEqual(responses.map((r) => r.new_state_root), Array(2).fill(plain.responses[0].new_state_root));
    // one wrong digit among 40 million
    const [key, value] = lines[151999].split(' ');
    request.input.db[key] = (value[0] === '0' ? '1' : '0') + value.slice(1);
    const wrong = await executeRaw(client, [Buffer.from(encodeExecute(request))]);
    assert.equal(wrong.responses[0].result, 'RESULT_EXECUTE_ERROR');
    assert.ok(wrong.reasons[0].includes(key.replace(/^0x/, '')), wrong.reasons[0]);
    t.diagnostic(`request ${bytes.length} bytes, resident memory of the server afterwards ${server.rssKiB()} KiB`);
});

test('a message above the limit is RESOURCE_EXHAUSTED', async () => {
    const { code, responses } = await executeRaw(client, [Buffer.alloc(64 * MIB + 1)]);
    assert.equal(code, S.RESOURCE_EXHAUSTED);
    assert.equal(responses.length, 0);
    const small = await startServer(['--max-message-bytes', '20000']);
    const c = connect(small);
    try {
        const over = await execute(c, [emptyStateRequest(Buffer.alloc(30000))]);
        assert.equal(over.code, S.RESOURCE_EXHAUSTED);
        // the request fits, the answer does not: the receipts of 100 transactions
        const txs = quickRequest().input.public_inputs.batch_l2_data;
        const answer = await execute(c, [emptyStateRequest(Buffer.concat(Array(12).fill(txs)))]);
        assert.equal(answer.code, S.RESOURCE_EXHAUSTED);
        assert.match(answer.details, /limit/);
        assert.equal(answer.responses.length, 0);
        assert.equal((await execute(c, [emptyStateRequest(Buffer.alloc(0))])).code, S.OK);
    } finally {
        c.close();
        assert.equal((await small.stop()).code, 0, small.raw);
    }
});

test('more calls than allowed are refused, the others go on', async () => {
    const small = await startServer([], { env: { ZKPROVER_GRPC_MAX_CALLS: '4' } });
    const c = connect(small);
    try {
        const streams = [1, 2, 3, 4].map(() => { const s = c.Execute(); return [s, collect(s)]; });
        for (const [s] of streams) { s.write(quickRequest()); await s.atLeast(1); }
        assert.equal((await execute(c, [quickRequest()])).code, S.RESOURCE_EXHAUSTED);
        for (const [s, end] of streams) { s.end(); assert.equal((await end).code, S.OK); }
        assert.equal((await execute(c, [quickRequest()])).code, S.OK);
    } finally {
        c.close();
        assert.equal((await small.stop()).code, 0, small.raw);
    }
});

test('a thousand open streams, each answered, hold no threads', async () => {
    const n = sanitized ? 300 : 1000;
    const streams = [];
    for (let i = 0; i < n; i++) {
        const s = client.Execute();
        streams.push([s, collect(s)]);
    }
    for (const [s] of streams) s.write(emptyStateRequest(Buffer.alloc(0)));
    await Promise.all(streams.map(([s]) => s.atLeast(1)));
    for (const [s] of streams) s.end();
    for (const [, end] of streams) {
        const { code, responses } = await end;
        assert.equal(code, S.OK);
        assert.equal(responses.length, 1);
    }
});

test('connections by the dozen, with requests at the same time', async () => {
    const clients = Array.from({ length: 24 }, () => connect(server));
    const results = await Promise.all(clients.map((c) => execute(c, [quickRequest(), quickRequest()])));
    for (const { code, responses } of results) {
        assert.equal(code, S.OK);
        assert.equal(responses[1].new_state_root, expected);
    }
    for (const c of clients) c.close();
});

test('reasons stay within the size of trailing metadata', async () => {
    const missing = emptyStateRequest(quickRequest().input.public_inputs.batch_l2_data,
        { old_state_root: Buffer.from(`${'00'.repeat(31)}09`, 'hex') });
    const { code, responses, reasons } = await execute(client, Array(200).fill(missing));
    assert.equal(code, S.OK);
    assert.equal(responses.length, 200);
    assert.ok(reasons.length > 3 && reasons.length < 200);
    assert.match(reasons[0], /^0: /);
    assert.match(reasons.at(-1), new RegExp(`^${reasons.length - 1}: and ${200 - reasons.length + 1} further`));
});
