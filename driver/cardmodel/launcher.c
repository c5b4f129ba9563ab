/* emulated/zkp-card: zkp-card on the emulated card.
 *
 *   zkp-card ARGUMENTS              as the real one: becomes ../bin/zkp-card ARGUMENTS
 *   zkp-card --exec PROGRAM ...     becomes another program that uses XRT, for tests of the card
 *
 * Sets up what XRT's emulation needs: the emulated Vitis and XRT folders beside this program, a
 * folder /tmp/zkp-card-PID-... of its own for sockets and run-time files, the mode (that of --image
 * in the manifest of --bitstreams or ZKP_BITSTREAMS; else ZKP_EMULATION_MODE, else sw_emu), and the
 * work-around of preload.c, after checking that Debian's shims are those that it was made for. A
 * process in a session of its own removes the folder when the program has ended, however it ends.
 * File descriptors are passed on.
 *
 * Exit code 4, with the reason on standard error, if something is missing. */
#define _GNU_SOURCE /* pidfd_open by syscall */
#include "driver/field/sha256.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <jansson.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MISSING 4
#define PREFIX "zkp-card-"
#define STALE_SECONDS 3600

/* The shims that preload.c was made for, Debian 12's package libxrt1 202210.2.13.466+dfsg-8. */
static const struct {
    const char *file, *sha256;
} SHIMS[] = {
    {"libxrt_swemu.so.2", "7d6303a40e3f97ce410793734790859eed2b9aed61c3de5c3d86a6bf1e73b153"},
    {"libxrt_hwemu.so.2", "66e02777e1f2f770c63246a6c7aff9e6df58a36b42f014137b891abd3f5003f7"},
};

static int fail(const char *format, ...)
{
    va_list args;

    fputs("emulated zkp-card: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return MISSING;
}

/* ---- the shims ---- */

static bool file_sha256(const char *path, char hex[2 * SHA256_BYTES + 1])
{
    uint8_t digest[SHA256_BYTES], *bytes = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat about;
    bool good = false;
    ssize_t got = 0;

    if (fd < 0)
        return false;
    if (fstat(fd, &about) == 0 && about.st_size > 0 && about.st_size < (1 << 28) &&
        (bytes = malloc((size_t)about.st_size)) != NULL)
        got = read(fd, bytes, (size_t)about.st_size); /* less: another hash, which is refused */
    if (got > 0)
        good = sha256_bytes(digest, bytes, (size_t)got);
    for (size_t i = 0; good && i < SHA256_BYTES; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    free(bytes);
    close(fd);
    return good;
}

static int check_shims(void)
{
    for (size_t i = 0; i < sizeof SHIMS / sizeof *SHIMS; i++) {
        char path[PATH_MAX], found[2 * SHA256_BYTES + 1];

        snprintf(path, sizeof path, "%s/%s", XRT_LIBRARY_DIR, SHIMS[i].file);
        if (!file_sha256(path, found))
            return fail("%s cannot be read: install the package libxrt1", path);
        if (strcmp(found, SHIMS[i].sha256))
            return fail("%s has SHA-256 %s, expected %s of Debian 12's libxrt1 "
                        "202210.2.13.466+dfsg-8: the work-around for its defect does not fit this "
                        "version; install that package, or adapt driver/cardmodel/preload.c",
                        path, found, SHIMS[i].sha256);
    }
    return 0;
}

/* ---- the folder of a run ---- */

static int remove_one(const char *path, const struct stat *about, int type, struct FTW *ftw)
{
    (void)about;
    (void)type;
    (void)ftw;
    remove(path);
    return 0;
}

static void remove_folder(const char *path)
{
    nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Folders of ours whose process is gone, should the remover have been killed. Young ones stay: a
 * process of another container that shares /tmp has another number. */
static void remove_stale(void)
{
    DIR *tmp = opendir("/tmp");
    struct dirent *entry;

    while (tmp && (entry = readdir(tmp))) {
        char path[PATH_MAX];
        struct stat about;
        long pid;

        if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)))
            continue;
        pid = strtol(entry->d_name + strlen(PREFIX), NULL, 10);
        snprintf(path, sizeof path, "/tmp/%s", entry->d_name);
        if (pid > 0 && lstat(path, &about) == 0 && S_ISDIR(about.st_mode) &&
            about.st_uid == geteuid() && time(NULL) - about.st_mtime > STALE_SECONDS &&
            kill((pid_t)pid, 0) && errno == ESRCH)
            remove_folder(path);
    }
    if (tmp)
        closedir(tmp);
}

static void wait_for_end(pid_t pid)
{
    struct timespec pause = {0, 50000000};
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd p = {.fd = fd, .events = POLLIN};

    if (fd >= 0) {
        while (poll(&p, 1, -1) < 0 && errno == EINTR)
            ;
        return;
    }
    while (kill(pid, 0) == 0) /* an old kernel */
        nanosleep(&pause, NULL);
}

/* The remover: a grandchild, so that the program neither waits for it nor kills it with its group.
 */
static bool start_remover(const char *folder)
{
    pid_t program = getpid(), child = fork();
    struct timespec grace = {0, 100000000}; /* for the card's process to notice */
    int null;

    if (child < 0)
        return false;
    if (child > 0)
        return waitpid(child, NULL, 0) == child;
    if (fork() != 0)
        _exit(0);
    setsid();
    signal(SIGHUP, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    null = open("/dev/null", O_RDWR);
    for (int fd = 0; fd < 3; fd++)
        dup2(null, fd);
    for (int fd = 3; fd < 1024; fd++)
        close(fd);
    wait_for_end(program);
    nanosleep(&grace, NULL);
    remove_folder(folder);
    _exit(0);
}

/* ---- the environment ---- */

/* The mode of the image that the arguments name; NULL if they name none or it cannot be told:
 * zkp-card itself says what is wrong with a manifest. */
static const char *image_mode(int argc, char **argv)
{
    const char *folder = getenv("ZKP_BITSTREAMS"), *image = NULL, *mode = NULL;
    char path[PATH_MAX];
    json_t *manifest, *entry;
    size_t i;

    for (int a = 1; a + 1 < argc; a++) {
        if (!strcmp(argv[a], "--image"))
            image = argv[a + 1];
        else if (!strcmp(argv[a], "--bitstreams"))
            folder = argv[a + 1];
    }
    if (!folder || !image)
        return NULL;
    snprintf(path, sizeof path, "%s/manifest.json", folder);
    manifest = json_load_file(path, 0, NULL);
    json_array_foreach(json_object_get(manifest, "images"), i, entry)
    {
        const char *name = json_string_value(json_object_get(entry, "name"));
        const char *text = json_string_value(json_object_get(entry, "mode"));

        if (name && text && !strcmp(name, image))
            mode = !strcmp(text, "hw_emu") ? "hw_emu" : "sw_emu";
    }
    json_decref(manifest);
    return mode;
}

static bool set_environment(const char *here, const char *folder, const char *mode)
{
    const struct {
        const char *name, *folder, *file;
    } VALUES[] = {
        {"XILINX_XRT", here, "/xrt"},
        {"XILINX_VITIS", here, "/vitis"},
        {"EMCONFIG_PATH", here, ""},
        {"XRT_INI_PATH", here, "/xrt.ini"},
        {"SDACCEL_EM_RUN_DIR", folder, "/run"},
        {"USER", strrchr(folder, '/') + 1, ""},
        {"LD_PRELOAD", here, "/libcardpreload.so"},
        {"XCL_EMULATION_MODE", mode, ""},
        {"UNZIP", "-o", ""}, /* no questions */
    };
    char value[PATH_MAX + 32];

    for (size_t i = 0; i < sizeof VALUES / sizeof *VALUES; i++) {
        snprintf(value, sizeof value, "%s%s", VALUES[i].folder, VALUES[i].file);
        if (setenv(VALUES[i].name, value, 1))
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    bool other = argc > 2 && !strcmp(argv[1], "--exec");
    const char *mode = image_mode(argc, argv);
    char here[PATH_MAX], program[PATH_MAX + 32], folder[64], run[80];
    ssize_t length = readlink("/proc/self/exe", here, sizeof here - 1);
    int code;

    if (length <= 0)
        return fail("/proc/self/exe: %s", strerror(errno));
    here[length] = 0;
    *strrchr(here, '/') = 0;
    if (!mode)
        mode = getenv("ZKP_EMULATION_MODE");
    if (!mode || strcmp(mode, "hw_emu"))
        mode = "sw_emu";
    if ((code = check_shims()) != 0)
        return code;
    snprintf(program, sizeof program, "%s/../bin/zkp-card", here);
    if (!other && access(program, X_OK))
        return fail("%s: %s", program, strerror(errno));
    remove_stale();
    snprintf(folder, sizeof folder, "/tmp/" PREFIX "%ld-XXXXXX", (long)getpid());
    if (!mkdtemp(folder))
        return fail("%s: %s", folder, strerror(errno));
    snprintf(run, sizeof run, "%s/run", folder);
    if (mkdir(run, 0700) || !start_remover(folder) || !set_environment(here, folder, mode)) {
        code = fail("%s: %s", folder, strerror(errno));
        remove_folder(folder);
        return code;
    }
    if (other)
        execv(argv[2], argv + 2);
    else
        execv(program, argv);
    return fail("%s: %s", other ? argv[2] : program, strerror(errno));
}
