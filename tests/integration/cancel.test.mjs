import { test, before, after, afterEach } from 'node:test';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import {
    grpc, startServer, connect, status, submit, cancel, getProof, callRaw, encode, quickRequest, longRequest, sleep, sanitized,
} from './helpers.mjs';
import { bestOf } from './time.mjs';

const { status: S } = grpc;
let server, client;
before(async () => { server = await startServer(); client = connect(server); });
after(async () => {
    client?.close();
    const end = await server?.stop();
    if (end) assert.equal(end.code, 0, server.raw);
});
afterEach(async () => {
    for (let i = 0; i < 500 && (await status(client)).state !== 'STATUS_PROVER_IDLE'; i++) await sleep(20);
    assert.equal((await status(client)).state, 'STATUS_PROVER_IDLE');
});

const ok = async (call) => {
    const r = await call;
    assert.equal(r.code, S.OK, r.details);
    assert.equal(r.result, 'RESULT_CANCEL_OK');
    assert.deepEqual(r.reasons, []);
};
const refused = async (call, reason) => {
    const r = await call;
    assert.equal(r.code, S.OK, r.details);
    assert.equal(r.result, 'RESULT_CANCEL_ERROR');
    assert.equal(r.reasons.length, 1);
    assert.match(r.reasons[0], reason);
};
async function running() {
    const id = await submit(client, longRequest());
    while ((await status(client)).current_computing_request_id !== id) await sleep(10);
    return id;
}

test('a running job stops within a second, and the next one begins', async () => {
    const bound = sanitized ? 3000 : 1000;
    let id, next;
    const ms = await bestOf(bound, async () => {
        id = await running();
        await sleep(500); // in the middle of the batch
        assert.match((await getProof(client, id)).result_string, /executing the batch/);
        next = await submit(client, quickRequest());
        const start = Date.now();
        await ok(cancel(client, id));
        while ((await status(client)).current_computing_request_id === id) await sleep(5);
        const took = Date.now() - start;
        assert.equal((await getProof(client, id)).result, 'RESULT_GET_PROOF_CANCEL');
        assert.match((await getProof(client, next, 60)).result_string, /this build has no prover/);
        return took;
    });
    assert.ok(ms < bound, `${ms} ms`);
    assert.equal((await status(client)).last_computed_request_id, next);
    await ok(cancel(client, id)); // again
    await ok(cancel(client, id.toUpperCase()));
});

test('a waiting job is removed at once', async () => {
    const first = await running();
    const ids = [];
    for (let i = 0; i < 5; i++) ids.push(await submit(client, quickRequest()));
    assert.deepEqual((await status(client)).pending_request_queue_ids, ids);
    await ok(cancel(client, ids[2]));
    assert.deepEqual((await status(client)).pending_request_queue_ids, ids.filter((_, i) => i !== 2));
    assert.equal((await getProof(client, ids[2])).result, 'RESULT_GET_PROOF_CANCEL');
    assert.equal((await getProof(client, ids[3])).result_string, 'pending: 3 in front in the queue');
    await ok(cancel(client, ids[2]));
    for (const id of [...ids, first]) await ok(cancel(client, id));
});

test('a job that has ended, an unknown one, and texts that are no id: ERROR with the reason', async () => {
    const id = await submit(client, quickRequest());
    await getProof(client, id, 60);
    await refused(cancel(client, id), /has ended already/);
    await refused(cancel(client, randomUUID()), /there is no job/);
    for (const text of ['', 'x', id.slice(1), `${id}0`, 'ü'])
        await refused(cancel(client, text), /no UUID/);
    await refused(cancel(client, 'y'.repeat(5000)), /\d+ bytes; expected an id/);
    const nul = Buffer.from(encode('Cancel', { id }));
    nul[6] = 0;
    await refused(callRaw(client, 'Cancel', [nul]), /id.*(NUL|UTF-8)/);
    await refused(callRaw(client, 'Cancel', [Buffer.from('0a', 'hex')]), /./);
    assert.equal((await getProof(client, id)).result, 'RESULT_GET_PROOF_INTERNAL_ERROR', 'nothing has changed');
});

test('many cancel the same job at once: all hear OK', async () => {
    const id = await running();
    const answers = await Promise.all(Array.from({ length: 50 }, () => cancel(client, id)));
    for (const a of answers) assert.equal(a.result, 'RESULT_CANCEL_OK');
});

test('a job that ends while it is cancelled has one end, which everybody hears', { timeout: 120000 }, async () => {
    let cancelled = 0, ended = 0;
    for (let i = 0; i < 40; i++) {
        const id = await submit(client, quickRequest(`race${i}`));
        const waiting = getProof(client, id, 60);
        await sleep(i % 8 * 2);
        const answer = await cancel(client, id);
        const r = await waiting;
        if (answer.result === 'RESULT_CANCEL_OK') {
            cancelled++;
            assert.equal(r.result, 'RESULT_GET_PROOF_CANCEL');
        } else {
            ended++;
            assert.equal(r.result, 'RESULT_GET_PROOF_INTERNAL_ERROR');
        }
        assert.equal((await getProof(client, id)).result, r.result);
    }
    assert.equal(cancelled + ended, 40);
});
