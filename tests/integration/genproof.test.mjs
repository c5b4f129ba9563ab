import { test, before, after, afterEach } from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
    grpc, root, startServer, connect, status, execute, genProof, submit, cancel, getProof, callRaw, encode, tempFolder,
    until, emptyStateRequest, quickRequest, longRequest, requestOfFile, sleep, MIB, sanitized,
} from './helpers.mjs';

const { status: S } = grpc;
const UUID4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

let server, client;
before(async () => { server = await startServer(); client = connect(server); });
after(async () => {
    client?.close();
    const end = await server?.stop();
    if (end) assert.equal(end.code, 0, server.raw);
});

test('a batch becomes a job with an id, is executed, and ends as what this build can do', async () => {
    const r = await genProof(client, quickRequest());
    assert.equal(r.code, S.OK, r.details);
    assert.equal(r.result, 'RESULT_GEN_PROOF_OK');
    assert.match(r.id, UUID4);
    assert.deepEqual(r.reasons, []);
    const p = await getProof(client, r.id, 60);
    assert.equal(p.id, r.id);
    assert.equal(p.result, 'RESULT_GET_PROOF_INTERNAL_ERROR');
    assert.match(p.result_string, /this build has no prover/);
    assert.match(p.result_string, /of 8 transactions processed/, 'the batch was executed');
    assert.equal(p.proof, null);
    assert.equal(p.public, null);
    const s = await status(client);
    assert.equal(s.state, 'STATUS_PROVER_IDLE');
    assert.equal(s.last_computed_request_id, r.id);
    assert.ok(Math.abs(Number(s.last_computed_end_time) - Date.now() / 1000) < 60);
    // the log comes through a pipe of its own
    const lines = () => server.events('job').filter((l) => l.job === r.id);
    assert.ok(await until(() => lines().length >= 3), 'submitted, started, ended');
});

test('the same batch twice is two jobs', async () => {
    const a = await submit(client, quickRequest()), b = await submit(client, quickRequest());
    assert.notEqual(a, b);
    for (const id of [a, b]) assert.equal((await getProof(client, id, 60)).result, 'RESULT_GET_PROOF_INTERNAL_ERROR');
});

test('a batch with its witness', async () => {
    const { request } = requestOfFile(join(root, 'tests/data/batch/fork6/erc20.json'));
    const id = await submit(client, request);
    assert.match((await getProof(client, id, 60)).result_string, /this build has no prover/);
});

/** A request that is wrong: ERROR, no id, the reason, status OK; and nothing is in the queue. */
async function refused(call, reason) {
    const r = await call;
    assert.equal(r.code, S.OK, r.details);
    assert.equal(r.result, 'RESULT_GEN_PROOF_ERROR');
    assert.equal(r.id, '');
    assert.equal(r.reasons.length, 1);
    assert.match(r.reasons[0], reason);
    assert.ok(Buffer.byteLength(r.reasons[0]) <= 1024);
}
afterEach(async () => {
    for (let i = 0; i < 600 && (await status(client)).state !== 'STATUS_PROVER_IDLE'; i++) await sleep(50);
    assert.equal((await status(client)).state, 'STATUS_PROVER_IDLE');
});

const short = (n) => Buffer.alloc(n, 1);
const node = (value) => value.map((x) => x.toString(16).padStart(16, '0')).join('');
const zero8 = node(Array(8).fill(0n));
const P = (1n << 64n) - (1n << 32n) + 1n;
const zeroHash = '0xc71603f33a1144ca7953db0ab48808f4c4055e3364a246c33c18a9786cb0b359'; // Poseidon of twelve zeros
const fields = {
    'old_state_root of 31 bytes': [{ old_state_root: short(31) }, /old_state_root: 31 bytes, expected 32/],
    'old_state_root absent': [{ old_state_root: short(0) }, /old_state_root: 0 bytes/],
    'old_state_root not canonical': [{ old_state_root: Buffer.alloc(32, 0xff) }, /old_state_root/],
    'old_acc_input_hash of 33 bytes': [{ old_acc_input_hash: short(33) }, /old_acc_input_hash: 33 bytes/],
    'global_exit_root of 64 bytes': [{ global_exit_root: short(64) }, /global_exit_root: 64 bytes/],
    'old_batch_num 2^64 - 1': [{ old_batch_num: '18446744073709551615' }, /old_batch_num/],
    'chain_id 0': [{ chain_id: '0' }, /chain_id/],
    'batch_l2_data of 120,001 bytes': [{ batch_l2_data: short(120001) }, /batch_l2_data: 120001 bytes/],
    'sequencer_addr empty': [{ sequencer_addr: '' }, /sequencer_addr/],
    'sequencer_addr without 0x': [{ sequencer_addr: '11'.repeat(21) }, /sequencer_addr.*0x/],
    'sequencer_addr too short': [{ sequencer_addr: `0x${'1'.repeat(39)}` }, /sequencer_addr: 41/],
    'sequencer_addr with a letter': [{ sequencer_addr: `0x${'1'.repeat(39)}g` }, /sequencer_addr.*hex/],
    'aggregator_addr wrong': [{ aggregator_addr: '0x12' }, /aggregator_addr/],
    'aggregator_addr with a letter': [{ aggregator_addr: `0x${'z'.repeat(40)}` }, /aggregator_addr.*hex/],
};
for (const [name, [change, reason]] of Object.entries(fields))
    test(`field: ${name}`, () => refused(genProof(client, emptyStateRequest(Buffer.alloc(0), change)), reason));

test('field: aggregator_addr must be there', () => refused(
    callRaw(client, 'GenProof', [encode('GenProof', emptyStateRequest(Buffer.alloc(0)))]),
    /aggregator_addr: it is absent/));

const maps = {
    'db key without digits': ['db', { '0x': zero8 }],
    'db key too long': ['db', { [`0x${'1'.repeat(65)}`]: zero8 }],
    'db key not canonical': ['db', { [`0x${'f'.repeat(64)}`]: zero8 }],
    'db value empty': ['db', { [zeroHash]: '' }],
    'db value of 7 elements': ['db', { [zeroHash]: node(Array(7).fill(0n)) }],
    'db value with a letter': ['db', { [zeroHash]: `x${zero8.slice(1)}` }],
    'db value not canonical': ['db', { [zeroHash]: node([P, ...Array(7).fill(0n)]) }],
    'db value that does not hash to its key': ['db', { '0x01': zero8 }],
    'bytecode of odd length': ['contracts_bytecode', { '0x01': '0x123' }],
    'bytecode with a letter': ['contracts_bytecode', { '0x01': '0x1g' }],
    'bytecode key too long': ['contracts_bytecode', { [`0x${'1'.repeat(65)}`]: '0x00' }],
    'bytecode that does not hash to its key': ['contracts_bytecode', { '0x01': '0x6000' }],
};
for (const [name, [field, value]] of Object.entries(maps))
    test(`map: ${name}`, () => {
        const r = emptyStateRequest(Buffer.alloc(0));
        r.input[field] = value;
        return refused(genProof(client, r), new RegExp(field));
    });

test('messages: nothing, no public inputs, no protobuf, NUL and bad UTF-8', async () => {
    await refused(genProof(client, {}), /input: it is absent/);
    await refused(genProof(client, { input: {} }), /public_inputs: it is absent/);
    await refused(callRaw(client, 'GenProof', [Buffer.from('ffffffff', 'hex')]), /./);
    const good = encode('GenProof', emptyStateRequest(Buffer.alloc(0), { aggregator_addr: `0x${'22'.repeat(20)}` }));
    const at = good.lastIndexOf('0x2222');
    for (const byte of [0, 0xff]) {
        const bad = Buffer.from(good);
        bad[at + 5] = byte;
        await refused(callRaw(client, 'GenProof', [bad]), /aggregator_addr.*(UTF-8|NUL)/);
    }
    await refused(callRaw(client, 'GenProof', [good.subarray(0, good.length - 1)]), /./);
});

test('a message above the limit, and one above what is in work, are RESOURCE_EXHAUSTED', async () => {
    const small = await startServer(['--max-message-bytes', '65536']);
    const c = connect(small);
    const r = await genProof(c, emptyStateRequest(short(70000)));
    assert.equal(r.code, S.RESOURCE_EXHAUSTED);
    assert.equal(r.id, undefined, 'no message');
    c.close();
    assert.equal((await small.stop()).code, 0, small.raw);
});

test('a full queue is RESOURCE_EXHAUSTED with the numbers, and goes on when there is room', async () => {
    const s = await startServer([], { env: { ZKPROVER_JOBS_MAX_QUEUE: '2' } });
    const c = connect(s);
    const running = await submit(c, longRequest());
    while ((await status(c)).current_computing_request_id !== running) await sleep(20);
    const waiting = [await submit(c, quickRequest()), await submit(c, quickRequest())];
    const r = await genProof(c, quickRequest());
    assert.equal(r.code, S.RESOURCE_EXHAUSTED);
    assert.equal(r.id, undefined, 'no message');
    assert.match(r.details, /2 jobs are waiting, and the queue takes 2/);
    assert.equal(r.reasons.length, 1);
    assert.deepEqual((await status(c)).pending_request_queue_ids, waiting);
    assert.equal((await cancel(c, waiting[0])).result, 'RESULT_CANCEL_OK');
    const more = await submit(c, quickRequest());
    assert.deepEqual((await status(c)).pending_request_queue_ids, [waiting[1], more]);
    c.close();
    assert.equal((await s.stop()).code, 0, s.raw);
});

test('a job above the memory limit is RESOURCE_EXHAUSTED with both numbers', async () => {
    const s = await startServer([], { env: { ZKPROVER_LIMITS_JOB_MEMORY_BYTES: String(MIB) } });
    const c = connect(s);
    const r = await genProof(c, quickRequest());
    assert.equal(r.code, S.RESOURCE_EXHAUSTED);
    assert.match(r.details, /at least \d+ bytes of memory.*1048576/);
    assert.equal((await status(c)).state, 'STATUS_PROVER_IDLE');
    c.close();
    assert.equal((await s.stop()).code, 0, s.raw);
});

test('a server that does not enforce the counters refuses GenProof, and still executes', async () => {
    const s = await startServer([], { env: { ZKPROVER_COUNTERS_ENFORCE: 'false' } });
    const c = connect(s);
    const r = await genProof(c, quickRequest());
    assert.equal(r.code, S.FAILED_PRECONDITION);
    assert.match(r.details, /counters\.enforce/);
    assert.equal((await execute(c, [quickRequest()])).code, S.OK);
    c.close();
    assert.equal((await s.stop()).code, 0, s.raw);
});

test('a batch whose state is missing, or which cannot be decoded', async () => {
    const missing = await submit(client, emptyStateRequest(quickRequest().input.public_inputs.batch_l2_data,
        { old_state_root: Buffer.concat([Buffer.alloc(31), Buffer.from([5])]) }));
    const m = await getProof(client, missing, 60);
    assert.equal(m.result, 'RESULT_GET_PROOF_COMPLETED_ERROR');
    assert.match(m.result_string, /0{60}5|missing/i);
    // a batch that cannot be decoded is executed by the rules, and so it would be proven
    const wrong = await submit(client, emptyStateRequest(short(1000)));
    const w = await getProof(client, wrong, 60);
    assert.equal(w.result, 'RESULT_GET_PROOF_INTERNAL_ERROR');
    assert.match(w.result_string, /this build has no prover/);
});

test('state.persist.gen_proof: nodes of a job are there for the next ones, unless it is off', async () => {
    const { request } = requestOfFile(join(root, 'tests/data/batch/fork6/erc20.json'));
    const bare = structuredClone(request);
    for (const r of [request, bare]) // structuredClone makes Uint8Arrays of buffers
        for (const [k, v] of Object.entries(r.input.public_inputs))
            if (v instanceof Uint8Array) r.input.public_inputs[k] = Buffer.from(v);
    bare.input.db = {};
    bare.input.contracts_bytecode = {};
    for (const [persist, expected] of [['true', 'INTERNAL_ERROR'], ['false', 'COMPLETED_ERROR']]) {
        const s = await startServer([], { env: { ZKPROVER_STATE_PERSIST_GEN_PROOF: persist } });
        const c = connect(s);
        await getProof(c, await submit(c, request), 60);
        assert.equal((await getProof(c, await submit(c, bare), 60)).result, `RESULT_GET_PROOF_${expected}`, persist);
        assert.equal(existsSync(join(s.dataDir, 'state')), persist === 'true');
        c.close();
        assert.equal((await s.stop()).code, 0, s.raw);
    }
});

test('a client that goes away before its job is stored leaves none behind', async () => {
    const s = await startServer();
    const c = connect(s);
    const big = emptyStateRequest(Buffer.alloc(0), { aggregator_addr: `0x${'22'.repeat(20)}` });
    // 30 MB whose checks take a while, cancelled meanwhile
    big.input.contracts_bytecode = { '0x01': 'ab'.repeat(15 * MIB) };
    let codes = [];
    for (let i = 0; i < 3; i++)
        codes.push(await new Promise((done) => {
            const call = c.GenProof(big, () => {});
            call.on('status', (x) => done(x.code));
            setTimeout(() => call.cancel(), 30 + 40 * i);
        }));
    assert.deepEqual(codes, [S.CANCELLED, S.CANCELLED, S.CANCELLED]);
    const id = await submit(c, quickRequest());
    await getProof(c, id, 60);
    assert.equal((await status(c)).last_computed_request_id, id);
    assert.equal(readdirSync(join(s.dataDir, 'jobs/artefacts')).length, 1, 'one request is stored');
    c.close();
    assert.equal((await s.stop()).code, 0, s.raw);
});

test('GenProof of large witnesses does not hold up GetStatus, Cancel or GetProof', async () => {
    const big = emptyStateRequest(Buffer.alloc(0));
    big.input.contracts_bytecode = { '0x01': 'ab'.repeat((sanitized ? 4 : 20) * MIB) };
    const calls = Array.from({ length: 6 }, () => genProof(client, big));
    let worst = 0, asked = 0, over = false;
    const all = Promise.all(calls).then((x) => { over = true; return x; });
    await sleep(200);
    while (!over) {
        const start = Date.now();
        await Promise.all([status(client), cancel(client, 'nothing'), getProof(client, 'nothing')]);
        worst = Math.max(worst, Date.now() - start);
        asked++;
        await sleep(20);
    }
    for (const r of await all) assert.equal(r.result, 'RESULT_GEN_PROOF_ERROR');
    assert.ok(asked > 2, `${asked}`);
    // this process serialises and reads as well, so the bound is generous
    assert.ok(worst < (sanitized ? 20000 : 3000), `${worst} ms`);
});

test('two servers cannot share a data directory', async () => {
    await assert.rejects(startServer([], { dataDir: server.dataDir }), /ended with 4.*is in use by process \d+/s);
    assert.equal((await status(client)).state, 'STATUS_PROVER_IDLE');
});

test('a data directory whose job store is damaged is refused with what to do', async () => {
    const folder = tempFolder();
    try {
        mkdirSync(join(folder, 'jobs/jobs.db'), { recursive: true });
        await assert.rejects(startServer([], { dataDir: folder }), /ended with 4.*job store/s);
    } finally {
        rmSync(folder, { recursive: true });
    }
});
