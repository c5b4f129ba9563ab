/** Proofs as arrays, and their bytes (docs/formats.md).
 *
 * A key fixes every length, so a proof is one array of 64-bit words with parts at known places:
 * stark_shape says where. Words of F are canonical and digests are canonical elements, or the
 * proof is refused: there is one form of every proof. */
#ifndef ZKP_HOST_STARK_PROOF_H
#define ZKP_HOST_STARK_PROOF_H

#include "host/stark/params.h"

/** Places (first word) and lengths of the parts, in the order of the bytes. */
typedef struct stark_shape {
    uint32_t tree_columns[AIR_TREES]; /**< real ones; 0: no such tree */
    uint32_t tree_cap_log2;           /**< all four have n leaves */
    uint32_t path_digests;            /**< of a path in them */
    uint32_t layers, final_log2;
    uint32_t layer_leaves_log2[STARK_MAX_LAYERS], layer_cap_log2[STARK_MAX_LAYERS];
    uint32_t layer_path_digests[STARK_MAX_LAYERS];

    uint64_t cap[AIR_TREES]; /**< main, aux, quotient (the fixed one is the key's) */
    uint64_t at_z; /**< 3 words each: evaluations of all real columns at z, trees in order */
    uint32_t at_z_count;
    uint64_t at_next; /**< 3 words each: those of columns also opened at omega z */
    uint32_t at_next_count;
    uint64_t layer_cap[STARK_MAX_LAYERS];
    uint64_t final;                                          /**< 3 words a coefficient */
    uint64_t nonce;                                          /**< one word */
    uint64_t queries;                                        /**< the first query's words */
    uint64_t query_words;                                    /**< of each query: */
    uint64_t query_values[AIR_TREES], query_path[AIR_TREES]; /**< from the query's start */
    uint64_t query_layer[STARK_MAX_LAYERS],
        query_layer_path[STARK_MAX_LAYERS]; /**< 24 words; path */
    uint64_t words;                         /**< in all */
} stark_shape;

typedef struct stark_proof {
    uint64_t *words; /**< shape.words */
    uint64_t count;
} stark_proof;

/** params must be checked for the air. */
void stark_shape_compute(const stark_params *params, const air *a, stark_shape *out);

/** "fixed", "main", "aux", "quotient". */
const char *stark_tree_name(air_tree tree);

/** What a part consists of. */
typedef enum stark_part_kind { STARK_PART_WORDS, STARK_PART_DIGESTS } stark_part_kind;

typedef struct stark_part {
    char name[48];      /**< "cap of main", "query 7: path of layer 1", ... */
    uint64_t at, words; /**< place in the proof; words > 0 */
    stark_part_kind kind;
} stark_part;

/** The parts one after the other, without gaps, from *at = 0 to the end: false after the last. */
bool stark_shape_part(const stark_shape *shape, uint64_t *at, stark_part *out);

/** P_ECORRUPT, with the part and the offset, unless there are as many words as the shape has, words
 * of F are canonical and digests are canonical elements. */
p_status stark_proof_check(const stark_shape *shape, drv_hash hash, const stark_proof *proof,
                           p_err *err);

void stark_proof_free(stark_proof *proof);

#define STARK_PROOF_VERSION 1
#define STARK_PROOF_MAGIC "ZKPSTARK"

/** The bytes: "ZKPSTARK", format version, VK digest, publics, the words; all lengths explicit. */
struct stark_vk;
p_status stark_proof_write(const struct stark_vk *vk, const uint64_t *publics,
                           const stark_proof *proof, uint8_t **bytes, size_t *size, p_err *err);
/** Strict: P_ECORRUPT names the part and the offset of what is short, long, not canonical, of
 * another version or another key. publics: *publics is the caller's to free. */
p_status stark_proof_parse(const struct stark_vk *vk, const uint8_t *bytes, size_t size,
                           stark_proof *out, uint64_t **publics, p_err *err);

#endif
