// From a STARK to snarkjs: the demonstration AIR proved with Poseidon-BN254, the circuit that verifies such proofs, a key of a
// development setup, a Groth16 proof. One query at level test, which proves nothing about the trace: it is the way that is
// tried here. scripts/wrap-full.sh does the same with the parameters of level p100.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as snarkjs from 'snarkjs';
import { at, bytes, clean, json, ok, writeJson, zkprover } from './common.mjs';

const p = 2n ** 64n - 2n ** 32n + 1n;
const quiet = { debug() {}, info() {}, warn() {}, error() {} };
let made;

function wrap(r1cs, wtns) {
    const done = spawnSync(process.env.ZKPROVER_PROGRAM, ['wrap', '--level', 'test', '--rows', '6', '--blowup', '1',
        '--queries', '1', '--json', at(r1cs), at(wtns)], { encoding: 'utf8', timeout: 120000 });
    assert.equal(done.status, 0, done.stderr);
    assert.match(done.stderr, /proves nothing/);
    return JSON.parse(done.stdout);
}

before(() => {
    made = wrap('wrap.r1cs', 'wrap.wtns');
    ok('setup', at('wrap.r1cs'), at('wrap.zkey'));
    ok('export-vk', at('wrap.zkey'), at('vk.json'));
    ok('prove', at('wrap.zkey'), at('wrap.wtns'), at('proof.json'), at('public.json'));
});

after(clean);

test('snarkjs reads the circuit, and the witness satisfies it', async () => {
    const r1cs = await snarkjs.r1cs.info(at('wrap.r1cs'));
    assert.equal(r1cs.nConstraints, made.constraints);
    assert.equal(r1cs.nVars, made.wires);
    assert.equal(r1cs.nPubInputs, 12);
    assert.equal(r1cs.nOutputs, 0);
    assert.ok(await snarkjs.wtns.check(at('wrap.r1cs'), at('wrap.wtns'), quiet));
});

test('the same key gives the same circuit', () => {
    wrap('again.r1cs', 'again.wtns');
    assert.ok(bytes('wrap.r1cs').equals(bytes('again.r1cs')));
});

test('snarkjs and we accept the proof, for these public values alone', async () => {
    const vk = json('vk.json'), proof = json('proof.json'), publics = json('public.json');
    assert.deepEqual(publics.slice(0, 3), ['3', '5', '57']); // the first two numbers, and the steps
    assert.equal(publics.length, 12);
    assert.ok(await snarkjs.groth16.verify(vk, publics, proof));
    ok('verify', at('vk.json'), at('public.json'), at('proof.json'));
    for (const change of [(x) => x + 1n, (x) => x + p]) // another value, and the other form of the same residue
        for (const i of [0, 3, 11]) {
            const other = publics.map((x, k) => (k === i ? change(BigInt(x)).toString() : x));
            assert.equal(await snarkjs.groth16.verify(vk, other, proof), false);
            writeJson('other.json', other);
            const refused = zkprover('verify', at('vk.json'), at('other.json'), at('proof.json'));
            assert.equal(refused.status, 1);
            assert.match(refused.stderr, /does not hold/);
        }
});
