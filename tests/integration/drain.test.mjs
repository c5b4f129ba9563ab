import { test } from 'node:test';
import assert from 'node:assert/strict';
import {
    grpc, startServer, connect, status, collect, execute, emptyStateRequest, createTx, LOOP, LONG_TXS, longRequest,
    quickRequest, sleep,
} from './helpers.mjs';

const { status: S } = grpc;

/** Runs for a second or so. */
const mediumRequest = (n) => emptyStateRequest(Buffer.concat(
    Array.from({ length: n }, (_, i) => createTx(LOOP, `medium${i}`))));

/** A number of transactions that takes about the given seconds on this machine and build. */
async function calibrate(client, seconds) {
    const start = Date.now();
    const { code } = await execute(client, [mediumRequest(12)]);
    assert.equal(code, S.OK);
    return Math.min(LONG_TXS, Math.max(6, Math.round(12 * seconds * 1000 / (Date.now() - start))));
}

test('SIGTERM while a call runs: it finishes, new ones are refused, GetStatus says HALT', async () => {
    const server = await startServer(['--drain-seconds', '60']);
    const client = connect(server);
    const n = await calibrate(client, 3);
    const running = client.Execute(), idle = client.Execute();
    const runningEnd = collect(running), idleEnd = collect(idle);
    idle.write(quickRequest());
    await idle.atLeast(1);
    running.write(mediumRequest(n));
    running.write(quickRequest()); // read only when the first is answered, when the server drains
    await sleep(500);
    server.child.kill('SIGTERM');
    while (!server.events('draining').length) await sleep(10);

    assert.equal((await status(client)).state, 'STATUS_PROVER_HALT');
    const refused = await execute(client, [quickRequest()]);
    assert.equal(refused.code, S.UNAVAILABLE);
    assert.match(refused.details, /shutting down/);
    // also on a new connection
    const late = connect(server);
    assert.equal((await status(late)).state, 'STATUS_PROVER_HALT');
    assert.equal((await execute(late, [quickRequest()])).code, S.UNAVAILABLE);
    late.close();

    const idleResult = await idleEnd;
    assert.equal(idleResult.code, S.UNAVAILABLE, 'a stream on which nothing is owed does not hold up the end');
    assert.equal(idleResult.responses.length, 1);
    assert.equal(running.responses.length, 0, 'it still runs');

    const { responses, code, reasons } = await runningEnd;
    assert.deepEqual(responses.map((r) => r.result), ['RESULT_EXECUTE_COMPLETED_OK', 'RESULT_EXECUTE_CANCEL']);
    assert.equal(code, S.UNAVAILABLE);
    assert.equal(reasons.length, 1);
    assert.match(reasons[0], /^1: the server is shutting down/);
    client.close();
    const end = await server.exited;
    assert.equal(end.code, 0, server.raw);
    assert.equal(server.events('stopped').length, 1);
});

test('a call that half-closed finishes with OK while the server drains', async () => {
    const server = await startServer();
    const client = connect(server);
    const n = await calibrate(client, 2);
    const result = execute(client, [mediumRequest(n)]);
    await sleep(500);
    server.child.kill('SIGINT');
    const { responses, code } = await result;
    assert.equal(code, S.OK);
    assert.equal(responses[0].result, 'RESULT_EXECUTE_COMPLETED_OK');
    client.close();
    assert.equal((await server.exited).code, 0, server.raw);
    assert.equal(server.events('signal')[0].name, 'SIGINT');
});

test('a call longer than the drain time is cancelled, with an answer', async () => {
    const server = await startServer(['--drain-seconds', '1']);
    const client = connect(server);
    const result = execute(client, [longRequest()]);
    await sleep(800);
    const start = Date.now();
    server.child.kill('SIGTERM');
    const { responses, code } = await result;
    assert.ok(Date.now() - start >= 900 && Date.now() - start < 15000);
    assert.deepEqual(responses.map((r) => r.result), ['RESULT_EXECUTE_CANCEL']);
    assert.ok(code === S.OK || code === S.UNAVAILABLE, `${code}`);
    client.close();
    assert.equal((await server.exited).code, 0, server.raw);
    assert.equal(server.events('drain_time_over').length, 1);
});

test('a second signal ends the server at once', async () => {
    const server = await startServer(['--drain-seconds', '60']);
    const client = connect(server);
    const result = execute(client, [longRequest()]);
    await sleep(800);
    server.child.kill('SIGTERM');
    while (!server.events('draining').length) await sleep(10);
    const start = Date.now();
    server.child.kill('SIGTERM');
    assert.equal((await server.exited).code, 1);
    assert.ok(Date.now() - start < 20000, 'not after the drain time of 60 s');
    assert.notEqual((await result).code, S.OK);
    client.close();
});

test('signals in any number and at any moment end the process by itself, with exit code 0 or 1', async () => {
    for (let round = 0; round < 6; round++) {
        const server = await startServer();
        for (let i = 0; i <= round; i++) {
            server.child.kill(i % 2 ? 'SIGINT' : 'SIGTERM');
            await sleep(round % 3);
        }
        const { code, signal } = await server.exited;
        assert.equal(signal, null);
        assert.ok(code === 0 || code === 1, String(code));
    }
});

test('an idle server ends at once, also with connected clients', async () => {
    const server = await startServer();
    const client = connect(server);
    await status(client);
    const start = Date.now();
    assert.equal((await server.stop()).code, 0, server.raw);
    assert.ok(Date.now() - start < 15000, 'not after the drain time of 30 s');
    client.close();
});
