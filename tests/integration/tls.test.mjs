import { test, before, after, describe } from 'node:test';
import assert from 'node:assert/strict';
import net from 'node:net';
import tls from 'node:tls';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { execFile, execFileSync } from 'node:child_process';
import { join } from 'node:path';
import {
    grpc, startServer, connect, status, collect, execute, quickRequest, run, binFolder, sleep, tempFolder,
} from './helpers.mjs';
import { install, makeCa, makeCert } from './certs.mjs';

const { status: S } = grpc;
let folder, ca, stranger, good, renewed, expired, elsewhere, foreign, client, strangeClient;
before(() => {
    folder = tempFolder();
    ca = makeCa(folder, 'ca');
    stranger = makeCa(folder, 'stranger');
    good = makeCert(folder, ca, 'good');
    renewed = makeCert(folder, ca, 'renewed');
    expired = makeCert(folder, ca, 'expired', { days: -1 });
    elsewhere = makeCert(folder, ca, 'elsewhere', { san: 'DNS:elsewhere.example' });
    foreign = makeCert(folder, stranger, 'foreign');
    client = makeCert(folder, ca, 'client', { san: 'DNS:client.example' });
    strangeClient = makeCert(folder, stranger, 'strange-client', { san: 'DNS:client.example' });
});
after(() => rmSync(folder, { recursive: true, force: true }));

const credentials = (authority, own) => grpc.credentials.createSsl(
    readFileSync(authority.cert), own && readFileSync(own.key), own && readFileSync(own.cert));

/** One GetStatus on a connection of its own: 'ok', or the error. */
async function attempt(server, creds) {
    const c = connect(server, {}, creds);
    try {
        await status(c, { deadline: Date.now() + 5000 });
        return 'ok';
    } catch (error) {
        return error;
    } finally {
        c.close();
    }
}
function refused(result, pattern) {
    assert.notEqual(result, 'ok');
    assert.equal(result.code, S.UNAVAILABLE, result.message);
    if (pattern) assert.match(result.details, pattern);
}

/** The certificate that a new connection gets: its common name. */
const served = (server) => new Promise((done, fail) => {
    const socket = tls.connect({
        host: '127.0.0.1', port: server.port, ca: readFileSync(ca.cert), ALPNProtocols: ['h2'],
    }, () => { done(socket.getPeerCertificate().subject.CN); socket.destroy(); });
    socket.on('error', fail);
});

/** Waits for a new connection to get this certificate; the server looks at its files at most once a second. */
async function waitForCertificate(server, name, ms = 8000) {
    const end = Date.now() + ms;
    while (await served(server) !== name) {
        assert.ok(Date.now() < end, `still not ${name}: ${server.raw}`);
        await sleep(100);
    }
}

/** Garbage on the port, on connections that stay open meanwhile; the server closes them or lets them time out. */
async function garbage(server) {
    const sockets = [Buffer.alloc(0), Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), randomBytes(100000), Buffer.alloc(50000, 0xff),
        Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x0c\x04\0\0\0\0\0'), Buffer.from([0x16, 3, 1, 0xff, 0xff, 1, 0xff, 0xff, 0xff]),
        Buffer.concat([Buffer.from([0x16, 3, 1, 2, 0]), randomBytes(512)])].map((bytes) => {
        const socket = net.connect(server.port, '127.0.0.1');
        socket.on('error', () => {});
        socket.write(bytes);
        return socket;
    });
    await sleep(300);
    return () => sockets.forEach((s) => s.destroy());
}

describe('TLS', () => {
    let server, live;
    before(async () => {
        live = { cert: join(folder, 'live.pem'), key: join(folder, 'live.key') };
        install(good.cert, live.cert);
        install(good.key, live.key);
        server = await startServer(['--tls-cert', live.cert, '--tls-key', live.key]);
    });
    after(async () => {
        const end = await server?.stop();
        if (end) assert.equal(end.code, 0, server.raw);
    });

    test('a client that trusts the authority executes', async () => {
        assert.equal(server.events('serving')[0].tls, 'on');
        const c = connect(server, {}, credentials(ca));
        const { responses, code } = await execute(c, [quickRequest()]);
        c.close();
        assert.equal(code, S.OK);
        assert.equal(responses[0].result, 'RESULT_EXECUTE_COMPLETED_OK');
    });

    test('a client that trusts another authority refuses the server', async () => {
        refused(await attempt(server, credentials(stranger)), /certificate/);
    });

    test('a plain-text client is refused', async () => {
        refused(await attempt(server, grpc.credentials.createInsecure()));
        assert.equal(await attempt(server, credentials(ca)), 'ok');
    });

    test('TLS 1.1 is refused', async () => {
        const error = await new Promise((done) => {
            const socket = tls.connect({
                host: '127.0.0.1', port: server.port, ca: readFileSync(ca.cert), minVersion: 'TLSv1', maxVersion: 'TLSv1.1',
                ciphers: 'DEFAULT@SECLEVEL=0',
            }, () => { done(null); socket.destroy(); });
            socket.on('error', done);
        });
        assert.ok(error);
    });

    test('garbage on the port harms nobody', async () => {
        const close = await garbage(server);
        assert.equal(await attempt(server, credentials(ca)), 'ok');
        close();
        assert.equal(await attempt(server, credentials(ca)), 'ok');
    });

    test('a thousand failed handshakes are no thousand lines of log', async () => {
        const lines = () => server.events('grpc').length, before = lines();
        for (let i = 0; i < 20; i++) {
            await Promise.all(Array.from({ length: 50 }, () => new Promise((done) => {
                const socket = net.connect(server.port, '127.0.0.1', () => socket.end('GET / HTTP/1.1\r\n\r\n'));
                socket.on('error', done);
                socket.on('close', done);
                socket.resume();
            })));
        }
        assert.equal(await attempt(server, credentials(ca)), 'ok');
        assert.ok(lines() > before, 'they are logged');
        assert.ok(lines() - before < 100, `${lines() - before} lines`);
    });

    test('a new certificate is used without a restart, while a stream stays open', async () => {
        const c = connect(server, {}, credentials(ca));
        const stream = c.Execute();
        const result = collect(stream);
        stream.write(quickRequest());
        await stream.atLeast(1);
        assert.equal(await served(server), 'good');

        // the key first: for a while the pair does not match
        install(renewed.key, live.key);
        await sleep(1200);
        assert.equal(await served(server), 'good');
        await sleep(1200);
        assert.equal(await served(server), 'good');
        const errors = server.log.filter((l) => l.event === 'tls' && l.level === 'error').map((l) => l.text);
        assert.equal(errors.filter((t) => /key of another certificate/.test(t)).length, 1, errors.join('\n'));
        assert.ok(errors.some((t) => /stays in use/.test(t)));

        // half a certificate
        writeFileSync(live.cert, readFileSync(renewed.cert).subarray(0, 300));
        await sleep(1200);
        assert.equal(await served(server), 'good');

        install(renewed.cert, live.cert);
        await waitForCertificate(server, 'renewed');
        assert.ok(server.log.some((l) => l.event === 'tls' && l.level === 'info' && /loaded again/.test(l.text)));

        stream.write(quickRequest());
        await stream.atLeast(2);
        stream.end();
        assert.equal((await result).code, S.OK);
        c.close();
    });

    test('files that vanish change nothing until they are back', async () => {
        rmSync(live.key);
        rmSync(live.cert);
        await sleep(1200);
        assert.equal(await served(server), 'renewed');
        install(good.cert, live.cert);
        install(good.key, live.key);
        await waitForCertificate(server, 'good');
    });

    test('no key and no certificate appears in the log', () => {
        for (const file of [good, renewed].flatMap((p) => [p.key, p.cert]))
            for (const line of readFileSync(file, 'utf8').split('\n').filter((l) => l && !l.startsWith('---')))
                assert.ok(!server.raw.includes(line));
    });
});

test('an expired certificate: the log says so, and clients refuse it', async () => {
    const server = await startServer(['--tls-cert', expired.cert, '--tls-key', expired.key]);
    try {
        assert.ok(server.log.some((l) => l.event === 'tls' && l.level === 'error' && /expired/.test(l.text)), server.raw);
        refused(await attempt(server, credentials(ca)), /expired/);
    } finally {
        await server.stop();
    }
});

test('a certificate of another host is refused by the client', async () => {
    const server = await startServer(['--tls-cert', elsewhere.cert, '--tls-key', elsewhere.key]);
    try {
        refused(await attempt(server, credentials(ca)), /altnames|does not match/i);
    } finally {
        await server.stop();
    }
});

test('a certificate of an unknown authority is refused by the client', async () => {
    const server = await startServer(['--tls-cert', foreign.cert, '--tls-key', foreign.key]);
    try {
        refused(await attempt(server, credentials(ca)), /certificate/);
        assert.equal(await attempt(server, credentials(stranger)), 'ok');
    } finally {
        await server.stop();
    }
});

test('mutual TLS: only clients with a certificate of the authority are served', async () => {
    const server = await startServer(['--tls-cert', good.cert, '--tls-key', good.key, '--tls-client-ca', ca.cert],
        { env: { ZKPROVER_TLS_REQUIRE_CLIENT_CERT: 'true' } });
    try {
        assert.equal(server.events('serving')[0].tls, 'mutual');
        const accepted = connect(server, {}, credentials(ca, client));
        const { code } = await execute(accepted, [quickRequest()]);
        assert.equal(code, S.OK);
        refused(await attempt(server, credentials(ca)));
        refused(await attempt(server, credentials(ca, strangeClient)));
        refused(await attempt(server, grpc.credentials.createInsecure()));
        (await garbage(server))();
        assert.equal((await status(accepted)).state, 'STATUS_PROVER_IDLE');
        accepted.close();
    } finally {
        await server.stop();
    }
});

test('the command zkprover over mutual TLS', async () => {
    const server = await startServer(['--tls-cert', good.cert, '--tls-key', good.key, '--tls-client-ca', ca.cert],
        { env: { ZKPROVER_TLS_REQUIRE_CLIENT_CERT: 'true' } });
    const command = (...args) => new Promise((done) => {
        execFile(join(binFolder, 'zkprover'), ['status', '--json', '--addr', server.address(), '--connect-timeout', '5', ...args],
            (error, stdout, stderr) => done({ code: error ? error.code : 0, stdout, stderr }));
    });
    try {
        const r = await command('--tls-ca', ca.cert, '--tls-cert', client.cert, '--tls-key', client.key);
        assert.equal(r.code, 0, r.stderr);
        assert.match(r.stdout, /IDLE/i);
        for (const args of [[], ['--tls-ca', ca.cert], ['--tls-ca', stranger.cert, '--tls-cert', client.cert, '--tls-key', client.key],
            ['--tls-ca', ca.cert, '--tls-cert', strangeClient.cert, '--tls-key', strangeClient.key],
            ['--tls-ca', ca.cert, '--tls-cert', client.cert]]) {
            const refusal = await command(...args);
            assert.notEqual(refusal.code, 0, args.join(' '));
            assert.ok(refusal.stderr);
        }
    } finally {
        await server.stop();
    }
});

test('an expired client certificate is refused', async () => {
    const server = await startServer(['--tls-cert', good.cert, '--tls-key', good.key, '--tls-client-ca', ca.cert],
        { env: { ZKPROVER_TLS_REQUIRE_CLIENT_CERT: 'true' } });
    try {
        refused(await attempt(server, credentials(ca, expired)));
        assert.equal(await attempt(server, credentials(ca, client)), 'ok');
    } finally {
        await server.stop();
    }
});

test('the authority of clients is exchanged without a restart', async () => {
    const live = join(folder, 'client-ca.pem');
    install(ca.cert, live);
    const server = await startServer(['--tls-cert', good.cert, '--tls-key', good.key, '--tls-client-ca', live],
        { env: { ZKPROVER_TLS_REQUIRE_CLIENT_CERT: 'true' } });
    try {
        assert.equal(await attempt(server, credentials(ca, client)), 'ok');
        install(stranger.cert, live);
        const end = Date.now() + 8000;
        while (await attempt(server, credentials(ca, client)) === 'ok') assert.ok(Date.now() < end, server.raw);
        assert.equal(await attempt(server, credentials(ca, strangeClient)), 'ok');
    } finally {
        await server.stop();
    }
});

test('garbage on a plain port harms nobody', async () => {
    const server = await startServer();
    try {
        const close = await garbage(server);
        const c = connect(server);
        assert.equal((await status(c)).state, 'STATUS_PROVER_IDLE');
        close();
        assert.equal((await execute(c, [quickRequest()])).code, S.OK);
        c.close();
    } finally {
        assert.equal((await server.stop()).code, 0);
    }
});

test('--check names every problem of the files at once', async () => {
    const empty = join(folder, 'empty.pem'), open = join(folder, 'open.key'), soon = makeCert(folder, ca, 'soon', { days: 3 });
    writeFileSync(empty, '');
    const check = async (...args) => {
        const env = { ZKPROVER_TLS_REQUIRE_CLIENT_CERT: args.includes('--tls-client-ca') ? 'true' : 'false' };
        return run(['--check', '--data-dir', folder, ...args], { env });
    };
    assert.equal((await check('--tls-cert', good.cert, '--tls-key', good.key, '--tls-client-ca', ca.cert)).stdout, 'ok\n');

    let r = await check('--tls-cert', empty, '--tls-key', join(folder, 'nothing.key'), '--tls-client-ca', folder);
    assert.equal(r.code, 4);
    assert.match(r.stdout, /empty\.pem: no certificate/);
    assert.match(r.stdout, /nothing\.key: No such file/);
    assert.match(r.stdout, /no regular file/);

    r = await check('--tls-cert', good.cert, '--tls-key', renewed.key);
    assert.equal(r.code, 4);
    assert.match(r.stdout, /key of another certificate/);

    r = await check('--tls-cert', expired.cert, '--tls-key', expired.key);
    assert.equal(r.code, 4);
    assert.match(r.stdout, /expired at/);

    install(soon.key, open);
    chmodSync(open, 0o644);
    r = await check('--tls-cert', soon.cert, '--tls-key', open);
    assert.equal(r.code, 0, r.stdout);
    assert.match(r.stdout, /warning: .*expires at .*in [23] days/);
    assert.match(r.stdout, /warning: .*mode is 644/);

    execFileSync('openssl', ['ec', '-in', good.key, '-aes256', '-passout', 'pass:x', '-out', join(folder, 'locked.key')], { stdio: 'ignore' });
    r = await check('--tls-cert', good.cert, '--tls-key', join(folder, 'locked.key'));
    assert.equal(r.code, 4);
    assert.match(r.stdout, /without a password/);

    // combinations that are no transport, together with another problem
    r = await check('--tls-cert', good.cert, '--log-level', 'loud');
    assert.equal(r.code, 3);
    assert.match(r.stdout, /tls\.key: it is not set/);
    assert.match(r.stdout, /log_level/);
    r = await run(['--check', '--data-dir', folder], { env: { ZKPROVER_TLS_REQUIRE_CLIENT_CERT: 'true' } });
    assert.equal(r.code, 3);
    assert.match(r.stdout, /tls\.client_ca does not say/);
    r = await run(['--check', '--data-dir', folder, '--tls-cert', good.cert, '--tls-key', good.key, '--tls-client-ca', ca.cert]);
    assert.equal(r.code, 3);
    assert.match(r.stdout, /require_client_cert is not true/);
});

test('a server whose certificates cannot be used does not start', async () => {
    const r = await run(['--listen', '127.0.0.1:0', '--data-dir', folder, '--tls-cert', good.cert, '--tls-key', renewed.key]);
    assert.equal(r.code, 4);
    assert.match(r.stderr, /key of another certificate/);
});

test('an address that other machines reach needs TLS or a word of consent', async () => {
    const listen = ['--check', '--data-dir', folder, '--listen', '0.0.0.0:0'];
    const plain = await run(listen);
    assert.equal(plain.code, 3);
    assert.match(plain.stdout, /reachable from other machines/);
    assert.equal((await run([...listen, '--tls-cert', good.cert, '--tls-key', good.key])).code, 0);
});
