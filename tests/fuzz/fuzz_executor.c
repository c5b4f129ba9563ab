#include "tests/fuzz/fuzz_executor.h"

#include "driver/field/keccak.h"

#include <secp256k1.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One process is one target: this state is libFuzzer's, not a library's. */
exec_address fuzz_sender;
static uint8_t public_key[64];
static uint8_t *block;
static size_t block_len;
static exec_memory memory;
static char reports[2][1 << 20];

/* Gas for everything in one input; low, so that an input takes milliseconds. */
#define FUZZ_GAS_LIMIT 1000000

static void die(const char *what)
{
    fprintf(stderr, "fuzz: %s\n", what);
    abort();
}

static exec_recovery recover_sender(void *ctx, const uint8_t hash[32], const uint8_t r[32],
                                    const uint8_t s[32], bool odd_y, uint8_t out[64])
{
    (void)ctx, (void)hash, (void)s, (void)odd_y;
    if (r[31] == 0xee) /* some inputs shall see the other two answers */
        return EXEC_RECOVERY_NONE;
    if (r[31] == 0xef)
        return EXEC_RECOVERY_INFINITY;
    memcpy(out, public_key, sizeof public_key);
    return EXEC_RECOVERY_OK;
}

void fuzz_executor_init(const char *batch)
{
    static const char label[] = "zkprover test key alice";
    uint8_t secret[32], hash[32], serialized[65];
    size_t len = sizeof serialized;
    secp256k1_pubkey key;
    secp256k1_context *secp = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    keccak_256(secret, (const uint8_t *)label, sizeof label - 1);
    if (!secp || !secp256k1_ec_pubkey_create(secp, &key, secret))
        die("the sender's key cannot be made");
    secp256k1_ec_pubkey_serialize(secp, serialized, &len, &key, SECP256K1_EC_UNCOMPRESSED);
    secp256k1_context_destroy(secp);
    memcpy(public_key, serialized + 1, 64);
    keccak_256(hash, public_key, 64);
    memcpy(fuzz_sender.bytes, hash + 12, 20);

    char path[4096], error[256];
    snprintf(path, sizeof path, "%s/batch/%s", ZKP_FUZZ_DATA, batch);
    if (!flatten_file(path, &block, &block_len, NULL, error))
        die(error);
    if (!flatten_memory_map(&memory, (size_t)1 << 30))
        die("no address space for the arenas");
}

uint32_t fuzz_fork(uint8_t byte)
{
    return 4 + (uint32_t)(byte + 2) % 3;
}

static report_text run(char *bytes, const uint8_t *data, size_t len, uint32_t fork_id)
{
    flat_file file;
    report_text text = {.at = bytes, .size = sizeof reports[0]};
    const char *wrong = flat_parse(&file, block, block_len);
    if (wrong)
        die(wrong);
    exec_host host = flat_host(&file);
    host.recover = recover_sender;
    file.batch.l2_data = data;
    file.batch.l2_data_len = len;
    file.batch.fork_id = fork_id;
    file.batch.block_gas_limit = FUZZ_GAS_LIMIT;
    file.batch.enforce_counters = true;
    flatten_memory_reset(&memory);
    if (!report_run(&text, &file, &host, &memory, NULL)) {
        fwrite(text.at, 1, text.len, stderr);
        die("a fault over a complete state");
    }
    return text;
}

void fuzz_executor_run(const uint8_t *data, size_t len, uint32_t fork_id)
{
    /* the executor may not depend on bytes behind the data: give it a block of its own */
    uint8_t *copy = malloc(len ? len : 1);
    if (!copy)
        die("out of memory");
    if (len)
        memcpy(copy, data, len);
    report_text a = run(reports[0], copy, len, fork_id);
    report_text b = run(reports[1], copy, len, fork_id);
    free(copy);
    if (a.overflow || a.len != b.len || memcmp(a.at, b.at, a.len) != 0)
        die("two runs of the same batch differ");
}
