// Reflection, asked by a client library that is not ours, and with bytes.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { join } from 'node:path';
import protoLoader from '@grpc/proto-loader';
import { GrpcReflection } from 'grpc-js-reflection-client';
import { grpc, root, startServer, collect, quickRequest } from './helpers.mjs';

const { status: S } = grpc;
const SERVICES = ['grpc.health.v1.Health', 'grpc.reflection.v1.ServerReflection', 'grpc.reflection.v1alpha.ServerReflection',
    'zkprover.v1.ZKProverService'];
let server;
before(async () => { server = await startServer(); });
after(async () => {
    const end = await server?.stop();
    if (end) assert.equal(end.code, 0, server.raw);
});
const reflection = (version) => new GrpcReflection(server.address(), grpc.credentials.createInsecure(), {}, version);

for (const version of ['v1', 'v1alpha']) {
    test(`${version}: services, methods and their messages`, async () => {
        const client = reflection(version);
        assert.deepEqual((await client.listServices()).sort(), SERVICES);
        const methods = await client.listMethods('zkprover.v1.ZKProverService');
        const loaded = protoLoader.loadSync(join(root, 'proto/zkprover/v1/zk_prover.proto'), { keepCase: true })['zkprover.v1.ZKProverService'];
        assert.deepEqual(methods.map((m) => m.name).sort(), Object.keys(loaded).sort());
        for (const m of methods) {
            assert.equal(m.definition.path, loaded[m.name].path);
            assert.equal(m.definition.requestStream, loaded[m.name].requestStream);
            assert.equal(m.definition.responseStream, loaded[m.name].responseStream);
        }
        assert.deepEqual((await client.listMethods('grpc.health.v1.Health')).map((m) => m.name).sort(), ['Check', 'Watch']);
    });

    test(`${version}: a client made of nothing but reflection executes a batch`, async () => {
        const descriptor = await reflection(version).getDescriptorBySymbol('zkprover.v1.ZKProverService');
        const made = descriptor.getPackageObject({ keepCase: true, longs: String, enums: String, bytes: Buffer });
        const client = new made.zkprover.v1.ZKProverService(server.address(), grpc.credentials.createInsecure());
        const stream = client.Execute();
        const result = collect(stream);
        const request = quickRequest();
        request.input.db = []; // protobufjs makes arrays of entries of the maps in a descriptor
        request.input.contracts_bytecode = [];
        stream.write(request);
        stream.end();
        const { responses, code, details } = await result;
        client.close();
        assert.equal(code, S.OK, details);
        assert.equal(responses[0].result, 'RESULT_EXECUTE_COMPLETED_OK');
    });

    test(`${version}: symbols of every kind, files, and what there is not`, async () => {
        const client = reflection(version);
        for (const symbol of ['zkprover.v1.ZKProverService', 'zkprover.v1.ZKProverService.Execute', 'zkprover.v1.ExecuteRequest',
            'zkprover.v1.PublicInputs', 'zkprover.v1.PublicInputs.chain_id', 'zkprover.v1.InputProver.DbEntry',
            'zkprover.v1.GetStatusResponse.StatusProver', 'zkprover.v1.GetStatusResponse.STATUS_PROVER_IDLE']) {
            const message = (await client.getDescriptorBySymbol(symbol)).getDescriptorMessage();
            assert.ok(JSON.stringify(message).includes('ZKProverService'), symbol);
        }
        const file = await client.getDescriptorByFileName('zkprover/v1/zk_prover.proto');
        assert.ok(JSON.stringify(file.getDescriptorMessage()).includes('ZKProverService'));
        for (const symbol of ['', '.', 'zkprover', 'zkprover.v1', 'zkprover.v1.', '.zkprover.v1.ExecuteRequest', 'zkprover.v1.ExecuteReques',
            'zkprover.v1.ExecuteRequest.nothing', 'zkprover.v1.ZKProverService.Execute.x', 'zkprover.v2.ExecuteRequest'])
            await assert.rejects(client.getDescriptorBySymbol(symbol), /no symbol/, symbol);
        await assert.rejects(client.getDescriptorByFileName('zk_prover.proto'), /no file/);
        await assert.rejects(client.getDescriptorByFileName('../../../etc/passwd'), /no file/);
        assert.deepEqual((await client.getAllExtensionNumbersOfType('zkprover.v1.ExecuteRequest')).extension_number, []);
        await assert.rejects(client.getAllExtensionNumbersOfType('zkprover.v1.Nothing'), /no message type/);
    });
}

const own = grpc.loadPackageDefinition(protoLoader.loadSync(join(root, 'proto/grpc/reflection/v1/reflection.proto'),
    { keepCase: true, defaults: false, oneofs: true })).grpc.reflection.v1.ServerReflection;

test('several questions on one stream, answered in order with what was asked', async () => {
    const client = new own(server.address(), grpc.credentials.createInsecure());
    const stream = client.ServerReflectionInfo();
    const result = collect(stream);
    stream.write({ host: 'h', file_containing_extension: { containing_type: 'zkprover.v1.ExecuteRequest', extension_number: 7 } });
    stream.write({ list_services: '*' });
    stream.write({});
    stream.write({ file_containing_symbol: 'zkprover.v1.Proof' });
    stream.end();
    const { responses, code, details } = await result;
    client.close();
    assert.equal(code, S.OK, details);
    assert.deepEqual(responses.map((r) => r.message_response),
        ['error_response', 'list_services_response', 'error_response', 'file_descriptor_response']);
    assert.equal(responses[0].error_response.error_code, S.NOT_FOUND);
    assert.equal(responses[0].valid_host, 'h');
    assert.equal(responses[0].original_request.file_containing_extension.extension_number, 7);
    assert.equal(responses[2].error_response.error_code, S.INVALID_ARGUMENT);
    assert.equal(responses[3].original_request.file_containing_symbol, 'zkprover.v1.Proof');
});

test('bytes that are no request, and requests without end, are refused', async () => {
    const client = new own(server.address(), grpc.credentials.createInsecure());
    const send = (bytes) => {
        const s = client.makeBidiStreamRequest('/grpc.reflection.v1.ServerReflection/ServerReflectionInfo', (b) => b, (b) => b);
        const result = collect(s);
        s.write(bytes);
        s.end();
        return result;
    };
    assert.equal((await send(Buffer.from([0x22, 9, 1]))).code, S.INVALID_ARGUMENT);
    assert.equal((await send(Buffer.from([0x22, 1, 0xfe]))).code, S.INVALID_ARGUMENT);
    const long = Buffer.concat([Buffer.from([0x22, 0x88, 0x27]), Buffer.alloc(5000, 0x41)]);
    const refused = await send(long);
    assert.equal(refused.code, S.INVALID_ARGUMENT);
    assert.match(refused.details, /5003 bytes/);
    client.close();
});

test('grpc.reflection false: there is none', async () => {
    const without = await startServer([], { env: { ZKPROVER_GRPC_REFLECTION: 'false' } });
    try {
        await assert.rejects(new GrpcReflection(without.address(), grpc.credentials.createInsecure(), {}, 'v1').listServices());
    } finally {
        await without.stop();
    }
});
