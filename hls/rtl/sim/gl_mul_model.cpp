// gl_mul_blackbox behind rtl_model.h: the RTL without faults (Vgl_mul) and with them (Vgl_mul_faults); gl_mul64_blackbox.
#include "hls/rtl/sim/rtl_model.h"

#include "Vgl_mul.h"
#include "Vgl_mul64.h"
#include "Vgl_mul_faults.h"
#include "verilated.h"

#include <new>
#include <string>

struct gl_mul_model {
    virtual ~gl_mul_model() = default;
    virtual void cycle(const gl_mul_in &in, gl_mul_out &out) = 0;
};

namespace {

template <class top> struct model final : gl_mul_model {
    VerilatedContext context;
    top rtl;

    explicit model(unsigned fault) : rtl(with_fault(context, fault)) {}
    ~model() override { rtl.final(); }

    static VerilatedContext *with_fault(VerilatedContext &context, unsigned fault)
    {
        const std::string text = "+fault=" + std::to_string(fault);
        const char *arguments[] = {"gl_mul", text.c_str()};

        context.commandArgs(2, arguments);
        return &context;
    }

    void cycle(const gl_mul_in &in, gl_mul_out &out) override
    {
        rtl.ap_clk = 0;
        rtl.ap_rst = in.reset;
        rtl.ap_ce = in.enable;
        rtl.ap_start = in.start;
        rtl.ap_continue = 1;
        rtl.a = in.a;
        rtl.b = in.b;
        rtl.eval();
        out.r = rtl.ap_return;
        out.done = rtl.ap_done;
        out.ready = rtl.ap_ready;
        out.idle = rtl.ap_idle;
        rtl.ap_clk = 1;
        rtl.eval();
    }
};

} // namespace

gl_mul_model *gl_mul_model_create(unsigned fault)
{
    if (fault == 0)
        return new (std::nothrow) model<Vgl_mul>(0);
    return new (std::nothrow) model<Vgl_mul_faults>(fault);
}

void gl_mul_model_destroy(gl_mul_model *m)
{
    delete m;
}

void gl_mul_model_cycle(gl_mul_model *m, const gl_mul_in *in, gl_mul_out *out)
{
    m->cycle(*in, *out);
}

unsigned gl_mul64_model_run(const uint64_t *a, const uint64_t *b, uint64_t *low, uint64_t *high, unsigned long count)
{
    const unsigned most = 64;
    VerilatedContext context;
    Vgl_mul64 rtl(&context);
    unsigned long done = 0;
    unsigned first = 0;
    bool regular = true;

    rtl.ap_ce = 1;
    rtl.ap_continue = 1;
    rtl.ap_rst = 1;
    rtl.ap_start = 0;
    for (unsigned long cycle = 0; done < count && cycle < count + most; cycle++) {
        const unsigned long i = cycle - 1; // cycle 0 is the reset

        rtl.ap_clk = 0;
        rtl.ap_rst = cycle == 0;
        rtl.ap_start = cycle > 0 && i < count;
        rtl.a = rtl.ap_start ? a[i] : 0;
        rtl.b = rtl.ap_start ? b[i] : 0;
        rtl.eval();
        if (cycle > 0 && rtl.ap_done) {
            if (done == 0)
                first = static_cast<unsigned>(i);
            regular = regular && i == first + done && rtl.low_ap_vld && rtl.high_ap_vld;
            low[done] = rtl.low;
            high[done] = rtl.high;
            done++;
        }
        rtl.ap_clk = 1;
        rtl.eval();
    }
    rtl.final();
    return regular && done == count ? first : 0;
}
