// The command zkprover as a user has it: against a real server process, on terminals and in pipes; and against a server of our own
// for answers that this build's server cannot give.
import { test, before, after, describe } from 'node:test';
import assert from 'node:assert/strict';
import net from 'node:net';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import protoLoader from '@grpc/proto-loader';
import { grpc, startServer, longRequest, binFolder, root, sleep, sanitized, tempFolder } from './helpers.mjs';
import { makeCa, makeCert } from './certs.mjs';

const transfer = join(root, 'tests/data/batch/fork6/transfer.json');
const program = join(binFolder, 'zkprover');
const nobody = '123e4567-e89b-12d3-a456-426614174000';
let folder, longBatch, leaks;
before(() => {
    folder = tempFolder();
    leaks = join(folder, 'lsan.supp');
    writeFileSync(leaks, 'leak:libcares\n'); // ten bytes for the resolver of names, once a process
    longBatch = join(folder, 'long.json');
    const p = longRequest().input.public_inputs;
    const hex = (b) => `0x${b.toString('hex')}`;
    writeFileSync(longBatch, JSON.stringify({
        oldStateRoot: hex(p.old_state_root), oldAccInputHash: hex(p.old_acc_input_hash), oldNumBatch: 0, chainID: 1000, forkID: 6,
        batchL2Data: hex(p.batch_l2_data), globalExitRoot: hex(p.global_exit_root), timestamp: 1700000000,
        sequencerAddr: p.sequencer_addr, db: {}, contractsBytecode: {},
    }));
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** Starts the command; .end resolves to { code, signal, out, err, seconds }. */
function start(address, args) {
    const begun = performance.now();
    const env = { ...process.env, ZKPROVER_ADDR: address };
    if (sanitized) env.LSAN_OPTIONS = `suppressions=${leaks}`;
    const child = spawn(program, args, { env, timeout: 120000 });
    const r = { child, out: '', err: '' };
    child.stdout.on('data', (d) => { r.out += d; });
    child.stderr.on('data', (d) => { r.err += d; });
    r.end = new Promise((done) => {
        child.on('close', (code, signal) => done({ code, signal, out: r.out, err: r.err, seconds: (performance.now() - begun) / 1000 }));
    });
    return r;
}
const run = (address, ...args) => start(address, args).end;
const lines = (text) => text.split('\n').filter((l) => l);
/** Each line has to be an object. */
const objects = (text) => lines(text).map((l) => {
    const o = JSON.parse(l);
    assert.equal(typeof o, 'object');
    return o;
});
async function until(what, seconds = sanitized ? 60 : 20) {
    for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(50)) if (await what()) return;
    assert.fail(`did not happen within ${seconds} seconds: ${what}`);
}
/** Runs the command on a terminal of 80 columns; keys: what is typed once the output matches. */
function onTerminal(address, args, when, keys) {
    const child = spawn('script', ['-qec', `stty cols 80 rows 12; exec ${[program, ...args].join(' ')}`, '/dev/null'],
        { env: { ...process.env, ZKPROVER_ADDR: address, TERM: 'xterm' }, timeout: 120000 });
    let screen = '', typed = false;
    return new Promise((done) => {
        child.stdout.on('data', (d) => {
            screen += d;
            if (!typed && when.test(screen)) {
                typed = true;
                child.stdin.write(keys);
            }
        });
        child.on('close', (code) => done({ code, screen }));
    });
}
const hasScript = spawnSync('script', ['--version']).status === 0;

describe('jobs', () => {
    let server, at;
    before(async () => { server = await startServer(); at = server.address(); });
    after(() => server.stop());
    const prove = async (file) => {
        const r = await run(at, 'prove', file);
        assert.equal(r.code, 0, r.err);
        assert.match(r.out, /^[0-9a-f-]{36}\n$/);
        return r.out.trim();
    };

    test('a batch that is proven ends with the plain word that there is no prover', async () => {
        const r = await run(at, 'prove', '--wait', transfer);
        assert.equal(r.code, 1);
        assert.match(r.out, /^[0-9a-f-]{36}\njob .*\nstate +failed \(INTERNAL_ERROR\)\nreason +this build has no prover/);
        assert.equal(r.err, '');
        const [o, ...more] = objects((await run(at, 'prove', '--json', '--wait', transfer)).out);
        assert.equal(more.length, 0);
        assert.deepEqual([o.state, o.result, o.proof, o.public], ['failed', 'INTERNAL_ERROR', null, null]);
        const file = join(folder, 'none.json');
        assert.equal((await run(at, 'prove', transfer, '--out', file)).code, 1);
        assert.ok(!existsSync(file));
        const last = objects((await run(at, 'list', '--json')).out).at(-1);
        assert.equal(last.state, 'failed');
        assert.ok(last.endTime > 1.7e9);
    });

    test('a batch that cannot be proven: the reason', async () => {
        const b = JSON.parse(readFileSync(transfer));
        b.oldStateRoot = `0x01020304${b.oldStateRoot.slice(10)}`;
        const file = join(folder, 'missing.json');
        writeFileSync(file, JSON.stringify(b));
        const r = await run(at, 'prove', '--wait', file);
        assert.equal(r.code, 1);
        assert.match(r.out, /state +failed \(COMPLETED_ERROR\)\nreason .*0x01020304/);
    });

    test('list, get, cancel and status of jobs that run and wait', async () => {
        const watch = start(at, ['status', '--watch', '--json']);
        const table = start(at, ['list', '--watch']);
        const ids = [await prove(longBatch), await prove(longBatch), await prove(longBatch)];
        await until(async () => objects((await run(at, 'list', '--json')).out)[0].state === 'running');
        const listed = objects((await run(at, 'list', '--json')).out).slice(0, 3);
        assert.deepEqual(listed.map((o) => o.id), ids);
        assert.deepEqual(listed.map((o) => o.state), ['running', 'pending', 'pending']);
        assert.deepEqual(listed.map((o) => o.position), [null, 1, 2]);
        const text = await run(at, 'list');
        assert.match(text.out, /^ID +STATE +DETAIL\n/);
        for (const line of lines(text.out)) assert.ok(line.length <= 80, line);
        assert.match((await run(at, 'status')).out, new RegExp(`computing +${ids[0]}\\n +since .*UTC\\n(  progress .*\\n)?`));

        const asked = await run(at, 'get', ids[1], '--timeout', '2');
        assert.equal(asked.code, 1);
        assert.match(asked.out, /state +pending\nprogress +pending: 1 in front/);
        assert.ok(asked.seconds > 1.9 && asked.seconds < 2.5 + (sanitized ? 4 : 1), `${asked.seconds} s`);
        assert.equal(JSON.parse((await run(at, 'get', ids[1], '--json')).out).state, 'pending');

        const waiting = start(at, ['get', ids[1], '--wait']);
        await sleep(300);
        const cancelled = await run(at, 'cancel', ...ids.slice(1));
        assert.deepEqual([cancelled.code, cancelled.out], [0, `${ids[1]}  cancelled\n${ids[2]}  cancelled\n`]);
        const waited = await waiting.end;
        assert.equal(waited.code, 1);
        assert.match(waited.out, /state +cancelled/);
        assert.equal((await run(at, 'cancel', ids[1])).code, 0);
        const mixed = await run(at, 'cancel', nobody, ids[0]);
        assert.equal(mixed.code, 1);
        assert.equal(mixed.out, `${ids[0]}  cancelled\n`);
        assert.match(mixed.err, new RegExp(`^zkprover: .*${nobody}`));
        await until(async () => JSON.parse((await run(at, 'status', '--json')).out).state === 'IDLE');

        await until(() => objects(watch.out.slice(0, watch.out.lastIndexOf('\n') + 1)).at(-1)?.state === 'IDLE' && lines(watch.out).length > 2);
        const states = objects(watch.out).map((o) => o.state);
        assert.ok(states.includes('COMPUTING'), states.join());
        assert.equal(new Set(lines(watch.out)).size, lines(watch.out).length, 'a line without a change');
        await until(() => table.out.includes(`${ids[0]}  running`));
        for (const w of [watch, table]) {
            w.child.kill('SIGINT');
            assert.equal((await w.end).signal, 'SIGINT');
            assert.doesNotMatch(w.out + w.err, /\x1b/);
        }
    });

    test('unknown jobs', async () => {
        const r = await run(at, 'get', nobody);
        assert.equal(r.code, 1);
        assert.match(r.out, /state +unknown\nreason .*no such job/);
        assert.equal(JSON.parse((await run(at, 'get', nobody, '--json')).out).result, 'ERROR');
        assert.equal((await run(at, 'get', 'x\x1b[31my', '--wait')).code, 1);
    });

    test('on a terminal: progress, in place, and a clean end by Ctrl-C', { skip: !hasScript && 'no script(1)' }, async () => {
        const r = await onTerminal(at, ['prove', '--wait', longBatch], /running: [^\r\n]*%/, '\x03');
        assert.match(r.screen, /^[0-9a-f-]{36}\r\n/);
        assert.match(r.screen, /\r\x1b\[K[0-9a-f]{8} +\d+:\d\d  \[[#.]{20}\]  running: /);
        assert.match(r.screen, /\r\x1b\[K$/);
        assert.equal(r.code, 130);
        const id = r.screen.slice(0, 36);
        const s = await onTerminal(at, ['status', '--watch'], new RegExp(`computing +${id}[^]*computing +${id}`), '\x03');
        assert.match(s.screen, /\x1b\[\d+A\r\x1b\[J/);
        assert.equal(s.code, 130);
        for (const screen of [r.screen, s.screen]) {
            assert.doesNotMatch(screen, /\x1b\[[0-9;]*m/, 'colours');
            for (const line of screen.split(/[\r\n]/)) assert.ok(line.replace(/\x1b\[\d*[A-Z]/g, '').length < 80, line);
        }
        assert.equal((await run(at, 'cancel', id)).code, 0); // the command's end has left the job alone
    });
});

test('get --wait outlives a restart of the server', async () => {
    const dataDir = tempFolder();
    const first = await startServer([], { dataDir });
    const at = first.address();
    const id = (await run(at, 'prove', longBatch)).out.trim();
    const waiting = start(at, ['get', id, '--wait', '--connect-timeout', '60']);
    await sleep(500);
    await first.stop();
    await sleep(1000);
    assert.equal(waiting.child.exitCode, null);
    const second = await startServer(['--listen', at], { dataDir });
    await until(async () => JSON.parse((await run(at, 'status', '--json')).out).currentComputingRequestId === id);
    assert.equal((await run(at, 'cancel', id)).code, 0);
    const r = await waiting.end;
    assert.match(r.out, /state +cancelled/);
    assert.equal(r.err, '');
    await second.stop();
    rmSync(dataDir, { recursive: true, force: true });
});

test('a service that is not there, does not answer, or is something else', async () => {
    const refused = await run('127.0.0.1:1', 'list');
    assert.equal(refused.code, 1);
    assert.match(refused.err, /^zkprover: service at 127\.0\.0\.1:1: .*is zkproverd running there\? --addr names another address\)\n$/);
    const sockets = [];
    const silent = net.createServer((s) => { sockets.push(s); s.on('error', () => {}); });
    await new Promise((done) => { silent.listen(0, '127.0.0.1', done); });
    const address = `127.0.0.1:${silent.address().port}`;
    for (const args of [['get', nobody, '--wait'], ['prove', transfer], ['execute', transfer], ['status', '--watch'], ['cancel', nobody]]) {
        const r = await run(address, ...args, '--connect-timeout', '1');
        assert.equal(r.code, 1);
        assert.equal(lines(r.err).length, 1);
        assert.match(r.err, new RegExp(`^zkprover: service at ${address}: .*is zkproverd running there`));
        assert.ok(r.seconds < (sanitized ? 6 : 3), `${args}: ${r.seconds} s`);
    }
    for (const s of sockets) s.destroy();
    silent.close();
    const other = new grpc.Server(); // gRPC, but not this service
    const port = await new Promise((done, fail) => {
        other.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (e, p) => (e ? fail(e) : done(p)));
    });
    const r = await run(`127.0.0.1:${port}`, 'status');
    assert.equal(r.code, 1);
    assert.match(r.err, /what answers is no zkproverd/);
    other.forceShutdown();
});

test('TLS', async () => {
    const ca = makeCa(folder, 'ca'), good = makeCert(folder, ca, 'good'), own = makeCert(folder, ca, 'own', { san: 'DNS:own.example' });
    const server = await startServer(['--tls-cert', good.cert, '--tls-key', good.key], { env: { ZKPROVER_TLS_CLIENT_CA: ca.cert, ZKPROVER_TLS_REQUIRE_CLIENT_CERT: 'true' } });
    const at = server.address();
    const all = ['--tls-ca', ca.cert, '--tls-cert', own.cert, '--tls-key', own.key];
    const ok = await run(at, 'status', ...all);
    assert.equal(ok.code, 0, ok.err);
    assert.match((await run(at, 'execute', ...all, transfer)).out, /matches the file/);
    for (const [args, advice] of [[[], /does it want TLS/], [['--tls'], /is not trusted: --tls-ca/], [all.slice(0, 2), /client certificate\?/]]) {
        const r = await run(at, 'status', ...args, '--connect-timeout', '5');
        assert.equal(r.code, 1, args.join());
        assert.equal(lines(r.err).length, 1, r.err);
        assert.match(r.err, advice);
    }
    const named = await run(`localhost:${server.port}`, 'status', '--tls-ca', ca.cert, '--tls-cert', own.cert, '--tls-key', own.key);
    assert.equal(named.code, 0, named.err); // DNS:localhost is in the certificate
    await server.stop();
});

describe('answers of a server that has a prover', () => {
    const definition = protoLoader.loadSync(join(root, 'proto/zkprover/v1/zk_prover.proto'), { keepCase: true });
    const { ZKProverService } = grpc.loadPackageDefinition(definition).zkprover.v1;
    const proof = { proof_a: ['1', '2'], proof_b: [{ proofs: ['3', '4'] }, { proofs: ['5', '6'] }], proof_c: ['7', '8'] };
    let server, at, answers;
    before(async () => {
        server = new grpc.Server();
        server.addService(ZKProverService.service, {
            GetStatus: (call, done) => done(null, { state: 3, version_server: 'x\x1b[31m' }),
            GetProof: (call) => {
                call.on('data', (q) => call.write({ id: q.id, ...(answers.length > 1 ? answers.shift() : answers[0]) }));
                call.on('end', () => call.end());
            },
            GenProof: (call, done) => done(null, { result: 1, id: nobody }),
            Cancel: (call, done) => done(null, { result: 2 }),
            Execute: (call) => call.end(),
        });
        const port = await new Promise((done, fail) => {
            server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (e, p) => (e ? fail(e) : done(p)));
        });
        at = `127.0.0.1:${port}`;
    });
    after(() => server.forceShutdown());

    test('a proof: exit code 0, its file, its JSON', async () => {
        const pub = { new_state_root: Buffer.alloc(32, 1), new_acc_input_hash: Buffer.alloc(32, 2), new_local_exit_root: Buffer.alloc(32), new_batch_num: 7 };
        answers = [{ result: 4, result_string: 'running: final, 12 %' }, { result: 1, proof, public: pub }];
        const file = join(folder, 'proof.json');
        const expected = {
            pi_a: ['1', '2', '1'], pi_b: [['3', '4'], ['5', '6'], ['1', '0']], pi_c: ['7', '8', '1'], protocol: 'groth16', curve: 'bn128',
        };
        const r = await run(at, 'prove', transfer, '--out', file);
        assert.equal(r.code, 0, r.err);
        assert.match(r.out, new RegExp(`^${nobody}\njob +${nobody}\nstate +proved\nproof +${file}\n$`));
        assert.deepEqual(JSON.parse(readFileSync(file)), expected);
        const o = JSON.parse((await run(at, 'get', nobody, '--json')).out);
        assert.deepEqual(o.proof, expected);
        assert.deepEqual([o.state, o.public.newNumBatch, o.public.newStateRoot], ['proved', 7, `0x${'01'.repeat(32)}`]);
        const none = await run(at, 'get', nobody, '--out', join(folder, 'no/such/folder'));
        assert.equal(none.code, 1);
        assert.match(none.err, /no\/such\/folder: cannot be written/);
    });

    test('nonsense from the network', async () => {
        answers = [{ result: 1, proof: { ...proof, proof_a: ['1', 'x'] } }];
        const file = join(folder, 'bad.json');
        const bad = await run(at, 'get', nobody, '--out', file);
        assert.equal(bad.code, 1);
        assert.match(bad.err, /has not the shape/);
        assert.ok(!existsSync(file));
        answers = [{ result: 1 }];
        assert.equal((await run(at, 'get', nobody)).code, 1);
        answers = [{ result: 99, result_string: 'a\x1b[2J\nb\x07' }];
        const odd = await run(at, 'get', nobody);
        assert.equal(odd.code, 1);
        assert.match(odd.out, /reason +a {1}\[2J b /);
        assert.doesNotMatch((await run(at, 'status')).out, /\x1b/);
        assert.equal((await run(at, 'execute', transfer)).code, 1);
        assert.match((await run(at, 'cancel', nobody)).err, /no such job, or it has ended/);
    });

    test('PENDING answers that come at once are not asked for in a tight loop', async () => {
        let asked = 0;
        answers = [{ get result() { asked++; return 4; }, result_string: 'pending' }];
        const r = await run(at, 'get', nobody, '--timeout', '2');
        assert.equal(r.code, 1);
        assert.ok(asked >= 2 && asked <= 8, `asked ${asked} times`);
    });
});
