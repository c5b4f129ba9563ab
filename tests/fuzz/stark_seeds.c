/* stark_seeds FOLDER: seeds of the fuzz targets stark_proof and stark_vk: a proof that holds, and
 * the file of its key. (With BN254 each run would make permutations for milliseconds.) */
#include "tests/fuzz/fuzz_stark.h"

#include <string.h>
#include <sys/stat.h>

#define CLOSE_MS 60000
#define PATH_BYTES 4096

static bool write_bytes(const char *path, const uint8_t *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    bool ok;

    if (!file)
        return false;
    ok = fwrite(bytes, 1, size, file) == size;
    return fclose(file) == 0 && ok;
}

static bool write_proof(const fuzz_stark *f, const char *path, p_err *err)
{
    drv_matrix main = {.columns = f->a->trees[AIR_TREE_MAIN].columns, .log_rows = AIR_MIN_LOG_ROWS};
    const size_t bytes = 8 * drv_matrix_words(main.columns, main.log_rows);
    const stark_options options = {0};
    uint64_t publics[DEMO_LOOKUP_PUBLICS];
    stark_proof proof = {0};
    uint8_t *out = NULL;
    size_t size = 0;
    bool ok = false;

    main.data = aligned_alloc(64, bytes);
    if (!main.data)
        return false;
    memset(main.data, 0, bytes);
    if (demo_lookup_trace(f->a, AIR_MIN_LOG_ROWS, 3, 5, 60, &main, publics, err) == P_OK &&
        stark_prove(&f->key, &main, publics, &options, &proof, NULL, err) == P_OK &&
        stark_proof_write(&f->key.vk, publics, &proof, &out, &size, err) == P_OK)
        ok = write_bytes(path, out, size);
    free(out);
    stark_proof_free(&proof);
    free(main.data);
    return ok;
}

static bool make(const char *folder, p_err *err)
{
    char path[PATH_BYTES];
    fuzz_stark f = {0};
    bool ok;

    fuzz_stark_open(&f);
    snprintf(path, sizeof path, "%s/stark_proof/demo_lookup", folder);
    ok = write_proof(&f, path, err);
    snprintf(path, sizeof path, "%s/stark_vk/demo_lookup", folder);
    ok = ok && stark_vk_write(&f.key.vk, path, err) == P_OK;
    stark_key_free(&f.key);
    air_destroy(f.a);
    return drv_close(f.device, CLOSE_MS, err) == P_OK && ok;
}

int main(int argc, char **argv)
{
    static const char *const folders[] = {"", "/stark_proof", "/stark_vk"};
    char path[PATH_BYTES];
    p_err err = {0};

    if (argc != 2) {
        fprintf(stderr, "usage: stark_seeds FOLDER\n");
        return 2;
    }
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        snprintf(path, sizeof path, "%s%s", argv[1], folders[i]);
        (void)mkdir(path, 0777); /* may be there; writing says if it is not */
    }
    if (make(argv[1], &err))
        return 0;
    fprintf(stderr, "stark_seeds: %s\n", err.text);
    return 1;
}
