#include "host/groth16/random.h"

#include "driver/field/bn_fr.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

p_status groth16_draw(uint64_t out[4], p_err *err)
{
    bn_fr x;

    do { /* three in four are below r */
        uint8_t *to = (uint8_t *)x.l;
        size_t got = 0;

        while (got < sizeof x.l) {
            ssize_t n = getrandom(to + got, sizeof x.l - got, 0);

            if (n < 0 && errno != EINTR)
                return p_err_set(err, P_EIO, "getrandom: %s", strerror(errno));
            got += n > 0 ? (size_t)n : 0;
        }
        x.l[3] &= UINT64_MAX >> 2;
    } while (!bn_fr_is_canonical(&x));
    memcpy(out, x.l, sizeof x.l);
    explicit_bzero(&x, sizeof x);
    return P_OK;
}
