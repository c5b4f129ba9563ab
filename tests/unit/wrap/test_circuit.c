/* The whole circuit on proofs of demo_lookup. */
#include "tests/unit/wrap/lookup.h"

#include <inttypes.h>

static lookup shared;

static int setup(void **state)
{
    (void)state;
    lookup_prove(&shared, lookup_params(6, 2, 2));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    lookup_free(&shared);
    return 0;
}

static void native_proofs_have_witnesses(void **state)
{
    /* FRI trees with and without paths, one to three layers, every size of the last domain */
    static const uint32_t shapes[][2] = {{6, 1}, {6, 3}, {7, 2}, {9, 1}, {12, 1}};
    p_err err;

    (void)state;
    if (!lookup_solves(&shared.key.vk, shared.publics, &shared.proof, &err))
        fail_msg("%s", err.text);
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        lookup l;

        lookup_prove(&l, lookup_params(shapes[i][0], shapes[i][1], 3));
        if (!lookup_solves(&l.key.vk, l.publics, &l.proof, &err))
            fail_msg("%" PRIu32 " rows (log2), blow-up %" PRIu32 " (log2): %s", shapes[i][0],
                     shapes[i][1], err.text);
        lookup_free(&l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(native_proofs_have_witnesses),
    };

    return cmocka_run_group_tests_name("wrap circuit", tests, setup, teardown);
}
