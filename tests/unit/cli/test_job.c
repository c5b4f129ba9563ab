/* Answers about jobs: words, per cent, the proof as JSON; and what a terminal's line takes. */
#include "host/cli/job.h"
#include "host/cli/output.h"
#include "host/cli/terminal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void test_words(void **state)
{
    (void)state;
    static const char *const expected[] = {"?",       "proved", "unknown",   "failed",
                                           "pending", "failed", "cancelled", "?"};
    for (int i = 0; i < 8; i++)
        assert_string_equal(job_word(i), expected[i]);
    assert_string_equal(job_result_name(3), "COMPLETED_ERROR");
    assert_string_equal(job_result_name(77), "UNSPECIFIED");
}

static void test_percent(void **state)
{
    (void)state;
    assert_int_equal(job_percent("execute, 43 %"), 43);
    assert_int_equal(job_percent("execute 100%"), 100);
    assert_int_equal(job_percent("0%"), 0);
    assert_int_equal(job_percent("queue position 3"), -1);
    assert_int_equal(job_percent("%"), -1);
    assert_int_equal(job_percent(" %"), -1);
    assert_int_equal(job_percent(""), -1);
    assert_int_equal(job_percent("101 %"), -1);
    assert_int_equal(job_percent("99999999999999999999 %"), -1);
}

typedef struct made {
    Zkprover__V1__Proof proof;
    Zkprover__V1__ProofB rows[2], *row_list[2];
    char *a[2], *b[2][2], *c[2];
} made;

static void make(made *m)
{
    zkprover__v1__proof__init(&m->proof);
    m->a[0] = (char *)"1", m->a[1] = (char *)("2");
    m->c[0] = (char *)"7", m->c[1] = (char *)("8");
    for (int i = 0; i < 2; i++) {
        zkprover__v1__proof_b__init(&m->rows[i]);
        m->b[i][0] = (char *)(i ? "5" : "3"), m->b[i][1] = (char *)(i ? "6" : "4");
        m->rows[i].proofs = m->b[i];
        m->rows[i].n_proofs = 2;
        m->row_list[i] = &m->rows[i];
    }
    m->proof.proof_a = m->a, m->proof.n_proof_a = 2;
    m->proof.proof_b = m->row_list, m->proof.n_proof_b = 2;
    m->proof.proof_c = m->c, m->proof.n_proof_c = 2;
}

static void test_proof(void **state)
{
    (void)state;
    made m;
    p_err err = {0};
    make(&m);
    json_t *j = job_proof_json(&m.proof, &err);
    assert_non_null(j);
    char *text = json_dumps(j, JSON_COMPACT);
    assert_string_equal(text, "{\"pi_a\":[\"1\",\"2\",\"1\"],"
                              "\"pi_b\":[[\"3\",\"4\"],[\"5\",\"6\"],[\"1\",\"0\"]],"
                              "\"pi_c\":[\"7\",\"8\",\"1\"],"
                              "\"protocol\":\"groth16\",\"curve\":\"bn128\"}");
    free(text);
    json_decref(j);
}

static void test_wrong_proof(void **state)
{
    (void)state;
    char digits[79];
    memset(digits, '9', 78);
    digits[78] = 0;
    for (int which = 0; which < 9; which++) {
        made m;
        p_err err = {0};
        make(&m);
        switch (which) {
        case 0:
            m.proof.n_proof_a = 1;
            break;
        case 1:
            m.proof.n_proof_c = 0;
            break;
        case 2:
            m.proof.n_proof_b = 1;
            break;
        case 3:
            m.rows[1].n_proofs = 1;
            break;
        case 4:
            m.a[1] = (char *)"0x12";
            break;
        case 5:
            m.b[0][1] = (char *)"";
            break;
        case 6:
            m.c[0] = (char *)"-1";
            break;
        case 7:
            m.c[0] = digits;
            break;
        default:
            break;
        }
        assert_null(job_proof_json(which == 8 ? NULL : &m.proof, &err));
        assert_int_equal(err.status, P_EINTERNAL);
    }
}

static void test_cut(void **state)
{
    (void)state;
    assert_int_equal(terminal_cut("", 5), 0);
    assert_int_equal(terminal_cut("abc", 5), 3);
    assert_int_equal(terminal_cut("abcdef", 5), 5);
    assert_int_equal(terminal_cut("ab\ncdef", 5), 2);
    assert_int_equal(terminal_cut("\xc3\xa4\xc3\xb6x", 2), 4);
    assert_int_equal(terminal_cut("abc", 0), 0);
}

static void test_json(void **state)
{
    (void)state;
    char folder[] = "/tmp/zkprover-test-XXXXXX", path[64], line[64] = "";
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/a.json", folder);
    p_err err = {0};
    json_t *o = json_pack("{s:o}", "a", output_json_text("x\xff\xc3y"));
    assert_string_equal(json_string_value(json_object_get(o, "a")), "x??y");
    assert_int_equal(output_json_file(path, o, &err), P_OK);
    json_t *back = json_load_file(path, 0, NULL);
    assert_true(json_equal(o, back));
    json_decref(back);
    unlink(path);
    assert_int_equal(rmdir(folder), 0); /* nothing else was left there */
    assert_int_equal(output_json_file(path, o, &err), P_EIO);
    assert_non_null(strstr(err.text, path));
    FILE *f = fmemopen(line, sizeof line, "w");
    assert_true(output_json_line(f, o));
    fclose(f);
    assert_string_equal(line, "{\"a\":\"x??y\"}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words), cmocka_unit_test(test_percent),
        cmocka_unit_test(test_proof), cmocka_unit_test(test_wrong_proof),
        cmocka_unit_test(test_cut),   cmocka_unit_test(test_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
