#include "host/groth16/setup.h"

p_status groth16_setup_ptau(const char *r1cs, const char *ptau, const char *out,
                            const groth16_setup_options *o, groth16_setup_report *report,
                            p_err *err)
{
    (void)r1cs;
    (void)ptau;
    (void)out;
    (void)o;
    (void)report;
    return p_err_set(err, P_EUNSUPPORTED, "setup with powers of tau is not in this build yet");
}
