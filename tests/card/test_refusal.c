/* Images that are not what their entry says, or not for the card, are refused before the card gets
 * them; a kernel that calculates wrongly is refused by the self test. Each text says what was
 * expected and found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/card/card_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void refused(const char *image, p_status status, const char *first, const char *second)
{
    char name[64];
    drv_device *device;
    p_err err;
    p_status s;

    snprintf(name, sizeof name, "xrt:0/%s", image);
    s = card_test_try(name, &device, &err);
    if (s != status || !strstr(err.text, first) || !strstr(err.text, second))
        fail_msg("%s: %s '%s', expected %s '%s' '%s'", name, p_status_name(s), err.text,
                 p_status_name(status), first, second);
    assert_null(device);
    printf("%s: %s\n", image, err.text);
}

static void images_that_are_not_what_they_say(void **state)
{
    int descriptors = card_test_descriptors();

    (void)state;
    refused("broken_hash", P_ECORRUPT, "expected SHA-256 ", ", found ");
    refused("broken_uuid", P_ECORRUPT, "expected UUID ",
            " in its header: install image and manifest");
    refused("broken_platform", P_ECORRUPT, "expected platform ", " in its header");
    refused("broken_length", P_ECORRUPT, "its header says ", "it is cut or damaged");
    refused("other_card", P_EMISSING,
            "was built for xilinx_u250_gen3x16_xdma_4_1_202210_1 (sw_emu)",
            "the card has xilinx_u55c_gen3x16_xdma_3_202210_1");
    refused("nothing", P_EMISSING, "there is no image 'nothing'", "stark for xilinx_u55c");
    card_test_clean(descriptors);
}

/* The manifest of the emulated images with one text replaced, in a folder that has no images. */
static void another_manifest(const char *folder, const char *from, const char *to)
{
    static char text[1 << 16];
    char path[512];
    FILE *f;

    snprintf(path, sizeof path, "%s/manifest.json", getenv("ZKP_BITSTREAMS"));
    f = fopen(path, "r");
    assert_non_null(f);
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = '\0';
    char *at = strstr(text, from);
    assert_non_null(at);
    snprintf(path, sizeof path, "%s/manifest.json", folder);
    f = fopen(path, "w");
    assert_non_null(f);
    fprintf(f, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    assert_int_equal(fclose(f), 0);
}

static void manifests_that_do_not_fit(void **state)
{
    char folder[] = "/tmp/zkp-test-card-XXXXXX", path[64];
    const char *before = getenv("ZKP_BITSTREAMS");
    char *kept = strdup(before);

    (void)state;
    assert_true(kept && mkdtemp(folder));
    another_manifest(folder, "\"name\"", "\"name\"");
    setenv("ZKP_BITSTREAMS", folder, 1);
    refused("emulated", P_EMISSING, "emulated.xclbin: No such file", "image emulated: ");
    setenv("ZKP_BITSTREAMS", kept, 1);
    another_manifest(folder, "\"kernel_abi\": 1", "\"kernel_abi\": 2");
    setenv("ZKP_BITSTREAMS", folder, 1);
    refused("emulated", P_EMISSING, "its images have kernel ABI 2, this program has 1",
            "install images of this release");
    setenv("ZKP_BITSTREAMS", kept, 1);
    another_manifest(folder, "\"version\": 1", "\"version\": 1, \"colour\": 1");
    setenv("ZKP_BITSTREAMS", folder, 1);
    refused("emulated", P_ECORRUPT, "manifest.json: ", "there is no key 'colour'");
    snprintf(path, sizeof path, "%s/manifest.json", folder);
    unlink(path);
    refused("emulated", P_EMISSING, "manifest.json", "No such file");
    rmdir(folder);
    setenv("ZKP_BITSTREAMS", kept, 1);
    free(kept);
}

static void kernels_that_calculate_wrongly(void **state)
{
    static const char *const kernels[] = {"row_gather", "gl_lde",    "gl_merkle",
                                          "fr_ntt",     "bn_msm_g1", "bn_poseidon"};
    int descriptors = card_test_descriptors();

    (void)state;
    for (size_t i = 0; i < sizeof kernels / sizeof kernels[0]; i++) {
        char image[40];
        snprintf(image, sizeof image, "faulty_%s", kernels[i]);
        refused(image, P_EDEVICE, kernels[i], "");
    }
    card_test_clean(descriptors);
}

static void programs_that_are_missing(void **state)
{
    drv_device *device;
    drv_options options = {.card_program = "/nowhere/zkp-card"};
    drv_info found[8];
    p_err err;

    (void)state;
    assert_int_equal(drv_open("xrt:0", &options, &device, &err), P_EMISSING);
    assert_non_null(strstr(err.text, "/nowhere/zkp-card named by the configuration"));
    assert_int_equal(card_test_try("xrt:1", &device, &err), P_ENOTFOUND);
    assert_non_null(strstr(err.text, "there is no card 1, found 1"));
    assert_int_equal(card_test_try("xrt:0x", &device, &err), P_ENOTFOUND);
    /* what there is, as zkprover devices shows it */
    size_t n = drv_list(NULL, found, 8);
    bool good = false;
    for (size_t i = 0; i < n && i < 8; i++)
        good = good || (strcmp(found[i].name, "xrt:0") == 0 && found[i].usable &&
                        found[i].rank == DRV_RANK_NAMED_ONLY &&
                        strstr(found[i].about, "platform xilinx_u55c_gen3x16_xdma_3_202210_1"));
    assert_true(good);
}

int main(void)
{
    card_test_mark();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(images_that_are_not_what_they_say),
        cmocka_unit_test(manifests_that_do_not_fit),
        cmocka_unit_test(kernels_that_calculate_wrongly),
        cmocka_unit_test(programs_that_are_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
