// Circuits' files exchanged with snarkjs and circom: theirs read by us, ours read by them; then files that are damaged.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import * as snarkjs from 'snarkjs';
import { at, bytes, circom, clean, folder, json, ok, sections, writeJson, zkprover } from './common.mjs';

const made = process.env.ZKPROVER_CIRCUITS;
const skip = made ? false : 'ZKPROVER_CIRCUITS names the program that writes our circuits (ctest sets it)';
const R = 21888242871839275222246405745257275088548364400416034343698204186575808495617n;
const lines = [];
const logger = Object.fromEntries(['info', 'warn', 'error', 'debug'].map((level) => [level, (text) => lines.push(text)]));
let counts;

const r1cs = (...args) => spawnSync(process.env.ZKPROVER_PROGRAM, ['r1cs', ...args], { encoding: 'utf8', timeout: 120000 });

/** The place of wire i's value in a witness. */
const valueAt = (b, i) => sections(b).find((s) => s.type === 2).start + 32 * i;

before(async () => {
    if (skip) return;
    counts = execFileSync(made, [folder], { encoding: 'utf8' }).split(' ').map(Number);
    circom('circuit');
    await snarkjs.wtns.calculate({ a: 77, b: 5 }, at('circuit_js/circuit.wasm'), at('circuit.wtns'));
});

after(clean);

test('snarkjs reads our circuit, and accepts its witness', { skip }, async () => {
    const info = await snarkjs.r1cs.info(at('poseidon.r1cs'));
    assert.equal(info.nVars, counts[0]);
    assert.equal(info.nConstraints, counts[1]);
    assert.equal(info.nOutputs, 1);
    assert.equal(info.nPubInputs, 1);
    assert.equal(info.prime, R);
    assert.ok(await snarkjs.wtns.check(at('poseidon.r1cs'), at('poseidon.wtns'), logger), lines.join('\n'));
    const b = bytes('poseidon.wtns');
    const value = (i) => BigInt('0x' + Buffer.from(b.subarray(valueAt(b, i), valueAt(b, i) + 32)).reverse().toString('hex'));
    assert.equal(value(1), 7853200120776062878684798364095072458815029376092732009249414926327459813530n); // circomlib's Poseidon([1, 2])
    assert.equal(value(2), 2n);
    const ours = r1cs('info', '--json', at('poseidon.r1cs'));
    assert.equal(ours.status, 0, ours.stderr);
    assert.equal(JSON.parse(ours.stdout).constraints, info.nConstraints);
});

test('snarkjs and we refuse a witness with one value changed', { skip }, async () => {
    const wires = counts[0];
    for (const wire of [1, 2, 3, 4, 67, 200, Math.floor(wires / 2), wires - 1]) {
        const b = bytes('poseidon.wtns');
        b[valueAt(b, wire)] ^= 1;
        writeFileSync(at('changed.wtns'), b);
        assert.equal(await snarkjs.wtns.check(at('poseidon.r1cs'), at('changed.wtns'), logger), false, `wire ${wire}`);
        const refused = r1cs('check', at('poseidon.r1cs'), at('changed.wtns'));
        assert.equal(refused.status, 1);
        assert.match(refused.stderr, /poseidon\.r1cs: constraint \d+ \((preimage|hash|product)\) does not hold/);
    }
});

test('a proof of our circuit: our key, our proof, snarkjs verifies', { skip }, async () => {
    ok('setup', at('poseidon.r1cs'), at('poseidon.zkey'));
    ok('prove', at('poseidon.zkey'), at('poseidon.wtns'), at('proof.json'), at('public.json'));
    ok('export-vk', at('poseidon.zkey'), at('vk.json'));
    assert.ok(await snarkjs.groth16.verify(json('vk.json'), json('public.json'), json('proof.json')));
    writeJson('other.json', [json('public.json')[0], '3']);
    assert.equal(await snarkjs.groth16.verify(json('vk.json'), json('other.json'), json('proof.json')), false);
    assert.equal(zkprover('verify', at('vk.json'), at('other.json'), at('proof.json')).status, 1);
});

test("we read circom's circuit, and accept its witness", { skip }, async () => {
    const theirs = await snarkjs.r1cs.info(at('circuit.r1cs'));
    const info = r1cs('info', '--json', at('circuit.r1cs'));
    assert.equal(info.status, 0, info.stderr);
    const ours = JSON.parse(info.stdout);
    assert.equal(ours.constraints, theirs.nConstraints);
    assert.equal(ours.wires, theirs.nVars);
    assert.equal(ours.publicOutputs, theirs.nOutputs);
    assert.equal(ours.publicInputs, theirs.nPubInputs);
    assert.equal(ours.privateInputs, theirs.nPrvInputs);
    const held = r1cs('check', at('circuit.r1cs'), at('circuit.wtns'));
    assert.equal(held.status, 0, held.stderr);
    const b = bytes('circuit.wtns');
    b[valueAt(b, ours.wires - 1)] ^= 1;
    writeFileSync(at('changed.wtns'), b);
    assert.match(r1cs('check', at('circuit.r1cs'), at('changed.wtns')).stderr, /circuit\.r1cs: constraint \d+ does not hold/);
    assert.match(r1cs('check', at('circuit.r1cs'), at('poseidon.wtns')).stderr, /do not belong together/);
});

test('damaged circuits are errors that name file, section and offset', { skip }, () => {
    const good = bytes('circuit.r1cs');
    const start = (type) => sections(good).find((s) => s.type === type).start;
    const set = (offset, value) => (b) => { b.writeUInt32LE(value, offset); return b; };
    for (const [change, text] of [
        [(b) => b.subarray(0, 11), /offset 11/],
        [(b) => b.subarray(0, good.length - 1), /section 3, offset \d+: .*announced/],
        [(b) => Buffer.concat([b, Buffer.from([0])]), /1 bytes before the file does/],
        [set(4, 2), /version 2/],
        [set(start(1), 31), /section 1, offset \d+: the prime r has 31 bytes/],
        [set(start(1) + 4, 1), /section 1, offset \d+: the prime r is not BN254/],
        [set(start(1) + 36, 1), /section 1, offset \d+: 1 wires/],
        [set(start(1) + 60, 1 << 20), /section 2, offset \d+: 1048576 constraints take at least/],
        [set(start(2), 1 << 30), /section 2, offset \d+: constraint 0: A has 1073741824 terms/],
        [set(start(2) + 4, 1 << 30), /section 2, offset \d+: constraint 0: A has wire 1073741824/],
        [set(start(2) + 36, 0xffffffff), /section 2, offset \d+: constraint 0: a factor of A is not below r/],
        [set(start(3) + 12, 1 << 30), /section 3, offset \d+: wire 1 has label/],
    ]) {
        writeFileSync(at('bad.r1cs'), change(Buffer.from(good)));
        const refused = r1cs('info', at('bad.r1cs'));
        assert.ok([1, 4].includes(refused.status), `${text}: ${refused.status} ${refused.stdout}`);
        assert.match(refused.stderr, text);
        assert.match(refused.stderr, /bad\.r1cs: /);
    }
    for (let i = 0; i < 40; i++) { // every word may be anything
        const b = Buffer.from(good);
        const offset = Math.floor((b.length - 4) * ((i * 0.6180339887) % 1));
        b.writeUInt32LE((b.readUInt32LE(offset) ^ (1 << (i % 32))) >>> 0, offset);
        writeFileSync(at('any.r1cs'), b);
        const r = r1cs('check', at('any.r1cs'), at('circuit.wtns'));
        assert.equal(r.signal, null);
        assert.ok([0, 1, 4].includes(r.status), `offset ${offset}: ${r.status}`);
        if (r.status !== 0) assert.match(r.stderr, /any\.r1cs/);
    }
});
