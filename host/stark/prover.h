/** Private to host/stark: a proof under way, and the parts of proving.
 *
 * prove.c runs the phases in order on one thread; each part uses the pool for its loops and the
 * device for its jobs, polls the cancel token, and takes memory from prover.memory only. What a
 * part leaves is named at its function. */
#ifndef ZKP_HOST_STARK_PROVER_H
#define ZKP_HOST_STARK_PROVER_H

#include "driver/base/memory.h"
#include "driver/field/gl_lines.h"
#include "host/stark/fri.h"
#include "host/stark/stark.h"

#define EXT_WORDS 3 /* of an element of K */

/** A matrix of the proof and what is known of it. */
typedef struct prover_tree {
    drv_handle *handle; /* NULL: no such tree, or not committed yet */
    uint64_t bytes;     /* that the device keeps for it, counted in prover.device_bytes */
    bool borrowed;      /* the key's: not released */
} prover_tree;

typedef struct prover {
    const stark_key *key;
    const air *air;
    const stark_params *params;
    const stark_options *o;
    drv_device *device;
    const drv_matrix *main;
    const uint64_t *publics;
    stark_shape shape;
    stark_hash hash;
    stark_transcript transcript;
    const gl_lines_ops *lines;
    uint32_t log_rows, log_n;
    p_memory memory;       /* host arrays */
    uint64_t device_bytes; /* of commitments that live */
    uint64_t peak;         /* of host and device together so far */
    stark_phase phase;
    const char *doing; /* for error texts: the phase's name */
    prover_tree trees[AIR_TREES], layers[STARK_MAX_LAYERS];
    uint64_t *layer_data[STARK_MAX_LAYERS]; /* leaves: 32 columns, prover_layer_words() words */
    gl_ext challenges[AIR_CHALLENGES], lambda, z, gamma;
    uint64_t *words; /* the proof, shape.words */
} prover;

/** 7 omega^i and omega^i. */

/* ---- run.c: loops, jobs, memory ---- */

/** A loop on the pool, or on this thread if there is none; polls cancel before each item. Statuses
 * of items come back with the phase's name. */
p_status prover_loop(prover *p, size_t count, p_pool_item *item, void *arg, p_err *err);
unsigned prover_workers(const prover *p);
bool prover_cancelled(const prover *p);

/** Runs a job; cancels it when the proof is cancelled. Counts what it takes. */
p_status prover_job(prover *p, const drv_job *job, p_err *err);
/** Starts one that takes no memory of the device worth counting, and waits for its end. */
p_status prover_submit(prover *p, const drv_job *job, drv_event **event, p_err *err);
p_status prover_wait(prover *p, drv_event *event, p_err *err);

/** Commits; cap goes to the proof's words at cap_at, or to cap if that is not NULL. */
p_status prover_commit(prover *p, const drv_matrix *in, drv_input input, uint32_t log_blowup,
                       uint32_t cap_log2, uint64_t *cap, prover_tree *out, p_err *err);
void prover_release(prover *p, prover_tree *tree);

/** Zeroed words from the proof's budget. */
p_status prover_alloc(prover *p, uint64_t words, const char *what, uint64_t **out, p_err *err);
void prover_free(prover *p, uint64_t *data, uint64_t words);

/** Notes for the report that so many bytes more are in use: a running job's, or another library's.
 */
void prover_note(prover *p, uint64_t bytes);

void prover_progress(prover *p, uint64_t done, uint64_t of);

/** Computes the need; P_EEXHAUSTED, with both numbers, if there is not as much. */
p_status prover_check_memory(const stark_key *key, const stark_options *o, uint64_t *bytes,
                             p_err *err);

/* ---- rows.c: rows of the extended matrices, tile after tile ---- */

#define ROWS_MAX_EVENTS 256

/** Rows of some trees: tile k has rows k * tile_rows ... + tile_rows - 1, and `ahead` more (around
 * the end). The next tile is read while one is worked on. */
typedef struct rows_reader {
    prover *p;
    bool wanted[AIR_TREES];
    uint64_t tile_rows, tiles, ahead;
    uint64_t capacity; /* rows of a buffer: tile_rows + ahead */
    uint64_t words;    /* of a buffer */
    uint64_t *buffer[2];
    uint64_t first[AIR_TREES];          /* word of a tree's first block in a buffer */
    drv_event *events[ROWS_MAX_EVENTS]; /* of the buffer that is being filled */
    uint32_t pending;
    uint64_t next; /* tile that is being read, or to be read */
} rows_reader;

/** Bytes that a reader takes. */
uint64_t rows_bytes(const air *a, const stark_params *params, const bool wanted[AIR_TREES],
                    uint64_t ahead);
p_status rows_open(rows_reader *r, prover *p, const bool wanted[AIR_TREES], uint64_t ahead,
                   p_err *err);
/** The next tile: buffer with block b of tree t at first[t] + b * capacity * 8, valid until the
 * next call. */
p_status rows_next(rows_reader *r, const uint64_t **tile, p_err *err);
/** Waits for what is under way; also after a failure. */
void rows_close(rows_reader *r);

/* ---- points.c ---- */

/** 1 / (x - z) for base-field points x: with the conjugates z', z'' of z it is (x - z') (x - z'') /
 * ((x - z) (x - z') (x - z'')), the divisor being in F. */
typedef struct point_inverse {
    gl_t norm[3];            /* the divisor: x^3 + norm[2] x^2 + norm[1] x + norm[0] */
    gl_ext linear, constant; /* of (x - z') (x - z'') */
} point_inverse;

#define POINTS_MAX 512
void point_inverse_set(point_inverse *out, gl_ext z);
/** out[i] = 1 / (x_i - z), x_i = first * step^i, i < count <= POINTS_MAX; z is not in F. */
void point_inverses(const point_inverse *z, gl_t first, gl_t step, size_t count, gl_ext *out);

/* ---- evaluate.c ---- */

/** All real columns at z and omega_N z, into the proof. */
p_status prover_evaluate(prover *p, p_err *err);

/* ---- quotient.c ---- */

/** Commits the quotient's pieces; cap into the proof. */
p_status prover_quotient(prover *p, p_err *err);

/* ---- deep.c ---- */

/** f_0 on the whole domain, as the leaves of layer 0. */
p_status prover_deep(prover *p, p_err *err);

/* ---- fri.c ---- */

static inline uint64_t prover_layer_words(const prover *p, uint32_t layer)
{
    return (uint64_t)FRI_SLOT_WORDS << (p->log_n - STARK_FOLD_LOG2 * layer);
}

/** From layer 0's values: commits and folds, layer after layer, and puts caps and final
 * coefficients into the proof. */
p_status prover_fri(prover *p, p_err *err);

/* ---- grind.c ---- */

/** The smallest nonce that fits; into the proof. The transcript is left as it was before it. */
p_status prover_grind(prover *p, p_err *err);

/* ---- open.c ---- */

/** Draws the indices (the nonce is absorbed) and fills the queries. */
p_status prover_open(prover *p, p_err *err);

/* ---- explain.c ---- */

/** Why a finished proof does not verify: P_EINVAL with the constraint and the row if the trace does
 * not satisfy the AIR, else P_EDEVICE, because then something was computed wrong. why: what the
 * verifier said. */
p_status prover_explain(prover *p, const p_err *why, p_err *err);

#endif
