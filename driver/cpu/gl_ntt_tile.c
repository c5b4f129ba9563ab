/* Sub-transforms inside a buffer: the schedule of radices, their twiddles, and the steps' strides.
 */
#include "driver/cpu/gl_ntt_step.h"

#define ROW GL_NTT_LANES

gl_t gl_ntt_root(unsigned log_order, bool inverse)
{
    gl_t w = gl_root_of_unity(log_order);

    return inverse ? gl_inv(w) : w;
}

/* Radix 8 as long as it goes; no radix 2 if two of radix 4 do it. */
static unsigned schedule(unsigned log_r, unsigned log[GL_NTT_MAX_STEPS])
{
    unsigned n = 0;

    while (log_r > 0) {
        unsigned l = log_r == 1 ? 1 : log_r == 2 || log_r == 4 ? 2 : 3;

        log[n++] = l;
        log_r -= l;
    }
    return n;
}

size_t gl_ntt_sub_factors(unsigned log_r, unsigned expand)
{
    unsigned log[GL_NTT_MAX_STEPS], steps = schedule(log_r, log), level = expand;
    size_t n = 1;

    for (unsigned s = 0; s < steps; s++) {
        level += log[s];
        n += (size_t)1 << level;
    }
    return n;
}

static gl_t power_of_two_times(gl_t a, unsigned squarings)
{
    while (squarings-- > 0)
        a = gl_sqr(a);
    return a;
}

void gl_ntt_sub_init(gl_ntt_sub *sub, bool in_time, bool inverse, unsigned log_r, unsigned expand,
                     gl_t shift, gl_t factor, gl_ntt_tw *tables)
{
    unsigned level = expand;

    *sub = (gl_ntt_sub){.in_time = in_time, .inverse = inverse, .log_r = log_r, .expand = expand};
    sub->steps = schedule(log_r, sub->log);
    for (unsigned s = 0; s < sub->steps; s++) {
        /* set g: powers 0 .. R-1 of a root of order 2^(level + log[s]), its exponent g or, in
         * frequency, g reversed: block g is what remains modulo X^h - root^h */
        unsigned r = 1U << sub->log[s], top = level + sub->log[s];
        size_t sets = (size_t)1 << level;
        gl_t root = gl_ntt_root(top, inverse), base = 1;
        gl_t start = power_of_two_times(shift, log_r + expand - top);

        sub->level[s] = level - expand;
        sub->tw[s] = tables;
        for (size_t g = 0; g < sets; g++) {
            size_t at = in_time ? g : gl_ntt_reverse((uint32_t)g, level);
            gl_t w = gl_mul(base, start), power = s == 0 ? factor : 1;

            for (unsigned c = 0; c < r; c++) {
                tables[at * r + c] = gl_ntt_factor(power);
                power = gl_mul(power, w);
            }
            base = gl_mul(base, root);
        }
        tables += sets * r;
        level = top;
    }
}

/* The order of the outputs: place[k] in natural order of the sub-transform, times stride. */
static void set_out(gl_ntt_step *k, const gl_ntt_sub *sub, unsigned log, bool reversed,
                    size_t stride)
{
    for (unsigned c = 0; c < 1U << log; c++) {
        unsigned at = gl_ntt_place(c, log, sub->inverse);

        k->out[c] = (reversed ? gl_ntt_reverse(at, log) : at) * stride;
    }
}

static void set_in(gl_ntt_step *k, unsigned log, bool reversed, size_t stride, size_t tw_stride)
{
    for (unsigned c = 0; c < 1U << log; c++) {
        unsigned at = reversed ? gl_ntt_reverse(c, log) : c;

        k->in[c] = at * stride;
        k->member[c] = tw_stride > 0 ? at * tw_stride : c;
    }
}

/* Groups and rows may change places: rows are the ones that lie closer together in src. */
static void exchange(gl_ntt_step *k)
{
    gl_ntt_step o = *k;

    if (o.src_row <= o.src_group)
        return;
    k->groups = o.run, k->run = o.groups;
    k->src_group = o.src_row, k->src_row = o.src_group;
    k->dst_group = o.dst_row, k->dst_row = o.dst_group;
    k->tw_group = o.tw_row, k->tw_row = o.tw_group;
}

static gl_ntt_kernel *choose(const gl_ntt_ops *ops, const gl_ntt_tile *t, unsigned log, bool first,
                             bool last)
{
    gl_ntt_mode mode = first ? t->first : last && t->stream ? GL_NTT_SOME_STREAM : GL_NTT_SOME;

    return ops->step[log - 1][mode][last && t->canonical];
}

/* A memory access takes about as long as ten rows of a step. */
static void look_ahead(gl_ntt_step *k)
{
    k->ahead = k->run > 1 ? k->src_group : 16 * k->src_group;
}

static void in_frequency(const gl_ntt_ops *ops, const gl_ntt_sub *sub, const gl_ntt_tile *t)
{
    size_t dense = t->inner * ROW; /* words from one element to the next in buf */

    for (unsigned s = 0; s < sub->steps; s++) {
        unsigned log = sub->log[s], level = sub->level[s];
        bool last = s + 1 == sub->steps;
        size_t r = (size_t)1 << log, blocks = (size_t)1 << level;
        size_t sub_rows = (size_t)1 << (sub->log_r - level - log); /* of a member's block */
        size_t src_member = s == 0 ? t->src_member : dense;
        size_t dst_member = last ? t->dst_member : dense;
        gl_ntt_step k = {.src = s == 0 ? t->src : t->buf, .dst = last ? t->dst : t->buf};
        gl_ntt_kernel *kernel = choose(ops, t, log, s == 0, last);

        k.src_row = s == 0 ? t->src_inner : ROW;
        k.dst_row = last ? t->dst_inner : ROW;
        if (s == 0) {
            k.tw = t->tw ? t->tw : sub->tw[0];
            set_in(&k, log, false, sub_rows * src_member, t->tw ? sub_rows * t->tw_member : 0);
            set_out(&k, sub, log, !(last && t->natural), sub_rows * dst_member);
            k.groups = sub_rows, k.run = t->inner;
            k.src_group = src_member, k.dst_group = dst_member;
            k.tw_group = t->tw ? t->tw_member : 0;
            k.tw_row = t->tw ? t->tw_inner : 0;
            exchange(&k);
            look_ahead(&k);
            kernel(&k);
            continue;
        }
        k.tw = sub->tw[s];
        set_in(&k, log, false, sub_rows * dense, 0);
        k.tw_group = r;
        k.src_group = r * sub_rows * dense;
        k.run = t->inner * sub_rows; /* the last step: sub_rows is 1 */
        if (last && t->natural) {
            set_out(&k, sub, log, false, blocks * dst_member);
            k.groups = 1;
            for (size_t g = 0; g < blocks; g++) {
                k.src = t->buf + g * k.src_group;
                k.dst = t->dst + gl_ntt_reverse((uint32_t)g, level) * dst_member;
                k.tw = sub->tw[s] + g * r;
                kernel(&k);
            }
            continue;
        }
        set_out(&k, sub, log, true, sub_rows * dst_member);
        k.dst_group = r * sub_rows * dst_member;
        k.groups = blocks;
        kernel(&k);
    }
}

static void in_time(const gl_ntt_ops *ops, const gl_ntt_sub *sub, const gl_ntt_tile *t)
{
    size_t dense = t->inner * ROW, copies = (size_t)1 << sub->expand;

    for (unsigned s = 0; s < sub->steps; s++) {
        unsigned log = sub->log[s], level = sub->level[s];
        bool last = s + 1 == sub->steps;
        size_t r = (size_t)1 << log;
        size_t blocks = (size_t)1 << (sub->log_r - level - log);
        size_t h = copies << level; /* rows of a member's block */
        size_t src_member = s == 0 ? t->src_member : dense;
        size_t dst_member = last ? t->dst_member : dense;
        gl_ntt_step k = {.src = s == 0 ? t->src : t->buf, .dst = last ? t->dst : t->buf};
        gl_ntt_kernel *kernel = choose(ops, t, log, s == 0, last);

        set_out(&k, sub, log, false, h * dst_member);
        k.run = t->inner;
        k.src_row = s == 0 ? t->src_inner : ROW;
        k.dst_row = last ? t->dst_inner : ROW;
        if (s == 0) {
            k.tw = t->tw ? t->tw : sub->tw[0];
            set_in(&k, log, true, src_member, t->tw ? t->tw_member : 0);
            k.groups = blocks;
            k.src_group = r * src_member, k.dst_group = r * h * dst_member;
            k.tw_group = t->tw ? r * t->tw_member : 0;
            k.tw_row = t->tw ? t->tw_inner : 0;
            if (copies > 1) { /* inner is 1: the run goes over the copies */
                k.run = copies;
                k.src_row = 0, k.dst_row = dst_member, k.tw_row = r;
            }
            look_ahead(&k);
            kernel(&k);
            continue;
        }
        set_in(&k, log, true, h * dense, 0);
        k.groups = h;
        k.src_group = dense, k.dst_group = dst_member, k.tw_group = r;
        for (size_t b = 0; b < blocks; b++) {
            k.src = t->buf + b * r * h * dense;
            k.dst = (last ? t->dst : t->buf) + b * r * h * dst_member;
            k.tw = sub->tw[s];
            kernel(&k);
        }
    }
}

void gl_ntt_tile_run(const gl_ntt_ops *ops, const gl_ntt_sub *sub, const gl_ntt_tile *tile)
{
    if (sub->in_time)
        in_time(ops, sub, tile);
    else
        in_frequency(ops, sub, tile);
}
