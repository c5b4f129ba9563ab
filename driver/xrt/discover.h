/** Which cards there are and what keeps them from being used: for each thing that a card needs,
 * where it was looked for, what was found, and what mends it. Opens no card. Any thread. */
#ifndef ZKP_DRIVER_XRT_DISCOVER_H
#define ZKP_DRIVER_XRT_DISCOVER_H

#include "driver/xrt/manifest.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define XRT_MAX_CARDS 16
#define XRT_MAX_FINDINGS 8

typedef struct xrt_finding {
    bool fine;
    char what[48], where[128], found[192];
    char fix[192]; /**< a command, or what to do; empty if fine */
} xrt_finding;

typedef struct xrt_findings {
    size_t count;
    xrt_finding list[XRT_MAX_FINDINGS];
} xrt_findings;

typedef struct xrt_card {
    char address[32];                  /**< of the user function on PCI; "emulated" */
    char platform[XRT_PLATFORM_BYTES]; /**< empty: not known */
    char uuid[XRT_UUID_TEXT_BYTES];    /**< of the image that it has at this moment; or empty */
    char image[XRT_IMAGE_NAME_BYTES];  /**< that drv_open would take; empty: none fits */
    xrt_mode mode;
    bool usable; /**< together with xrt_report.general */
    xrt_findings findings;
} xrt_card;

typedef struct xrt_report {
    xrt_findings general; /**< the program, the library, the manifest, cards at all */
    bool usable;          /**< as far as general goes */
    size_t count;
    xrt_card cards[XRT_MAX_CARDS]; /**< in the order of their addresses: "xrt:0", "xrt:1", ... */
} xrt_report;

typedef struct xrt_identity {
    uid_t uid;
    gid_t gids[16];
    size_t gid_count;
} xrt_identity;

/** Where to look; NULL: the usual places. */
typedef struct xrt_places {
    const char *program;          /**< of zkp-card, as for xrt_program_find */
    const char *bitstreams;       /**< as for xrt_manifest_folder */
    const char *sysfs, *dev;      /**< "/sys", "/dev" */
    const char *root;             /**< before the folders of libraries; "" */
    const char *emulation;        /**< mode; else $XCL_EMULATION_MODE */
    const char *emconfig;         /**< folder of emconfig.json; else $EMCONFIG_PATH */
    const xrt_identity *identity; /**< whose permissions; else this process's */
} xrt_places;

/** Fills report. places may be NULL. */
void xrt_discover(const xrt_places *places, xrt_report *report);

/** One line for people about one card, or, if card is count or more, about why there is none. What
 * is wrong comes first. */
void xrt_report_text(const xrt_report *report, size_t card, char *out, size_t size);

/** The report as JSON; *out is freed by the caller with free. P_EEXHAUSTED. */
p_status xrt_report_write(const xrt_report *report, char **out, p_err *err);
/** And back, from a program that may be any. P_EDEVICE. */
p_status xrt_report_read(xrt_report *report, const char *text, size_t length, p_err *err);

#endif
