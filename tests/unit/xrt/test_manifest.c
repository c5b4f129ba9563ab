/* The manifest's strictness, and what an image is refused for: each text names what was expected,
 * what was found, and what to do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "driver/base/hex.h"
#include "driver/xrt/manifest.h"
#include "tests/unit/xrt/make_xclbin.h"

#include <sys/stat.h>
#include <unistd.h>

#define IMAGE                                                                                      \
    "{\"name\":\"a\",\"file\":\"a.xclbin\",\"sha256\":"                                            \
    "\"%s\",\"uuid\":\"" MAKE_UUID "\",\"platform\":\"" MAKE_PLATFORM                              \
    "\",\"mode\":\"sw_emu\",\"channels_log2\":2,\"channel_mib\":64,\"clock_mhz\":0,"               \
    "\"kernels\":{\"gl_lde\":2,\"row_gather\":1}}"
#define MANIFEST "{\"version\":1,\"kernel_abi\":1,\"images\":[%s]}"

static const uint32_t UNITS[CARD_KERNELS] = {[CARD_row_gather] = 1, [CARD_gl_lde] = 2};
static maker image; /* 256 KiB */
static xrt_manifest manifest;

static void write_file(const char *folder, const char *name, const void *bytes, size_t size)
{
    char path[256];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

/* The manifest with the image's own SHA-256; one text in it replaced by another. */
static void manifest_text(char *out, size_t size, const char *from, const char *to)
{
    char entry[1024], text[2048], digits[65] = "";
    uint8_t digest[SHA256_BYTES];

    assert_true(sha256_bytes(digest, image.bytes, image.size));
    p_hex_encode(digits, digest, sizeof digest);
    snprintf(entry, sizeof entry, IMAGE, digits);
    snprintf(text, sizeof text, MANIFEST, entry);
    char *at = from ? strstr(text, from) : NULL;
    if (from)
        assert_non_null(at);
    else
        at = text;
    snprintf(out, size, "%.*s%s%s", (int)(at - text), text, to, at + (from ? strlen(from) : 0));
}

static void what_is_good_is_read(void **state)
{
    char text[4096];
    p_err err = {P_OK, ""};
    const xrt_image *i;

    (void)state;
    make_xclbin(&image, UNITS, 2);
    manifest_text(text, sizeof text, NULL, "");
    if (xrt_manifest_parse(&manifest, text, strlen(text), &err) != P_OK)
        fail_msg("%s", err.text);
    assert_int_equal(manifest.count, 1);
    assert_int_equal(manifest.kernel_abi, 1);
    assert_int_equal(xrt_manifest_find(&manifest, "a", &i, &err), P_OK);
    assert_string_equal(i->file, "a.xclbin");
    assert_string_equal(i->uuid, MAKE_UUID);
    assert_int_equal(i->mode, XRT_MODE_SW_EMU);
    assert_int_equal(i->channels_log2, 2);
    assert_int_equal(i->channel_mib, 64);
    assert_int_equal(i->units[CARD_gl_lde], 2);
    assert_int_equal(i->units[CARD_bn_poseidon], 0);
    assert_int_equal(xrt_manifest_fit(&manifest, MAKE_PLATFORM, XRT_MODE_SW_EMU, &i, &err), P_OK);
    assert_int_equal(xrt_manifest_fit(&manifest, MAKE_PLATFORM, XRT_MODE_HW, &i, &err), P_EMISSING);
    assert_non_null(strstr(err.text, "a for " MAKE_PLATFORM " (sw_emu)"));
    assert_int_equal(xrt_manifest_find(&manifest, "b", &i, &err), P_EMISSING);
    assert_non_null(strstr(err.text, "no image 'b'"));
}

static void what_is_not_in_the_schema_is_refused(void **state)
{
    static const struct {
        const char *from, *to, *says;
    } cases[] = {
        {"\"version\":1", "\"version\":2", "version: expected 1 to 1, found 2"},
        {"\"version\":1", "\"version\":\"1\"", "version: expected an integer, found a string"},
        {"\"version\":1,", "", "version: expected an integer, found nothing"},
        {"\"version\":1", "\"version\":1,\"vresion\":1", "there is no key 'vresion'"},
        {"\"version\":1", "\"version\":1,\"version\":1", "duplicate"},
        {"\"kernel_abi\":1", "\"kernel_abi\":0", "kernel_abi: expected 1"},
        {"\"kernel_abi\":1", "\"kernel_abi\":1.5", "found a real"},
        {"\"images\":[", "\"images\":[7,", "images[0]: expected an object, found an integer"},
        {"\"name\":\"a\",", "", "images[0].name: expected a string, found nothing"},
        {"\"name\":\"a\"", "\"name\":\"A\"", "images[0].name"},
        {"\"name\":\"a\"", "\"name\":\"a\",\"nmae\":\"a\"", "images[0]: there is no key 'nmae'"},
        {"a.xclbin", "../a.xclbin", "images[0].file"},
        {"a.xclbin", "a/b", "images[0].file"},
        {"a.xclbin", "a\\u0000b", "line 1"},
        {"\"sha256\":\"", "\"sha256\":\"00", "images[0].sha256"},
        {"-0405-", "-04-05", "images[0].uuid"},
        {"\"uuid\":\"0", "\"uuid\":\"", "images[0].uuid"},
        {"\"sw_emu\"", "\"sw-emu\"", "expected hw, hw_emu or sw_emu, found 'sw-emu'"},
        {"\"sw_emu\"", "\"another\"", "found 'another'"},
        {"\"channels_log2\":2", "\"channels_log2\":5", "channels_log2: expected 0 to 4, found 5"},
        {"\"channel_mib\":64", "\"channel_mib\":-1", "channel_mib"},
        {"\"clock_mhz\":0", "\"clock_mhz\":null", "clock_mhz: expected an integer, found null"},
        {"\"gl_lde\":2", "\"gl_lde\":0", "kernels.gl_lde: expected 1 to 16, found 0"},
        {"\"gl_lde\":2", "\"gl_led\":2", "there is no kernel 'gl_led'"},
        {"{\"gl_lde\":2,\"row_gather\":1}", "{}", "at least one kernel"},
        {"]}", "]", "line"},
    };
    char text[4096];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        p_err err = {P_OK, ""};
        manifest_text(text, sizeof text, cases[i].from, cases[i].to);
        if (xrt_manifest_parse(&manifest, text, strlen(text), &err) != P_ECORRUPT ||
            !strstr(err.text, cases[i].says))
            fail_msg("'%s' for '%s': '%s', expected '%s'", cases[i].to, cases[i].from, err.text,
                     cases[i].says);
        assert_int_equal(manifest.count, 0);
    }
    /* every prefix, too */
    manifest_text(text, sizeof text, NULL, "");
    for (size_t n = 0; n < strlen(text); n++)
        assert_int_equal(xrt_manifest_parse(&manifest, text, n, NULL), P_ECORRUPT);
    /* the same name twice */
    char *entry = strstr(text, "{\"name\"");
    char twice[8192];
    snprintf(twice, sizeof twice, "{\"version\":1,\"kernel_abi\":1,\"images\":[%.*s,%s",
             (int)(strlen(entry) - 2), entry, entry);
    p_err err;
    assert_int_equal(xrt_manifest_parse(&manifest, twice, strlen(twice), &err), P_ECORRUPT);
    assert_non_null(strstr(err.text, "images[1].name: 'a' is that of images[0]"));
}

/* Loads the image from a folder with that manifest; says: what the refusal has to say. */
static void load(const char *folder, const char *from, const char *to, p_status expected,
                 const char *says)
{
    char text[4096];
    uint8_t *bytes;
    size_t size;
    p_err err = {P_OK, ""};

    manifest_text(text, sizeof text, from, to);
    write_file(folder, XRT_MANIFEST_NAME, text, strlen(text));
    assert_int_equal(xrt_manifest_load(&manifest, folder, &err), P_OK);
    p_status s = xrt_image_load(&manifest, &manifest.images[0], MAKE_PLATFORM, XRT_MODE_SW_EMU,
                                &bytes, &size, &err);
    if (s != expected || (says && !strstr(err.text, says)))
        fail_msg("%s: %s, expected %s: %s", p_status_name(s), err.text, p_status_name(expected),
                 says ? says : "");
    assert_int_equal(bytes == NULL, s != P_OK);
    if (s == P_OK) {
        assert_int_equal(size, image.size);
        assert_memory_equal(bytes, image.bytes, size);
    }
    xrt_image_free(bytes);
}

static void spoilt(const char *folder, const char *from, const char *to, const char *says)
{
    make_xclbin(&image, UNITS, 2);
    make_replace(&image, from, to);
    write_file(folder, "a.xclbin", image.bytes, image.size);
    load(folder, NULL, "", P_ECORRUPT, says);
}

static void images_are_held_against_their_entry(void **state)
{
    char folder[] = "/tmp/zkp-test-manifest-XXXXXX", path[64];
    p_err err;

    (void)state;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(xrt_manifest_load(&manifest, folder, &err), P_EMISSING);
    assert_non_null(strstr(err.text, "manifest.json: No such file"));
    make_xclbin(&image, UNITS, 2);
    load(folder, NULL, "", P_EMISSING, "a.xclbin: No such file");
    write_file(folder, "a.xclbin", image.bytes, image.size);
    load(folder, NULL, "", P_OK, NULL);

    load(folder, "\"kernel_abi\":1", "\"kernel_abi\":9", P_EMISSING,
         "have kernel ABI 9, this program has 1: install images of this release");
    load(folder, MAKE_PLATFORM, "another", P_EMISSING,
         "image a was built for another (sw_emu), the card has " MAKE_PLATFORM " (sw_emu)");
    load(folder, "\"sw_emu\"", "\"hw\"", P_EMISSING, "(hw), the card has");
    load(folder, MAKE_UUID, "ff010203-0405-0607-0809-0a0b0c0d0e0f", P_ECORRUPT,
         "expected UUID ff010203-0405-0607-0809-0a0b0c0d0e0f, found " MAKE_UUID);
    load(folder, "\"gl_lde\":2", "\"gl_lde\":1", P_ECORRUPT,
         "it has 2 compute units of kernel gl_lde, expected 1");
    load(folder, "\"gl_lde\":2", "\"gl_merkle\":2", P_ECORRUPT,
         "it has 2 compute units of kernel gl_lde, expected 0");
    load(folder, "\"channels_log2\":2", "\"channels_log2\":3", P_ECORRUPT, "of kernel row_gather");
    image.bytes[image.size - 1] ^= 1; /* in the file stays what was */
    load(folder, NULL, "", P_ECORRUPT, "expected SHA-256 ");

    spoilt(folder, MAKE_PLATFORM, "xilinx_u55x", "expected platform " MAKE_PLATFORM);
    spoilt(folder, "name=\"tmp_2\"", "name=\"tmp_9\"",
           "argument 6 of kernel gl_lde is 'tmp_9', expected 'tmp_2'");
    spoilt(folder, "offset=\"0x1C\"", "offset=\"0x18\"", "has offset '0x18', expected 0x1c");
    spoilt(folder, "name=\"count\" addressQualifier=\"0\" id=\"12\" size=\"0x4\"",
           "name=\"count\" addressQualifier=\"0\" id=\"12\" size=\"0x8\"",
           "argument count of kernel row_gather has size '0x8', expected 0x4");
    spoilt(folder, "gl_lde:gl_lde_2", "gl_lde:gl_lde_3", "no compute unit gl_lde_2");
    spoilt(folder, "name=\"gl_lde\"", "name=\"gl_led\"", "do not describe kernel gl_lde");
    spoilt(folder, "id=\"11\"", "id=\"99\"", "has an argument 99 behind 11 others");
    spoilt(folder, "xclbin2", "xclbin1", "no xclbin");

    make_xclbin(&image, UNITS, 2);
    image.bytes[456 + 40 + 24 + 3] = 1; /* a section beyond the end */
    write_file(folder, "a.xclbin", image.bytes, image.size);
    load(folder, NULL, "", P_ECORRUPT, "it is cut or damaged");
    make_xclbin(&image, UNITS, 2);
    /* a bank of the wrong side: the first link of the last unit's first port */
    uint64_t at = 0;
    memcpy(&at, image.bytes + 456 + 2 * 40 + 24, 8);
    image.bytes[at + 4 + 8] = 16;
    write_file(folder, "a.xclbin", image.bytes, image.size);
    load(folder, NULL, "", P_ECORRUPT, "to bank 16");
    image.bytes[at + 4 + 8] = 32; /* there are 0 .. 31 */
    write_file(folder, "a.xclbin", image.bytes, image.size);
    load(folder, NULL, "", P_ECORRUPT, "bank 32, of 32");
    /* ports on pairs of banks, as HBM[0:1]; then one port on another pair */
    make_xclbin_on(&image, UNITS, 2, 2);
    write_file(folder, "a.xclbin", image.bytes, image.size);
    load(folder, NULL, "", P_OK, NULL);
    memcpy(&at, image.bytes + 456 + 2 * 40 + 24, 8);
    image.bytes[at + 4 + 8] = 4;
    write_file(folder, "a.xclbin", image.bytes, image.size);
    load(folder, NULL, "", P_ECORRUPT, "to banks 1 4");

    snprintf(path, sizeof path, "%s/a.xclbin", folder);
    unlink(path);
    assert_int_equal(mkdir(path, 0700), 0);
    load(folder, NULL, "", P_ECORRUPT, "is no file");
    rmdir(path);
    snprintf(path, sizeof path, "%s/manifest.json", folder);
    unlink(path);
    rmdir(folder);
}

/* Bytes changed anywhere: an answer, and no more than that. */
static void no_byte_of_an_image_is_trusted(void **state)
{
    uint64_t seed = 5;
    unsigned fine = 0;

    (void)state;
    for (unsigned round = 0; round < 3000; round++) {
        xrt_xclbin x;
        make_xclbin(&image, UNITS, 1);
        for (unsigned i = 0; i <= round % 4; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            size_t at = (seed >> 33) % (round % 2 ? 616 : image.size);
            image.bytes[at] = (uint8_t)(seed >> 20);
        }
        size_t size = round % 3 ? image.size : (seed >> 30) % image.size;
        uint8_t *exact = malloc(size + 1); /* so that a sanitizer sees the end */
        assert_non_null(exact);
        memcpy(exact, image.bytes, size);
        if (xrt_xclbin_read(&x, exact, size, NULL) == P_OK)
            fine += xrt_xclbin_check(&x, UNITS, 1, NULL) == P_OK;
        free(exact);
    }
    assert_in_range(fine, 1, 2900); /* some changes do not matter, most do */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_good_is_read),
        cmocka_unit_test(what_is_not_in_the_schema_is_refused),
        cmocka_unit_test(images_are_held_against_their_entry),
        cmocka_unit_test(no_byte_of_an_image_is_trusted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
