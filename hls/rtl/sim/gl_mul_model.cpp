// gl_mul_blackbox behind rtl_model.h: the RTL without faults (Vgl_mul) and with them (Vgl_mul_faults).
#include "hls/rtl/sim/rtl_model.h"

#include "Vgl_mul.h"
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
