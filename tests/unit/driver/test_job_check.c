/* Each rule that driver.h states for a job's fields: a job that breaks it is refused with a text
 * that names the field, and the nearest job that keeps it is taken. */
#include "tests/unit/driver/toy.h"

#include <string.h>

#define LONG_MS 20000

/* Jobs on which a case works: all valid, all handles of one device. */
typedef struct bench {
    drv_device *device, *other;
    drv_handle *commitment, *points, *leaves, *bn;
    drv_handle *foreign; /* a commitment of the other device */
    drv_handle *out;     /* of jobs that make one */
} bench;

static bench b;

static _Alignas(64) uint64_t leaf_words[8 * 64];
static uint64_t cap_words[4 * 64];

static drv_job leaves_job(drv_handle **out, drv_hash hash, uint32_t cap_log2)
{
    return (drv_job){.op = DRV_COMMIT,
                     .commit = {.in = {.data = leaf_words, .columns = 5, .log_rows = 6},
                                .input = DRV_LEAVES,
                                .hash = hash,
                                .cap_log2 = cap_log2,
                                .cap = cap_words,
                                .out = out}};
}

static void make(drv_device *d, drv_job job)
{
    p_err err = {P_OK, ""};
    if (drv_run(d, &job, LONG_MS, &err) != P_OK)
        fail_msg("%s", err.text);
}

static int setup(void **state)
{
    (void)state;
    toy_reset();
    b.device = toy_open();
    b.other = toy_open();
    make(b.device, toy_commit(&b.commitment));
    make(b.other, toy_commit(&b.foreign));
    make(b.device, toy_msm_load(&b.points));
    make(b.device, leaves_job(&b.leaves, DRV_HASH_GL, 6));
    make(b.device, leaves_job(&b.bn, DRV_HASH_BN254, 2));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    drv_release(b.commitment);
    drv_release(b.points);
    drv_release(b.leaves);
    drv_release(b.bn);
    drv_release(b.foreign);
    return drv_close(b.device, LONG_MS, NULL) == P_OK && drv_close(b.other, LONG_MS, NULL) == P_OK
               ? 0
               : -1;
}

/* For what is larger than the arrays here. */
static void shape_taken(drv_job job)
{
    p_err err = {P_OK, ""};
    uint64_t bytes;

    if (drv_estimate(b.device, &job, &bytes, &err) != P_OK)
        fail_msg("no estimate: %s", err.text);
}

static void taken(drv_job job)
{
    p_err err = {P_OK, ""};

    b.out = NULL;
    if (drv_run(b.device, &job, LONG_MS, &err) != P_OK)
        fail_msg("refused: %s", err.text);
    drv_release(b.out);
    shape_taken(job);
}

/* field: how the text begins; found: what it says of the value, or NULL */
static void refused_at(const char *file, int line, drv_job job, const char *field,
                       const char *found)
{
    drv_event *e = (drv_event *)&e;
    p_err err = {P_OK, ""};
    int runs = toy_state.runs;

    p_status s = drv_submit(b.device, &job, &e, &err);
    if (s != P_EINVAL || err.status != P_EINVAL || e || toy_state.runs != runs)
        fail_msg("%s:%d: %s: answered %s '%s'", file, line, field, p_status_name(s), err.text);
    if (strncmp(err.text, field, strlen(field)) != 0 || err.text[strlen(field)] != ' ')
        fail_msg("%s:%d: '%s' does not name %s", file, line, err.text, field);
    if (found && !strstr(err.text, found))
        fail_msg("%s:%d: '%s' does not say '%s'", file, line, err.text, found);
    assert_int_equal(drv_submit(b.device, &job, &e, NULL), P_EINVAL); /* without a record, too */
}

#define REFUSED(job, field, found) refused_at(__FILE__, __LINE__, job, field, found)

/* the same job but for one field */
#define WITH(job, field, value)                                                                    \
    __extension__({                                                                                \
        drv_job changed = (job);                                                                   \
        changed.field = (value);                                                                   \
        changed;                                                                                   \
    })

#define WITH2(job, field, value, field2, value2)                                                   \
    __extension__({                                                                                \
        drv_job changed = (job);                                                                   \
        changed.field = (value);                                                                   \
        changed.field2 = (value2);                                                                 \
        changed;                                                                                   \
    })

static void *odd(const void *p, size_t offset)
{
    return (char *)(uintptr_t)p + offset;
}

#define LAST_LINE ((uint64_t *)(UINTPTR_MAX - 63))
#define LAST_WORD ((uint64_t *)(UINTPTR_MAX - 7))

static void the_operation(void **state)
{
    (void)state;
    drv_job job = toy_poseidon(1);

    REFUSED(WITH(job, op, DRV_OP_COUNT), "job.op", "7");
    REFUSED(WITH(job, op, (drv_op)-1), "job.op", "0 to 6");
    taken(job);
}

static void commit(void **state)
{
    (void)state;
    drv_job job = toy_commit(&b.out);
    static _Alignas(64) uint64_t in[16 * 64];

    job.commit.in.data = in;
    taken(job);
    taken(WITH(job, commit.in.columns, 1));
    REFUSED(WITH(job, commit.in.columns, 0), "commit.in.columns", "is 0; expected 1 to 4096");
    REFUSED(WITH(job, commit.in.columns, 4097), "commit.in.columns", "4097");
    shape_taken(WITH(job, commit.in.columns, 4096));
    REFUSED(WITH(job, commit.in.log_rows, 33), "commit.in.log_rows", "33");
    REFUSED(WITH(job, commit.in.log_rows, UINT32_MAX), "commit.in.log_rows", "4294967295");
    REFUSED(WITH(job, commit.in.log_rows, 32), "commit.in.log_rows + log_blowup", "33");
    shape_taken(WITH(job, commit.in.log_rows, 31));
    REFUSED(WITH(job, commit.input, DRV_LEAVES + 1), "commit.input", "3");
    REFUSED(WITH(job, commit.input, (drv_input)-1), "commit.input", NULL);
    REFUSED(WITH(job, commit.hash, DRV_HASH_BN254 + 1), "commit.hash", "2");
    REFUSED(WITH(job, commit.log_blowup, 9), "commit.log_blowup", "9");
    REFUSED(WITH(job, commit.log_blowup, UINT32_MAX), "commit.log_blowup", NULL);
    taken(WITH(job, commit.log_blowup, 8));
    taken(WITH(job, commit.log_blowup, 0));
    REFUSED(WITH(job, commit.input, DRV_LEAVES), "commit.log_blowup", "is 1; expected 0 to 0");
    taken(WITH(job, commit.input, DRV_COEFFICIENTS));
    REFUSED(WITH(job, commit.cap_log2, 5), "commit.cap_log2", "is 5; expected 0 to 4");
    taken(WITH(job, commit.cap_log2, 4));
    REFUSED(WITH(job, commit.cap_log2, UINT32_MAX), "commit.cap_log2", NULL);
    REFUSED(WITH(job, commit.in.data, NULL), "commit.in.data", "NULL");
    REFUSED(WITH(job, commit.in.data, odd(in, 8)), "commit.in.data", "aligned to 64");
    REFUSED(WITH(job, commit.in.data, odd(in, 32)), "commit.in.data", "aligned to 64");
    REFUSED(WITH(job, commit.in.data, LAST_LINE), "commit.in.data", "address space");
    REFUSED(WITH(job, commit.cap, NULL), "commit.cap", "NULL");
    REFUSED(WITH(job, commit.cap, odd(cap_words, 4)), "commit.cap", "aligned to 8");
    REFUSED(WITH(job, commit.cap, LAST_WORD), "commit.cap", "address space");
    REFUSED(WITH(job, commit.cap, in), "commit.cap", "overlaps commit.in.data");
    REFUSED(WITH(job, commit.cap, in + 16 * 8 - 1), "commit.cap",
            "overlaps"); /* 2 blocks, 8 rows */
    taken(WITH(job, commit.cap, in + 16 * 8));
    job.commit.in.data = in + 16;
    REFUSED(WITH(job, commit.cap, in + 16 - 7), "commit.cap", "overlaps"); /* 2 digests */
    taken(WITH(job, commit.cap, in + 16 - 8));
    REFUSED(WITH(job, commit.out, NULL), "commit.out", "NULL");

    job = leaves_job(&b.out, DRV_HASH_BN254, 2);
    taken(job);
    taken(WITH(job, commit.cap_log2, 6));
    REFUSED(WITH(job, commit.cap_log2, 0), "commit.cap_log2", "multiple of 4");
    REFUSED(WITH(job, commit.cap_log2, 3), "commit.cap_log2", "2^6 leaves");
    taken(WITH2(job, commit.hash, DRV_HASH_GL, commit.cap_log2, 3));
}

static void a_refused_job_leaves_no_handle(void **state)
{
    (void)state;
    drv_event *e;
    drv_handle *out = b.points;
    drv_job job = toy_commit(&out);

    job.commit.in.columns = 0;
    assert_int_equal(drv_submit(b.device, &job, &e, NULL), P_EINVAL);
    assert_null(out);
}

static void open_rows(void **state)
{
    (void)state;
    static uint64_t rows[8] = {0, 15}, values[64], paths[256];
    drv_job job = toy_open_rows(b.commitment); /* 16 leaves, 11 columns, paths of 3 digests */

    job.open.rows = rows;
    job.open.values = values;
    job.open.paths = paths;
    taken(job);
    REFUSED(WITH(job, open.commitment, NULL), "open.commitment", "NULL");
    REFUSED(WITH(job, open.commitment, b.points), "open.commitment",
            "handle of msm_load; expected one of commit");
    REFUSED(WITH(job, open.commitment, b.foreign), "open.commitment", "another device");
    REFUSED(WITH(job, open.count, 0), "open.count", "is 0; expected 1 to 1048576");
    REFUSED(WITH(job, open.count, (1 << 20) + 1), "open.count", "1048577");
    REFUSED(WITH(job, open.rows, NULL), "open.rows", "NULL");
    REFUSED(WITH(job, open.rows, odd(rows, 1)), "open.rows", "aligned to 8");
    REFUSED(WITH(job, open.rows, LAST_WORD), "open.rows", "address space");
    REFUSED(WITH(job, open.values, NULL), "open.values", "44 64-bit words");
    REFUSED(WITH(job, open.values, odd(values, 4)), "open.values", "aligned to 8");
    REFUSED(WITH(job, open.values, LAST_WORD), "open.values", "address space");
    REFUSED(WITH(job, open.paths, NULL), "open.paths", "48 64-bit words");
    REFUSED(WITH(job, open.paths, odd(paths, 2)), "open.paths", "aligned to 8");
    REFUSED(WITH(job, open.paths, LAST_WORD), "open.paths", "address space");
    REFUSED(WITH(job, open.values, rows + 3), "open.values", "overlaps open.rows");
    REFUSED(WITH(job, open.paths, rows), "open.paths", "overlaps open.rows");
    REFUSED(WITH(job, open.paths, values + 43), "open.paths", "overlaps open.values");
    taken(WITH(job, open.paths, paths + 44));
    rows[3] = 16;
    REFUSED(job, "open.rows[3]", "is 16; expected less than 2^4");
    rows[3] = UINT64_MAX;
    REFUSED(job, "open.rows[3]", "18446744073709551615");
    taken(WITH(job, open.count, 3)); /* only what the job names is looked at */
    rows[3] = 0;
    /* a cap of all leaves: no paths; leaves that are the caller's */
    job.open.commitment = b.leaves;
    taken(WITH(job, open.paths, NULL));
    REFUSED(WITH(job, open.values, leaf_words), "open.values", "overlaps the leaves");
    job.open.commitment = b.bn;
    taken(job);
    REFUSED(WITH(job, open.paths, NULL), "open.paths", "240 64-bit words");
    REFUSED(WITH(job, open.paths, leaf_words), "open.paths", "overlaps the leaves");
}

static void read_rectangle(void **state)
{
    (void)state;
    static uint64_t out[256];
    drv_job job = toy_read(b.commitment); /* 16 rows of 11 */

    job.read.out = out;
    taken(job);
    REFUSED(WITH(job, read.commitment, NULL), "read.commitment", "NULL");
    REFUSED(WITH(job, read.commitment, b.points), "read.commitment", "handle of msm_load");
    REFUSED(WITH(job, read.commitment, b.foreign), "read.commitment", "another device");
    REFUSED(WITH(job, read.row, 16), "read.row", "is 16; expected 0 to 15");
    REFUSED(WITH(job, read.row, UINT64_MAX), "read.row", NULL);
    REFUSED(WITH(job, read.row, 4), "read.rows", "is 13; expected 1 to 12");
    REFUSED(WITH(job, read.rows, 0), "read.rows", "is 0");
    REFUSED(WITH(job, read.rows, 14), "read.rows", "is 14");
    REFUSED(WITH(job, read.rows, UINT64_MAX), "read.rows", NULL);
    REFUSED(WITH(job, read.rows, UINT64_MAX - 2), "read.rows", NULL); /* row + rows wraps to 0 */
    REFUSED(WITH(job, read.column, 11), "read.column", "is 11; expected 0 to 10");
    REFUSED(WITH(job, read.column, 2), "read.columns", "is 10; expected 1 to 9");
    REFUSED(WITH(job, read.columns, 0), "read.columns", "is 0");
    REFUSED(WITH(job, read.columns, UINT32_MAX), "read.columns", NULL);
    REFUSED(WITH(job, read.out, NULL), "read.out", "130 64-bit words");
    REFUSED(WITH(job, read.out, odd(out, 4)), "read.out", "aligned to 8");
    REFUSED(WITH(job, read.out, LAST_WORD), "read.out", "address space");
    taken(WITH2(job, read.row, 15, read.rows, 1));
    job.read = (drv_read_job){.commitment = b.leaves, .rows = 64, .columns = 5, .out = leaf_words};
    REFUSED(job, "read.out", "overlaps the leaves");
    REFUSED(WITH(job, read.out, leaf_words + 8 * 64 - 1), "read.out", "overlaps the leaves");
}

static drv_job with_shift(drv_job job, uint64_t a, uint64_t c, uint64_t d, uint64_t e)
{
    memcpy(job.ntt.shift, (uint64_t[4]){a, c, d, e}, sizeof job.ntt.shift);
    return job;
}

static void ntt(void **state)
{
    (void)state;
    static const uint64_t r[4] = {0x43e1f593f0000001, 0x2833e84879b97091, 0xb85045b68181585d,
                                  0x30644e72e131a029};
    drv_job gl = toy_ntt(DRV_GOLDILOCKS), fr = toy_ntt(DRV_BN254_FR);

    taken(gl);
    taken(fr);
    REFUSED(WITH(gl, ntt.field, DRV_BN254_FR + 1), "ntt.field", "2");
    REFUSED(WITH(gl, ntt.layout, DRV_BLOCKED + 1), "ntt.layout", "2");
    taken(WITH(gl, ntt.layout, DRV_BLOCKED));
    REFUSED(WITH(fr, ntt.layout, DRV_BLOCKED), "ntt.layout", "is 1; expected 0 to 0");
    REFUSED(WITH(gl, ntt.in_order, DRV_BIT_REVERSED + 1), "ntt.in_order", "2");
    REFUSED(WITH(gl, ntt.out_order, DRV_BIT_REVERSED + 1), "ntt.out_order", "2");
    taken(WITH(gl, ntt.in_order, DRV_BIT_REVERSED));
    taken(WITH(fr, ntt.out_order, DRV_BIT_REVERSED));
    REFUSED(WITH2(gl, ntt.in_order, DRV_BIT_REVERSED, ntt.out_order, DRV_BIT_REVERSED),
            "ntt.in_order and ntt.out_order", "both bit-reversed");
    REFUSED(WITH(gl, ntt.log_n, 33), "ntt.log_n", "is 33; expected 0 to 32");
    REFUSED(WITH(gl, ntt.log_n, UINT32_MAX), "ntt.log_n", NULL);
    taken(WITH(gl, ntt.log_n, 32));
    REFUSED(WITH(fr, ntt.log_n, 29), "ntt.log_n", "is 29; expected 0 to 28");
    taken(WITH(fr, ntt.log_n, 28));
    taken(WITH(fr, ntt.log_n, 0));
    REFUSED(WITH(gl, ntt.columns, 0), "ntt.columns", "is 0; expected 1 to 4096");
    REFUSED(WITH(fr, ntt.columns, 4097), "ntt.columns", "4097");
    REFUSED(WITH(gl, ntt.data, NULL), "ntt.data", "48 64-bit words");
    REFUSED(WITH(fr, ntt.data, NULL), "ntt.data", "192 64-bit words");
    REFUSED(WITH2(gl, ntt.data, NULL, ntt.layout, DRV_BLOCKED), "ntt.data", "128 64-bit words");
    REFUSED(WITH(gl, ntt.data, odd(gl.ntt.data, 8)), "ntt.data", "aligned to 64");
    REFUSED(WITH(gl, ntt.data, LAST_LINE), "ntt.data", "address space");
    /* shifts */
    REFUSED(with_shift(gl, 0, 1, 1, 1), "ntt.shift", "zero");
    REFUSED(with_shift(gl, 0xffffffff00000001, 0, 0, 0), "ntt.shift", "zero");
    taken(with_shift(gl, 0xffffffff00000000, 9, 9, 9));
    taken(with_shift(gl, UINT64_MAX, 0, 0, 0));
    REFUSED(with_shift(fr, 0, 0, 0, 0), "ntt.shift", "zero");
    REFUSED(with_shift(fr, r[0], r[1], r[2], r[3]), "ntt.shift", "not below r");
    REFUSED(with_shift(fr, 0, 0, 0, r[3] + 1), "ntt.shift", "not below r");
    REFUSED(with_shift(fr, 0, 0, r[2] + 1, r[3]), "ntt.shift", "not below r");
    REFUSED(with_shift(fr, 0, r[1] + 1, r[2], r[3]), "ntt.shift", "not below r");
    taken(with_shift(fr, r[0] - 1, r[1], r[2], r[3]));
    taken(with_shift(fr, UINT64_MAX, r[1] - 1, r[2], r[3]));
    taken(with_shift(fr, UINT64_MAX, UINT64_MAX, UINT64_MAX, r[3] - 1));
    taken(with_shift(fr, 0, 0, 0, 1));
}

static void msm_load(void **state)
{
    (void)state;
    drv_job job = toy_msm_load(&b.out);

    taken(job);
    REFUSED(WITH(job, msm_load.group, DRV_G2 + 1), "msm_load.group", "2");
    REFUSED(WITH(job, msm_load.count, 0), "msm_load.count", "is 0; expected 1 to 268435456");
    REFUSED(WITH(job, msm_load.count, (1 << 28) + 1), "msm_load.count", "268435457");
    REFUSED(WITH(job, msm_load.count, UINT64_MAX), "msm_load.count", NULL);
    taken(WITH(job, msm_load.count, 1 << 28));
    REFUSED(WITH(job, msm_load.points, NULL), "msm_load.points", "1600 64-bit words");
    REFUSED(WITH2(job, msm_load.points, NULL, msm_load.group, DRV_G1), "msm_load.points",
            "800 64-bit words");
    REFUSED(WITH(job, msm_load.points, odd(job.msm_load.points, 4)), "msm_load.points",
            "aligned to 8");
    taken(WITH(job, msm_load.points, odd(job.msm_load.points, 8)));
    REFUSED(WITH(job, msm_load.points, LAST_WORD), "msm_load.points", "address space");
    REFUSED(WITH(job, msm_load.out, NULL), "msm_load.out", "NULL");
}

static void msm(void **state)
{
    (void)state;
    static uint64_t scalars[400], sum[16];
    drv_handle *held = NULL;
    drv_job job = toy_msm(b.points); /* 100 points of G2, from the tenth */

    job.msm.scalars = scalars;
    job.msm.out = sum;
    taken(job);
    REFUSED(WITH(job, msm.points, NULL), "msm.points", "NULL");
    REFUSED(WITH(job, msm.points, b.commitment), "msm.points",
            "handle of commit; expected one of msm_load");
    REFUSED(WITH(job, msm.points, b.foreign), "msm.points", "another device");
    REFUSED(WITH(job, msm.form, DRV_MONTGOMERY + 1), "msm.form", "2");
    taken(WITH(job, msm.form, DRV_MONTGOMERY));
    REFUSED(WITH(job, msm.first, 100), "msm.first", "is 100; expected 0 to 99");
    REFUSED(WITH(job, msm.first, UINT64_MAX), "msm.first", NULL);
    REFUSED(WITH(job, msm.count, 0), "msm.count", "is 0; expected 1 to 90");
    REFUSED(WITH(job, msm.count, 91), "msm.count", "is 91");
    REFUSED(WITH(job, msm.count, UINT64_MAX - 9), "msm.count", NULL); /* first + count wraps */
    REFUSED(WITH(job, msm.scalars, NULL), "msm.scalars", "360 64-bit words");
    REFUSED(WITH(job, msm.scalars, odd(scalars, 4)), "msm.scalars", "aligned to 8");
    REFUSED(WITH(job, msm.scalars, LAST_WORD), "msm.scalars", "address space");
    REFUSED(WITH(job, msm.out, NULL), "msm.out", "16 64-bit words");
    REFUSED(WITH(job, msm.out, odd(sum, 4)), "msm.out", "aligned to 8");
    REFUSED(WITH(job, msm.out, LAST_WORD), "msm.out", "address space");
    REFUSED(WITH(job, msm.out, scalars + 359), "msm.out", "overlaps msm.scalars");
    taken(WITH(job, msm.out, scalars + 360));
    drv_job load = toy_msm_load(&held);
    load.msm_load.group = DRV_G1;
    make(b.device, load);
    job.msm.points = held;
    REFUSED(WITH(job, msm.out, (uint64_t *)(uintptr_t)load.msm_load.points), "msm.out",
            "overlaps the points");
    REFUSED(WITH(job, msm.out, NULL), "msm.out", "8 64-bit words");
    drv_release(held);
}

static void poseidon(void **state)
{
    (void)state;
    drv_job gl = toy_poseidon(10), fr = WITH(gl, poseidon.field, DRV_BN254_FR);

    taken(gl);
    taken(fr);
    REFUSED(WITH(gl, poseidon.field, DRV_BN254_FR + 1), "poseidon.field", "2");
    REFUSED(WITH(gl, poseidon.width, 11), "poseidon.width", "is 11; expected 12 to 12");
    REFUSED(WITH(gl, poseidon.width, 13), "poseidon.width", "13");
    REFUSED(WITH(fr, poseidon.width, 1), "poseidon.width", "is 1; expected 2 to 17");
    REFUSED(WITH(fr, poseidon.width, 18), "poseidon.width", "18");
    taken(WITH(fr, poseidon.width, 2));
    taken(WITH(fr, poseidon.width, 17));
    REFUSED(WITH(fr, poseidon.form, DRV_MONTGOMERY + 1), "poseidon.form", "2");
    taken(WITH(fr, poseidon.form, DRV_MONTGOMERY));
    REFUSED(WITH(gl, poseidon.count, 0), "poseidon.count", "is 0; expected 1 to 4294967296");
    REFUSED(WITH(gl, poseidon.count, ((uint64_t)1 << 32) + 1), "poseidon.count", "4294967297");
    taken(WITH(gl, poseidon.count, (uint64_t)1 << 32));
    REFUSED(WITH(gl, poseidon.states, NULL), "poseidon.states", "120 64-bit words");
    REFUSED(WITH(fr, poseidon.states, NULL), "poseidon.states", "480 64-bit words");
    REFUSED(WITH(gl, poseidon.states, odd(gl.poseidon.states, 32)), "poseidon.states",
            "aligned to 64");
    REFUSED(WITH(gl, poseidon.states, LAST_LINE), "poseidon.states", "address space");
}

/* An estimate looks at the same rules, but for the arrays. */
static void estimates_need_no_arrays(void **state)
{
    (void)state;
    drv_job jobs[] = {toy_commit(NULL),       toy_msm_load(NULL), toy_open_rows(b.commitment),
                      toy_read(b.commitment), toy_msm(b.points),  toy_ntt(DRV_GOLDILOCKS),
                      toy_poseidon(3)};
    uint64_t bytes;
    p_err err;

    jobs[0].commit.in.data = jobs[0].commit.cap = NULL;
    jobs[1].msm_load.points = NULL;
    jobs[2].open.rows = NULL;
    jobs[2].open.values = jobs[2].open.paths = NULL;
    jobs[3].read.out = NULL;
    jobs[4].msm.scalars = NULL;
    jobs[4].msm.out = NULL;
    jobs[5].ntt.data = NULL;
    jobs[6].poseidon.states = NULL;
    toy_state.estimate = 77;
    for (size_t i = 0; i < sizeof jobs / sizeof jobs[0]; i++) {
        if (drv_estimate(b.device, &jobs[i], &bytes, &err) != P_OK)
            fail_msg("%s", err.text);
        assert_int_equal(bytes, 77);
    }
    jobs[0].commit.in.columns = 0;
    assert_int_equal(drv_estimate(b.device, &jobs[0], &bytes, &err), P_EINVAL);
    assert_int_equal(bytes, 0);
    jobs[4].msm.points = NULL;
    assert_int_equal(drv_estimate(b.device, &jobs[4], &bytes, &err), P_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_operation, setup, teardown),
        cmocka_unit_test_setup_teardown(commit, setup, teardown),
        cmocka_unit_test_setup_teardown(a_refused_job_leaves_no_handle, setup, teardown),
        cmocka_unit_test_setup_teardown(open_rows, setup, teardown),
        cmocka_unit_test_setup_teardown(read_rectangle, setup, teardown),
        cmocka_unit_test_setup_teardown(ntt, setup, teardown),
        cmocka_unit_test_setup_teardown(msm_load, setup, teardown),
        cmocka_unit_test_setup_teardown(msm, setup, teardown),
        cmocka_unit_test_setup_teardown(poseidon, setup, teardown),
        cmocka_unit_test_setup_teardown(estimates_need_no_arrays, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
