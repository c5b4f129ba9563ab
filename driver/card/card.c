/* What kernels are called and take, from the lists of kernel_abi.h. */
#include "driver/card/card.h"

#define LETTER_ROWS(name) 'R'
#define LETTER_U32(name) 'W'
#define LETTER_U64(name) 'D'

#define LETTERS(name, arguments)                                                                   \
    static const char LETTERS_##name[] = {arguments(LETTER_ROWS, LETTER_U32, LETTER_U64), 0};      \
    _Static_assert(sizeof LETTERS_##name - 1 <= CARD_MAX_ARGS, "CARD_MAX_ARGS is too small");
HLS_KERNELS(LETTERS)

static const struct {
    const char *name, *letters;
} KERNELS[CARD_KERNELS] = {
#define ROW(name, arguments) [CARD_##name] = {#name, LETTERS_##name},
    HLS_KERNELS(ROW)};

const char *card_kernel_name(card_kernel kernel)
{
    return (unsigned)kernel < CARD_KERNELS ? KERNELS[kernel].name : "unknown";
}

const char *card_kernel_args(card_kernel kernel)
{
    return (unsigned)kernel < CARD_KERNELS ? KERNELS[kernel].letters : "";
}
