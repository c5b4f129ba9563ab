/* Messages that the checks take and refuse, and where rows lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "driver/xrt/kernel_table.h"
#include "driver/xrt/zkp_card.h"

#include <stdlib.h>
#include <string.h>

static const xrt_limits LIMITS = {
    .slot_rows = 1024, .slots = 8, .units = {1, 2, 0, 1, 1, 1}, .rows = {4096, 4096}};

static xrt_message command(xrt_type type)
{
    xrt_message m;

    xrt_message_init(&m, type, 7);
    switch (type) {
    case XRT_HELLO:
        m.hello.slots = 8;
        m.hello.slot_rows = 1024;
        m.hello.kernel_abi = HLS_KERNEL_ABI;
        break;
    case XRT_ALLOC:
        m.alloc.buffer = 1;
        m.alloc.rows = 5;
        m.alloc.side = CARD_SIDE_B;
        break;
    case XRT_FREE:
        m.free.buffer = 1;
        break;
    case XRT_RUN:
        m.run.kernel = CARD_gl_lde;
        m.run.unit = 1;
        m.run.count = 10;
        m.run.values[0] = m.run.values[1] = m.run.values[2] = 1;
        break;
    default:
        m.transfer.buffer = 1;
        m.transfer.rows = 1024;
        m.transfer.slot = 7;
    }
    return m;
}

static bool takes(const xrt_message *m, size_t size)
{
    p_err err = {P_OK, ""};
    p_status s = xrt_command_check(m, size, m->type == XRT_HELLO ? NULL : &LIMITS, &err);

    assert_true(s == P_OK || (s == P_EDEVICE && err.status == s && err.text[0]));
    return s == P_OK;
}

#define REFUSED(type, change)                                                                      \
    do {                                                                                           \
        xrt_message m = command(type);                                                             \
        assert_true(takes(&m, sizeof m));                                                          \
        change;                                                                                    \
        if (takes(&m, sizeof m))                                                                   \
            fail_msg("taken: " #type " with " #change);                                            \
    } while (0)

static void every_field_of_a_command_is_checked(void **state)
{
    (void)state;
    for (int type = XRT_HELLO; type <= XRT_RUN; type++) {
        xrt_message each = command((xrt_type)type);
        assert_true(takes(&each, sizeof each));
        assert_false(takes(&each, sizeof each - 1));
        assert_false(takes(&each, sizeof each + 1));
        assert_false(takes(&each, 0));
        REFUSED((xrt_type)type, m.magic++);
        REFUSED((xrt_type)type, m.version++);
        REFUSED((xrt_type)type, m.id = 0);
        /* a hello comes first, and once */
        assert_int_equal(
            xrt_command_check(&each, sizeof each, type == XRT_HELLO ? &LIMITS : NULL, NULL),
            P_EDEVICE);
    }
    REFUSED(XRT_FREE, m.type = 0);
    REFUSED(XRT_FREE, m.type = XRT_DONE);
    REFUSED(XRT_HELLO, m.hello.slots = 0);
    REFUSED(XRT_HELLO, m.hello.slots = XRT_MAX_SLOTS + 1);
    REFUSED(XRT_HELLO, m.hello.slot_rows = 0);
    REFUSED(XRT_HELLO, m.hello.slot_rows = 1000);
    REFUSED(XRT_HELLO, m.hello.slot_rows = 2 * XRT_MAX_SLOT_ROWS);
    REFUSED(XRT_HELLO, m.hello.kernel_abi++);
    REFUSED(XRT_ALLOC, m.alloc.buffer = 0);
    REFUSED(XRT_ALLOC, m.alloc.side = 2);
    REFUSED(XRT_ALLOC, m.alloc.rows = 0);
    REFUSED(XRT_ALLOC, m.alloc.rows = XRT_MAX_ROWS + 1);
    REFUSED(XRT_FREE, m.free.buffer = 0);
    REFUSED(XRT_WRITE, m.transfer.buffer = 0);
    REFUSED(XRT_WRITE, m.transfer.slot = 8);
    REFUSED(XRT_READ, m.transfer.slot = UINT32_MAX);
    REFUSED(XRT_READ, m.transfer.rows = 0);
    REFUSED(XRT_READ, m.transfer.rows = 1025);
    REFUSED(XRT_READ, m.transfer.row = UINT64_MAX);
    REFUSED(XRT_RUN, m.run.kernel = CARD_KERNELS);
    REFUSED(XRT_RUN, m.run.unit = 2);
    REFUSED(XRT_RUN, m.run.kernel = CARD_gl_merkle); /* the image lacks it */
    REFUSED(XRT_RUN, m.run.count = 9);
    REFUSED(XRT_RUN, m.run.values[1] = 0);
    REFUSED(XRT_RUN, m.run.values[3] = (uint64_t)1 << 32);
}

static bool believes(const xrt_message *m, bool first)
{
    p_err err = {P_OK, ""};
    p_status s = xrt_answer_check(m, sizeof *m, first ? NULL : &LIMITS, &err);

    assert_true(s == P_OK || (s == P_EDEVICE && err.status == s && err.text[0]));
    return s == P_OK;
}

static void every_field_of_an_answer_is_checked(void **state)
{
    xrt_message m;

    (void)state;
    xrt_message_done(&m, 7, P_OK, "what is said of success is left out");
    assert_true(believes(&m, false));
    assert_false(believes(&m, true));
    assert_string_equal(m.done.text, "");
    m.done.text[0] = 'x';
    assert_false(believes(&m, false));
    xrt_message_done(&m, 7, P_EMISSING, "none\nof those \xff");
    assert_true(believes(&m, false));
    assert_true(believes(&m, true));
    assert_string_equal(m.done.text, "none?of those ?");
    m.done.status = P_EINTERNAL + 1;
    assert_false(believes(&m, false));
    xrt_message_done(&m, 7, P_EDEVICE, NULL);
    assert_true(believes(&m, false));
    m.done.text[0] = '\0';
    assert_false(believes(&m, false));
    memset(m.done.text, 'x', sizeof m.done.text);
    assert_false(believes(&m, false));
    m.done.text[sizeof m.done.text - 1] = '\0';
    assert_true(believes(&m, false));
    m.done.text[3] = '\n';
    assert_false(believes(&m, false));

    xrt_message w;
    xrt_message_init(&w, XRT_WELCOME, 1);
    w.welcome.patience = 1;
    w.welcome.units[2] = 16;
    w.welcome.rows[0] = w.welcome.rows[1] = 256;
    assert_true(believes(&w, true));
    assert_false(believes(&w, false));
    for (unsigned i = 0; i < 7; i++) {
        m = w;
        uint64_t *rows[] = {&m.welcome.rows[0], &m.welcome.rows[1]};
        if (i < 2)
            *rows[i] = 0;
        else if (i == 2)
            *rows[1] = XRT_MAX_ROWS + 1;
        else if (i == 3)
            m.welcome.units[2] = 0;
        else if (i == 4)
            m.welcome.units[2] = XRT_MAX_UNITS + 1;
        else if (i == 5)
            m.welcome.channels_log2 = 5;
        else
            m.welcome.patience = 0;
        assert_false(believes(&m, true));
    }
}

static void parts_are_where_rows_are(void **state)
{
    uint64_t seed = 1;

    (void)state;
    for (unsigned round = 0; round < 4000; round++) {
        zc_part parts[ZC_CHANNELS], expected[ZC_CHANNELS] = {{0, 0}};
        uint32_t k = round % 5;
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        uint64_t row = (seed >> 20) % 3000, rows = 1 + (seed >> 40) % (round % 7 ? 2000 : 30);
        zc_split(row, rows, k, parts);
        for (uint64_t r = row; r < row + rows; r++) {
            zc_part *e = &expected[hls_stripe_channel(r, k)];
            uint64_t at = hls_stripe_row(r, k);
            if (e->rows == 0)
                e->first = at;
            else
                assert_int_equal(at, e->first + e->rows); /* one range, without holes */
            e->rows++;
        }
        for (uint32_t c = 0; c < ZC_CHANNELS; c++) {
            assert_int_equal(parts[c].rows, expected[c].rows);
            if (parts[c].rows > 0)
                assert_int_equal(parts[c].first, expected[c].first);
        }
    }
}

static void the_table_is_that_of_the_kernels(void **state)
{
    (void)state;
    const xrt_kernel *k = xrt_kernel_get(CARD_gl_lde);
    uint32_t channel;

    assert_string_equal(k->name, "gl_lde");
    assert_int_equal(k->count, 10);
    assert_int_equal(xrt_argument_side(&k->arguments[0]), CARD_SIDE_A);
    assert_int_equal(xrt_argument_side(&k->arguments[1]), CARD_SIDE_B);
    assert_int_equal(xrt_kernel_parameter(k, 10, 4), 3 * 16 + 7);
    assert_int_equal(xrt_kernel_argument(k, 17, 4, &channel), 1);
    assert_int_equal(channel, 1);
    assert_int_equal(xrt_kernel_argument(k, 50, 4, &channel), 5);
    assert_int_equal(xrt_kernel_register(k, 0, 4), 0x10);
    assert_int_equal(xrt_kernel_register(k, 1, 4), 0x1c);
    assert_int_equal(xrt_kernel_register(k, 48, 4), 0x10 + 48 * 12);
    assert_int_equal(xrt_kernel_register(k, 52, 4), 0x10 + 48 * 12 + 3 * 8 + 12);
    for (unsigned i = 0; i < CARD_KERNELS; i++) {
        const xrt_kernel *each = xrt_kernel_get((card_kernel)i);
        const char *letters = card_kernel_args((card_kernel)i);
        assert_string_equal(each->name, card_kernel_name((card_kernel)i));
        assert_int_equal(each->count, strlen(letters));
        for (uint32_t a = 0; a < each->count; a++)
            assert_int_equal(each->arguments[a].kind, letters[a]);
        assert_int_equal(xrt_kernel_find(each->name, strlen(each->name)), i);
    }
    assert_int_equal(xrt_kernel_find("gl_ld", 5), CARD_KERNELS);
    assert_int_equal(xrt_kernel_find("", 0), CARD_KERNELS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_of_a_command_is_checked),
        cmocka_unit_test(every_field_of_an_answer_is_checked),
        cmocka_unit_test(parts_are_where_rows_are),
        cmocka_unit_test(the_table_is_that_of_the_kernels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
