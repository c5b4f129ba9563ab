// The server with a card, which is the emulated one: chosen by name only, explained when it cannot be had, and never a danger
// to the server.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { binFolder, connect, execute, quickRequest, run, startServer, status, until } from './helpers.mjs';

const emulated = join(binFolder, '../emulated');
// the emulated card needs XRT and no sanitizer (driver/cardmodel)
const skip = existsSync(join(emulated, 'manifest.json')) ? false : 'this build has no emulated card';
const env = { ZKP_CARD: join(emulated, 'zkp-card'), ZKP_BITSTREAMS: emulated };
const card = (name = 'emulated') => ['--device', `xrt:0/${name}`];

/** The processes below a process, as [pid, name]. */
function children(pid) {
    const all = readdirSync('/proc').filter((p) => /^\d+$/.test(p)).flatMap((p) => {
        try {
            const text = readFileSync(`/proc/${p}/stat`, 'utf8'), end = text.lastIndexOf(')');
            const [state, parent] = text.slice(end + 2).split(' ');
            return [{ pid: Number(p), name: text.slice(text.indexOf('(') + 1, end), state, parent: Number(parent) }];
        } catch { return []; } // gone meanwhile
    });
    const below = (of) => all.filter((p) => p.parent === of).flatMap((p) => [p, ...below(p.pid)]);
    return below(pid);
}

test('a card by name: opened, executes, survives its card\'s end', { skip }, async () => {
    const server = await startServer(card(), { env });
    const client = connect(server);
    const said = server.events('device');
    assert.ok(said.some((e) => e.what === 'found' && e.name === 'cpu' && e.usable));
    assert.equal(said.at(-1).what, 'chosen');
    assert.equal(said.at(-1).name, 'xrt:0/emulated');
    assert.equal(said.at(-1).why, 'configured');
    for (let i = 0; i < 3; i++) {
        const before = children(server.child.pid);
        // the model is a child of the card's process; without the latter it ends by itself
        for (const p of before.filter((c) => c.parent === server.child.pid)) process.kill(p.pid, 'SIGKILL');
        const { responses, code } = await execute(client, [quickRequest()]);
        assert.equal(code, 0);
        assert.equal(responses[0].result, 'RESULT_EXECUTE_COMPLETED_OK');
        assert.equal((await status(client)).state, 'STATUS_PROVER_IDLE');
        await sleep(200);
    }
    client.close();
    const end = await server.stop();
    assert.equal(end.code, 0, server.raw);
    const left = () => children(process.pid).filter((p) => /card|model/.test(p.name));
    await until(() => left().length === 0);
    assert.deepEqual(left(), []);
});

test('auto never takes an emulated card', { skip }, async () => {
    const server = await startServer([], { env });
    const said = server.events('device').at(-1);
    assert.equal(said.what, 'chosen');
    assert.equal(said.name, 'cpu');
    assert.match(said.why, /best/);
    assert.equal((await server.stop()).code, 0, server.raw);
});

test('a card that cannot be used ends the start with exit code 4 and the reason', { skip }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'cards-'));
    try {
        const start = (device, more) => run(['--listen', '127.0.0.1:0', '--data-dir', folder, '--device', device],
            { env: { ...env, ...more }, timeout: 60000 });
        for (const [device, more, text] of [
            ['xrt:7', {}, /xrt:7/],
            ['xrt:0/nothing', {}, /nothing/],
            ['xrt:0/faulty_gl_lde', {}, /gl_lde/],
            ['xrt:0/broken_hash', {}, /SHA-256/i],
            ['xrt:0/broken_uuid', {}, /UUID/i],
            ['xrt:0/emulated', { ZKP_BITSTREAMS: folder }, /manifest\.json/],
            ['xrt:0/emulated', { ZKP_CARD: join(folder, 'absent') }, /absent/],
        ]) {
            const r = await start(device, more);
            assert.equal(r.code, 4, `${device}: ${r.stderr}`);
            const failed = r.stderr.trim().split('\n').map((l) => JSON.parse(l)).find((e) => e.event === 'start_failed');
            assert.match(failed.reason, text);
        }
    } finally {
        rmSync(folder, { recursive: true });
    }
});

test('zkprover devices lists the card and tries it', { skip }, () => {
    const zkprover = (...args) => spawnSync(join(binFolder, 'zkprover'), args,
        { encoding: 'utf8', env: { ...process.env, ...env }, timeout: 60000 });
    const list = zkprover('devices', '--json');
    assert.equal(list.status, 0, list.stderr);
    const found = list.stdout.trim().split('\n').map((l) => JSON.parse(l));
    const one = found.find((d) => d.name === 'xrt:0');
    assert.ok(one?.usable, list.stdout);
    assert.equal(one.auto, false);
    assert.equal(found.find((d) => d.name === 'cpu').auto, true);
    const tried = zkprover('devices', 'xrt:0/emulated');
    assert.equal(tried.status, 0, tried.stderr);
    assert.match(tried.stdout, /opened, and closed again/);
    const faulty = zkprover('devices', 'xrt:0/faulty_bn_msm_g1');
    assert.equal(faulty.status, 4);
    assert.match(faulty.stderr, /bn_msm_g1/);
});

test('a small work of bench runs on the card', { skip }, () => {
    const r = spawnSync(join(binFolder, 'zkprover'), ['bench', 'gl_ntt', '--device', 'xrt:0/emulated', '--log-n', '8', '--columns', '8',
        '--reps', '1', '--json'], { encoding: 'utf8', env: { ...process.env, ...env }, timeout: 120000 });
    assert.equal(r.status, 0, r.stderr);
    const lines = r.stdout.trim().split('\n').map((l) => JSON.parse(l));
    assert.equal(lines.find((l) => l.name === 'gl_ntt').device, 'xrt:0/emulated');
});
