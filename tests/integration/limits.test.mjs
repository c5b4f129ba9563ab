// Limits for one client address: others are served when one has used up its share.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import net from 'node:net';
import http2 from 'node:http2';
import {
    grpc, startServer, connect, collect, status, execute, emptyStateRequest, longRequest, quickRequest, sleep, until, sanitized,
} from './helpers.mjs';

const { status: S } = grpc;

/** The gRPC status of one GetStatus from another address of this machine. */
async function statusFrom(server, localAddress) {
    const session = http2.connect(`http://127.0.0.1:${server.port}`, {
        createConnection: () => net.connect({ port: server.port, host: '127.0.0.1', localAddress }),
    });
    try {
        return await new Promise((done, fail) => {
            session.on('error', fail);
            const r = session.request({
                ':method': 'POST', ':path': '/zkprover.v1.ZKProverService/GetStatus', te: 'trailers', 'content-type': 'application/grpc',
            });
            let code;
            const note = (h) => { code = h['grpc-status'] ?? code; };
            r.on('response', note);
            r.on('trailers', note);
            r.on('end', () => done(Number(code)));
            r.on('error', fail);
            r.end(Buffer.alloc(5));
            r.resume();
        });
    } finally {
        session.close();
    }
}

test('one address has its number of calls, over all its connections; another address has its own', async () => {
    const server = await startServer([], { env: { ZKPROVER_GRPC_MAX_CLIENT_CALLS: '4' } });
    const clients = [connect(server), connect(server)];
    try {
        const streams = [0, 1, 0, 1].map((i) => { const s = clients[i].Execute(); return [s, collect(s)]; });
        for (const [s] of streams) { s.write(quickRequest()); await s.atLeast(1); }
        for (const c of clients) {
            const refused = await execute(c, [quickRequest()]);
            assert.equal(refused.code, S.RESOURCE_EXHAUSTED);
            assert.match(refused.details, /4 calls of this client's address/);
        }
        assert.equal(await statusFrom(server, '127.0.0.1'), S.RESOURCE_EXHAUSTED);
        assert.equal(await statusFrom(server, '127.0.0.2'), S.OK);
        for (const [s, end] of streams) { s.end(); assert.equal((await end).code, S.OK); }
        assert.equal((await execute(clients[0], [quickRequest()])).code, S.OK);
        assert.equal(await statusFrom(server, '127.0.0.1'), S.OK);
    } finally {
        for (const c of clients) c.close();
        assert.equal((await server.stop()).code, 0, server.raw);
    }
});

for (const [whose, variable, said] of [
    ['of one address', 'ZKPROVER_GRPC_MAX_CLIENT_INFLIGHT_BYTES', /of this client's address .*limit 300000/],
    ['of all clients', 'ZKPROVER_GRPC_MAX_INFLIGHT_BYTES', /in work/],
]) {
    test(`bytes in work, ${whose}: more than the limit is RESOURCE_EXHAUSTED`, async () => {
        const server = await startServer(['--workers', '1', '--max-message-bytes', '200000'],
            { env: { [variable]: '300000' } });
        const c = connect(server);
        try {
            const long = c.Execute();
            const longEnd = collect(long);
            long.write(longRequest()); // about 110,000 bytes
            await sleep(500);
            const big = () => execute(c, [emptyStateRequest(Buffer.alloc(110000, 0xff))], { deadline: 15000 });
            const waiting = big();
            await sleep(500);
            const refused = await big();
            assert.equal(refused.code, S.RESOURCE_EXHAUSTED);
            assert.match(refused.details, said);
            long.cancel();
            await longEnd;
            assert.equal((await waiting).code, S.OK);
            assert.equal((await big()).code, S.OK);
        } finally {
            c.close();
            assert.equal((await server.stop()).code, 0, server.raw);
        }
    });
}

test('a longer message than allowed is refused before it is read', async () => {
    const server = await startServer(['--max-message-bytes', '2000']);
    const c = connect(server);
    try {
        const refused = await execute(c, [emptyStateRequest(Buffer.alloc(3000))]);
        assert.equal(refused.code, S.RESOURCE_EXHAUSTED);
        assert.equal((await execute(c, [emptyStateRequest(Buffer.alloc(0))])).code, S.OK);
    } finally {
        c.close();
        assert.equal((await server.stop()).code, 0, server.raw);
    }
});

test('no file can be opened any more: connections are refused, and served again when there is room', { skip: sanitized }, async () => {
    const server = await startServer([], { wrapper: ['prlimit', '--nofile=64:64'] });
    const early = connect(server);
    const sockets = [];
    try {
        assert.equal((await status(early)).state, 'STATUS_PROVER_IDLE');
        let refused = 0;
        for (let i = 0; i < 150; i++) {
            const s = net.connect(server.port, '127.0.0.1');
            s.on('error', () => {});
            s.on('close', () => { refused++; });
            sockets.push(s);
        }
        await until(() => refused >= 80);
        assert.ok(refused >= 80, `${refused} of 150 refused`);
        assert.ok(await until(() => server.events('grpc').some((l) => /connections were refused: Too many open files/.test(l.text))), server.raw);
        assert.ok(server.log.length < 20, 'it is not said for each');
        assert.equal((await status(early)).state, 'STATUS_PROVER_IDLE', 'who is connected is served');
        for (const s of sockets) s.destroy();
        await sleep(500);
        const late = connect(server);
        assert.equal((await status(late)).state, 'STATUS_PROVER_IDLE');
        late.close();
    } finally {
        for (const s of sockets) s.destroy();
        early.close();
        assert.equal((await server.stop()).code, 0, server.raw);
    }
});
