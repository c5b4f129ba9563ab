/** The challenges of a proof, from its words: the verifier's half of the transcript. For verifying,
 * for witnesses of circuits that verify, and for the test that reads the transcript's log. Pure;
 * any thread. */
#ifndef ZKP_HOST_STARK_REPLAY_H
#define ZKP_HOST_STARK_REPLAY_H

#include "host/stark/stark.h"

typedef struct stark_challenges {
    gl_ext air[AIR_CHALLENGES]; /**< alpha, beta, rho */
    gl_ext lambda, z, gamma;
    gl_ext fold[STARK_MAX_LAYERS];       /**< beta_k */
    uint64_t grinding;                   /**< e0, its lowest 64 bits */
    uint64_t indices[STARK_MAX_QUERIES]; /**< params.queries of them, below n */
} stark_challenges;

/** t: just initialised, its log set or not. publics and proof checked to be canonical, proof of
 * the shape's length. */
void stark_replay(stark_transcript *t, const stark_vk *vk, const stark_shape *shape,
                  const uint64_t *publics, const stark_proof *proof, stark_challenges *out);

#endif
