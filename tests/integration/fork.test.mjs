// Jobs keep the rules under which they were taken.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { startServer, connect, getProof, longRequest, quickRequest, submit, tempFolder } from './helpers.mjs';

test('a job that waits is executed under the fork that took it, also by a server with another one', { timeout: 120000 }, async () => {
    const dataDir = tempFolder();
    try {
        const first = await startServer(['--fork-id', '6'], { dataDir });
        let client = connect(first);
        const running = await submit(client, longRequest());
        const waiting = await submit(client, quickRequest()); // fork 4 knows no percentage: it would decode no transaction
        client.close();
        assert.equal((await first.stop()).code, 0, first.raw);
        const second = await startServer(['--fork-id', '4'], { dataDir });
        client = connect(second);
        assert.match((await getProof(client, running, 100)).result_string, /of 560 transactions processed/);
        assert.match((await getProof(client, waiting, 20)).result_string, /of 8 transactions processed/);
        const own = await submit(client, quickRequest());
        assert.match((await getProof(client, own, 20)).result_string, /0 of 0 transactions processed/);
        client.close();
        assert.equal((await second.stop()).code, 0, second.raw);
    } finally {
        rmSync(dataDir, { recursive: true, force: true });
    }
});
