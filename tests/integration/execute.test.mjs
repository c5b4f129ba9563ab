import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
    startServer, connect, status, execute, requestOfFile, filesBelow, vectors, root, quickRequest,
    emptyStateRequest, createTx, STORE, LOG, sanitized, run, until,
} from './helpers.mjs';

let server, client;
before(async () => { server = await startServer(); client = connect(server); });
after(async () => {
    client?.close();
    const end = await server?.stop();
    if (end) assert.equal(end.code, 0, server.raw);
});

test('GetStatus says IDLE and both versions', async () => {
    const s = await status(client);
    assert.equal(s.state, 'STATUS_PROVER_IDLE');
    assert.match(s.version_proto, /^v\d+_\d+_\d+$/);
    const version = (await run(['--version'])).stdout;
    assert.ok(version.startsWith(`zkproverd ${s.version_server} `), `${version} / ${s.version_server}`);
    assert.deepEqual(s.pending_request_queue_ids, []);
    assert.equal(s.current_computing_request_id, '');
});

test('a batch on the empty state: root, changes, receipts, logs, counters', async () => {
    const { responses, code, reasons } = await execute(client, [quickRequest()]);
    assert.equal(code, 0);
    assert.deepEqual(reasons, []);
    assert.equal(responses.length, 1);
    const r = responses[0];
    assert.equal(r.result, 'RESULT_EXECUTE_COMPLETED_OK');
    assert.match(r.new_state_root, /^0x[0-9a-f]{64}$/);
    assert.notEqual(BigInt(r.new_state_root), 0n);
    assert.ok(Object.keys(r.diff_keys_values).length > 0);
    for (const [k, v] of Object.entries(r.diff_keys_values)) {
        assert.match(k, /^0x[0-9a-f]{64}$/);
        assert.match(v, /^0x[0-9a-f]{64}$/);
    }
    assert.equal(r.receipts.length, 8);
    const receipts = r.receipts.map((t) => JSON.parse(t));
    const executed = receipts.filter((t) => t.blockNumber !== null);
    assert.ok(executed.length > 0 && executed.length < 8, 'about half of the signatures are valid');
    for (const t of executed) {
        assert.equal(t.status, '0x1');
        assert.match(t.contractAddress, /^0x[0-9a-fA-F]{40}$/);
    }
    for (const t of receipts.filter((x) => x.blockNumber === null)) {
        assert.equal(t.status, '0x0');
        assert.equal(t.gasUsed, '0x0');
        assert.equal(t.error, 'intrinsic_invalid_signature');
    }
    const nLogs = executed.reduce((n, t) => n + t.logs.length, 0);
    assert.equal(r.logs.length, nLogs);
    assert.ok(nLogs > 0);
    for (const l of r.logs) assert.equal(BigInt(JSON.parse(l).topics[0]), 7n);
    assert.ok(r.counters.hash_poseidon > 0 && r.counters.hash_keccak > 0);
    assert.ok(r.counters.ecrecover >= executed.length);
    assert.equal(r.counters.arith, 0);
});

test('several requests on one stream are answered in order', async () => {
    const requests = [], alone = [];
    for (let i = 0; i < 12; i++)
        requests.push(emptyStateRequest(createTx(i % 2 ? STORE : LOG, `order${i}`, 200000)));
    for (const r of requests) alone.push((await execute(client, [r])).responses[0].new_state_root);
    const { responses, code } = await execute(client, requests);
    assert.equal(code, 0);
    assert.deepEqual(responses.map((r) => r.new_state_root), alone);
    assert.ok(new Set(alone).size > 3, 'the answers differ, so that the order shows');
});

test('an empty batch and a batch that cannot be decoded are results, not errors', async () => {
    const { responses, code, reasons } = await execute(client, [
        emptyStateRequest(Buffer.alloc(0)),
        emptyStateRequest(Buffer.from('ff00ff00', 'hex')),
        quickRequest(),
    ]);
    assert.equal(code, 0);
    assert.equal(responses.length, 3);
    assert.equal(responses[0].result, 'RESULT_EXECUTE_COMPLETED_OK');
    assert.equal(BigInt(responses[0].new_state_root), 0n);
    assert.equal(responses[1].result, 'RESULT_EXECUTE_COMPLETED_ERR');
    assert.equal(BigInt(responses[1].new_state_root), 0n);
    assert.equal(responses[1].receipts.length, 0);
    assert.equal(responses[2].result, 'RESULT_EXECUTE_COMPLETED_OK');
    assert.equal(reasons.length, 1);
    assert.match(reasons[0], /^1: the batch cannot be decoded/);
});

test('missing state is an error that names the node, and the stream goes on', async () => {
    const missing = `${'00'.repeat(31)}07`;
    const { responses, code, reasons } = await execute(client, [
        emptyStateRequest(createTx(STORE, 'm1'), { old_state_root: Buffer.from(missing, 'hex') }),
        emptyStateRequest(createTx(STORE, 'm2'), { old_state_root: Buffer.from(missing, 'hex') }),
        quickRequest(),
    ]);
    assert.equal(code, 0);
    assert.deepEqual(responses.map((r) => r.result), ['RESULT_EXECUTE_ERROR', 'RESULT_EXECUTE_ERROR',
        'RESULT_EXECUTE_COMPLETED_OK']);
    assert.equal(reasons.length, 2);
    assert.match(reasons[0], new RegExp(`^0: .*${missing}`));
    assert.match(reasons[1], new RegExp(`^1: .*${missing}`));
});

test('our own batches give their roots', async (t) => {
    const files = filesBelow(join(root, 'tests/data/batch'));
    if (!files.length) return t.skip('tests/data/batch is absent');
    let compared = 0;
    for (const file of files) {
        const { file: j, request } = requestOfFile(file);
        if (j.gasLimit !== undefined || (j.forkID ?? 6) !== 6 || !j.newStateRoot) continue;
        const { responses, code } = await execute(client, [request]);
        assert.equal(code, 0, file);
        assert.equal(BigInt(responses[0].new_state_root), BigInt(j.newStateRoot), file);
        compared++;
    }
    assert.ok(compared > 0, 'none of the files could be used');
});

for (const fork of [4, 6]) {
    test(`batches of fork ${fork} from public test suites give their roots`, async (t) => {
        const files = filesBelow(join(vectors, `batch/fork${fork}`));
        if (!files.length) return t.skip(`no batches in ${vectors}: set ZKPROVER_VECTORS`);
        const own = await startServer(['--fork-id', String(fork)],
            { env: { ZKPROVER_COUNTERS_ENFORCE: 'false' } }); // as these files are meant
        const c = connect(own);
        try {
            const step = sanitized ? 24 : 4; // all of them are another test's; this one is about the wire
            const chosen = files.map((f) => requestOfFile(f))
                .filter(({ file: j }) => j.gasLimit === undefined && !j.counters
                    && j.batchL2Data.length <= 240002)
                .filter((_, i) => i % step === 0);
            const { responses, code, reasons } = await execute(c, chosen.map((x) => x.request));
            assert.equal(code, 0, reasons.join('\n'));
            assert.equal(responses.length, chosen.length);
            responses.forEach((r, i) => {
                assert.equal(BigInt(r.new_state_root), BigInt(chosen[i].file.newStateRoot), `file ${i}`);
            });
        } finally {
            c.close();
            assert.equal((await own.stop()).code, 0, own.raw);
        }
    });
}

test('a state that was persisted need not be sent again', async () => {
    const own = await startServer([], { env: { ZKPROVER_STATE_PERSIST_EXECUTE: 'true' } });
    const c = connect(own);
    try {
        const first = (await execute(c, [quickRequest('persist')])).responses[0];
        assert.equal(first.result, 'RESULT_EXECUTE_COMPLETED_OK');
        const next = emptyStateRequest(createTx(STORE, 'after persist', 200000), {
            old_state_root: Buffer.from(first.new_state_root.slice(2), 'hex'), old_batch_num: '1',
        });
        const { responses, reasons } = await execute(c, [next]);
        assert.equal(responses[0].result, 'RESULT_EXECUTE_COMPLETED_OK', reasons.join());
        assert.ok(existsSync(join(own.dataDir, 'state')));
        // the server that does not persist lacks it
        const other = await execute(client, [next]);
        assert.equal(other.responses[0].result, 'RESULT_EXECUTE_ERROR');
    } finally {
        c.close();
        assert.equal((await own.stop()).code, 0, own.raw);
    }
});

/** Eight creations with one code. */
const eightTimes = (code, seed) => emptyStateRequest(Buffer.concat(
    Array.from({ length: 8 }, (_, i) => createTx(code, `${seed}${i}`, 5000000))));

test('a batch above the memory limit is RESOURCE_EXHAUSTED, and the server goes on', async () => {
    const own = await startServer([], { env: { ZKPROVER_LIMITS_EXECUTE_MEMORY_BYTES: String(1 << 20) } });
    const c = connect(own);
    try {
        // PUSH3 2^20 MLOAD: more than the quarter that frames have
        const { responses, code, details } = await execute(c, [eightTimes(Buffer.from('6210000051', 'hex'), 'm')]);
        assert.equal(code, 8);
        assert.match(details, /more memory than a run has.*raise the limit/);
        assert.equal(responses.length, 0);
        assert.equal((await execute(c, [quickRequest()])).responses[0].result, 'RESULT_EXECUTE_COMPLETED_OK');
    } finally {
        c.close();
        assert.equal((await own.stop()).code, 0, own.raw);
    }
});

test('a batch that runs out of counters: each of its transactions has a receipt', async () => {
    // PUSH3 2^20 PUSH1 0 KECCAK256: 7,711 blocks
    const request = eightTimes(Buffer.from('62100000600020', 'hex'), 'm');
    const { responses, code, reasons } = await execute(client, [request]);
    assert.equal(code, 0);
    assert.match(reasons[0], /rolled back: OOCK/);
    const [r] = responses;
    assert.equal(r.result, 'RESULT_EXECUTE_COMPLETED_ERR');
    assert.equal(BigInt(r.new_state_root), 0n);
    assert.equal(r.receipts.length, 8);
    assert.equal(r.logs.length, 0);
    r.receipts.map((t) => JSON.parse(t)).forEach((t, i) => {
        assert.equal(t.batchIndex, `0x${i.toString(16)}`);
        assert.equal(t.error, 'OOCK');
        assert.equal(t.status, '0x0');
        assert.equal(t.gasUsed, '0x0');
        assert.equal(t.cumulativeGasUsed, '0x0');
        assert.equal(t.blockNumber, null);
        assert.equal(t.blockHash, null);
        assert.equal(t.contractAddress, null);
        assert.match(t.transactionHash, /^0x[0-9a-f]{64}$/);
    });
});

test('the log has one JSON object a line and nothing of the requests', async () => {
    await execute(client, [quickRequest()]);
    assert.equal(server.events('not json').length, 0, server.raw);
    assert.ok(await until(() => server.events('execute').length > 0));
    const events = server.events('execute');
    assert.ok(events.every((e) => e.reason === undefined && typeof e.total_s === 'number'));
    assert.ok(!server.raw.includes('11111111111111111111'), 'no address of a request is logged');
});
