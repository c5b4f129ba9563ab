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
    /* FOREIGN, OWN: entry `at` of segment k * LANES + lane */
    const uint64_t *src;
    const uint32_t *entries;
    const msm_seg *segs;
    uint32_t at;
    size_t next; /* segments that go on after this batch */
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
        const msm_seg *seg = &b->segs[k * LANES + (lanes >> i & 1 ? i : 0)];
        uint32_t entry = b->entries[seg->start + b->at];

        at[i] = b->src + (size_t)(entry >> 1) * WORDS;
        sign |= (entry & 1) << i;
    }
    return F(gather)(&p->x, &p->y, at, sign, from == M(OWN));
}

/* d, y2 - y1 and the products of the vectors before. */
MSM_ALWAYS void M(forward)(M(batch) * b, FE product[MSM_CHAINS], int from)
{
    FE one;

    F(one)(&one);
    for (size_t k = 0; k < b->n; k++) {
        const size_t a = from == M(FOLD) ? b->map[k] : k;
        const unsigned lanes = k + 1 < b->n ? MSM_ALL_LANES : b->tail;
        M(pt) *acc = &b->acc[a], p;
        FE *chain = &product[k % MSM_CHAINS];
        unsigned inf = M(second)(&p, b, k, lanes, from), skip = inf | b->inf[a];

        skip |= MSM_ALL_LANES & ~lanes;
        F(sub)(&b->dx[k], &p.x, &acc->x);
        F(sub)(&b->dy[k], &p.y, &acc->y);
        if (__builtin_expect(skip != 0, 0)) {
            unsigned take = b->inf[a] & ~inf & lanes;

            if (take) {
                F(tidy)(&p.x, &p.x);
                F(tidy)(&p.y, &p.y);
                F(select)(&acc->x, take, &p.x, &acc->x);
                F(select)(&acc->y, take, &p.y, &acc->y);
                b->inf[a] &= (uint8_t)~take;
            }
            F(select)(&b->dx[k], skip, &one, &b->dx[k]);
        }
        b->skip[k] = (uint8_t)skip;
        b->dbl[k] = 0;
        b->pre[k] = *chain;
        F(mul)(chain, chain, &b->dx[k]);
    }
}

/* The lanes with d = 0, after which no product is 0: y1 = 0 makes infinity (no point of the curve
 * has it, but points may be anything). */
static void M(repair)(M(batch) * b, FE product[MSM_CHAINS], int from)
{
    FE one;

    F(one)(&one);
    for (size_t k = 0; k < b->n; k++) {
        const size_t a = from == M(FOLD) ? b->map[k] : k;
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

MSM_ALWAYS void M(prefetch)(const M(batch) * b, size_t k)
{
    for (unsigned i = 0; i < LANES && k * LANES + i < b->next; i++) {
        uint32_t entry = b->entries[b->segs[k * LANES + i].start + b->at + 1];
        const uint64_t *p = b->src + (size_t)(entry >> 1) * WORDS;

        __builtin_prefetch(p);
        if (WORDS > 8)
            __builtin_prefetch(p + 8);
    }
}

MSM_ALWAYS void M(backward)(M(batch) * b, FE inverse[MSM_CHAINS], int from)
{
    FE null;

    F(null)(&null);
    for (size_t k = b->n; k-- > 0;) {
        M(pt) *acc = &b->acc[from == M(FOLD) ? b->map[k] : k];
        FE *chain = &inverse[k % MSM_CHAINS];
        FE l, t, d = b->dx[k];
        M(pt) sum;

        if (from != M(FOLD))
            M(prefetch)(b, k);
        F(mul)(&l, chain, &b->pre[k]);
        F(mul)(chain, chain, &d);
        F(mul)(&l, &l, &b->dy[k]);
        F(sqr_loose)(&t, &l);
        if (__builtin_expect(b->dbl[k] != 0, 0))
            F(select)(&d, b->dbl[k], &null, &d); /* x2 = x1 there */
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
}

MSM_ALWAYS void M(add)(M(batch) * b, int from)
{
    FE product[MSM_CHAINS], inverse[MSM_CHAINS];

    for (int i = 0; i < MSM_CHAINS; i++)
        F(one)(&product[i]);
    M(forward)(b, product, from);
    if (__builtin_expect(!M(invert)(inverse, product), 0)) {
        for (int i = 0; i < MSM_CHAINS; i++)
            F(one)(&product[i]);
        M(repair)(b, product, from);
        M(invert)(inverse, product);
    }
    M(backward)(b, inverse, from);
}

static __attribute__((noinline)) void M(add_foreign)(M(batch) * b)
{
    M(add)(b, M(FOREIGN));
}

static __attribute__((noinline)) void M(add_own)(M(batch) * b)
{
    M(add)(b, M(OWN));
}

static __attribute__((noinline)) void M(add_fold)(M(batch) * b)
{
    M(add)(b, M(FOLD));
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
    b->skip = p;
    b->dbl = p + MSM_BATCH;
    return p + 2 * MSM_BATCH;
}

#undef MSM_WORK_BYTES
#define MSM_WORK_BYTES                                                                             \
    (MSM_BATCH * (3 * sizeof(FE) + sizeof(M(pt)) + sizeof(uint32_t) + 3 * sizeof(uint8_t)))

_Static_assert(MSM_BATCH % 64 == 0, "arrays of bytes keep what follows them aligned");

static void M(first)(M(batch) * b, bool own)
{
    for (size_t k = 0; k < b->n; k++) {
        const unsigned lanes = k + 1 < b->n ? MSM_ALL_LANES : b->tail;
        M(pt) p;

        b->inf[k] = (uint8_t)(own ? M(second)(&p, b, k, lanes, M(OWN))
                                  : M(second)(&p, b, k, lanes, M(FOREIGN)));
        F(tidy)(&b->acc[k].x, &p.x);
        F(tidy)(&b->acc[k].y, &p.y);
    }
}

/* The accumulators to where their segments say. Lanes without a segment have lane 0's: the same
 * place, and what has to be there is written last. */
static void M(last)(const M(batch) * b, size_t n, uint64_t *const dst[2])
{
    for (size_t k = 0; k * LANES < n; k++) {
        uint64_t *at[LANES];
        const M(pt) *acc = &b->acc[k];
        uint64_t spare[WORDS];

        for (unsigned i = 0; i < LANES; i++) {
            uint32_t out = k * LANES + i < n ? b->segs[k * LANES + i].out : 0;

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

    b.acc = (M(pt) *)(void *)rest;
    b.inf = rest + MSM_BATCH * sizeof *b.acc;
    b.src = src;
    b.entries = entries;
    for (size_t from = 0; from < n; from += most) {
        size_t all = n - from < most ? n - from : most, alive = all;

        if (p_cancel_requested(cancel))
            return P_ECANCELLED;
        b.segs = segs + from;
        for (b.at = 0; alive > 0; b.at++) {
            b.n = (alive + LANES - 1) / LANES;
            b.tail = MSM_ALL_LANES >> (b.n * LANES - alive);
            b.next = alive;
            while (b.next > 0 && b.segs[b.next - 1].len <= b.at + 1)
                b.next--;
            if (b.at == 0)
                M(first)(&b, own);
            else if (own)
                M(add_own)(&b);
            else
                M(add_foreign)(&b);
            alive = b.next;
        }
        M(last)(&b, all, dst);
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
#undef MSM_ALWAYS
#undef MSM_ALL_LANES
