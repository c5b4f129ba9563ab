#include "host/groth16/random.h"

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

p_status groth16_draw_secrets(bn_fr *out, size_t count, const uint64_t *given, p_err *err)
{
    uint64_t words[4] = {0};
    p_status s = P_OK;

    for (size_t i = 0; i < count && s == P_OK; i++) {
        do {
            if (given)
                memcpy(words, given + 4 * i, sizeof words);
            else
                s = groth16_draw(words, err);
        } while (s == P_OK && !given && (words[0] | words[1] | words[2] | words[3]) == 0);
        if (s == P_OK && (!bn_fr_set_words(&out[i], words) || bn_fr_is_zero(&out[i])))
            s = p_err_set(err, P_EINVAL, "secret %zu is 0 or not below r", i);
    }
    explicit_bzero(words, sizeof words);
    return s;
}
