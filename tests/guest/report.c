#include "tests/guest/report.h"

#include <string.h>

static void put(report_text *t, const char *text, size_t len)
{
    if (len > t->size - t->len) {
        t->overflow = true;
        len = t->size - t->len;
    }
    memcpy(t->at + t->len, text, len);
    t->len += len;
}

static void put_text(report_text *t, const char *text)
{
    size_t len = 0;
    while (text[len])
        len++;
    put(t, text, len);
}

static void put_number(report_text *t, uint64_t n)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n);
    put_text(t, " ");
    put(t, digits + at, sizeof digits - at);
}

static void put_hex(report_text *t, const uint8_t *bytes, size_t len)
{
    static const char hex[] = "0123456789abcdef";
    put_text(t, " 0x");
    for (size_t i = 0; i < len; i++) {
        char two[2] = {hex[bytes[i] >> 4], hex[bytes[i] & 15]};
        put(t, two, 2);
    }
}

static void put_u256(report_text *t, const u256 *x)
{
    uint8_t bytes[32];
    for (int i = 0; i < 32; i++)
        bytes[i] = (uint8_t)(x->limb[3 - i / 8] >> (56 - 8 * (i % 8)));
    put_hex(t, bytes, sizeof bytes);
}

static void on_tx(void *ctx, const exec_tx_result *r)
{
    report_text *t = ctx;
    put_text(t, "transaction");
    put_number(t, r->index);
    put_hex(t, r->hash.bytes, 32);
    put_hex(t, r->from.bytes, r->has_from ? 20 : 0);
    put_text(t, " '");
    put_text(t, exec_error_text(r->error));
    put_text(t, "'");
    put_number(t, r->gas_used);
    put_hex(t, r->create_address.bytes, r->has_create_address ? 20 : 0);
    put_number(t, r->n_logs);
    put_number(t, r->output_len);
    put_u256(t, &r->state_root);
    put_text(t, "\n");
}

bool report_run(report_text *out, flat_file *f, const exec_host *host, exec_memory *memory,
                u256 *root)
{
    exec_observer observer = {.ctx = out, .tx = on_tx};
    exec_result r;
    memset(&r, 0, sizeof r);
    exec_fault fault = exec_run(host, &observer, memory, &f->batch, &r, NULL, NULL);
    if (fault != EXEC_FAULT_NONE || f->fault) {
        put_text(out, "failed: ");
        put_text(out, exec_fault_text(fault));
        put_u256(out, &r.missing);
        put_text(out, "; ");
        put_text(out, f->fault ? f->fault : "the host saw nothing wrong");
        put_text(out, "\n");
        return false;
    }
    put_text(out, "outcome '");
    put_text(out, exec_batch_outcome_text(r.outcome));
    put_text(out, "'\nnewStateRoot");
    put_u256(out, &r.new_state_root);
    put_text(out, "\nnewAccInputHash");
    put_hex(out, r.new_acc_input_hash.bytes, 32);
    put_text(out, "\nnewLocalExitRoot");
    put_hex(out, r.new_local_exit_root.bytes, 32);
    put_text(out, "\nnewNumBatch");
    put_number(out, r.new_batch_num);
    put_text(out, "\nbatchHashData");
    put_hex(out, r.batch_hash_data.bytes, 32);
    put_text(out, "\ncounters");
    put_number(out, r.counters.ecrecover);
    put_number(out, r.counters.keccak_f);
    put_number(out, r.counters.padding_pg);
    put_number(out, r.counters.poseidon_g);
    put_text(out, "\ntransactions");
    put_number(out, r.n_txs);
    put_number(out, r.n_processed);
    put_number(out, r.gas_used);
    put_text(out, "\n");
    if (root)
        *root = r.new_state_root;
    return true;
}
