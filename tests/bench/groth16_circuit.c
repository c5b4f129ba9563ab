/* groth16_circuit LOG2 BITS OUT.r1cs OUT.wtns: a circuit of 2^LOG2 - 2 constraints (which with its
 * public wire and the constant fill a domain of 2^LOG2 rows) and a witness, for benchmarks of
 * Groth16. BITS in a hundred wires are bits with their constraint b (b - 1) = 0, half of them 1;
 * the others are products of sums of four and two random wires, random field elements all. The same
 * arguments make the same files. */
#include "host/iden3/wtns.h"
#include "host/r1cs/builder.h"

#include <stdio.h>
#include <stdlib.h>

static uint64_t next(uint64_t *state)
{
    uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */

    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static bn_fr next_element(uint64_t *state)
{
    bn_fr x;

    do {
        for (int i = 0; i < 4; i++)
            x.l[i] = next(state);
        x.l[3] &= UINT64_MAX >> 2;
    } while (!bn_fr_is_canonical(&x));
    return x;
}

typedef struct wires {
    r1cs_lc *all, *products;
    uint64_t n, n_products;
} wires;

static void add_product(r1cs_builder *b, wires *w, uint64_t *state)
{
    r1cs_scope scope = r1cs_scope_begin(b);
    r1cs_lc x[4], y[2], product;
    bn_fr factor[4], one;

    bn_fr_set_one(&one);
    x[0] = w->products[w->n_products - 1];
    for (int i = 0; i < 4; i++) {
        if (i > 0)
            x[i] = w->all[next(state) % w->n];
        factor[i] = next_element(state);
    }
    y[0] = w->products[next(state) % w->n_products];
    y[1] = r1cs_constant(b, next_element(state));
    product = r1cs_mul(b, r1cs_sum(b, x, factor, 4), r1cs_sum(b, y, NULL, 2));
    r1cs_scope_end(b, scope);
    w->products[w->n_products++] = product;
    w->all[w->n++] = product;
}

static void add_bit(r1cs_builder *b, wires *w, uint64_t *state)
{
    bn_fr value;
    r1cs_lc bit;

    bn_fr_set_u64(&value, next(state) >> 63);
    bit = r1cs_wire(b, value);
    r1cs_boolean(b, bit);
    w->all[w->n++] = bit;
}

static p_status make(unsigned log2, unsigned bits, char **paths, p_err *err)
{
    uint64_t constraints = (UINT64_C(1) << log2) - 2, state = log2 * 101 + bits;
    r1cs_builder *b = NULL;
    wires w = {.all = calloc(constraints + 1, sizeof *w.all),
               .products = calloc(constraints + 1, sizeof *w.products)};
    const uint64_t *values;
    r1cs_counts counts;
    p_status s = w.all && w.products ? r1cs_create(R1CS_BUILD | R1CS_SOLVE, paths[0], 0, 1, &b, err)
                                     : p_err_set(err, P_EEXHAUSTED, "no memory for the wires");

    if (s == P_OK) {
        w.products[w.n_products++] = w.all[w.n++] = r1cs_public(b, next_element(&state));
        for (uint64_t i = 0; i < constraints; i++)
            if (next(&state) % 100 < bits)
                add_bit(b, &w, &state);
            else
                add_product(b, &w, &state);
        s = r1cs_finish(b, &counts, &values, err);
    }
    if (s == P_OK)
        s = wtns_write(paths[1], values, counts.wires, err);
    if (s == P_OK)
        printf("%llu constraints, %u wires, %llu of them random elements\n",
               (unsigned long long)counts.constraints, counts.wires,
               (unsigned long long)w.n_products);
    r1cs_destroy(b);
    free(w.products);
    free(w.all);
    return s;
}

int main(int argc, char **argv)
{
    p_err err = {0};
    unsigned log2 = argc == 5 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
    unsigned bits = argc == 5 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;

    if (log2 < 2 || log2 > 26 || bits > 100) {
        fprintf(stderr, "usage: groth16_circuit LOG2 (2..26) BITS (0..100) OUT.r1cs OUT.wtns\n");
        return 2;
    }
    if (make(log2, bits, argv + 3, &err) != P_OK) {
        fprintf(stderr, "groth16_circuit: %s\n", err.text);
        return 1;
    }
    return 0;
}
