#include "host/executor/transaction.h"

#include <string.h>

#include "host/executor/bytes.h"
#include "host/executor/u256.h"

/* the first V of EIP-155 */
#define V_EIP155 35
#define V_LEGACY 27

/* ---- reading ---- */

bool exec_tx_read_header(rlp_reader *r, size_t *list_len)
{
    size_t start = r->pos;
    if (!rlp_read_list(r))
        return false;
    *list_len = r->list_end - start;
    return true;
}

static bool read_to(rlp_reader *r, exec_tx *tx)
{
    size_t at = r->pos;
    const uint8_t *b;
    memset(&tx->to, 0, sizeof tx->to);
    if (!rlp_read_raw(r, 1, &b))
        return false;
    tx->is_create = *b == 0x80;
    if (tx->is_create)
        return true;
    if (*b != 0x80 + sizeof tx->to.bytes)
        return rlp_fail(r, at, "the destination is neither empty nor 20 bytes");
    if (!rlp_read_raw(r, sizeof tx->to.bytes, &b))
        return false;
    memcpy(tx->to.bytes, b, sizeof tx->to.bytes);
    return true;
}

/** nonce, gasPrice, gasLimit, to, value, data: what both forms begin with. */
static bool read_common(rlp_reader *r, exec_tx *tx)
{
    return rlp_read_u64(r, &tx->nonce) && rlp_read_u256(r, 32, &tx->gas_price) &&
           rlp_read_u64(r, &tx->gas_limit) && read_to(r, tx) && rlp_read_u256(r, 32, &tx->value) &&
           rlp_read_string(r, &tx->data, &tx->data_len);
}

bool exec_tx_read_body(rlp_reader *r, size_t start, bool has_percentage, exec_tx *tx)
{
    const uint8_t *b;
    if (!read_common(r, tx))
        return false;
    tx->chain_id = 0;
    tx->has_chain_id = r->pos != r->list_end;
    if (tx->has_chain_id) {
        if (!rlp_read_u64(r, &tx->chain_id))
            return false;
        size_t at = r->pos;
        if (!rlp_read_raw(r, 2, &b))
            return false;
        if (b[0] != 0x80 || b[1] != 0x80)
            return rlp_fail(r, at, "the chain id is not followed by two empty items");
    }
    if (!rlp_end_list(r))
        return false;
    tx->signed_list = r->bytes + start;
    tx->signed_list_len = r->pos - start;

    if (!rlp_read_raw(r, 32, &b))
        return false;
    memcpy(tx->r.bytes, b, 32);
    if (!rlp_read_raw(r, 32, &b))
        return false;
    memcpy(tx->s.bytes, b, 32);
    if (!rlp_read_raw(r, 1, &b))
        return false;
    tx->v = *b;
    tx->effective_percentage = EXEC_TX_FULL_PERCENTAGE;
    if (has_percentage) {
        if (!rlp_read_raw(r, 1, &b))
            return false;
        tx->effective_percentage = *b;
    }
    return true;
}

/** Splits V into chain id and v; false if it is no V of a legacy transaction. */
static bool split_v(const u256 *big_v, exec_tx *tx)
{
    if (u256_fits_u64(big_v) && (big_v->limb[0] == V_LEGACY || big_v->limb[0] == V_LEGACY + 1)) {
        tx->has_chain_id = false;
        tx->chain_id = 0;
        tx->v = (uint8_t)big_v->limb[0];
        return true;
    }
    u256 base = u256_from_u64(V_EIP155), rest;
    if (u256_sub_borrow(&rest, big_v, &base))
        return false;
    u256 id = u256_shr(&rest, 1);
    if (!u256_fits_u64(&id))
        return false;
    tx->has_chain_id = true;
    tx->chain_id = id.limb[0];
    tx->v = (uint8_t)(V_LEGACY + (rest.limb[0] & 1));
    return true;
}

bool exec_tx_read_ethereum(const uint8_t *bytes, size_t len, exec_tx *tx, const char **reason)
{
    rlp_reader r;
    u256 big_v, sig_r, sig_s;
    rlp_reader_init(&r, bytes, len, 0);
    memset(tx, 0, sizeof *tx);
    if (rlp_read_list(&r) && read_common(&r, tx) && rlp_read_u256(&r, 9, &big_v) &&
        rlp_read_u256(&r, 32, &sig_r) && rlp_read_u256(&r, 32, &sig_s) && rlp_end_list(&r)) {
        if (r.pos != len)
            (void)rlp_fail(&r, r.pos, "bytes follow the transaction");
        else if (!split_v(&big_v, tx))
            (void)rlp_fail(&r, 0, "v is neither 27 or 28 nor 35 or more");
    }
    if (reason != NULL)
        *reason = r.fault;
    if (r.fault != NULL)
        return false;
    tx->r = bytes_hash_of_u256(&sig_r);
    tx->s = bytes_hash_of_u256(&sig_s);
    tx->effective_percentage = EXEC_TX_FULL_PERCENTAGE;
    return true;
}

/* ---- writing ---- */

/** The integer fields as big-endian bytes, so that measuring and writing see the same. */
typedef struct tx_fields {
    uint8_t nonce[8], gas_limit[8], chain_id[8];
    uint8_t gas_price[32], value[32];
    uint8_t v[9]; /**< V of the Ethereum form: up to 2^65 + 36 */
} tx_fields;

static void fill_fields(tx_fields *f, const exec_tx *tx)
{
    bytes_store_be64(f->nonce, tx->nonce);
    bytes_store_be64(f->gas_limit, tx->gas_limit);
    bytes_store_be64(f->chain_id, tx->chain_id);
    bytes_store_u256(f->gas_price, &tx->gas_price);
    bytes_store_u256(f->value, &tx->value);
    unsigned __int128 v = tx->v;
    if (tx->chain_id != 0)
        v += V_EIP155 - V_LEGACY + 2 * (unsigned __int128)tx->chain_id;
    f->v[0] = (uint8_t)(v >> 64);
    bytes_store_be64(f->v + 1, (uint64_t)v);
}

static size_t to_size(const exec_tx *tx)
{
    return tx->is_create ? 1 : 1 + sizeof tx->to.bytes;
}

static size_t common_size(const tx_fields *f, const exec_tx *tx)
{
    return rlp_integer_size(f->nonce, sizeof f->nonce) +
           rlp_integer_size(f->gas_price, sizeof f->gas_price) +
           rlp_integer_size(f->gas_limit, sizeof f->gas_limit) + to_size(tx) +
           rlp_integer_size(f->value, sizeof f->value) + rlp_string_size(tx->data, tx->data_len);
}

static uint8_t *put_common(uint8_t *out, const tx_fields *f, const exec_tx *tx)
{
    out = rlp_put_integer(out, f->nonce, sizeof f->nonce);
    out = rlp_put_integer(out, f->gas_price, sizeof f->gas_price);
    out = rlp_put_integer(out, f->gas_limit, sizeof f->gas_limit);
    out = rlp_put_string(out, tx->to.bytes, tx->is_create ? 0 : sizeof tx->to.bytes);
    out = rlp_put_integer(out, f->value, sizeof f->value);
    return rlp_put_string(out, tx->data, tx->data_len);
}

static size_t ethereum_payload(const tx_fields *f, const exec_tx *tx)
{
    return common_size(f, tx) + rlp_integer_size(f->v, sizeof f->v) +
           rlp_integer_size(tx->r.bytes, 32) + rlp_integer_size(tx->s.bytes, 32);
}

static size_t signed_payload(const tx_fields *f, const exec_tx *tx)
{
    size_t len = common_size(f, tx);
    if (tx->has_chain_id)
        len += rlp_integer_size(f->chain_id, sizeof f->chain_id) + 2;
    return len;
}

size_t exec_tx_ethereum_size(const exec_tx *tx)
{
    tx_fields f;
    fill_fields(&f, tx);
    size_t payload = ethereum_payload(&f, tx);
    return rlp_header_size(payload) + payload;
}

uint8_t *exec_tx_put_ethereum(uint8_t *out, const exec_tx *tx)
{
    tx_fields f;
    fill_fields(&f, tx);
    out = rlp_put_list_header(out, ethereum_payload(&f, tx));
    out = put_common(out, &f, tx);
    out = rlp_put_integer(out, f.v, sizeof f.v);
    out = rlp_put_integer(out, tx->r.bytes, 32);
    return rlp_put_integer(out, tx->s.bytes, 32);
}

size_t exec_tx_batch_size(const exec_tx *tx, bool has_percentage)
{
    tx_fields f;
    fill_fields(&f, tx);
    size_t payload = signed_payload(&f, tx);
    return rlp_header_size(payload) + payload + 32 + 32 + 1 + (has_percentage ? 1 : 0);
}

uint8_t *exec_tx_put_batch(uint8_t *out, const exec_tx *tx, bool has_percentage)
{
    tx_fields f;
    fill_fields(&f, tx);
    out = rlp_put_list_header(out, signed_payload(&f, tx));
    out = put_common(out, &f, tx);
    if (tx->has_chain_id) {
        out = rlp_put_integer(out, f.chain_id, sizeof f.chain_id);
        *out++ = 0x80;
        *out++ = 0x80;
    }
    memcpy(out, tx->r.bytes, 32);
    memcpy(out + 32, tx->s.bytes, 32);
    out += 64;
    *out++ = tx->v;
    if (has_percentage)
        *out++ = tx->effective_percentage;
    return out;
}

/* ---- what follows from the fields ---- */

void exec_tx_hash(const exec_tx *tx, uint8_t *scratch,
                  void (*keccak)(uint8_t out[32], const uint8_t *in, size_t len), exec_hash *hash)
{
    size_t len = (size_t)(exec_tx_put_ethereum(scratch, tx) - scratch);
    keccak(hash->bytes, scratch, len);
}

void exec_effective_gas_price(u256 *out, const u256 *gas_price, uint8_t percentage)
{
    u256 factor = u256_from_u64((uint64_t)percentage + 1);
    uint64_t p[8];
    u256_mul_wide(p, gas_price, &factor);
    /* the factor is at most 256, so the quotient fits 256 bits */
    for (int i = 0; i < 4; i++)
        out->limb[i] = p[i] >> 8 | p[i + 1] << 56;
}

uint64_t exec_tx_intrinsic_gas(const exec_tx *tx)
{
    uint64_t gas = tx->is_create ? EXEC_TX_CREATE_GAS : EXEC_TX_GAS;
    for (size_t i = 0; i < tx->data_len; i++)
        gas += tx->data[i] == 0 ? EXEC_TX_DATA_ZERO_GAS : EXEC_TX_DATA_NONZERO_GAS;
    return gas;
}

void exec_create_address(exec_address *out, const exec_address *from, uint64_t nonce,
                         void (*keccak)(uint8_t out[32], const uint8_t *in, size_t len))
{
    uint8_t list[1 + 21 + 9], be[8], digest[32];
    bytes_store_be64(be, nonce);
    uint8_t *p = rlp_put_list_header(list, 21 + rlp_integer_size(be, 8));
    p = rlp_put_string(p, from->bytes, sizeof from->bytes);
    p = rlp_put_integer(p, be, 8);
    keccak(digest, list, (size_t)(p - list));
    memcpy(out->bytes, digest + 12, sizeof out->bytes);
}
