/* The reader row by row of the accepting grammar, and the writer against it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "driver/base/hex.h"
#include "host/executor/bytes.h"
#include "host/executor/rlp.h"
#include "host/executor/u256.h"

#define ALL(a) (sizeof(a) / sizeof *(a))

/* A copy of exactly the text's bytes on the heap, so that a sanitizer sees any read beyond them. */
static uint8_t *from_hex(const char *text, size_t *len)
{
    *len = strlen(text) / 2;
    uint8_t *b = malloc(*len + (*len == 0));
    assert_non_null(b);
    assert_true(p_hex_decode(b, *len, text, 2 * *len));
    return b;
}

static rlp_reader reader(const uint8_t *b, size_t len)
{
    rlp_reader r;
    rlp_reader_init(&r, b, len, 0);
    return r;
}

static void integers(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        unsigned max;
        int ok; /* 1: accepted with this value */
        uint64_t value;
        size_t offset; /* of the fault */
    } rows[] = {
        {"00", 8, 1, 0, 0}, /* strict RLP would refuse it */
        {"01", 8, 1, 1, 0},
        {"7f", 8, 1, 0x7f, 0},
        {"80", 8, 1, 0, 0},
        {"8180", 8, 1, 0x80, 0},
        {"81ff", 8, 1, 0xff, 0},
        {"820100", 8, 1, 0x100, 0},
        {"88ffffffffffffffff", 8, 1, UINT64_MAX, 0},
        {"880100000000000000", 8, 1, UINT64_C(0x0100000000000000), 0},
        {"890100000000000000ff", 9, 1, 0xff, 0}, /* the low limb */
        {"817f", 8, 0, 0, 0},
        {"8100", 8, 0, 0, 0},
        {"820080", 8, 0, 0, 1},
        {"8800ffffffffffffff", 8, 0, 0, 1},
        {"89010000000000000000", 8, 0, 0, 0},
        {"b7", 8, 0, 0, 0},
        {"b838", 8, 0, 0, 0},
        {"c0", 8, 0, 0, 0},
        {"ff", 8, 0, 0, 0},
        {"", 8, 0, 0, 0},
        {"81", 8, 0, 0, 1},
        {"88ffffffffffffff", 8, 0, 0, 8},
    };
    for (size_t i = 0; i < ALL(rows); i++) {
        size_t len;
        uint8_t *b = from_hex(rows[i].in, &len);
        rlp_reader r = reader(b, len);
        u256 v;
        bool ok = rlp_read_u256(&r, rows[i].max, &v);
        if (ok != (rows[i].ok != 0))
            fail_msg("row %zu (%s): %s", i, rows[i].in, ok ? "accepted" : r.fault);
        if (ok) {
            assert_int_equal(v.limb[0], rows[i].value);
            assert_int_equal(r.pos, len);
        } else {
            assert_non_null(r.fault);
            assert_int_equal(r.fault_offset, rows[i].offset);
        }
        free(b);
    }
}

static void integers_of_32_bytes(void **state)
{
    (void)state;
    uint8_t b[34];
    memset(b, 0xee, sizeof b);
    b[0] = 0xa0;
    u256 v;
    rlp_reader r = reader(b, 33);
    assert_true(rlp_read_u256(&r, 32, &v));
    for (int i = 0; i < 4; i++)
        assert_int_equal(v.limb[i], UINT64_C(0xeeeeeeeeeeeeeeee));
    b[0] = 0xa1;
    r = reader(b, 34);
    assert_false(rlp_read_u256(&r, 32, &v));
    b[0] = 0xa0;
    b[1] = 0;
    r = reader(b, 33);
    assert_false(rlp_read_u256(&r, 32, &v));
    uint64_t small;
    b[0] = 0x89;
    b[1] = 1;
    r = reader(b, 10);
    assert_false(rlp_read_u64(&r, &small));
}

/* A string header followed by `payload` bytes of value `fill`. */
static uint8_t *with_payload(const char *header, size_t payload, uint8_t fill, size_t *len)
{
    size_t head = strlen(header) / 2;
    *len = head + payload;
    uint8_t *b = malloc(*len);
    assert_non_null(b);
    assert_true(p_hex_decode(b, head, header, 2 * head));
    memset(b + head, fill, payload);
    return b;
}

static void strings(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        size_t payload;
        uint8_t fill;
        bool ok;
        size_t value_len;
    } rows[] = {
        {"00", 0, 0, true, 1},           {"7f", 0, 0, true, 1},
        {"80", 0, 0, true, 0},           {"81", 1, 0x80, true, 1},
        {"81", 1, 0x7f, false, 0},       {"81", 1, 0x00, false, 0},
        {"82", 2, 0, true, 2},           {"b7", 55, 0, true, 55},
        {"b7", 54, 0, false, 0},         {"b838", 56, 0, true, 56},
        {"b837", 55, 0, false, 0},       {"b800", 0, 0, false, 0},
        {"b8ff", 255, 1, true, 255},     {"b8ff", 254, 1, false, 0},
        {"b90100", 256, 1, true, 256},   {"b90038", 56, 1, false, 0},
        {"b900ff", 255, 1, false, 0},    {"ba010000", 65536, 1, true, 65536},
        {"ba000100", 256, 1, false, 0},  {"ba00ffff", 65535, 1, false, 0},
        {"baffffff", 10, 1, false, 0},   {"bb01000000", 100, 1, false, 0},
        {"bb00000038", 56, 1, false, 0}, {"bf0000000000000038", 56, 1, false, 0},
        {"c0", 0, 0, false, 0},          {"f838", 56, 0, false, 0},
        {"b9", 0, 0, false, 0},          {"b901", 0, 0, false, 0},
    };
    for (size_t i = 0; i < ALL(rows); i++) {
        size_t len, n;
        uint8_t *b = with_payload(rows[i].header, rows[i].payload, rows[i].fill, &len);
        const uint8_t *p;
        rlp_reader r = reader(b, len);
        bool ok = rlp_read_string(&r, &p, &n);
        if (ok != rows[i].ok)
            fail_msg("row %zu (%s): %s", i, rows[i].header, ok ? "accepted" : r.fault);
        if (ok) {
            assert_int_equal(n, rows[i].value_len);
            assert_int_equal(r.pos, len);
            assert_ptr_equal(p + n, b + len);
        }
        free(b);
    }
}

static void lists(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        bool ok;
        size_t end;
    } rows[] = {
        {"c0", true, 1},
        {"f7", true, 56},
        {"f838", true, 58},
        {"f8ff", true, 257},
        {"f90100", true, 259},
        {"fa010000", true, 65540},
        {"faffffff", true, 4 + 0xffffff},
        {"bf", false, 0},
        {"00", false, 0},
        {"80", false, 0},
        {"f837", false, 0},
        {"f800", false, 0},
        {"f90038", false, 0},
        {"f900ff", false, 0},
        {"fa00ffff", false, 0},
        {"fb01000000", false, 0},
        {"ff0100000000000000", false, 0},
        {"f8", false, 0},
        {"f901", false, 0},
        {"fa0100", false, 0},
        {"", false, 0},
    };
    for (size_t i = 0; i < ALL(rows); i++) {
        size_t len;
        uint8_t *b = from_hex(rows[i].header, &len);
        rlp_reader r = reader(b, len);
        bool ok = rlp_read_list(&r);
        if (ok != rows[i].ok)
            fail_msg("row %zu (%s): %s", i, rows[i].header, ok ? "accepted" : r.fault);
        if (ok)
            assert_int_equal(r.list_end, rows[i].end);
        free(b);
    }
}

static void lists_bound_their_items(void **state)
{
    (void)state;
    u256 v;
    const uint8_t exact[] = {0xc2, 0x01, 0x02};
    rlp_reader r = reader(exact, 3);
    assert_true(rlp_read_list(&r) && rlp_read_u256(&r, 8, &v));
    assert_false(rlp_end_list(&r)); /* one item is left */
    assert_int_equal(r.fault_offset, 2);
    r = reader(exact, 3);
    assert_true(rlp_read_list(&r) && rlp_read_u256(&r, 8, &v) && rlp_read_u256(&r, 8, &v));
    assert_true(rlp_end_list(&r));

    const uint8_t beyond[] = {0xc1, 0x82, 0x01, 0x02}; /* the item ends after its list */
    r = reader(beyond, 4);
    assert_true(rlp_read_list(&r));
    assert_false(rlp_read_u256(&r, 8, &v));
    const uint8_t *p;
    size_t n;
    r = reader(beyond, 4);
    assert_true(rlp_read_list(&r));
    assert_false(rlp_read_string(&r, &p, &n));

    const uint8_t cut[] = {0xc3, 0x01}; /* the list ends after the data */
    r = reader(cut, 2);
    assert_true(rlp_read_list(&r) && rlp_read_u256(&r, 8, &v));
    assert_false(rlp_read_u256(&r, 8, &v));
    assert_int_equal(r.fault_offset, 2);
}

static void a_fault_is_final(void **state)
{
    (void)state;
    const uint8_t b[] = {0x81, 0x01, 0x05};
    rlp_reader r = reader(b, 3);
    u256 v;
    uint64_t w;
    const uint8_t *p;
    size_t n;
    assert_false(rlp_read_u256(&r, 8, &v));
    const char *first = r.fault;
    size_t at = r.fault_offset;
    assert_false(rlp_read_u64(&r, &w));
    assert_false(rlp_read_string(&r, &p, &n));
    assert_false(rlp_read_list(&r));
    assert_false(rlp_end_list(&r));
    assert_false(rlp_read_raw(&r, 0, &p));
    assert_false(rlp_fail(&r, 77, "another"));
    assert_ptr_equal(r.fault, first);
    assert_int_equal(r.fault_offset, at);
}

/* Whatever the writer writes the reader reads back, and the measured sizes are right. */
static void the_writer(void **state)
{
    (void)state;
    static const size_t lens[] = {0, 1, 2, 54, 55, 56, 57, 255, 256, 257, 65535, 65536, 70000};
    for (size_t i = 0; i < ALL(lens); i++) {
        for (unsigned fill = 0; fill < 256; fill += 51) {
            size_t len = lens[i], n;
            uint8_t *in = malloc(len + 1), *out = malloc(len + 8);
            const uint8_t *p;
            assert_true(in != NULL && out != NULL);
            memset(in, (int)fill, len);
            size_t wrote = (size_t)(rlp_put_string(out, in, len) - out);
            assert_int_equal(wrote, rlp_string_size(in, len));
            rlp_reader r = reader(out, wrote);
            assert_true(rlp_read_string(&r, &p, &n));
            assert_int_equal(n, len);
            assert_memory_equal(p, in, len);
            assert_int_equal(r.pos, wrote);

            size_t header = (size_t)(rlp_put_list_header(out, len) - out);
            assert_int_equal(header, rlp_header_size(len));
            r = reader(out, header);
            assert_true(rlp_read_list(&r));
            assert_int_equal(r.list_end, header + len);
            free(in);
            free(out);
        }
    }
    for (unsigned bits = 0; bits <= 256; bits++) {
        u256 one = u256_from_u64(1), v = u256_shl(&one, bits), back;
        v = u256_sub(&v, &one); /* bits ones; 2^256 - 1 for 256 */
        uint8_t be[32], out[33];
        bytes_store_u256(be, &v);
        size_t wrote = (size_t)(rlp_put_integer(out, be, 32) - out);
        assert_int_equal(wrote, rlp_integer_size(be, 32));
        assert_int_equal(wrote, bits == 0 || bits > 7 ? 1 + (bits + 7) / 8 : 1);
        rlp_reader r = reader(out, wrote);
        assert_true(rlp_read_u256(&r, 32, &back));
        assert_true(u256_eq(&back, &v));
    }
    uint8_t zero[32] = {0}, out[1];
    assert_int_equal(rlp_put_integer(out, zero, 32) - out, 1);
    assert_int_equal(out[0], 0x80);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers),
        cmocka_unit_test(integers_of_32_bytes),
        cmocka_unit_test(strings),
        cmocka_unit_test(lists),
        cmocka_unit_test(lists_bound_their_items),
        cmocka_unit_test(a_fault_is_final),
        cmocka_unit_test(the_writer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
