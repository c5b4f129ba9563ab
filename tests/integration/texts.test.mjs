// What the server's texts tell: its folders to nobody but the log, and whole characters only.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { readdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import {
    grpc, startServer, connect, cancel, execute, genProof, getProof, getProofs, submit, emptyStateRequest, longRequest, quickRequest, sleep, until,
} from './helpers.mjs';

const { status: S } = grpc;

/** Every text that the client got, and none of them names the folder. */
function tellsNothing(server, answer) {
    const text = JSON.stringify(answer);
    assert.ok(!text.includes(server.dataDir), text);
}

test('a job store that is full: the client learns why, the log learns where, once', async () => {
    const server = await startServer([], { env: { ZKPROVER_JOBS_STORE_BYTES: '10' } });
    const client = connect(server);
    try {
        for (let i = 0; i < 3; i++) {
            const r = await genProof(client, emptyStateRequest(Buffer.alloc(0)));
            assert.equal(r.code, S.RESOURCE_EXHAUSTED, r.details);
            for (const text of [r.details, r.reasons[0]]) assert.match(text, /^job store data_dir\/jobs: holds 0 bytes .* limit of 10;/);
            tellsNothing(server, r);
        }
        const trouble = () => server.events('job').filter((l) => l.what === 'trouble');
        await until(() => trouble().length > 0);
        const lines = trouble();
        assert.equal(lines.length, 1, server.raw);
        assert.equal(lines[0].level, 'warn');
        assert.ok(lines[0].text.includes(`${server.dataDir}/jobs`), lines[0].text);
    } finally {
        client.close();
        assert.equal((await server.stop()).code, 0, server.raw);
    }
});

test('a job whose stored request has vanished: its end says so without the folder', async () => {
    const server = await startServer();
    const client = connect(server);
    try {
        const running = await submit(client, longRequest());
        const files = join(server.dataDir, 'jobs/artefacts'), before = new Set(readdirSync(files));
        const id = await submit(client, quickRequest());
        for (const name of readdirSync(files)) if (!before.has(name)) unlinkSync(join(files, name));
        assert.equal((await cancel(client, running)).result, 'RESULT_CANCEL_OK');
        const p = await getProof(client, id, 60);
        assert.equal(p.result, 'RESULT_GET_PROOF_INTERNAL_ERROR');
        assert.match(p.result_string, /^the stored request cannot be read: job store data_dir\/jobs: the file artefacts\/[0-9a-f]{64} is missing/);
        tellsNothing(server, p);
    } finally {
        client.close();
        assert.equal((await server.stop()).code, 0, server.raw);
    }
});

test('a node store that is full: Execute names no folder', async () => {
    const server = await startServer([], { env: { ZKPROVER_STATE_PERSIST_EXECUTE: 'true', ZKPROVER_STATE_MAP_BYTES: String(1 << 20) } });
    const client = connect(server);
    try {
        for (let i = 0, full = false; !full; i++) {
            assert.ok(i < 3000, 'it is never full');
            const r = await execute(client, [quickRequest(`full${i}`)]);
            full = r.code !== S.OK;
            if (!full) continue;
            assert.equal(r.code, S.RESOURCE_EXHAUSTED, r.details);
            assert.match(r.details, /state store data_dir\/state: /);
            tellsNothing(server, r);
            let line; // the log comes by another way than the answer
            while (!(line = server.events('execute').find((l) => l.result !== 'COMPLETED_OK'))) await sleep(10);
            assert.equal(line.level, 'warn');
            assert.ok(line.reason?.includes(`${server.dataDir}/state`), JSON.stringify(line));
        }
    } finally {
        client.close();
        assert.equal((await server.stop()).code, 0, server.raw);
    }
});

test('an id of many bytes and long characters comes back whole', async () => {
    const server = await startServer();
    const client = connect(server);
    try {
        for (let pad = 0; pad < 4; pad++) {
            const id = 'x'.repeat(pad) + '€'.repeat(100);
            const c = await cancel(client, id); // decodes the reason, which fails for half a character
            assert.equal(c.result, 'RESULT_CANCEL_ERROR');
            assert.match(c.reasons[0], /^id: 'x*€+' is no UUID/);
            const g = await getProofs(client, [[id, 0]]);
            assert.equal(g.responses[0].id, id);
            assert.equal(g.responses[0].result, 'RESULT_GET_PROOF_ERROR');
        }
    } finally {
        client.close();
        assert.equal((await server.stop()).code, 0, server.raw);
    }
});
