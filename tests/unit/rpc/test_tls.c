/* Files of certificates, and a client and a server of ours over TLS; a client that is not ours is
 * in tests/integration. */
#include "host/rpc/client.h"
#include "host/rpc/server.h"
#include "host/rpc/tls.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define PATH 256
static char folder[PATH];

static const char *in_folder(const char *name)
{
    static char paths[8][PATH + 64];
    static unsigned next;
    char *out = paths[next++ % 8];
    snprintf(out, sizeof paths[0], "%s/%s", folder, name);
    return out;
}

/* ---- certificates ---- */

typedef struct identity {
    X509 *cert;
    EVP_PKEY *key;
} identity;

/** Signed by issuer (itself if NULL), valid from now - 1 day to now + days. */
static identity make(const char *name, const identity *issuer, int days)
{
    identity i = {X509_new(), EVP_EC_gen("P-256")};
    assert_true(i.cert && i.key);
    static long serial;
    X509_set_version(i.cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(i.cert), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(i.cert), -86400);
    X509_time_adj_ex(X509_getm_notAfter(i.cert), days, 0, NULL);
    X509_set_pubkey(i.cert, i.key);
    X509_NAME *subject = X509_get_subject_name(i.cert);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(i.cert, issuer ? X509_get_subject_name(issuer->cert) : subject);
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer ? issuer->cert : i.cert, i.cert, NULL, NULL, 0);
    X509_EXTENSION *e =
        X509V3_EXT_conf_nid(NULL, &ctx, issuer ? NID_subject_alt_name : NID_basic_constraints,
                            issuer ? "IP:127.0.0.1" : "critical,CA:TRUE");
    assert_non_null(e);
    X509_add_ext(i.cert, e, -1);
    X509_EXTENSION_free(e);
    assert_true(X509_sign(i.cert, issuer ? issuer->key : i.key, EVP_sha256()) > 0);
    return i;
}

static void drop(identity *i)
{
    X509_free(i->cert);
    EVP_PKEY_free(i->key);
}

static void write_cert(const char *name, const identity *i)
{
    FILE *f = fopen(in_folder(name), "w");
    assert_true(f && PEM_write_X509(f, i->cert));
    fclose(f);
}

static void write_key(const char *name, const identity *i, mode_t mode)
{
    FILE *f = fopen(in_folder(name), "w");
    assert_true(f && PEM_write_PKCS8PrivateKey(f, i->key, NULL, NULL, 0, NULL, NULL));
    fclose(f);
    chmod(in_folder(name), mode);
}

static void write_text(const char *name, const char *text, size_t len)
{
    FILE *f = fopen(in_folder(name), "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, len, f), len);
    fclose(f);
}

/* ---- findings ---- */

typedef struct heard {
    int n[3];
    char text[8192];
} heard;

static void hear(void *ctx, rpc_tls_level level, const char *text)
{
    heard *h = ctx;
    h->n[level]++;
    size_t at = strlen(h->text);
    snprintf(h->text + at, sizeof h->text - at, "%s\n", text);
}

static heard load(const char *cert, const char *key, const char *ca, p_status expected)
{
    heard h = {0};
    p_err err = {0};
    rpc_tls_files files = {cert, key, ca};
    rpc_tls_pems pems;
    p_status found = rpc_tls_load(&pems, &files, hear, &h, &err);
    if (found != expected)
        print_message("%s: %s\n", cert ? cert : "", h.text);
    assert_int_equal(found, expected);
    if (expected == P_OK) {
        assert_int_equal(!pems.cert, !cert);
        assert_int_equal(!pems.key, !key);
        assert_int_equal(!pems.ca, !ca);
        rpc_tls_pems_free(&pems);
    } else {
        assert_int_equal(err.status, expected);
        assert_true(err.text[0] != 0);
    }
    assert_null(pems.cert);
    assert_null(pems.key);
    assert_null(pems.ca);
    return h;
}

static void files(void **state)
{
    (void)state;
    identity ca = make("ca", NULL, 100), a = make("a", &ca, 100), b = make("b", &ca, 100);
    identity old = make("old", &ca, -1), soon = make("soon", &ca, 29), later = make("l", &ca, 31);
    write_cert("ca.pem", &ca);
    write_cert("a.pem", &a);
    write_cert("old.pem", &old);
    write_cert("soon.pem", &soon);
    write_cert("later.pem", &later);
    write_key("a.key", &a, 0600);
    write_key("b.key", &b, 0600);
    write_key("old.key", &old, 0600);
    write_key("soon.key", &soon, 0600);
    write_key("later.key", &later, 0600);
    write_key("open.key", &a, 0644);
    write_key("group.key", &a, 0640);
    write_key("written.key", &a, 0620);
    heard h = load(in_folder("a.pem"), in_folder("a.key"), in_folder("ca.pem"), P_OK);
    assert_int_equal(h.n[0] + h.n[1] + h.n[2], 0);
    load(NULL, NULL, in_folder("ca.pem"), P_OK);
    load(NULL, NULL, NULL, P_OK);

    h = load(in_folder("a.pem"), in_folder("b.key"), NULL, P_EMISSING);
    assert_non_null(strstr(h.text, "key of another certificate"));
    h = load(in_folder("old.pem"), in_folder("old.key"), NULL, P_OK);
    assert_int_equal(h.n[RPC_TLS_ERROR], 1);
    assert_non_null(strstr(h.text, "expired"));
    h = load(in_folder("soon.pem"), in_folder("soon.key"), NULL, P_OK);
    assert_int_equal(h.n[RPC_TLS_WARNING], 1);
    h = load(in_folder("later.pem"), in_folder("later.key"), NULL, P_OK);
    assert_int_equal(h.n[RPC_TLS_WARNING], 0);
    h = load(in_folder("a.pem"), in_folder("open.key"), NULL, P_OK);
    assert_int_equal(h.n[RPC_TLS_WARNING], 1);
    assert_non_null(strstr(h.text, "mode is 644"));
    h = load(in_folder("a.pem"), in_folder("written.key"), NULL, P_OK);
    assert_int_equal(h.n[RPC_TLS_WARNING], 1);
    h = load(in_folder("a.pem"), in_folder("group.key"), NULL, P_OK);
    assert_int_equal(h.n[RPC_TLS_WARNING], 0);

    /* every problem at once */
    h = load(in_folder("no.pem"), in_folder("a.pem"), folder, P_EMISSING);
    assert_int_equal(h.n[RPC_TLS_ERROR], 3);
    assert_non_null(strstr(h.text, "no.pem: No such file"));
    assert_non_null(strstr(h.text, "no private key"));
    assert_non_null(strstr(h.text, "no regular file"));

    /* a certificate cut anywhere is refused, or was whole but for the last line's end */
    char pem[4096];
    FILE *f = fopen(in_folder("a.pem"), "r");
    size_t len = fread(pem, 1, sizeof pem, f);
    fclose(f);
    for (size_t n = 0; n + 2 < len; n += 7) {
        write_text("cut.pem", pem, n);
        load(in_folder("cut.pem"), NULL, NULL, P_EMISSING);
    }
    /* a chain of which the second is damaged */
    memcpy(pem + len, pem, len);
    pem[len + 100] = '!';
    write_text("chain.pem", pem, 2 * len);
    h = load(in_folder("chain.pem"), NULL, NULL, P_EMISSING);
    assert_non_null(strstr(h.text, "position 2"));
    pem[5] = 0;
    write_text("nul.pem", pem, len);
    load(in_folder("nul.pem"), NULL, NULL, P_EMISSING);
    char *big = calloc(1, RPC_TLS_FILE_MAX + 1);
    write_text("big.pem", big, RPC_TLS_FILE_MAX + 1);
    free(big);
    load(in_folder("big.pem"), NULL, NULL, P_EMISSING);

    drop(&ca), drop(&a), drop(&b), drop(&old), drop(&soon), drop(&later);
}

/** Steps over the second in which the files are not looked at. */
static void pass_time(void)
{
    nanosleep(&(struct timespec){1, 20000000}, NULL);
}

static void expect_fetch(rpc_tls *t, rpc_tls_fetched expected)
{
    rpc_tls_pems pems;
    assert_int_equal(rpc_tls_fetch(t, &pems), expected);
    assert_int_equal(pems.cert != NULL, expected == RPC_TLS_NEW);
    rpc_tls_pems_free(&pems);
}

static void changes(void **state)
{
    (void)state;
    identity ca = make("ca", NULL, 100), a = make("a", &ca, 100), b = make("b", &ca, 100);
    write_cert("live.pem", &a);
    write_key("live.key", &a, 0600);
    heard h = {0};
    p_err err = {0};
    rpc_tls *t;
    rpc_tls_files live = {in_folder("live.pem"), in_folder("live.key"), NULL};
    assert_int_equal(rpc_tls_create(&t, &live, hear, &h, &err), P_OK);
    assert_false(rpc_tls_is_mutual(t));
    expect_fetch(t, RPC_TLS_NEW);
    expect_fetch(t, RPC_TLS_UNCHANGED);

    write_cert("live.pem", &b); /* the key follows later */
    expect_fetch(t, RPC_TLS_UNCHANGED);
    pass_time();
    expect_fetch(t, RPC_TLS_UNCHANGED);
    assert_int_equal(h.n[RPC_TLS_ERROR], 2); /* what is wrong, and that the old ones stay */
    pass_time();
    expect_fetch(t, RPC_TLS_UNCHANGED);
    assert_int_equal(h.n[RPC_TLS_ERROR], 2);
    write_key("live.key", &b, 0600);
    pass_time();
    expect_fetch(t, RPC_TLS_NEW);
    expect_fetch(t, RPC_TLS_UNCHANGED);
    assert_int_equal(h.n[RPC_TLS_INFO], 1);

    write_key("live.key", &b, 0600); /* the same again is no news */
    pass_time();
    expect_fetch(t, RPC_TLS_UNCHANGED);
    unlink(in_folder("live.key"));
    pass_time();
    expect_fetch(t, RPC_TLS_UNCHANGED);
    assert_int_equal(h.n[RPC_TLS_ERROR], 4);
    pass_time();
    expect_fetch(t, RPC_TLS_UNCHANGED);
    assert_int_equal(h.n[RPC_TLS_ERROR], 4);
    write_key("live.key", &b, 0600);
    pass_time();
    expect_fetch(t, RPC_TLS_NEW);
    rpc_tls_destroy(t);
    rpc_tls_destroy(NULL);

    rpc_tls_files half = {in_folder("live.pem"), NULL, NULL};
    assert_int_equal(rpc_tls_create(&t, &half, NULL, NULL, &err), P_EINVAL);
    assert_null(t);
    rpc_tls_files wrong = {in_folder("live.pem"), in_folder("nothing"), NULL};
    assert_int_equal(rpc_tls_create(&t, &wrong, NULL, NULL, &err), P_EMISSING);
    assert_null(t);
    drop(&ca), drop(&a), drop(&b);
}

/* ---- a connection ---- */

static void on_message(void *ctx, rpc_call *call)
{
    (void)ctx;
    uint8_t *bytes;
    size_t len;
    p_err err = {0};
    if (rpc_call_take(call, &bytes, &len, &err) != P_OK)
        rpc_call_fail(call, P_EINTERNAL, err.text);
    else
        rpc_call_answer(call, bytes, len, NULL, RPC_END);
}

static p_status ask(unsigned port, const rpc_tls_files *client)
{
    char address[64];
    rpc_client *c;
    p_err err = {0};
    uint8_t *answer = NULL;
    size_t len = 0;
    snprintf(address, sizeof address, "127.0.0.1:%u", port);
    p_status s = rpc_client_create_tls(&c, address, client, 1 << 20, &err);
    if (s != P_OK)
        return s;
    s = rpc_client_unary(c, "/a.B/Echo", (const uint8_t *)"hello", 5, 10, &answer, &len, &err);
    if (s == P_OK) {
        assert_int_equal(len, 5);
        assert_memory_equal(answer, "hello", 5);
    }
    free(answer);
    rpc_client_destroy(c);
    return s;
}

static void connections(void **state)
{
    (void)state;
    identity ca = make("ca", NULL, 100), other = make("other", NULL, 100);
    identity server = make("server", &ca, 100), client = make("client", &ca, 100),
             stranger = make("stranger", &other, 100);
    write_cert("ca.pem", &ca);
    write_cert("other.pem", &other);
    write_cert("server.pem", &server);
    write_key("server.key", &server, 0600);
    write_cert("client.pem", &client);
    write_key("client.key", &client, 0600);
    write_cert("stranger.pem", &stranger);
    write_key("stranger.key", &stranger, 0600);
    static const rpc_server_options options = {.threads = 2,
                                               .max_message_bytes = 1 << 20,
                                               .max_inflight_bytes = 1 << 22,
                                               .max_calls = 10,
                                               .max_streams = 10,
                                               .max_client_calls = 10};
    static const rpc_method method = {.name = "/a.B/Echo", .message = on_message};
    for (int mutual = 0; mutual < 2; mutual++) {
        rpc_tls_files own = {in_folder("server.pem"), in_folder("server.key"),
                             mutual ? in_folder("ca.pem") : NULL};
        rpc_tls *t;
        rpc_server *s;
        unsigned port;
        p_err err = {0};
        assert_int_equal(rpc_tls_create(&t, &own, NULL, NULL, &err), P_OK);
        assert_int_equal(rpc_server_create(&s, &options, &method, 1, &err), P_OK);
        assert_int_equal(rpc_server_listen(s, "127.0.0.1:0", t, &port, &err), P_OK);
        assert_int_equal(rpc_server_start(s, &err), P_OK);
        rpc_tls_files trusts = {.ca = in_folder("ca.pem")},
                      distrusts = {.ca = in_folder("other.pem")};
        rpc_tls_files full = {in_folder("client.pem"), in_folder("client.key"), trusts.ca};
        assert_int_equal(ask(port, &full), P_OK);
        assert_int_equal(ask(port, &trusts), mutual ? P_EUNAVAILABLE : P_OK);
        assert_int_equal(ask(port, &distrusts), P_EUNAVAILABLE);
        assert_int_equal(ask(port, NULL), P_EUNAVAILABLE);
        rpc_tls_files strange = {in_folder("stranger.pem"), in_folder("stranger.key"), full.ca};
        assert_int_equal(ask(port, &strange), mutual ? P_EUNAVAILABLE : P_OK);
        rpc_tls_files half = {.cert = full.cert}, missing = {.ca = in_folder("nothing")};
        assert_int_equal(ask(port, &half), P_EINVAL);
        assert_int_equal(ask(port, &missing), P_EMISSING);
        assert_int_equal(ask(port, &full), P_OK);
        rpc_server_destroy(s);
        rpc_tls_destroy(t);
    }
    drop(&ca), drop(&other), drop(&server), drop(&client), drop(&stranger);
}

static void silent(bool is_error, const char *text)
{
    (void)is_error;
    (void)text;
}

static int make_folder(void **state)
{
    (void)state;
    const char *tmp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%.200s/zkp-tls-XXXXXX", tmp ? tmp : "/tmp");
    rpc_core_log_redirect(silent); /* handshakes that are meant to fail */
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[PATH + 16];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(files), cmocka_unit_test(changes),
                                       cmocka_unit_test(connections)};
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
