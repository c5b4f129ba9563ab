/* What a cheating prover could try with a proof, its public values, and their encodings. */
#include "tests/unit/groth16/fixture.h"

#include "host/groth16/json.h"
#include "host/groth16/random.h"

static const uint64_t R[4] = {BN_FR_P0, BN_FR_P1, BN_FR_P2, BN_FR_P3};
static const uint64_t Q[4] = {BN_FP_P0, BN_FP_P1, BN_FP_P2, BN_FP_P3};

/* A key, a proof and its public values. */
typedef struct held {
    zkey key;
    groth16_proof proof;
    uint64_t publics[3 * 4];
} held;

static void open_held(const fixture *f, held *h)
{
    p_err err = {0};

    fixture_prove(f, f->zkey, fixture_values, &h->proof, P_OK, &err);
    fixture_ok(zkey_open(&h->key, f->zkey, &err), &err);
    memcpy(h->publics, fixture_values + 4, sizeof h->publics);
    fixture_ok(groth16_verify(&h->key.vk, &h->proof, h->publics, &err), &err);
}

static void refuse(const held *h, const groth16_proof *proof, const uint64_t *publics,
                   const char *text)
{
    p_err err = {0};

    assert_int_equal(groth16_verify(&h->key.vk, proof, publics, &err), P_EINVAL);
    assert_non_null(strstr(err.text, text));
}

static void accept(const held *h, const groth16_proof *proof)
{
    p_err err = {0};

    fixture_ok(groth16_verify(&h->key.vk, proof, h->publics, &err), &err);
}

static void add_words(uint64_t r[4], const uint64_t a[4])
{
    unsigned char c = 0;

    for (int i = 0; i < 4; i++)
        c = bn254_add(&r[i], r[i], a[i], c);
    assert_int_equal(c, 0);
}

/* ---- the proof ---- */

static void test_every_bit(void **state)
{
    p_err err = {0};
    held h;

    open_held(*state, &h);
    for (size_t bit = 0; bit < 8 * sizeof h.proof; bit++) {
        groth16_proof p = h.proof;

        ((uint8_t *)&p)[bit / 8] ^= (uint8_t)(1u << bit % 8);
        refuse(&h, &p, h.publics, "");
    }
    for (size_t i = 0; i < sizeof h.proof / 32; i++) { /* the same coordinates modulo q */
        groth16_proof p = h.proof;

        add_words((uint64_t *)&p + 4 * i, Q);
        assert_int_equal(groth16_verify(&h.key.vk, &p, h.publics, &err), P_EINVAL);
        assert_null(strstr(err.text, "does not hold")); /* refused before the equation */
    }
    zkey_close(&h.key);
}

/* Points of the groups, so that only the equation refuses them. */
static void test_other_points(void **state)
{
    held h;
    bn_g1x x;
    bn_g2x x2;

    open_held(*state, &h);
    for (int which = 0; which < 2; which++) {
        for (int change = 0; change < 5; change++) {
            groth16_proof p = h.proof;
            bn_g1 *a = which ? &p.c : &p.a, one;

            bn_g1_generator(&one);
            bn_g1x_set(&x, a);
            if (change == 0)
                bn_g1x_set_zero(&x);
            else if (change == 1)
                bn_g1x_neg(&x, &x);
            else if (change == 2)
                bn_g1x_dbl(&x, &x);
            else if (change == 3)
                bn_g1x_add_affine(&x, &x, &one);
            else
                bn_g1x_set(&x, &one);
            bn_g1x_get(a, &x);
            refuse(&h, &p, h.publics, "does not hold");
        }
    }
    for (int change = 0; change < 4; change++) {
        groth16_proof p = h.proof;
        bn_g2 one;

        bn_g2_generator(&one);
        bn_g2x_set(&x2, &p.b);
        if (change == 0)
            bn_g2x_set_zero(&x2);
        else if (change == 1)
            bn_g2x_neg(&x2, &x2);
        else if (change == 2)
            bn_g2x_dbl(&x2, &x2);
        else
            bn_g2x_add_affine(&x2, &x2, &one);
        bn_g2x_get(&p.b, &x2);
        refuse(&h, &p, h.publics, "does not hold");
    }
    groth16_proof p = h.proof;
    p.a = h.proof.c;
    p.c = h.proof.a;
    refuse(&h, &p, h.publics, "does not hold");
    memset(&p, 0, sizeof p);
    refuse(&h, &p, h.publics, "does not hold");
    zkey_close(&h.key);
}

/* A point of the twist outside of the group of order r. */
static void outside(bn_g2 *out)
{
    bn_fp2 b, three, xi, y2;

    bn_fp2_set_one(&xi);
    bn_fp2_mul_xi(&xi, &xi); /* 9 + u */
    bn_fp2_inv(&xi, &xi);
    bn_fp2_set_one(&three);
    bn_fp2_add(&b, &three, &three);
    bn_fp2_add(&three, &b, &three);
    bn_fp2_mul(&b, &three, &xi); /* 3 / (9 + u) */
    bn_fp2_set_one(&out->x);
    for (;;) {
        bn_fp2_sqr(&y2, &out->x);
        bn_fp2_mul(&y2, &y2, &out->x);
        bn_fp2_add(&y2, &y2, &b);
        if (bn_fp2_sqrt_var(&out->y, &y2))
            break;
        bn_fp2_set_one(&three);
        bn_fp2_add(&out->x, &out->x, &three);
    }
    assert_true(bn_g2_on_curve(out));
    assert_false(bn_g2_in_subgroup_var(out));
}

static void test_subgroup(void **state)
{
    held h;
    bn_g2 p, t;
    bn_g2x x;
    groth16_proof proof;

    open_held(*state, &h);
    outside(&p);
    proof = h.proof;
    proof.b = p;
    refuse(&h, &proof, h.publics, "B is not in its group");
    /* r P has an order that divides the cofactor: B + r P gives the same pairing up to what a
     * verifier without the check could overlook */
    bn_g2_mul_var(&x, &p, R);
    assert_false(bn_g2x_is_zero(&x));
    bn_g2x_add_affine(&x, &x, &h.proof.b);
    bn_g2x_get(&t, &x);
    assert_true(bn_g2_on_curve(&t));
    proof.b = t;
    refuse(&h, &proof, h.publics, "B is not in its group");
    zkey_close(&h.key);
}

/* Groth16 is malleable (eprint 2016/260 claims no more than knowledge of a witness): from a proof
 * others of the same statement are made without the witness. So a proof must not be taken for an
 * identifier, and is not. */
static void test_malleable(void **state)
{
    held h;
    groth16_proof p;
    uint64_t k[2][4], words[4];
    bn_fr inverse = {{0}}, second = {{0}}, product; /* for compilers that do not see them set */
    bn_g1x x;
    bn_g2x y, z;
    p_err err = {0};

    open_held(*state, &h);
    p = h.proof;
    bn_g1_neg(&p.a, &p.a);
    bn_g2_neg(&p.b, &p.b);
    accept(&h, &p);

    /* A / s, s B + s t delta, C + t A */
    fixture_ok(groth16_draw(k[0], &err), &err);
    fixture_ok(groth16_draw(k[1], &err), &err);
    assert_true(bn_fr_set_words(&inverse, k[0]));
    assert_true(bn_fr_set_words(&second, k[1]));
    bn_fr_mul(&product, &inverse, &second);
    bn_fr_inv(&inverse, &inverse);
    bn_fr_get_words(words, &inverse);
    bn_g1_mul_var(&x, &h.proof.a, words);
    bn_g1x_get(&p.a, &x);
    bn_g2_mul_var(&y, &h.proof.b, k[0]);
    bn_fr_get_words(words, &product);
    bn_g2_mul_var(&z, &h.key.vk.delta2, words);
    bn_g2x_add(&y, &y, &z);
    bn_g2x_get(&p.b, &y);
    bn_g1_mul_var(&x, &h.proof.a, k[1]);
    bn_g1x_add_affine(&x, &x, &h.proof.c);
    bn_g1x_get(&p.c, &x);
    accept(&h, &p);
    h.publics[0] ^= 1; /* of the same statement only */
    refuse(&h, &p, h.publics, "does not hold");
    zkey_close(&h.key);
}

/* ---- public values ---- */

static void test_publics(void **state)
{
    held h;
    uint64_t other[12];

    open_held(*state, &h);
    for (int i = 0; i < 3; i++) {
        memcpy(other, h.publics, sizeof other);
        add_words(other + 4 * i, R); /* the same value of Fr */
        refuse(&h, &h.proof, other, "not below r");
        memset(other + 4 * i, 255, 32);
        refuse(&h, &h.proof, other, "not below r");
        for (int bit = 0; bit < 250; bit += 7) {
            memcpy(other, h.publics, sizeof other);
            other[4 * i + bit / 64] ^= UINT64_C(1) << bit % 64;
            refuse(&h, &h.proof, other, "does not hold");
        }
    }
    /* c is in no constraint. Without the rows that snarkjs adds its point in IC were infinity, and
     * a proof for one c a proof for all */
    for (int i = 0; i <= 3; i++)
        assert_false(bn_g1_is_zero(&h.key.vk.ic[i]));
    memcpy(other, h.publics, sizeof other);
    other[8]++;
    refuse(&h, &h.proof, other, "does not hold");
    zkey_close(&h.key);
}

/* Wires that do not satisfy the circuit, one at a time: no proof. c alone may be anything. */
static void test_witness(void **state)
{
    const fixture *f = *state;
    groth16_proof proof;

    for (int wire = 0; wire < WIRES; wire++) {
        uint64_t values[WIRES * 4];
        p_err err = {0};

        memcpy(values, fixture_values, sizeof values);
        values[4 * wire]++;
        fixture_prove(f, f->zkey, values, &proof, wire == C ? P_OK : P_EINVAL, &err);
    }
}

static void test_other_key(void **state)
{
    const fixture *f = *state;
    const groth16_setup_options o = {.threads = 1};
    groth16_proof proof;
    p_err err = {0};
    held h;

    open_held(f, &h);
    fixture_ok(groth16_setup_dev(f->r1cs, f->other, &o, NULL, &err), &err);
    fixture_prove(f, f->other, fixture_values, &proof, P_OK, &err);
    refuse(&h, &proof, h.publics, "does not hold");
    remove(f->other);
    zkey_close(&h.key);
}

/* ---- encodings ---- */

static char *text_of(json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT);

    assert_non_null(text);
    json_decref(value);
    return text;
}

typedef p_status parse_text(const char *text, size_t length, p_err *err);

static p_status parse_proof(const char *text, size_t length, p_err *err)
{
    groth16_proof p;

    return groth16_proof_parse("x.json", text, length, &p, err);
}

static p_status parse_publics(const char *text, size_t length, p_err *err)
{
    uint64_t *values;
    uint32_t count;
    p_status s = groth16_public_parse("x.json", text, length, &values, &count, err);

    free(values);
    return s;
}

static p_status parse_vk(const char *text, size_t length, p_err *err)
{
    groth16_vk vk;
    p_status s = groth16_vk_parse("x.json", text, length, &vk, err);

    groth16_vk_free(&vk);
    return s;
}

static void refuse_text(parse_text *parse, const char *text, size_t length)
{
    p_err err = {0};
    p_status s = parse(text, length, &err);

    if (s != P_ECORRUPT)
        fail_msg("%s: %.*s", p_status_name(s), (int)length, text);
    assert_non_null(strstr(err.text, "x.json"));
}

/* text with what is in quotes from at on replaced */
static void with_string(const char *text, const char *at, const char *replacement, char *out,
                        size_t size)
{
    const char *end = strchr(at, '"');

    snprintf(out, size, "%.*s%s%s", (int)(at - text), text, replacement, end);
}

static void each_number(parse_text *parse, const char *text, const uint64_t modulus[4])
{
    static const char *const wrong[] = {"", "-1", "+1", " 1", "1 ", "0x1", "01", "1.0", "1e3", "x"};
    char *changed = malloc(2 * strlen(text) + 200), number[GROTH16_DECIMAL_BYTES + 2];
    size_t found = 0;

    for (const char *at = text; (at = strchr(at, '"')); at = strchr(at, '"') + 1) {
        uint64_t words[4];
        const char *end = strchr(++at, '"');

        snprintf(number, sizeof number, "%.*s", (int)(end - at), at);
        if (number[0] < '0' || number[0] > '9' || end - at > 78)
            continue;
        found++;
        assert_true(groth16_from_decimal(number, words));
        for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
            with_string(text, at, wrong[i], changed, 2 * strlen(text) + 200);
            refuse_text(parse, changed, strlen(changed));
        }
        snprintf(number, sizeof number, "0%.*s", (int)(end - at), at); /* a leading zero */
        with_string(text, at, number, changed, 2 * strlen(text) + 200);
        refuse_text(parse, changed, strlen(changed));
        add_words(words, modulus);
        groth16_decimal(words, number);
        with_string(text, at, number, changed, 2 * strlen(text) + 200);
        refuse_text(parse, changed, strlen(changed));
        /* a number instead of a string */
        snprintf(changed, 2 * strlen(text) + 200, "%.*s1%s", (int)(at - 1 - text), text, end + 1);
        refuse_text(parse, changed, strlen(changed));
    }
    assert_true(found >= 3);
    free(changed);
}

static void each_end(parse_text *parse, const char *text)
{
    static const char *const tails[] = {"}", "]", ",", "0", "\"", "{}", "x"};
    size_t length = strlen(text);
    char *longer = malloc(length + 8);

    assert_non_null(longer);
    for (size_t i = 0; i < length; i++)
        refuse_text(parse, text, i);
    for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
        snprintf(longer, length + 8, "%s%s", text, tails[i]);
        refuse_text(parse, longer, strlen(longer));
    }
    memcpy(longer, text, length + 1); /* a NUL behind it */
    refuse_text(parse, longer, length + 1);
    free(longer);
}

static void test_json(void **state)
{
    p_err err = {0};
    held h;

    open_held(*state, &h);
    const struct {
        parse_text *parse;
        char *text;
        const uint64_t *modulus;
    } texts[] = {
        {parse_proof, text_of(groth16_proof_json(&h.proof)), Q},
        {parse_publics, text_of(groth16_public_json(h.publics, 3)), R},
        {parse_vk, text_of(groth16_vk_json(&h.key.vk)), Q},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        fixture_ok(texts[i].parse(texts[i].text, strlen(texts[i].text), &err), &err);
        each_number(texts[i].parse, texts[i].text, texts[i].modulus);
        each_end(texts[i].parse, texts[i].text);
        free(texts[i].text);
    }
    refuse_text(parse_proof, "[]", 2);
    refuse_text(parse_publics, "{}", 2);
    refuse_text(parse_publics, "[\"1\",\"1\"", 8);
    zkey_close(&h.key);
}

/* B outside of the subgroup, and A off the curve, as text. */
static void test_json_points(void **state)
{
    groth16_proof p;
    char *text;
    held h;

    open_held(*state, &h);
    p = h.proof;
    outside(&p.b);
    text = text_of(groth16_proof_json(&p));
    refuse_text(parse_proof, text, strlen(text));
    free(text);
    p = h.proof;
    bn_fp_dbl(&p.a.y, &p.a.y);
    text = text_of(groth16_proof_json(&p));
    refuse_text(parse_proof, text, strlen(text));
    free(text);
    zkey_close(&h.key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_bit),   cmocka_unit_test(test_other_points),
        cmocka_unit_test(test_subgroup),    cmocka_unit_test(test_malleable),
        cmocka_unit_test(test_publics),     cmocka_unit_test(test_witness),
        cmocka_unit_test(test_other_key),   cmocka_unit_test(test_json),
        cmocka_unit_test(test_json_points),
    };

    return cmocka_run_group_tests(tests, fixture_create, fixture_destroy);
}
