#include "driver/cardmodel/units.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { START = 1, DONE = 2, IDLE = 4 };
#define STACK_BYTES ((size_t)64 << 20) /* a kernel's arrays, which are memories on a card */
#define REGISTERS (METADATA_UNIT_BYTES / 4)

typedef struct unit {
    model_units *all;
    const metadata_unit *description;
    uint32_t number; /* of its kernel, from 0 */
    pthread_t thread;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t wake;
    uint32_t reg[REGISTERS];
    bool started, quit;
    uint64_t number_of_run, run_of_kernel; /* of the run, counted when it was started */
    uint64_t args[METADATA_MAX_ARGS];      /* of the run, pointers translated */
    const char *refusal;                   /* why it cannot run */
} unit;

struct model_units {
    metadata description;
    model_kernel kernel[METADATA_MAX_KERNELS];
    pthread_mutex_t
        counted[METADATA_MAX_KERNELS]; /* held by a run of a kernel that counts cycles */
    _Atomic uint64_t kernel_runs[METADATA_MAX_KERNELS];
    _Atomic uint64_t runs;
    model_unit_host host;
    uint32_t count;
    unit unit[METADATA_MAX_UNITS];
};

/* unit->lock is held */
static void take_args(unit *u)
{
    const metadata *description = &u->all->description;
    const metadata_kernel *kernel = &description->kernel[u->description->kernel];

    u->refusal = NULL;
    for (uint32_t i = 0; i < kernel->args; i++) {
        const metadata_arg *arg = &kernel->arg[i];
        uint64_t value = u->reg[arg->offset / 4];

        if (arg->bytes == 8)
            value |= (uint64_t)u->reg[arg->offset / 4 + 1] << 32;
        if (arg->pointer) {
            uint8_t *at = model_memory_at(u->all->host.memory, value, 64);

            if (!at || value % 64)
                u->refusal = "a pointer that is not a row of the card's memory";
            value = (uint64_t)(uintptr_t)at;
        }
        u->args[i] = value;
    }
}

static void sleep_ms(uint64_t ms)
{
    struct timespec left = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};

    while (nanosleep(&left, &left))
        ;
}

/* true: the run ended */
static bool run(unit *u, const uint64_t *args, uint64_t number, uint64_t of_kernel)
{
    model_units *all = u->all;
    const model_unit_host *host = &all->host;
    uint32_t k = u->description->kernel;
    const char *name = all->description.kernel[k].name;
    const model_kernel *kernel = &all->kernel[k];
    uint64_t begin, cycles = 0;

    timeline_write(host->log, "begin kernel=%s unit=%u run=%llu", name, u->number,
                   (unsigned long long)number);
    begin = timeline_now_us();
    if (model_faults_at(host->faults, MODEL_FAULT_EXIT_RUN, number)) {
        host->lost(host->context, "asked to exit at this run", false);
        return false;
    }
    if (model_faults_at(host->faults, MODEL_FAULT_CRASH_RUN, number)) {
        host->lost(host->context, "asked to crash at this run", true);
        return false;
    }
    if (model_faults_hangs(host->faults, name, of_kernel)) {
        timeline_write(host->log, "fault kernel %s hangs in its run %llu", name,
                       (unsigned long long)of_kernel);
        return false;
    }
    sleep_ms(model_faults_slow_ms(host->faults, name));
    if (kernel->cycles) {
        pthread_mutex_lock(&all->counted[k]);
        kernel->call(args);
        cycles = kernel->cycles();
        pthread_mutex_unlock(&all->counted[k]);
    } else {
        kernel->call(args);
    }
    for (uint32_t i = 0; i < host->faults->count; i++) {
        uint8_t *at = host->faults->rule[i].kind == MODEL_FAULT_FLIP
                          ? model_memory_at(host->memory, host->faults->rule[i].number, 1)
                          : NULL;

        if (at)
            *at ^= 1;
    }
    begin = timeline_now_us() - begin;
    if (kernel->cycles)
        timeline_write(host->log, "end kernel=%s unit=%u run=%llu took=%llu cycles=%llu", name,
                       u->number, (unsigned long long)number, (unsigned long long)begin,
                       (unsigned long long)cycles);
    else
        timeline_write(host->log, "end kernel=%s unit=%u run=%llu took=%llu", name, u->number,
                       (unsigned long long)number, (unsigned long long)begin);
    return true;
}

static void *unit_main(void *context)
{
    unit *u = context;
    uint64_t args[METADATA_MAX_ARGS];

    pthread_mutex_lock(&u->lock);
    while (!u->quit) {
        const char *refusal = u->refusal;
        uint64_t number = u->number_of_run, of_kernel = u->run_of_kernel;
        bool ended = false;

        if (!u->started) {
            pthread_cond_wait(&u->wake, &u->lock);
            continue;
        }
        u->started = false;
        memcpy(args, u->args, sizeof args);
        pthread_mutex_unlock(&u->lock);
        if (refusal)
            u->all->host.lost(u->all->host.context, refusal, false);
        else
            ended = run(u, args, number, of_kernel);
        pthread_mutex_lock(&u->lock);
        if (ended)
            u->reg[0] = DONE | IDLE;
    }
    pthread_mutex_unlock(&u->lock);
    return NULL;
}

p_status model_units_create(const metadata *from, const model_kernel *kernels,
                            const model_unit_host *host, model_units **out, p_err *err)
{
    model_units *all = calloc(1, sizeof *all);
    uint32_t of_kernel[METADATA_MAX_KERNELS] = {0};
    pthread_attr_t attributes;

    *out = NULL;
    if (!all)
        return p_err_set(err, P_EEXHAUSTED, "compute units: out of memory");
    all->description = *from;
    all->host = *host;
    memcpy(all->kernel, kernels, from->kernels * sizeof *kernels);
    for (uint32_t i = 0; i < METADATA_MAX_KERNELS; i++)
        pthread_mutex_init(&all->counted[i], NULL);
    for (uint32_t i = 0; i < from->units; i++) {
        unit *u = &all->unit[i];

        u->all = all;
        u->description = &all->description.unit[i];
        u->number = of_kernel[u->description->kernel]++;
        u->reg[0] = IDLE;
        pthread_mutex_init(&u->lock, NULL);
        pthread_cond_init(&u->wake, NULL);
        if (pthread_attr_init(&attributes) || pthread_attr_setstacksize(&attributes, STACK_BYTES) ||
            pthread_create(&u->thread, &attributes, unit_main, u)) {
            pthread_cond_destroy(&u->wake);
            pthread_mutex_destroy(&u->lock);
            model_units_destroy(all);
            return p_err_set(err, P_EEXHAUSTED, "compute units: no thread for %s",
                             from->unit[i].name);
        }
        pthread_attr_destroy(&attributes);
        all->count++;
    }
    *out = all;
    return P_OK;
}

void model_units_destroy(model_units *all)
{
    if (!all)
        return;
    for (uint32_t i = 0; i < all->count; i++) {
        unit *u = &all->unit[i];

        pthread_mutex_lock(&u->lock);
        u->quit = true;
        pthread_cond_signal(&u->wake);
        pthread_mutex_unlock(&u->lock);
        pthread_join(u->thread, NULL);
        pthread_cond_destroy(&u->wake);
        pthread_mutex_destroy(&u->lock);
    }
    for (uint32_t i = 0; i < METADATA_MAX_KERNELS; i++)
        pthread_mutex_destroy(&all->counted[i]);
    free(all);
}

static unit *find(model_units *all, uint64_t address, size_t size, size_t *reg)
{
    for (uint32_t i = 0; i < all->count; i++) {
        uint64_t offset = address - all->unit[i].description->base; /* wraps if below it */

        if (offset < METADATA_UNIT_BYTES) {
            if (offset % 4 || size % 4 || size == 0 || size > METADATA_UNIT_BYTES - offset)
                return NULL;
            *reg = offset / 4;
            return &all->unit[i];
        }
    }
    return NULL;
}

bool model_units_write(model_units *all, uint64_t address, const uint8_t *bytes, size_t size)
{
    size_t at;
    unit *u = all ? find(all, address, size, &at) : NULL;

    if (!u)
        return false;
    pthread_mutex_lock(&u->lock);
    for (size_t i = at == 0; i < size / 4; i++)
        memcpy(&u->reg[at + i], bytes + 4 * i, 4);
    if (at == 0 && (bytes[0] & START) && (u->reg[0] & IDLE)) {
        take_args(u);
        u->number_of_run = ++all->runs;
        u->run_of_kernel = ++all->kernel_runs[u->description->kernel];
        u->reg[0] = START;
        u->started = true;
        pthread_cond_signal(&u->wake);
    }
    pthread_mutex_unlock(&u->lock);
    return true;
}

bool model_units_read(model_units *all, uint64_t address, uint8_t *bytes, size_t size)
{
    size_t at;
    unit *u = all ? find(all, address, size, &at) : NULL;

    memset(bytes, 0, size);
    if (!u)
        return false;
    pthread_mutex_lock(&u->lock);
    memcpy(bytes, &u->reg[at], size);
    if (at == 0)
        u->reg[0] &= ~(uint32_t)DONE;
    pthread_mutex_unlock(&u->lock);
    return true;
}
