#include "host/zkproverd/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static config c;
static config_action action;
static config_problems problems;

#define MAX_WORDS 16

/** Loads with a list of flags and one of variables, both ended by NULL (or NULL for none). */
static void load(const char *const *flags, const char *const *variables)
{
    char *argv[MAX_WORDS] = {(char *)(uintptr_t) "zkproverd"};
    char *env[MAX_WORDS] = {(char *)(uintptr_t) "HOME=/home/someone"};
    int argc = 1, envc = 1;
    for (; flags && *flags; flags++)
        argv[argc++] = (char *)(uintptr_t)*flags;
    for (; variables && *variables; variables++)
        env[envc++] = (char *)(uintptr_t)*variables;
    config_load(&c, argc, argv, env, &action, &problems);
}
#define FLAGS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define VARS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void expect(size_t n, const char *part)
{
    if (problems.n != n)
        fail_msg("%zu problems, expected %zu; the first: %s", problems.n, n, problems.text[0]);
    for (size_t i = 0; i < n; i++)
        if (strstr(problems.text[i], part))
            return;
    if (n)
        fail_msg("'%s' lacks '%s'", problems.text[0], part);
}

/** A file with this content; the name lives until the next call. */
static const char *file(const char *content)
{
    static char name[] = "/tmp/zkproverd-config-XXXXXX";
    static bool made;
    if (!made) {
        int fd = mkstemp(name);
        assert_true(fd >= 0);
        close(fd);
        made = true;
    }
    FILE *f = fopen(name, "w");
    assert_non_null(f);
    fputs(content, f);
    fclose(f);
    return name;
}

static void load_text(const char *content)
{
    load(FLAGS("--config", file(content)), NULL);
}

static void defaults(void **state)
{
    (void)state;
    load(NULL, NULL);
    expect(0, "");
    assert_int_equal(action, CONFIG_RUN);
    assert_string_equal(c.listen, "127.0.0.1:50051");
    assert_true(c.listen_is_loopback);
    assert_int_equal(c.fork_id, 6);
    assert_int_equal(c.grpc_max_message_bytes, 64 << 20);
    assert_true(c.workers >= 1);
    assert_false(c.state_persist_execute);
    assert_true(c.counters_enforce);
    assert_int_equal(c.limits_execute_memory_bytes, 1 << 30);
    assert_int_equal(c.log_level, LOG_INFO);
    assert_string_equal(c.data_dir, "/home/someone/.local/share/zkprover");
    load(NULL, VARS("XDG_DATA_HOME=/data"));
    assert_string_equal(c.data_dir, "/data/zkprover");
    char *none[] = {NULL}, *argv[] = {(char *)(uintptr_t) "zkproverd", NULL};
    config_load(&c, 1, argv, none, &action, &problems);
    assert_string_equal(c.data_dir, "/var/lib/zkprover");
}

static void precedence(void **state)
{
    (void)state;
    const char *f = file("{\"fork_id\": 4, \"workers\": 2, \"drain_seconds\": 1, "
                         "\"state\": {\"persist\": {\"execute\": true}}}");
    load(FLAGS("--config", f, "--fork-id=5"),
         VARS("ZKPROVER_FORK_ID=6", "ZKPROVER_WORKERS=3", "ZKPROVER_COUNTERS_ENFORCE=0"));
    expect(0, "");
    assert_int_equal(c.fork_id, 5);
    assert_int_equal(c.workers, 3);
    assert_int_equal(c.drain_seconds, 1);
    assert_true(c.state_persist_execute);
    assert_false(c.counters_enforce);
    /* the file by variable; the last flag wins */
    char variable[128];
    snprintf(variable, sizeof variable, "ZKPROVER_CONFIG=%s", f);
    load(FLAGS("--workers", "7", "--workers", "8"), VARS(variable));
    expect(0, "");
    assert_int_equal(c.fork_id, 4);
    assert_int_equal(c.workers, 8);
}

static void file_errors(void **state)
{
    (void)state;
    load(FLAGS("--config", "/nonexistent/x.json"), NULL);
    expect(1, "/nonexistent/x.json");
    load(FLAGS("--config", "/tmp"), NULL);
    expect(1, "/tmp: it is a directory");
    load_text("\xef\xbb\xbf{}");
    expect(1, "byte order mark");
    load_text("{\"listen\": [1, \"\\u00e4\"]}");
    expect(1, "listen: it is [1,\"\\u00E4\"]; expected a string");
    load_text("{\"counters\": {\"enforce\": \"yes\"}}");
    expect(1, "counters.enforce: it is \"yes\"; expected true or false");
    load_text("{\"workers\": -1}");
    expect(1, "workers: it is -1; expected a whole number from 0 to 1024");
    load_text("{\"workers\": [1000000000,1000000000,1000000000,1000000000,1000000000]}");
    expect(1, "workers: it is [1000000000,1000000000,100000000...; expected");
    load_text("");
    expect(1, "line 1");
    load_text("{\"fork_id\": 6,\n}");
    expect(1, "line 2");
    load_text("[]");
    expect(1, "expected a JSON object");
    load_text("{\"fork_id\": 6, \"fork_id\": 5}");
    expect(1, "duplicate");
    load_text("{\"forkid\": 6}");
    expect(1, "forkid: no such key");
    load_text("{\"grpc\": {\"thread\": 6}}");
    expect(1, "grpc.thread: no such key");
    load_text("{\"grpc.threads\": 2}"); /* the dotted form is the same key */
    expect(0, "");
    load_text("{\"grpc\": 1}");
    expect(1, "grpc: expected an object");
    load_text("{\"limits\": {\"execute_memory_bytes\": 1048575}}");
    expect(1, "limits.execute_memory_bytes: it is 1048575; expected 1048576 to 17179869184");
    load_text("{\"limits\": {\"execute_memory_bytes\": 1048576}}");
    expect(0, "");
    assert_int_equal(c.limits_execute_memory_bytes, 1 << 20);
    load_text("{\"state\": {\"persist\": true}}");
    expect(1, "state.persist: expected an object");
    load_text("{\"fork_id\": \"6\"}");
    expect(1, "fork_id: it is \"6\"; expected a whole number");
    load_text("{\"fork_id\": 6.0}");
    expect(1, "fork_id");
    load_text("{\"workers\": -1}");
    expect(1, "workers");
    load_text("{\"fork_id\": 3}");
    expect(1, "expected 4 to 6");
    load_text("{\"fork_id\": 7}");
    expect(1, "expected 4 to 6");
    load_text("{\"listen\": 50051}");
    expect(1, "listen: it is 50051; expected a string");
    load_text("{\"device\": \"a\\u0000b\"}"); /* jansson refuses NUL by itself */
    expect(1, "");
    load_text("{\"allow_insecure_remote\": 1}");
    expect(1, "expected true or false");
    load_text("{\"isa\": \"0123456789012345678901234567890123456789\"}");
    expect(1, "40 characters");
    load_text("{\"a\": 1, \"b\": 2, \"fork_id\": 0, \"log_level\": \"x\", \"listen\": \"y\"}");
    expect(5, "log_level"); /* all of them, not the first */
}

static void environment_errors(void **state)
{
    (void)state;
    load(NULL, VARS("ZKPROVER_WORKERS=many"));
    expect(1, "environment: ZKPROVER_WORKERS");
    load(NULL, VARS("ZKPROVER_WORKERS="));
    expect(1, "ZKPROVER_WORKERS");
    load(NULL, VARS("ZKPROVER_WORKERS=99999999999999999999999"));
    expect(1, "ZKPROVER_WORKERS");
    load(NULL, VARS("ZKPROVER_WORKERS=+1"));
    expect(1, "ZKPROVER_WORKERS");
    load(NULL, VARS("ZKPROVER_STATE_PERSIST_EXECUTE=yes"));
    expect(1, "expected true or false");
    load(NULL, VARS("ZKPROVER_GRPC_MAX_MESSAGE_BYTES=1023"));
    expect(1, "expected 1024");
    load(NULL, VARS("ZKPROVER_WORKER=1", "ZKPROVER_VECTORS=x", "ZKPROVERD=1"));
    expect(0, "");
    assert_int_equal(problems.n_warnings, 1);
    assert_non_null(strstr(problems.warning[0], "ZKPROVER_WORKER"));
}

static void flag_errors(void **state)
{
    (void)state;
    load(FLAGS("--nothing"), NULL);
    expect(1, "--nothing: no such flag");
    assert_true(problems.usage);
    load(FLAGS("listen"), NULL);
    expect(1, "no such flag");
    load(FLAGS("--workers"), NULL);
    expect(1, "value is missing");
    assert_true(problems.usage);
    load(FLAGS("--config"), NULL);
    expect(1, "value is missing");
    load(FLAGS("--workers", "x"), NULL);
    expect(1, "--workers: it is 'x'");
    assert_false(problems.usage);
    load(FLAGS("--bad", "--help"), NULL); /* who asks for help gets it */
    expect(0, "");
    assert_int_equal(action, CONFIG_HELP);
    load(FLAGS("--version"), NULL);
    assert_int_equal(action, CONFIG_VERSION);
    load(FLAGS("--check", "--workers", "4"), NULL);
    assert_int_equal(action, CONFIG_CHECK);
    assert_int_equal(c.workers, 4);
    load(FLAGS("--print-config"), NULL);
    assert_int_equal(action, CONFIG_PRINT);
}

static void listen_addresses(void **state)
{
    (void)state;
    static const char *const loopback[] = {"127.0.0.1:0", "127.9.8.7:65535", "[::1]:50051"};
    for (size_t i = 0; i < sizeof loopback / sizeof loopback[0]; i++) {
        load(FLAGS("--listen", loopback[i]), NULL);
        expect(0, "");
        assert_true(c.listen_is_loopback);
    }
    static const char *const wrong[] = {"",
                                        "127.0.0.1",
                                        "127.0.0.1:",
                                        ":50051",
                                        "localhost:1",
                                        "127.0.0.1:65536",
                                        "127.0.0.1:x",
                                        "1.2.3:4",
                                        "[::1:1",
                                        "[::zz]:1",
                                        "::1:1",
                                        "127.0.0.1:-1",
                                        "127.0.0.1:99999999999999999999999"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        load(FLAGS("--listen", wrong[i]), NULL);
        expect(1, "listen");
    }
    static const char *const remote[] = {"0.0.0.0:50051", "192.0.2.1:1", "[::]:1",
                                         "[2001:db8::1]:1", "[::ffff:127.0.0.1]:1"};
    for (size_t i = 0; i < sizeof remote / sizeof remote[0]; i++) {
        load(FLAGS("--listen", remote[i]), NULL);
        expect(1, "without encryption or authentication");
        load(FLAGS("--listen", remote[i]), VARS("ZKPROVER_ALLOW_INSECURE_REMOTE=true"));
        expect(0, "");
        assert_false(c.listen_is_loopback);
    }
}

static void tls_combinations(void **state)
{
    (void)state;
    static const char *const pair[] = {"ZKPROVER_TLS_CERT=c", "ZKPROVER_TLS_KEY=k"};
    load(FLAGS("--listen", "0.0.0.0:1"), VARS(pair[0], pair[1]));
    expect(0, "");
    load(FLAGS("--tls-cert", "c"), NULL);
    expect(1, "tls.key: it is not set");
    load(FLAGS("--tls-key", "k"), NULL);
    expect(1, "tls.cert: it is not set");
    load(FLAGS("--tls-client-ca", "a"), VARS("ZKPROVER_TLS_REQUIRE_CLIENT_CERT=true"));
    expect(1, "tls.client_ca: it is set, but tls.cert");
    load(FLAGS("--tls-client-ca", "a"), VARS(pair[0], pair[1]));
    expect(1, "tls.require_client_cert is not true");
    load(FLAGS("--tls-cert", "c"), VARS(pair[1], "ZKPROVER_TLS_REQUIRE_CLIENT_CERT=true"));
    expect(1, "tls.client_ca does not say");
    load(FLAGS("--tls-client-ca", "a"),
         VARS(pair[0], pair[1], "ZKPROVER_TLS_REQUIRE_CLIENT_CERT=true"));
    expect(0, "");
}

static void whole(void **state)
{
    (void)state;
    load(NULL, VARS("ZKPROVER_GRPC_MAX_CLIENT_INFLIGHT_BYTES=67108863"));
    expect(1, "grpc.max_client_inflight_bytes");
    load(NULL, VARS("ZKPROVER_GRPC_MAX_CLIENT_INFLIGHT_BYTES=0"));
    expect(0, "");
    load(FLAGS("--max-message-bytes", "2000000"), VARS("ZKPROVER_GRPC_MAX_INFLIGHT_BYTES=1999999"));
    expect(1, "grpc.max_inflight_bytes");
    load(FLAGS("--log-level", "loud"), NULL);
    expect(1, "debug, info, warn or error");
    load(FLAGS("--log-level", "debug"), NULL);
    assert_int_equal(c.log_level, LOG_DEBUG);
}

/** What is printed is a file with the same meaning. */
static void print_and_read_again(void **state)
{
    (void)state;
    load(FLAGS("--workers", "11", "--fork-id", "4", "--listen", "127.0.0.1:7"),
         VARS("ZKPROVER_STATE_PERSIST_EXECUTE=true", "ZKPROVER_GRPC_THREADS=9"));
    expect(0, "");
    config before = c;
    char text[8192] = "";
    FILE *out = tmpfile();
    assert_non_null(out);
    config_print(&c, out);
    rewind(out);
    size_t n = fread(text, 1, sizeof text - 1, out);
    fclose(out);
    assert_true(n > 100);
    load_text(text);
    expect(0, "");
    assert_memory_equal(&before, &c, sizeof c);
}

static void too_many(void **state)
{
    (void)state;
    problems.n = 0;
    for (int i = 0; i < CONFIG_PROBLEMS_MAX + 10; i++)
        config_problem_add(&problems, "%d", i);
    assert_int_equal(problems.n, CONFIG_PROBLEMS_MAX + 10);
    char key[20000] = "{\"";
    memset(key + 2, 'k', 10000);
    strcpy(key + 10002, "\": 1}");
    load_text(key);
    expect(1, "no such key");
}

static int clean(void **state)
{
    (void)state;
    unlink(file(""));
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(precedence),
        cmocka_unit_test(file_errors),
        cmocka_unit_test(environment_errors),
        cmocka_unit_test(flag_errors),
        cmocka_unit_test(listen_addresses),
        cmocka_unit_test(tls_combinations),
        cmocka_unit_test(whole),
        cmocka_unit_test(print_and_read_again),
        cmocka_unit_test(too_many),
    };
    return cmocka_run_group_tests(tests, NULL, clean);
}
