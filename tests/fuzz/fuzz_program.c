/* Input: one byte for the fork, then an EVM program. It runs as the init code of a create
 * transaction; then it is deployed as it stands and called with itself as call data. */
#include "tests/fuzz/fuzz_executor.h"

#include "driver/field/keccak.h"

#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PROGRAM_MAX 4096
#define GAS 0x0493e0 /* 300,000: enough to deploy a kilobyte, and an input stays fast */

typedef struct builder {
    uint8_t at[3 * (PROGRAM_MAX + 256)];
    size_t len;
} builder;

static void put(builder *b, const void *bytes, size_t len)
{
    memcpy(b->at + b->len, bytes, len);
    b->len += len;
}

static void put_byte(builder *b, uint8_t byte)
{
    put(b, &byte, 1);
}

/* The head of an RLP string or list; base is 0x80 or 0xc0. */
static void put_head(builder *b, uint8_t base, size_t len)
{
    if (len < 56) {
        put_byte(b, (uint8_t)(base + len));
    } else if (len < 256) {
        put_byte(b, (uint8_t)(base + 56));
        put_byte(b, (uint8_t)len);
    } else {
        put_byte(b, (uint8_t)(base + 57));
        put_byte(b, (uint8_t)(len >> 8));
        put_byte(b, (uint8_t)len);
    }
}

/* A transaction without replay protection; to is NULL to create. The signature is any in range: the
 * host says who. */
static void put_tx(builder *b, uint32_t fork, uint8_t nonce, const exec_address *to,
                   const uint8_t *prefix, size_t prefix_len, const uint8_t *data, size_t data_len)
{
    static builder
        body; /* too large for the stack of a fuzzer with ASan; libFuzzer has one thread */
    static const uint8_t gas[4] = {0x83, GAS >> 16, GAS >> 8 & 0xff, GAS & 0xff};
    size_t n = prefix_len + data_len;
    body.len = 0;
    put_byte(&body, nonce ? nonce : 0x80);
    put_byte(&body, 1); /* gas price */
    put(&body, gas, sizeof gas);
    put_byte(&body, to ? 0x94 : 0x80);
    if (to)
        put(&body, to->bytes, 20);
    put_byte(&body, 0x80); /* value */
    uint8_t first = prefix_len ? prefix[0] : (data_len ? data[0] : 0);
    if (n != 1 || first >= 0x80)
        put_head(&body, 0x80, n);
    if (prefix_len)
        put(&body, prefix, prefix_len);
    put(&body, data, data_len);

    uint8_t signature[66] = {0};
    signature[31] = 1;
    signature[63] = 1;
    signature[64] = 27;
    signature[65] = 255;
    put_head(b, 0xc0, body.len);
    put(b, body.at, body.len);
    put(b, signature, fork >= 5 ? 66 : 65);
}

static exec_address created(uint8_t nonce)
{
    uint8_t rlp[23] = {0xd6, 0x94}, hash[32];
    exec_address a;
    memcpy(rlp + 2, fuzz_sender.bytes, 20);
    rlp[22] = nonce ? nonce : 0x80;
    keccak_256(hash, rlp, sizeof rlp);
    memcpy(a.bytes, hash + 12, 20);
    return a;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    fuzz_executor_init("fork6/contracts.json");
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static builder b;
    if (size < 2 || size > PROGRAM_MAX)
        return 0;
    uint32_t fork = fuzz_fork(data[0]);
    data++;
    size--;
    /* PUSH2 size, DUP1, PUSH1 13, PUSH1 0, CODECOPY, PUSH1 0, RETURN, and a STOP as padding: 13
     * bytes */
    uint8_t copier[13] = {
        0x61, (uint8_t)(size >> 8), (uint8_t)size, 0x80, 0x60, 13, 0x60, 0, 0x39, 0x60, 0, 0xf3,
        0x00};
    exec_address deployed = created(1);
    b.len = 0;
    put_tx(&b, fork, 0, NULL, NULL, 0, data, size);
    put_tx(&b, fork, 1, NULL, copier, sizeof copier, data, size);
    put_tx(&b, fork, 2, &deployed, NULL, 0, data, size);
    fuzz_executor_run(b.at, b.len, fork);
    return 0;
}
