#include "host/air/check.h"
#include "host/stark/prover.h"

#include <string.h>

p_status prover_explain(prover *p, const p_err *why, p_err *err)
{
    air_instance instance = {.publics = p->publics};
    const air_trace trace = {
        .log_rows = p->log_rows, .fixed = p->key->fixed_rows, .main = *p->main};
    p_err found = {P_OK, ""};
    p_status s;

    memcpy(instance.challenges, p->challenges, sizeof instance.challenges);
    s = air_check_constraints(p->air, &instance, &trace, NULL, &found);
    if (s == P_OK)
        s = air_check_buses(p->air, &instance, &trace, NULL, NULL, &found);
    if (s == P_EINVAL)
        return p_err_set(err, P_EINVAL, "the trace does not satisfy the constraints: %s",
                         found.text);
    if (s != P_OK) /* no memory to look */
        return p_err_set(err, s, "the proof does not verify (%s), and why is not known: %s",
                         why->text, found.text);
    return p_err_set(err, P_EDEVICE,
                     "the trace satisfies the constraints but the proof does not verify: device "
                     "%s computed something wrong (%s)",
                     drv_device_info(p->device)->name, why->text);
}
