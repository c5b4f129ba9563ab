#include "host/rpc/wire.h"

#include "zkprover/v1/zk_prover.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TYPE (&zkprover__v1__execute_request__descriptor)

/* ---- UTF-8 against the definition: each string of up to three bytes, samples of four ---- */

/** Decodes as RFC 3629 defines it: a character is valid if encoding its number gives the same
 * bytes. */
static bool slow_utf8(const uint8_t *s, size_t len)
{
    while (len) {
        bool found = false;
        for (unsigned n = 1; n <= 4 && n <= len && !found; n++) {
            static const uint8_t lead_mask[] = {0x7f, 0x1f, 0x0f, 0x07};
            static const uint8_t lead[] = {0x00, 0xc0, 0xe0, 0xf0};
            uint32_t v = s[0] & lead_mask[n - 1];
            for (unsigned i = 1; i < n; i++)
                v = v << 6 | (s[i] & 0x3f);
            unsigned need = v < 0x80 ? 1 : v < 0x800 ? 2 : v < 0x10000 ? 3 : 4;
            if (need != n || v == 0 || v > 0x10ffff || (v >> 11) == 0x1b)
                continue;
            bool same = s[0] == (uint8_t)(lead[n - 1] | (v >> (6 * (n - 1))));
            for (unsigned i = 1; i < n; i++)
                same = same && s[i] == (uint8_t)(0x80 | ((v >> (6 * (n - 1 - i))) & 0x3f));
            if (same) {
                s += n;
                len -= n;
                found = true;
            }
        }
        if (!found)
            return false;
    }
    return true;
}

static void utf8_exhaustive(void **state)
{
    (void)state;
    size_t bad;
    uint8_t s[4];
    for (uint32_t v = 0; v < 1u << 24; v += v < 1u << 16 ? 1 : 7) {
        s[0] = (uint8_t)(v >> 16), s[1] = (uint8_t)(v >> 8), s[2] = (uint8_t)v;
        for (size_t n = 1; n <= 3; n++)
            if (rpc_wire_utf8(s + 3 - n, n, &bad) != slow_utf8(s + 3 - n, n))
                fail_msg("%zu bytes of %06x", n, v);
    }
    uint32_t x = 1;
    for (int i = 0; i < 1000000; i++) {
        x = x * 1664525 + 1013904223;
        uint32_t y = x >> 3;
        s[0] = (uint8_t)(0xef + (y & 7)), s[1] = (uint8_t)(0x7c + (y >> 3 & 0x7f));
        s[2] = (uint8_t)(0x7c + (y >> 10 & 0x47)), s[3] = (uint8_t)(0x7c + (y >> 17 & 0x47));
        if (rpc_wire_utf8(s, 4, &bad) != slow_utf8(s, 4))
            fail_msg("%02x%02x%02x%02x", s[0], s[1], s[2], s[3]);
    }
    assert_int_equal(rpc_wire_utf8((const uint8_t *)"ab\0c", 4, &bad), 0);
    assert_int_equal(bad, 2);
    assert_int_equal(rpc_wire_utf8(s, 0, &bad), 1);
}

/* ---- messages ---- */

/** A request with every field, packed by protobuf-c. */
static uint8_t *make_request(size_t *len)
{
    static uint8_t bytes[32] = {1, 2, 3};
    static char address[] = "0x1111111111111111111111111111111111111111";
    static char key[] = "k\xc3\x9f", value[] = "value";
    Zkprover__V1__PublicInputs p = ZKPROVER__V1__PUBLIC_INPUTS__INIT;
    p.old_state_root = p.old_acc_input_hash = p.batch_l2_data = p.global_exit_root =
        (ProtobufCBinaryData){sizeof bytes, bytes};
    p.old_batch_num = UINT64_MAX;
    p.chain_id = 1000;
    p.eth_timestamp = 77;
    p.sequencer_addr = p.aggregator_addr = address;
    Zkprover__V1__InputProver__DbEntry e = ZKPROVER__V1__INPUT_PROVER__DB_ENTRY__INIT;
    e.key = key;
    e.value = value;
    Zkprover__V1__InputProver__DbEntry *es[] = {&e, &e};
    Zkprover__V1__InputProver in = ZKPROVER__V1__INPUT_PROVER__INIT;
    in.public_inputs = &p;
    in.n_db = 2;
    in.db = es;
    Zkprover__V1__ExecuteRequest r = ZKPROVER__V1__EXECUTE_REQUEST__INIT;
    r.input = &in;
    uint8_t *out;
    p_err err = {0};
    assert_int_equal(rpc_wire_pack(&r.base, SIZE_MAX, &out, len, &err), P_OK);
    return out;
}

static void good_message(void **state)
{
    (void)state;
    size_t len;
    uint8_t *bytes = make_request(&len);
    ProtobufCMessage *m;
    rpc_wire_arena *arena;
    p_err err = {0};
    assert_int_equal(rpc_wire_unpack(TYPE, bytes, len, &m, &arena, &err), P_OK);
    free(bytes); /* the message must not point into it */
    const Zkprover__V1__InputProver *in = ((const Zkprover__V1__ExecuteRequest *)m)->input;
    assert_int_equal(in->n_db, 2);
    assert_string_equal(in->db[1]->key, "k\xc3\x9f");
    assert_int_equal(in->public_inputs->old_batch_num, UINT64_MAX);
    assert_int_equal(in->public_inputs->old_state_root.len, 32);
    rpc_wire_free(arena);

    assert_int_equal(rpc_wire_unpack(TYPE, (const uint8_t *)"", 0, &m, &arena, &err), P_OK);
    assert_null(((const Zkprover__V1__ExecuteRequest *)m)->input);
    rpc_wire_free(arena);
    rpc_wire_free(NULL);
}

/** The check and protobuf-c agree on every cut and every changed byte: what the check lets through,
 * protobuf-c takes, and no string of it was shortened by a NUL. */
static void damaged_messages(void **state)
{
    (void)state;
    size_t len;
    uint8_t *bytes = make_request(&len);
    unsigned taken = 0, refused = 0;
    for (size_t i = 0; i < len; i++) {
        for (unsigned v = 0; v < 257; v++) {
            /* exactly as long as it says, so that a sanitizer sees reading beyond it */
            size_t n = v < 256 ? len : i;
            uint8_t *copy = malloc(n ? n : 1);
            memcpy(copy, bytes, n);
            if (v < 256)
                copy[i] = (uint8_t)v;
            ProtobufCMessage *m;
            rpc_wire_arena *arena;
            p_err err = {0};
            p_status st = rpc_wire_unpack(TYPE, copy, n, &m, &arena, &err);
            if (st == P_OK) {
                taken++;
            } else {
                refused++;
                assert_int_equal(st, P_EINVAL);
                assert_int_equal(err.status, P_EINVAL);
                assert_non_null(strstr(err.text, "malformed"));
                assert_null(strstr(err.text, "cannot be unpacked"));
                assert_null(m);
                assert_null(arena);
            }
            rpc_wire_free(arena);
            free(copy);
        }
    }
    free(bytes);
    assert_true(taken > 1000 && refused > 1000);
}

static void expect(const uint8_t *bytes, size_t len, const char *part)
{
    p_err err = {0};
    assert_int_equal(rpc_wire_check(TYPE, bytes, len, &err), P_EINVAL);
    if (!strstr(err.text, part))
        fail_msg("'%s' lacks '%s'", err.text, part);
}
#define EXPECT(part, ...)                                                                          \
    do {                                                                                           \
        const uint8_t b_[] = {__VA_ARGS__};                                                        \
        expect(b_, sizeof b_, part);                                                               \
    } while (0)

static void errors(void **state)
{
    (void)state;
    EXPECT("tag", 0x80);
    EXPECT("tag", 0x00);
    EXPECT("tag", 0x02, 0x00);
    EXPECT("tag", 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01); /* above 2^29 - 1 */
    EXPECT("tag", 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02); /* above 64 bits */
    EXPECT("input: malformed message: the length", 0x0a, 0x01);
    EXPECT("input: malformed message: the field has another wire type", 0x08, 0x01);
    EXPECT("wire type is not", 0x0f | 0x70);
    EXPECT("cut off", 0x78, 0x80);          /* unknown number */
    EXPECT("cut off", 0x79, 1, 2, 3, 4, 5); /* unknown 64 bits */
    EXPECT("cut off", 0x7d, 1, 2, 3);       /* unknown 32 bits */
    EXPECT("input.db[0].key: malformed message: the string contains NUL (byte 6)", 0x0a, 0x05, 0x12,
           0x03, 0x0a, 0x01, 0x00);
    EXPECT("input.db[1].value: malformed message: the string is not valid UTF-8", 0x0a, 0x07, 0x12,
           0x00, 0x12, 0x03, 0x12, 0x01, 0xff);
    EXPECT("input.public_inputs.sequencer_addr", 0x0a, 0x05, 0x0a, 0x03, 0x42, 0x01, 0x80);
    const uint8_t unknown[] = {0x78, 0x01, 0x7a, 0x01, 0xff, 0x7d, 1, 2, 3, 4};
    p_err err = {0};
    assert_int_equal(rpc_wire_check(TYPE, unknown, sizeof unknown, &err), P_OK);
}

/** Two bytes on the wire, dozens in memory: refused before they are. */
static void amplification(void **state)
{
    (void)state;
    size_t n = 4 << 20;
    uint8_t *bytes = malloc(n + 5);
    const uint8_t head[] = {0x0a, 0x80, 0x80, 0x80, 0x02}; /* input, 4 MiB */
    memcpy(bytes, head, sizeof head);
    for (size_t i = 0; i < n; i += 2) {
        bytes[5 + i] = 0x12;
        bytes[6 + i] = 0x00;
    }
    ProtobufCMessage *m;
    rpc_wire_arena *arena;
    p_err err = {0};
    assert_int_equal(rpc_wire_unpack(TYPE, bytes, n + 5, &m, &arena, &err), P_EINVAL);
    assert_non_null(strstr(err.text, "four times"));
    free(bytes);
}

static void pack_limit(void **state)
{
    (void)state;
    Zkprover__V1__GetStatusResponse r = ZKPROVER__V1__GET_STATUS_RESPONSE__INIT;
    static char text[] = "0123456789";
    r.version_proto = text; /* 12 bytes packed */
    uint8_t *bytes;
    size_t len;
    p_err err = {0};
    assert_int_equal(rpc_wire_pack(&r.base, 11, &bytes, &len, &err), P_EEXHAUSTED);
    assert_null(bytes);
    assert_non_null(strstr(err.text, "12 bytes"));
    assert_int_equal(rpc_wire_pack(&r.base, 12, &bytes, &len, &err), P_OK);
    assert_int_equal(len, 12);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_exhaustive),  cmocka_unit_test(good_message),
        cmocka_unit_test(damaged_messages), cmocka_unit_test(errors),
        cmocka_unit_test(amplification),    cmocka_unit_test(pack_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
