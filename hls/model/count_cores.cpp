// Runs the cores of hls/core with integers that count (counted.hpp) and prints what each is as a circuit: a C header of
// model_core_NAME initialisers for card_model.
#include "hls/model/counted.hpp"

#include "hls/include/hls_fault.h"
#include "hls/include/hls_language.h"
#include "hls/include/hls_pragma.h"

#include <cstdio>
#include <functional>

// the arguments' types differ for some faults
#undef HLS_FAULTY
#define HLS_FAULTY(n, right, wrong) (right)
#undef HLS_BIND_FABRIC
#define HLS_BIND_FABRIC(product) counted::bind_fabric(product);

#define uint32_t counted::num<std::uint32_t>
#define uint64_t counted::num<std::uint64_t>
#define int64_t counted::num<std::int64_t>
#include "hls/core/bn.h"
#include "hls/core/bn_g1.h"
#include "hls/core/bn_ntt.h"
#include "hls/core/bn_poseidon.h"
#include "hls/core/gl.h"
#include "hls/core/gl_poseidon.h"
#undef uint32_t
#include "hls/core/gl_ntt.h"
#undef uint64_t
#undef int64_t

#ifdef HLS_MUL64_BLACKBOX
#define BOXED "BOXED_"
// the RTL's DSPs, LUTs and cycles as its descriptions have them (gl_mul_blackbox.json, gl_mul64_blackbox.json)
static counted::any box(const counted::any &a, const counted::any &b, std::uint64_t op, int lut, int cycles)
{
    counted::any r;

    r.high = ((counted::wide)1 << 64) - 1;
    counted::record(r, op, a.id < b.id ? a : b, a.id < b.id ? b : a, 12, lut, 0);
    r.time += (cycles - counted::product_cycles(12)) * counted::PERIOD;
    counted::current().nodes[r.id].lut_too = lut;
    return r;
}

void gl_mul64_blackbox(counted::num<std::uint64_t> a, counted::num<std::uint64_t> b, counted::num<std::uint64_t> *low,
                       counted::num<std::uint64_t> *high)
{
    const counted::any product = box(a, b, 'b', MODEL_MUL64_LUT, MODEL_MUL64_CYCLES);
    counted::any half = product;

    *low = counted::num<std::uint64_t>(half, 0);
    half.id = counted::mix(product.id, 'h');
    *high = counted::num<std::uint64_t>(half, 0);
}

counted::num<std::uint64_t> gl_mul_blackbox(counted::num<std::uint64_t> a, counted::num<std::uint64_t> b)
{
    return counted::num<std::uint64_t>(box(a, b, 'g', MODEL_GL_MUL_LUT, MODEL_GL_MUL_CYCLES), 0);
}
#else
#define BOXED ""
#endif

namespace {

using word = counted::num<std::uint64_t>;
using limb = counted::num<std::uint32_t>;

std::uint64_t inputs;

template <class T> void input(T &x)
{
    x = T(static_cast<std::uint32_t>(0x12345678 + 77 * inputs));
    x.low = 0;
    x.high = ((counted::wide)1 << (8 * (sizeof(T) == sizeof(word) ? (std::is_same<T, word>::value ? 8 : 4) : 4))) - 1;
    x.id = counted::mix(++inputs, 99);
    x.time = 0;
}

void input_bn(hls_bn &x)
{
    for (auto &l : x.l)
        input(l);
}

double last; // time of the latest output

void output(const counted::any &x)
{
    if (x.time > last)
        last = x.time;
}

void output_bn(const hls_bn &x)
{
    for (auto &l : x.l)
        output(l);
}

// Every way of the conditions that a few seeds give, and one circuit of all.
void count(const char *name, const std::function<void()> &core)
{
    counted::circuit &c = counted::current();
    long dsp = 0, lut = 0, products = 0, fabric_products = 0, fabric_lut = 0;

    c = counted::circuit();
    last = 0;
    for (std::uint64_t way = 0; way < 12; way++) {
        c.way = way;
        c.pending = false;
        inputs = 0;
        core();
    }
    for (const auto &entry : c.nodes) {
        const counted::node &n = entry.second;

        if (n.fabric) {
            fabric_products++;
            fabric_lut += n.lut;
        } else if (n.product) {
            products++;
            dsp += n.dsp;
            lut += n.lut_too;
        } else {
            lut += n.lut;
        }
    }
    std::printf("    X(%s, %ld, %ld, %ld, %ld, %ld, %d) \\\n", name, products, dsp, lut, fabric_products, fabric_lut,
                static_cast<int>(std::ceil(last / counted::PERIOD - 1e-9)));
}

} // namespace

int main()
{
    std::printf("/* Written by count_cores. X(name, products in DSPs, DSPs, LUTs without products, products in LUTs,\n"
                " * their LUTs, cycles) */\n#define MODEL_%sCORES(X) \\\n", BOXED);
    count("GL_MUL", [] {
        word a, b;
        input(a);
        input(b);
        output(hls_gl_mul(a, b));
    });
    count("GL_MUL_LOOSE", [] {
        word a, b;
        input(a);
        input(b);
        output(hls_gl_mul_loose(a, b));
    });
    count("GL_POW7", [] {
        word a;
        input(a);
        output(hls_gl_poseidon_pow7(a));
    });
    count("GL_MATRIX", [] {
        word x[HLS_GL_POSEIDON_WIDTH];
        for (auto &e : x)
            input(e);
        hls_gl_poseidon_linear(x, HLS_GL_POSEIDON_ADD[1]);
        for (auto &e : x)
            output(e);
    });
    count("GL_PERMUTE", [] {
        word x[HLS_GL_POSEIDON_WIDTH];
        for (auto &e : x)
            input(e);
        hls_gl_poseidon_permute(x);
        for (auto &e : x)
            output(e);
    });
    count("GL_LANE", [] {
        word a, b, w;
        input(a);
        input(b);
        input(w);
        output(hls_gl_add(a, b));
        output(hls_gl_mul(hls_gl_sub(a, b), w));
    });
    count("GL_BUTTERFLY", [] {
        word a[HLS_GL_LANES], b[HLS_GL_LANES], w;
        for (auto &e : a)
            input(e);
        for (auto &e : b)
            input(e);
        input(w);
        hls_gl_ntt_dif(a, b, w);
        for (auto &e : a)
            output(e);
        for (auto &e : b)
            output(e);
    });
    // one row of a matrix of twelve constants of six bits, without its neighbours to share sums with
    count("GL_ROW", [] {
        static const int k[HLS_GL_POSEIDON_WIDTH] = {17, 15, 41, 16, 2, 28, 13, 13, 39, 18, 34, 20};
        word x[HLS_GL_POSEIDON_WIDTH], low = 0, high = 0;
        for (int i = 0; i < HLS_GL_POSEIDON_WIDTH; i++) {
            input(x[i]);
            word l = (x[i] & HLS_GL_LOW) * k[i], h = (x[i] >> 32) * k[i];
            counted::bind_fabric(l);
            counted::bind_fabric(h);
            low += l;
            high += h;
        }
        output(hls_gl_columns(low, high));
    });
    // one of eight rounds of a product in Montgomery form that a loop makes: t = (t + a_i b + m p) / 2^32
#ifdef HLS_GL_RADIX
    count("GL_EIGHT", [] {
        word x[HLS_GL_RADIX][HLS_GL_QUAD];
        for (auto &row : x)
            for (auto &e : row)
                input(e);
        hls_gl_ntt_eight(x, 3);
        for (auto &row : x)
            for (auto &e : row)
                output(e);
    });
#endif
    count("BN_ROUND", [] {
        hls_bn b;
        limb a, neg_inv, p[HLS_BN_LIMBS];
        word t[HLS_BN_LIMBS + 1], carry;
        input(a);
        input_bn(b);
        input(neg_inv);
        for (auto &e : p)
            input(e);
        for (auto &e : t) {
            input(e);
            e.high = 0xffffffff;
        }
        for (int j = 0; j < HLS_BN_LIMBS; j++) {
            carry += word(a) * b.l[j] + t[j];
            t[j] = carry & HLS_GL_LOW;
            carry >>= 32;
        }
        t[HLS_BN_LIMBS] += carry;
        const limb m = limb(t[0]) * neg_inv;
        carry = 0;
        for (int j = 0; j < HLS_BN_LIMBS; j++) {
            carry += word(m) * p[j] + t[j];
            t[j > 0 ? j - 1 : 0] = carry & HLS_GL_LOW;
            carry >>= 32;
        }
        t[HLS_BN_LIMBS - 1] = t[HLS_BN_LIMBS] + carry;
        for (auto &e : t)
            output(e);
    });
    count("FP_PRODUCT", [] {
        hls_bn a, b;
        hls_bn_wide t;
        input_bn(a);
        input_bn(b);
        hls_bn_product(&t, &a, &b);
        for (auto &e : t.w)
            output(e);
    });
    count("FP_SQUARE", [] {
        hls_bn a;
        hls_bn_wide t;
        input_bn(a);
        hls_bn_square(&t, &a);
        for (auto &e : t.w)
            output(e);
    });
    count("FP_MUL", [] {
        hls_bn r, a, b;
        input_bn(a);
        input_bn(b);
        hls_fp_mul(&r, &a, &b);
        output_bn(r);
    });
    count("FR_MUL_LOOSE", [] {
        hls_bn r, a, b;
        input_bn(a);
        input_bn(b);
        hls_fr_mul_loose(&r, &a, &b);
        output_bn(r);
    });
#ifdef HLS_FR_ROUNDS_CYCLES
    // unrolled, of which the unit is an eighth
    count("FR_MUL_ROUNDS", [] {
        hls_bn r, a, b;
        input_bn(a);
        input_bn(b);
        hls_fr_mul_rounds(&r, &a, &b);
        output_bn(r);
    });
#endif
    count("FR_BUTTERFLY", [] {
        hls_bn a, b, w;
        const limb inverse = 0; // the larger half of the choices
        input_bn(a);
        input_bn(b);
        input_bn(w);
        hls_bn_ntt_butterfly(&a, &b, &w, inverse);
        output_bn(a);
        output_bn(b);
    });
    count("FR_SUM_ADD", [] {
        hls_fr_sum s;
        hls_bn a, b;
        for (auto &e : s.c) {
            input(e);
            e.high = ((counted::wide)1 << 42) - 1;
        }
        input_bn(a);
        input_bn(b);
        hls_fr_sum_add(&s, &a, &b);
        for (auto &e : s.c)
            output(e);
    });
    count("FR_SUM_REDUCE", [] {
        hls_fr_sum s;
        hls_bn r;
        for (auto &e : s.c) {
            input(e);
            e.high = ((counted::wide)1 << 42) - 1;
        }
        hls_fr_sum_reduce(&r, &s);
        output_bn(r);
    });
    count("FR_POW5", [] {
        hls_bn r, a;
        input_bn(a);
        hls_bn_poseidon_pow5(&r, &a);
        output_bn(r);
    });
    count("FP_ADD", [] {
        hls_bn r, a, b;
        input_bn(a);
        input_bn(b);
        hls_fp_add(&r, &a, &b);
        output_bn(r);
    });
    count("FP_SUB", [] {
        hls_bn r, a, b;
        input_bn(a);
        input_bn(b);
        hls_fp_sub(&r, &a, &b);
        output_bn(r);
    });
    count("G1_ADD_AFFINE", [] {
        hls_g1_xyzz r, a;
        hls_g1_affine b;
        input_bn(a.x), input_bn(a.y), input_bn(a.zz), input_bn(a.zzz), input_bn(b.x), input_bn(b.y);
        hls_g1_add_affine(&r, &a, &b);
        output_bn(r.x), output_bn(r.y), output_bn(r.zz), output_bn(r.zzz);
    });
    std::printf("\n");
    return 0;
}
