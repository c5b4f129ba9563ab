/* The emulated card's call of one kernel: compiled once for each, with CARD_KERNEL its name and
 * CARD_KERNEL_ARGS its argument list in kernel_abi.h. Linked with the kernel into a shared object
 * that exports
 *
 *   void card_call_NAME(const uint64_t *args)
 *
 * args: the arguments in the order of their registers, a buffer as HLS_CHANNELS pointers. */
#include "hls/include/kernel_ports.h"

#define PASTE(a, b) a##b
#define NAMED(prefix, name) PASTE(prefix, name)

/* A structure with a 64-bit member for each argument has the layout of args. */
#define MEMBER_PORT(name, channel) name##_##channel
#define MEMBER_ROWS(name) HLS_EACH(MEMBER_PORT, name)
#define MEMBER_NUMBER(name) name
typedef struct call_args {
    uint64_t CARD_KERNEL_ARGS(MEMBER_ROWS, MEMBER_NUMBER, MEMBER_NUMBER);
} call_args;

#define VALUE_PORT(name, channel) (hls_row *)(uintptr_t)all->name##_##channel
#define VALUE_ROWS(name) HLS_EACH(VALUE_PORT, name)
#define VALUE_U32(name) (uint32_t) all->name
#define VALUE_U64(name) all->name

void CARD_KERNEL(CARD_KERNEL_ARGS(HLS_PARAM_ROWS, HLS_PARAM_U32, HLS_PARAM_U64));
void NAMED(card_call_, CARD_KERNEL)(const uint64_t *args);

void NAMED(card_call_, CARD_KERNEL)(const uint64_t *args)
{
    const call_args *all = (const call_args *)(const void *)args;

    CARD_KERNEL(CARD_KERNEL_ARGS(VALUE_ROWS, VALUE_U32, VALUE_U64));
}
