/* groth16_circuits FOLDER: a circuit of ours as FOLDER/poseidon.r1cs with its witness
 * poseidon.wtns: "I know a below 2^64 and b with Poseidon(a, b) = the public output, and a b modulo
 * Goldilocks' prime is the public input". */
#include "host/iden3/wtns.h"
#include "host/r1cs/bounded.h"
#include "host/r1cs/poseidon.h"

#include <stdio.h>

static bn_fr fr(uint64_t v)
{
    bn_fr r;

    bn_fr_set_u64(&r, v);
    return r;
}

static void circuit(r1cs_builder *b, const r1cs_poseidon *p, const bn_fr *hash)
{
    const uint64_t a = 1, c = 2;
    r1cs_lc out = r1cs_public(b, *hash), product = r1cs_public(b, fr(gl_mul(a, c))), in[2];
    r1cs_gl x, y;

    r1cs_label(b, "preimage");
    x = r1cs_gl_input(b, a);
    y = r1cs_gl_input(b, c);
    in[0] = x.lc;
    in[1] = y.lc;
    r1cs_label(b, "hash");
    r1cs_equal(b, r1cs_poseidon_hash(b, p, r1cs_constant_u64(b, 0), in), out);
    r1cs_label(b, "product");
    r1cs_equal(b, r1cs_gl_canonical(b, r1cs_gl_mul(b, x, y), NULL).lc, product);
}

static p_status write_files(const char *folder, const r1cs_poseidon *p, const bn_fr *hash,
                            p_err *err)
{
    char path[2][512];
    r1cs_builder *b;
    r1cs_counts counts;
    const uint64_t *values;
    p_status s;

    snprintf(path[0], sizeof path[0], "%s/poseidon.r1cs", folder);
    snprintf(path[1], sizeof path[1], "%s/poseidon.wtns", folder);
    s = r1cs_create(R1CS_BUILD | R1CS_SOLVE, path[0], 1, 1, &b, err);
    if (s != P_OK)
        return s;
    circuit(b, p, hash);
    s = r1cs_finish(b, &counts, &values, err);
    if (s == P_OK)
        s = wtns_write(path[1], values, counts.wires, err);
    if (s == P_OK)
        printf("%u %u\n", counts.wires, (unsigned)counts.constraints);
    r1cs_destroy(b);
    return s;
}

int main(int argc, char **argv)
{
    bn_poseidon *native = NULL;
    r1cs_poseidon *p = NULL;
    bn_fr state[3] = {fr(0), fr(1), fr(2)};
    p_err err = {0};
    p_status s;

    if (argc != 2)
        return 2;
    s = bn_poseidon_create(3, &native, &err);
    if (s == P_OK)
        s = r1cs_poseidon_create(3, &p, &err);
    if (s == P_OK) {
        bn_poseidon_select(P_ISA_PORTABLE)->permute(native, BN_MONTGOMERY, state[0].l, 1);
        s = write_files(argv[1], p, &state[0], &err);
    }
    if (s != P_OK)
        fprintf(stderr, "%s\n", err.text);
    r1cs_poseidon_destroy(p);
    bn_poseidon_destroy(native);
    return s != P_OK;
}
