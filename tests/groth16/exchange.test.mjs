// Proofs, keys and files exchanged with snarkjs: each side proves, the other verifies; then files that are damaged.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as snarkjs from 'snarkjs';

const here = dirname(fileURLToPath(import.meta.url));
const program = process.env.ZKPROVER_PROGRAM;
const folder = mkdtempSync(join(tmpdir(), 'groth16-'));
const at = (name) => join(folder, name);
const json = (name) => JSON.parse(readFileSync(at(name), 'utf8'));

function zkprover(...args) {
    return spawnSync(program, ['groth16', ...args], { encoding: 'utf8', timeout: 60000 });
}

before(async () => {
    assert.ok(program, 'ZKPROVER_PROGRAM names the command');
    execFileSync(process.execPath, [join(here, 'node_modules/circom2/cli.js'), join(here, 'circuit.circom'), '--r1cs',
        '--wasm', '-o', folder], { cwd: folder, stdio: 'pipe' });
    const curve = await snarkjs.curves.getCurveFromName('bn128');
    await snarkjs.powersOfTau.newAccumulator(curve, 8, at('0.ptau'));
    await snarkjs.powersOfTau.contribute(at('0.ptau'), at('1.ptau'), 'test', 'entropy of a test');
    await snarkjs.powersOfTau.preparePhase2(at('1.ptau'), at('final.ptau'));
    await snarkjs.zKey.newZKey(at('circuit.r1cs'), at('final.ptau'), at('0.zkey'));
    await snarkjs.zKey.contribute(at('0.zkey'), at('key.zkey'), 'test', 'entropy of a test');
    writeFileSync(at('vk.json'), JSON.stringify(await snarkjs.zKey.exportVerificationKey(at('key.zkey'))));
    await snarkjs.wtns.calculate({ a: 77, b: 5 }, at('circuit_js/circuit.wasm'), at('w.wtns'));
});

after(async () => {
    rmSync(folder, { recursive: true });
    for (const name of ['curve_bn128', 'curve_bls12381']) await globalThis[name]?.terminate(); // snarkjs' threads
});

test('snarkjs accepts our proof, and our verifying key', async () => {
    const made = zkprover('prove', at('key.zkey'), at('w.wtns'), at('proof.json'), at('public.json'));
    assert.equal(made.status, 0, made.stderr);
    assert.match(made.stdout, /verified/);
    assert.ok(await snarkjs.groth16.verify(json('vk.json'), json('public.json'), json('proof.json')));
    assert.equal(json('public.json')[1], '385'); // outputs first, then the public input: last, 77 * 5, 5
    assert.equal(json('public.json').length, 3);
    assert.equal(zkprover('export-vk', at('key.zkey'), at('ours.json')).status, 0);
    const theirs = json('vk.json');
    delete theirs.vk_alphabeta_12; // derived from the others
    assert.deepEqual(json('ours.json'), theirs);
    assert.ok(await snarkjs.groth16.verify(json('ours.json'), json('public.json'), json('proof.json')));
});

test('two proofs of one witness differ, and both hold', async () => {
    for (const name of ['one.json', 'two.json'])
        assert.equal(zkprover('prove', at('key.zkey'), at('w.wtns'), at(name), at('public.json')).status, 0);
    assert.notDeepEqual(json('one.json'), json('two.json'));
    for (const name of ['one.json', 'two.json']) assert.ok(await snarkjs.groth16.verify(json('vk.json'), json('public.json'), json(name)));
});

test('we accept a proof of snarkjs, and no changed one', async () => {
    const { proof, publicSignals } = await snarkjs.groth16.prove(at('key.zkey'), at('w.wtns'));
    const check = (p, s, k = json('vk.json')) => {
        writeFileSync(at('p.json'), JSON.stringify(p));
        writeFileSync(at('s.json'), JSON.stringify(s));
        writeFileSync(at('k.json'), JSON.stringify(k));
        return zkprover('verify', at('k.json'), at('s.json'), at('p.json'));
    };
    const held = check(proof, publicSignals);
    assert.equal(held.status, 0, held.stderr);
    assert.match(held.stdout, /holds/);
    const { curve: _, ...unnamed } = proof; // as rapidsnark writes it
    assert.equal(check(unnamed, publicSignals).status, 0);
    const r = 21888242871839275222246405745257275088548364400416034343698204186575808495617n;
    const changed = [
        [{ ...proof, pi_a: proof.pi_c }, publicSignals, /does not hold/],
        [{ ...proof, pi_c: proof.pi_a }, publicSignals, /does not hold/],
        [proof, ['1', ...publicSignals.slice(1)], /does not hold/],
        [proof, [publicSignals[0], (BigInt(publicSignals[1]) + r).toString(), publicSignals[2]], /not below r/], // the same value mod r
        [proof, publicSignals.slice(1), /2 values, the key is for 3/],
        [{ ...proof, pi_a: ['1', '3', '1'] }, publicSignals, /pi_a: no point/],
        [{ ...proof, pi_a: ['0', '0', '1'] }, publicSignals, /pi_a: no point/],
        [{ ...proof, pi_a: ['0', '1', '0'] }, publicSignals, /does not hold/], // infinity
        [{ ...proof, pi_a: ['01', '2', '1'] }, publicSignals, /pi_a: expected a decimal/],
        [{ ...proof, pi_a: [1, 2, 1] }, publicSignals, /pi_a: expected a decimal/],
        [{ ...proof, pi_b: [proof.pi_b[1], proof.pi_b[0], proof.pi_b[2]] }, publicSignals, /pi_b: no point/],
        [{ ...proof, pi_b: proof.pi_b.map(([x, y]) => [y, x]) }, publicSignals, /pi_b/], // Solidity's order
        [{ ...proof, curve: 'bls12381' }, publicSignals, /curve/],
        [{ ...proof, protocol: 'plonk' }, publicSignals, /protocol/],
        [[], publicSignals, /expected an object/],
        [proof, {}, /expected a list/],
    ];
    for (const [p, s, text] of changed) {
        const refused = check(p, s);
        assert.equal(refused.status, 1, `${text}: ${refused.stdout}`);
        assert.match(refused.stderr, text);
    }
});

test('a witness that does not fit is refused, and no file is written', () => {
    const bytes = readFileSync(at('w.wtns'));
    bytes[bytes.length - 32] ^= 1; // the last wire
    writeFileSync(at('other.wtns'), bytes);
    const refused = zkprover('prove', at('key.zkey'), at('other.wtns'), at('never.json'), at('never2.json'));
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /does not satisfy/);
    assert.throws(() => readFileSync(at('never.json')));
});

test('damaged keys and witnesses are errors that name file, section and offset', () => {
    const damage = (source, name, change) => {
        const bytes = change(Buffer.from(readFileSync(at(source))));
        writeFileSync(at(name), bytes);
        return name.endsWith('.zkey')
            ? zkprover('prove', at(name), at('w.wtns'), at('x.json'), at('y.json'))
            : zkprover('prove', at('key.zkey'), at(name), at('x.json'), at('y.json'));
    };
    const cut = (n) => (b) => b.subarray(0, n);
    const set = (offset, value) => (b) => { b.writeUInt32LE(value, offset); return b; };
    const section = (type) => { // offset of a section's contents in the key
        const b = readFileSync(at('key.zkey'));
        for (let i = 12; ; i += 12 + Number(b.readBigUInt64LE(i + 4))) if (b.readUInt32LE(i) === type) return i + 12;
    };
    const size = readFileSync(at('key.zkey')).length;
    for (const [source, change, text] of [
        ['key.zkey', cut(0), /offset 0/],
        ['key.zkey', cut(11), /offset 11/],
        ['key.zkey', cut(size - 1), /section 10, offset \d+: .*announced/],
        ['key.zkey', cut(section(8)), /section 8, offset \d+: \d+ bytes are announced, 0 are left/],
        ['key.zkey', (b) => Buffer.concat([b, Buffer.from([0])]), /1 bytes before the file does/],
        ['key.zkey', set(0, 0x11111111), /expected a file that begins with 'zkey'/],
        ['key.zkey', set(4, 2), /version 2/],
        ['key.zkey', set(8, 1000), /1000 sections/],
        ['key.zkey', set(section(1), 2), /protocol 2/],
        ['key.zkey', set(section(2), 48), /prime q has 48 bytes/],
        ['key.zkey', set(section(2) + 4, 1), /prime q is not BN254/],
        ['key.zkey', set(section(2) + 72, 5), /section \d/], // number of wires
        ['key.zkey', set(section(2) + 80, 3), /domain of 3/],
        ['key.zkey', set(section(2) + 84, 1), /alpha is no point/],
        ['key.zkey', set(section(3), 1), /section 3, offset \d+: a point is no point/],
        ['key.zkey', set(section(4), 1), /section 4, .*expected 48 bytes/],
        ['key.zkey', set(section(4) + 4, 2), /coefficient 0 is of matrix 2/],
        ['key.zkey', set(section(4) + 8, 1 << 20), /coefficient 0 is of row 1048576/],
        ['key.zkey', set(section(4) + 12, 1 << 20), /coefficient 0 is of wire 1048576/],
        ['key.zkey', set(section(4) + 44, 0xffffffff), /coefficient 0 is not below r/],
        ['key.zkey', set(section(9) + 64, 7), /section H: .*point 1/],
        ['w.wtns', cut(40), /offset/],
        ['w.wtns', (b) => { b.writeUInt32LE(b.readUInt32LE(60) - 1, 60); return b; }, /section 2/],
        ['w.wtns', (b) => { b.fill(255, b.length - 32); return b; }, /wire \d+ is not below r/],
        ['w.wtns', (b) => { b[76] = 2; return b; }, /wire 0 is not 1/],
    ]) {
        const refused = damage(source, `bad.${source.split('.')[1]}`, change);
        assert.equal(refused.status === 1 || refused.status === 4, true, `${text}: ${refused.status} ${refused.stdout}${refused.stderr}`);
        assert.match(refused.stderr, text);
        assert.match(refused.stderr, /bad\./);
    }
});

test('every word of a key may be anything: an answer, no crash', () => {
    const good = readFileSync(at('key.zkey'));
    for (let i = 0; i < 60; i++) {
        const bytes = Buffer.from(good);
        const offset = Math.floor((bytes.length - 4) * ((i * 0.6180339887) % 1));
        bytes.writeUInt32LE((bytes.readUInt32LE(offset) ^ (1 << (i % 32))) >>> 0, offset);
        writeFileSync(at('any.zkey'), bytes);
        const r = zkprover('prove', at('any.zkey'), at('w.wtns'), at('x.json'), at('y.json'));
        assert.equal(r.signal, null);
        assert.ok([0, 1, 4, 5].includes(r.status), `offset ${offset}: ${r.status}`);
        // 0: section 10, the contributions, is not looked at
        if (r.status !== 0) assert.match(r.stderr, /any\.zkey/);
    }
});
