// Keys that we make: snarkjs proves and verifies with them, and takes the initial keys of phase 2 as its own.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import * as snarkjs from 'snarkjs';
import { at, bytes, circom, clean, json, ok, sections, zkprover } from './common.mjs';

before(async () => {
    circom('circuit');
    await snarkjs.wtns.calculate({ a: 77, b: 5 }, at('circuit_js/circuit.wasm'), at('w.wtns'));
});

after(clean);

test('a development key: snarkjs proves and verifies with it, and so do we', async () => {
    const made = ok('setup', at('circuit.r1cs'), at('dev.zkey'));
    assert.match(made.stderr, /warning: .*dev\.zkey .*insecure/);
    assert.match(made.stdout, /110 constraints, 112 wires, 3 public, domain 2\^7/);
    ok('export-vk', at('dev.zkey'), at('vk.json'));
    const theirs = await snarkjs.zKey.exportVerificationKey(at('dev.zkey'));
    delete theirs.vk_alphabeta_12; // derived from the others
    assert.deepEqual(json('vk.json'), theirs);
    const { proof, publicSignals } = await snarkjs.groth16.prove(at('dev.zkey'), at('w.wtns'));
    assert.ok(await snarkjs.groth16.verify(json('vk.json'), publicSignals, proof));
    writeFileSync(at('proof.json'), JSON.stringify(proof));
    writeFileSync(at('public.json'), JSON.stringify(publicSignals));
    ok('verify', at('vk.json'), at('public.json'), at('proof.json'));
    const ours = ok('prove', at('dev.zkey'), at('w.wtns'), at('p.json'), at('s.json'));
    assert.match(ours.stderr, /warning: .*dev\.zkey .*insecure/);
    assert.ok(await snarkjs.groth16.verify(json('vk.json'), json('s.json'), json('p.json')));
});

test('two development keys of one circuit have nothing in common but its shape', () => {
    ok('setup', at('circuit.r1cs'), at('one.zkey'), '--threads', '1');
    ok('setup', at('circuit.r1cs'), at('two.zkey'), '--threads', '2');
    const [one, two] = [bytes('one.zkey'), bytes('two.zkey')];
    assert.deepEqual(sections(one), sections(two));
    for (const { type, start, size } of sections(one)) {
        const same = one.subarray(start, start + size).equals(two.subarray(start, start + size));
        if (type !== 0x5a4b5001) assert.equal(same, [1, 4, 10].includes(type), `section ${type}`); // that one has a date
    }
    ok('export-vk', at('two.zkey'), at('other.json'));
    ok('prove', at('one.zkey'), at('w.wtns'), at('p.json'), at('s.json'));
    assert.match(zkprover('verify', at('other.json'), at('s.json'), at('p.json')).stderr, /does not hold/);
});

test('the mark of a development key: a warning in every run, in the metadata, refused in production', () => {
    const files = [at('dev.zkey'), at('w.wtns'), at('p.json'), at('s.json')];
    for (let i = 0; i < 2; i++) assert.match(ok('prove', ...files).stderr, /warning: .*development setup/);
    assert.equal(JSON.parse(ok('prove', '--json', ...files).stdout).setup, 'dev-insecure');
    const refused = zkprover('prove', '--production', at('dev.zkey'), at('w.wtns'), at('never.json'), at('never2.json'));
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /dev\.zkey: the key is of a development setup \(setup=dev-insecure\)/);
    assert.ok(!existsSync(at('never.json')));
});

test('circuits that are damaged, too large or not there: an error, and no key', () => {
    const good = readFileSync(at('circuit.r1cs'));
    const refuse = (data, text) => {
        writeFileSync(at('bad.r1cs'), data);
        const refused = zkprover('setup', at('bad.r1cs'), at('bad.zkey'));
        assert.ok([1, 4].includes(refused.status), `${text}: ${refused.status} ${refused.stdout}${refused.stderr}`);
        assert.match(refused.stderr, text);
        assert.match(refused.stderr, /bad\.r1cs/);
        assert.ok(!existsSync(at('bad.zkey')) && !existsSync(at('bad.zkey.tmp')));
    };
    const start = (type) => sections(good).find((s) => s.type === type).start;
    const set = (offset, value) => { const b = Buffer.from(good); b.writeUInt32LE(value >>> 0, offset); return b; };
    refuse(good.subarray(0, good.length - 1), /offset/);
    refuse(Buffer.concat([good, Buffer.from([0])]), /offset/);
    refuse(set(0, 1), /r1cs/);
    refuse(set(start(1) + 4, 2), /prime r is not BN254/);
    refuse(set(start(1) + 36, 2), /section \d/); // wires
    refuse(set(start(1) + 60, 109), /section 2, offset \d+/); // constraints
    refuse(set(start(1) + 60, 111), /section 2, offset \d+/);
    refuse(set(start(2) + 4, 112), /section 2, offset \d+/); // the first wire
    refuse(set(start(2) + 36, 0xffffffff), /section 2, offset \d+/); // its factor: not below r
    refuse(set(start(2), 0xffffffff), /section 2, offset \d+/); // terms
    assert.equal(zkprover('setup', at('absent.r1cs'), at('bad.zkey')).status, 1);
    assert.equal(zkprover('setup', at('circuit.r1cs')).status, 2);
    assert.equal(zkprover('setup', at('circuit.r1cs'), at('bad.zkey'), '--device', 'cpu').status, 2);
});
