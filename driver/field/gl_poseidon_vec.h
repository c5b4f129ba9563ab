/* The vector implementation without 52-bit multiply-adds: LANES states at a time, one in each lane.
 * A file defines, includes this, and has permute_many, compress and absorb:
 *
 *   vec, LANES           compiler vector of LANES uint64_t
 *   set1                 all lanes the same
 *   mul32                product of the low 32 bits of each lane
 *   add_if_less          x + GL_EPSILON in the lanes where a < b (unsigned), else x
 *   sub_if_less          x - GL_EPSILON likewise
 *   canonical            any word to its residue below p
 *   load_8, load_4       x[i], lane s = p[s * stride + i]
 *   store_8, store_4     the inverse
 *   NAME(f)              its name for the external function f
 *   IDLE_LANES_FROM      so many states that a batch with idle lanes beats one after the other
 *
 * Between the steps an element is a loose 64-bit word (any word that stands for its residue); the
 * linear layer takes its 32-bit halves apart, and elements that wait during partial rounds stay
 * apart for three rounds: 32 + 3 * 8.05 bits. */
#include "driver/field/gl_poseidon_constants.h"
#include "driver/field/gl_poseidon_linear.h"
#include "driver/field/gl_poseidon_x86.h"

#define INLINE static inline __attribute__((always_inline))
#define WIDTH GL_POSEIDON_WIDTH

GL_POSEIDON_DEFINE_LINEAR(linear_half, vec, __attribute__((always_inline)))

/* hi * 2^64 + lo to a loose word, as in gl_reduce128 */
INLINE vec reduce(vec lo, vec hi)
{
    vec top = hi >> 32, t = lo - top, m = mul32(hi, set1(GL_EPSILON)), s;

    t = sub_if_less(t, lo, top);
    s = t + m;
    return add_if_less(s, s, m);
}

INLINE vec multiply(vec a, vec b)
{
    const vec mask = set1(GL_EPSILON);
    vec a_hi = a >> 32, b_hi = b >> 32;
    vec low = mul32(a, b), left = mul32(a_hi, b), right = mul32(a, b_hi), high = mul32(a_hi, b_hi);
    vec t = left + (low >> 32), u = right + (t & mask);

    return reduce((low & mask) | u << 32, high + (t >> 32) + (u >> 32));
}

INLINE vec sbox(vec x)
{
    vec x2 = multiply(x, x), x3 = multiply(x2, x), x4 = multiply(x2, x2);

    return multiply(x3, x4);
}

/* lo + 2^32 * hi to a loose word, both below 2^63 */
INLINE vec join(vec lo, vec hi)
{
    vec sum = hi + (lo >> 32), top = sum >> 32, fold = (top << 32) - top;
    vec s = ((lo & set1(GL_EPSILON)) | sum << 32) + fold;

    return add_if_less(s, s, fold);
}

INLINE void split(vec *lo, vec *hi, vec x)
{
    *lo = x & set1(GL_EPSILON);
    *hi = x >> 32;
}

INLINE vec join_constant(vec lo, vec hi, gl_t c)
{
    return join(lo + set1(c & GL_EPSILON), hi + set1(c >> 32));
}

static void full_round(vec x[WIDTH], const gl_t next[WIDTH])
{
    vec lo[WIDTH], hi[WIDTH];

    for (int i = 0; i < WIDTH; i++)
        split(&lo[i], &hi[i], sbox(x[i]));
    linear_half(lo);
    linear_half(hi);
    for (int i = 0; i < WIDTH; i++)
        x[i] = join_constant(lo[i], hi[i], next[i]);
}

static void partial_rounds(vec x[WIDTH], const gl_t after[WIDTH])
{
    vec lo[WIDTH], hi[WIDTH];

    for (int i = 0; i < WIDTH; i++)
        split(&lo[i], &hi[i], x[i]);
    for (int r = 0; r < GL_POSEIDON_PARTIAL_ROUNDS; r++) {
        split(&lo[0], &hi[0], sbox(join_constant(lo[0], hi[0], GL_POSEIDON_FIRST[r])));
        linear_half(lo);
        linear_half(hi);
        if (r % 3 == 2)
            for (int i = 1; i < WIDTH; i++)
                split(&lo[i], &hi[i], join(lo[i], hi[i]));
    }
    for (int i = 0; i < WIDTH; i++)
        x[i] = join_constant(lo[i], hi[i], after[i]);
}

/* any words in and out */
static void permute(vec x[WIDTH])
{
    static const gl_t none[WIDTH] = {0};

    for (int i = 0; i < WIDTH; i++) {
        vec lo, hi;

        split(&lo, &hi, x[i]);
        x[i] = join_constant(lo, hi, GL_POSEIDON_FULL[0][i]);
    }
    for (int r = 1; r <= 4; r++)
        full_round(x, r < 4 ? GL_POSEIDON_FULL[r] : none);
    partial_rounds(x, GL_POSEIDON_FULL[4]);
    for (int r = 5; r <= 8; r++)
        full_round(x, r < 8 ? GL_POSEIDON_FULL[r] : none);
}

static void permute_lanes(gl_t *states)
{
    vec x[WIDTH];

    load_8(x, states, WIDTH);
    load_4(x + 8, states + 8, WIDTH);
    permute(x);
    for (int i = 0; i < WIDTH; i++)
        x[i] = canonical(x[i]);
    store_8(states, x, WIDTH);
    store_4(states + 8, x + 8, WIDTH);
}

/* from: which four elements are wanted */
SHARED void step_lanes(gl_t *out, const uint64_t *in, const gl_t *capacity, int from)
{
    vec x[WIDTH];

    load_8(x, in, GL_POSEIDON_RATE);
    if (capacity)
        load_4(x + 8, capacity, GL_POSEIDON_CAPACITY);
    else
        for (int i = GL_POSEIDON_RATE; i < WIDTH; i++)
            x[i] = set1(0);
    permute(x);
    for (int i = from; i < from + 4; i++)
        x[i] = canonical(x[i]);
    store_4(out, x + from, 4);
}

static void compress_lanes(gl_t *out, const uint64_t *in, const gl_t *capacity)
{
    step_lanes(out, in, capacity, 0);
}

static void absorb_lanes(gl_t *out, const uint64_t *in, const gl_t *capacity)
{
    step_lanes(out, in, capacity, GL_POSEIDON_RATE);
}

void NAME(permute_many)(gl_t *states, size_t count)
{
    for (; count >= LANES; count -= LANES, states += LANES * WIDTH)
        permute_lanes(states);
    if (count >= IDLE_LANES_FROM) {
        gl_t batch[LANES * WIDTH] = {0};

        memcpy(batch, states, count * WIDTH * sizeof(gl_t));
        permute_lanes(batch);
        memcpy(states, batch, count * WIDTH * sizeof(gl_t));
    } else {
        for (; count > 0; count--, states += WIDTH)
            gl_poseidon_permute_portable(states);
    }
}

/* lanes: compress_lanes or absorb_lanes */
static void steps(gl_poseidon_step at,
                  void (*lanes)(gl_t *out, const uint64_t *in, const gl_t *capacity))
{
    for (; at.count >= LANES; gl_poseidon_step_advance(&at, LANES))
        lanes(at.out, at.in, at.capacity);
    if (at.count >= IDLE_LANES_FROM) {
        uint64_t batch[LANES * GL_POSEIDON_RATE] = {0};
        gl_t state[LANES * GL_POSEIDON_CAPACITY] = {0};

        gl_poseidon_step_gather(&at, batch, state);
        lanes(state, batch, state);
        memcpy(at.out, state, at.count * 4 * sizeof(gl_t));
    } else {
        for (; at.count > 0; gl_poseidon_step_advance(&at, 1))
            gl_poseidon_step_single(&at, gl_poseidon_permute_portable);
    }
}

void NAME(compress)(gl_t *out, const uint64_t *in, const gl_t *capacity, size_t count)
{
    steps((gl_poseidon_step){out, in, capacity, count, 0}, compress_lanes);
}

void NAME(absorb)(gl_t *capacity, const uint64_t *in, size_t count)
{
    steps((gl_poseidon_step){capacity, in, capacity, count, GL_POSEIDON_RATE}, absorb_lanes);
}
