/** What the files of driver/card share; nobody else includes this but its unit tests.
 *
 * One thread at a time works with the card: whoever holds card_device.busy. What is not said to be
 * under another lock is under that one.
 *
 * rows.c keeps the card's memory, command.c starts commands and waits for them, pipe.c streams
 * pieces of work through a kernel; commit.c, opening.c, transform.c, permute.c and msm.c are the
 * jobs; check.c computes parts of results again; selftest.c asks the kernels known questions;
 * device.c is what driver.h sees, with recovery. */
#ifndef ZKP_DRIVER_CARD_INTERNAL_H
#define ZKP_DRIVER_CARD_INTERNAL_H

#include "driver/base/memory.h"
#include "driver/card/card_device.h"
#include "driver/check.h"
#include "driver/field/bn_poseidon.h"

#include <pthread.h>

#define CARD_MAX_UNITS 4     /**< of a kernel that the schedule uses; an image may have more */
#define CARD_POLL_MS 50      /**< between two looks at a cancel token */
#define CARD_POLL_ROWS 65536 /**< that the host works on between two looks */

/* ---- memory ---- */

/** Rows on the card. buffer is NULL once they were lost with the card. */
typedef struct card_rows {
    card_buffer *buffer;
    card_side side;
    uint64_t rows;
    struct card_rows *previous, *next;
} card_rows;

typedef struct card_rows_list {
    card_rows *first, *last;
    unsigned count;
} card_rows_list;

/* ---- commands ---- */

/** A command under way, or none: zeroed. Settled before its memory ends. */
typedef struct card_command {
    card_ticket *ticket;
    const char *what;
    uint64_t work_ns;
    struct card_command *previous, *next;
} card_command;

/* ---- objects ---- */

typedef struct card_commitment {
    drv_commitment shape;
    drv_matrix in; /**< what it is made from: the host copy, or the caller's leaves */
    drv_input input;
    uint32_t log_blowup;
    uint64_t copied;   /**< blocks of the host copy that are filled */
    uint64_t in_words; /**< of the host copy; 0: in is the caller's */
    uint64_t *last;    /**< leaves whose last block is not full: that block with zeros */
    uint64_t *cap;
    bool made;                /**< cap is what the commitment has answered */
    card_rows *matrix, *tree; /**< matrix: NULL for leaves */
} card_commitment;

typedef struct card_points {
    const uint64_t *points; /**< borrowed */
    uint64_t count;
    card_rows *rows;
} card_points;

/** What a handle stands for. */
typedef struct card_object {
    drv_op op;
    struct card_object *next; /**< among those to be freed */
    void *cpu;                /**< device cpu's object, or NULL */
    bool moved;               /**< lives on device cpu for good */
    card_commitment commitment;
    card_points points;
} card_object;

/* ---- the device ---- */

/** When a card that fails is left alone; card_device_open sets what it means, tests less. */
typedef struct card_patience {
    unsigned failures; /**< in a row */
    uint32_t first_ms; /**< then device cpu works this long, doubled each time */
    uint32_t most_ms;
    uint32_t base_ms; /**< that a command may take beyond what its work explains */
} card_patience;

struct card_device {
    const card_ops *ops;
    void *card;
    card_caps caps;
    drv_info info;
    drv_options options;
    p_memory host; /**< host copies and staging */
    pthread_mutex_t busy;

    card_rows_list live, cached;
    uint64_t used_bytes; /**< of both lists */
    card_command *commands;
    uint64_t work_ns; /**< of all commands under way */
    uint64_t random;
    card_rows *table[BN_POSEIDON_MAX_WIDTH + 1];
    bool pinned[BN_POSEIDON_MAX_WIDTH + 1]; /**< tables that the job at work uses */
    bn_poseidon *poseidon[BN_POSEIDON_MAX_WIDTH + 1];
    drv_checker *checker;

    bool lost;      /**< the last reset failed */
    bool recovered; /**< a reset was tried in this attempt */
    unsigned failures, retreats;
    int64_t retry_at_ms;
    card_patience patience;

    const drv_backend *cpu;
    void *cpu_device; /**< opened when it is first needed */

    pthread_mutex_t small; /**< guards what follows; never held while the card works */
    card_object *dead;     /**< to be freed by who next holds busy */
    char state[256];       /**< for info.about; "" if all is well */
};

/** One job, or one of the device's own errands. */
typedef struct card_run {
    card_device *device;
    const p_cancel *cancel;
    uint64_t done; /**< work in place: what the caller's array already has, over all attempts */
} card_run;

/** P_ECANCELLED if the job was cancelled. */
static inline p_status card_poll(const card_run *run, p_err *err)
{
    return p_cancel_requested(run->cancel) ? p_err_set(err, P_ECANCELLED, "cancelled") : P_OK;
}

static inline uint64_t card_min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint64_t card_max(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static inline uint64_t card_align(uint64_t rows)
{
    return (rows + HLS_ROW_ALIGN - 1) / HLS_ROW_ALIGN * HLS_ROW_ALIGN;
}

/** Rows as the words that they are. */
static inline const uint64_t *card_words(const hls_row *rows)
{
    return (const uint64_t *)(const void *)rows;
}

static inline uint32_t card_units(const card_device *d, card_kernel kernel)
{
    return (uint32_t)card_min(d->caps.units[kernel], CARD_MAX_UNITS);
}

/* ---- rows.c ---- */

/** The rows that an allocation takes, which is more than what it asks for. */
uint64_t card_rows_size(uint64_t rows);
static inline uint64_t card_rows_bytes(uint64_t rows)
{
    return card_rows_size(rows) * HLS_ROW_BYTES;
}

/** P_EEXHAUSTED beyond the device's limit or the card's memory. *out is NULL on failure. */
p_status card_rows_alloc(card_device *d, card_side side, uint64_t rows, card_rows **out,
                         p_err *err);
/** Keeps them for the next who asks; NULL is allowed. No command uses them. */
void card_rows_free(card_device *d, card_rows *rows);
/** Gives back what nobody uses. */
void card_rows_trim(card_device *d);
/** Everything is lost with the card: buffers are freed, live rows stay as the husks they are. */
void card_rows_lose(card_device *d);

/** Staging memory out of the device's budget. */
static inline p_status card_host_alloc(card_device *d, uint64_t count, uint64_t size,
                                       const char *what, void **out, p_err *err)
{
    return p_memory_alloc(&d->host, count, size, what, out, err);
}

/* ---- command.c ---- */

/** The arguments of each kernel by name, in the order of kernel_abi.h. */
#define CARD_ARGUMENT(name) name
#define CARD_ARGUMENTS(name, arguments)                                                            \
    typedef struct card_named_##name {                                                             \
        card_arg arguments(CARD_ARGUMENT, CARD_ARGUMENT, CARD_ARGUMENT);                           \
    } card_named_##name;                                                                           \
    typedef union card_args_##name {                                                               \
        card_named_##name named;                                                                   \
        card_arg list[sizeof(card_named_##name) / sizeof(card_arg)];                               \
    } card_args_##name;
HLS_KERNELS(CARD_ARGUMENTS)
#undef CARD_ARGUMENTS
#undef CARD_ARGUMENT

static inline card_arg card_at(const card_rows *rows)
{
    return (card_arg){.rows = rows->buffer};
}

static inline card_arg card_number(uint64_t value)
{
    return (card_arg){.value = value};
}

/** card_start for a kernel's name and its arguments by name: .src = card_at(rows), .mode =
 * card_number(1), ... What is not named is missing: P_EINTERNAL for rows, 0 for numbers. */
#define card_start_kernel(run, command, kernel, unit, work_ns, err, ...)                           \
    card_start(run, command, CARD_##kernel, unit,                                                  \
               (card_args_##kernel){.named = {__VA_ARGS__}}.list,                                  \
               sizeof(card_args_##kernel) / sizeof(card_arg), work_ns, err)

/** Start a command; it ends in card_finish or card_settle. work_ns: what it takes on hardware, ten
 * times too much. P_ECANCELLED, P_EDEVICE. */
p_status card_start(card_run *run, card_command *command, card_kernel kernel, uint32_t unit,
                    const card_arg *args, size_t count, uint64_t work_ns, p_err *err);
p_status card_write(card_run *run, card_command *command, const card_rows *rows, uint64_t row,
                    uint64_t count, const void *data, p_err *err);
p_status card_read(card_run *run, card_command *command, const card_rows *rows, uint64_t row,
                   uint64_t count, void *data, p_err *err);

/** Waits for a command's end; P_OK at once for one that is not under way. P_ECANCELLED (it goes
 * on), P_EDEVICE if it failed or takes longer than it may. */
p_status card_finish(card_run *run, card_command *command, p_err *err);

/** Waits for the end of all commands, cancelled or not. P_EDEVICE if one fails or takes too long.
 */
p_status card_settle(card_device *d, p_err *err);

/** Resets the card; all commands end, all rows are lost. */
p_status card_recover(card_device *d, p_err *err);

/** Before memory that commands use is given up: ends them all, by a reset if status is P_EDEVICE or
 * becomes it because one of them fails. Returns the status. */
p_status card_end(card_run *run, p_status status, p_err *err);

uint64_t card_random(card_device *d);

/* ---- pipe.c ---- */

/** Work in pieces: each is staged on the host, uploaded, put through a kernel, downloaded and
 * accepted, several at the same time. */
typedef struct card_pipe {
    card_kernel kernel;
    uint64_t pieces;
    uint64_t in_rows;  /**< of a piece, at most */
    uint64_t out_rows; /**< the kernel's output, if it is not in place; else 0 */
    uint64_t tmp_rows; /**< on side B, or 0 */
    void *context;
    /** Writes the piece's input to in and how many rows it has. */
    p_status (*stage)(void *context, card_run *run, uint64_t piece, hls_row *in, uint64_t *rows,
                      p_err *err);
    /** Starts the kernel. out: in, if it is in place. */
    p_status (*start)(void *context, card_run *run, uint64_t piece, uint32_t unit,
                      const card_rows *in, const card_rows *out, const card_rows *tmp,
                      card_command *command, p_err *err);
    /** Checks the output and takes it over, one piece after the other. */
    p_status (*accept)(void *context, card_run *run, uint64_t piece, const hls_row *in,
                       const hls_row *out, p_err *err);
    bool secret; /**< inputs are wiped, on the card, too */
} card_pipe;

p_status card_pipe_run(card_run *run, const card_pipe *pipe, p_err *err);
/** Bytes of the card that it takes at least, one piece after the other. */
uint64_t card_pipe_bytes(const card_pipe *pipe);

/* ---- commit.c, opening.c ----
 *
 * ..._bytes: what a job takes of the card at least. It takes more, to do several things at the same
 * time, where there is room. */

uint64_t card_commit_bytes(const card_device *d, const drv_commit_job *job);
/** Fills c with the job's shape and host memory; nothing on the card yet. card_commit_free. */
p_status card_commit_begin(card_device *d, const drv_commit_job *job, card_commitment *c,
                           p_err *err);
/** Extends and hashes the caller's matrix, of which the host copy is made on the way (what an
 * earlier attempt has copied stays). The result is checked. On failure nothing is kept on the card.
 */
p_status card_commit_make(card_run *run, card_commitment *c, const uint64_t *source, p_err *err);
/** The commitment is on the card, if need be made again: with the same cap, or P_EDEVICE. */
p_status card_commit_ensure(card_run *run, card_commitment *c, p_err *err);
void card_commit_free(card_device *d, card_commitment *c);
/** The block's rows on the host, of which the filling columns are zero. */
const uint64_t *card_commit_block(const card_commitment *c, uint64_t block);
uint64_t card_commit_stride(const card_commitment *c); /**< rows from block to block of matrix */
uint64_t card_tree_row(const drv_commitment *shape, uint32_t level);

p_status card_open_rows(card_run *run, const card_commitment *c, const uint64_t *rows,
                        uint32_t count, uint64_t *values, uint64_t *paths, p_err *err);
p_status card_open_job(card_run *run, card_commitment *c, const drv_open_job *job, p_err *err);
p_status card_read_job(card_run *run, card_commitment *c, const drv_read_job *job, p_err *err);
uint64_t card_open_bytes(const card_device *d, const drv_open_job *job);

/* ---- transform.c, permute.c, msm.c ---- */

p_status card_ntt(card_run *run, const drv_ntt_job *job, p_err *err);
uint64_t card_ntt_bytes(const drv_ntt_job *job);

p_status card_permute(card_run *run, const drv_poseidon_job *job, p_err *err);
uint64_t card_permute_bytes(const drv_poseidon_job *job);
/** The constants of a width on the card, and the object to check with. */
p_status card_poseidon_table(card_run *run, uint32_t width, const card_rows **out, p_err *err);
/** What a table takes; 0 for no width. */
uint64_t card_poseidon_table_bytes(uint32_t width);
p_status card_poseidon_host(card_device *d, uint32_t width, const bn_poseidon **out, p_err *err);

/** The points are on the card. */
p_status card_points_ensure(card_run *run, card_points *points, p_err *err);
uint64_t card_points_bytes(uint64_t count);
p_status card_msm(card_run *run, card_points *points, const drv_msm_job *job, p_err *err);
uint64_t card_msm_bytes(const card_device *d, uint64_t count);

/* ---- check.c ---- */

/** Whether coefficients and values belong together, both natural, by one value and one coefficient
 * computed again: any single wrong number is seen. Goldilocks: 2^log_n rows of eight, in canonical
 * form, of which only mask's columns count; values[k] = sum of c[j] (shift omega^k)^j. */
p_status card_check_gl(card_run *run, const hls_row *coefficients, const hls_row *values,
                       uint32_t log_n, uint64_t shift, uint32_t mask, p_err *err);
/** shift: canonical form. Numbers that are not below r are P_EDEVICE. */
p_status card_check_fr(card_run *run, const uint64_t *coefficients, const uint64_t *values,
                       uint32_t log_n, const uint64_t shift[4], p_err *err);
/** Whether rows of the commitment, opened at random, are what its input extends to. */
p_status card_check_commit(card_run *run, const card_commitment *c, const uint64_t *cap,
                           p_err *err);
/** The same of one row of a rectangle of whole blocks: rows[b] the row in block first + b. */
p_status card_check_row(card_run *run, const card_commitment *c, uint64_t row, uint64_t first,
                        uint64_t blocks, const hls_row *rows, p_err *err);

/* ---- selftest.c ---- */

/** Each kernel of the image against the CPU. P_EDEVICE names the kernel. */
p_status card_self_test(card_run *run, p_err *err);

#endif
