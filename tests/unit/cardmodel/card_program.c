/* A program on XRT's native C API that runs row_gather and gl_merkle on whatever card XRT finds and
 * compares every result with the CPU. Nothing in it knows that the card is emulated.
 *
 *   card_program IMAGE.xclbin
 *
 * Exit code 0: all right; 1: a kernel gave a wrong result; 3: XRT refused something. */
#include "driver/field/gl_poseidon.h"
#include "hls/include/kernel_abi.h"
#include "tests/unit/field/random.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <xrt/xrt_bo.h>
#include <xrt/xrt_device.h>
#include <xrt/xrt_kernel.h>

#define K 4
#define CHANNELS (1 << K)
#define ROWS 4096

#define CHECK(what)                                                                                \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            fprintf(stderr, "card_program: line %d: %s\n", __LINE__, #what);                       \
            exit(3);                                                                               \
        }                                                                                          \
    } while (0)

/* ROWS rows, striped */
typedef struct buffer {
    xrtBufferHandle part[CHANNELS];
    hls_row *map[CHANNELS];
} buffer;

static hls_row *row_at(buffer *b, uint64_t row)
{
    return &b->map[hls_stripe_channel(row, K)][hls_stripe_row(row, K)];
}

static void buffer_make(buffer *b, xrtDeviceHandle device, xrtKernelHandle kernel, int first_arg)
{
    for (int c = 0; c < CHANNELS; c++) {
        size_t bytes = hls_stripe_rows(ROWS, K) * sizeof(hls_row);

        b->part[c] = xrtBOAlloc(device, bytes, 0,
                                (xrtMemoryGroup)xrtKernelArgGroupId(kernel, first_arg + c));
        CHECK(b->part[c]);
        b->map[c] = xrtBOMap(b->part[c]);
        CHECK(b->map[c]);
        memset(b->map[c], 0xee, bytes);
    }
}

/* In halves: a part of a buffer has an offset, which the emulations treat differently. */
static void buffer_sync(buffer *b, enum xclBOSyncDirection direction)
{
    size_t half = hls_stripe_rows(ROWS, K) * sizeof(hls_row) / 2;

    for (int c = 0; c < CHANNELS; c++) {
        CHECK(!xrtBOSync(b->part[c], direction, half, 0));
        CHECK(!xrtBOSync(b->part[c], direction, half, half));
    }
}

static void buffer_free(buffer *b)
{
    for (int c = 0; c < CHANNELS; c++)
        CHECK(!xrtBOFree(b->part[c]));
}

static void set_buffer(xrtRunHandle run, int first_arg, buffer *b)
{
    for (int c = 0; c < CHANNELS; c++)
        CHECK(!xrtRunSetArg(run, first_arg + c, b->part[c]));
}

static void run_to_end(xrtRunHandle run)
{
    CHECK(!xrtRunStart(run));
    CHECK(xrtRunWait(run) == ERT_CMD_STATE_COMPLETED);
}

static bool row_gather(xrtDeviceHandle device, const xuid_t uuid)
{
    enum { COUNT = 77, SRC_ROW = 256, INDEX_ROW = 512, DST_ROW = 1024 };
    xrtKernelHandle kernel = xrtPLKernelOpen(device, uuid, "row_gather");
    buffer src, index, dst;
    xrtRunHandle run;
    uint64_t seed = 5;
    bool good = true;

    CHECK(kernel);
    buffer_make(&src, device, kernel, 0);
    buffer_make(&index, device, kernel, CHANNELS);
    buffer_make(&dst, device, kernel, 2 * CHANNELS);
    for (uint64_t r = 0; r < ROWS; r++) {
        for (int w = 0; w < HLS_ROW_WORDS; w++)
            row_at(&src, r)->w[w] = r * 8 + (uint64_t)w;
    }
    for (uint64_t i = 0; i < COUNT; i++)
        row_at(&index, INDEX_ROW + i / 8)->w[i % 8] = test_random(&seed) % (ROWS - SRC_ROW);
    buffer_sync(&src, XCL_BO_SYNC_BO_TO_DEVICE);
    buffer_sync(&index, XCL_BO_SYNC_BO_TO_DEVICE);
    buffer_sync(&dst, XCL_BO_SYNC_BO_TO_DEVICE);
    run = xrtRunOpen(kernel);
    CHECK(run);
    set_buffer(run, 0, &src);
    set_buffer(run, CHANNELS, &index);
    set_buffer(run, 2 * CHANNELS, &dst);
    CHECK(!xrtRunSetArg(run, 3 * CHANNELS, (uint32_t)COUNT));
    CHECK(!xrtRunSetArg(run, 3 * CHANNELS + 1, (uint64_t)SRC_ROW));
    CHECK(!xrtRunSetArg(run, 3 * CHANNELS + 2, (uint64_t)INDEX_ROW));
    CHECK(!xrtRunSetArg(run, 3 * CHANNELS + 3, (uint64_t)DST_ROW));
    run_to_end(run);
    buffer_sync(&dst, XCL_BO_SYNC_BO_FROM_DEVICE);
    for (uint64_t r = 0; r < ROWS; r++) {
        uint64_t i = r - DST_ROW; /* wraps below */
        uint64_t from = i < COUNT ? SRC_ROW + row_at(&index, INDEX_ROW + i / 8)->w[i % 8] : 0;

        for (uint64_t w = 0; w < HLS_ROW_WORDS; w++)
            good &=
                row_at(&dst, r)->w[w] == (i < COUNT ? from * 8 + w : UINT64_C(0xeeeeeeeeeeeeeeee));
    }
    CHECK(!xrtRunClose(run));
    buffer_free(&src);
    buffer_free(&index);
    buffer_free(&dst);
    CHECK(!xrtKernelClose(kernel));
    return good;
}

static bool gl_merkle(xrtDeviceHandle device, const xuid_t uuid)
{
    enum { LOG_LEAVES = 6, LEAVES = 1 << LOG_LEAVES, TREE_ROW = 1024 };
    const gl_poseidon_ops *hash = gl_poseidon_for(P_ISA_PORTABLE);
    static const gl_t FIRST[GL_POSEIDON_CAPACITY] = {1, 0, 0, 0};
    static gl_t level[LEAVES][4];
    xrtKernelHandle kernel = xrtPLKernelOpen(device, uuid, "gl_merkle");
    const uint32_t steps[2][4] = {{HLS_ABSORB, HLS_FIRST | HLS_LAST, LOG_LEAVES, 0},
                                  {HLS_NODES, 0, LOG_LEAVES, LOG_LEAVES}};
    uint64_t seed = 6, row = TREE_ROW;
    xrtRunHandle run;
    buffer src, tree;
    bool good = true;

    CHECK(kernel);
    buffer_make(&src, device, kernel, 0);
    buffer_make(&tree, device, kernel, CHANNELS);
    for (uint64_t r = 0; r < LEAVES; r++) {
        for (int w = 0; w < HLS_ROW_WORDS; w++)
            row_at(&src, r)->w[w] = test_random(&seed);
        hash->compress(level[r], row_at(&src, r)->w, FIRST, 1);
    }
    buffer_sync(&src, XCL_BO_SYNC_BO_TO_DEVICE);
    run = xrtRunOpen(kernel);
    CHECK(run);
    set_buffer(run, 0, &src);
    set_buffer(run, CHANNELS, &tree);
    for (int step = 0; step < 2; step++) {
        for (int i = 0; i < 4; i++)
            CHECK(!xrtRunSetArg(run, 2 * CHANNELS + i, steps[step][i]));
        CHECK(!xrtRunSetArg(run, 2 * CHANNELS + 4, (uint64_t)0));
        CHECK(!xrtRunSetArg(run, 2 * CHANNELS + 5, (uint64_t)TREE_ROW));
        run_to_end(run);
    }
    buffer_sync(&tree, XCL_BO_SYNC_BO_FROM_DEVICE);
    for (uint64_t count = LEAVES; count > 0; count /= 2) {
        for (uint64_t i = 0; i < count; i++)
            good &= !memcmp(&row_at(&tree, row + i / 2)->w[i % 2 * 4], level[i], sizeof level[i]);
        for (uint64_t i = 0; i < count / 2; i++) {
            gl_t pair[8];

            memcpy(pair, level[2 * i], sizeof pair);
            hash->compress(level[i], pair, NULL, 1);
        }
        row += (count + 1) / 2;
    }
    CHECK(!xrtRunClose(run));
    buffer_free(&src);
    buffer_free(&tree);
    CHECK(!xrtKernelClose(kernel));
    return good;
}

int main(int argc, char **argv)
{
    bool gathered, hashed;
    xrtDeviceHandle device;
    xuid_t uuid;

    setvbuf(stdout, NULL, _IOLBF, 0);
    CHECK(argc == 2);
    device = xrtDeviceOpen(0);
    CHECK(device);
    CHECK(!xrtDeviceLoadXclbinFile(device, argv[1]));
    CHECK(!xrtDeviceGetXclbinUUID(device, uuid));
    gathered = row_gather(device, uuid);
    hashed = gl_merkle(device, uuid);
    CHECK(!xrtDeviceClose(device));
    printf("row_gather %s, gl_merkle %s\n", gathered ? "right" : "WRONG",
           hashed ? "right" : "WRONG");
    return gathered && hashed ? 0 : 1;
}
