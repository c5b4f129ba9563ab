#include "driver/check.h"

#include "driver/field/gl_poseidon.h"

#include <stdlib.h>
#include <string.h>

/* ---- openings ---- */

static void gl_leaf(uint64_t digest[4], const uint64_t *row, uint32_t columns)
{
    gl_t state[GL_POSEIDON_WIDTH] = {[GL_POSEIDON_RATE] = 1};

    for (uint32_t first = 0; first < columns; first += GL_POSEIDON_RATE) {
        for (uint32_t i = 0; i < GL_POSEIDON_RATE; i++)
            state[i] = first + i < columns ? gl_from_u64(row[first + i]) : 0;
        gl_poseidon_permute_portable(state);
    }
    memcpy(digest, state, 32);
}

/* one level up; digest is the child that the path leaves out, number place of its parent's */
static void gl_climb(uint64_t digest[4], const uint64_t *sibling, unsigned place)
{
    gl_t state[GL_POSEIDON_WIDTH] = {0};

    for (unsigned i = 0; i < 4; i++) {
        state[(place ? 4 : 0) + i] = digest[i];
        state[(place ? 0 : 4) + i] = gl_from_u64(sibling[i]);
    }
    gl_poseidon_permute_portable(state);
    memcpy(digest, state, 32);
}

p_status drv_check_opening(const drv_commitment *shape, const uint64_t *cap, const uint64_t *rows,
                           uint32_t count, const uint64_t *values, const uint64_t *paths,
                           p_err *err)
{
    if (shape->hash != DRV_HASH_GL)
        return p_err_set(err, P_EUNSUPPORTED, "openings of this hash cannot be checked yet");
    if (shape->log_leaves > DRV_GL_MAX_LOG2 || shape->cap_log2 > shape->log_leaves ||
        shape->levels != shape->log_leaves - shape->cap_log2 ||
        shape->path_digests != shape->levels)
        return p_err_set(err, P_EINVAL,
                         "a tree of 2^%u leaves, cap 2^%u and paths of %u levels with %u digests "
                         "cannot be",
                         shape->log_leaves, shape->cap_log2, shape->levels, shape->path_digests);
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t *row = values + (uint64_t)i * shape->columns;
        const uint64_t *path = paths + (uint64_t)i * shape->path_digests * DRV_DIGEST_WORDS;
        uint64_t digest[4], at = rows[i];

        if (at >> shape->log_leaves)
            return p_err_set(err, P_EINVAL, "row %llu is beyond a tree of 2^%u leaves",
                             (unsigned long long)at, shape->log_leaves);
        /* outputs are canonical; another word for the same residue is a fault all the same */
        for (uint32_t c = 0; c < shape->columns; c++)
            if (!gl_is_canonical(row[c]))
                return p_err_set(err, P_EDEVICE, "opened row %llu: column %u is not canonical",
                                 (unsigned long long)at, c);
        gl_leaf(digest, row, shape->columns);
        for (uint32_t level = 0; level < shape->levels; level++, at >>= 1) {
            const uint64_t *sibling = path + (uint64_t)level * DRV_DIGEST_WORDS;

            for (unsigned k = 0; k < 4; k++)
                if (!gl_is_canonical(sibling[k]))
                    return p_err_set(err, P_EDEVICE,
                                     "opened row %llu: level %u of its path is not canonical",
                                     (unsigned long long)rows[i], level);
            gl_climb(digest, sibling, at & 1);
        }
        if (memcmp(digest, cap + at * DRV_DIGEST_WORDS, sizeof(digest)))
            return p_err_set(err, P_EDEVICE,
                             "opened row %llu: values and path do not lead to digest %llu of the "
                             "cap",
                             (unsigned long long)rows[i], (unsigned long long)at);
    }
    return P_OK;
}

/* ---- rows ---- */

#define SHIFT 7 /* of the coset: driver.h */

static gl_t root(uint32_t log2)
{
    return gl_pow_var(7, (GL_P - 1) >> log2);
}

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
    gl_t omega = root(log_n), back = gl_inv(omega), point = 1, product = 1, inverse, common = x;

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
            gl_t x = gl_mul(SHIFT, gl_pow_var(root(log_leaves), rows[i]));

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
