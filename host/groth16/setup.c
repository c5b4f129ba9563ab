#include "host/groth16/setup.h"

#include "driver/base/clock.h"
#include "host/groth16/lagrange.h"
#include "host/groth16/multiples.h"
#include "host/groth16/random.h"
#include "host/groth16/zkey_write.h"

#include <inttypes.h>
#include <string.h>

#define ITEM 256 /* values that a thread makes at a time */
#define SECTIONS 11

enum { TAU, ALPHA, BETA, GAMMA, DELTA, SECRETS };

typedef struct setup {
    const groth16_setup_options *o;
    groth16_circuit circuit;
    p_memory memory;
    p_pool *pool;
    binfile_writer writer;
    bn_fr secret[SECRETS], inverse_gamma, inverse_delta;
    uint64_t rows;           /* of the domain */
    bn_fr *lagrange;         /* rows values at tau */
    bn_fr *sums[3];          /* for each wire: the polynomials of A, B, C at tau; C then becomes
                                beta A + alpha B + C */
    uint64_t n_coefficients; /* of A and B */
    fixed_base g1, g2;
    multiples points;
    groth16_setup_report report;
} setup;

static void tell(const setup *s, const char *what, uint64_t done, uint64_t all)
{
    if (s->o->progress)
        s->o->progress(s->o->context, what, all ? (unsigned)(100 * done / all) : 100);
}

/* ---- memory ---- */

/* of multiples: A, B1, C with IC, H, and B2 in G2; half of each of B may be zero */
static unsigned window_bits(const groth16_circuit *c)
{
    return fixed_base_bits(3 * (uint64_t)c->wires);
}

static uint64_t memory_of(const groth16_circuit *c, unsigned threads)
{
    unsigned bits = window_bits(c);
    uint64_t table1 = fixed_base_bytes(bits, false, threads),
             table2 = fixed_base_bytes(bits, true, threads);

    /* one table at a time; some pages of rounding */
    return ((UINT64_C(1) << c->domain_log2) + 3 * (uint64_t)c->wires) * sizeof(bn_fr) +
           (table1 > table2 ? table1 : table2) + multiples_bytes() + UINT64_C(8) * P_MEMORY_ALIGN;
}

static unsigned threads_of(const groth16_setup_options *o)
{
    return o->threads ? o->threads : p_pool_usable_threads();
}

p_status groth16_setup_memory(const char *r1cs, const groth16_setup_options *o, uint64_t *bytes,
                              p_err *err)
{
    groth16_circuit c;
    p_status s = groth16_circuit_open(&c, r1cs, err);

    *bytes = s == P_OK ? memory_of(&c, threads_of(o)) : 0;
    groth16_circuit_close(&c);
    return s;
}

static p_status allocate(setup *s, p_err *err)
{
    uint64_t need = memory_of(&s->circuit, threads_of(s->o)), have = p_memory_available();
    uint64_t wires = s->circuit.wires;
    p_status status = P_OK;

    if (need > have)
        return p_err_set(err, P_EEXHAUSTED,
                         "the setup takes %" PRIu64 " MB of memory, the system has %" PRIu64
                         " MB left",
                         need / 1000000 + 1, have / 1000000);
    s->memory.limit = need;
    status = p_memory_alloc(&s->memory, s->rows, sizeof(bn_fr), "values of Lagrange's polynomials",
                            (void **)&s->lagrange, err);
    for (int i = 0; i < 3 && status == P_OK; i++)
        status = p_memory_alloc(&s->memory, wires, sizeof(bn_fr), "the wires' polynomials",
                                (void **)&s->sums[i], err);
    s->points = (multiples){.pool = s->pool,
                            .writer = &s->writer,
                            .cancel = s->o->cancel,
                            .progress = s->o->progress,
                            .context = s->o->context,
                            .memory = &s->memory};
    return status == P_OK ? multiples_create(&s->points, err) : status;
}

static void wipe(setup *s, bn_fr **a, uint64_t count)
{
    if (*a)
        explicit_bzero(*a, count * sizeof **a);
    p_memory_free(&s->memory, *a, count, sizeof **a);
    *a = NULL;
}

/* ---- secrets and polynomials ---- */

static p_status draw_secrets(setup *s, p_err *err)
{
    p_status status = groth16_draw_secrets(s->secret, SECRETS, s->o->secrets, err);

    if (status == P_OK) {
        bn_fr_inv(&s->inverse_gamma, &s->secret[GAMMA]);
        bn_fr_inv(&s->inverse_delta, &s->secret[DELTA]);
    }
    return status;
}

static p_status evaluate_item(void *arg, size_t item, unsigned worker)
{
    setup *s = arg;
    uint64_t first = item * ITEM, count = s->rows - first < ITEM ? s->rows - first : ITEM;

    (void)worker;
    groth16_lagrange(&s->secret[TAU], s->circuit.domain_log2, first, 1, s->lagrange + first,
                     (size_t)count);
    return P_OK;
}

static p_status add_term(void *arg, const groth16_term *t, p_err *err)
{
    setup *s = arg;
    bn_fr product, *sum = &s->sums[t->matrix][t->wire];

    (void)err;
    if (t->matrix != GROTH16_C)
        s->n_coefficients++;
    bn_fr_mul(&product, &t->factor, &s->lagrange[t->row]);
    bn_fr_add(sum, sum, &product);
    return P_OK;
}

static p_status combine_item(void *arg, size_t item, unsigned worker)
{
    setup *s = arg;
    uint64_t first = item * ITEM, end = first + ITEM;

    (void)worker;
    for (uint64_t i = first; i < end && i < s->circuit.wires; i++) {
        bn_fr a, b;

        bn_fr_mul(&a, &s->sums[0][i], &s->secret[BETA]);
        bn_fr_mul(&b, &s->sums[1][i], &s->secret[ALPHA]);
        bn_fr_add(&a, &a, &b);
        bn_fr_add(&a, &a, &s->sums[2][i]);
        bn_fr_mul(&s->sums[2][i], &a,
                  i <= s->circuit.publics ? &s->inverse_gamma : &s->inverse_delta);
    }
    return P_OK;
}

static p_status loop(setup *s, uint64_t count, p_pool_item *item, p_err *err)
{
    p_status status = p_pool_run(s->pool, (count + ITEM - 1) / ITEM, item, s, s->o->cancel);

    return status == P_OK ? status : p_err_set(err, status, "%s", p_status_text(status));
}

static p_status evaluate(setup *s, p_err *err)
{
    p_status status;

    tell(s, "read", 0, 1);
    status = loop(s, s->rows, evaluate_item, err);
    if (status == P_OK)
        status = groth16_circuit_each(&s->circuit, add_term, s, s->o->cancel, err);
    wipe(s, &s->lagrange, s->rows);
    if (status == P_OK && s->n_coefficients > UINT32_MAX)
        status = p_err_set(err, P_EUNSUPPORTED,
                           "%s: %" PRIu64 " entries of A and B; a key holds at most %" PRIu32,
                           s->circuit.file.file.path, s->n_coefficients, UINT32_MAX);
    return status == P_OK ? loop(s, s->circuit.wires, combine_item, err) : status;
}

/* ---- points ---- */

/* Scalars that are in memory. */
static void stored(void *arg, uint64_t first, size_t count, bn_fr *out)
{
    memcpy(out, (const bn_fr *)arg + first, count * sizeof *out);
}

/* H: the odd polynomials of the double domain. */
static void quotient(void *arg, uint64_t first, size_t count, bn_fr *out)
{
    const setup *s = arg;

    groth16_lagrange(&s->secret[TAU], s->circuit.domain_log2 + 1, 2 * first + 1, 2, out, count);
    for (size_t i = 0; i < count; i++)
        bn_fr_mul(&out[i], &out[i], &s->inverse_delta);
}

static p_status write_points(setup *s, uint32_t type, const char *name, const fixed_base *base,
                             uint64_t count, multiples_scalars *scalars, void *arg, p_err *err)
{
    p_status status = binfile_begin(&s->writer, type, err);

    if (status == P_OK)
        status = multiples_append(&s->points, base, name, count, scalars, arg, err);
    return status == P_OK ? binfile_end(&s->writer, err) : status;
}

/* ---- the file ---- */

static void times_g1(bn_g1 *r, const bn_fr *k)
{
    bn_g1 one;
    bn_g1x x;
    uint64_t words[4];

    bn_g1_generator(&one);
    bn_fr_get_words(words, k);
    bn_g1_mul_var(&x, &one, words);
    bn_g1x_get(r, &x);
    explicit_bzero(words, sizeof words);
}

static void times_g2(bn_g2 *r, const bn_fr *k)
{
    bn_g2 one;
    bn_g2x x;
    uint64_t words[4];

    bn_g2_generator(&one);
    bn_fr_get_words(words, k);
    bn_g2_mul_var(&x, &one, words);
    bn_g2x_get(r, &x);
    explicit_bzero(words, sizeof words);
}

static p_status write_g1_sections(setup *s, p_err *err)
{
    uint64_t wires = s->circuit.wires, publics = (uint64_t)s->circuit.publics + 1;
    p_status status = fixed_base_create(&s->g1, &s->memory, s->pool, window_bits(&s->circuit),
                                        false, s->o->cancel, err);

    if (status == P_OK)
        status = write_points(s, ZKEY_SECTION_IC, "IC", &s->g1, publics, stored, s->sums[2], err);
    if (status == P_OK)
        status = write_points(s, 9, "H", &s->g1, s->rows, quotient, s, err);
    if (status == P_OK)
        status =
            write_points(s, 8, "C", &s->g1, wires - publics, stored, s->sums[2] + publics, err);
    if (status == P_OK)
        status = write_points(s, 5, "A", &s->g1, wires, stored, s->sums[0], err);
    if (status == P_OK)
        status = write_points(s, 6, "B1", &s->g1, wires, stored, s->sums[1], err);
    fixed_base_destroy(&s->g1);
    return status;
}

static p_status write_key(setup *s, const char *path, p_err *err)
{
    static const uint8_t no_hash[64];
    zkey_head head;
    p_status status;

    times_g1(&head.alpha1, &s->secret[ALPHA]);
    times_g1(&head.beta1, &s->secret[BETA]);
    times_g1(&head.delta1, &s->secret[DELTA]);
    times_g2(&head.beta2, &s->secret[BETA]);
    times_g2(&head.gamma2, &s->secret[GAMMA]);
    times_g2(&head.delta2, &s->secret[DELTA]);
    status = zkey_write_begin(&s->writer, path, SECTIONS, &s->circuit, &head, err);
    tell(s, "coefficients", 0, 1);
    if (status == P_OK)
        status = zkey_write_coefficients(&s->writer, &s->circuit, (uint32_t)s->n_coefficients,
                                         s->o->cancel, err);
    if (status == P_OK)
        status = write_g1_sections(s, err);
    if (status == P_OK)
        status = fixed_base_create(&s->g2, &s->memory, s->pool, window_bits(&s->circuit), true,
                                   s->o->cancel, err);
    if (status == P_OK)
        status = write_points(s, 7, "B2", &s->g2, s->circuit.wires, stored, s->sums[1], err);
    fixed_base_destroy(&s->g2);
    /* there is no transcript that the hash could stand for */
    if (status == P_OK)
        status = zkey_write_contributions(&s->writer, no_hash, err);
    if (status == P_OK)
        status = zkey_write_dev_mark(&s->writer, err);
    tell(s, "sync", 0, 1);
    return status == P_OK ? binfile_commit(&s->writer, err) : status;
}

p_status groth16_setup_dev(const char *r1cs, const char *out, const groth16_setup_options *o,
                           groth16_setup_report *report, p_err *err)
{
    setup s = {.o = o};
    double since = p_clock_seconds(CLOCK_MONOTONIC);
    p_status status = groth16_circuit_open(&s.circuit, r1cs, err);

    s.rows = UINT64_C(1) << s.circuit.domain_log2;
    if (status == P_OK)
        status = p_pool_create(o->threads, &s.pool, err);
    if (status == P_OK)
        status = allocate(&s, err);
    if (status == P_OK)
        status = draw_secrets(&s, err);
    if (status == P_OK)
        status = evaluate(&s, err);
    if (status == P_OK)
        status = write_key(&s, out, err);
    binfile_abandon(&s.writer);
    tell(&s, "", 1, 1);
    s.report.memory_bytes = p_memory_peak(&s.memory);
    wipe(&s, &s.lagrange, s.rows);
    for (int i = 0; i < 3; i++)
        wipe(&s, &s.sums[i], s.circuit.wires);
    if (s.points.memory)
        multiples_destroy(&s.points);
    if (s.pool)
        p_pool_destroy(s.pool);
    s.report.constraints = s.circuit.constraints;
    s.report.wires = s.circuit.wires;
    s.report.publics = s.circuit.publics;
    s.report.domain_log2 = s.circuit.domain_log2;
    s.report.dev = true;
    s.report.seconds = p_clock_seconds(CLOCK_MONOTONIC) - since;
    groth16_circuit_close(&s.circuit);
    if (report)
        *report = s.report;
    explicit_bzero(&s, sizeof s);
    return status;
}
