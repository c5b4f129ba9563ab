// What takes snarkjs long: keys of 2^15 rows, in whose hash it takes one point too many, once a power of tau and once what
// follows the powers in the file.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import * as snarkjs from 'snarkjs';
import { at, bytes, circom, clean, ok, sections } from './common.mjs';

before(() => circom('large', `pragma circom 2.0.0;
    template Chain(n) {
        signal input a; signal output b; signal t[n + 1];
        t[0] <== a;
        for (var i = 0; i < n; i++) t[i + 1] <== t[i] * t[i] + 3 * t[i];
        b <== t[n];
    }
    component main = Chain(17000);`));
after(clean);

for (const power of ['15', '16']) {
    test(`the initial key for 2^15 rows is that of snarkjs: powers of tau for 2^${power}`, async () => {
        ok('ptau', power, at('p.ptau'));
        ok('setup', at('large.r1cs'), at('ours.zkey'), '--ptau', at('p.ptau'));
        await snarkjs.zKey.newZKey(at('large.r1cs'), at('p.ptau'), at('theirs.zkey'));
        const [ours, theirs] = [bytes('ours.zkey'), bytes('theirs.zkey')];
        const list = sections(theirs); // ours has the mark of development behind them
        assert.equal(list.length, 10);
        assert.deepEqual(sections(ours).slice(0, 10), list);
        assert.ok(ours.subarray(12, theirs.length).equals(theirs.subarray(12)));
    });
}
