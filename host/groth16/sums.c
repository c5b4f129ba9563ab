/* The five sums of points of a key, multiplied by the witness and the quotient.
 *
 * A section is read in portions of equal length, into two buffers in turns: a thread reads the next
 * portion while the one before is summed. So the memory of points does not grow with the key. */
#include "host/groth16/prover_internal.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define PORTION_BYTES ((uint64_t)64 << 20) /* 2^20 points of G1: what one pass of a sum takes */
#define PIECE_BYTES ((uint64_t)4 << 20)    /* read between two looks at whether to go on */
#define BUFFERS 2

typedef struct portion {
    zkey_points which;
    uint64_t first, count;
} portion;

struct groth16_points {
    const zkey *key;
    drv_device *cpu;
    portion *list;
    size_t count;
    uint64_t bytes[BUFFERS];
    unsigned char *buffer[BUFFERS];
    pthread_t reader;
    bool started;
    atomic_bool stop;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t changed;
    size_t read, used; /* portions */
    p_err err;
};

/* ---- portions ---- */

static uint64_t portion_bytes(const groth16_options *o)
{
    uint64_t least = sizeof(bn_g2);

    if (o->portion_bytes == 0)
        return PORTION_BYTES;
    return o->portion_bytes < least ? least : o->portion_bytes;
}

static uint64_t portions_of(const zkey *key, zkey_points which, uint64_t at_once)
{
    uint64_t points = at_once / zkey_points_bytes(which);

    return (zkey_points_count(key, which) + points - 1) / points;
}

/* The most points of a section's portions. */
static uint64_t portion_points(const zkey *key, zkey_points which, uint64_t at_once)
{
    uint64_t n = portions_of(key, which, at_once);

    return n == 0 ? 0 : (zkey_points_count(key, which) + n - 1) / n;
}

/* To be freed. */
static p_status list_portions(const zkey *key, const groth16_options *o, portion **list,
                              size_t *count, p_err *err)
{
    /* H first: its scalars are the quotient, which then is not needed any more */
    static const zkey_points order[ZKEY_POINTS] = {ZKEY_H, ZKEY_A, ZKEY_B1, ZKEY_C, ZKEY_B2};
    uint64_t at_once = portion_bytes(o);
    size_t n = 0;

    *count = 0;
    for (int i = 0; i < ZKEY_POINTS; i++)
        n += (size_t)portions_of(key, order[i], at_once);
    *list = malloc((n > 0 ? n : 1) * sizeof **list);
    if (!*list)
        return p_err_set(err, P_EEXHAUSTED, "no memory for a list of %zu portions", n);
    for (int i = 0; i < ZKEY_POINTS; i++) {
        uint64_t all = zkey_points_count(key, order[i]);
        uint64_t most = portion_points(key, order[i], at_once);

        for (uint64_t first = 0; first < all; first += most)
            (*list)[(*count)++] =
                (portion){order[i], first, all - first < most ? all - first : most};
    }
    return P_OK;
}

/* Of each buffer, which the portions take in turns. */
static void buffer_bytes(const portion *list, size_t count, uint64_t bytes[BUFFERS])
{
    memset(bytes, 0, BUFFERS * sizeof *bytes);
    for (size_t i = 0; i < count; i++) {
        uint64_t size = list[i].count * zkey_points_bytes(list[i].which);

        if (size > bytes[i % BUFFERS])
            bytes[i % BUFFERS] = size;
    }
}

/* ---- reading ahead ---- */

static p_status read_portion(groth16_points *p, size_t i, p_err *err)
{
    const portion *q = &p->list[i];
    uint64_t size = zkey_points_bytes(q->which), piece = PIECE_BYTES / size;
    unsigned char *to = p->buffer[i % BUFFERS];
    p_status s = P_OK;

    for (uint64_t at = 0; at < q->count && s == P_OK && !atomic_load(&p->stop); at += piece) {
        uint64_t n = q->count - at < piece ? q->count - at : piece;

        s = zkey_read_points(p->key, q->which, q->first + at, n, to + at * size, err);
    }
    return s;
}

static void *read_all(void *arg)
{
    groth16_points *p = arg;
    p_status s = P_OK;

    for (size_t i = 0; i < p->count && s == P_OK; i++) {
        p_err err = {P_OK, ""};

        pthread_mutex_lock(&p->lock);
        while (i >= p->used + BUFFERS && !atomic_load(&p->stop))
            pthread_cond_wait(&p->changed, &p->lock);
        pthread_mutex_unlock(&p->lock);
        if (atomic_load(&p->stop))
            break;
        s = read_portion(p, i, &err);
        pthread_mutex_lock(&p->lock);
        if (s == P_OK)
            p->read++;
        else
            p->err = err;
        pthread_cond_broadcast(&p->changed);
        pthread_mutex_unlock(&p->lock);
    }
    return NULL;
}

static p_status await(groth16_points *p, size_t i, p_err *err)
{
    p_status s = P_OK;

    pthread_mutex_lock(&p->lock);
    while (p->read <= i && p->err.status == P_OK)
        pthread_cond_wait(&p->changed, &p->lock);
    if (p->read <= i)
        s = p_err_set(err, p->err.status, "%s", p->err.text);
    pthread_mutex_unlock(&p->lock);
    return s;
}

static void give_back(groth16_points *p)
{
    pthread_mutex_lock(&p->lock);
    p->used++;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
}

p_status groth16_points_begin(const groth16_run *r, groth16_points **out, p_err *err)
{
    groth16_points *p = calloc(1, sizeof *p);
    p_status s;

    *out = NULL;
    if (!p)
        return p_err_set(err, P_EEXHAUSTED, "no memory to read points");
    p->key = r->key;
    p->cpu = r->o->cpu;
    atomic_init(&p->stop, false);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->changed, NULL);
    s = list_portions(p->key, r->o, &p->list, &p->count, err);
    if (s == P_OK)
        buffer_bytes(p->list, p->count, p->bytes);
    for (int i = 0; i < BUFFERS && s == P_OK; i++)
        if (p->bytes[i] > 0)
            s = drv_buffer_alloc(p->cpu, p->bytes[i], (void **)&p->buffer[i], err);
    if (s == P_OK && pthread_create(&p->reader, NULL, read_all, p) != 0)
        s = p_err_set(err, P_EEXHAUSTED, "no thread to read points");
    p->started = s == P_OK;
    if (s == P_OK)
        *out = p;
    else
        groth16_points_end(p);
    return s;
}

void groth16_points_end(groth16_points *p)
{
    if (!p)
        return;
    if (p->started) {
        pthread_mutex_lock(&p->lock);
        atomic_store(&p->stop, true);
        pthread_cond_broadcast(&p->changed);
        pthread_mutex_unlock(&p->lock);
        pthread_join(p->reader, NULL);
    }
    for (int i = 0; i < BUFFERS; i++)
        if (p->buffer[i])
            drv_buffer_free(p->cpu, p->buffer[i], p->bytes[i]);
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->lock);
    free(p->list);
    free(p);
}

/* ---- sums ---- */

static const uint64_t *scalars_of(const groth16_run *r, zkey_points which)
{
    switch (which) {
    case ZKEY_H:
        return r->quotient;
    case ZKEY_C:
        return r->witness + ((uint64_t)r->key->n_public + 1) * GROTH16_WORDS;
    default:
        return r->witness;
    }
}

static void add_g1(bn_g1 *sum, const bn_g1 *a)
{
    bn_g1x t;

    bn_g1x_set(&t, sum);
    bn_g1x_add_affine(&t, &t, a);
    bn_g1x_get(sum, &t);
}

static void add_g2(bn_g2 *sum, const bn_g2 *a)
{
    bn_g2x t;

    bn_g2x_set(&t, sum);
    bn_g2x_add_affine(&t, &t, a);
    bn_g2x_get(sum, &t);
}

static void add_to(groth16_run *r, zkey_points which, const bn_g1 *g1, const bn_g2 *g2)
{
    switch (which) {
    case ZKEY_A:
        add_g1(&r->sum_a, g1);
        break;
    case ZKEY_B1:
        add_g1(&r->sum_b1, g1);
        break;
    case ZKEY_C:
        add_g1(&r->sum_c, g1);
        break;
    case ZKEY_H:
        add_g1(&r->sum_h, g1);
        break;
    case ZKEY_B2:
        add_g2(&r->sum_b2, g2);
        break;
    case ZKEY_POINTS:
        break;
    }
}

static p_status sum_portion(groth16_run *r, drv_device *device, const portion *q,
                            const uint64_t *points, p_err *err)
{
    bool is_g2 = q->which == ZKEY_B2;
    drv_handle *handle = NULL;
    bn_g1 g1;
    bn_g2 g2;
    drv_job load = {
        .op = DRV_MSM_LOAD,
        .msm_load = {
            .group = is_g2 ? DRV_G2 : DRV_G1, .points = points, .count = q->count, .out = &handle}};
    drv_job sum = {.op = DRV_MSM,
                   .msm = {.scalars = scalars_of(r, q->which) + q->first * GROTH16_WORDS,
                           .form = q->which == ZKEY_H ? DRV_MONTGOMERY : DRV_CANONICAL,
                           .count = q->count,
                           .out = is_g2 ? (uint64_t *)&g2 : (uint64_t *)&g1}};
    p_err why = {P_OK, ""};
    p_status s = groth16_run_job(r, device, &load, &why);

    if (s == P_EINVAL) /* a point that is not on its curve */
        return p_err_set(err, P_ECORRUPT,
                         "%s: section %s: of its points from number %" PRIu64 " on: %s",
                         r->key->file.path, zkey_points_name(q->which), q->first, why.text);
    if (s != P_OK)
        return p_err_set(err, s, "%s", why.text);
    sum.msm.points = handle;
    s = groth16_run_job(r, device, &sum, err);
    drv_release(handle);
    if (s == P_OK)
        add_to(r, q->which, &g1, &g2);
    return s;
}

p_status groth16_sums(groth16_run *r, drv_device *device, groth16_points *p, p_err *err)
{
    p_status s = P_OK;

    memset(&r->sum_a, 0, sizeof r->sum_a);
    memset(&r->sum_b1, 0, sizeof r->sum_b1);
    memset(&r->sum_c, 0, sizeof r->sum_c);
    memset(&r->sum_h, 0, sizeof r->sum_h);
    memset(&r->sum_b2, 0, sizeof r->sum_b2);
    for (size_t i = 0; i < p->count && s == P_OK; i++) {
        const portion *q = &p->list[i];

        if (q->which != ZKEY_H)
            groth16_quotient_free(r);
        groth16_enter(r, GROTH16_READ, 0);
        s = await(p, i, err);
        groth16_enter(r, q->which == ZKEY_B2 ? GROTH16_MSM_G2 : GROTH16_MSM_G1, 0);
        if (s == P_OK)
            s = sum_portion(r, device, q, (const uint64_t *)(void *)p->buffer[i % BUFFERS], err);
        give_back(p);
    }
    return s;
}

/* What a sum over the first `count` points at `points` takes. */
static p_status estimate(drv_device *cpu, drv_group group, const uint64_t *points, uint64_t count,
                         uint64_t *bytes, p_err *err)
{
    drv_handle *handle = NULL;
    drv_job load = {
        .op = DRV_MSM_LOAD,
        .msm_load = {
            .group = group, .trusted = true, .points = points, .count = count, .out = &handle}};
    drv_job sum = {.op = DRV_MSM, .msm = {.form = DRV_CANONICAL, .count = count}};
    uint64_t loaded = 0;
    p_status s = drv_estimate(cpu, &load, &loaded, err);

    *bytes = 0;
    if (s == P_OK)
        s = drv_run(cpu, &load, UINT32_MAX, err);
    if (s != P_OK)
        return s;
    sum.msm.points = handle;
    s = drv_estimate(cpu, &sum, bytes, err);
    *bytes += loaded;
    drv_release(handle);
    return s;
}

p_status groth16_sums_memory(const zkey *key, const groth16_options *o, uint64_t *points,
                             uint64_t *sum, p_err *err)
{
    uint64_t bytes[BUFFERS], buffer;
    void *infinities = NULL;
    portion *list;
    size_t count;
    p_status s = list_portions(key, o, &list, &count, err);

    *points = *sum = 0;
    if (s != P_OK)
        return s;
    buffer_bytes(list, count, bytes);
    *points = bytes[0] + bytes[1];
    buffer = bytes[0] > bytes[1] ? bytes[0] : bytes[1];
    s = drv_buffer_alloc(o->cpu, buffer, &infinities, err); /* nobody touches it */
    for (size_t i = 0; i < count && s == P_OK; i++) {
        uint64_t job = 0;

        if (list[i].first == 0)
            s = estimate(o->cpu, list[i].which == ZKEY_B2 ? DRV_G2 : DRV_G1, infinities,
                         list[i].count, &job, err);
        *sum = job > *sum ? job : *sum;
    }
    if (infinities)
        drv_buffer_free(o->cpu, infinities, buffer);
    free(list);
    return s;
}
