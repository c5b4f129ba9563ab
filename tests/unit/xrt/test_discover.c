/* What is said about cards in made-up systems: none, without a driver, without permission, with
 * another shell, without images, and a good one. */
#define _XOPEN_SOURCE 700 /* nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "driver/xrt/discover.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHELL "xilinx_u55c_gen3x16_xdma_3_202210_1"
#define UUID "00010203-0405-0607-0809-0a0b0c0d0e0f"
#define CARD "sys/bus/pci/devices/0000:3b:00.1"

static char root[64], sysfs[80], dev[80], bitstreams[80], program[80];
static xrt_report report;
static const xrt_identity USER = {.uid = 1000, .gids = {1000}, .gid_count = 1};

static const char *path_of(const char *name)
{
    static char path[256];

    snprintf(path, sizeof path, "%s/%s", root, name);
    return path;
}

/* A file with all of its folders; text NULL: a folder. */
static void put(const char *name, const char *text)
{
    char path[256];

    snprintf(path, sizeof path, "%s/%s%s", root, name, text ? "" : "/");
    for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
        *slash = '/';
    }
    if (text) {
        FILE *f = fopen(path, "w");
        assert_non_null(f);
        assert_true(fputs(text, f) >= 0 && fclose(f) == 0);
    }
}

static void put_link(const char *name, const char *target)
{
    put(name, "");
    assert_int_equal(unlink(path_of(name)), 0);
    assert_int_equal(symlink(target, path_of(name)), 0);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static void drop(const char *name)
{
    nftw(path_of(name), remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* A system with a card that works. */
static int begin(void **state)
{
    (void)state;
    strcpy(root, "/tmp/zkp-test-discover-XXXXXX");
    if (!mkdtemp(root))
        return 1;
    snprintf(sysfs, sizeof sysfs, "%s/sys", root);
    snprintf(dev, sizeof dev, "%s/dev", root);
    snprintf(bitstreams, sizeof bitstreams, "%s/images", root);
    snprintf(program, sizeof program, "%s/zkp-card", root);
    put("zkp-card", "#!/bin/true\n");
    chmod(path_of("zkp-card"), 0755);
    put("usr/lib64/libxrt_coreutil.so.2.13.0", "");
    put_link("usr/lib64/libxrt_coreutil.so.2", "libxrt_coreutil.so.2.13.0");
    put("images/manifest.json",
        "{\"version\":1,\"kernel_abi\":1,\"images\":[{\"name\":\"stark\",\"file\":\"s.xclbin\","
        "\"sha256\":\"0000000000000000000000000000000000000000000000000000000000000000\","
        "\"uuid\":\"" UUID "\",\"platform\":\"" SHELL "\",\"mode\":\"hw\",\"channels_log2\":4,"
        "\"channel_mib\":256,\"clock_mhz\":300,\"kernels\":{\"gl_lde\":1}}]}");
    put("images/s.xclbin", "x");
    put("sys/bus/pci/devices/0000:00:01.0/vendor", "0x8086\n");
    put("sys/bus/pci/devices/0000:3b:00.0/vendor", "0x10ee\n");
    put_link("sys/bus/pci/devices/0000:3b:00.0/driver", "../../../../bus/pci/drivers/xclmgmt");
    put("sys/module/xocl/version", "2.13\n");
    put(CARD "/vendor", "0x10ee\n");
    put_link(CARD "/driver", "../../../../bus/pci/drivers/xocl");
    put(CARD "/rom.u.2097152/VBNV", SHELL "\n");
    put(CARD "/ready", "0x1\n");
    put(CARD "/xclbinuuid", "\n");
    put(CARD "/drm/renderD129", NULL);
    put("dev/dri/renderD129", "");
    chmod(path_of("dev/dri/renderD129"), 0666);
    return 0;
}

static int end(void **state)
{
    (void)state;
    return nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Looks, and expects each of the texts (up to NULL) in what is said of card 0, whole. */
static void look(int usable, ...)
{
    const xrt_places places = {.program = program,
                               .bitstreams = bitstreams,
                               .sysfs = sysfs,
                               .dev = dev,
                               .root = root,
                               .emulation = "",
                               .identity = &USER};
    static char text[8192];
    va_list args;

    xrt_discover(&places, &report);
    assert_int_equal(report.count > 0 && report.cards[0].usable, usable);
    xrt_report_text(&report, 0, text, sizeof text);
    va_start(args, usable);
    for (const char *t; (t = va_arg(args, const char *)) != NULL;)
        if (!strstr(text, t))
            fail_msg("'%s' is not in: %s", t, text);
    va_end(args);
    /* cut to any length it stays a text */
    for (size_t n = 1; n < 600; n += 7) {
        char small[600];
        memset(small, 'x', sizeof small);
        xrt_report_text(&report, 0, small, n);
        assert_in_range(strlen(small), 0, n - 1);
    }
    /* and through JSON it comes back the same */
    static xrt_report again;
    char *json;
    assert_int_equal(xrt_report_write(&report, &json, NULL), P_OK);
    assert_int_equal(xrt_report_read(&again, json, strlen(json), NULL), P_OK);
    assert_memory_equal(&again, &report, sizeof report);
    free(json);
}

static void a_good_card(void **state)
{
    (void)state;
    look(true, "FPGA card at 0000:3b:00.1", "shell: " SHELL, "image for the shell: stark",
         "XRT library: libxrt_coreutil.so.2.13.0", NULL);
    assert_int_equal(report.count, 1);
    assert_string_equal(report.cards[0].platform, SHELL);
    assert_string_equal(report.cards[0].image, "stark");
    put(CARD "/xclbinuuid", UUID "\n");
    look(true, "stark, loaded already", NULL);
    assert_string_equal(report.cards[0].uuid, UUID);
    /* a second card, before the first in the order of addresses */
    put("sys/bus/pci/devices/0000:17:00.1/vendor", "0x10ee\n");
    look(false, "looked for in", NULL);
    assert_int_equal(report.count, 2);
    assert_string_equal(report.cards[0].address, "0000:17:00.1");
    assert_true(report.cards[1].usable);
}

static void no_card(void **state)
{
    (void)state;
    drop(CARD);
    drop("sys/bus/pci/devices/0000:3b:00.0");
    look(false, "cards: looked for in ", "/bus/pci/devices (vendor 0x10ee), found 0",
         "lspci -d 10ee:", "program zkp-card: ", NULL);
    assert_int_equal(report.count, 0);
    drop("sys");
    look(false, "found 0", NULL);
}

static void without_a_driver(void **state)
{
    (void)state;
    drop(CARD "/driver");
    look(false, "kernel driver: looked for in ", "found none", "drivers/xocl/bind", NULL);
    drop("sys/module/xocl");
    look(false, "module xocl is not loaded", "modprobe xocl", NULL);
    /* only the function for management is there */
    drop(CARD);
    look(false, "found xclmgmt", NULL);
}

static void without_permission(void **state)
{
    char group[32];

    (void)state;
    chmod(path_of("dev/dri/renderD129"), 0660);
    snprintf(group, sizeof group, "%s", getgid() == 0 ? "group root" : "group ");
    look(false, "permission for the node: looked for in ", "renderD129, found mode 0660", group,
         "not for this user; mend: usermod -a -G ", NULL);
    drop("dev/dri/renderD129");
    look(false, "no such device file", "udevadm trigger", NULL);
    drop(CARD "/drm");
    look(false, "render node: looked for in ", "/drm, found none", NULL);
}

static void another_shell(void **state)
{
    (void)state;
    put(CARD "/rom.u.2097152/VBNV", "xilinx_u250_gen3x16_xdma_4\n");
    look(false, "image for the shell: looked for in ",
         "no image fits a card with platform xilinx_u250_gen3x16_xdma_4 (hw)",
         "flash a shell that there is one for", NULL);
    drop(CARD "/rom.u.2097152");
    look(false, "shell: looked for in ", "found nothing",
         "xbmgmt program --base --device 0000:3b:00.0", NULL);
    put(CARD "/rom.u.2097152/VBNV", SHELL "\n");
    put(CARD "/ready", "0x0\n");
    look(false, "card ready: looked for in ", "found 0x0", "xbutil reset --device 0000:3b:00.1",
         NULL);
}

static void without_what_all_cards_need(void **state)
{
    (void)state;
    drop("images/s.xclbin");
    look(false, "image for the shell: looked for in ", "s.xclbin, found No such file",
         "install the images", NULL);
    drop("images");
    look(false, "manifest of images: looked for in ", "found cannot open", "ZKP_BITSTREAMS", NULL);
    put("images/manifest.json", "{\"version\":1,\"kernel_abi\":7,\"images\":[]}");
    look(false, "found kernel ABI 7, this program has 1", NULL);
    put("images/manifest.json", "{\"version\":1,\"kernel_abi\":1,\"images\":[]}");
    look(false, "found 0 images", NULL);
    drop("usr");
    look(false, "XRT library: looked for in ", "no libxrt_coreutil.so.2", "apt install libxrt1",
         NULL);
    drop("zkp-card");
    look(false, "program zkp-card: looked for in the configuration", "cannot be run: No such file",
         NULL);
}

static void emulation_is_one_card(void **state)
{
    char folder[96], text[512];
    xrt_places places = {.program = program,
                         .bitstreams = bitstreams,
                         .sysfs = sysfs,
                         .root = root,
                         .emulation = "sw_emu",
                         .emconfig = folder};

    (void)state;
    snprintf(folder, sizeof folder, "%s", root);
    put("emconfig.json", "{\"Platform\":{\"Boards\":[{\"Devices\":[{\"Name\":\"" SHELL "\"}]}]}}");
    xrt_discover(&places, &report);
    assert_int_equal(report.count, 1);
    assert_string_equal(report.cards[0].platform, SHELL);
    assert_int_equal(report.cards[0].mode, XRT_MODE_SW_EMU);
    assert_false(report.cards[0].usable); /* the image is for hardware */
    xrt_report_text(&report, 0, text, sizeof text);
    assert_non_null(strstr(text, "no image fits a card with platform " SHELL " (sw_emu)"));
    places.emulation = "tea";
    xrt_discover(&places, &report);
    assert_false(report.cards[0].usable);
    put("emconfig.json", "[{");
    places.emulation = "sw_emu";
    xrt_discover(&places, &report);
    assert_false(report.cards[0].usable);
}

static void a_report_may_be_anything(void **state)
{
    static const char *const bad[] = {
        "", "{}", "[]", "{\"cards\":[]}", "{\"cards\":[],\"findings\":1}", "null", "{\"cards\":"};
    static const char strange[] =
        "{\"cards\":[1,{\"address\":5,\"mode\":\"no\",\"findings\":[{\"what\":\"a\\nb\"},[]]}],"
        "\"findings\":[{},{},{},{},{},{},{},{},{},{}],\"usable\":\"yes\"}";
    p_err err;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(xrt_report_read(&report, bad[i], strlen(bad[i]), &err), P_EDEVICE);
    assert_int_equal(xrt_report_read(&report, strange, strlen(strange), &err), P_OK);
    assert_int_equal(report.count, 2);
    assert_int_equal(report.general.count, XRT_MAX_FINDINGS);
    assert_int_equal(report.cards[1].mode, XRT_MODE_OTHER);
    assert_string_equal(report.cards[1].findings.list[0].what, "a?b");
    assert_false(report.usable);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_good_card, begin, end),
        cmocka_unit_test_setup_teardown(no_card, begin, end),
        cmocka_unit_test_setup_teardown(without_a_driver, begin, end),
        cmocka_unit_test_setup_teardown(without_permission, begin, end),
        cmocka_unit_test_setup_teardown(another_shell, begin, end),
        cmocka_unit_test_setup_teardown(without_what_all_cards_need, begin, end),
        cmocka_unit_test_setup_teardown(emulation_is_one_card, begin, end),
        cmocka_unit_test(a_report_may_be_anything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
