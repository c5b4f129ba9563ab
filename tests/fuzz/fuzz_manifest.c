/* Input: a manifest.json. Ends with images whose every field is in range, or with a reason. */
#include "driver/xrt/discover.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(int good, const char *what)
{
    if (!good) {
        fprintf(stderr, "fuzz: %s\n", what);
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static xrt_manifest m;
    static xrt_report report;
    p_err err = {P_OK, ""};
    p_status s = xrt_manifest_parse(&m, (const char *)data, size, &err);

    expect(s == P_OK || (s == P_ECORRUPT && err.text[0] && m.count == 0), "no reason");
    expect(m.count <= XRT_MAX_IMAGES, "too many images");
    for (size_t i = 0; i < m.count; i++) {
        const xrt_image *image = &m.images[i], *found;
        uint32_t units = 0;
        expect(xrt_manifest_find(&m, image->name, &found, NULL) == P_OK && found == image,
               "a name is not found");
        expect(image->file[0] != '.' && !strchr(image->file, '/'), "a path as a file");
        expect(strlen(image->uuid) == 36 && image->channels_log2 <= HLS_MAX_CHANNELS_LOG2 &&
                   image->channel_mib - 1 < 65536 && image->mode < XRT_MODE_OTHER,
               "a value out of range");
        for (unsigned k = 0; k < CARD_KERNELS; k++) {
            expect(image->units[k] <= 16, "units out of range");
            units += image->units[k];
        }
        expect(units > 0, "an image without kernels");
    }
    /* the other text that comes from outside: what zkp-card --probe prints */
    if (xrt_report_read(&report, (const char *)data, size, NULL) == P_OK) {
        char text[512];
        for (size_t i = 0; i <= report.count; i++)
            xrt_report_text(&report, i, text, sizeof text);
    }
    return 0;
}
