/* zkp-card: a card's process, the only one that loads XRT.
 *
 *   zkp-card --probe [--bitstreams DIR]      prints what was looked for and found, as JSON
 *   zkp-card --serve --device N [--image NAME] [--bitstreams DIR]
 *                                            serves a driver: socket 3, staging memory 4
 *
 * Exit codes: 0 the driver has closed the socket, 1 a failure, 2 a wrong command line. */
#include "driver/xrt/zkp_card.h"
#include "driver/xrt/discover.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

typedef struct arguments {
    zc_options options;
    bool probe, serve;
} arguments;

static int usage(const char *what)
{
    fprintf(stderr,
            "zkp-card: cannot understand %s\n"
            "usage: zkp-card --probe [--bitstreams DIR]\n"
            "       zkp-card --serve --device N [--image NAME] [--bitstreams DIR]\n",
            what);
    return 2;
}

static bool parse(int argc, char **argv, arguments *a, const char **wrong)
{
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        char *end;
        *wrong = argv[i];
        if (strcmp(argv[i], "--probe") == 0) {
            a->probe = true;
            continue;
        }
        if (strcmp(argv[i], "--serve") == 0) {
            a->serve = true;
            continue;
        }
        if (!value)
            return false;
        i++;
        if (strcmp(*wrong, "--bitstreams") == 0) {
            a->options.bitstreams = value;
        } else if (strcmp(*wrong, "--image") == 0) {
            a->options.image = value;
        } else if (strcmp(*wrong, "--device") == 0) {
            unsigned long n = strtoul(value, &end, 10);
            if (*value < '0' || *value > '9' || *end || n >= XRT_MAX_CARDS)
                return false;
            a->options.device = (uint32_t)n;
        } else {
            return false;
        }
    }
    *wrong = "the command line: expected one of --probe and --serve";
    return a->probe != a->serve;
}

static int probe(const arguments *a)
{
    xrt_places places = {.bitstreams = a->options.bitstreams, .program = "/proc/self/exe"};
    xrt_report *report = calloc(1, sizeof *report);
    p_err err = {P_OK, "no memory"};
    char *text = NULL;
    int code = 1;

    if (report) {
        xrt_discover(&places, report);
        if (xrt_report_write(report, &text, &err) == P_OK && puts(text) >= 0 && fflush(stdout) == 0)
            code = 0;
    }
    if (code != 0)
        fprintf(stderr, "zkp-card: %s\n", err.text);
    free(text);
    free(report);
    return code;
}

static int serve(const arguments *a)
{
    /* children that XRT starts must not keep the driver's socket open */
    if (fcntl(XRT_FD_SOCKET, F_SETFD, FD_CLOEXEC) != 0 ||
        fcntl(XRT_FD_STAGING, F_SETFD, FD_CLOEXEC) != 0) {
        fprintf(stderr, "zkp-card: descriptors 3 and 4 are missing: only the driver starts it\n");
        return 1;
    }
    setsid(); /* fails only if the driver has done so already */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    return zc_serve(XRT_FD_SOCKET, XRT_FD_STAGING, &a->options) ? 0 : 1;
}

int main(int argc, char **argv)
{
    arguments a = {0};
    const char *wrong = NULL;

    if (!parse(argc, argv, &a, &wrong))
        return usage(wrong);
    return a.probe ? probe(&a) : serve(&a);
}
