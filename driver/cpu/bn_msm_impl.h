/* Batches of affine additions: the template of bn_msm_*.c. No include guard: included once for each
 * group and instruction set, with these defined:
 *
 *   LANES_LOG2, LANES   elements of a vector (1 or 8)
 *   FE, F(name)         a vector of coordinates and its functions
 *   FS, FS_(name)       one coordinate and its functions (bn_fp or bn_fp2)
 *   WORDS               64-bit words of a point in memory
 *   M(name)             names of this instance
 *
 * An addition of P1 = (x1, y1) and P2 = (x2, y2) is l = (y2 - y1) / (x2 - x1), x3 = l^2 - x1 - x2,
 * y3 = l (x1 - x3) - y1. For many at a time the differences d_k = x2 - x1 are multiplied together,
 * the product inverted, and 1 / d_k obtained backwards from the products before k: three
 * multiplications instead of an inversion. There are two chains of products, taken in turns, since
 * one would wait for itself.
 *
 * Lanes that need no addition (one point is infinity, or the lane is not used) take part with
 * d = 1 and keep what they have. Lanes with x1 = x2 are rare in honest sums: they are noticed when
 * the product turns out to be 0, and then found one by one, made doublings (d = 2 y1, 3 x1^2
 * instead of y2 - y1) or infinity, and the products are taken again.
 *
 * Accumulators are tidy, other coordinates as loaded; what that means is said where FE is defined.
 */

#define MSM_CHAINS 2
/* Segments of a batch and a little more, so that not all steps of a segment compete for the same
 * lines of the cache. */
#undef MSM_STRIDE
#define MSM_STRIDE (MSM_BATCH * LANES + 16)
#define MSM_AHEAD (32 / LANES) /* vectors whose points are on their way from memory */

typedef struct M(pt) {
    FE x, y;
} M(pt);

enum { M(FOREIGN), M(OWN), M(FOLD) }; /* where the second points of a batch come from */

/* A batch: acc[k] += its second point, for k < n. Of the last k only the lanes in tail. */
typedef struct M(batch) {
    FE *dx, *dy, *pre;
    uint8_t *skip, *dbl; /* lanes that keep what they have; that are doubled */
    M(pt) * acc;
    uint8_t *inf; /* of acc: lanes at infinity */
    size_t n;
    unsigned tail;
    bool down; /* the products were taken from k = n - 1 down to 0 */
    /* FOREIGN, OWN: entry `at` of segment k * LANES + lane, of which `alive` are that long:
     * steps[at * MSM_STRIDE + segment] */
    const uint64_t *src;
    uint32_t *steps;
    uint32_t at;
    size_t alive;
    /* FOLD: acc[map[k]] += acc[map[k] + shift] */
    uint32_t *map;
    size_t shift;
} M(batch);

#define MSM_ALWAYS static inline __attribute__((always_inline))
#define MSM_ALL_LANES ((1U << LANES) - 1)

/* The points of lane 0 .. LANES-1 of vector k; returns the lanes at infinity. */
MSM_ALWAYS unsigned M(second)(M(pt) * p, const M(batch) * b, size_t k, unsigned lanes, int from)
{
    const uint64_t *at[LANES];
    unsigned sign = 0;

    if (from == M(FOLD)) {
        *p = b->acc[b->map[k] + b->shift];
        return b->inf[b->map[k] + b->shift];
    }
    for (unsigned i = 0; i < LANES; i++) {
        /* a lane without a point takes lane 0's, which has one */
        uint32_t entry = b->steps[b->at * MSM_STRIDE + k * LANES + (lanes >> i & 1 ? i : 0)];

        at[i] = b->src + (size_t)(entry >> 1) * WORDS;
        sign |= (entry & 1) << i;
    }
    return F(gather)(&p->x, &p->y, at, sign, from == M(OWN));
}

/* Vector k's d, y2 - y1, and the product of those before. */
MSM_ALWAYS void M(forward)(M(batch) * b, size_t k, FE product[MSM_CHAINS], int from)
{
    const size_t a = from == M(FOLD) ? b->map[k] : k;
    const unsigned lanes = k + 1 < b->n ? MSM_ALL_LANES : b->tail;
    M(pt) *acc = &b->acc[a], p;
    FE *chain = &product[k % MSM_CHAINS];
    unsigned inf = M(second)(&p, b, k, lanes, from), skip = inf | b->inf[a];
    FE dx;

    skip |= MSM_ALL_LANES & ~lanes;
    F(sub)(&dx, &p.x, &acc->x);
    F(sub)(&b->dy[k], &p.y, &acc->y);
    if (__builtin_expect(skip != 0, 0)) {
        unsigned take = b->inf[a] & ~inf & lanes;
        FE one;

        if (take) {
            F(tidy)(&p.x, &p.x);
            F(tidy)(&p.y, &p.y);
            F(select)(&acc->x, take, &p.x, &acc->x);
            F(select)(&acc->y, take, &p.y, &acc->y);
            b->inf[a] &= (uint8_t)~take;
        }
        F(one)(&one);
        F(select)(&dx, skip, &one, &dx);
    }
    b->skip[k] = (uint8_t)skip;
    b->dbl[k] = 0;
    b->dx[k] = dx;
    b->pre[k] = *chain;
    F(mul)(chain, chain, &dx);
}

/* The lanes with d = 0, after which no product is 0: y1 = 0 makes infinity (no point of the curve
 * has it, but points may be anything). */
static void M(repair)(M(batch) * b, FE product[MSM_CHAINS], int from)
{
    FE one;

    F(one)(&one);
    for (size_t i = 0; i < b->n; i++) {
        const size_t k = b->down ? b->n - 1 - i : i, a = from == M(FOLD) ? b->map[k] : k;
        M(pt) *acc = &b->acc[a];
        FE *chain = &product[k % MSM_CHAINS];
        unsigned zero = F(is_zero)(&b->dx[k]) & ~b->skip[k];

        if (zero) {
            unsigned same = zero & F(is_zero)(&b->dy[k]) & ~F(is_zero)(&acc->y);
            unsigned gone = zero & ~same;
            FE t;

            F(dbl)(&t, &acc->y);
            F(select)(&b->dx[k], same, &t, &b->dx[k]);
            F(select)(&b->dx[k], gone, &one, &b->dx[k]);
            F(sqr_loose)(&t, &acc->x);
            F(triple)(&t, &t);
            F(select)(&b->dy[k], same, &t, &b->dy[k]);
            b->inf[a] |= (uint8_t)gone;
            b->skip[k] |= (uint8_t)gone;
            b->dbl[k] = (uint8_t)same;
        }
        b->pre[k] = *chain;
        F(mul)(chain, chain, &b->dx[k]);
    }
}

/* inverse[i] = 1 / product[i]; false if one of them is 0 in any lane. */
static bool M(invert)(FE inverse[MSM_CHAINS], const FE product[MSM_CHAINS])
{
    FE t;
    FS v[LANES], before[LANES], run, out[LANES];

    F(mul)(&t, &product[0], &product[1]);
    if (F(is_zero)(&t))
        return false;
    F(get)(v, &t);
    run = v[0];
    for (unsigned i = 1; i < LANES; i++) {
        before[i] = run;
        FS_(mul)(&run, &run, &v[i]);
    }
    FS_(inv)(&run, &run);
    for (unsigned i = LANES - 1; i > 0; i--) {
        FS_(mul)(&out[i], &run, &before[i]);
        FS_(mul)(&run, &run, &v[i]);
    }
    out[0] = run;
    F(set_inverse)(&t, out);
    F(mul)(&inverse[0], &product[1], &t);
    F(mul)(&inverse[1], &product[0], &t);
    return true;
}

/* The points that vector k's lanes will add; k may be out of range. */
MSM_ALWAYS void M(prefetch)(const M(batch) * b, size_t k)
{
    if (k >= b->alive / LANES)
        return;
    for (unsigned i = 0; i < LANES; i++) {
        uint32_t entry = b->steps[b->at * MSM_STRIDE + k * LANES + i];
        const uint64_t *p = b->src + (size_t)(entry >> 1) * WORDS;

        __builtin_prefetch(p);
        if (WORDS > 8)
            __builtin_prefetch(p + 8);
    }
}

/* Vector k's sum; *chain: the inverse of the product of all d up to its own. */
MSM_ALWAYS void M(backward)(M(batch) * b, size_t k, FE inverse[MSM_CHAINS], int from)
{
    M(pt) *acc = &b->acc[from == M(FOLD) ? b->map[k] : k];
    FE *chain = &inverse[k % MSM_CHAINS];
    FE l, t, d = b->dx[k];
    M(pt) sum;

    F(mul)(&l, chain, &b->pre[k]);
    F(mul)(chain, chain, &d);
    F(mul)(&l, &l, &b->dy[k]);
    F(sqr_loose)(&t, &l);
    if (__builtin_expect(b->dbl[k] != 0, 0)) {
        FE null;

        F(null)(&null);
        F(select)(&d, b->dbl[k], &null, &d); /* x2 = x1 there */
    }
    F(x3)(&sum.x, &t, &acc->x, &d);
    F(sub)(&t, &acc->x, &sum.x);
    F(mul_loose)(&t, &l, &t);
    F(y3)(&sum.y, &t, &acc->y);
    if (__builtin_expect(b->skip[k] != 0, 0)) {
        F(select)(&sum.x, b->skip[k], &acc->x, &sum.x);
        F(select)(&sum.y, b->skip[k], &acc->y, &sum.y);
    }
    *acc = sum;
}

MSM_ALWAYS void M(ones)(FE product[MSM_CHAINS])
{
    for (int i = 0; i < MSM_CHAINS; i++)
        F(one)(&product[i]);
}

MSM_ALWAYS void M(inverses)(M(batch) * b, FE inverse[MSM_CHAINS], FE product[MSM_CHAINS], int from)
{
    if (__builtin_expect(M(invert)(inverse, product), 1))
        return;
    M(ones)(product);
    M(repair)(b, product, from);
    M(invert)(inverse, product);
}

/* Ends the batch that `inverse` is of, and begins the one of the next entries: in one loop, so that
 * there is enough to do while a chain of products waits for itself and while points arrive from
 * memory. The next batch has the order in which this one ends, the opposite of the one in which it
 * began. */
MSM_ALWAYS void M(go_on)(M(batch) * b, FE inverse[MSM_CHAINS], size_t alive, int from)
{
    const size_t n = b->n;
    const bool down = !b->down;
    FE product[MSM_CHAINS];

    M(ones)(product);
    b->at++;
    b->alive = alive;
    b->n = (alive + LANES - 1) / LANES;
    b->tail = MSM_ALL_LANES >> (b->n * LANES - alive);
    b->down = down;
    for (size_t i = 0; i < n; i++) {
        const size_t k = down ? n - 1 - i : i;

        M(prefetch)(b, down ? k - MSM_AHEAD : k + MSM_AHEAD);
        M(backward)(b, k, inverse, from);
        if (k < b->n)
            M(forward)(b, k, product, from);
    }
    if (b->n > 0)
        M(inverses)(b, inverse, product, from);
}

/* acc[k] = the first entry's point, and the first batch is begun. */
MSM_ALWAYS void M(begin)(M(batch) * b, FE inverse[MSM_CHAINS], size_t all, size_t alive, int from)
{
    FE product[MSM_CHAINS];

    M(ones)(product);
    b->n = (all + LANES - 1) / LANES;
    b->tail = MSM_ALL_LANES >> (b->n * LANES - all);
    b->at = 0;
    b->alive = all;
    for (size_t k = 0; k < b->n; k++) {
        const unsigned lanes = k + 1 < b->n ? MSM_ALL_LANES : b->tail;
        M(pt) p;

        M(prefetch)(b, k + MSM_AHEAD);
        b->inf[k] = (uint8_t)M(second)(&p, b, k, lanes, from);
        F(tidy)(&b->acc[k].x, &p.x);
        F(tidy)(&b->acc[k].y, &p.y);
    }
    b->at = 1;
    b->alive = alive;
    b->n = (alive + LANES - 1) / LANES;
    b->tail = MSM_ALL_LANES >> (b->n * LANES - alive);
    b->down = false;
    for (size_t k = 0; k < b->n; k++) {
        M(prefetch)(b, k + MSM_AHEAD);
        M(forward)(b, k, product, from);
    }
    if (b->n > 0)
        M(inverses)(b, inverse, product, from);
}

static __attribute__((noinline)) void M(begin_foreign)(M(batch) * b, FE inverse[MSM_CHAINS],
                                                       size_t all, size_t alive)
{
    M(begin)(b, inverse, all, alive, M(FOREIGN));
}

static __attribute__((noinline)) void M(begin_own)(M(batch) * b, FE inverse[MSM_CHAINS], size_t all,
                                                   size_t alive)
{
    M(begin)(b, inverse, all, alive, M(OWN));
}

static __attribute__((noinline)) void M(go_on_foreign)(M(batch) * b, FE inverse[MSM_CHAINS],
                                                       size_t alive)
{
    M(go_on)(b, inverse, alive, M(FOREIGN));
}

static __attribute__((noinline)) void M(go_on_own)(M(batch) * b, FE inverse[MSM_CHAINS],
                                                   size_t alive)
{
    M(go_on)(b, inverse, alive, M(OWN));
}

static __attribute__((noinline)) void M(add_fold)(M(batch) * b)
{
    FE product[MSM_CHAINS], inverse[MSM_CHAINS];

    M(ones)(product);
    b->down = false;
    for (size_t k = 0; k < b->n; k++)
        M(forward)(b, k, product, M(FOLD));
    M(inverses)(b, inverse, product, M(FOLD));
    for (size_t k = b->n; k-- > 0;)
        M(backward)(b, k, inverse, M(FOLD));
}

/* What a batch needs but its accumulators; returns the memory behind. */
static unsigned char *M(batch_at)(M(batch) * b, void *mem)
{
    unsigned char *p = mem;

    *b = (M(batch)){0};
    b->dx = (FE *)(void *)p;
    b->dy = b->dx + MSM_BATCH;
    b->pre = b->dy + MSM_BATCH;
    p = (unsigned char *)(b->pre + MSM_BATCH);
    b->map = (uint32_t *)(void *)p;
    p += MSM_BATCH * sizeof *b->map;
    b->steps = (uint32_t *)(void *)p;
    p += MSM_STRIDE * MSM_LONGEST * sizeof *b->steps;
    b->skip = p;
    b->dbl = p + MSM_BATCH;
    return p + 2 * MSM_BATCH;
}

#undef MSM_WORK_BYTES
#define MSM_WORK_BYTES                                                                             \
    (MSM_BATCH * (3 * sizeof(FE) + sizeof(M(pt)) + sizeof(uint32_t) + 3 * sizeof(uint8_t)) +       \
     MSM_STRIDE * MSM_LONGEST * sizeof(uint32_t))

_Static_assert(MSM_BATCH % 64 == 0 && MSM_LONGEST % 16 == 0, "what follows an array is aligned");

/* How many of n segments, ordered by falling length, have more than len entries. */
static size_t M(longer)(const msm_seg *segs, size_t n, uint32_t len)
{
    while (n > 0 && segs[n - 1].len <= len)
        n--;
    return n;
}

/* The entries of n segments, all first ones, then all second ones, and so on: as batches read them.
 */
static void M(by_steps)(M(batch) * b, const msm_seg *segs, size_t n, const uint32_t *entries)
{
    for (size_t k = 0; k < n; k++) {
        const uint32_t *from = entries + segs[k].start;

        for (uint32_t j = 0; j < segs[k].len; j++)
            b->steps[j * MSM_STRIDE + k] = from[j];
    }
}

/* The accumulators to where their segments say, those of lanes without a segment to nowhere. */
static void M(last)(const M(batch) * b, const msm_seg *segs, size_t n, uint64_t *const dst[2])
{
    for (size_t k = 0; k * LANES < n; k++) {
        uint64_t *at[LANES];
        const M(pt) *acc = &b->acc[k];
        uint64_t spare[WORDS];

        for (unsigned i = 0; i < LANES; i++) {
            uint32_t out = k * LANES + i < n ? segs[k * LANES + i].out : 0;

            at[i] = k * LANES + i < n
                        ? dst[out >= MSM_PARTIAL] + (size_t)(out & ~MSM_PARTIAL) * WORDS
                        : spare;
        }
        F(scatter)(at, &acc->x, &acc->y, b->inf[k]);
    }
}

static p_status M(sum)(void *mem, const uint64_t *src, bool own, const uint32_t *entries,
                       const msm_seg *segs, size_t n, uint64_t *const dst[2],
                       const p_cancel *cancel)
{
    M(batch) b;
    unsigned char *rest = M(batch_at)(&b, mem);
    size_t most = MSM_BATCH * LANES;
    FE inverse[MSM_CHAINS];

    b.acc = (M(pt) *)(void *)rest;
    b.inf = rest + MSM_BATCH * sizeof *b.acc;
    b.src = src;
    for (size_t from = 0; from < n; from += most, segs += most) {
        size_t all = n - from < most ? n - from : most, alive;

        if (p_cancel_requested(cancel))
            return P_ECANCELLED;
        M(by_steps)(&b, segs, all, entries);
        alive = M(longer)(segs, all, 1);
        if (own)
            M(begin_own)(&b, inverse, all, alive);
        else
            M(begin_foreign)(&b, inverse, all, alive);
        while (alive > 0) {
            alive = M(longer)(segs, alive, b.at + 1);
            if (own)
                M(go_on_own)(&b, inverse, alive);
            else
                M(go_on_foreign)(&b, inverse, alive);
        }
        M(last)(&b, segs, all, dst);
    }
    return P_OK;
}

/* One round of additions that halves every part of every window. */
static p_status M(fold_round)(M(batch) * b, size_t window, unsigned windows, unsigned round,
                              const p_cancel *cancel)
{
    size_t half = window >> (round + 1);

    b->n = 0;
    b->tail = MSM_ALL_LANES;
    b->shift = half;
    for (unsigned w = 0; w < windows; w++)
        for (unsigned part = 0; part <= round; part++) {
            size_t base = w * window + (part ? window >> part : 0);

            for (size_t i = 0; i < half; i++) {
                b->map[b->n++] = (uint32_t)(base + i);
                if (b->n < MSM_BATCH)
                    continue;
                if (p_cancel_requested(cancel))
                    return P_ECANCELLED;
                M(add_fold)(b);
                b->n = 0;
            }
        }
    if (b->n > 0)
        M(add_fold)(b);
    return P_OK;
}

/* With the buckets' numbers written in binary, the sum of number times bucket is the sum over the
 * bits of 2^bit times the buckets that have it. The highest bit's are the upper half: they are kept
 * for themselves, as a part, and added to the lower half, for the bits below. Then the next bit,
 * while the parts are halved, too, until each is one vector. In all two additions a bucket. */
static p_status M(fold)(void *mem, void *v, const uint64_t *buckets, unsigned log_n,
                        unsigned windows, uint64_t *out, const p_cancel *cancel)
{
    const size_t window = ((size_t)1 << log_n) / LANES;
    const unsigned rounds = log_n - LANES_LOG2;
    M(batch) b;
    p_status status = P_OK;

    M(batch_at)(&b, mem);
    b.acc = v;
    b.inf = (uint8_t *)(b.acc + windows * window);
    for (size_t k = 0; k < windows * window; k++) {
        const uint64_t *at[LANES];

        for (unsigned i = 0; i < LANES; i++)
            at[i] = buckets + (k * LANES + i) * WORDS;
        b.inf[k] = (uint8_t)F(gather)(&b.acc[k].x, &b.acc[k].y, at, 0, true);
    }
    for (unsigned round = 0; round < rounds && status == P_OK; round++)
        status = M(fold_round)(&b, window, windows, round, cancel);
    for (unsigned w = 0; w < windows && status == P_OK; w++)
        for (unsigned part = 0; part <= rounds; part++) {
            size_t k = w * window + (part ? window >> part : 0);
            uint64_t *at[LANES];

            for (unsigned i = 0; i < LANES; i++, out += WORDS)
                at[i] = out;
            F(scatter)(at, &b.acc[k].x, &b.acc[k].y, b.inf[k]);
        }
    return status;
}

#undef MSM_CHAINS
#undef MSM_AHEAD
#undef MSM_ALWAYS
#undef MSM_ALL_LANES
