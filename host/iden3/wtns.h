/** Witnesses: iden3's .wtns. Value i is wire i's, wire 0 is 1; canonical numbers below r, four
 * little-endian words each. */
#ifndef ZKP_HOST_IDEN3_WTNS_H
#define ZKP_HOST_IDEN3_WTNS_H

#include "host/iden3/binfile.h"

typedef struct wtns {
    binfile file;
    uint32_t count;
    const binfile_section *values;
} wtns;

/** Checks the header and the lengths. Close it also after a failure. */
p_status wtns_open(wtns *out, const char *path, p_err *err);
p_status wtns_adopt(wtns *out, int fd, const char *path, p_err *err);
void wtns_close(wtns *w);

/** All values, count * 4 words. P_ECORRUPT names the first value that is not below r, and a wire 0
 * that is not 1. */
p_status wtns_read(const wtns *w, uint64_t *values, p_err *err);

/** Writes a file. */
p_status wtns_write(const char *path, const uint64_t *values, uint32_t count, p_err *err);

#endif
