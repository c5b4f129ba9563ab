import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import net from 'node:net';
import { join } from 'node:path';
import protoLoader from '@grpc/proto-loader';
import {
    grpc, root, startServer, connect, status, collect, execute, longRequest, quickRequest, sleep, sanitized,
} from './helpers.mjs';

const { status: S } = grpc;
const definition = protoLoader.loadSync(join(root, 'proto/grpc/health/v1/health.proto'), {
    keepCase: true, enums: String, defaults: true,
});
const Health = grpc.loadPackageDefinition(definition).grpc.health.v1.Health;
const SERVICE = 'zkprover.v1.ZKProverService';

const health = (server) => new Health(server.address(), grpc.credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });
const check = (client, service) => new Promise((done) => {
    client.Check({ service }, { deadline: Date.now() + 10000 }, (error, value) => done(error || value.status));
});
function watch(client, service) {
    const stream = client.Watch({ service });
    stream.end = collect(stream);
    return stream;
}

let server, client;
before(async () => { server = await startServer(['--workers', '1']); client = health(server); });
after(async () => {
    client?.close();
    const end = await server?.stop();
    if (end) assert.equal(end.code, 0, server.raw);
});

test('Check: the server, its service, and others', async () => {
    assert.equal(await check(client, ''), 'SERVING');
    assert.equal(await check(client, SERVICE), 'SERVING');
    for (const other of ['zkprover.v1', 'zkprover.v1.ZKProverServic', `${SERVICE}2`, 'x'.repeat(900)]) {
        const error = await check(client, other);
        assert.equal(error.code, S.NOT_FOUND, other);
    }
    assert.match((await check(client, 'no.such')).details, /'no\.such'/);
});

test('Check: bytes that are no request', async () => {
    const raw = (bytes) => new Promise((done) => {
        client.makeUnaryRequest('/grpc.health.v1.Health/Check', (b) => b, (b) => b, bytes, (e) => done(e));
    });
    assert.equal((await raw(Buffer.from([0x0a, 5, 1]))).code, S.INVALID_ARGUMENT);
    assert.equal((await raw(Buffer.from([0x0a, 1, 0xff]))).code, S.INVALID_ARGUMENT, 'no UTF-8');
    assert.equal((await raw(Buffer.from([0x0a, 1, 0]))).code, S.INVALID_ARGUMENT, 'a NUL');
    assert.equal((await raw(Buffer.concat([Buffer.from([0x0a, 0x88, 0x27]), Buffer.alloc(5000, 0x41)]))).code, S.INVALID_ARGUMENT);
    const watched = await new Promise((done) => {
        const s = client.makeServerStreamRequest('/grpc.health.v1.Health/Watch', (b) => b, (b) => b, Buffer.from([0x0a, 1, 0xff]));
        s.on('data', () => {});
        s.on('error', done);
    });
    assert.equal(watched.code, S.INVALID_ARGUMENT);
});

test('Watch: the status at once; an unknown service keeps its stream', async () => {
    const known = watch(client, SERVICE), all = watch(client, ''), unknown = watch(client, 'no.such');
    await Promise.all([known, all, unknown].map((s) => s.atLeast(1)));
    assert.equal(known.responses[0].status, 'SERVING');
    assert.equal(all.responses[0].status, 'SERVING');
    assert.equal(unknown.responses[0].status, 'SERVICE_UNKNOWN');
    await sleep(200);
    for (const s of [known, all, unknown]) {
        assert.equal(s.responses.length, 1);
        s.cancel();
        assert.equal((await s.end).code, S.CANCELLED);
    }
    assert.equal(await check(client, ''), 'SERVING');
});

test('watchers that come and go in numbers leave nothing behind', async () => {
    const n = sanitized ? 100 : 500, before = server.threads();
    for (let round = 0; round < 3; round++) {
        const streams = Array.from({ length: n }, () => watch(client, SERVICE));
        await Promise.all(streams.map((s) => s.atLeast(1)));
        assert.ok(server.threads() <= before + 8, `${before} threads, then ${server.threads()}`);
        for (const s of streams) s.cancel();
        await Promise.all(streams.map((s) => s.end));
    }
    // and some that vanish with their connection
    for (let i = 0; i < 5; i++) {
        const c = health(server);
        const s = watch(c, '');
        await s.atLeast(1);
        c.close();
        s.cancel();
        await s.end;
    }
    const socket = net.connect(server.port, '127.0.0.1');
    await new Promise((done) => { socket.on('connect', done); });
    socket.resetAndDestroy();
    assert.equal(await check(client, ''), 'SERVING');
});

test('draining: NOT_SERVING to watchers and to new questions, while running calls finish', async () => {
    const draining = await startServer(['--workers', '1', '--drain-seconds', '3']);
    const c = health(draining), executor = connect(draining);
    const watcher = watch(c, SERVICE), unknown = watch(c, 'no.such');
    await watcher.atLeast(1);
    await unknown.atLeast(1);
    const running = executor.Execute();
    const end = collect(running);
    running.write(longRequest());
    await sleep(500);
    draining.child.kill('SIGTERM');
    await watcher.atLeast(2);
    assert.deepEqual(watcher.responses.map((r) => r.status), ['SERVING', 'NOT_SERVING']);
    assert.equal(unknown.responses.length, 1);
    assert.equal(await check(c, SERVICE), 'NOT_SERVING');
    assert.equal(await check(c, ''), 'NOT_SERVING');
    const late = watch(c, '');
    await late.atLeast(1);
    assert.equal(late.responses[0].status, 'NOT_SERVING');
    assert.equal(running.responses.length, 0, 'the batch still runs');
    await end;
    const exit = await draining.exited; // watchers do not hold it up
    assert.equal(exit.code, 0, draining.raw);
    for (const s of [watcher, unknown, late]) assert.notEqual((await s.end).code, S.OK);
    c.close();
    executor.close();
});

test('the service works beside all that', async () => {
    const c = connect(server);
    assert.equal((await status(c)).state, 'STATUS_PROVER_IDLE');
    assert.equal((await execute(c, [quickRequest()])).code, S.OK);
    c.close();
});
