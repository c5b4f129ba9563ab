// The Solidity verifier in an EVM that is not ours: it accepts our proofs and those of snarkjs, and nothing that was changed.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Common, Hardfork, Mainnet } from '@ethereumjs/common';
import { createEVM } from '@ethereumjs/evm';
import { bytesToHex, hexToBytes } from '@ethereumjs/util';
import solc from 'solc';
import * as snarkjs from 'snarkjs';
import { at, circom, clean, json, ok, writeJson, zkprover } from './common.mjs';

const q = 21888242871839275222246405745257275088696311157297823662689037894645226208583n;
const r = 21888242871839275222246405745257275088548364400416034343698204186575808495617n;
const GAS = 30_000_000n;
let evm;

function compile(name) {
    const out = JSON.parse(solc.compile(JSON.stringify({
        language: 'Solidity',
        sources: { [name]: { content: readFileSync(at(name), 'utf8') } },
        settings: { optimizer: { enabled: true, runs: 200 }, outputSelection: { '*': { '*': ['evm.bytecode.object', 'evm.methodIdentifiers'] } } },
    })));
    assert.deepEqual(out.errors ?? [], [], name);
    return out.contracts[name].Groth16Verifier;
}

async function deploy(name) {
    const contract = compile(name);
    const made = await evm.runCall({ data: hexToBytes(`0x${contract.evm.bytecode.object}`), gasLimit: GAS });
    assert.equal(made.execResult.exceptionError, undefined);
    const [[signature, selector]] = Object.entries(contract.evm.methodIdentifiers);
    return { to: made.createdAddress, selector, signature, size: made.execResult.returnValue.length };
}

/** The numbers of a call, in order: 2 of A, 4 of B, 2 of C, the public ones. */
async function numbers(proof, publicSignals) {
    const text = await snarkjs.groth16.exportSolidityCallData(proof, publicSignals);
    return text.match(/0x[0-9a-f]+/g).map(BigInt);
}

async function call(contract, list) {
    const data = hexToBytes(`0x${contract.selector}${list.map((v) => v.toString(16).padStart(64, '0')).join('')}`);
    const { execResult } = await evm.runCall({ to: contract.to, data, gasLimit: GAS });
    assert.equal(execResult.exceptionError, undefined, 'it reverted');
    const answer = BigInt(bytesToHex(execResult.returnValue));
    assert.ok(answer === 0n || answer === 1n);
    return { holds: answer === 1n, gas: execResult.executionGasUsed };
}

before(async () => {
    evm = await createEVM({ common: new Common({ chain: Mainnet, hardfork: Hardfork.Shanghai }) });
    circom('circuit');
    circom('alone', `pragma circom 2.0.0;
        template Root() { signal input a; a * a === 25; }
        component main = Root();`);
    for (const [name, input] of [['circuit', { a: 77, b: 5 }], ['alone', { a: 5 }]]) {
        await snarkjs.wtns.calculate(input, at(`${name}_js/${name}.wasm`), at(`${name}.wtns`));
        ok('setup', at(`${name}.r1cs`), at(`${name}.zkey`));
        ok('export-vk', at(`${name}.zkey`), at(`${name}.vk.json`));
        ok('prove', at(`${name}.zkey`), at(`${name}.wtns`), at(`${name}.proof.json`), at(`${name}.public.json`));
    }
});

after(clean);

test('the contract accepts our proof and that of snarkjs', async (t) => {
    const made = ok('export-solidity', at('circuit.zkey'), at('circuit.sol'));
    assert.match(made.stderr, /warning: .*INSECURE: of a development setup/);
    assert.match(readFileSync(at('circuit.sol'), 'utf8'), /^\/\/ INSECURE/m);
    const contract = await deploy('circuit.sol');
    assert.equal(contract.signature, 'verifyProof(uint256[2],uint256[2][2],uint256[2],uint256[3])');
    const ours = await call(contract, await numbers(json('circuit.proof.json'), json('circuit.public.json')));
    assert.ok(ours.holds);
    const { proof, publicSignals } = await snarkjs.groth16.prove(at('circuit.zkey'), at('circuit.wtns'));
    assert.ok((await call(contract, await numbers(proof, publicSignals))).holds);
    t.diagnostic(`3 public values: ${ours.gas} gas in the call, ${contract.size} bytes of code`);
});

test('no proof with anything changed is accepted, and none makes it revert', async () => {
    ok('export-solidity', at('circuit.vk.json'), at('vk.sol'));
    assert.doesNotMatch(readFileSync(at('vk.sol'), 'utf8'), /INSECURE/);
    const contract = await deploy('vk.sol');
    const good = await numbers(json('circuit.proof.json'), json('circuit.public.json'));
    const refuse = async (list, what) => assert.equal((await call(contract, list)).holds, false, what);
    const set = (...pairs) => { const list = [...good]; for (const [i, v] of pairs) list[i] = v; return list; };
    assert.equal(good.length, 11);
    assert.ok((await call(contract, good)).holds);
    for (let i = 0; i < good.length; i++) {
        const prime = i < 8 ? q : r;
        await refuse(set([i, good[i] + prime]), `number ${i} + prime`); // the same value modulo the prime
        await refuse(set([i, good[i] ^ 1n]), `number ${i}, lowest bit`);
        await refuse(set([i, good[i] ^ (1n << 200n)]), `number ${i}, bit 200`);
        await refuse(set([i, 0n]), `number ${i} is 0`);
        await refuse(set([i, prime]), `number ${i} is the prime`);
        await refuse(set([i, (1n << 256n) - 1n]), `number ${i} has all bits`);
        if (i >= 8) await refuse(set([i, (good[i] + 1n) % r]), `public value ${i} + 1`);
    }
    const point = (from, n) => Array.from({ length: n }, (_, i) => [from + i, 0n]);
    await refuse(set(...point(0, 2)), 'A is infinity');
    await refuse(set(...point(2, 4)), 'B is infinity');
    await refuse(set(...point(6, 2)), 'C is infinity');
    await refuse(set(...point(0, 8)), 'all are infinity');
    await refuse(set([0, good[6]], [1, good[7]]), 'A is C');
    await refuse(set([0, 1n], [1, 2n]), 'A is the generator');
    await refuse(set([1, q - good[1]]), '-A');
    await refuse(set([4, q - good[4]], [5, q - good[5]]), '-B');
    await refuse(set([7, q - good[7]]), '-C');
    await refuse(set([2, good[3]], [3, good[2]], [4, good[5]], [5, good[4]]), "B in the order of snarkjs' JSON");
    await refuse(set([8, good[9]], [9, good[8]]), 'public values exchanged');
    // on the twist, but not in the group of order r
    const [x, y] = outsideSubgroup;
    await refuse(set([2, x[1]], [3, x[0]], [4, y[1]], [5, y[0]]), 'B outside of the subgroup');
});

// A point of the twist y^2 = x^3 + 3 / (9 + u) with x = k: not in the group of order r, one of 2^254 of its points.
const mod = (a) => ((a % q) + q) % q;
const mul = ([a, b], [c, d]) => [mod(a * c - b * d), mod(a * d + b * c)];
function power(a, e) {
    let out = [1n, 0n];
    for (let base = a; e > 0n; e >>= 1n, base = mul(base, base)) if (e & 1n) out = mul(out, base);
    return out;
}
function root(a) { // q = 3 mod 4: the method of Adj and Rodriguez-Henriquez
    const a1 = power(a, (q - 3n) / 4n), x0 = mul(a1, a), alpha = mul(a1, x0);
    if (alpha[0] === q - 1n && alpha[1] === 0n) return mul([0n, 1n], x0);
    const y = mul(power([mod(alpha[0] + 1n), alpha[1]], (q - 1n) / 2n), x0), square = mul(y, y);
    return square[0] === a[0] && square[1] === a[1] ? y : null;
}
const twistB = mul([3n, 0n], power([9n, 1n], q * q - 2n));
const outsideSubgroup = (() => {
    for (let k = 1n; ; k++) {
        const x = [k, 0n], cube = mul(x, mul(x, x)), y = root([mod(cube[0] + twistB[0]), mod(cube[1] + twistB[1])]);
        if (y) return [x, y];
    }
})();

test('proofs are malleable, as Groth16 has it: -A and -B together', async () => {
    const contract = await deploy('vk.sol');
    const good = await numbers(json('circuit.proof.json'), json('circuit.public.json'));
    const list = [...good];
    list[1] = q - list[1];
    for (const i of [4, 5]) list[i] = mod(-list[i]);
    assert.ok((await call(contract, list)).holds);
    const p = json('circuit.proof.json');
    p.pi_a[1] = (q - BigInt(p.pi_a[1])).toString();
    p.pi_b[1] = p.pi_b[1].map((v) => mod(-BigInt(v)).toString());
    writeJson('other.json', p);
    ok('verify', at('circuit.vk.json'), at('circuit.public.json'), at('other.json'));
    assert.ok(await snarkjs.groth16.verify(json('circuit.vk.json'), json('circuit.public.json'), p));
});

test('a proof of another key, and data that are too short', async () => {
    const contract = await deploy('circuit.sol');
    ok('setup', at('circuit.r1cs'), at('second.zkey'));
    ok('prove', at('second.zkey'), at('circuit.wtns'), at('second.json'), at('p.json'));
    assert.equal((await call(contract, await numbers(json('second.json'), json('p.json')))).holds, false);
    const good = await numbers(json('circuit.proof.json'), json('circuit.public.json'));
    const data = hexToBytes(`0x${contract.selector}${good.slice(1).map((v) => v.toString(16).padStart(64, '0')).join('')}`);
    const { execResult } = await evm.runCall({ to: contract.to, data, gasLimit: GAS });
    assert.ok(execResult.exceptionError || BigInt(bytesToHex(execResult.returnValue)) === 0n);
});

test('a circuit without public values', async () => {
    ok('export-solidity', at('alone.zkey'), at('alone.sol'));
    const contract = await deploy('alone.sol');
    assert.equal(contract.signature, 'verifyProof(uint256[2],uint256[2][2],uint256[2])');
    const list = await numbers(json('alone.proof.json'), json('alone.public.json'));
    assert.equal(list.length, 8);
    assert.ok((await call(contract, list)).holds);
    list[0] = 1n;
    list[1] = 2n;
    assert.equal((await call(contract, list)).holds, false);
});

test('keys of more public values than a contract takes, and command lines that say nothing', () => {
    const vk = json('circuit.vk.json');
    const many = (n) => ({ ...vk, nPublic: n, IC: Array(n + 1).fill(vk.IC[0]) });
    writeJson('many.json', many(129));
    const refused = zkprover('export-solidity', at('many.json'), at('many.sol'));
    assert.equal(refused.status, 4);
    assert.match(refused.stderr, /129 public values; a contract takes at most 128/);
    writeJson('most.json', many(128));
    ok('export-solidity', at('most.json'), at('most.sol'));
    assert.ok(compile('most.sol').evm.bytecode.object.length / 2 < 24576);
    assert.equal(zkprover('export-solidity', at('circuit.zkey')).status, 2);
    assert.equal(zkprover('export-solidity', at('absent.zkey'), at('x.sol')).status, 1);
});
