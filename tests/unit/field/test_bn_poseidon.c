/* Poseidon over BN254: published hashes, a fingerprint of the constants shared with the script that
 * derives them, and the textbook rounds (dense matrix, every constant where the paper has it) in
 * GMP against every implementation that this CPU runs. */
#include "driver/field/bn_poseidon.h"

#include "random.h"

#include <gmp.h>
#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MAX_WIDTH BN_POSEIDON_MAX_WIDTH
#define MAX_COUNT 17

static bn_poseidon *contexts[MAX_WIDTH + 1];

static int create_all(void **state)
{
    (void)state;
    for (unsigned t = BN_POSEIDON_MIN_WIDTH; t <= MAX_WIDTH; t++)
        if (bn_poseidon_create(t, &contexts[t], NULL) != P_OK)
            return -1;
    return 0;
}

static int destroy_all(void **state)
{
    (void)state;
    for (unsigned t = 0; t <= MAX_WIDTH; t++)
        bn_poseidon_destroy(contexts[t]);
    return 0;
}

/* ---- the textbook ---- */

static mpz_t modulus, r256, r256_inverse;

static void words_to_mpz(mpz_t z, const uint64_t w[4])
{
    mpz_import(z, 4, -1, 8, 0, 0, w);
}

static void mpz_to_words(uint64_t w[4], const mpz_t z)
{
    memset(w, 0, 32);
    mpz_export(w, NULL, -1, 8, 0, 0, z);
}

static int init_textbook(void **state)
{
    mpz_init_set_str(
        modulus, "21888242871839275222246405745257275088548364400416034343698204186575808495617",
        10);
    mpz_inits(r256, r256_inverse, NULL);
    mpz_setbit(r256, 256);
    mpz_mod(r256, r256, modulus);
    mpz_invert(r256_inverse, r256, modulus);
    return create_all(state);
}

static int clear_textbook(void **state)
{
    mpz_clears(modulus, r256, r256_inverse, NULL);
    return destroy_all(state);
}

/* The constants as numbers, from their Montgomery form. */
typedef struct textbook {
    unsigned t, rounds, partial;
    mpz_t constants[(8 + 70) * MAX_WIDTH], matrix[MAX_WIDTH * MAX_WIDTH];
} textbook;

static void textbook_init(textbook *b, const bn_poseidon *p)
{
    bn_poseidon_plain plain;

    bn_poseidon_get_plain(p, &plain);
    b->t = plain.width;
    b->partial = plain.partial_rounds;
    b->rounds = 8 + b->partial;
    for (unsigned i = 0; i < b->rounds * b->t; i++) {
        mpz_init(b->constants[i]);
        words_to_mpz(b->constants[i], plain.constants[i].l);
        mpz_mul(b->constants[i], b->constants[i], r256_inverse);
        mpz_mod(b->constants[i], b->constants[i], modulus);
    }
    for (unsigned i = 0; i < b->t * b->t; i++) {
        mpz_init(b->matrix[i]);
        words_to_mpz(b->matrix[i], plain.matrix[i].l);
        mpz_mul(b->matrix[i], b->matrix[i], r256_inverse);
        mpz_mod(b->matrix[i], b->matrix[i], modulus);
    }
}

static void textbook_clear(textbook *b)
{
    for (unsigned i = 0; i < b->rounds * b->t; i++)
        mpz_clear(b->constants[i]);
    for (unsigned i = 0; i < b->t * b->t; i++)
        mpz_clear(b->matrix[i]);
}

static void textbook_permute(const textbook *b, bn_form form, uint64_t *state)
{
    mpz_t s[MAX_WIDTH], u[MAX_WIDTH];

    for (unsigned i = 0; i < b->t; i++) {
        mpz_inits(s[i], u[i], NULL);
        words_to_mpz(s[i], state + 4 * i);
        if (form == BN_MONTGOMERY)
            mpz_mul(s[i], s[i], r256_inverse);
    }
    for (unsigned r = 0; r < b->rounds; r++) {
        for (unsigned i = 0; i < b->t; i++) {
            mpz_add(s[i], s[i], b->constants[r * b->t + i]);
            mpz_mod(s[i], s[i], modulus);
            if (i == 0 || r < 4 || r >= 4 + b->partial)
                mpz_powm_ui(s[i], s[i], 5, modulus);
        }
        for (unsigned i = 0; i < b->t; i++) {
            mpz_set_ui(u[i], 0);
            for (unsigned j = 0; j < b->t; j++)
                mpz_addmul(u[i], b->matrix[i * b->t + j], s[j]);
        }
        for (unsigned i = 0; i < b->t; i++)
            mpz_mod(s[i], u[i], modulus);
    }
    for (unsigned i = 0; i < b->t; i++) {
        if (form == BN_MONTGOMERY) {
            mpz_mul(s[i], s[i], r256);
            mpz_mod(s[i], s[i], modulus);
        }
        mpz_to_words(state + 4 * i, s[i]);
        mpz_clears(s[i], u[i], NULL);
    }
}

/* ---- published hashes ---- */

typedef struct answer {
    unsigned initial, inputs;
    uint8_t in[16];
    const char *outputs[16];
} answer;

/* 1 .. k for every k: circomlibjs 0.1.7. The others, and of those k = 1, 2, 4, 6, 14, 16, are in
 * the tests of iden3/circomlibjs (test/poseidon.js) and iden3/go-iden3-crypto
 * (poseidon/poseidon_test.go). */
#define COUNTING                                                                                   \
    {                                                                                              \
        1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16                                      \
    }

static const answer ANSWERS[] = {
#define ROW(k, h) {0, k, COUNTING, {h}},
    /* clang-format off */
    ROW(1, "18586133768512220936620570745912940619677854269274689475585506675881198879027")
    ROW(2, "7853200120776062878684798364095072458815029376092732009249414926327459813530")
    ROW(3, "6542985608222806190361240322586112750744169038454362455181422643027100751666")
    ROW(4, "18821383157269793795438455681495246036402687001665670618754263018637548127333")
    ROW(5, "6183221330272524995739186171720101788151706631170188140075976616310159254464")
    ROW(6, "20400040500897583745843009878988256314335038853985262692600694741116813247201")
    ROW(7, "12748163991115452309045839028154629052133952896122405799815156419278439301912")
    ROW(8, "18604317144381847857886385684060986177838410221561136253933256952257712543953")
    ROW(9, "13589767895268936107593642967621470491511464502761040466226072462545218539640")
    ROW(10, "3657500514307717306974218405144578736633140001277925127187636780142269815841")
    ROW(11, "3572015662710076994097916907865950486270383304442561406230608893458731714472")
    ROW(12, "2501997477381648492950318384533644783248002172679259592360114615426357826485")
    ROW(13, "7041832639553862712666971417715061873827921493498355005117622707743491651590")
    ROW(14, "8354478399926161176778659061636406690034081872658507739535256090879947077494")
    ROW(15, "4203130618016961831408770638653325366880478848856764494148034853759773445968")
    ROW(16, "9989051620750914585850546081941653841776809718687451684622678807385399211877")
#undef ROW
    {0, 5, {1, 2, 0, 0, 0},
     {"1018317224307729531995786483840663576608797660851238720571059489595066344487"}},
    {0, 6, {3, 4, 0, 0, 0, 0},
     {"12263118664590987767234828103155242843640892839966517009184493198782366909018"}},
    {0, 14, {1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0, 0, 0, 0},
     {"5540388656744764564518487011617040650780060800286365721923524861648744699539"}},
    {7, 4, {1, 2, 3, 4},
     {"1569211601569591254857354699102545060324851338714426496554851741114291465006"}},
    {17, 16, COUNTING,
     {"7865037705064445207187340054656830232157001572238023180016026650118519857086",
      "9292383997006336854008325030029058442489692927472584277596649832441082093099",
      "21700625464938935909463291795162623951575229166945244593449711331894544619498",
      "1749964961100464837642084889776091157070407086051097880220367435814831060919",
      "14926884742736943105557530036865339747160219875259470496706517357951967126770",
      "2039691552066237153485547245250552033884196017621501609319319339955236135906",
      "15632370980418377873678240526508190824831030254352022226082241110936555130543",
      "12415717486933552680955550946925876656737401305417786097937904386023163034597",
      "19518791782429957526810500613963817986723905805167983704284231822835104039583",
      "3946357499058599914103088366834769377007694643795968939540941315474973940815",
      "5618081863604788554613937982328324792980580854673130938690864738082655170455",
      "9119013501536010391475078939286676645280972023937320238963975266387024327421",
      "8377736769906336164136520530350338558030826788688113957410934156526990238336",
      "15295058061474937220002017533551270394267030149562824985607747654793981405060",
      "3767094797637425204201844274463024412131937665868967358407323347727519975724",
      "11046361685833871233801453306150294246339755171874771935347992312124050338976"}},
    /* clang-format on */
};

static void test_answers(void **state)
{
    (void)state;
    for (p_isa isa = P_ISA_PORTABLE; isa < P_ISA_COUNT; isa++) {
        const bn_poseidon_ops *ops = bn_poseidon_select(isa);

        print_message("%s: runs %s\n", p_isa_name(isa), p_isa_name(ops->isa));
        for (size_t a = 0; a < sizeof(ANSWERS) / sizeof(ANSWERS[0]); a++) {
            const answer *row = &ANSWERS[a];
            const bn_poseidon *p = contexts[row->inputs + 1];
            uint64_t words[4 * MAX_WIDTH] = {row->initial}, hash[4];
            mpz_t z;

            for (unsigned i = 0; i < row->inputs; i++)
                words[4 * (i + 1)] = row->in[i];
            ops->hash(p, BN_CANONICAL, words, words + 4, hash, 1);
            ops->permute(p, BN_CANONICAL, words, 1);
            assert_memory_equal(hash, words, sizeof(hash));
            mpz_init(z);
            for (unsigned i = 0; i < 16 && row->outputs[i]; i++) {
                uint64_t expected[4];

                assert_int_equal(mpz_set_str(z, row->outputs[i], 10), 0);
                mpz_to_words(expected, z);
                assert_memory_equal(words + 4 * i, expected, sizeof(expected));
            }
            mpz_clear(z);
        }
    }
}

/* scripts/gen-poseidon-bn254.py has the same number, and its own derivation. */
static void test_constants(void **state)
{
    EVP_MD_CTX *sha = EVP_MD_CTX_new();
    unsigned char digest[32];
    char text[65];

    (void)state;
    assert_non_null(sha);
    assert_int_equal(EVP_DigestInit_ex(sha, EVP_sha256(), NULL), 1);
    for (unsigned t = BN_POSEIDON_MIN_WIDTH; t <= MAX_WIDTH; t++) {
        bn_poseidon_plain plain;
        unsigned constants;

        bn_poseidon_get_plain(contexts[t], &plain);
        assert_int_equal(plain.width, t);
        constants = (8 + plain.partial_rounds) * t;
        for (unsigned i = 0; i < constants + t * t; i++) {
            uint64_t w[4];
            uint8_t bytes[32];

            bn_fr_get_words(w, i < constants ? &plain.constants[i] : &plain.matrix[i - constants]);
            for (int k = 0; k < 32; k++)
                bytes[k] = (uint8_t)(w[k / 8] >> 8 * (k % 8));
            assert_int_equal(EVP_DigestUpdate(sha, bytes, sizeof(bytes)), 1);
        }
    }
    assert_int_equal(EVP_DigestFinal_ex(sha, digest, NULL), 1);
    EVP_MD_CTX_free(sha);
    for (int i = 0; i < 32; i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
    assert_string_equal(text, "911da7caae9bed482d1c83f4ccd9f76cc2df84b025d7efd69bb6e28491fcca87");
}

/* ---- against the textbook ---- */

static void set_edge(uint64_t w[4], unsigned which)
{
    static const uint64_t r[4] = {BN_FR_P0, BN_FR_P1, BN_FR_P2, BN_FR_P3};

    switch (which) {
    case 0: /* 0, 1, r - 1 */
    case 1:
        memset(w, 0, 32);
        w[0] = which;
        break;
    case 2:
    case 3:
        memcpy(w, r, 32);
        w[0] -= which - 1;
        break;
    case 4: /* not below r: residues */
    case 5:
        memcpy(w, r, 32);
        w[0] += which - 4;
        break;
    case 6:
        memset(w, 0xff, 32);
        break;
    case 7: /* 52-bit limbs all ones, and the others zero */
        w[0] = UINT64_C(0x000fffffffffffff);
        w[1] = UINT64_C(0xffffff0000000000);
        w[2] = UINT64_C(0x000000000fffffff);
        w[3] = UINT64_C(0x2fffffffffff0000);
        break;
    case 8:
        w[0] = w[1] = w[2] = UINT64_MAX;
        w[3] = UINT64_C(0x2fffffffffffffff);
        break;
    default:
        w[0] = UINT32_MAX;
        w[1] = w[3] = 0;
        w[2] = UINT64_C(1) << 63;
    }
}

#define EDGES 10

/* Permutations in place, hashes apart and in place, with and without initial states. */
static void check(const bn_poseidon_ops *ops, const bn_poseidon *p, unsigned t, bn_form form,
                  const uint64_t *in, const uint64_t *expected, size_t count)
{
    uint64_t words[4 * MAX_WIDTH * MAX_COUNT + 4], initial[4 * MAX_COUNT + 4];
    uint64_t inputs[4 * MAX_WIDTH * MAX_COUNT], out[4 * MAX_COUNT + 4];
    const uint64_t guard = UINT64_C(0x5a5a5a5a5a5a5a5a);

    memcpy(words, in, count * t * 32);
    words[count * t * 4] = guard;
    ops->permute(p, form, words, count);
    assert_memory_equal(words, expected, count * t * 32);
    assert_true(words[count * t * 4] == guard);

    for (size_t i = 0; i < count; i++) {
        memcpy(initial + 4 * i, in + 4 * t * i, 32);
        memcpy(inputs + 4 * (t - 1) * i, in + 4 * t * i + 4, 32 * (t - 1));
    }
    out[count * 4] = guard;
    ops->hash(p, form, initial, inputs, out, count);
    for (size_t i = 0; i < count; i++)
        assert_memory_equal(out + 4 * i, expected + 4 * t * i, 32);
    assert_true(out[count * 4] == guard);
    ops->hash(p, form, initial, inputs, initial, count);
    assert_memory_equal(initial, out, count * 32);

    memset(initial, 0, sizeof(initial));
    ops->hash(p, form, initial, inputs, out, count);
    ops->hash(p, form, NULL, inputs, inputs, count);
    assert_memory_equal(inputs, out, count * 32);
}

static void test_textbook(void **state)
{
    /* none, one by one, and eight lanes not full, full and several times */
    static const size_t COUNTS[] = {0, 1, 2, 3, 7, 8, 9, 10, 11, 16, MAX_COUNT};
    uint64_t seed = 1;
    textbook *b = malloc(sizeof(*b));

    (void)state;
    assert_non_null(b);
    for (unsigned t = BN_POSEIDON_MIN_WIDTH; t <= MAX_WIDTH; t++) {
        textbook_init(b, contexts[t]);
        for (bn_form form = BN_CANONICAL; form <= BN_MONTGOMERY; form++) {
            uint64_t in[4 * MAX_WIDTH * MAX_COUNT], expected[4 * MAX_WIDTH * MAX_COUNT];

            for (unsigned k = 0; k < MAX_COUNT; k++)
                for (unsigned i = 0; i < t; i++) {
                    uint64_t *w = in + 4 * (k * t + i);
                    uint64_t choice = test_random(&seed);

                    for (int j = 0; j < 4; j++)
                        w[j] = test_random(&seed);
                    w[3] &= choice >> 60 ? UINT64_C(0x2fffffffffffffff) : UINT64_MAX;
                    if (k < EDGES) /* one edge all over, then mixed */
                        set_edge(w, k);
                    else if (choice % 2)
                        set_edge(w, (unsigned)(choice >> 32) % EDGES);
                }
            memcpy(expected, in, sizeof(in));
            for (unsigned k = 0; k < MAX_COUNT; k++)
                textbook_permute(b, form, expected + 4 * k * t);
            for (p_isa isa = P_ISA_PORTABLE; isa < P_ISA_COUNT; isa++) {
                const bn_poseidon_ops *ops = bn_poseidon_select(isa);

                if (ops->isa != isa) /* none of its own, or the CPU has not got it */
                    continue;
                for (size_t c = 0; c < sizeof(COUNTS) / sizeof(COUNTS[0]); c++)
                    if (ops->lanes > 1 || COUNTS[c] < 3 || COUNTS[c] == MAX_COUNT)
                        check(ops, contexts[t], t, form, in, expected, COUNTS[c]);
            }
        }
        textbook_clear(b);
    }
    free(b);
}

/* More random states: all implementations agree with the portable one. */
static void test_agree(void **state)
{
    enum { COUNT = 64 };
    const char *cases = getenv("ZKP_TEST_CASES");
    unsigned long rounds = cases ? strtoul(cases, NULL, 10) / 20000 + 1 : 4;
    uint64_t seed = 2;

    (void)state;
    for (unsigned t = BN_POSEIDON_MIN_WIDTH; t <= MAX_WIDTH; t++)
        for (unsigned long round = 0; round < rounds; round++) {
            uint64_t in[4 * MAX_WIDTH * COUNT], expected[4 * MAX_WIDTH * COUNT];
            uint64_t got[4 * MAX_WIDTH * COUNT];

            for (unsigned i = 0; i < 4 * t * COUNT; i++)
                in[i] = test_random(&seed);
            memcpy(expected, in, sizeof(in));
            bn_poseidon_select(P_ISA_PORTABLE)
                ->permute(contexts[t], BN_MONTGOMERY, expected, COUNT);
            for (p_isa isa = P_ISA_AVX2; isa < P_ISA_COUNT; isa++) {
                const bn_poseidon_ops *ops = bn_poseidon_select(isa);

                if (ops->isa != isa)
                    continue;
                memcpy(got, in, sizeof(in));
                ops->permute(contexts[t], BN_MONTGOMERY, got, COUNT);
                assert_memory_equal(got, expected, 32 * t * COUNT);
            }
        }
}

static void test_create(void **state)
{
    bn_poseidon *p = contexts[2];
    p_err err = {0};

    (void)state;
    assert_int_equal(bn_poseidon_create(1, &p, &err), P_EINVAL);
    assert_null(p);
    assert_non_null(strstr(err.text, "2 to 17"));
    p = contexts[2];
    assert_int_equal(bn_poseidon_create(18, &p, NULL), P_EINVAL);
    assert_int_equal(bn_poseidon_create(0, &p, NULL), P_EINVAL);
    bn_poseidon_destroy(NULL);
}

static void test_select(void **state)
{
    (void)state;
    for (p_isa isa = P_ISA_PORTABLE; isa < P_ISA_COUNT; isa++) {
        const bn_poseidon_ops *ops = bn_poseidon_select(isa);

        assert_non_null(ops);
        assert_true(ops->isa <= isa);
        assert_true(p_isa_supported(ops->isa));
    }
    assert_int_equal(bn_poseidon_select(P_ISA_PORTABLE)->isa, P_ISA_PORTABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_constants), cmocka_unit_test(test_answers),
        cmocka_unit_test(test_textbook),  cmocka_unit_test(test_agree),
        cmocka_unit_test(test_create),    cmocka_unit_test(test_select),
    };

    return cmocka_run_group_tests(tests, init_textbook, clear_textbook);
}
