// What a request contains is its client's secret: none of it may reach the log at its default level.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { join } from 'node:path';
import {
    grpc, root, startServer, connect, execute, executeRaw, encodeExecute, requestOfFile, filesBelow, genProof, getProof, submit, sleep,
} from './helpers.mjs';

/** Parts that are long enough to be nothing else: every 16 hex digits of it in steps of 8, but runs of one digit. */
function* parts(hex) {
    const text = hex.replace(/^0x/, '').toLowerCase();
    for (let i = 0; i + 16 <= text.length; i += 8) {
        const part = text.slice(i, i + 16);
        if (new Set(part).size > 4) yield part;
    }
}
function secretsOf(request) {
    const set = new Set(), { input } = request;
    const add = (hex) => { for (const p of parts(hex)) set.add(p); };
    add(input.public_inputs.batch_l2_data.toString('hex'));
    for (const v of Object.values(input.db)) add(v);
    for (const v of Object.values(input.contracts_bytecode)) add(v);
    return set;
}

test('neither batches nor witnesses appear in the log', async () => {
    const files = filesBelow(join(root, 'tests/data/batch')).slice(0, 6);
    const requests = files.map((f) => requestOfFile(f).request).filter((r) => Object.keys(r.input.db).length);
    assert.ok(requests.length >= 2, 'batches with a witness');
    const server = await startServer(['--workers', '1']);
    const client = connect(server);
    const secrets = new Set();
    try {
        for (const request of requests) {
            for (const s of secretsOf(request)) secrets.add(s);
            assert.equal((await execute(client, [request])).code, 0);
            const bytes = Buffer.from(encodeExecute(request));
            // cut, and with a wrong byte: the reasons go to the client alone
            await executeRaw(client, [bytes.subarray(0, bytes.length - 7)]);
            const wrong = structuredClone(request);
            wrong.input.public_inputs.batch_l2_data = Buffer.from(request.input.public_inputs.batch_l2_data);
            for (const k of ['old_state_root', 'old_acc_input_hash', 'global_exit_root'])
                wrong.input.public_inputs[k] = Buffer.from(request.input.public_inputs[k]);
            const key = Object.keys(wrong.input.db)[0];
            wrong.input.db[key] = `${wrong.input.db[key].slice(0, -1)}${wrong.input.db[key].endsWith('0') ? '1' : '0'}`;
            const refused = await execute(client, [wrong]);
            assert.ok(refused.reasons.length, 'the client learns why');
            await genProof(client, wrong);
            delete wrong.input.db[key]; // a node is missing
            await execute(client, [wrong]);
            await getProof(client, await submit(client, wrong), 20);
            const id = await submit(client, request);
            await getProof(client, id, 20);
        }
        await sleep(100);
    } finally {
        client.close();
        assert.equal((await server.stop()).code, 0);
    }
    assert.ok(secrets.size > 100);
    assert.ok(server.events('execute').length >= requests.length && server.events('job').length >= requests.length, 'something was logged');
    const log = server.raw.toLowerCase();
    const found = [...secrets].filter((s) => log.includes(s));
    assert.deepEqual(found, []);
    // nor in another spelling of bytes
    for (const r of requests) {
        const data = r.input.public_inputs.batch_l2_data;
        if (data.length >= 48) assert.ok(!server.raw.includes(data.subarray(0, 48).toString('base64')));
    }
});
