#include "host/rpc/validate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const rpc_validate_options execute = {.fork_id = 6, .enforce_counters = true};
static const rpc_validate_options gen_proof = {
    .fork_id = 5, .enforce_counters = false, .need_aggregator = true};

static uint8_t data[EXEC_BATCH_MAX_BYTES + 1];
static char sequencer[] = "0x00112233445566778899aAbBcCdDeEfF01234567";

static Zkprover__V1__PublicInputs good(void)
{
    Zkprover__V1__PublicInputs p = ZKPROVER__V1__PUBLIC_INPUTS__INIT;
    p.old_state_root = (ProtobufCBinaryData){32, data};
    p.old_acc_input_hash = (ProtobufCBinaryData){32, data + 32};
    p.global_exit_root = (ProtobufCBinaryData){32, data + 64};
    p.batch_l2_data = (ProtobufCBinaryData){100, data};
    p.chain_id = 1000;
    p.old_batch_num = 41;
    p.eth_timestamp = 99;
    p.sequencer_addr = sequencer;
    return p;
}

static p_status run(Zkprover__V1__PublicInputs *p, const rpc_validate_options *o,
                    state_request **out, p_err *err)
{
    Zkprover__V1__InputProver in = ZKPROVER__V1__INPUT_PROVER__INIT;
    in.public_inputs = p;
    *err = (p_err){0};
    return rpc_validate_input(&in, o, out, err);
}

static void refuse(Zkprover__V1__PublicInputs p, const rpc_validate_options *o, const char *field)
{
    state_request *req;
    p_err err;
    assert_int_equal(run(&p, o, &req, &err), P_EINVAL);
    assert_null(req);
    if (!strstr(err.text, field))
        fail_msg("'%s' does not name %s", err.text, field);
}

static void accepts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7 + 1);
    Zkprover__V1__PublicInputs p = good();
    state_request *req;
    p_err err;
    assert_int_equal(run(&p, &execute, &req, &err), P_OK);
    assert_int_equal(req->batch.fork_id, 6);
    assert_true(req->batch.enforce_counters);
    assert_int_equal(req->batch.chain_id, 1000);
    assert_int_equal(req->batch.old_batch_num, 41);
    assert_int_equal(req->batch.timestamp, 99);
    assert_int_equal(req->batch.l2_data_len, 100);
    assert_memory_equal(req->batch.l2_data, data, 100);
    assert_true(req->batch.l2_data != data);
    assert_memory_equal(req->batch.old_acc_input_hash.bytes, data + 32, 32);
    assert_memory_equal(req->batch.global_exit_root.bytes, data + 64, 32);
    /* big-endian: the first byte of the wire is the top byte of the top limb */
    assert_int_equal(req->batch.old_state_root.limb[3] >> 56, data[0]);
    assert_int_equal(req->batch.old_state_root.limb[0] & 0xff, data[31]);
    const uint8_t address[20] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99,
                                 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 0x01, 0x23, 0x45, 0x67};
    assert_memory_equal(req->batch.sequencer.bytes, address, 20);
    state_request_destroy(req);

    p.old_batch_num = UINT64_MAX - 1;
    p.chain_id = UINT64_MAX;
    p.batch_l2_data.len = EXEC_BATCH_MAX_BYTES;
    p.aggregator_addr = sequencer;
    assert_int_equal(run(&p, &gen_proof, &req, &err), P_OK);
    assert_int_equal(req->batch.fork_id, 5);
    assert_false(req->batch.enforce_counters);
    assert_memory_equal(req->aggregator.bytes, address, 20);
    state_request_destroy(req);

    p.batch_l2_data = (ProtobufCBinaryData){0, NULL};
    assert_int_equal(run(&p, &execute, &req, &err), P_OK);
    assert_int_equal(req->batch.l2_data_len, 0);
    state_request_destroy(req);
}

static void refuses(void **state)
{
    (void)state;
    static const size_t wrong[] = {0, 1, 31, 33, 64};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        Zkprover__V1__PublicInputs p = good();
        p.old_state_root.len = wrong[i];
        refuse(p, &execute, "old_state_root");
        p = good();
        p.old_acc_input_hash.len = wrong[i];
        refuse(p, &execute, "old_acc_input_hash");
        p = good();
        p.global_exit_root.len = wrong[i];
        refuse(p, &execute, "global_exit_root");
    }
    Zkprover__V1__PublicInputs p = good();
    p.old_batch_num = UINT64_MAX;
    refuse(p, &execute, "old_batch_num");
    p = good();
    p.chain_id = 0;
    refuse(p, &execute, "chain_id");
    p = good();
    p.batch_l2_data.len = EXEC_BATCH_MAX_BYTES + 1;
    refuse(p, &execute, "batch_l2_data");

    char *const addresses[] = {
        (char[]){"0x"},
        (char[]){"0x00112233445566778899aAbBcCdDeEfF0123456"},
        (char[]){"0x00112233445566778899aAbBcCdDeEfF012345678"},
        (char[]){"000112233445566778899aAbBcCdDeEfF012345678"},
        (char[]){"0X00112233445566778899aAbBcCdDeEfF01234567"},
        (char[]){"0x00112233445566778899aAbBcCdDeEfF0123456g"},
        (char[]){" 0x0112233445566778899aAbBcCdDeEfF01234567"},
    };
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        p = good();
        p.sequencer_addr = addresses[i];
        refuse(p, &execute, "sequencer_addr");
        p = good();
        p.aggregator_addr = addresses[i];
        refuse(p, &execute, "aggregator_addr");
    }
    p = good();
    p.sequencer_addr = p.aggregator_addr; /* empty */
    refuse(p, &execute, "sequencer_addr: it is absent");
    refuse(good(), &gen_proof, "aggregator_addr: it is absent");

    state_request *req;
    p_err err = {0};
    assert_int_equal(rpc_validate_input(NULL, &execute, &req, &err), P_EINVAL);
    assert_non_null(strstr(err.text, "input"));
    assert_int_equal(run(NULL, &execute, &req, &err), P_EINVAL);
    assert_non_null(strstr(err.text, "public_inputs"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(accepts), cmocka_unit_test(refuses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
