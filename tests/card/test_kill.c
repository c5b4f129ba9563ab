/* zkp-card is killed at random moments of a commitment, ZKP_KILLS times (50): every result is
 * right, this process lives, and nothing is left of the killed ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "driver/base/clock.h"
#include "tests/card/card_test.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct killer {
    int64_t at_ns; /* CLOCK_MONOTONIC */
    pid_t card;
    bool killed;
} killer;

static void *killer_main(void *context)
{
    killer *k = context;
    int64_t wait = k->at_ns - p_clock_ns(CLOCK_MONOTONIC);

    if (wait > 0)
        nanosleep(&(struct timespec){wait / 1000000000, wait % 1000000000}, NULL);
    k->killed = kill(k->card, SIGKILL) == 0;
    return NULL;
}

static void results_stay_right(void **state)
{
    const char *set = getenv("ZKP_KILLS");
    unsigned kills = set ? (unsigned)strtoul(set, NULL, 10) : 50, done = 0, noticed = 0;
    uint64_t seed = 4;
    card_test t;
    bool found;

    (void)state;
    card_test_mark();
    card_test_make(&t, 20, 10, 1);
    int descriptors = card_test_descriptors();
    drv_device *device = card_test_open("xrt:0");
    card_test_check(&t, device);
    int64_t begin = p_clock_ns(CLOCK_MONOTONIC);
    card_test_check(&t, device);
    uint64_t span = (uint64_t)(p_clock_ns(CLOCK_MONOTONIC) - begin);
    card_test_log(NULL, &found);
    for (unsigned i = 0; done < kills && i < 2 * kills; i++) {
        pthread_t thread;
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        killer k = {.card = card_test_card()};
        assert_true(k.card > 0);
        k.at_ns = p_clock_ns(CLOCK_MONOTONIC) + (int64_t)((seed >> 11) % span);
        assert_int_equal(pthread_create(&thread, NULL, killer_main, &k), 0);
        card_test_check(&t, device);
        pthread_join(thread, NULL);
        assert_true(k.killed);
        done++;
        noticed += card_test_log(NULL, &found) > 0;
        if (card_test_card() == k.card || card_test_card() < 0)
            card_test_check(&t, device); /* the kill came behind the end: the next job finds it */
    }
    printf("%u kills within %.0f ms each, %u of them met a job\n", done, (double)span / 1e6,
           noticed);
    assert_int_equal(done, kills);
    assert_in_range(noticed, kills / 2, kills);
    card_test_check(&t, device);
    assert_true(card_test_card() > 0); /* the card is in use again, not only the CPU */
    card_test_close(device);
    card_test_clean(descriptors);
    card_test_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(results_stay_right)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
