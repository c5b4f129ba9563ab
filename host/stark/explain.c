#include "host/stark/prover.h"

p_status prover_explain(prover *p, const p_err *why, p_err *err)
{
    return p_err_set(err, P_EINVAL, "the trace does not satisfy the constraints of %s: %s",
                     p->air->definition.name, why->text);
}
