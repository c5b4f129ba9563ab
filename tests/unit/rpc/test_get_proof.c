#include "host/rpc/service_internal.h"
#include "host/rpc/wire.h"

#include "zkprover/v1/zk_prover.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RESULT(name) ZKPROVER__V1__GET_PROOF_RESPONSE__RESULT_GET_PROOF__RESULT_GET_PROOF_##name

/** What a client reads; free with zkprover__v1__get_proof_response__free_unpacked. */
static Zkprover__V1__GetProofResponse *answer(jobs_why why, const job_view *view,
                                              const p_err *reason, bool *failed)
{
    uint8_t *bytes;
    size_t len;
    char text[P_ERR_TEXT_BYTES];
    p_err err = {0};
    assert_int_equal(
        service_get_proof_pack("An-Id", why, view, reason, &bytes, &len, failed, text, &err), P_OK);
    Zkprover__V1__GetProofResponse *r = zkprover__v1__get_proof_response__unpack(NULL, len, bytes);
    free(bytes);
    assert_non_null(r);
    assert_string_equal(r->id, "An-Id");
    assert_string_equal(r->result_string, text);
    return r;
}

static void check(jobs_why why, const job_view *view, const p_err *reason,
                  Zkprover__V1__GetProofResponse__ResultGetProof result, const char *text)
{
    bool failed;
    Zkprover__V1__GetProofResponse *r = answer(why, view, reason, &failed);
    assert_int_equal(r->result, result);
    assert_non_null(strstr(r->result_string, text));
    assert_int_equal(failed, result == RESULT(ERROR));
    assert_null(r->proof);
    assert_null(r->public_);
    zkprover__v1__get_proof_response__free_unpacked(r, NULL);
}

static void every_state_has_its_answer(void **state)
{
    (void)state;
    p_err broken = {0};
    p_err_set(&broken, P_EIO, "the disk is gone");
    const job_view waits = {.state = JOB_PENDING, .position = 7, .text = ""};
    const job_view begins = {.state = JOB_RUNNING, .text = ""};
    const job_view runs = {.state = JOB_RUNNING, .stage = "S0", .percent = 42, .text = ""};
    const job_view wrong = {.state = JOB_COMPLETED_ERROR, .text = "no such root"};
    const job_view fault = {.state = JOB_INTERNAL_ERROR, .text = "our fault"};
    const job_view gone = {.state = JOB_CANCELLED, .text = "cancelled"};
    check(JOBS_WHY_TIMEOUT, &waits, NULL, RESULT(PENDING), "pending: 7 in front in the queue");
    check(JOBS_WHY_TIMEOUT, &begins, NULL, RESULT(PENDING), "running");
    check(JOBS_WHY_TIMEOUT, &runs, NULL, RESULT(PENDING), "running: S0, 42 %");
    check(JOBS_WHY_DRAIN, &runs, NULL, RESULT(PENDING),
          "running: S0, 42 %; the server is shutting");
    check(JOBS_WHY_HALT, &waits, &broken, RESULT(PENDING), "halted: the disk is gone");
    check(JOBS_WHY_ENDED, &wrong, NULL, RESULT(COMPLETED_ERROR), "no such root");
    check(JOBS_WHY_ENDED, &fault, NULL, RESULT(INTERNAL_ERROR), "our fault");
    check(JOBS_WHY_ENDED, &gone, NULL, RESULT(CANCEL), "cancelled");
    check(JOBS_WHY_UNKNOWN, NULL, NULL, RESULT(ERROR), "no such job");
    check(JOBS_WHY_FAILED, NULL, &broken, RESULT(INTERNAL_ERROR), "the disk is gone");
}

static uint8_t *packed(const ProtobufCMessage *m, size_t *len)
{
    uint8_t *bytes;
    p_err err = {0};
    assert_int_equal(rpc_wire_pack(m, SIZE_MAX, &bytes, len, &err), P_OK);
    return bytes;
}

static void a_stored_proof_is_handed_out(void **state)
{
    (void)state;
    char one[] = "1", two[] = "2";
    char *coordinates[] = {one, two};
    Zkprover__V1__ProofB b0 = ZKPROVER__V1__PROOF_B__INIT, b1 = b0;
    Zkprover__V1__ProofB *b[] = {&b0, &b1};
    Zkprover__V1__Proof proof = ZKPROVER__V1__PROOF__INIT;
    Zkprover__V1__PublicInputsExtended publics = ZKPROVER__V1__PUBLIC_INPUTS_EXTENDED__INIT;
    b0.n_proofs = b1.n_proofs = proof.n_proof_a = proof.n_proof_b = proof.n_proof_c = 2;
    b0.proofs = b1.proofs = proof.proof_a = proof.proof_c = coordinates;
    proof.proof_b = b;
    publics.new_batch_num = 9;
    job_view v = {.state = JOB_COMPLETED_OK, .text = ""};
    uint8_t *proof_bytes = packed(&proof.base, &v.proof_len);
    uint8_t *publics_bytes = packed(&publics.base, &v.publics_len);
    v.proof = proof_bytes;
    v.publics = publics_bytes;
    bool failed;
    Zkprover__V1__GetProofResponse *r = answer(JOBS_WHY_ENDED, &v, NULL, &failed);
    assert_int_equal(r->result, RESULT(COMPLETED_OK));
    assert_false(failed);
    assert_int_equal(r->proof->n_proof_a, 2);
    assert_string_equal(r->proof->proof_b[1]->proofs[1], "2");
    assert_int_equal(r->public_->new_batch_num, 9);
    zkprover__v1__get_proof_response__free_unpacked(r, NULL);

    /* half a proof is no proof */
    v.proof_len--;
    check(JOBS_WHY_ENDED, &v, NULL, RESULT(INTERNAL_ERROR), "the stored proof cannot be read");
    v.proof_len++;
    v.publics_len--;
    check(JOBS_WHY_ENDED, &v, NULL, RESULT(INTERNAL_ERROR), "the stored proof cannot be read");
    free(proof_bytes);
    free(publics_bytes);
}

/** A long reason is cut before a character, wherever the cut falls: strict clients refuse a string
 *  that is no UTF-8. */
static void a_long_reason_stays_utf8(void **state)
{
    (void)state;
    const job_view waits = {.state = JOB_PENDING, .text = ""};
    for (size_t shift = 0; shift < 2; shift++) {
        p_err reason = {.status = P_EIO};
        memset(reason.text, 'x', shift);
        for (size_t i = 0; i < 450; i++) /* U+00E9, two bytes */
            memcpy(reason.text + shift + 2 * i, "\xc3\xa9", 2);
        for (int view = 0; view < 2; view++) {
            bool failed;
            Zkprover__V1__GetProofResponse *r = answer(view ? JOBS_WHY_HALT : JOBS_WHY_FAILED,
                                                       view ? &waits : NULL, &reason, &failed);
            assert_non_null(strstr(r->result_string, "\xc3\xa9"));
            for (const char *c = r->result_string; *c; c++)
                if (*c == '\xc3')
                    assert_int_equal((unsigned char)*++c, 0xa9);
            zkprover__v1__get_proof_response__free_unpacked(r, NULL);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_state_has_its_answer),
        cmocka_unit_test(a_long_reason_stays_utf8),
        cmocka_unit_test(a_stored_proof_is_handed_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
