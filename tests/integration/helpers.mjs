// What the tests share: a real server process, a client, batches.
import { after } from 'node:test';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, existsSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createHash } from 'node:crypto';
import grpc from '@grpc/grpc-js';
import protoLoader from '@grpc/proto-loader';

export { grpc };
const here = dirname(fileURLToPath(import.meta.url));
export const root = resolve(here, '../..');
// The folder with the programs: a sanitizer build is tested by naming its own.
export const binFolder = resolve(process.env.ZKPROVER_BIN || join(root, 'build/release/bin'));
export const vectors = resolve(process.env.ZKPROVER_VECTORS || join(root, '../shared/vectors'));
export const sanitized = /asan|tsan/.test(binFolder);
export const MIB = 1 << 20;

const definition = protoLoader.loadSync(join(root, 'proto/zkprover/v1/zk_prover.proto'), {
    keepCase: true, longs: String, enums: String, bytes: Buffer, defaults: true, oneofs: true,
});
const Service = grpc.loadPackageDefinition(definition).zkprover.v1.ZKProverService;
const methods = definition['zkprover.v1.ZKProverService'];
export const executePath = methods.Execute.path;
export const encodeExecute = (request) => methods.Execute.requestSerialize(request);

export function tempFolder() {
    return mkdtempSync(join(tmpdir(), 'zkproverd-test-'));
}

/** Runs zkproverd to its end. */
export function run(args, { env = {}, timeout = 20000 } = {}) {
    return new Promise((done, fail) => {
        const child = spawn(join(binFolder, 'zkproverd'), args, {
            env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'], timeout,
        });
        let stdout = '', stderr = '';
        child.stdout.on('data', (d) => { stdout += d; });
        child.stderr.on('data', (d) => { stderr += d; });
        child.on('error', fail);
        child.on('close', (code, signal) => done({ code, signal, stdout, stderr }));
    });
}

// A test that fails leaves its server behind, which would keep this process alive: end those that still run well after the
// last test and the last hook.
const running = new Set();
after(() => {
    setTimeout(() => { for (const child of running) child.kill('SIGKILL'); }, 20000).unref();
});

/** A server on a free port; resolves when it serves. A data directory that is named stays. wrapper: a command that runs it. */
export function startServer(args = [], { env = {}, dataDir: given = null, wrapper = [] } = {}) {
    const dataDir = given || tempFolder();
    const command = [...wrapper, join(binFolder, 'zkproverd'), '--listen', '127.0.0.1:0', '--data-dir', dataDir, ...args];
    const child = spawn(command[0], command.slice(1),
        { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'] });
    running.add(child);
    const server = { child, dataDir, log: [], raw: '', port: 0 };
    server.exited = new Promise((done) => {
        child.on('close', (code, signal) => {
            running.delete(child);
            if (!given) rmSync(dataDir, { recursive: true, force: true });
            done({ code, signal });
        });
    });
    server.address = () => `127.0.0.1:${server.port}`;
    server.events = (name) => server.log.filter((l) => l.event === name);
    /** SIGTERM; the exit code. A server that does not go within a minute is killed, and the test fails by its code. */
    server.stop = async () => {
        if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
        const timer = setTimeout(() => child.kill('SIGKILL'), 60000);
        const end = await server.exited;
        clearTimeout(timer);
        return end;
    };
    server.threads = () => Number(/Threads:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))[1]);
    server.rssKiB = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))[1]);
    let rest = '';
    return new Promise((done, fail) => {
        child.on('error', fail);
        child.on('close', (code) => fail(new Error(`zkproverd ended with ${code}: ${server.raw}`)));
        child.stderr.on('data', (d) => {
            server.raw += d;
            rest += d;
            const lines = rest.split('\n');
            rest = lines.pop();
            for (const line of lines) {
                let event;
                try { event = JSON.parse(line); } catch { event = { event: 'not json', line }; }
                server.log.push(event);
                if (event.event === 'serving') { server.port = event.port; done(server); }
            }
        });
    });
}

export function connect(server, options = {}, credentials = grpc.credentials.createInsecure()) {
    return new Service(server.address(), credentials, {
        'grpc.max_receive_message_length': 65 * MIB,
        'grpc.max_send_message_length': -1,
        'grpc.use_local_subchannel_pool': 1,
        ...options,
    });
}

export function status(client, options = {}) {
    return new Promise((done, fail) => {
        client.GetStatus({}, new grpc.Metadata(), { deadline: Date.now() + 10000, ...options },
            (error, value) => (error ? fail(error) : done(value)));
    });
}

/** node's HTTP/2 joins the values of one key with commas (a comma inside a value is encoded). */
const rawReasons = (metadata) => metadata.get('zkprover-error').flatMap((v) => String(v).split(', '));

/** Collects a stream: promise of { responses, code, details, reasons }. */
export function collect(stream) {
    const responses = [];
    stream.responses = responses;
    stream.waiters = [];
    stream.on('data', (r) => {
        responses.push(r);
        stream.waiters = stream.waiters.filter(([n, done]) => responses.length < n || done());
    });
    /** Resolves when n responses have come. */
    stream.atLeast = (n) => (responses.length >= n ? Promise.resolve()
        : new Promise((done) => { stream.waiters.push([n, done]); }));
    return new Promise((done) => {
        stream.on('error', () => {});
        stream.on('status', (s) => done({
            responses, code: s.code, details: s.details,
            reasons: rawReasons(s.metadata).map(decodeURIComponent),
            rawReasons: rawReasons(s.metadata),
        }));
    });
}

/** Sends requests (objects) on one Execute stream, half-closes unless told otherwise. */
export async function execute(client, requests, { end = true, deadline = 120000 } = {}) {
    const stream = client.Execute(new grpc.Metadata(), { deadline: Date.now() + deadline });
    const result = collect(stream);
    for (const r of requests) stream.write(r);
    if (end) stream.end();
    return result;
}

/** The same with bytes in place of messages. */
export async function executeRaw(client, buffers, { end = true } = {}) {
    const stream = client.makeBidiStreamRequest(executePath, (b) => b,
        methods.Execute.responseDeserialize, new grpc.Metadata(), { deadline: Date.now() + 60000 });
    const result = collect(stream);
    for (const b of buffers) stream.write(b);
    if (end) stream.end();
    return result;
}

/** A unary call: { code, details, reasons, value? }. */
function unary(client, name, request, deadline) {
    return new Promise((done) => {
        let value;
        client[name](request, new grpc.Metadata(), { deadline: Date.now() + deadline }, (error, v) => { value = v; })
            .on('status', (s) => done({
                code: s.code, details: s.details, value, reasons: rawReasons(s.metadata).map(decodeURIComponent),
            }));
    });
}
/** What GenProof says: { id, result, code, details, reasons }. Takes a request of Execute; a missing aggregator is added. */
export async function genProof(client, request, { deadline = 60000 } = {}) {
    const inputs = request.input?.public_inputs;
    if (inputs && !inputs.aggregator_addr) inputs.aggregator_addr = `0x${'22'.repeat(20)}`;
    const { value, ...rest } = await unary(client, 'GenProof', request, deadline);
    return { ...value, ...rest };
}
/** The id of a job that is taken, or an exception. */
export async function submit(client, request) {
    const r = await genProof(client, request);
    if (r.code !== 0 || r.result !== 'RESULT_GEN_PROOF_OK') throw new Error(`GenProof: ${JSON.stringify(r)}`);
    return r.id;
}
export async function cancel(client, id, { deadline = 60000 } = {}) {
    const { value, ...rest } = await unary(client, 'Cancel', { id }, deadline);
    return { ...value, ...rest };
}
/** One stream with these requests ([id, seconds]), half-closed: as collect. */
export function getProofs(client, requests, { end = true, deadline = 120000 } = {}) {
    const stream = client.GetProof(new grpc.Metadata(), { deadline: Date.now() + deadline });
    const result = collect(stream);
    for (const [id, timeout] of requests) stream.write({ id, timeout: String(timeout) });
    if (end) stream.end();
    return result;
}
/** The one answer to one request. */
export async function getProof(client, id, timeout = 0) {
    const r = await getProofs(client, [[id, timeout]]);
    if (r.code !== 0 || r.responses.length !== 1) throw new Error(`GetProof: ${JSON.stringify(r)}`);
    return r.responses[0];
}
/** Bytes in place of a message, on one of the methods; a stream is half-closed. */
export function callRaw(client, method, buffers) {
    const m = methods[method];
    if (m.requestStream) {
        const stream = client.makeBidiStreamRequest(m.path, (b) => b, m.responseDeserialize, new grpc.Metadata(),
            { deadline: Date.now() + 60000 });
        const result = collect(stream);
        for (const b of buffers) stream.write(b);
        stream.end();
        return result;
    }
    return new Promise((done) => {
        let value;
        client.makeUnaryRequest(m.path, (b) => b, m.responseDeserialize, buffers[0], new grpc.Metadata(),
            { deadline: Date.now() + 60000 }, (error, v) => { value = v; })
            .on('status', (s) => done({
                ...value, code: s.code, details: s.details, reasons: rawReasons(s.metadata).map(decodeURIComponent),
            }));
    });
}
export const encode = (method, request) => methods[method].requestSerialize(request);

export const sleep = (ms) => new Promise((done) => { setTimeout(done, ms); });

/** Waits until condition() is true, a minute at most: what a server logs comes later than what it answers. */
export async function until(condition) {
    for (let i = 0; i < 6000 && !condition(); i++) await sleep(10);
    return condition();
}

// ---- batches ----

const bytes = (hex) => Buffer.from(hex.replace(/^0x/, ''), 'hex');

/** A batch file (docs/formats.md) to a request. */
export function requestOfFile(file) {
    const j = JSON.parse(readFileSync(file, 'utf8'));
    const code = {};
    for (const [k, v] of Object.entries(j.contractsBytecode || {}))
        if (k.replace(/^0x/, '').length > 40) code[k] = v; // shorter keys are addresses
    const db = {};
    for (const [k, v] of Object.entries(j.db || {})) db[k] = Array.isArray(v) ? v.join('') : v;
    return {
        file: j,
        request: {
            input: {
                public_inputs: {
                    old_state_root: bytes(j.oldStateRoot),
                    old_acc_input_hash: bytes(j.oldAccInputHash),
                    old_batch_num: String(BigInt(j.oldNumBatch)),
                    chain_id: String(BigInt(j.chainID)),
                    batch_l2_data: bytes(j.batchL2Data),
                    global_exit_root: bytes(j.globalExitRoot),
                    eth_timestamp: String(BigInt(j.timestamp)),
                    sequencer_addr: j.sequencerAddr,
                    aggregator_addr: '',
                },
                db,
                contracts_bytecode: code,
            },
        },
    };
}

export function filesBelow(folder) {
    if (!existsSync(folder)) return [];
    return readdirSync(folder, { recursive: true }).map(String).filter((f) => f.endsWith('.json'))
        .sort().map((f) => join(folder, f));
}

const rlpLength = (len, offset) => {
    if (len < 56) return Buffer.from([offset + len]);
    const n = bytes(len.toString(16).padStart(len > 0xffff ? 6 : len > 0xff ? 4 : 2, '0'));
    return Buffer.concat([Buffer.from([offset + 55 + n.length]), n]);
};
function rlp(item) {
    if (Array.isArray(item)) {
        const body = Buffer.concat(item.map(rlp));
        return Buffer.concat([rlpLength(body.length, 0xc0), body]);
    }
    if (typeof item === 'number') {
        if (item === 0) return Buffer.from([0x80]);
        const hex = item.toString(16);
        return rlp(bytes(hex.length % 2 ? `0${hex}` : hex));
    }
    if (item.length === 1 && item[0] < 0x80) return item;
    return Buffer.concat([rlpLength(item.length, 0x80), item]);
}

const FIELD = (1n << 256n) - (1n << 32n) - 977n; // of secp256k1
function isSquare(x) {
    let result = 1n, base = x % FIELD;
    for (let e = (FIELD - 1n) / 2n; e; e >>= 1n) {
        if (e & 1n) result = result * base % FIELD;
        base = base * base % FIELD;
    }
    return result === 1n;
}
/** Any number: on the curve or not, about one as often as the other. */
function anyR(seed) {
    const r = createHash('sha256').update(`r${seed}`).digest();
    r[0] &= 0x7f;
    return r;
}
/** An x coordinate on the curve. */
function pointX(seed) {
    for (let i = 0; ; i++) {
        const r = createHash('sha256').update(`r${seed}.${i}`).digest();
        r[0] &= 0x7f;
        const x = BigInt(`0x${r.toString('hex')}`);
        if (isSquare(x * x * x + 7n)) return r;
    }
}

/** A transaction of fork 5 and 6 that creates a contract. Any signature whose r is on the curve recovers to some address, and a
 *  gas price of 0 needs no balance: so it runs on an empty state, without a key. */
export function createTx(initCode, seed, gas = 30000000, r = pointX(seed)) {
    const s = createHash('sha256').update(`s${seed}`).digest();
    s[0] &= 0x3f; // below n / 2
    return Buffer.concat([rlp([0, 0, gas, Buffer.alloc(0), 0, initCode, 1000, 0, 0]), r, s,
        Buffer.from([27, 255])]);
}

/** A batch on the empty state. */
export function emptyStateRequest(l2Data, changes = {}) {
    return {
        input: {
            public_inputs: {
                old_state_root: Buffer.alloc(32), old_acc_input_hash: Buffer.alloc(32),
                old_batch_num: '0', chain_id: '1000', batch_l2_data: l2Data,
                global_exit_root: Buffer.alloc(32), eth_timestamp: '1700000000',
                sequencer_addr: `0x${'11'.repeat(20)}`, aggregator_addr: '', ...changes,
            },
            db: {}, contracts_bytecode: {},
        },
    };
}

/** Burns all its gas in about a hundredth of a second: copies two megabytes over and over with the precompile at 4, eight times
 *  between jumps (an endless loop of cheap instructions would run out of the counter of steps). */
export const LOOP = bytes(`${'62200000346220000034'}60045afa50${'5b'}${'3d343d3460045afa50'.repeat(8)}600f56`);
/** PUSH1 1 PUSH1 0 SSTORE STOP. */
export const STORE = bytes('600160005500');
/** PUSH1 7 PUSH1 0 PUSH1 0 LOG1 STOP: one log with a topic and no data. */
export const LOG = bytes('600760006000a100');

/** As many as the counter of Keccak blocks nearly allows. */
export const LONG_TXS = 560;
/** A batch that runs for some seconds unless it is stopped; if it is not, the counter of Keccak blocks runs out at its end and it is
 *  rolled back. */
export function longRequest(n = LONG_TXS) {
    const txs = [];
    for (let i = 0; i < n; i++) txs.push(createTx(LOOP, `long${i}`));
    return emptyStateRequest(Buffer.concat(txs));
}

/** About half of its eight signatures are valid. */
export function quickRequest(seed = 'quick') {
    const txs = [];
    for (let i = 0; i < 8; i++) txs.push(createTx(i % 2 ? STORE : LOG, `${seed}${i}`, 200000, anyR(`${seed}${i}`)));
    return emptyStateRequest(Buffer.concat(txs));
}
