/** What call.c (one call: its batches, its end) and server.c (accepting, draining, stopping) share.
 * Private to them. */
#ifndef ZKP_HOST_RPC_SERVER_INTERNAL_H
#define ZKP_HOST_RPC_SERVER_INTERNAL_H

#include "host/rpc/peers.h"
#include "host/rpc/server.h"

#include <grpc/byte_buffer.h>
#include <grpc/grpc.h>
#include <grpc/slice.h>

#include <pthread.h>
#include <stdatomic.h>

/* ThreadSanitizer does not see that gRPC hands a tag from the thread that starts a batch to the one
 * that gets its event, because the library is not instrumented; so the hand-over is said
 * explicitly. */
#ifdef __SANITIZE_THREAD__
#define RPC_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define RPC_TSAN 1
#endif
#endif
#ifdef RPC_TSAN
void __tsan_acquire(void *address);
void __tsan_release(void *address);
#define HANDOVER_GIVE(p) __tsan_release(p)
#define HANDOVER_TAKE(p) __tsan_acquire(p)
#else
#define HANDOVER_GIVE(p) ((void)(p))
#define HANDOVER_TAKE(p) ((void)(p))
#endif

/** Accepts that wait inside gRPC at any time. */
#define ACCEPT_SLOTS 32
typedef enum tag_kind {
    TAG_ACCEPT,
    TAG_INIT,
    TAG_READ,
    TAG_WRITE,
    TAG_STATUS,
    TAG_CLOSE,
    TAG_STOPPED
} tag_kind;

typedef struct tag {
    tag_kind kind;
    void *owner; /**< accept_slot, rpc_call or rpc_server */
} tag;

typedef struct accept_slot {
    tag tag;
    rpc_server *server;
    grpc_call *call;
    grpc_call_details details;
    grpc_metadata_array metadata;
} accept_slot;

struct rpc_call {
    rpc_server *server;
    grpc_call *call;
    const rpc_method *method; /**< NULL: unknown, or the call was refused */
    rpc_call *prev, *next;    /**< server->calls, under server->lock */
    rpc_peer *peer;           /**< NULL: refused */

    pthread_mutex_t lock; /**< everything below, and the order of batches */
    unsigned refs;        /**< started batches, and the owed answer */
    bool counted;         /**< holds up draining */
    bool init_sent;
    bool reading;
    bool owed;     /**< the service owes an answer */
    bool finished; /**< the batch with the status was started */
    int code;      /**< gRPC status that was sent last; CANCELLED before */
    int64_t idle_since_ns;
    uint64_t index; /**< requests read so far */
    grpc_byte_buffer *in;
    grpc_byte_buffer *out;
    size_t in_bytes, out_bytes; /**< counted in server->inflight */
    int close_cancelled;
    atomic_bool cancelled;
    bool cancel_told;
    void *user;          /**< the service's, and guarded by it */
    rpc_call *told_next; /**< of rpc_server_cancel_calls */

    grpc_metadata *reasons; /**< trailing metadata; keys are static, values are ours */
    size_t n_reasons, cap_reasons, reasons_bytes;
    uint64_t omitted_first, omitted;
    grpc_slice details; /**< status text; must live as long as its batch */
    bool has_details;

    tag tags[TAG_STOPPED]; /**< by kind; TAG_ACCEPT is not used */
};

typedef enum server_phase { PHASE_CREATED, PHASE_STARTED, PHASE_STOPPED } server_phase;

struct rpc_server {
    rpc_server_options options;
    rpc_method *methods;
    size_t n_methods;
    grpc_server *server;
    grpc_completion_queue *queue;
    grpc_resource_quota *quota;
    bool bound;
    server_phase phase;
    pthread_t *threads;
    unsigned n_threads;
    accept_slot slots[ACCEPT_SLOTS];
    tag stopped_tag;

    pthread_mutex_t lock; /**< taken before a call's lock, never after */
    pthread_cond_t changed;
    rpc_call *calls;
    unsigned n_calls;   /**< all records */
    unsigned n_counted; /**< those that hold up draining */
    rpc_peers *peers;
    bool stopped;
    uint64_t calls_accepted, calls_refused;
    atomic_uint_fast64_t messages, answers;
    atomic_bool draining;
    atomic_size_t inflight;
};

/** A record for a call that was accepted, not in the server's list yet; NULL without memory. */
rpc_call *rpc_call_create(rpc_server *s, grpc_call *call);
/** After a new call was taken over from its slot: reads the first request, or refuses the call. */
void rpc_call_begin(rpc_call *c, p_status refuse, const char *why);
/** A batch of the call has ended. No lock held. */
void rpc_call_event(rpc_call *c, tag_kind kind, bool ok);
/** Ends the call with a status and no (further) message. Lock held. */
void rpc_call_finish(rpc_call *c, p_status status, const char *text);
/** Marks a call as cancelled; true if the method is to be told. Lock held. */
bool rpc_call_mark_cancelled(rpc_call *c);
/** Gives back one reference and the lock. */
void rpc_call_release(rpc_call *c);

#endif
