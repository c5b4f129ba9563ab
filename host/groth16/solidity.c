#include "host/groth16/solidity.h"

#include "driver/field/bn_fr.h"
#include "host/groth16/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const uint64_t Q[4] = {BN_FP_P0, BN_FP_P1, BN_FP_P2, BN_FP_P3};
static const uint64_t R[4] = {BN_FR_P0, BN_FR_P1, BN_FR_P2, BN_FR_P3};

static void put_number(FILE *f, const char *name, const char *part, const uint64_t words[4])
{
    char text[GROTH16_DECIMAL_BYTES];

    groth16_decimal(words, text);
    fprintf(f, "    uint256 private constant %s%s = %s;\n", name, part, text);
}

static void put_fp(FILE *f, const char *name, const char *part, const bn_fp *a)
{
    uint64_t words[4];

    bn_fp_get_words(words, a);
    put_number(f, name, part, words);
}

static void put_g1(FILE *f, const char *name, const bn_g1 *a)
{
    put_fp(f, name, "_X", &a->x);
    put_fp(f, name, "_Y", &a->y);
}

static void put_g2(FILE *f, const char *name, const bn_g2 *a)
{
    put_fp(f, name, "_X1", &a->x.c1);
    put_fp(f, name, "_X0", &a->x.c0);
    put_fp(f, name, "_Y1", &a->y.c1);
    put_fp(f, name, "_Y0", &a->y.c0);
}

static void put_constants(FILE *f, const groth16_vk *vk)
{
    char name[24];

    fputs("    // Prime of the coordinates, and order of the groups.\n", f);
    put_number(f, "Q", "", Q);
    put_number(f, "R", "", R);
    fputs("\n    // The verifying key. X1, Y1: coefficients of u; X0, Y0: the others.\n", f);
    put_g1(f, "ALPHA", &vk->alpha1);
    put_g2(f, "BETA", &vk->beta2);
    put_g2(f, "GAMMA", &vk->gamma2);
    put_g2(f, "DELTA", &vk->delta2);
    for (uint32_t i = 0; i <= vk->n_public; i++) {
        snprintf(name, sizeof name, "IC%" PRIu32, i);
        put_g1(f, name, &vk->ic[i]);
    }
}

static const char head[] =
    "pragma solidity ^0.8.0;\n"
    "\n"
    "/// Verifies Groth16 proofs over BN254 for one verifying key:\n"
    "/// e(A, B) = e(alpha, beta) e(IC0 + sum of s[i] IC[i+1], gamma) e(C, delta).\n"
    "/// Answers false for whatever is no valid proof; never reverts. Proofs are malleable: others "
    "can\n"
    "/// be made of one without its witness, so that a proof is no identifier of a statement.\n"
    "contract Groth16Verifier {\n";

static const char helpers[] =
    "\n"
    "    /// sum += k (x, y), by the precompiles of EIP-196; false if (x, y) is not on the curve.\n"
    "    function addProduct(uint256[2] memory sum, uint256 x, uint256 y, uint256 k)\n"
    "        private view returns (bool done)\n"
    "    {\n"
    "        uint256[4] memory io = [x, y, k, 0];\n"
    "        assembly (\"memory-safe\") {\n"
    "            done := staticcall(gas(), 7, io, 96, add(io, 64), 64)\n"
    "            mstore(io, mload(sum))\n"
    "            mstore(add(io, 32), mload(add(sum, 32)))\n"
    "            done := and(done, staticcall(gas(), 6, io, 128, sum, 64))\n"
    "        }\n"
    "    }\n"
    "\n"
    "    /// Whether the product of the four pairings is 1 (EIP-197); false also for points that "
    "are\n"
    "    /// not in their groups.\n"
    "    function pairingHolds(uint256[24] memory points) private view returns (bool) {\n"
    "        uint256[1] memory one;\n"
    "        bool done;\n"
    "        assembly (\"memory-safe\") {\n"
    "            done := staticcall(gas(), 8, points, 768, one, 32)\n"
    "        }\n"
    "        return done && one[0] == 1;\n"
    "    }\n"
    "\n";

static void put_function(FILE *f, uint32_t n)
{
    fputs("    function verifyProof(\n"
          "        uint256[2] calldata a,\n"
          "        uint256[2][2] calldata b,\n",
          f);
    if (n == 0)
        fputs("        uint256[2] calldata c\n", f);
    else
        fprintf(f,
                "        uint256[2] calldata c,\n"
                "        uint256[%" PRIu32 "] calldata publicSignals\n",
                n);
    fputs(
        "    ) external view returns (bool) {\n"
        "        if (a[0] >= Q || a[1] >= Q || c[0] >= Q || c[1] >= Q) return false;\n"
        "        if (b[0][0] >= Q || b[0][1] >= Q || b[1][0] >= Q || b[1][1] >= Q) return false;\n",
        f);
    if (n > 0)
        fprintf(f,
                "        for (uint256 i = 0; i < %" PRIu32 "; i++) {\n"
                "            if (publicSignals[i] >= R) return false;\n"
                "        }\n",
                n);
    fputs("        uint256[2] memory sum = [IC0_X, IC0_Y];\n", f);
    for (uint32_t i = 0; i < n; i++)
        fprintf(f,
                "        if (!addProduct(sum, IC%" PRIu32 "_X, IC%" PRIu32
                "_Y, publicSignals[%" PRIu32 "])) return false;\n",
                i + 1, i + 1, i);
    fputs("        // -A, B; alpha, beta; sum, gamma; C, delta\n"
          "        uint256[24] memory p;\n"
          "        (p[0], p[1]) = (a[0], (Q - a[1]) % Q);\n"
          "        (p[2], p[3], p[4], p[5]) = (b[0][0], b[0][1], b[1][0], b[1][1]);\n"
          "        (p[6], p[7]) = (ALPHA_X, ALPHA_Y);\n"
          "        (p[8], p[9], p[10], p[11]) = (BETA_X1, BETA_X0, BETA_Y1, BETA_Y0);\n"
          "        (p[12], p[13]) = (sum[0], sum[1]);\n"
          "        (p[14], p[15], p[16], p[17]) = (GAMMA_X1, GAMMA_X0, GAMMA_Y1, GAMMA_Y0);\n"
          "        (p[18], p[19]) = (c[0], c[1]);\n"
          "        (p[20], p[21], p[22], p[23]) = (DELTA_X1, DELTA_X0, DELTA_Y1, DELTA_Y0);\n"
          "        return pairingHolds(p);\n"
          "    }\n"
          "}\n",
          f);
}

p_status groth16_solidity(const groth16_vk *vk, const char *warning, char **out, p_err *err)
{
    size_t length = 0;
    FILE *f;
    bool failed;

    *out = NULL;
    if (vk->n_public > GROTH16_SOLIDITY_MAX_PUBLICS)
        return p_err_set(err, P_EUNSUPPORTED,
                         "the key has %" PRIu32 " public values; a contract takes at most %d, for "
                         "more its code would be too long (EIP-170): hash them into fewer",
                         vk->n_public, GROTH16_SOLIDITY_MAX_PUBLICS);
    f = open_memstream(out, &length);
    if (!f)
        return p_err_set(err, P_EEXHAUSTED, "no memory for the contract");
    fputs("// SPDX-License-Identifier: Apache-2.0\n", f);
    if (warning)
        fprintf(f, "// %s\n", warning);
    fputs(head, f);
    put_constants(f, vk);
    fputs(helpers, f);
    put_function(f, vk->n_public);
    failed = ferror(f) != 0;
    if (fclose(f) != 0 || failed) {
        free(*out);
        *out = NULL;
        return p_err_set(err, P_EEXHAUSTED, "no memory for the contract");
    }
    return P_OK;
}
