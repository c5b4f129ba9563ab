import { test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync, rmSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { run, startServer, connect, status, tempFolder } from './helpers.mjs';

test('usage, configuration and device errors have their exit codes and say what to do', async () => {
    const cases = [
        [['--no-such-flag'], 2, /--no-such-flag/],
        [['--listen'], 2, /value is missing/],
        [['--fork-id', '7'], 3, /expected 4 to 6/],
        [['--listen', '0.0.0.0:0'], 3, /allow_insecure_remote/],
        [['--config', '/nonexistent.json'], 3, /nonexistent/],
        [['--listen', '127.0.0.1:0', '--device', 'xrt:0'], 4, /device.*xrt:0/],
        [['--listen', '127.0.0.1:0', '--isa', 'mmx'], 4, /portable/],
    ];
    for (const [args, code, text] of cases) {
        const r = await run(args);
        assert.equal(r.code, code, `${args.join(' ')}: ${r.stderr}`);
        assert.match(r.stderr, text);
    }
});

test('--help, --version, --check and --print-config', async () => {
    const help = await run(['--help']);
    assert.equal(help.code, 0);
    for (const word of ['--listen', 'ZKPROVER_GRPC_MAX_CALLS', 'state.persist.execute', 'Exit codes'])
        assert.ok(help.stdout.includes(word), word);
    assert.match((await run(['--version'])).stdout, /^zkproverd \d+\.\d+\.\d+ /);
    const ok = await run(['--check']);
    assert.equal(ok.code, 0, ok.stdout);
    const folder = tempFolder();
    try {
        const file = join(folder, 'c.json');
        writeFileSync(file, '{"grpc": {"threads": 0, "thread": 1}, "log_level": "loud", "x": 1}');
        const bad = await run(['--check', '--config', file]);
        assert.equal(bad.code, 3);
        assert.equal(bad.stdout.match(/^problem: /gm).length, 4, bad.stdout);
        for (const word of ['grpc.threads', 'grpc.thread:', 'log_level', ': x:']) assert.ok(bad.stdout.includes(word), word);
        const machine = await run(['--check', '--device', 'xrt:0', '--isa', 'mmx']);
        assert.equal(machine.code, 4);
        assert.equal(machine.stdout.match(/^problem: /gm).length, 2, machine.stdout);
        // file < environment < flags, and what is printed can be read again
        writeFileSync(file, '{"fork_id": 4, "workers": 3, "grpc": {"threads": 3}}');
        const printed = await run(['--config', file, '--workers', '5', '--print-config'],
            { env: { ZKPROVER_WORKERS: '4', ZKPROVER_GRPC_THREADS: '7' } });
        const c = JSON.parse(printed.stdout);
        assert.deepEqual([c.fork_id, c.workers, c.grpc.threads], [4, 5, 7]);
        writeFileSync(file, printed.stdout);
        assert.deepEqual(JSON.parse((await run(['--config', file, '--print-config'])).stdout), c);
    } finally {
        rmSync(folder, { recursive: true });
    }
});

test('a taken port is a clear failure', async () => {
    const server = await startServer();
    const folder = tempFolder();
    const second = await run(['--listen', server.address(), '--data-dir', folder]);
    rmSync(folder, { recursive: true });
    assert.equal(second.code, 1);
    assert.match(second.stderr, /cannot listen on 127\.0\.0\.1/);
    assert.equal((await server.stop()).code, 0, server.raw);
});

test('the start lines say version, vector unit, fork and address', async () => {
    const server = await startServer(['--isa', 'portable', '--fork-id', '5'], { wrapper: ['prlimit', '--nofile=512:4096'] });
    const [starting] = server.events('starting');
    assert.equal(starting.isa, 'portable');
    assert.equal(starting.fork_id, 5);
    assert.ok(starting.version);
    const limits = readFileSync(`/proc/${server.child.pid}/limits`, 'utf8');
    const [, soft, hard] = /Max open files\s+(\d+)\s+(\d+)/.exec(limits);
    assert.equal(starting.open_files, Number(soft));
    assert.equal(Number(soft), Math.min(Number(hard), 1048576), 'the server takes what it may');
    assert.equal(server.events('serving')[0].listen, server.address());
    assert.equal((await server.stop()).code, 0);
});

test('a data directory that cannot be used is fatal; a node store that cannot, only if state is to be persisted', async () => {
    const folder = tempFolder();
    const blocked = join(folder, 'file');
    writeFileSync(blocked, 'not a directory');
    mkdirSync(join(folder, 'bad'));
    writeFileSync(join(folder, 'bad/state'), 'not a store');
    const nothing = { env: { ZKPROVER_STATE_PERSIST_GEN_PROOF: 'false' } };
    try {
        for (const env of [{}, nothing.env]) {
            const r = await run(['--listen', '127.0.0.1:0', '--data-dir', join(blocked, 'sub')], { env });
            assert.equal(r.code, 4);
            assert.match(r.stderr, /data_dir: cannot create/);
            const check = await run(['--check', '--data-dir', join(blocked, 'sub')], { env });
            assert.equal(check.code, 4);
            assert.match(check.stdout, /problem: data_dir: needed for the job store/);
        }
        for (const name of ['GEN_PROOF', 'EXECUTE']) {
            const r = await run(['--listen', '127.0.0.1:0', '--data-dir', join(folder, 'bad')],
                { env: { ...nothing.env, [`ZKPROVER_STATE_PERSIST_${name}`]: 'true' } });
            assert.equal(r.code, 4);
            assert.match(r.stderr, new RegExp(`state\\.persist\\.${name.toLowerCase()} is on`));
        }
        const server = await startServer([], { ...nothing, dataDir: join(folder, 'bad') });
        assert.equal(server.events('store_unusable').length, 1);
        const client = connect(server);
        assert.equal((await status(client)).state, 'STATUS_PROVER_IDLE');
        client.close();
        assert.equal((await server.stop()).code, 0);
        const absent = await startServer([], nothing);
        assert.equal(absent.events('store_absent').length, 1);
        assert.equal((await absent.stop()).code, 0);
    } finally {
        rmSync(folder, { recursive: true });
    }
});

test('IPv6 loopback', async (t) => {
    if (!Object.values(networkInterfaces()).flat().some((i) => i.address === '::1'))
        return t.skip('this machine has no IPv6 loopback');
    const server = await startServer(['--listen', '[::1]:0']);
    const client = connect({ address: () => `[::1]:${server.port}` });
    assert.equal((await status(client)).state, 'STATUS_PROVER_IDLE');
    client.close();
    assert.equal((await server.stop()).code, 0);
});
