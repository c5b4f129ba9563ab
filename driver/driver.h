/** The driver: large polynomial, hash and curve work on a device, whichever it is.
 *
 * Order of calls: drv_list (optional) -> drv_open -> { drv_submit -> drv_wait / drv_cancel ->
 * drv_event_release } -> drv_release of every handle -> drv_close. Work is handle-based, so that
 * large data stays where it was computed: a commitment or a set of MSM points is a drv_handle that
 * later jobs name.
 *
 * Asynchronous: drv_submit validates a job, copies its description and returns an event at once;
 * the arrays that the job points to stay the caller's and must stay valid and untouched (outputs:
 * unread) until the event has ended. Every wait has a time-out. A job ends exactly once: P_OK,
 * P_ECANCELLED, or the status of its failure with a text; a failed job's outputs are undefined and
 * it leaves no handle.
 *
 * Threads: a device, its handles and its events may be used from any thread; only drv_close and the
 * last release of an object must not race with other uses of that object. Jobs of one device may
 * run at the same time and end in any order; a job that needs another's output is submitted after
 * that one has ended.
 *
 * Numbers. Goldilocks (p = 2^64 - 2^32 + 1): any 64-bit word stands for its residue on input, every
 * output is canonical. BN254 Fr and Fp: four little-endian 64-bit words, below the modulus on input
 * (a job may answer P_EINVAL where it meets another, but never touches memory that is not its own)
 * and output; in Montgomery form (times 2^256) where it says so. The 2^k-th root of unity is
 * omega_k = g^((p-1)/2^k) with g = 7 for Goldilocks and g = 5 for Fr: the numbering of plonky2 and
 * of snarkjs. */
#ifndef ZKP_DRIVER_DRIVER_H
#define ZKP_DRIVER_DRIVER_H

#include "driver/base/err.h"
#include "driver/base/isa.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DRV_NAME_BYTES 64
#define DRV_TEXT_BYTES 512

typedef struct drv_device drv_device;
typedef struct drv_handle drv_handle;
typedef struct drv_event drv_event;

/* ---- shapes ---- */

#define DRV_GL_MAX_LOG2 32 /**< two-adicity of Goldilocks */
#define DRV_FR_MAX_LOG2 28 /**< two-adicity of BN254 Fr */
#define DRV_MAX_COLUMNS 4096
#define DRV_BLOCK_COLUMNS 8
#define DRV_DIGEST_WORDS 4

/** A matrix of Goldilocks elements, 2^log_rows rows, in blocks of eight columns: element (row,
 * column) is data[((column / 8) * rows + row) * 8 + column % 8]. One 64-byte line is one row of
 * eight columns. The columns that fill up the last block are ignored on input, zero on output. data
 * is aligned to 64 bytes. */
typedef struct drv_matrix {
    uint64_t *data;
    uint32_t columns;  /**< 1 .. DRV_MAX_COLUMNS */
    uint32_t log_rows; /**< 0 .. DRV_GL_MAX_LOG2 */
} drv_matrix;

static inline uint64_t drv_blocks(uint32_t columns)
{
    return (columns + DRV_BLOCK_COLUMNS - 1) / DRV_BLOCK_COLUMNS;
}

/** 64-bit words of a blocked matrix; fits 64 bits for every legal shape. */
static inline uint64_t drv_matrix_words(uint32_t columns, uint32_t log_rows)
{
    return (drv_blocks(columns) * DRV_BLOCK_COLUMNS) << log_rows;
}

/* ---- jobs ---- */

typedef enum drv_op {
    DRV_COMMIT,   /**< extend columns and hash them into a tree */
    DRV_OPEN,     /**< rows of a commitment with their Merkle paths */
    DRV_READ,     /**< a rectangle of a commitment's extended matrix */
    DRV_NTT,      /**< a batch of transforms in place */
    DRV_MSM_LOAD, /**< points of a key, once */
    DRV_MSM,      /**< sum of scalar times point */
    DRV_POSEIDON, /**< a batch of permutations in place */
    DRV_OP_COUNT
} drv_op;

typedef enum drv_field { DRV_GOLDILOCKS, DRV_BN254_FR } drv_field;
typedef enum drv_form { DRV_CANONICAL, DRV_MONTGOMERY } drv_form; /**< of BN254 elements */
typedef enum drv_group { DRV_G1, DRV_G2 } drv_group;

/** Hashes of commitments.
 *
 * DRV_HASH_GL: Poseidon-Goldilocks t=12. Leaf: state 0 with state[8] (capacity[0]) = 1, each block
 * of eight columns overwrites state[0..7] (the last block filled with zeros), one permutation a
 * block, digest state[0..3]. Node: one permutation of left(4) || right(4) || 0(4), digest
 * state[0..3]. Binary; path bit k is bit k of the leaf's index.
 *
 * DRV_HASH_BN254: Poseidon-BN254 with circomlib's constants. Three Goldilocks elements are one Fr
 * element g0 + 2^64 g1 + 2^128 g2 (canonical elements in column order, absent ones 0). Leaf: chain
 * c = 1; each chunk of k <= 16 Fr elements makes c the first output of the permutation of width k+1
 * of (c, chunk). Node: first output of width 17 of (0, 16 children in order). A digest is one
 * canonical Fr element. */
typedef enum drv_hash { DRV_HASH_GL, DRV_HASH_BN254 } drv_hash;

/** What the rows of a matrix to be committed are. Leaf i of the tree is the row at the point 7 *
 * omega^i, omega of order 2^(log_rows + log_blowup). */
typedef enum drv_input {
    DRV_VALUES,       /**< row i: values at omega^i, omega of order 2^log_rows */
    DRV_COEFFICIENTS, /**< row i: coefficient of X^i */
    DRV_LEAVES        /**< the leaves themselves, log_blowup 0: only hashed */
} drv_input;

typedef struct drv_commit_job {
    drv_matrix in; /**< unchanged. DRV_LEAVES: borrowed until the handle is released and the jobs
                      that use it have ended, else until the event ends */
    drv_input input;
    drv_hash hash;
    uint32_t log_blowup; /**< 0 .. 8, log_rows + log_blowup <= DRV_GL_MAX_LOG2 */
    uint32_t cap_log2;   /**< digests of the cap; <= log2 of the leaves; BN254: leaves' log2 -
                            cap_log2 is a multiple of 4 */
    uint64_t *cap;       /**< out: 2^cap_log2 digests */
    drv_handle **out;    /**< out: the commitment; NULL until the job has ended P_OK */
} drv_commit_job;

typedef struct drv_open_job {
    drv_handle *commitment;
    const uint64_t *rows; /**< count leaf indices, any order, repeats allowed */
    uint32_t count;       /**< 1 .. 2^20 */
    uint64_t *values;     /**< out: count * columns elements, a row after the other */
    uint64_t *paths;      /**< out: count * drv_commitment.path_digests digests, see there */
} drv_open_job;

typedef struct drv_read_job {
    drv_handle *commitment;
    uint64_t row, rows;       /**< of the extended matrix */
    uint32_t column, columns; /**< any; rows, columns >= 1 */
    uint64_t *out;            /**< rows * columns elements, a row after the other */
} drv_read_job;

/** natural: index i at place i. bit-reversed: index i at the place with i's log_n bits in reverse.
 */
typedef enum drv_order { DRV_NATURAL, DRV_BIT_REVERSED } drv_order;

/** Where element i of column c is. Fr: DRV_COLUMNS only. */
typedef enum drv_layout {
    DRV_COLUMNS, /**< data[c * 2^log_n + i]: one column after the other */
    DRV_BLOCKED  /**< as in drv_matrix */
} drv_layout;

/** Forward: y[k] = sum of x[j] * (shift * omega^k)^j. Inverse: the inverse of that map (with 1/n
 * and shift^-j). */
typedef struct drv_ntt_job {
    drv_field field;
    drv_layout layout;
    bool inverse;
    drv_order in_order, out_order; /**< not both DRV_BIT_REVERSED */
    uint32_t log_n;                /**< 0 .. DRV_GL_MAX_LOG2 or DRV_FR_MAX_LOG2 */
    uint32_t columns;              /**< 1 .. DRV_MAX_COLUMNS */
    uint64_t *data;    /**< in place; aligned to 64 bytes. Fr: either form (the map is linear) */
    uint64_t shift[4]; /**< not 0; 1 for none. Goldilocks: first word. Fr: canonical form */
} drv_ntt_job;

/** Points are affine (x, y), Montgomery form, infinity is all zeros: G1 8 words, G2 16 words (x.c0,
 * x.c1, y.c0, y.c1): the bytes of an iden3 .zkey. P_EINVAL names the first point that is not on its
 * curve (G2: the subgroup is not checked). */
typedef struct drv_msm_load_job {
    drv_group group;
    bool trusted;           /**< skip the check, for points that were checked before */
    const uint64_t *points; /**< borrowed until the handle is released and the jobs that use it have
                               ended; aligned to 8 bytes */
    uint64_t count;         /**< 1 .. 2^28 */
    drv_handle **out;
} drv_msm_load_job;

typedef struct drv_msm_job {
    drv_handle *points;
    const uint64_t *scalars; /**< count * 4 words, each below r, else P_EINVAL */
    drv_form form;
    uint64_t first, count; /**< scalars[i] belongs to point first + i; count >= 1 */
    uint64_t *out;         /**< one affine point as above */
} drv_msm_job;

typedef struct drv_poseidon_job {
    drv_field field;
    uint32_t width;   /**< Goldilocks: 12. Fr: 2 .. 17 */
    drv_form form;    /**< Fr */
    uint64_t count;   /**< 1 .. 2^32 */
    uint64_t *states; /**< count * width elements, in place; aligned to 64 bytes */
} drv_poseidon_job;

typedef struct drv_job {
    drv_op op;
    union {
        drv_commit_job commit;
        drv_open_job open;
        drv_read_job read;
        drv_ntt_job ntt;
        drv_msm_load_job msm_load;
        drv_msm_job msm;
        drv_poseidon_job poseidon;
    };
} drv_job;

/* ---- devices ---- */

/** Ranks of devices. Emulated ones, and slow ways to use the CPU, are taken only when named. */
enum {
    DRV_RANK_NAMED_ONLY = 0,
    DRV_RANK_CPU = 100,
    DRV_RANK_ACCELERATOR = 200,
    DRV_RANK_CARD = 300
};

typedef struct drv_info {
    char name[DRV_NAME_BYTES];  /**< "cpu", "xrt:0", ...: what drv_open takes */
    char about[DRV_TEXT_BYTES]; /**< what it is: model, instruction set, threads, or why it cannot
                                   be used */
    bool usable;
    uint32_t rank;         /**< what drv_open prefers when it may choose: DRV_RANK_... */
    uint64_t memory_bytes; /**< what jobs may use at once; UINT64_MAX: not known */
    uint32_t jobs;         /**< jobs that run at the same time; further ones queue */
} drv_info;

typedef struct drv_options {
    unsigned threads;         /**< cpu, opencl: 0: all this process may use */
    const char *isa;          /**< cpu: name of p_isa, NULL: the best */
    uint64_t memory_bytes;    /**< limit of the device's own buffers; 0: what the system can give at
                                 drv_open */
    const char *fault;        /**< fault: what to inject (driver/fault/fault.h) */
    const char *bitstreams;   /**< xrt: folder of manifest.json; NULL: $ZKP_BITSTREAMS, else the
                                 installed one */
    const char *card_program; /**< xrt: zkp-card; NULL: $ZKP_CARD, else the one beside this program,
                                 else the installed one */
    /** For what an operator should know while jobs still come out right (a card that was reset,
     * work that moved to the CPU); NULL: nobody is told. Called on any thread, text is valid during
     * the call. */
    void (*log)(void *log_context, const char *text);
    void *log_context;
} drv_options;

/** Writes what every back end found, usable or not, at most max; returns how many there are. Claims
 * no hardware. options says where to look; NULL is allowed. */
size_t drv_list(const drv_options *options, drv_info *out, size_t max);

/** Opens a device by name; NULL: the usable one of the highest rank that opens (each that does not
 * is told to options->log). options may be NULL. P_ENOTFOUND names what exists, P_EMISSING says
 * what the device lacks. *out is NULL on failure. */
p_status drv_open(const char *name, const drv_options *options, drv_device **out, p_err *err);

/** Cancels what waits and runs, waits for its end, frees the device; NULL is allowed. Handles and
 * the events of jobs that had ended must have been released and buffers freed, else P_EINVAL and
 * nothing happens. A job that this call ends leaves no handle, and its event stays valid, also
 * after the device is gone: it is waited for and released as any other. P_EDEADLINE if a job does
 * not end within timeout_ms: the device stays open but takes no more jobs (P_EUNAVAILABLE); call
 * again. */
p_status drv_close(drv_device *device, uint32_t timeout_ms, p_err *err);

/** Valid until drv_close. */
const drv_info *drv_device_info(const drv_device *device);

/** Bytes of the device's own memory that a job takes while it runs, what its handle keeps included.
 * Asks for the shape only: the job's arrays may be NULL, its handles may not. */
p_status drv_estimate(drv_device *device, const drv_job *job, uint64_t *bytes, p_err *err);

/** Host memory that the device reaches fastest, for the arrays of jobs; zeroed, aligned to 4096
 * bytes, counted in the device's budget. Free with the same device and size. */
p_status drv_buffer_alloc(drv_device *device, uint64_t bytes, void **out, p_err *err);
void drv_buffer_free(drv_device *device, void *buffer, uint64_t bytes);

/* ---- running ---- */

/** Checks the job (P_EINVAL), whether the device does it (P_EUNSUPPORTED) and has the memory
 * (P_EEXHAUSTED), and starts it. *event is NULL on failure. At most 1,024 jobs wait at once, then
 * P_EEXHAUSTED. */
p_status drv_submit(drv_device *device, const drv_job *job, drv_event **event, p_err *err);

/** Waits at most timeout_ms (0: only looks) for the end: the job's status with its text, or
 * P_EDEADLINE while it goes on. May be called again and from several threads; a job that itself
 * failed with P_EDEADLINE is told apart by drv_ended. */
p_status drv_wait(drv_event *event, uint32_t timeout_ms, p_err *err);

bool drv_ended(drv_event *event);

/** Asks the job to end soon (a second at most on a sound device); it then ends P_ECANCELLED, unless
 * it was done. */
void drv_cancel(drv_event *event);

/** Gives the event up; NULL is allowed. The job must have ended, else P_EINVAL and nothing happens:
 * its buffers are in use. */
p_status drv_event_release(drv_event *event);

/** submit, wait, release. After timeout_ms the job is cancelled, and once it has ended P_EDEADLINE
 * is answered, or the job's own status if it was done or had failed by itself. */
p_status drv_run(drv_device *device, const drv_job *job, uint32_t timeout_ms, p_err *err);

/* ---- handles ---- */

typedef struct drv_commitment {
    uint32_t columns, log_leaves, cap_log2;
    uint32_t levels;       /**< of a path, from the leaf up to the cap */
    uint32_t path_digests; /**< of one path: levels * (arity - 1); for each level the other children
                              in order */
    drv_hash hash;
} drv_commitment;

typedef struct drv_points {
    drv_group group;
    uint64_t count;
} drv_points;

/** P_EINVAL for a handle of another kind. */
p_status drv_commitment_info(const drv_handle *commitment, drv_commitment *out);
p_status drv_points_info(const drv_handle *points, drv_points *out);

/** Frees what the handle keeps on the device; NULL is allowed. A job that uses it keeps it alive
 * until it ends. */
void drv_release(drv_handle *handle);

#endif
