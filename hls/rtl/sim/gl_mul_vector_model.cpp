// gl_mul_vector behind rtl_model.h: clock, reset, and the three memories behind its ports.
#include "hls/rtl/sim/rtl_model.h"

#include "Vgl_mul_vector.h"
#include "verilated.h"

#include <cstring>
#include <deque>

namespace {

const uint64_t ROW_BYTES = 64;
const uint64_t NEVER = UINT64_MAX;

thread_local uint64_t last_cycles = NEVER;

struct dice {
    uint64_t state; // 0: always yes

    bool roll()
    {
        if (state == 0)
            return true;
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return (state >> 32) % 3 != 0;
    }
};

// A row's place in a buffer; false if the address is none of its rows.
bool place(uint64_t base, uint64_t rows, uint64_t address, unsigned char **at)
{
    const uint64_t offset = address - base;

    if (offset % ROW_BYTES != 0 || offset / ROW_BYTES >= rows)
        return false;
    *at = reinterpret_cast<unsigned char *>(static_cast<uintptr_t>(address));
    return true;
}

// Answers addresses in their order, each CARD_RTL_MEMORY_LATENCY cycles after it came, or later.
struct reader {
    uint64_t base, rows;
    struct answer {
        uint64_t due;
        WData row[ROW_BYTES / sizeof(WData)];
    };
    std::deque<answer> queue;
    bool shown = false;

    bool take(uint64_t address, uint64_t now)
    {
        unsigned char *from;
        answer next;

        if (!place(base, rows, address, &from))
            return false;
        next.due = now + CARD_RTL_MEMORY_LATENCY;
        std::memcpy(next.row, from, ROW_BYTES);
        queue.push_back(next);
        return true;
    }

    // whether the first answer is there; once it is, it stays until it is taken
    bool show(uint64_t now, dice &d)
    {
        shown = !queue.empty() && (shown || (queue.front().due <= now && d.roll()));
        return shown;
    }

    void pop()
    {
        queue.pop_front();
        shown = false;
    }
};

// Returns the cycles, or NEVER.
uint64_t run(const uint64_t *args, uint64_t seed)
{
    VerilatedContext context;
    Vgl_mul_vector rtl(&context);
    const uint64_t rows = static_cast<uint32_t>(args[3]);
    const uint64_t limit = 16 * rows + 10000;
    reader a{args[0], rows, {}}, b{args[1], rows, {}};
    dice d{seed};
    uint64_t result = NEVER;

    rtl.ap_start = 0;
    for (int i = 0; i < 2; i++) {
        rtl.ap_rst = 1;
        rtl.ap_clk = 0;
        rtl.eval();
        rtl.ap_clk = 1;
        rtl.eval();
    }
    rtl.ap_rst = 0;
    rtl.a = args[0];
    rtl.b = args[1];
    rtl.c = args[2];
    rtl.rows = static_cast<uint32_t>(rows);
    for (uint64_t now = 0; now < limit; now++) {
        unsigned char *to;

        rtl.ap_clk = 0;
        rtl.ap_start = now == 0;
        rtl.m_a_arready = d.roll();
        rtl.m_b_arready = d.roll();
        rtl.m_c_wready = d.roll();
        rtl.m_a_rvalid = a.show(now, d);
        rtl.m_b_rvalid = b.show(now, d);
        if (rtl.m_a_rvalid)
            std::memcpy(rtl.m_a_rdata.data(), a.queue.front().row, ROW_BYTES);
        if (rtl.m_b_rvalid)
            std::memcpy(rtl.m_b_rdata.data(), b.queue.front().row, ROW_BYTES);
        rtl.eval();
        // what meets in this cycle, before the edge
        if (rtl.ap_done) {
            result = now;
            break;
        }
        if (rtl.m_a_rvalid && rtl.m_a_rready)
            a.pop();
        if (rtl.m_b_rvalid && rtl.m_b_rready)
            b.pop();
        if (rtl.m_a_arvalid && rtl.m_a_arready && !a.take(rtl.m_a_araddr, now))
            break;
        if (rtl.m_b_arvalid && rtl.m_b_arready && !b.take(rtl.m_b_araddr, now))
            break;
        if (rtl.m_c_wvalid && rtl.m_c_wready) {
            if (!place(args[2], rows, rtl.m_c_waddr, &to))
                break;
            std::memcpy(to, rtl.m_c_wdata.data(), ROW_BYTES);
        }
        rtl.ap_clk = 1;
        rtl.eval();
    }
    rtl.final();
    return result;
}

} // namespace

void gl_mul_vector_run(const uint64_t *args, uint64_t seed)
{
    last_cycles = run(args, seed);
}

void card_call_gl_mul_vector(const uint64_t *args)
{
    gl_mul_vector_run(args, 0);
}

uint64_t card_cycles_gl_mul_vector(void)
{
    return last_cycles;
}
