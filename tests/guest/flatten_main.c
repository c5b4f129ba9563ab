/* guest_flatten BATCH.json OUT.flat: runs the batch natively, writes the block that the guest
 * takes, prints the report. */
#include "tests/guest/flatten.h"
#include "tests/guest/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool write_file(const char *path, const uint8_t *bytes, size_t len)
{
    FILE *f = fopen(path, "wb");
    bool ok = f && fwrite(bytes, 1, len, f) == len;
    if (f && fclose(f) != 0)
        ok = false;
    return ok;
}

static char report_bytes[1 << 20];

static bool run(const char *path, uint8_t *block, size_t len, const flatten_expected *expected,
                const char *out_path)
{
    flat_file file;
    flatten_recorder rec;
    exec_memory memory;
    size_t full_len = 0;
    const char *wrong = flat_parse(&file, block, len);
    if (wrong || !flatten_recorder_init(&rec, &file)) {
        fprintf(stderr, "%s: %s\n", path, wrong ? wrong : "out of memory");
        return false;
    }
    bool ok = flatten_memory_map(&memory, REPORT_ARENA_BYTES);
    if (ok) {
        exec_host host = flatten_recorder_host(&rec);
        report_text text = {.at = report_bytes, .size = sizeof report_bytes};
        u256 root = {{0}};
        ok = report_run(&text, &file, &host, &memory, &root) && !text.overflow;
        fwrite(text.at, 1, text.len, stdout);
        if (ok && expected->has_state_root && memcmp(&root, &expected->state_root, 32) != 0) {
            fprintf(stderr, "%s: newStateRoot is not the file's\n", path);
            ok = false;
        }
        flatten_memory_unmap(&memory);
    }
    uint8_t *full = ok ? flatten_with_recoveries(block, len, &rec, &full_len) : NULL;
    if (ok && (!full || !write_file(out_path, full, full_len))) {
        fprintf(stderr, "%s: cannot be written\n", out_path);
        ok = false;
    }
    free(full);
    flatten_recorder_free(&rec);
    return ok;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: guest_flatten BATCH.json OUT.flat\n");
        return 2;
    }
    uint8_t *block;
    size_t len;
    char error[256];
    flatten_expected expected;
    if (!flatten_file(argv[1], &block, &len, &expected, error)) {
        fprintf(stderr, "%s\n", error);
        return 1;
    }
    bool ok = run(argv[1], block, len, &expected, argv[2]);
    free(block);
    return ok ? 0 : 1;
}
