/* A large circuit, written as a stream: memory does not grow with its constraints. The argument is
 * the log2 of their number (default 15); scripts and figures: 22. Prints times, sizes and the
 * highest memory; only the memory is judged. */
#include "host/r1cs/bounded.h"
#include "host/r1cs/poseidon.h"

#include "circuit.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

static unsigned log2_constraints = 15;
static r1cs_poseidon *node;

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t peak_kb(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (uint64_t)u.ru_maxrss;
}

/* What a verifier of a STARK is made of: values of 64 bits, products in K that are reduced, hashes
 * of them. */
static void large(r1cs_builder *b)
{
    uint64_t seed = 1;
    r1cs_lc children[16], digest = r1cs_public(b, r1cs_fr_zero());
    r1cs_ext sum = r1cs_ext_input(b, gl_ext_from_base(3));

    while (r1cs_count(b).constraints < (uint64_t)1 << log2_constraints && !r1cs_failed(b)) {
        r1cs_scope scope = r1cs_scope_begin(b);
        r1cs_ext x[4];

        for (int i = 0; i < 4; i++)
            x[i] = r1cs_ext_input(
                b, gl_ext_from_u64((uint64_t[3]){test_random(&seed), test_random(&seed), 1}));
        sum = r1cs_ext_reduce(b, r1cs_ext_add(b, sum, r1cs_ext_dot(b, x, x + 1, 3)));
        for (int i = 0; i < 12; i++)
            children[i] = x[i / 3].c[i % 3].lc;
        for (int i = 0; i < 3; i++)
            children[12 + i] = sum.c[i].lc;
        children[15] = digest;
        digest = r1cs_poseidon_hash(b, node, r1cs_constant_u64(b, 0), children);
        r1cs_scope_end(b, scope);
    }
}

static double run(unsigned modes, const char *path, r1cs_counts *counts, uint64_t **values)
{
    double start = now();
    r1cs_builder *b;
    const uint64_t *found;
    p_err err = {0};

    assert_int_equal(r1cs_create(modes, path, 0, 1, &b, &err), P_OK);
    large(b);
    if (r1cs_finish(b, counts, &found, &err) != P_OK)
        fail_msg("%s", err.text);
    start = now() - start;
    if (values) {
        *values = malloc((size_t)counts->wires * 32);
        memcpy(*values, found, (size_t)counts->wires * 32);
    }
    r1cs_destroy(b);
    return start;
}

static void test_large(void **state)
{
    char path[64];
    r1cs_counts built, solved;
    r1cs_violation v;
    r1cs_file f;
    struct stat st;
    uint64_t *values, before = peak_kb(), after;
    double seconds;
    p_err err = {0};

    (void)state;
    snprintf(path, sizeof path, "/tmp/zkp-r1cs-stream-%ld.r1cs", (long)getpid());
    assert_int_equal(r1cs_poseidon_create(17, &node, NULL), P_OK);
    seconds = run(R1CS_BUILD, path, &built, NULL);
    after = peak_kb();
    assert_int_equal(stat(path, &st), 0);
    print_message("build: %llu constraints, %u wires, %llu terms, file %.1f MB: %.2f s, highest "
                  "memory %llu MB\n",
                  (unsigned long long)built.constraints, built.wires,
                  (unsigned long long)built.terms, (double)st.st_size / 1e6, seconds,
                  (unsigned long long)after / 1000);
    /* some buffers, and what reductions are found again by: 120 bytes for each, with free slots */
    assert_true(after - before < 64000);
    seconds = run(R1CS_SOLVE, NULL, &solved, &values);
    print_message("solve: %.2f s, highest memory %llu MB\n", seconds,
                  (unsigned long long)peak_kb() / 1000);
    assert_int_equal(built.constraints, solved.constraints);
    assert_int_equal(built.wires, solved.wires);
    seconds = now();
    assert_int_equal(r1cs_file_open(&f, path, &err), P_OK);
    if (r1cs_check(&f, values, &v, &err) != P_OK)
        fail_msg("%s", err.text);
    print_message("check: %.2f s\n", now() - seconds);
    values[4 * (size_t)(built.wires / 2)] ^= 1;
    assert_int_equal(r1cs_check(&f, values, &v, &err), P_EINVAL);
    r1cs_file_close(&f);
    free(values);
    r1cs_poseidon_destroy(node);
    unlink(path);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_large),
    };

    if (argc > 1)
        log2_constraints = (unsigned)strtoul(argv[1], NULL, 10);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
