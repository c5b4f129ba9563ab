/* DRV_MSM_LOAD and DRV_MSM over both groups. Every point is a known multiple of the generator, so a
 * sum of any length is one multiplication for the reference; short sums are also added up one by
 * one. */
#include "tests/conformance/reference_bn.h"
#include "tests/conformance/suite.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK 1024

typedef struct points {
    bool g2;
    uint64_t count;
    unsigned words;  /* of one point */
    uint64_t *point; /* count * words */
    ref_n *log;      /* count: multiples of the generator; 0: infinity */
} points;

static void set_point(points *p, uint64_t i, const ref_point *value, const ref_n *log)
{
    ref_point_words(p->point + i * p->words, value, p->g2);
    p->log[i] = *log;
}

/* Sums of one of CHUNK points A and one of as many points B, with A and B twice their predecessor
 * and one. */
static void make_points(suite *s, points *p, bool g2, uint64_t count)
{
    ref_point g = ref_generator(g2), *a, *b, *sum, step;
    ref_n *log_a, one = ref_small(1), log_b;

    *p = (points){.g2 = g2, .count = count, .words = g2 ? 16 : 8};
    p->point = suite_words(s, count * p->words);
    p->log = suite_need(calloc(count, sizeof(*p->log)));
    a = suite_need(malloc(CHUNK * sizeof(*a)));
    b = suite_need(malloc(CHUNK * sizeof(*b)));
    sum = suite_need(malloc(CHUNK * sizeof(*sum)));
    log_a = suite_need(malloc(CHUNK * sizeof(*log_a)));
    for (unsigned i = 0; i < CHUNK; i++) {
        if (i) {
            ref_add(&log_a[i], &log_a[i - 1], &log_a[i - 1], &REF_FR);
            ref_add(&log_a[i], &log_a[i], &one, &REF_FR);
            ref_point_add(&a[i], &a[i - 1], &a[i - 1]);
            ref_point_add(&a[i], &a[i], &g);
        } else {
            suite_fr(s, log_a[0].l);
            log_a[0].l[2] ^= 0x5555; /* no edge value */
            ref_point_mul(&a[0], &g, &log_a[0]);
        }
    }
    suite_fr(s, log_b.l);
    log_b.l[1] ^= 0x333;
    ref_reduce(&log_b, log_b.l, &REF_FR);
    ref_point_mul(&step, &g, &log_b);
    for (uint64_t first = 0; first < count; first += CHUNK) {
        uint64_t many = count - first < CHUNK ? count - first : CHUNK;

        for (unsigned i = 0; i < many; i++)
            b[i] = step;
        ref_point_add_many(sum, a, b, many);
        for (unsigned i = 0; i < many; i++) {
            ref_n log;

            ref_add(&log, &log_a[i], &log_b, &REF_FR);
            set_point(p, first + i, &sum[i], &log);
        }
        ref_add(&log_b, &log_b, &log_b, &REF_FR);
        ref_point_add(&step, &step, &step);
    }
    free(a);
    free(b);
    free(sum);
    free(log_a);
}

static void copy_point(points *p, uint64_t to, uint64_t from, bool negative)
{
    ref_point value;
    ref_n zero = ref_small(0), log = p->log[from];

    ref_point_parse(&value, p->point + from * p->words, p->g2);
    if (negative && !value.infinite) {
        ref_point_neg(&value, &value);
        ref_sub(&log, &zero, &log, &REF_FR);
    }
    set_point(p, to, &value, &log);
}

/* ---- patterns of points and scalars ---- */

typedef enum pattern {
    RANDOM,
    WITH_INFINITY,
    EQUAL_POINTS,
    EQUAL_SCALARS,
    OPPOSITES,  /* P, -P and equal points with any scalars */
    CANCELLING, /* P and -P with the same scalar: infinity */
    TWINS,      /* the same point with the same scalar, twice */
    TINY_SCALARS,
    EDGE_SCALARS,
    ZERO_SCALARS,
    ALL_INFINITE,
    EQUAL_BOTH,
    PATTERNS
} pattern;

static const char *const PATTERN[PATTERNS] = {
    "random",       "some infinite", "equal points", "equal scalars",
    "P and -P",     "cancelling",    "twins",        "tiny scalars",
    "edge scalars", "zero scalars",  "all infinite", "equal points and scalars",
};

static void shape_points(suite *s, points *p, pattern how)
{
    static const ref_point INFINITE = {.infinite = true};
    ref_n zero = ref_small(0);

    for (uint64_t i = 0; i < p->count; i++)
        switch (how) {
        case WITH_INFINITY:
            if (suite_below(s, 3) == 0)
                set_point(p, i, &INFINITE, &zero);
            break;
        case ALL_INFINITE:
            set_point(p, i, &INFINITE, &zero);
            break;
        case EQUAL_POINTS:
        case EQUAL_BOTH:
            copy_point(p, i, 0, false);
            break;
        case OPPOSITES:
            if (i)
                copy_point(p, i, suite_below(s, i < 4 ? i : 4), suite_random(s) & 1);
            break;
        case CANCELLING:
        case TWINS:
            if (i & 1)
                copy_point(p, i, i - 1, how == CANCELLING);
            break;
        default:
            break;
        }
}

static void make_scalar(suite *s, ref_n *out, const ref_n *before, uint64_t i, pattern how)
{
    ref_n one = ref_small(1), zero = ref_small(0);

    suite_fr(s, out->l);
    switch (how) {
    case EQUAL_SCALARS:
    case EQUAL_BOTH:
        if (i)
            *out = *before;
        break;
    case CANCELLING:
    case TWINS:
        if (i & 1)
            *out = *before;
        break;
    case TINY_SCALARS:
        *out = ref_small(suite_below(s, 5));
        break;
    case EDGE_SCALARS:
        *out = zero;
        switch (suite_below(s, 6)) {
        case 0: /* a power of two, or one less */
        case 1: {
            unsigned bit = (unsigned)suite_below(s, 254);

            out->l[bit / 64] = UINT64_C(1) << bit % 64;
            if (suite_random(s) & 1)
                ref_sub(out, out, &one, &REF_FR);
            break;
        }
        case 2: /* (r - 1) / 2 and its neighbour */
            ref_add(out, &one, &one, &REF_FR);
            ref_inv(out, out, &REF_FR);
            if (suite_random(s) & 1)
                ref_sub(out, out, &one, &REF_FR);
            break;
        case 3: /* words of ones: every window's digit is the largest */
            for (unsigned k = 0; k < 4; k++)
                out->l[k] = UINT64_MAX >> (k == 3 ? 3 : 0);
            ref_reduce(out, out->l, &REF_FR);
            break;
        default:
            ref_sub(out, &zero, &one, &REF_FR);
        }
        break;
    case ZERO_SCALARS:
        *out = zero;
        break;
    default:
        break;
    }
}

/* ---- one sum ---- */

static void msm_run(suite *s, const points *p, drv_handle *handle, uint64_t first, uint64_t count,
                    pattern how, drv_form form)
{
    uint64_t *scalars = suite_words(s, 4 * count), *out = suite_words(s, p->words);
    uint64_t expected[16];
    drv_job job = {.op = DRV_MSM, .msm = {handle, scalars, form, first, count, out}};
    ref_n sum = ref_small(0), n = sum, term;
    ref_point g = ref_generator(p->g2), result, slow = {.infinite = true};

    suite_at(s, "MSM over G%d, points %llu + %llu, %s, %s form", p->g2 ? 2 : 1,
             (unsigned long long)first, (unsigned long long)count, PATTERN[how],
             form == DRV_MONTGOMERY ? "Montgomery" : "canonical");
    for (uint64_t i = 0; i < count; i++) {
        make_scalar(s, &n, &n, i, how);
        if (form == DRV_MONTGOMERY)
            ref_to_mont(scalars + 4 * i, &n, &REF_FR);
        else
            memcpy(scalars + 4 * i, n.l, 32);
        ref_mul(&term, &n, &p->log[first + i], &REF_FR);
        ref_add(&sum, &sum, &term, &REF_FR);
        if (count <= 3) {
            ref_point value;

            ref_point_parse(&value, p->point + (first + i) * p->words, p->g2);
            ref_point_mul(&value, &value, &n);
            ref_point_add(&slow, &slow, &value);
        }
    }
    suite_keep(s, scalars);
    ref_point_mul(&result, &g, &sum);
    ref_point_words(expected, &result, p->g2);
    if (count <= 3) {
        uint64_t words[16];

        ref_point_words(words, &slow, p->g2);
        suite_same(s, words, expected, p->words, "the two references");
    }
    if (suite_run(s, &job)) {
        suite_digest(s, out, p->words);
        suite_same(s, out, expected, p->words, "sum");
    }
}

static drv_handle *load(suite *s, const points *p, bool trusted)
{
    drv_handle *handle = NULL;
    drv_points info;
    drv_job job = {.op = DRV_MSM_LOAD,
                   .msm_load = {p->g2 ? DRV_G2 : DRV_G1, trusted, p->point, p->count, &handle}};

    suite_at(s, "loading %llu points of G%d", (unsigned long long)p->count, p->g2 ? 2 : 1);
    suite_keep(s, p->point);
    if (!suite_run(s, &job))
        return NULL;
    suite_check(s,
                drv_points_info(handle, &info) == P_OK && info.count == p->count &&
                    info.group == job.msm_load.group,
                "drv_points_info does not say what was loaded");
    return handle;
}

static void msm_case(suite *s, bool g2, uint64_t count, pattern how)
{
    drv_handle *handle;
    points p;

    make_points(s, &p, g2, count);
    shape_points(s, &p, how);
    handle = load(s, &p, count & 1);
    if (handle)
        msm_run(s, &p, handle, 0, count, how, suite_random(s) & 1 ? DRV_MONTGOMERY : DRV_CANONICAL);
    drv_release(handle);
    free(p.log);
    suite_free_all(s);
}

/* many sums over one handle, from any place on */
static void msm_parts(suite *s, bool g2, uint64_t count, unsigned sums)
{
    drv_handle *handle;
    points p;

    make_points(s, &p, g2, count);
    handle = load(s, &p, false);
    for (unsigned i = 0; handle && i < sums; i++) {
        uint64_t first = i == 0 ? count - 1 : suite_below(s, count);

        msm_run(s, &p, handle, first, 1 + suite_below(s, count - first), (pattern)(i % 4),
                i & 1 ? DRV_MONTGOMERY : DRV_CANONICAL);
    }
    drv_release(handle);
    free(p.log);
    suite_free_all(s);
}

/* ---- what is refused ---- */

static bool names_number(const char *text, uint64_t number)
{
    char digits[24];
    size_t length;
    const char *at = text;

    length = (size_t)snprintf(digits, sizeof(digits), "%llu", (unsigned long long)number);
    while ((at = strstr(at, digits))) {
        bool before = at > text && at[-1] >= '0' && at[-1] <= '9';
        bool after = at[length] >= '0' && at[length] <= '9';

        if (!before && !after)
            return true;
        at++;
    }
    return false;
}

static void bad_points(suite *s, bool g2)
{
    for (unsigned kind = 0; kind < 4; kind++) {
        uint64_t count = 1303, bad = kind == 2 ? 0 : kind == 3 ? count - 1 : 777;
        drv_handle *handle = (drv_handle *)&count; /* not NULL: has to be set */
        drv_job job = {.op = DRV_MSM_LOAD};
        p_err err = {0};
        p_status status;
        points p;

        make_points(s, &p, g2, count);
        /* a coordinate of another point; one beyond the modulus for the same residue */
        if (kind == 1) {
            ref_n x, sum;

            memcpy(x.l, p.point + bad * p.words, 32);
            sum = x;
            for (unsigned k = 0, carry = 0; k < 4; k++) {
                uint64_t word = x.l[k] + carry;

                carry = word < x.l[k];
                sum.l[k] = word + REF_FP.l[k];
                carry |= sum.l[k] < word;
            }
            memcpy(p.point + bad * p.words, sum.l, 32);
        } else {
            p.point[bad * p.words + (kind & 1 ? p.words - 4 : 0)] ^= 1;
            if (kind == 0) /* a second one, which is not the first */
                p.point[(bad + 100) * p.words] ^= 1;
        }
        job.msm_load = (drv_msm_load_job){g2 ? DRV_G2 : DRV_G1, false, p.point, count, &handle};
        suite_at(s, "loading points of G%d of which number %llu is wrong (%u)", g2 ? 2 : 1,
                 (unsigned long long)bad, kind);
        s->result->jobs++;
        status = drv_run(s->device, &job, s->job_ms, &err);
        if (status == P_EUNSUPPORTED && !s->o->complete) {
            s->result->unsupported++;
            s->partial = true;
        } else {
            suite_check(s, status == P_EINVAL, "it ends %s: %s", p_status_name(status), err.text);
            suite_check(s, names_number(err.text, bad), "the error does not name the point: %s",
                        err.text);
            suite_check(s, !handle || status == P_OK, "it leaves a handle");
            if (status == P_OK)
                drv_release(handle);
        }
        free(p.log);
        suite_free_all(s);
    }
}

static void bad_scalars(suite *s, bool g2)
{
    uint64_t count = 300;
    drv_handle *handle;
    points p;

    make_points(s, &p, g2, count);
    handle = load(s, &p, false);
    for (unsigned kind = 0; handle && kind < 6; kind++) {
        uint64_t *scalars = suite_words(s, 4 * count), *out = suite_words(s, p.words);
        uint64_t *bad = scalars + 4 * (kind < 2 ? 0 : kind < 4 ? 150 : count - 1);
        drv_job job = {
            .op = DRV_MSM,
            .msm = {handle, scalars, kind & 1 ? DRV_MONTGOMERY : DRV_CANONICAL, 0, count, out}};
        p_err err = {0};
        p_status status;

        suite_fill_fr(s, scalars, count);
        memcpy(bad, REF_FR.l, 32);
        if (kind >= 3)
            memset(bad, 0xff, 32);
        suite_at(s, "MSM over G%d with a scalar beyond the modulus (%u)", g2 ? 2 : 1, kind);
        s->result->jobs++;
        status = drv_run(s->device, &job, s->job_ms, &err);
        suite_check(s, status == P_EINVAL, "it ends %s: %s", p_status_name(status), err.text);
        suite_check(s, err.text[0], "there is no error text");
        suite_check_buffers(s);
    }
    drv_release(handle);
    free(p.log);
    suite_free_all(s);
}

static void suite_msm(suite *s, bool g2)
{
    static const uint64_t COUNT[] = {40, 63, 64, 65, 100, 127, 128, 129, 255, 256, 257, 511, 1000};
    uint64_t most = UINT64_C(1) << s->o->max_log2;
    unsigned dense = s->o->effort ? 33 : 8, turn = 0;

    if (!s->o->min_log2) {
        for (uint64_t count = 1; count <= dense; count++)
            for (unsigned k = 0; k < (count <= 4 ? PATTERNS : 2); k++, turn++)
                msm_case(s, g2, count, (pattern)(turn % PATTERNS));
        for (unsigned how = 0; how < PATTERNS; how++)
            for (unsigned i = 0; i < 2; i++, turn++)
                msm_case(s, g2, COUNT[turn % 13], (pattern)how);
        msm_parts(s, g2, 300, s->o->effort ? 24 : 6);
        bad_points(s, g2);
        bad_scalars(s, g2);
        if (s->o->effort)
            for (unsigned how = 0; how < PATTERNS; how++)
                msm_case(s, g2, most < 4099 ? most : 4099, (pattern)how);
    }
    if (s->o->effort)
        for (unsigned log2 = s->o->min_log2 < 13 ? 13 : s->o->min_log2; log2 <= s->o->max_log2;
             log2++) {
            /* G2 and the sizes between only in the whole grid */
            if (s->o->effort < 2 && log2 != (g2 ? 15 : 17) && (g2 || log2 != s->o->max_log2))
                continue;
            msm_case(s, g2, (UINT64_C(1) << log2) - (log2 & 1), log2 & 1 ? OPPOSITES : RANDOM);
            if (s->o->effort == 2 && log2 <= 16)
                for (unsigned how = 0; how < PATTERNS; how++)
                    msm_case(s, g2, (UINT64_C(1) << log2) + 1, (pattern)how);
        }
}

void suite_msm_g1(suite *s)
{
    suite_msm(s, false);
}

void suite_msm_g2(suite *s)
{
    suite_msm(s, true);
}
