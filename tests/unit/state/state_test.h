/** What the tests of this folder share. */
#ifndef ZKP_TESTS_UNIT_STATE_STATE_TEST_H
#define ZKP_TESTS_UNIT_STATE_STATE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "driver/base/err.h"
#include "driver/base/hex.h"
#include "driver/field/gl_poseidon.h"

/** splitmix64: a fixed sequence for a fixed seed. */
static inline uint64_t test_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static inline gl_t test_random_gl(uint64_t *state)
{
    return gl_from_u64(test_random(state));
}

/** A random record: hash (4), node (12). n_elements 8: zero capacity. */
static inline void test_random_record(uint64_t *rng, gl_t record[16], size_t n_elements)
{
    gl_t s[12] = {0};
    for (size_t i = 0; i < n_elements; i++)
        s[i] = test_random_gl(rng);
    memcpy(record + 4, s, sizeof s);
    gl_poseidon_permute_portable(s);
    memcpy(record, s, 4 * sizeof(gl_t));
}

/** Words as hex digits, 16 each; returns the length. */
static inline size_t test_words_text(char *out, const gl_t *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sprintf(out + 16 * i, "%016llx", (unsigned long long)words[i]);
    return 16 * n;
}

/** The key of a db entry, without 0x: 64 digits. */
static inline void test_key_text(char out[65], const gl_t hash[4])
{
    gl_t r[4] = {hash[3], hash[2], hash[1], hash[0]};
    test_words_text(out, r, 4);
}

/** The status and a piece of the text; the error is cleared. */
static inline void test_expect(p_status found, p_err *err, p_status expected, const char *text)
{
    if (found != expected || err->status != expected || !strstr(err->text, text))
        fail_msg("expected %s with \"%s\", found %s (record %s) with \"%s\"",
                 p_status_name(expected), text, p_status_name(found), p_status_name(err->status),
                 err->text);
    p_err_clear(err);
}

static inline void test_ok(p_status found, const p_err *err)
{
    if (found != P_OK)
        fail_msg("expected P_OK, found %s: %s", p_status_name(found), err->text);
}

/** A fresh directory; remove it with test_remove_dir. */
static inline void test_make_dir(char out[64])
{
    strcpy(out, "/tmp/zkprover-test-XXXXXX");
    assert_non_null(mkdtemp(out));
}

static inline void test_remove_dir(const char *dir)
{
    static const char *const names[] = {"data.mdb",     "lock.mdb",     "owner.lock",
                                        "readers.lock", "data.mdb.new", "file.json"};
    char path[256];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        unlink(path);
    }
    rmdir(dir);
}

#endif
