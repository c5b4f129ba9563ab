// Integers that count: the cores of hls/core, compiled as C++ with these in place of their integer types, leave behind the
// circuit that they are: which operations, how wide, and when each result is there.
//
// A value knows its range (so that a 64-bit variable that holds 35 bits costs 35), its number (the same operation on the
// same operands is built once), and the time at which a pipeline has it. Constants cost nothing, and neither do shifts
// by constants, masks, and factors that are powers of two. A condition on values becomes a multiplexer: which way it goes is
// prescribed from outside, and a circuit has what any way needs, so cores are run with several prescriptions and everything
// is collected.
#ifndef ZKP_HLS_MODEL_COUNTED_HPP
#define ZKP_HLS_MODEL_COUNTED_HPP

#include <cmath>
#include <cstdint>
#include <map>
#include <type_traits>

namespace counted {

using wide = __int128;

// ---- what an operation costs: assumptions, see README.md ----

constexpr double PERIOD = 3.33;                                       // ns: 300 MHz
constexpr double USABLE = 0.88 * PERIOD;                              // the rest is clock and registers
inline double carry_ns(int bits) { return 0.5 + 0.008 * bits; }       // addition, comparison
constexpr double GATE_NS = 0.4;                                       // one LUT and its wire
constexpr int DSP_A = 26, DSP_B = 17;                                 // unsigned factors of one DSP48E2
inline int tiles(int bits, int size) { return (bits + size - 1) / size; }
inline int dsps(int a, int b)
{
    const int one = tiles(a, DSP_A) * tiles(b, DSP_B), other = tiles(b, DSP_A) * tiles(a, DSP_B);

    return one < other ? one : other;
}
inline int product_cycles(int dsp) { return dsp == 1 ? 1 : 2; }       // tiles are added up in the second

struct node {
    bool built, product, fabric; // fabric: a product that is bound to LUTs
    int dsp, lut;                // of a product: one or the other
    int lut_too;                 // of a product in DSPs
    bool adder;
    uint64_t carry; // an adder's carry input belongs to this result
};

struct circuit {
    std::map<uint64_t, node> nodes;
    uint64_t way = 0; // conditions: 0 all false, 1 all true, else a seed
    // a condition whose choice has not been made yet
    bool pending = false;
    void *frame = nullptr;
    uint64_t chooser = 0;
    double ready = 0;

    bool choose()
    {
        if (way <= 1)
            return way == 1;
        way ^= way << 13;
        way ^= way >> 7;
        way ^= way << 17;
        return way >> 40 & 1;
    }
};
inline circuit &current()
{
    static circuit c;
    return c;
}

inline uint64_t mix(uint64_t a, uint64_t b)
{
    uint64_t z = a * UINT64_C(0x9e3779b97f4a7c15) + b + UINT64_C(0x632be59bd9b4e019);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (z ^ z >> 31) | 1;
}

inline int bits_of(wide low, wide high)
{
    int bits = low < 0 ? 1 : 0;
    wide most = high > -low ? high : -low;

    if (low >= 0)
        most = high;
    for (; most > 0; most >>= 1)
        bits++;
    return bits;
}

struct any {
    wide value = 0, low = 0, high = 0;
    uint64_t id = 0; // 0: constant
    double time = 0;

    int bits() const { return bits_of(low, high); }
};

inline any constant(wide value)
{
    any r;

    r.value = r.low = r.high = value;
    return r;
}

// the earliest start of something that takes ns and cannot be cut by a register
inline double start(double ready, double ns)
{
    const double cycle = std::floor(ready / PERIOD + 1e-9), into = ready - cycle * PERIOD;

    return into + ns > USABLE ? (cycle + 1) * PERIOD : ready;
}

// r = a op b; a product has dsp > 0 and no ns, its LUTs are those that it takes without DSPs
inline void record(any &r, uint64_t op, const any &a, const any &b, int dsp, int lut, double ns)
{
    double ready = a.time > b.time ? a.time : b.time, begin = start(ready, ns), end = begin + ns;

    if (dsp > 0) {
        begin = std::ceil(ready / PERIOD - 1e-9) * PERIOD;
        end = begin + product_cycles(dsp) * PERIOD;
    }
    r.id = mix(mix(op, a.id ? a.id : mix(7, (uint64_t)a.value)), b.id ? b.id : mix(11, (uint64_t)b.value));
    r.time = end;
    node &n = current().nodes[r.id];
    if (!n.built)
        n = node{true, dsp > 0, false, dsp, lut, 0, op == '+' || op == '-', 0};
}

struct condition {
    any of; // id 0: known
    bool known;

    any as_value() const { return of.id ? of : constant(known); }

    // as a number that a function returns: nothing is chosen yet, and what chooses by it is not seen
    operator int() const { return of.id == 0 ? known : current().choose(); }
    // the caller's frame is where the choice ends
    __attribute__((noinline)) operator bool() const
    {
        circuit &c = current();

        if (of.id == 0)
            return known;
        c.pending = true;
        c.frame = __builtin_frame_address(1);
        c.chooser = of.id;
        c.ready = of.time;
        return c.choose();
    }
};

any plus(const any &a, const any &b);
// HLS_BIND_FABRIC
inline void bind_fabric(const any &product)
{
    auto at = current().nodes.find(product.id);

    if (at != current().nodes.end())
        at->second.fabric = at->second.product;
}

any gate(const any &a, const any &b, uint64_t op);
any shift(const any &a, int by);

template <class T> class num : public any {
    static constexpr wide LOWEST = std::is_signed<T>::value ? -((wide)1 << (8 * sizeof(T) - 1)) : 0;
    static constexpr wide HIGHEST = ((wide)1 << (8 * sizeof(T) - std::is_signed<T>::value)) - 1;

    // a pending choice ends where its result is stored or returned, in the function that made it
    void chosen(void *frame)
    {
        circuit &c = current();

        if (!c.pending || c.frame != frame)
            return;
        c.pending = false;
        const double begin = start(c.ready > time ? c.ready : time, GATE_NS);
        const int width = 8 * (int)sizeof(T);

        // both ways have to look alike from here on
        low = LOWEST;
        high = HIGHEST;
        id = mix(c.chooser, 13);
        time = begin + GATE_NS;
        node &n = c.nodes[id];
        if (!n.built)
            n = node{true, false, false, 0, (width + 1) / 2, 0, false, 0};
    }

    void fit()
    {
        value = (wide)(T)value;
        if (low < LOWEST || high > HIGHEST) {
            low = LOWEST;
            high = HIGHEST;
        }
    }

public:
    num() = default;
    // an operation's result: no choice ends here
    num(const any &a, int) : any(a) { fit(); }
    num(const num &o) : any(o) { chosen(__builtin_frame_address(1)); }
    num &operator=(const num &o)
    {
        any::operator=(o);
        chosen(__builtin_frame_address(1));
        return *this;
    }
    template <class I, class = typename std::enable_if<std::is_integral<I>::value>::type> num(I constant)
    {
        value = (wide)(T)constant;
        low = high = value;
        chosen(__builtin_frame_address(1));
    }
    template <class U> num(const num<U> &o) : any(o)
    {
        fit();
        chosen(__builtin_frame_address(1));
    }

    num(const condition &c) : any(c.as_value()) { chosen(__builtin_frame_address(1)); }
    // a choice by a value: whether it is zero, which for a carry costs nothing
    explicit __attribute__((noinline)) operator bool() const
    {
        circuit &c = current();

        if (id == 0)
            return value != 0;
        c.pending = true;
        c.frame = __builtin_frame_address(1);
        c.chooser = mix(id, 17);
        c.ready = time;
        return c.choose();
    }

    num &operator+=(const num &o) { return *this = num(plus(*this, o), 0); }
    num &operator|=(const num &o) { return *this = num(gate(*this, o, '|'), 0); }
    num &operator>>=(int by) { return *this = num(shift(*this, -by), 0); }
    num &operator^=(const num &o) { return *this = num(gate(*this, o, '^'), 0); }
};

inline any plus(const any &a, const any &b)
{
    any r = constant(a.value + b.value);

    r.low = a.low + b.low;
    r.high = a.high + b.high;
    if (a.id == 0 && b.id == 0)
        return r;
    if (a.id == 0 && a.value == 0)
        return b;
    if (b.id == 0 && b.value == 0)
        return a;
    // one bit more goes into the carry input of the adder that made the other number, if it has none
    const any &one = a.bits() == 1 && a.id ? a : b, &sum = &one == &a ? b : a;
    auto adder = current().nodes.find(sum.id);
    const bool carry_in = one.bits() == 1 && adder != current().nodes.end() && adder->second.adder;
    const bool taken = carry_in && adder->second.carry != 0;
    record(r, '+', a.id < b.id ? a : b, a.id < b.id ? b : a, 0, carry_in && !taken ? 0 : r.bits(),
           carry_in && !taken ? 0.1 : carry_ns(r.bits()));
    if (carry_in && !taken)
        adder->second.carry = r.id;
    return r;
}

inline any minus(const any &a, const any &b)
{
    any r = constant(a.value - b.value);

    r.low = a.low - b.high;
    r.high = a.high - b.low;
    if (a.id == 0 && b.id == 0)
        return r;
    if (b.id == 0 && b.value == 0)
        return a;
    const int bits = r.bits() > 64 ? 64 : r.bits();
    record(r, '-', a, b, 0, bits, carry_ns(bits));
    return r;
}

inline bool power_of_two(wide v)
{
    v = v < 0 ? -v : v;
    return (v & (v - 1)) == 0;
}

// A product by a constant is a sum of shifted copies, one for each digit of its signed form; additions of three in one LUT
// a bit, as the device has them, so two copies more for each row of LUTs. Between variables: a row for two bits of b.
inline int fabric_luts(const any &a, const any &b)
{
    const any &v = a.id ? a : b, &k = a.id ? b : a;
    int digits = 0;

    if (k.id != 0)
        return a.bits() * ((b.bits() + 1) / 2);
    for (wide c = k.value < 0 ? -k.value : k.value; c != 0; c >>= 1)
        if (c & 1) {
            digits++;
            c -= (c & 3) == 3 ? -1 : 1;
        }
    return digits / 2 * (v.bits() + 8);
}

inline any times(const any &a, const any &b)
{
    any r = constant(a.value * b.value);

    r.low = a.low * b.low;
    r.high = a.high * b.high;
    if (r.low > r.high) {
        const wide t = r.low;
        r.low = r.high;
        r.high = t;
    }
    if (a.low < 0 && b.low >= 0)
        r.low = a.low * b.high, r.high = a.high * b.high;
    if (a.id == 0 && b.id == 0)
        return r;
    if (a.id == 0 && power_of_two(a.value))
        return times(b, a);
    if (b.id == 0 && power_of_two(b.value)) {
        if (b.value < 0)
            r.low = a.high * b.value, r.high = a.low * b.value;
        r.id = mix(a.id, mix('<', (uint64_t)b.value));
        r.time = a.time;
        return r;
    }
    const int dsp = dsps(a.bits(), b.bits());
    record(r, '*', a.id < b.id ? a : b, a.id < b.id ? b : a, dsp, fabric_luts(a, b), 0);
    return r;
}

inline any gate(const any &a, const any &b, uint64_t op)
{
    any r = constant(op == '&' ? (a.value & b.value) : op == '|' ? (a.value | b.value) : (a.value ^ b.value));

    if (a.id == 0 && b.id == 0)
        return r;
    const int bits = op == '&' ? (a.bits() < b.bits() ? a.bits() : b.bits())
                               : (a.bits() > b.bits() ? a.bits() : b.bits());
    r.low = 0;
    r.high = ((wide)1 << bits) - 1;
    if (a.id == 0 || b.id == 0) {
        const any &v = a.id ? a : b, &k = a.id ? b : a;

        // masks and constant bits are wires; a mask that keeps everything is nothing at all
        if (op == '&' && k.value == r.high && v.high <= r.high)
            return v;
        r.id = mix(v.id, mix(op, (uint64_t)k.value));
        r.time = v.time;
        return r;
    }
    if (op == '|' && (a.bits() == 0 || b.bits() == 0))
        return a.bits() ? a : b;
    // limbs that are put together do not overlap: wires as well, if the shifted one has zeros below
    record(r, op, a, b, 0, (bits + 1) / 2, GATE_NS);
    return r;
}

inline any shift(const any &a, int by) // by > 0: to the left
{
    any r = a;

    if (by >= 0) {
        r.value = a.value << by;
        r.low = a.low << by;
        r.high = a.high << by;
    } else {
        r.value = a.value >> -by;
        r.low = a.low >> -by;
        r.high = a.high >> -by;
    }
    if (a.id != 0)
        r.id = mix(a.id, mix('s', (uint64_t)(by + 1000)));
    return r;
}

inline condition compare(const any &a, const any &b, uint64_t op, bool known)
{
    condition r{constant(0), known};

    if (a.id == 0 && b.id == 0)
        return r;
    const int bits = a.bits() > b.bits() ? a.bits() : b.bits();
    r.of.high = 1;
    record(r.of, op, a, b, 0, (bits + 1) / 2, carry_ns((bits + 1) / 2));
    return r;
}

// the integer types' usual conversions: what both become
template <class T, class U> using both = num<decltype(T() + U())>;
template <class T> using integral = typename std::enable_if<std::is_integral<T>::value>::type;

#define COUNTED_BINARY(op, name)                                                                   \
    template <class T, class U> both<T, U> operator op(const num<T> &a, const num<U> &b)           \
    {                                                                                              \
        const both<T, U> x(a), y(b);                                                               \
        return both<T, U>(name, 0);                                                                \
    }                                                                                              \
    template <class T, class U, class = integral<U>> both<T, U> operator op(const num<T> &a, U b)  \
    {                                                                                              \
        const both<T, U> x(a), y(b);                                                               \
        return both<T, U>(name, 0);                                                                \
    }                                                                                              \
    template <class T, class U, class = integral<T>> both<T, U> operator op(T a, const num<U> &b)  \
    {                                                                                              \
        const both<T, U> x(a), y(b);                                                               \
        return both<T, U>(name, 0);                                                                \
    }
COUNTED_BINARY(+, plus(x, y))
COUNTED_BINARY(-, minus(x, y))
COUNTED_BINARY(*, times(x, y))
COUNTED_BINARY(&, gate(x, y, '&'))
COUNTED_BINARY(|, gate(x, y, '|'))
COUNTED_BINARY(^, gate(x, y, '^'))
template <class T> num<T> operator+(const num<T> &a, const condition &b) { return num<T>(plus(a, b.as_value()), 0); }

#define COUNTED_COMPARE(op, code)                                                                  \
    template <class T, class U> condition operator op(const num<T> &a, const num<U> &b)            \
    {                                                                                              \
        return compare(a, b, code, a.value op b.value);                                            \
    }                                                                                              \
    template <class T, class U, class = integral<U>> condition operator op(const num<T> &a, U b)   \
    {                                                                                              \
        return compare(a, num<T>(b), code, a.value op(wide) b);                                    \
    }
COUNTED_COMPARE(<, 'l')
COUNTED_COMPARE(>, 'g')
COUNTED_COMPARE(>=, 'G')
COUNTED_COMPARE(<=, 'L')
COUNTED_COMPARE(==, 'e')
COUNTED_COMPARE(!=, 'n')

template <class T> num<T> operator<<(const num<T> &a, int by) { return num<T>(shift(a, by), 0); }
template <class T> num<T> operator>>(const num<T> &a, int by) { return num<T>(shift(a, -by), 0); }
template <class T> num<T> operator-(const num<T> &a) { return num<T>(minus(constant(0), a), 0); }

} // namespace counted

#endif
