/* gl_mul_vector on the emulated card in hw_emu, through XRT's native API:
 *
 *   xrt_gl_mul_vector IMAGE.xclbin ROWS...
 *
 * One run for each number of rows on the same buffers. Exit code 0 if every product is that of
 * driver/field, 1 if one is not, 2 if XRT refuses something. */
#include "driver/field/goldilocks.h"
#include "tests/unit/field/random.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <ert.h>
#include <experimental/xrt_xclbin.h>
#include <xrt/xrt_bo.h>
#include <xrt/xrt_device.h>
#include <xrt/xrt_kernel.h>

enum { WORDS = 8, BUFFERS = 3, MOST_ROWS = 1 << 16, WRONG = 1, REFUSED = 2 };

static int refused(const char *what)
{
    fprintf(stderr, "refused: %s\n", what);
    return REFUSED;
}

/* XRT's own time-outs do nothing under emulation. */
static bool wait_for_end(xrtRunHandle run)
{
    const struct timespec pause = {0, 1000000};

    for (int i = 0; i < 20000; i++) {
        enum ert_cmd_state state = xrtRunState(run);

        if (state == ERT_CMD_STATE_COMPLETED)
            return true;
        if (state == ERT_CMD_STATE_ERROR || state == ERT_CMD_STATE_ABORT)
            return false;
        nanosleep(&pause, NULL);
    }
    return false;
}

static int one_run(xrtRunHandle run, xrtBufferHandle buffer[BUFFERS], uint64_t *word[BUFFERS],
                   uint32_t rows, uint64_t seed)
{
    const size_t words = (size_t)rows * WORDS, bytes = (words + WORDS) * 8;
    size_t wrong = 0;

    for (size_t i = 0; i < words + WORDS; i++) {
        word[0][i] = test_random(&seed);
        word[1][i] = i % 5 ? test_random(&seed) : UINT64_MAX - i;
        word[2][i] = ~(uint64_t)i;
    }
    for (int b = 0; b < BUFFERS; b++) {
        if (xrtBOSync(buffer[b], XCL_BO_SYNC_BO_TO_DEVICE, bytes, 0))
            return refused("xrtBOSync to the card");
    }
    if (xrtRunSetArg(run, BUFFERS, rows) || xrtRunStart(run))
        return refused("xrtRunStart");
    if (!wait_for_end(run))
        return refused("the run did not end");
    if (xrtBOSync(buffer[2], XCL_BO_SYNC_BO_FROM_DEVICE, bytes, 0))
        return refused("xrtBOSync from the card");
    for (size_t i = 0; i < words; i++)
        wrong += word[2][i] != gl_mul(gl_from_u64(word[0][i]), gl_from_u64(word[1][i]));
    for (size_t i = words; i < words + WORDS; i++)
        wrong += word[2][i] != ~(uint64_t)i;
    printf("%u rows: %zu words wrong\n", (unsigned)rows, wrong);
    fflush(stdout);
    return wrong ? WRONG : 0;
}

int main(int argc, char **argv)
{
    xrtBufferHandle buffer[BUFFERS];
    uint64_t *word[BUFFERS];
    xrtDeviceHandle device;
    xrtKernelHandle kernel;
    xrtRunHandle run;
    xuid_t uuid;
    int code = 0;

    setvbuf(stdout, NULL, _IOLBF, 0); /* hw_emu forks */
    if (argc < 3)
        return refused("usage: xrt_gl_mul_vector IMAGE.xclbin ROWS...");
    device = xrtDeviceOpen(0);
    if (!device || xrtDeviceLoadXclbinFile(device, argv[1]) || xrtDeviceGetXclbinUUID(device, uuid))
        return refused("the device or its image");
    kernel = xrtPLKernelOpen(device, uuid, "gl_mul_vector");
    run = kernel ? xrtRunOpen(kernel) : NULL;
    if (!run)
        return refused("the kernel");
    for (int b = 0; b < BUFFERS; b++) {
        buffer[b] = xrtBOAlloc(device, (MOST_ROWS + 1) * 64, 0,
                               (xrtMemoryGroup)xrtKernelArgGroupId(kernel, b));
        word[b] = buffer[b] ? xrtBOMap(buffer[b]) : NULL;
        if (!word[b] || xrtRunSetArg(run, b, buffer[b]))
            return refused("a buffer");
    }
    for (int i = 2; i < argc && code != REFUSED; i++) {
        unsigned long rows = strtoul(argv[i], NULL, 10);
        int one = rows <= MOST_ROWS ? one_run(run, buffer, word, (uint32_t)rows, (uint64_t)i)
                                    : refused("more rows than fit");

        code = one > code ? one : code;
    }
    xrtRunClose(run);
    for (int b = 0; b < BUFFERS; b++)
        xrtBOFree(buffer[b]);
    xrtKernelClose(kernel);
    xrtDeviceClose(device);
    return code;
}
