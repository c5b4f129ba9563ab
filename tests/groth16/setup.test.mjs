// Keys that we make: snarkjs proves and verifies with them, and takes the initial keys of phase 2 as its own.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as snarkjs from 'snarkjs';
import { at, bytes, circom, clean, json, ok, sections, zkprover } from './common.mjs';

const here = dirname(fileURLToPath(import.meta.url));

before(async () => {
    circom('circuit');
    // a domain of 2^7, all that the powers of tau allow, and smaller ones; no private wire but those of a product
    circom('small', readFileSync(join(here, 'circuit.circom'), 'utf8').replace('Chain(100)', 'Chain(40)'));
    circom('public', `pragma circom 2.0.0;
        template Square() { signal input a; signal output b; b <== 5 * a * a + 7; }
        component main {public [a]} = Square();`);
    const curve = await snarkjs.curves.getCurveFromName('bn128');
    await snarkjs.powersOfTau.newAccumulator(curve, 7, at('0.ptau'));
    await snarkjs.powersOfTau.contribute(at('0.ptau'), at('1.ptau'), 'test', 'entropy of a test');
    await snarkjs.powersOfTau.preparePhase2(at('1.ptau'), at('final.ptau'));
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

for (const name of ['circuit', 'small', 'public']) {
    test(`the initial key of phase 2 is that of snarkjs, byte for byte: ${name}`, async () => {
        await snarkjs.zKey.newZKey(at(`${name}.r1cs`), at('final.ptau'), at(`${name}.theirs.zkey`));
        const made = ok('setup', at(`${name}.r1cs`), at(`${name}.zkey`), '--ptau', at('final.ptau'), '--threads', '3');
        assert.match(made.stderr, /is not safe yet/);
        assert.ok(bytes(`${name}.zkey`).equals(bytes(`${name}.theirs.zkey`)));
    });
}

test('an initial key is not safe before a contribution; snarkjs contributes to ours and verifies the result', async () => {
    ok('setup', at('circuit.r1cs'), at('0.zkey'), '--ptau', at('final.ptau'));
    const files = [at('w.wtns'), at('p.json'), at('s.json')];
    assert.match(ok('prove', at('0.zkey'), ...files).stderr, /warning: .*0\.zkey has no contribution/);
    assert.equal(JSON.parse(ok('prove', '--json', at('0.zkey'), ...files).stdout).setup, 'no-contribution');
    const refused = zkprover('prove', '--production', at('0.zkey'), ...files);
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /0\.zkey: the key has no contribution/);

    await snarkjs.zKey.contribute(at('0.zkey'), at('1.zkey'), 'test', 'entropy of a test');
    assert.ok(await snarkjs.zKey.verifyFromR1cs(at('circuit.r1cs'), at('final.ptau'), at('1.zkey')));
    const proved = ok('prove', '--production', '--json', at('1.zkey'), ...files);
    assert.equal(proved.stderr, '');
    assert.equal(JSON.parse(proved.stdout).setup, 'contributed');
    const vk = await snarkjs.zKey.exportVerificationKey(at('1.zkey'));
    assert.ok(await snarkjs.groth16.verify(vk, json('s.json'), json('p.json')));

    // a delta that is not the last contribution's
    const changed = bytes('1.zkey');
    const list = sections(changed).find((s) => s.type === 10);
    changed[list.start + 68] ^= 1;
    writeFileSync(at('2.zkey'), changed);
    const damaged = zkprover('prove', at('2.zkey'), ...files);
    assert.equal(damaged.status, 1);
    assert.match(damaged.stderr, /2\.zkey: section 10, offset \d+: delta/);
});

test('powers of tau that are damaged, too few or not prepared: an error with its place, and no key', () => {
    const good = readFileSync(at('final.ptau'));
    const start = (type) => sections(good).find((s) => s.type === type).start;
    const refuse = (data, text, status = 1) => {
        writeFileSync(at('bad.ptau'), data);
        const refused = zkprover('setup', at('circuit.r1cs'), at('bad.zkey'), '--ptau', at('bad.ptau'));
        assert.equal(refused.status, status, `${text}: ${refused.stdout}${refused.stderr}`);
        assert.match(refused.stderr, text);
        assert.match(refused.stderr, /bad\.ptau/);
        assert.ok(!existsSync(at('bad.zkey')) && !existsSync(at('bad.zkey.tmp')));
    };
    const set = (offset, value) => { const b = Buffer.from(good); b.writeUInt32LE(value >>> 0, offset); return b; };
    refuse(good.subarray(0, good.length - 1), /section 15, offset \d+/);
    refuse(Buffer.concat([good, Buffer.from([0])]), /1 bytes before the file does/);
    refuse(set(0, 1), /begins with 'ptau'/);
    refuse(set(4, 2), /version 2/, 4);
    refuse(set(start(1) + 4, 2), /section 1, offset \d+: the prime q is not BN254/, 4);
    for (const power of [0, 29, 0xffffffff]) refuse(set(start(1) + 36, power), /section 1, offset \d+: power/);
    refuse(set(start(1) + 36, 6), /section 2, offset \d+: tau in G1: expected 8128 bytes/);
    refuse(set(start(1) + 40, 6), /power 6 of the ceremony, below the file's 7/);
    refuse(set(start(6), 1), /section 6, offset \d+: beta is no point of G2/);
    refuse(set(start(7), 2), /section 7, offset \d+/);
    refuse(set(start(4) + 4, 1), /section 4, offset \d+: no point of G1/);
    refuse(set(start(12) + 64 * 255 + 28, 0xffffffff), /section 12, offset \d+: no point of G1/); // H: not below q
    refuse(set(start(13) + 128 * 127, 1), /section 13, offset \d+: no point of G2/);
    refuse(readFileSync(at('1.ptau')), /is not prepared for phase 2/);
    circom('large', readFileSync(join(here, 'circuit.circom'), 'utf8').replace('Chain(100)', 'Chain(200)'));
    const few = zkprover('setup', at('large.r1cs'), at('bad.zkey'), '--ptau', at('final.ptau'));
    assert.equal(few.status, 1);
    assert.match(few.stderr, /final\.ptau has powers of tau for 2\^7 rows; the circuit .*large\.r1cs has 2\^8/);
});

test('our powers of tau for development are prepared as snarkjs prepares them, and their keys carry the mark', async () => {
    const made = ok('ptau', '6', at('dev.ptau'));
    assert.match(made.stderr, /warning: .*dev\.ptau is for development \(insecure\)/);
    await snarkjs.powersOfTau.preparePhase2(at('dev.ptau'), at('dev.theirs.ptau'));
    const contents = (name) => new Map(sections(bytes(name)).map(({ type, start, size }) => [type, bytes(name).subarray(start, start + size)]));
    const [ours, theirs] = [contents('dev.ptau'), contents('dev.theirs.ptau')];
    assert.deepEqual([...theirs.keys()], [1, 2, 3, 4, 5, 6, 7, 12, 13, 14, 15]);
    for (const [type, data] of theirs) assert.ok(ours.get(type).equals(data), `section ${type}`);
    assert.deepEqual([...ours.keys()], [...theirs.keys(), 0x5a4b5001]);
    assert.equal(await snarkjs.powersOfTau.verify(at('dev.ptau')), false); // no contribution

    ok('setup', at('small.r1cs'), at('marked.zkey'), '--ptau', at('dev.ptau'));
    await snarkjs.zKey.newZKey(at('small.r1cs'), at('dev.ptau'), at('unmarked.zkey'));
    const [marked, unmarked] = [contents('marked.zkey'), contents('unmarked.zkey')];
    for (const [type, data] of unmarked) assert.ok(marked.get(type).equals(data), `section ${type}`);
    await snarkjs.wtns.calculate({ a: 77, b: 5 }, at('small_js/small.wasm'), at('small.wtns'));
    const proved = ok('prove', '--json', at('marked.zkey'), at('small.wtns'), at('p.json'), at('s.json'));
    assert.equal(JSON.parse(proved.stdout).setup, 'dev-insecure');
    for (const power of ['0', '28', '-1', '6x', '']) assert.equal(zkprover('ptau', power, at('x.ptau')).status, 2, power);
});
