/** The published batches, for tests that use them where they are present. */
#ifndef ZKP_TESTS_UNIT_STATE_VECTORS_H
#define ZKP_TESTS_UNIT_STATE_VECTORS_H

#include "tests/unit/state/state_test.h"

#include <dirent.h>

/** A path under the vectors' folder (ZKPROVER_VECTORS, else beside the repository); false if there
 * is no such thing. */
static inline bool test_vector_path(char out[512], const char *relative)
{
    const char *dir = getenv("ZKPROVER_VECTORS");
    snprintf(out, 512, "%s/%s", dir && *dir ? dir : ZKP_DEFAULT_VECTORS, relative);
    return access(out, R_OK) == 0;
}

/** Calls each for every .json file under dir, in no particular order; returns how many. */
static inline size_t test_vector_walk(const char *dir, void (*each)(void *ctx, const char *path),
                                      void *ctx)
{
    size_t n = 0;
    DIR *d = opendir(dir);
    if (!d)
        return 0;
    for (struct dirent *e; (e = readdir(d));) {
        char path[1024];
        size_t len = strlen(e->d_name);
        if (e->d_name[0] == '.' ||
            snprintf(path, sizeof path, "%s/%s", dir, e->d_name) >= (int)sizeof path)
            continue;
        if (len > 5 && strcmp(e->d_name + len - 5, ".json") == 0) {
            each(ctx, path);
            n++;
        } else {
            n += test_vector_walk(path, each, ctx);
        }
    }
    closedir(d);
    return n;
}

#endif
