import { test, before, after, afterEach } from 'node:test';
import assert from 'node:assert/strict';
import {
    startServer, connect, status, execute, executeRaw, emptyStateRequest, encodeExecute, quickRequest,
} from './helpers.mjs';

let server, client;
before(async () => { server = await startServer(); client = connect(server); });
after(async () => {
    client?.close();
    const end = await server?.stop();
    if (end) assert.equal(end.code, 0, server.raw);
});
afterEach(async () => { assert.equal((await status(client)).state, 'STATUS_PROVER_IDLE'); });

/** A request that is wrong: one ERROR, its reason, and the stream ends by itself with status OK. */
async function refused(send, reason) {
    const { responses, code, reasons, details } = await send;
    assert.equal(code, 0, details);
    assert.equal(responses.length, 1);
    assert.equal(responses[0].result, 'RESULT_EXECUTE_ERROR');
    assert.equal(responses[0].new_state_root, '');
    assert.equal(reasons.length, 1);
    assert.match(reasons[0], /^0: /);
    assert.match(reasons[0], reason);
    assert.ok(Buffer.byteLength(reasons[0]) <= 1024);
}

const short = (n) => Buffer.alloc(n, 1);
const node = (value) => value.map((x) => x.toString(16).padStart(16, '0')).join('');
const zero8 = node(Array(8).fill(0n));
const P = (1n << 64n) - (1n << 32n) + 1n;
// Poseidon of twelve zeros: the known answer that plonky2 publishes, limb 3 first
const zeroHash = '0xc71603f33a1144ca7953db0ab48808f4c4055e3364a246c33c18a9786cb0b359';

const fields = {
    'old_state_root of 31 bytes': [{ old_state_root: short(31) }, /old_state_root: 31 bytes, expected 32/],
    'old_state_root of 33 bytes': [{ old_state_root: short(33) }, /old_state_root: 33 bytes/],
    'old_state_root absent': [{ old_state_root: short(0) }, /old_state_root: 0 bytes/],
    'old_state_root not canonical': [{ old_state_root: Buffer.alloc(32, 0xff) }, /old_state_root/],
    'old_acc_input_hash of 1 byte': [{ old_acc_input_hash: short(1) }, /old_acc_input_hash: 1 bytes/],
    'global_exit_root of 64 bytes': [{ global_exit_root: short(64) }, /global_exit_root: 64 bytes/],
    'old_batch_num 2^64 - 1': [{ old_batch_num: '18446744073709551615' }, /old_batch_num/],
    'chain_id 0': [{ chain_id: '0' }, /chain_id/],
    'batch_l2_data of 120,001 bytes': [{ batch_l2_data: short(120001) }, /batch_l2_data: 120001 bytes/],
    'sequencer_addr empty': [{ sequencer_addr: '' }, /sequencer_addr/],
    'sequencer_addr without 0x': [{ sequencer_addr: '11'.repeat(21) }, /sequencer_addr.*0x/],
    'sequencer_addr too short': [{ sequencer_addr: `0x${'1'.repeat(39)}` }, /sequencer_addr: 41/],
    'sequencer_addr too long': [{ sequencer_addr: `0x${'1'.repeat(41)}` }, /sequencer_addr: 43/],
    'sequencer_addr with a letter': [{ sequencer_addr: `0x${'1'.repeat(39)}g` }, /sequencer_addr.*hex/],
    'aggregator_addr wrong': [{ aggregator_addr: '0x12' }, /aggregator_addr/],
};
for (const [name, [change, reason]] of Object.entries(fields))
    test(`field: ${name}`, () => refused(
        execute(client, [emptyStateRequest(Buffer.alloc(0), change)], { end: false }), reason));

test('field: aggregator_addr may be empty or an address', async () => {
    const { responses } = await execute(client, [
        emptyStateRequest(Buffer.alloc(0)),
        emptyStateRequest(Buffer.alloc(0), { aggregator_addr: `0x${'Ab'.repeat(20)}` }),
        emptyStateRequest(short(120000)),
        emptyStateRequest(Buffer.alloc(0), { old_batch_num: '18446744073709551614' })]);
    assert.deepEqual(responses.map((r) => r.result), ['RESULT_EXECUTE_COMPLETED_OK',
        'RESULT_EXECUTE_COMPLETED_OK', 'RESULT_EXECUTE_COMPLETED_ERR', 'RESULT_EXECUTE_COMPLETED_OK']);
});

const maps = {
    'db key without digits': ['db', { '0x': zero8 }, /db/],
    'db key too long': ['db', { [`0x${'1'.repeat(65)}`]: zero8 }, /db/],
    'db key with a letter': ['db', { '0xzz': zero8 }, /db/],
    'db key not canonical': ['db', { [`0x${'f'.repeat(64)}`]: zero8 }, /db/],
    'db value empty': ['db', { [zeroHash]: '' }, /db/],
    'db value of 7 elements': ['db', { [zeroHash]: node(Array(7).fill(0n)) }, /db/],
    'db value of 8 and a half elements': ['db', { [zeroHash]: `${zero8}00000000` }, /db/],
    'db value with a letter': ['db', { [zeroHash]: `x${zero8.slice(1)}` }, /db/],
    'db value not canonical': ['db', { [zeroHash]: node([P, ...Array(7).fill(0n)]) }, /db/],
    'db value that does not hash to its key': ['db', { '0x01': zero8 }, /db/],
    'bytecode of odd length': ['contracts_bytecode', { '0x01': '0x123' }, /contracts_bytecode/],
    'bytecode with a letter': ['contracts_bytecode', { '0x01': '0x1g' }, /contracts_bytecode/],
    'bytecode key too long': ['contracts_bytecode', { [`0x${'1'.repeat(65)}`]: '0x00' }, /contracts_bytecode/],
    'bytecode that does not hash to its key': ['contracts_bytecode', { '0x01': '0x6001' }, /bytecode/],
};
for (const [name, [field, value, reason]] of Object.entries(maps))
    test(`map: ${name}`, () => {
        const r = emptyStateRequest(Buffer.alloc(0));
        r.input[field] = value;
        return refused(execute(client, [r], { end: false }), reason);
    });

test('map: a node that hashes to its key is taken, with and without 0x, not with another limb order', async () => {
    const withNode = (key) => {
        const r = emptyStateRequest(Buffer.alloc(0));
        r.input.db = { [key]: zero8 };
        return r;
    };
    const limbs = zeroHash.slice(2).match(/.{16}/g);
    const { responses } = await execute(client, [zeroHash, zeroHash.slice(2), zeroHash.toUpperCase().replace('X', 'x'),
        `0x${limbs.reverse().join('')}`].map(withNode));
    assert.deepEqual(responses.map((r) => r.result), ['RESULT_EXECUTE_COMPLETED_OK',
        'RESULT_EXECUTE_COMPLETED_OK', 'RESULT_EXECUTE_COMPLETED_OK', 'RESULT_EXECUTE_ERROR']);
});

test('absent input and absent public_inputs', async () => {
    await refused(execute(client, [{}], { end: false }), /input: it is absent/);
    await refused(execute(client, [{ input: {} }], { end: false }), /public_inputs: it is absent/);
});

test('the answers before a malformed request are not lost', async () => {
    const { responses, code, reasons } = await execute(client, [quickRequest(), {}, quickRequest()]);
    assert.equal(code, 0);
    assert.deepEqual(responses.map((r) => r.result),
        ['RESULT_EXECUTE_COMPLETED_OK', 'RESULT_EXECUTE_ERROR']);
    assert.equal(reasons.length, 1);
    assert.match(reasons[0], /^1: /);
});

const lengthPrefixed = (field, body) => Buffer.concat([Buffer.from([field << 3 | 2]), varint(body.length), body]);
function varint(n) {
    const out = [];
    for (; n > 127; n = Math.floor(n / 128)) out.push(n % 128 | 128);
    return Buffer.from([...out, n]);
}
const good = () => Buffer.from(encodeExecute(emptyStateRequest(Buffer.alloc(10))));

const malformed = {
    'a lone tag': Buffer.from([0x0a]),
    'a length beyond the end': Buffer.from([0x0a, 0x7f, 0x00]),
    'a length of 2^64 - 1': Buffer.concat([Buffer.from([0x0a]), Buffer.alloc(9, 0xff), Buffer.from([1])]),
    'an endless varint': Buffer.alloc(40, 0xff),
    'field number 0': Buffer.from([0x02, 0x00]),
    'a group': Buffer.from([0x0b, 0x0c]),
    'wire type 7': Buffer.from([0x0f]),
    'a number in place of a message': Buffer.from([0x08, 0x01]),
    'a message cut in the middle': good().subarray(0, good().length - 7),
    'noise': Buffer.from('7f1e88a8136d3e28bd2d4d38c8a3a8e3', 'hex'),
    'a number in place of a string': lengthPrefixed(1, lengthPrefixed(1, Buffer.from([8 << 3, 1]))),
    'a million empty map entries': lengthPrefixed(1, Buffer.alloc(2000000, Buffer.from([0x12, 0x00]))),
    'a million unknown fields': Buffer.alloc(2000000, Buffer.from([0x78, 0x00])),
};
for (const [name, body] of Object.entries(malformed))
    test(`malformed: ${name}`, () => refused(executeRaw(client, [body], { end: false }), /malformed|wire type/));

test('every cut of a good message is an error or another good message, never a crash', async () => {
    const all = good();
    for (let i = 1; i < all.length; i += 3) {
        const { code, responses } = await executeRaw(client, [all.subarray(0, i)]);
        assert.equal(code, 0);
        assert.equal(responses.length, 1);
    }
});

const strings = {
    'invalid UTF-8': Buffer.from('30786666fffe', 'hex'),
    'an overlong form': Buffer.from('c080', 'hex'),
    'a surrogate': Buffer.from('eda080', 'hex'),
    'a cut character': Buffer.from('e282', 'hex'),
    'NUL': Buffer.from(`0x${'11'.repeat(20)}\0`, 'latin1'),
};
for (const [name, text] of Object.entries(strings)) {
    const reason = name === 'NUL' ? /NUL/ : /UTF-8/;
    test(`string: ${name} in sequencer_addr`, () => refused(executeRaw(client,
        [lengthPrefixed(1, lengthPrefixed(1, lengthPrefixed(8, text)))], { end: false }),
    new RegExp(`input\\.public_inputs\\.sequencer_addr.*${reason.source}`)));
    test(`string: ${name} in aggregator_addr`, () => refused(executeRaw(client,
        [lengthPrefixed(1, lengthPrefixed(1, lengthPrefixed(9, text)))], { end: false }),
    new RegExp(`aggregator_addr.*${reason.source}`)));
    for (const [map, field] of [['db', 2], ['contracts_bytecode', 3]])
        for (const [part, id] of [['key', 1], ['value', 2]])
            test(`string: ${name} in a ${part} of ${map}`, () => refused(executeRaw(client,
                [lengthPrefixed(1, lengthPrefixed(field, lengthPrefixed(id, text)))], { end: false }),
            new RegExp(`input\\.${map}\\[0\\]\\.${part}.*${reason.source}`)));
}

test('a reason arrives as printable ASCII, percent-encoded', async () => {
    const r = emptyStateRequest(Buffer.alloc(0));
    r.input.db = { '0xß€😀%': zero8 };
    const { reasons, rawReasons } = await execute(client, [r], { end: false });
    assert.equal(reasons.length, 1);
    assert.match(String(rawReasons[0]), /^[\x20-\x7e]*$/);
    assert.match(String(rawReasons[0]), /%25/);
    assert.match(reasons[0], /%\]/);
});
