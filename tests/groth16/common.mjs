// What the tests of this folder share: a folder of their own, the command, circuits, damage to files.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const program = process.env.ZKPROVER_PROGRAM;
assert.ok(program, 'ZKPROVER_PROGRAM names the command');

export const folder = mkdtempSync(join(tmpdir(), 'groth16-'));
export const at = (name) => join(folder, name);
export const bytes = (name) => readFileSync(at(name));
export const json = (name) => JSON.parse(readFileSync(at(name), 'utf8'));
export const writeJson = (name, value) => writeFileSync(at(name), JSON.stringify(value));

export function zkprover(...args) {
    return spawnSync(program, ['groth16', ...args], { encoding: 'utf8', timeout: 120000 });
}

export function ok(...args) {
    const done = zkprover(...args);
    assert.equal(done.status, 0, `${args.join(' ')}: ${done.stderr}`);
    return done;
}

/** Compiles circom source NAME.circom of this folder, or text, to NAME.r1cs and NAME_js/NAME.wasm. */
export function circom(name, text) {
    let source = join(here, `${name}.circom`);
    if (text !== undefined) {
        source = at(`${name}.circom`);
        writeFileSync(source, text);
    }
    execFileSync(process.execPath, [join(here, 'node_modules/circom2/cli.js'), source, '--r1cs', '--wasm', '-o', folder],
        { cwd: folder, stdio: 'pipe' });
}

/** The sections of a binary file: [{ type, start, size }], start of the contents. */
export function sections(b) {
    const list = [];
    for (let p = 12; p < b.length;) {
        const size = Number(b.readBigUInt64LE(p + 4));
        list.push({ type: b.readUInt32LE(p), start: p + 12, size });
        p += 12 + size;
    }
    return list;
}

/** Releases what snarkjs holds, and the folder. */
export async function clean() {
    rmSync(folder, { recursive: true });
    for (const name of ['curve_bn128', 'curve_bls12381']) await globalThis[name]?.terminate(); // snarkjs' threads
}
