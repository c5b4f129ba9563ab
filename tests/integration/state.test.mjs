// The node store under the command: beside a running server, and after it.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { cpSync, rmSync } from 'node:fs';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import {
    startServer, connect, execute, quickRequest, emptyStateRequest, createTx, STORE, binFolder,
    tempFolder, status,
} from './helpers.mjs';

const zkprover = (...args) => new Promise((done) => {
    execFile(join(binFolder, 'zkprover'), ['state', ...args], (error, stdout, stderr) => done({
        code: error ? error.code : 0, stdout, stderr, json: stdout.startsWith('{') ? JSON.parse(stdout) : null,
    }));
});
const next = (root, number) => emptyStateRequest(
    Buffer.concat(Array.from({ length: 4 }, (_, i) => createTx(STORE, `${root}${i}`, 200000))),
    { old_state_root: Buffer.from(root.slice(2), 'hex'), old_batch_num: String(number) });

test('a chain of batches on the store; info beside the server; prune after it', async () => {
    const copy = tempFolder();
    const server = await startServer([], { env: { ZKPROVER_STATE_PERSIST_EXECUTE: 'true' } });
    const client = connect(server);
    try {
        let root = (await execute(client, [quickRequest('chain')])).responses[0].new_state_root;
        const roots = [root];
        for (let i = 1; i <= 5; i++) {
            const { responses, reasons } = await execute(client, [next(root, i)]);
            assert.equal(responses[0].result, 'RESULT_EXECUTE_COMPLETED_OK', reasons.join());
            root = responses[0].new_state_root;
            roots.push(root);
        }
        for (const r of roots) {
            const { json } = await zkprover('info', '--data-dir', server.dataDir, '--root', r, '--json');
            assert.equal(json.reached.complete, true);
            assert.ok(json.reached.leaves > 0 && json.nodes >= json.reached.innerNodes + json.reached.leaves);
        }
        const refused = await zkprover('prune', '--data-dir', server.dataDir, '--keep', root);
        assert.equal(refused.code, 1);
        assert.match(refused.stderr, new RegExp(`in use by process ${server.child.pid};`));
        // the server's folder goes with the server
        client.close();
        const stopped = new Promise((done) => { server.child.once('exit', () => { cpSync(server.dataDir, copy, { recursive: true }); done(); }); });
        assert.equal((await server.stop()).code, 0, server.raw);
        await stopped;

        const at = ['--data-dir', copy, '--json'];
        const unknown = `0x${'01'.repeat(32)}`;
        const missing = await zkprover('prune', ...at, '--keep', root, unknown);
        assert.equal(missing.code, 4);
        assert.match(missing.stderr, new RegExp(`${unknown} is missing; nothing was removed`));
        const dry = await zkprover('prune', ...at, '--keep', root, '--dry-run');
        assert.ok(dry.json.removedNodes > 0);
        const done = await zkprover('prune', ...at, '--keep', root, '--compact');
        assert.equal(done.code, 0, done.stderr);
        assert.equal(done.json.removedNodes, dry.json.removedNodes);
        assert.equal(done.json.compacted, true);
        assert.ok(done.json.fileBytesAfter <= done.json.fileBytesBefore);
        const after = (await zkprover('info', ...at, '--root', root)).json;
        assert.equal(after.reached.complete, true);
        assert.equal(after.nodes, done.json.keptNodes);
        assert.equal((await zkprover('info', ...at, '--root', roots[0])).json.reached.complete, false);
    } finally {
        client.close();
        await server.stop();
        rmSync(copy, { recursive: true, force: true });
    }
});

test('a full store is RESOURCE_EXHAUSTED with both numbers, and the server goes on', async () => {
    const server = await startServer([], {
        env: { ZKPROVER_STATE_PERSIST_EXECUTE: 'true', ZKPROVER_STATE_MAP_BYTES: String(1 << 20) },
    });
    const client = connect(server);
    try {
        const first = (await execute(client, [quickRequest('full0')])).responses[0];
        let end;
        for (let i = 1; i < 400 && !end; i++) {
            const r = await execute(client, [quickRequest(`full${i}`)]);
            if (r.code !== 0) end = r;
        }
        assert.equal(end.code, 8);
        assert.match(end.details, /full: \d+ of 1048576 bytes are used/);
        assert.equal((await status(client)).state, 'STATUS_PROVER_IDLE');
        // what is there is still used, and a batch that brings nothing new is executed
        const again = (await execute(client, [quickRequest('full0')])).responses[0];
        assert.equal(again.new_state_root, first.new_state_root);
        const { json } = await zkprover('info', '--data-dir', server.dataDir, '--root', first.new_state_root, '--json');
        assert.equal(json.reached.complete, true);
    } finally {
        client.close();
        assert.equal((await server.stop()).code, 0, server.raw);
    }
});
