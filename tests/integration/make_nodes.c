/* make_nodes COUNT SEED: prints COUNT random nodes of the state tree that hash to their keys, one a
 * line: key, a space, the value in the protocol's encoding. */
#include "driver/field/gl_poseidon.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15)); /* splitmix64 */
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: make_nodes COUNT SEED\n");
        return 2;
    }
    uint64_t state = strtoull(argv[2], NULL, 10);
    const gl_poseidon_ops *poseidon = gl_poseidon_select(NULL);
    for (unsigned long n = strtoul(argv[1], NULL, 10); n; n--) {
        gl_t node[12] = {0}, hash[12];
        for (int i = 0; i < 8; i++)
            node[i] = next_random(&state) % GL_P;
        node[8] = n & 1; /* an inner node or a leaf */
        memcpy(hash, node, sizeof hash);
        poseidon->permute(hash);
        printf("0x%016" PRIx64 "%016" PRIx64 "%016" PRIx64 "%016" PRIx64 " ", hash[3], hash[2],
               hash[1], hash[0]);
        for (int i = 0; i < 12; i++)
            printf("%016" PRIx64, node[i]);
        putchar('\n');
    }
    return 0;
}
