#include "driver/check.h"

#include "driver/field/bn_poseidon.h"
#include "driver/field/gl_poseidon.h"

#include <stdlib.h>
#include <string.h>

/* ---- openings ---- */

#define BN_ARITY 16
#define BN_CHUNK 16 /* elements of Fr that one permutation takes */
#define BN_PACKED 3 /* Goldilocks elements in one of Fr */

struct drv_checker {
    const drv_commitment *shape; /* of the call */
    const bn_poseidon_ops *bn_ops;
    bn_poseidon *bn[BN_POSEIDON_MAX_WIDTH + 1]; /* of the widths that shapes have needed */
};

static void gl_leaf(uint64_t digest[4], const uint64_t *row, uint32_t columns)
{
    gl_t state[GL_POSEIDON_WIDTH] = {[GL_POSEIDON_RATE] = 1};

    for (uint32_t first = 0; first < columns; first += GL_POSEIDON_RATE) {
        for (uint32_t i = 0; i < GL_POSEIDON_RATE; i++)
            state[i] = first + i < columns ? row[first + i] : 0;
        gl_poseidon_permute_portable(state);
    }
    memcpy(digest, state, DRV_DIGEST_WORDS * sizeof(*digest));
}

static void gl_node(uint64_t digest[4], const uint64_t *children)
{
    gl_t state[GL_POSEIDON_WIDTH] = {0};

    memcpy(state, children, 2 * DRV_DIGEST_WORDS * sizeof(*children));
    gl_poseidon_permute_portable(state);
    memcpy(digest, state, DRV_DIGEST_WORDS * sizeof(*digest));
}

static void bn_leaf(const drv_checker *c, uint64_t digest[4], const uint64_t *row, uint32_t columns)
{
    uint64_t chain[4] = {1};

    for (uint32_t first = 0; first < columns; first += BN_CHUNK * BN_PACKED) {
        uint32_t left = columns - first, elements = (left + BN_PACKED - 1) / BN_PACKED;
        uint64_t in[4 * BN_CHUNK] = {0};

        elements = elements < BN_CHUNK ? elements : BN_CHUNK;
        for (uint32_t i = 0; i < elements * BN_PACKED && i < left; i++)
            in[i / BN_PACKED * 4 + i % BN_PACKED] = row[first + i];
        c->bn_ops->hash(c->bn[elements + 1], BN_CANONICAL, chain, in, chain, 1);
    }
    memcpy(digest, chain, sizeof(chain));
}

static void bn_node(const drv_checker *c, uint64_t digest[4], const uint64_t *children)
{
    uint64_t out[4];

    c->bn_ops->hash(c->bn[BN_ARITY + 1], BN_CANONICAL, NULL, children, out, 1);
    memcpy(digest, out, sizeof(out));
}

static p_status bn_prepare(drv_checker *c, uint32_t width, p_err *err)
{
    return c->bn[width] ? P_OK : bn_poseidon_create(width, &c->bn[width], err);
}

static p_status prepare(drv_checker *c, p_err *err)
{
    uint32_t elements = (c->shape->columns + BN_PACKED - 1) / BN_PACKED;
    p_status status;

    if (c->shape->hash == DRV_HASH_GL)
        return P_OK;
    /* the fastest that this CPU has would do: the portable one is independent of what is checked */
    c->bn_ops = bn_poseidon_select(P_ISA_PORTABLE);
    status = elements % BN_CHUNK ? bn_prepare(c, elements % BN_CHUNK + 1, err) : P_OK;
    if (status == P_OK && (elements >= BN_CHUNK || c->shape->levels))
        status = bn_prepare(c, BN_CHUNK + 1, err);
    return status;
}

static bool shape_valid(const drv_commitment *s)
{
    uint32_t arity_log2 = s->hash == DRV_HASH_GL ? 1 : 4;

    return s->columns >= 1 && s->columns <= DRV_MAX_COLUMNS && s->log_leaves <= DRV_GL_MAX_LOG2 &&
           s->cap_log2 <= s->log_leaves && s->levels * arity_log2 == s->log_leaves - s->cap_log2 &&
           s->path_digests == s->levels * ((1u << arity_log2) - 1);
}

/* Outputs are canonical: another word for the same residue is a fault all the same. */
static bool digest_canonical(drv_hash hash, const uint64_t digest[4])
{
    static const uint64_t R[4] = {BN_FR_P0, BN_FR_P1, BN_FR_P2, BN_FR_P3};

    if (hash == DRV_HASH_GL)
        return gl_is_canonical(digest[0]) && gl_is_canonical(digest[1]) &&
               gl_is_canonical(digest[2]) && gl_is_canonical(digest[3]);
    for (unsigned i = 4; i-- > 0;)
        if (digest[i] != R[i])
            return digest[i] < R[i];
    return false;
}

static p_status check_one(const drv_checker *c, const uint64_t *cap, uint64_t leaf,
                          const uint64_t *row, const uint64_t *path, p_err *err)
{
    const drv_commitment *s = c->shape;
    uint32_t arity = s->hash == DRV_HASH_GL ? 2 : BN_ARITY;
    uint64_t digest[4], children[BN_ARITY * DRV_DIGEST_WORDS], at = leaf;
    unsigned long long shown = leaf;

    for (uint32_t column = 0; column < s->columns; column++)
        if (!gl_is_canonical(row[column]))
            return p_err_set(err, P_EDEVICE, "opened row %llu: column %u is not canonical", shown,
                             column);
    if (s->hash == DRV_HASH_GL)
        gl_leaf(digest, row, s->columns);
    else
        bn_leaf(c, digest, row, s->columns);
    for (uint32_t level = 0; level < s->levels; level++, at /= arity) {
        for (uint32_t child = 0; child < arity; child++) {
            uint64_t *to = children + child * DRV_DIGEST_WORDS;

            if (child == at % arity) {
                memcpy(to, digest, sizeof(digest));
                continue;
            }
            if (!digest_canonical(s->hash, path))
                return p_err_set(err, P_EDEVICE,
                                 "opened row %llu: a digest of level %u of its path is not "
                                 "canonical",
                                 shown, level);
            memcpy(to, path, sizeof(digest));
            path += DRV_DIGEST_WORDS;
        }
        if (s->hash == DRV_HASH_GL)
            gl_node(digest, children);
        else
            bn_node(c, digest, children);
    }
    if (memcmp(digest, cap + at * DRV_DIGEST_WORDS, sizeof(digest)) != 0)
        return p_err_set(err, P_EDEVICE,
                         "opened row %llu: values and path do not lead to digest %llu of the cap",
                         shown, (unsigned long long)at);
    return P_OK;
}

void drv_check_choose(const drv_commitment *shape, uint64_t seed, uint64_t *rows)
{
    uint32_t below = shape->log_leaves - shape->cap_log2;

    for (uint64_t i = 0; i >> shape->cap_log2 == 0; i++) {
        /* splitmix64 */
        uint64_t x = seed += UINT64_C(0x9e3779b97f4a7c15);

        x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
        x ^= x >> 31;
        rows[i] = i << below | (x & ((UINT64_C(1) << below) - 1));
    }
}

p_status drv_checker_opening(drv_checker *c, const drv_commitment *shape, const uint64_t *cap,
                             const uint64_t *rows, uint32_t count, const uint64_t *values,
                             const uint64_t *paths, p_err *err)
{
    p_status status;

    if (!shape_valid(shape))
        return p_err_set(
            err, P_EINVAL,
            "a tree of 2^%u leaves of %u columns, cap 2^%u and paths of %u levels with "
            "%u digests cannot be",
            shape->log_leaves, shape->columns, shape->cap_log2, shape->levels, shape->path_digests);
    c->shape = shape;
    status = prepare(c, err);
    for (uint32_t i = 0; i < count && status == P_OK; i++) {
        if (rows[i] >> shape->log_leaves)
            status = p_err_set(err, P_EINVAL, "row %llu is beyond a tree of 2^%u leaves",
                               (unsigned long long)rows[i], shape->log_leaves);
        else
            status = check_one(c, cap, rows[i], values + (uint64_t)i * shape->columns,
                               paths + (uint64_t)i * shape->path_digests * DRV_DIGEST_WORDS, err);
    }
    return status;
}

static void clear(drv_checker *c)
{
    for (unsigned width = 0; width <= BN_POSEIDON_MAX_WIDTH; width++)
        bn_poseidon_destroy(c->bn[width]);
}

p_status drv_checker_create(drv_checker **out, p_err *err)
{
    *out = calloc(1, sizeof **out);
    return *out ? P_OK : p_err_set(err, P_EEXHAUSTED, "no memory for a checker");
}

void drv_checker_destroy(drv_checker *checker)
{
    if (!checker)
        return;
    clear(checker);
    free(checker);
}

p_status drv_check_opening(const drv_commitment *shape, const uint64_t *cap, const uint64_t *rows,
                           uint32_t count, const uint64_t *values, const uint64_t *paths,
                           p_err *err)
{
    drv_checker c = {0};
    p_status status = drv_checker_opening(&c, shape, cap, rows, count, values, paths, err);

    clear(&c);
    return status;
}

/* ---- rows ---- */

#define SHIFT 7 /* of the coset: driver.h */

/* weight[i] = x^i */
static void weigh_coefficients(gl_t *weight, uint64_t n, gl_t x)
{
    gl_t power = 1;

    for (uint64_t i = 0; i < n; i++, power = gl_mul(power, x))
        weight[i] = power;
}

/* weight[i] = (x^n - 1) / n * omega^i / (x - omega^i): barycentric form of the polynomial with
 * given values at omega^i. x is 7 times a root of unity, so never one itself. scratch: n elements
 */
static void weigh_values(gl_t *weight, gl_t *scratch, uint32_t log_n, gl_t x)
{
    uint64_t n = UINT64_C(1) << log_n;
    gl_t omega = gl_root_of_unity(log_n), back = gl_inv(omega), point = 1, product = 1, inverse,
         common = x;

    for (uint64_t i = 0; i < n; i++, point = gl_mul(point, omega)) {
        scratch[i] = product;
        product = gl_mul(product, gl_sub(x, point));
    }
    for (uint32_t i = 0; i < log_n; i++)
        common = gl_sqr(common);
    common = gl_mul(gl_sub(common, 1), gl_inv(gl_from_u64(n)));
    inverse = gl_inv(product);
    /* point is omega^n = 1 here and goes back to omega^i */
    for (uint64_t i = n; i-- > 0;) {
        point = gl_mul(point, back);
        weight[i] = gl_mul(gl_mul(common, point), gl_mul(inverse, scratch[i]));
        inverse = gl_mul(inverse, gl_sub(x, point));
    }
}

p_status drv_check_rows(const drv_matrix *in, drv_input input, uint32_t log_blowup,
                        const uint64_t *rows, uint32_t count, const uint64_t *values, p_err *err)
{
    uint64_t n = UINT64_C(1) << in->log_rows;
    uint32_t log_leaves = in->log_rows + log_blowup;
    gl_t *weight = NULL;
    p_status status = P_OK;

    if (log_leaves > DRV_GL_MAX_LOG2 || (input == DRV_LEAVES && log_blowup))
        return p_err_set(err, P_EINVAL, "2^%u rows extended 2^%u times cannot be", in->log_rows,
                         log_blowup);
    if (input != DRV_LEAVES) {
        weight = calloc(n, 2 * sizeof(*weight));
        if (!weight)
            return p_err_set(err, P_EEXHAUSTED, "no memory for the weights of 2^%u rows",
                             in->log_rows);
    }
    for (uint32_t i = 0; i < count && status == P_OK; i++) {
        if (rows[i] >> log_leaves) {
            status = p_err_set(err, P_EINVAL, "row %llu is beyond 2^%u rows",
                               (unsigned long long)rows[i], log_leaves);
            break;
        }
        if (input != DRV_LEAVES) {
            gl_t x = gl_mul(SHIFT, gl_pow_var(gl_root_of_unity(log_leaves), rows[i]));

            if (input == DRV_COEFFICIENTS)
                weigh_coefficients(weight, n, x);
            else
                weigh_values(weight, weight + n, in->log_rows, x);
        }
        for (uint32_t c = 0; c < in->columns; c++) {
            const uint64_t *column = in->data +
                                     (c / DRV_BLOCK_COLUMNS << in->log_rows) * DRV_BLOCK_COLUMNS +
                                     c % DRV_BLOCK_COLUMNS;
            gl_t sum = 0;

            if (input == DRV_LEAVES)
                sum = gl_from_u64(column[rows[i] * DRV_BLOCK_COLUMNS]);
            else
                for (uint64_t k = 0; k < n; k++)
                    sum = gl_add(sum,
                                 gl_reduce128((gl_u128)column[k * DRV_BLOCK_COLUMNS] * weight[k]));
            if (sum != values[(uint64_t)i * in->columns + c]) {
                status = p_err_set(err, P_EDEVICE,
                                   "row %llu, column %u: the device has 0x%016llx, its input "
                                   "extends to 0x%016llx",
                                   (unsigned long long)rows[i], c,
                                   (unsigned long long)values[(uint64_t)i * in->columns + c],
                                   (unsigned long long)sum);
                break;
            }
        }
    }
    free(weight);
    return status;
}
