/** What the files of the service share. Private to host/rpc. */
#ifndef ZKP_HOST_RPC_SERVICE_INTERNAL_H
#define ZKP_HOST_RPC_SERVICE_INTERNAL_H

#include "driver/base/clock.h"
#include "host/rpc/service.h"
#include "host/rpc/workers.h"
#include "host/state/run.h"

#include <pthread.h>
#include <stdatomic.h>

typedef enum service_state { SERVICE_BOOTING, SERVICE_READY, SERVICE_HALTED } service_state;

struct rpc_service {
    rpc_service_options options;
    rpc_server *server;
    rpc_workers *workers;
    rpc_workers *submitters; /**< GenProof: checks and the disk */
    rpc_workers *cancellers; /**< Cancel: the disk; never behind a large GenProof */
    state_runner **runners;  /**< one for each worker */
    atomic_int state;        /**< service_state */
    atomic_uint submitting;  /**< GenProof calls in work */
    atomic_llong drain_ms;   /**< monotonic time at which draining began; 0: not yet */
    pthread_mutex_t waits;   /**< guards rpc_call_user of GetProof calls; taken before jobs' own */
};

/** Entries of the method table; ctx is the rpc_service. */
void service_status_message(void *ctx, rpc_call *call);
void service_execute_message(void *ctx, rpc_call *call);
void service_gen_proof_message(void *ctx, rpc_call *call);
void service_cancel_message(void *ctx, rpc_call *call);
void service_get_proof_message(void *ctx, rpc_call *call);
void service_get_proof_cancelled(void *ctx, rpc_call *call);

/** Jobs of the three pools. */
void service_execute_job(void *ctx, void *job, unsigned worker);
void service_gen_proof_job(void *ctx, void *call, unsigned worker);
void service_cancel_job(void *ctx, void *call, unsigned worker);

/** Whether a call that needs jobs can be served; if not, it has been failed. */
bool service_has_jobs(rpc_service *s, rpc_call *call);
/** Hands a call to a pool, or fails it because too many wait. */
bool service_hand_over(rpc_workers *pool, rpc_call *call);
/** Whether a status ends a call as a whole (true) or becomes its method's result code. */
static inline bool service_ends_call(p_status st)
{
    return st == P_EEXHAUSTED || st == P_EUNAVAILABLE;
}

/** get_proof.c: the answer to one request of GetProof from what is known about the job. id: the
 *  client's text. */
p_status service_get_proof_pack(const char *id, jobs_why why, const job_view *view,
                                const p_err *reason, uint8_t **bytes, size_t *len, bool *failed,
                                char text[P_ERR_TEXT_BYTES], p_err *err);

#endif
