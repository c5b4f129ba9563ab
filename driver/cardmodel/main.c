/* genericpciemodel: the process that XRT's emulation shims start as their device.
 *
 * sw_emu: without arguments; the shim sends what to load. hw_emu: simulate.sh of the image starts
 *   genericpciemodel --xml FILE --kernels FILE --memory BYTES
 *
 * Environment: USER and EMULATION_SOCKETID (the socket), SDACCEL_EM_RUN_DIR (only files below it
 * are loaded), ZKP_CARDMODEL_LOG (timeline.h), ZKP_CARDMODEL_FAULT (faults.h).
 *
 * Ends with the program that uses the card, whatever happens to it. */
#define _GNU_SOURCE /* RTLD_*, PR_SET_PDEATHSIG */
#include "driver/cardmodel/server.h"

#include <dlfcn.h>
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define CONNECT_MS 60000
#define SECOND_MS 5000 /* the shim waits no longer for the second socket */

typedef struct process {
    timeline log;
    model_faults faults;
    const char *user, *socket;
    pthread_mutex_t lock;
    int second; /* hw_emu's second socket, -1 until it is connected */
} process;

static void lost(void *context, const char *reason, bool by_signal)
{
    process *p = context;

    timeline_write(&p->log, "lost %s", reason);
    fprintf(stderr, "card model: %s\n", reason);
    if (by_signal)
        raise(SIGKILL);
    _exit(1);
}

static p_status library_open(void *context, const char *path, void **library, p_err *err)
{
    (void)context;
    *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    return *library ? P_OK : p_err_set(err, P_EIO, "the image's kernels: %s", dlerror());
}

static void library_close(void *context, void *library)
{
    (void)context;
    dlclose(library);
}

/* dlsym answers a pointer to data, and C has no conversion: the copy is POSIX's advice. */
static bool library_find(void *context, void *library, const char *kernel, model_kernel *out)
{
    char symbol[METADATA_NAME_BYTES + 16];
    void *at;

    (void)context;
    snprintf(symbol, sizeof symbol, "card_call_%s", kernel);
    at = dlsym(library, symbol);
    memcpy(&out->call, &at, sizeof at);
    snprintf(symbol, sizeof symbol, "card_cycles_%s", kernel);
    at = dlsym(library, symbol);
    memcpy(&out->cycles, &at, sizeof at);
    return out->call != NULL;
}

static void *second_main(void *context)
{
    process *p = context;
    char name[108];
    int fd;

    if (snprintf(name, sizeof name, "D2X_unix_sock_%s", p->socket) < (int)sizeof name &&
        server_connect(p->user, name, SECOND_MS, &fd, NULL) == P_OK) {
        pthread_mutex_lock(&p->lock);
        p->second = fd;
        pthread_mutex_unlock(&p->lock);
    }
    return NULL;
}

static char *read_text(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    char *bytes = malloc(METADATA_MAX_BYTES);

    *size = 0;
    if (file && bytes)
        *size = fread(bytes, 1, METADATA_MAX_BYTES, file);
    if (file)
        fclose(file);
    return bytes;
}

static p_status load_files(model *card, const char *xml_path, const char *kernels, uint64_t memory,
                           p_err *err)
{
    size_t size;
    char *xml = read_text(xml_path, &size);
    void *library = NULL;
    p_status status = library_open(NULL, kernels, &library, err);

    if (status == P_OK && !xml)
        status = p_err_set(err, P_EEXHAUSTED, "out of memory");
    if (status == P_OK)
        status = model_load(card, xml, size, library, memory, err);
    free(xml);
    return status;
}

/* a kernel that leaves the card's memory; only calls that a signal handler may make */
static void on_segv(int number)
{
    static const char text[] = "card model: a run left the card's memory\n";
    ssize_t done = write(STDERR_FILENO, text, sizeof text - 1);

    (void)done;
    raise(number); /* SA_RESETHAND: ends the process */
}

static int fail(process *p, const p_err *err)
{
    timeline_write(&p->log, "lost %s", err->text);
    fprintf(stderr, "card model: %s\n", err->text);
    return 1;
}

static bool arguments(int argc, char **argv, const char **xml, const char **kernels,
                      uint64_t *memory)
{
    static const struct option LONG[] = {{"xml", required_argument, NULL, 'x'},
                                         {"kernels", required_argument, NULL, 'k'},
                                         {"memory", required_argument, NULL, 'm'},
                                         {NULL, 0, NULL, 0}};
    int option;

    while ((option = getopt_long(argc, argv, "", LONG, NULL)) != -1) {
        char *end = NULL;

        switch (option) {
        case 'x':
            *xml = optarg;
            break;
        case 'k':
            *kernels = optarg;
            break;
        case 'm':
            errno = 0;
            *memory = strtoull(optarg, &end, 0);
            if (errno || *end || *memory == 0)
                return false;
            break;
        default:
            return false;
        }
    }
    return optind == argc && (*xml != NULL) == (*kernels != NULL) &&
           (*xml != NULL) == (*memory != 0);
}

int main(int argc, char **argv)
{
    process p = {.second = -1, .lock = PTHREAD_MUTEX_INITIALIZER};
    struct sigaction segv = {.sa_handler = on_segv, .sa_flags = (int)SA_RESETHAND};
    const char *xml = NULL, *kernels = NULL;
    uint64_t memory = 0;
    pid_t parent = getppid();
    model_options options = {.log = &p.log,
                             .faults = &p.faults,
                             .open = library_open,
                             .find = library_find,
                             .close = library_close,
                             .lost = lost,
                             .context = &p,
                             .run_folder = getenv("SDACCEL_EM_RUN_DIR")};
    server_options serve = {.model = &options, .parent = parent};
    model *card = NULL;
    pthread_t second;
    p_err err = {0};
    int fd = -1;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigaction(SIGSEGV, &segv, NULL);
    sigaction(SIGBUS, &segv, NULL);
    p.log = timeline_open(getenv(TIMELINE_VARIABLE));
    p.user = getenv("USER");
    p.socket = getenv("EMULATION_SOCKETID");
    if (!arguments(argc, argv, &xml, &kernels, &memory) || !p.user || !p.socket) {
        fputs("usage: started by XRT's emulation, with USER and EMULATION_SOCKETID set\n"
              "       genericpciemodel [--xml FILE --kernels FILE --memory BYTES]\n",
              stderr);
        return 2;
    }
    options.hw_emu = xml != NULL;
    if (model_faults_read(getenv(FAULTS_VARIABLE), &p.faults, &err) != P_OK ||
        model_create(&options, &card, &err) != P_OK ||
        (xml && load_files(card, xml, kernels, memory, &err) != P_OK) ||
        server_connect(p.user, p.socket, CONNECT_MS, &fd, &err) != P_OK)
        return fail(&p, &err);
    if (xml && pthread_create(&second, NULL, second_main, &p) == 0)
        pthread_detach(second);
    if (server_run(fd, card, &serve, &err) != P_OK) {
        fail(&p, &err);
        _exit(1); /* runs may still be under way: nothing waits for them */
    }
    pthread_mutex_lock(&p.lock);
    if (p.second >= 0)
        server_say_close(p.second);
    timeline_write(&p.log, "close");
    fflush(NULL);
    _exit(0);
}
