/* The driver's half over a card of plain memory in a process of its own: rows go where they belong,
 * and a card that dies, hangs, fails or lies costs its tickets and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "driver/base/clock.h"
#include "driver/xrt/client.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define ROWS 5000
#define WAIT_MS 20000

static const card_ops *const ops = &xrt_client_ops;

static uint64_t next(uint64_t *s)
{
    *s = *s * 6364136223846793005u + 1442695040888963407u;
    return *s >> 20;
}

static int count_descriptors(void)
{
    DIR *d = opendir("/proc/self/fd");
    int n = 0;

    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

static p_status try_open(const char *program, const char *fault, uint64_t slot_rows,
                         xrt_client **out, p_err *err)
{
    xrt_client_options o = {.program = program,
                            .bitstreams = "/nowhere",
                            .image = "im",
                            .device = 3,
                            .slots = 4,
                            .slot_rows = slot_rows};

    setenv("FAKE_CARD", fault, 1);
    *err = (p_err){P_OK, ""};
    return xrt_client_open(&o, out, err);
}

static xrt_client *open_card(const char *fault, uint64_t slot_rows)
{
    xrt_client *c;
    p_err err;

    if (try_open(ZKP_FAKE_CARD, fault, slot_rows, &c, &err) != P_OK)
        fail_msg("%s", err.text);
    return c;
}

/* nothing of a card that was closed is left */
static void check_clean(int descriptors)
{
    errno = 0;
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    assert_int_equal(count_descriptors(), descriptors);
}

static void fill(uint64_t *rows, uint64_t count, uint64_t *seed)
{
    for (uint64_t i = 0; i < count * HLS_ROW_WORDS; i++)
        rows[i] = next(seed) << 24 ^ next(seed);
}

static p_status finish(xrt_client *c, card_ticket *t, p_err *err)
{
    p_status s = ops->wait(c, t, WAIT_MS, err);

    assert_int_not_equal(s, P_EDEADLINE);
    return s;
}

static p_status finish_all(xrt_client *c, card_ticket **t, unsigned n, p_status s, p_err *err)
{
    while (n-- > 0) {
        p_status one = finish(c, t[n], err);
        s = s == P_OK ? one : s;
    }
    return s;
}

typedef struct buffers {
    card_buffer *src, *dst, *index;
    uint64_t *data, *back;
    uint64_t list[64 * HLS_ROW_WORDS];
} buffers;

/* several pieces at once, begun and ended anywhere */
static p_status write_all(xrt_client *c, buffers *b, uint64_t *seed, p_err *err)
{
    card_ticket *t[8];
    p_status s = P_OK;

    for (uint64_t at = 0; s == P_OK && at < ROWS;) {
        unsigned n = 0;
        for (; s == P_OK && n < 8 && at < ROWS; n += s == P_OK) {
            uint64_t rows = 1 + next(seed) % 900;
            rows = rows < ROWS - at ? rows : ROWS - at;
            s = ops->start_write(c, b->src, at, rows, b->data + at * HLS_ROW_WORDS, &t[n], err);
            at += rows;
        }
        s = finish_all(c, t, n, s, err);
    }
    return s;
}

static p_status read_rows(xrt_client *c, buffers *b, card_buffer *from, uint64_t row, uint64_t rows,
                          p_err *err)
{
    card_ticket *t;

    memset(b->back, 0, ROWS * HLS_ROW_BYTES);
    p_status s = ops->start_read(c, from, row, rows, b->back, &t, err);
    return s == P_OK ? finish(c, t, err) : s;
}

/* two units, three runs each */
static p_status gather(xrt_client *c, buffers *b, p_err *err)
{
    card_ticket *t[6];
    unsigned n = 0;
    p_status s = ops->start_write(c, b->index, 0, 64, b->list, &t[0], err);

    if (s == P_OK)
        s = finish(c, t[0], err);
    for (; s == P_OK && n < 6; n += s == P_OK) {
        card_arg args[7] = {{.rows = b->src},
                            {.rows = b->index},
                            {.rows = b->dst},
                            {.value = 80},
                            {.value = 0},
                            {.value = (uint64_t)10 * n},
                            {.value = (uint64_t)80 * n}};
        s = ops->start_run(c, CARD_row_gather, n % 2, args, 7, &t[n], err);
    }
    s = finish_all(c, t, n, s, err);
    if (s == P_OK)
        s = read_rows(c, b, b->dst, 0, 480, err);
    for (unsigned i = 0; s == P_OK && i < 480; i++)
        assert_memory_equal(b->back + i * HLS_ROW_WORDS, b->data + b->list[i] * HLS_ROW_WORDS,
                            HLS_ROW_BYTES);
    return s;
}

/* Writes everything, reads parts, gathers rows; the first failure ends it. */
static p_status exercise(xrt_client *c, uint64_t seed, p_err *err)
{
    buffers b = {.data = malloc(ROWS * HLS_ROW_BYTES), .back = malloc(ROWS * HLS_ROW_BYTES)};

    assert_true(b.data && b.back);
    fill(b.data, ROWS, &seed);
    for (unsigned i = 0; i < 64 * HLS_ROW_WORDS; i++)
        b.list[i] = next(&seed) % ROWS;
    p_status s = ops->alloc(c, CARD_SIDE_A, ROWS, &b.src, err);
    if (s == P_OK)
        s = ops->alloc(c, CARD_SIDE_A, ROWS, &b.dst, err);
    if (s == P_OK)
        s = ops->alloc(c, CARD_SIDE_A, 64, &b.index, err);
    if (s == P_OK)
        s = write_all(c, &b, &seed, err);
    for (unsigned round = 0; s == P_OK && round < 6; round++) {
        uint64_t row = next(&seed) % ROWS, rows = 1 + next(&seed) % (ROWS - row);
        s = read_rows(c, &b, b.src, row, rows, err);
        if (s == P_OK)
            assert_memory_equal(b.back, b.data + row * HLS_ROW_WORDS, rows * HLS_ROW_BYTES);
    }
    if (s == P_OK)
        s = gather(c, &b, err);
    ops->free(c, b.src);
    ops->free(c, b.index);
    ops->free(c, b.dst);
    ops->free(c, NULL);
    free(b.data);
    free(b.back);
    return s;
}

static void rows_go_where_they_belong(void **state)
{
    int descriptors = count_descriptors();
    card_caps caps;
    p_err err;

    (void)state;
    for (unsigned k = 0; k <= HLS_MAX_CHANNELS_LOG2; k++) {
        char number[4];
        snprintf(number, sizeof number, "%u", k);
        setenv("FAKE_CHANNELS", number, 1);
        xrt_client *c = open_card("none@0", k % 2 ? 256 : 1024);
        assert_string_equal(xrt_client_about(c), "fake card 3, image im");
        ops->caps(c, &caps);
        assert_int_equal(caps.channels_log2, k);
        assert_int_equal(caps.units[CARD_row_gather], 2);
        assert_int_equal(caps.units[CARD_gl_lde], 0);
        assert_int_equal(caps.patience, 3);
        assert_int_equal(caps.rows[1], (uint64_t)1 << (20 + k));
        for (unsigned i = 0; i < 3; i++)
            if (exercise(c, 100 * k + i, &err) != P_OK)
                fail_msg("%u channels: %s", 1u << k, err.text);
        ops->close(c);
        check_clean(descriptors);
    }
    unsetenv("FAKE_CHANNELS");
}

static void memory_ends_and_comes_back(void **state)
{
    xrt_client *c = open_card("none@0", 0);
    card_buffer *all, *more;
    card_ticket *t;
    uint64_t word[8];
    p_err err;

    (void)state;
    assert_int_equal(ops->alloc(c, CARD_SIDE_B, (uint64_t)1 << 22, &all, &err), P_OK);
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(ops->alloc(c, CARD_SIDE_B, 1, &more, &err), P_EEXHAUSTED);
        assert_null(more);
        assert_non_null(strstr(err.text, "is full"));
        ops->free(c, all);
        assert_int_equal(ops->alloc(c, CARD_SIDE_B, (uint64_t)1 << 22, &all, &err), P_OK);
    }
    assert_int_equal(ops->start_read(c, all, ((uint64_t)1 << 22) - 1, 2, word, &t, &err), P_EINVAL);
    assert_int_equal(ops->start_read(c, all, UINT64_MAX, 2, word, &t, &err), P_EINVAL);
    assert_int_equal(ops->start_read(c, all, 0, 0, word, &t, &err), P_EINVAL);
    assert_int_equal(ops->alloc(c, CARD_SIDE_B, 0, &more, &err), P_EINVAL);
    /* a buffer of the wrong side, a unit and a kernel that are not there, too few arguments */
    card_arg args[7] = {{.rows = all}, {.rows = all}, {.rows = all}};
    assert_int_equal(ops->start_run(c, CARD_row_gather, 0, args, 7, &t, &err), P_EINVAL);
    assert_int_equal(ops->start_run(c, CARD_row_gather, 2, args, 7, &t, &err), P_EINVAL);
    assert_int_equal(ops->start_run(c, CARD_gl_lde, 0, args, 7, &t, &err), P_EINVAL);
    assert_int_equal(ops->start_run(c, CARD_row_gather, 0, args, 6, &t, &err), P_EINVAL);
    ops->free(c, all);
    assert_int_equal(exercise(c, 1, &err), P_OK);
    ops->close(c);
}

/* A card that fails in whichever call: P_EDEVICE, and after a reset all is well. */
static void a_lost_card_comes_back(void **state)
{
    static const char *const kinds[] = {"die", "fail"};
    int descriptors = count_descriptors();
    p_err err = {P_OK, ""};

    (void)state;
    for (unsigned i = 0; i < 30; i++) {
        char fault[32];
        snprintf(fault, sizeof fault, "%s@%u", kinds[i % 2], 1 + i * i / 8);
        xrt_client *c = open_card(fault, 256);
        p_status s = exercise(c, i, &err);
        if (s == P_OK)
            fail_msg("%s was not noticed", fault);
        card_buffer *b;
        assert_int_equal(s, P_EDEVICE);
        assert_non_null(strstr(err.text, i % 2 == 0 ? "zkp-card" : "told to fail"));
        assert_int_equal(ops->alloc(c, CARD_SIDE_A, 1, &b, &err), P_EDEVICE);
        setenv("FAKE_CARD", "none@0", 1);
        assert_int_equal(ops->reset(c, &err), P_OK);
        if (exercise(c, i, &err) != P_OK)
            fail_msg("after %s: %s", fault, err.text);
        ops->close(c);
        check_clean(descriptors);
    }
}

static void a_card_that_hangs_is_ended(void **state)
{
    int descriptors = count_descriptors();
    static uint64_t row[8 * 256];
    p_err err = {P_OK, ""};

    (void)state;
    for (unsigned at = 1; at <= 5; at += 4) {
        char fault[32];
        card_buffer *b;
        card_ticket *t[3];

        snprintf(fault, sizeof fault, "hang@%u", at);
        xrt_client *c = open_card(fault, 256);
        assert_int_equal(ops->alloc(c, CARD_SIDE_A, 1024, &b, &err), P_OK);
        for (unsigned i = 0; i < 3; i++)
            assert_int_equal(ops->start_write(c, b, 256 * i, 256, row, &t[i], &err), P_OK);
        unsigned open = 0;
        for (unsigned i = 0; i < 3; i++) {
            p_status s = ops->wait(c, t[i], 150, &err);
            if (s == P_EDEADLINE)
                t[open++] = t[i];
            else
                assert_int_equal(s, P_OK);
        }
        assert_in_range(open, 1, 3);
        int64_t begin = p_clock_ms(CLOCK_MONOTONIC);
        setenv("FAKE_CARD", "none@0", 1);
        assert_int_equal(ops->reset(c, &err), P_OK);
        assert_true(p_clock_ms(CLOCK_MONOTONIC) - begin < 3000);
        for (unsigned i = 0; i < open; i++)
            assert_int_equal(ops->wait(c, t[i], 0, &err), P_EDEVICE);
        ops->free(c, b);
        assert_int_equal(exercise(c, 7, &err), P_OK);

        setenv("FAKE_CARD", "hang@1", 1);
        assert_int_equal(ops->reset(c, &err), P_OK);
        assert_int_equal(ops->alloc(c, CARD_SIDE_A, 1024, &b, &err), P_OK);
        assert_int_equal(ops->start_write(c, b, 0, 256, row, &t[0], &err), P_OK);
        assert_int_equal(ops->wait(c, t[0], 50, &err), P_EDEADLINE);
        assert_int_equal(kill(xrt_client_pid(c), SIGKILL), 0);
        assert_int_equal(ops->wait(c, t[0], 2000, &err), P_EDEVICE);
        ops->free(c, b);
        ops->close(c);
        check_clean(descriptors);
    }
}

static void a_killed_card_is_noticed(void **state)
{
    int descriptors = count_descriptors();
    p_err err = {P_OK, ""};
    xrt_client *c = open_card("none@0", 256);
    uint64_t *data = calloc(1 << 18, HLS_ROW_BYTES);

    (void)state;
    assert_non_null(data);
    for (unsigned i = 0; i < 10; i++) {
        card_buffer *b;
        card_ticket *up, *down;
        assert_int_equal(ops->alloc(c, CARD_SIDE_A, 1 << 18, &b, &err), P_OK);
        assert_int_equal(ops->start_write(c, b, 0, 1 << 17, data, &up, &err), P_OK);
        assert_int_equal(ops->start_read(c, b, 1 << 17, 1 << 17, data + (1 << 20), &down, &err),
                         P_OK);
        assert_int_equal(ops->wait(c, up, i / 4, &err), P_EDEADLINE);
        int pid = xrt_client_pid(c);
        assert_true(pid > 0);
        assert_int_equal(kill(pid, SIGKILL), 0);
        int64_t begin = p_clock_ms(CLOCK_MONOTONIC);
        assert_int_equal(ops->wait(c, up, 2000, &err), P_EDEVICE);
        assert_int_equal(ops->wait(c, down, 2000, &err), P_EDEVICE);
        assert_true(p_clock_ms(CLOCK_MONOTONIC) - begin < 1000);
        assert_int_equal(ops->start_write(c, b, 0, 1, data, &up, &err), P_EDEVICE);
        ops->free(c, b);
        assert_int_equal(ops->reset(c, &err), P_OK);
        assert_true(kill(pid, 0) != 0 && errno == ESRCH);
    }
    assert_int_equal(exercise(c, 3, &err), P_OK);
    ops->close(c);
    free(data);
    check_clean(descriptors);
}

static void lies_are_not_believed(void **state)
{
    int descriptors = count_descriptors();

    (void)state;
    for (unsigned kind = 1; kind <= 12; kind++) {
        char fault[32];
        xrt_client *c;
        card_buffer *b;
        p_err err;

        snprintf(fault, sizeof fault, "lie@%u", kind);
        c = open_card(fault, 256);
        if (ops->alloc(c, CARD_SIDE_A, 1, &b, &err) != P_EDEVICE)
            fail_msg("%s was believed", fault);
        assert_true(err.text[0] != '\0');
        ops->close(c);

        snprintf(fault, sizeof fault, "hello@%u", kind);
        if (try_open(ZKP_FAKE_CARD, fault, 256, &c, &err) != P_EDEVICE)
            fail_msg("%s was believed", fault);
        assert_null(c);
        check_clean(descriptors);
    }
}

static void what_cannot_be_opened_says_why(void **state)
{
    int descriptors = count_descriptors();
    xrt_client *c;
    card_buffer *b;
    p_err err;

    (void)state;
    assert_int_equal(try_open("/nowhere/zkp-card", "none@0", 0, &c, &err), P_EDEVICE);
    assert_non_null(strstr(err.text, "/nowhere/zkp-card: No such file"));
    assert_int_equal(try_open("/bin/false", "none@0", 0, &c, &err), P_EDEVICE);
    assert_non_null(strstr(err.text, "code 1"));
    assert_int_equal(try_open(ZKP_FAKE_CARD, "refuse@1", 0, &c, &err), P_EMISSING);
    assert_string_equal(err.text, "there is no card 3");
    assert_null(c);
    check_clean(descriptors);

    /* a card that does not come back stays lost, and may come back later */
    c = open_card("none@0", 0);
    setenv("FAKE_CARD", "refuse@1", 1);
    assert_int_equal(ops->reset(c, &err), P_EMISSING);
    assert_int_equal(ops->alloc(c, CARD_SIDE_A, 1, &b, &err), P_EDEVICE);
    assert_int_equal(ops->reset(c, &err), P_EMISSING);
    setenv("FAKE_CARD", "none@0", 1);
    assert_int_equal(ops->reset(c, &err), P_OK);
    assert_int_equal(exercise(c, 9, &err), P_OK);
    setenv("FAKE_CHANNELS", "1", 1);
    assert_int_equal(ops->reset(c, &err), P_EDEVICE);
    assert_non_null(strstr(err.text, "another image"));
    unsetenv("FAKE_CHANNELS");
    ops->close(c);
    check_clean(descriptors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_go_where_they_belong),
        cmocka_unit_test(memory_ends_and_comes_back),
        cmocka_unit_test(a_lost_card_comes_back),
        cmocka_unit_test(a_card_that_hangs_is_ended),
        cmocka_unit_test(a_killed_card_is_noticed),
        cmocka_unit_test(lies_are_not_believed),
        cmocka_unit_test(what_cannot_be_opened_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
