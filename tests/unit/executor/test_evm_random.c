/* Random programs: whatever the code, the run ends without a fault, never gives back more gas than
 * it got, gives its memory back, and leaves the state root as it was if it fails. */

#include "evm_fixture.h"

#define N_PROGRAMS 4000
#define N_ACCOUNTS 6

static uint64_t random_state = UINT64_C(0x243f6a8885a308d3);

static uint64_t random_u64(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static uint64_t below(uint64_t n)
{
    return random_u64() % n;
}

/** An operand that opcodes can do something with: small, an account, or enormous. */
static size_t random_push(uint8_t *out)
{
    u256 v = u256_zero();
    switch (below(8)) {
    case 0:
        v = u256_from_u64(below(12)); /* also precompiles */
        break;
    case 1:
    case 2:
        v = u256_from_u64(0x100 + below(N_ACCOUNTS));
        break;
    case 3:
        v = u256_from_u64(below(100000));
        break;
    case 4:
        for (unsigned i = 0; i < 4; i++)
            v.limb[i] = random_u64();
        break;
    case 5:
        v = u256_from_u64(UINT64_MAX - below(3));
        break;
    default:
        v = u256_from_u64(below(300));
        break;
    }
    return fx_push(out, &v);
}

/** Mostly pushes and assigned opcodes, calls more often than chance would have them. */
static size_t random_program(uint8_t *out, size_t n_ops)
{
    static const uint8_t frequent[] = {0xf0, 0xf1, 0xf2, 0xf4, 0xf5, 0xfa, 0x55, 0x54,
                                       0xf3, 0xfd, 0xff, 0x3e, 0x52, 0x5b, 0x57, 0xa1};
    size_t len = 0;
    for (size_t i = 0; i < n_ops; i++) {
        uint64_t kind = below(16);
        if (kind < 9)
            len += random_push(out + len);
        else if (kind < 12)
            out[len++] = frequent[below(sizeof frequent)];
        else if (kind < 15)
            out[len++] = fx_mnemonics[below(sizeof fx_mnemonics / sizeof fx_mnemonics[0])].byte;
        else
            out[len++] = (uint8_t)below(256);
    }
    return len;
}

static void fill_accounts(fx *f)
{
    uint8_t code[4096];
    for (unsigned i = 0; i < N_ACCOUNTS; i++) {
        exec_address a = fx_address(0x100 + i);
        fx_set_balance(f, 0x100 + i, below(3) * 1000);
        fx_set_storage(f, 0x100 + i, below(5), below(3));
        if (i != 0) /* one account without code */
            fx_set_code_at(f, &a, code, random_program(code, 5 + below(60)));
    }
}

static void run_programs(uint32_t fork_id)
{
    fx *f = NULL;
    unsigned n_failed = 0, n_ok = 0;
    for (unsigned i = 0; i < N_PROGRAMS; i++) {
        uint8_t data[512];
        if (i % 200 == 0) {
            if (f != NULL)
                fx_destroy(f);
            f = fx_create(fork_id);
            fx_no_events(f);
            fx_set_balance(f, FX_SENDER, 1000000);
        }
        fill_accounts(f);
        u256 before, after;
        assert_int_equal(world_root(f->w, &before), EXEC_FAULT_NONE);
        evm_message m = fx_message(0x101 + below(N_ACCOUNTS - 1), below(2) * 7, below(1000000));
        m.is_create = below(4) == 0;
        if (m.is_create) {
            m.to = fx_address(0x10000 + i);
            m.data_len = random_program(data, below(15));
        } else {
            m.data_len = below(sizeof data);
            for (size_t k = 0; k < m.data_len; k++)
                data[k] = (uint8_t)random_u64();
        }
        m.data = data;
        size_t mark = exec_arena_mark(&f->memory.tx);
        fx_run(f, &m);
        assert_true(f->out.gas_left <= m.gas);
        assert_true(f->out.error == EXEC_OK || f->out.error == EXEC_REVERT || f->out.gas_left == 0);
        if (f->out.error != EXEC_OK) {
            n_failed++;
            assert_int_equal(f->out.n_logs, 0);
            assert_int_equal(f->out.refund, 0);
            assert_int_equal(world_root(f->w, &after), EXEC_FAULT_NONE);
            assert_true(u256_eq(&before, &after));
        } else {
            n_ok++;
        }
        exec_arena_release(&f->memory.tx, mark);
    }
    fx_destroy(f);
    /* both kinds are met often enough to mean something */
    assert_true(n_failed > N_PROGRAMS / 10 && n_ok > N_PROGRAMS / 10);
}

static void test_fork_4(void **state)
{
    (void)state;
    run_programs(4);
}

static void test_fork_6(void **state)
{
    (void)state;
    run_programs(6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fork_4),
        cmocka_unit_test(test_fork_6),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
