import { test } from 'node:test';
import assert from 'node:assert/strict';
import {
    startServer, connect, status, submit, cancel, getProof, quickRequest, longRequest, sleep, tempFolder, sanitized,
} from './helpers.mjs';
import { rmSync } from 'node:fs';

test('IDLE, COMPUTING and back, with ids and times; the last job also after a restart', async () => {
    const dataDir = tempFolder();
    try {
        let server = await startServer([], { dataDir }), client = connect(server);
        const idle = await status(client);
        assert.deepEqual(idle, {
            state: 'STATUS_PROVER_IDLE', last_computed_request_id: '', last_computed_end_time: '0',
            current_computing_request_id: '', current_computing_start_time: '0', version_proto: 'v0_0_1',
            version_server: idle.version_server, pending_request_queue_ids: [],
        });
        assert.match(idle.version_server, /^\d+\.\d+\.\d+/);
        const before = Math.floor(Date.now() / 1000);
        const id = await submit(client, quickRequest());
        await getProof(client, id, 60);
        const running = await submit(client, longRequest());
        const waiting = [await submit(client, quickRequest()), await submit(client, quickRequest())];
        while ((await status(client)).current_computing_request_id !== running) await sleep(10);
        const busy = await status(client);
        assert.equal(busy.state, 'STATUS_PROVER_COMPUTING');
        assert.deepEqual(busy.pending_request_queue_ids, waiting);
        assert.equal(busy.last_computed_request_id, id);
        const after = Math.ceil(Date.now() / 1000);
        for (const time of [busy.last_computed_end_time, busy.current_computing_start_time])
            assert.ok(Number(time) >= before && Number(time) <= after, time);
        await cancel(client, running);
        await getProof(client, waiting[1], 60);
        for (let i = 0; i < 100 && (await status(client)).state !== 'STATUS_PROVER_IDLE'; i++) await sleep(10);
        const end = await status(client);
        assert.equal(end.state, 'STATUS_PROVER_IDLE');
        assert.equal(end.current_computing_request_id, '');
        assert.equal(end.last_computed_request_id, waiting[1]);
        client.close();
        assert.equal((await server.stop()).code, 0, server.raw);

        server = await startServer([], { dataDir });
        client = connect(server);
        const again = await status(client);
        assert.equal(again.last_computed_request_id, waiting[1]);
        assert.equal(again.last_computed_end_time, end.last_computed_end_time);
        assert.equal(again.state, 'STATUS_PROVER_IDLE');
        client.close();
        assert.equal((await server.stop()).code, 0, server.raw);
    } finally {
        rmSync(dataDir, { recursive: true });
    }
});

test('never blocks: while a job runs, requests are checked and stored, and a full queue is listed', async () => {
    const server = await startServer([], { env: { ZKPROVER_JOBS_MAX_QUEUE: '300' } });
    const client = connect(server), other = connect(server);
    const ids = [await submit(client, longRequest())];
    let slow = 0, asked = 0, over = false;
    const submitting = (async () => {
        for (let i = 0; i < 30; i++) ids.push(...await Promise.all(Array.from({ length: 10 }, () => submit(client, quickRequest()))));
        over = true;
    })();
    while (!over) {
        const start = performance.now();
        const s = await status(other);
        slow += performance.now() - start > (sanitized ? 2000 : 500);
        asked++;
        assert.equal(s.state, 'STATUS_PROVER_COMPUTING');
        await sleep(2);
    }
    await submitting;
    assert.ok(asked > 10, `${asked}`);
    // a busy machine can delay some
    assert.ok(slow <= asked / 10, `${slow} of ${asked} were slow`);
    const { pending_request_queue_ids: pending } = await status(other);
    if (pending.length === 300) assert.deepEqual([...pending].sort(), ids.slice(1).sort());
    assert.equal(new Set(pending).size, pending.length);
    client.close();
    other.close();
    assert.equal((await server.stop()).code, 0, server.raw);
});
