#include "host/rpc/tls.h"

#include "driver/base/clock.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/** Files are looked at again after this time. */
#define CHECK_NS INT64_C(1000000000)
/** The age from which a file's time of change tells it from every later content. */
#define SETTLED_SECONDS 3
/** An ending certificate that stays in use is reported this often. */
#define REMIND_SECONDS 86400

#define N_FILES 3

/* ---- findings ---- */

typedef struct findings {
    rpc_tls_report_fn *report;
    void *ctx;
    p_err *err;
    bool failed;
} findings;

static void finding(findings *f, rpc_tls_level level, bool fails, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void finding(findings *f, rpc_tls_level level, bool fails, const char *format, ...)
{
    char text[P_ERR_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (fails && !f->failed) {
        f->failed = true;
        p_err_set(f->err, P_EMISSING, "%s", text);
    }
    if (f->report)
        f->report(f->ctx, level, text);
}

/* ---- files ---- */

/** What tells a file from another, or from its earlier self. */
typedef struct stamp {
    bool there, settled;
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed;
} stamp;

static stamp stamp_of(const struct stat *st)
{
    stamp s = {.there = true,
               .device = st->st_dev,
               .inode = st->st_ino,
               .size = st->st_size,
               .changed = st->st_mtim};
    time_t age = time(NULL) - st->st_mtim.tv_sec;
    s.settled = age >= SETTLED_SECONDS;
    return s;
}

/** False also while a second change could leave no trace in the file's time. */
static bool stamp_holds(const stamp *s, const char *path)
{
    struct stat st;
    if (stat(path, &st))
        return !s->there;
    return s->there && s->settled && s->device == st.st_dev && s->inode == st.st_ino &&
           s->size == st.st_size && s->changed.tv_sec == st.st_mtim.tv_sec &&
           s->changed.tv_nsec == st.st_mtim.tv_nsec;
}

static void wipe(void *p, size_t n)
{
    OPENSSL_cleanse(p, n);
}

static void free_text(char *text, bool secret)
{
    if (text && secret)
        wipe(text, strlen(text));
    free(text);
}

/** The file's text, or NULL with a finding. The stamp is taken before the content, so that a change
 * in between is seen at the next look. */
static char *read_text(const char *path, const char *what, bool secret, stamp *s, findings *f)
{
    static const char hint[] = "check the path and the rights of the user that the program runs as";
    struct stat st;
    *s = (stamp){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st)) {
        finding(f, RPC_TLS_ERROR, true, "%s %.400s: %s; %s", what, path, strerror(errno), hint);
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    *s = stamp_of(&st);
    char *text = NULL;
    size_t size = (size_t)st.st_size, at = 0;
    if (!S_ISREG(st.st_mode)) {
        finding(f, RPC_TLS_ERROR, true, "%s %.400s: no regular file", what, path);
    } else if (st.st_size < 0 || size > RPC_TLS_FILE_MAX) {
        finding(f, RPC_TLS_ERROR, true, "%s %.400s: %lld bytes; expected a PEM file of at most %zu",
                what, path, (long long)st.st_size, RPC_TLS_FILE_MAX);
    } else if (!(text = malloc(size + 1))) {
        finding(f, RPC_TLS_ERROR, true, "%s %.400s: no memory for it", what, path);
    }
    while (text && at < size) {
        ssize_t n = read(fd, text + at, size - at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            finding(f, RPC_TLS_ERROR, true, "%s %.400s: %s", what, path, strerror(errno));
            wipe(text, at);
            free(text);
            text = NULL;
        }
        if (n <= 0)
            break;
        at += (size_t)n;
    }
    close(fd);
    if (!text)
        return NULL;
    text[at] = 0;
    if (strlen(text) != at) {
        finding(f, RPC_TLS_ERROR, true, "%s %.400s: no text (it has a NUL); expected PEM", what,
                path);
        wipe(text, at);
        free(text);
        return NULL;
    }
    if (secret && st.st_mode & (S_IRWXG | S_IRWXO) & ~(unsigned)S_IRGRP)
        finding(f, RPC_TLS_WARNING, false,
                "%s %.400s: its mode is %03o: others can read or change it; use 0600, or 0640 "
                "with a group of its own",
                what, path, (unsigned)st.st_mode & 0777);
    return text;
}

/* ---- certificates ---- */

static time_t time_of(const ASN1_TIME *t)
{
    struct tm parts;
    memset(&parts, 0, sizeof parts);
    return t && ASN1_TIME_to_tm(t, &parts) ? timegm(&parts) : (time_t)-1;
}

static void day_text(char out[32], time_t t)
{
    struct tm parts;
    gmtime_r(&t, &parts);
    strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &parts);
}

/** Reports a certificate that is not valid now or not for long; *end is when it ends. */
static void check_dates(const X509 *x, const char *what, const char *path, findings *f, time_t *end)
{
    time_t now = time(NULL), from = time_of(X509_get0_notBefore(x)),
           until = time_of(X509_get0_notAfter(x));
    char day[32];
    *end = until;
    if (until == (time_t)-1) {
        finding(f, RPC_TLS_ERROR, true, "%s %.400s: its validity cannot be read", what, path);
    } else if (now > until) {
        day_text(day, until);
        finding(f, RPC_TLS_ERROR, false,
                "%s %.400s: expired at %s; the other side will refuse it: install a new one", what,
                path, day);
    } else if (from != (time_t)-1 && now < from) {
        day_text(day, from);
        finding(f, RPC_TLS_ERROR, false,
                "%s %.400s: not valid before %s; the other side will refuse it (is this machine's "
                "clock right?)",
                what, path, day);
    } else if (until - now < (time_t)RPC_TLS_EXPIRY_DAYS * 86400) {
        day_text(day, until);
        finding(f, RPC_TLS_WARNING, false, "%s %.400s: expires at %s, in %lld days", what, path,
                day, (long long)((until - now) / 86400));
    }
}

static int no_password(char *buffer, int size, int writing, void *ctx)
{
    (void)buffer, (void)size, (void)writing, (void)ctx;
    return -1; /* an encrypted key is an error, not a question on a terminal */
}

/** Every certificate of the text must parse. Returns the first (the caller's), or NULL with a
 * finding. all: check the dates of each, else of the first. */
static X509 *check_certificates(const char *text, const char *what, const char *path, bool all,
                                findings *f, time_t *end)
{
    BIO *bio = BIO_new_mem_buf(text, -1);
    X509 *first = NULL;
    size_t n = 0;
    ERR_clear_error();
    for (X509 *x; bio && (x = PEM_read_bio_X509(bio, NULL, no_password, NULL)); n++) {
        time_t until = 0;
        if (!n || all)
            check_dates(x, what, path, f, n ? &until : end);
        if (!n)
            first = x;
        else
            X509_free(x);
    }
    unsigned long e = ERR_peek_last_error();
    ERR_clear_error();
    BIO_free(bio);
    if (n && ERR_GET_REASON(e) == PEM_R_NO_START_LINE)
        return first;
    if (n)
        finding(f, RPC_TLS_ERROR, true,
                "%s %.400s: the certificate at position %zu cannot be read; is the file complete?",
                what, path, n + 1);
    else
        finding(f, RPC_TLS_ERROR, true,
                "%s %.400s: no certificate in it; expected PEM (-----BEGIN CERTIFICATE-----)", what,
                path);
    X509_free(first);
    return NULL;
}

static EVP_PKEY *check_key(const char *text, const char *path, findings *f)
{
    BIO *bio = BIO_new_mem_buf(text, -1);
    ERR_clear_error();
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
    ERR_clear_error();
    BIO_free(bio);
    if (!key)
        finding(f, RPC_TLS_ERROR, true,
                "key %.400s: no private key that can be read; expected PEM without a password "
                "(-----BEGIN PRIVATE KEY-----)",
                path);
    return key;
}

/** One set of files, as it was read. */
typedef struct set {
    rpc_tls_pems pems;
    stamp stamps[N_FILES];
    time_t end; /**< of the own certificate; 0: none */
} set;

static void read_set(set *out, const rpc_tls_files *files, findings *f)
{
    memset(out, 0, sizeof *out);
    if (files->cert)
        out->pems.cert = read_text(files->cert, "certificate", false, &out->stamps[0], f);
    if (files->key)
        out->pems.key = read_text(files->key, "key", true, &out->stamps[1], f);
    if (files->ca)
        out->pems.ca = read_text(files->ca, "CA file", false, &out->stamps[2], f);
}

static void check_set(set *s, const rpc_tls_files *files, findings *f)
{
    X509 *cert = NULL;
    EVP_PKEY *key = NULL;
    time_t end;
    if (s->pems.cert)
        cert = check_certificates(s->pems.cert, "certificate", files->cert, false, f, &s->end);
    if (s->pems.key)
        key = check_key(s->pems.key, files->key, f);
    if (s->pems.ca)
        X509_free(check_certificates(s->pems.ca, "CA file", files->ca, true, f, &end));
    if (cert && key && X509_check_private_key(cert, key) != 1)
        finding(f, RPC_TLS_ERROR, true,
                "key %.400s: it is the key of another certificate than %.400s", files->key,
                files->cert);
    ERR_clear_error();
    EVP_PKEY_free(key);
    X509_free(cert);
}

void rpc_tls_pems_free(rpc_tls_pems *p)
{
    free_text(p->cert, false);
    free_text(p->key, true);
    free_text(p->ca, false);
    *p = (rpc_tls_pems){0};
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : a == b;
}

static bool same_pems(const rpc_tls_pems *a, const rpc_tls_pems *b)
{
    return same_text(a->cert, b->cert) && same_text(a->key, b->key) && same_text(a->ca, b->ca);
}

static char *copy_text(const char *text, bool *ok)
{
    char *copy = text ? strdup(text) : NULL;
    *ok = *ok && (copy || !text);
    return copy;
}

static bool copy_pems(rpc_tls_pems *out, const rpc_tls_pems *in)
{
    bool ok = true;
    out->cert = copy_text(in->cert, &ok);
    out->key = copy_text(in->key, &ok);
    out->ca = copy_text(in->ca, &ok);
    if (!ok)
        rpc_tls_pems_free(out);
    return ok;
}

p_status rpc_tls_load(rpc_tls_pems *out, const rpc_tls_files *files, rpc_tls_report_fn *report,
                      void *ctx, p_err *err)
{
    findings f = {report, ctx, err, false};
    set s;
    read_set(&s, files, &f);
    check_set(&s, files, &f);
    if (f.failed)
        rpc_tls_pems_free(&s.pems);
    *out = s.pems;
    return f.failed ? P_EMISSING : P_OK;
}

/* ---- watching ---- */

struct rpc_tls {
    char *paths[N_FILES];
    rpc_tls_files files;
    rpc_tls_report_fn *report;
    void *ctx;

    pthread_mutex_t lock; /**< everything below */
    set seen;             /**< what was read last, usable or not */
    bool fresh;           /**< usable, and not yet given out */
    int64_t next_look_ns;
    time_t end; /**< of the certificate in use */
    time_t next_reminder;
};

p_status rpc_tls_create(rpc_tls **out, const rpc_tls_files *files, rpc_tls_report_fn *report,
                        void *ctx, p_err *err)
{
    *out = NULL;
    if (!files->cert || !files->key)
        return p_err_set(err, P_EINVAL, "tls: a server needs both tls.cert and tls.key");
    rpc_tls *t = calloc(1, sizeof *t);
    if (!t)
        return p_err_set(err, P_EEXHAUSTED, "no memory for certificates");
    pthread_mutex_init(&t->lock, NULL);
    t->report = report;
    t->ctx = ctx;
    bool ok = true;
    t->files.cert = t->paths[0] = copy_text(files->cert, &ok);
    t->files.key = t->paths[1] = copy_text(files->key, &ok);
    t->files.ca = t->paths[2] = copy_text(files->ca, &ok);
    findings f = {report, ctx, err, false};
    if (ok) {
        read_set(&t->seen, &t->files, &f);
        check_set(&t->seen, &t->files, &f);
    }
    if (!ok || f.failed) {
        rpc_tls_destroy(t);
        return ok ? P_EMISSING : p_err_set(err, P_EEXHAUSTED, "no memory for certificates");
    }
    t->fresh = true;
    t->end = t->seen.end;
    t->next_reminder = time(NULL) + REMIND_SECONDS;
    t->next_look_ns = p_clock_ns(CLOCK_MONOTONIC) + CHECK_NS;
    *out = t;
    return P_OK;
}

static bool files_hold(const rpc_tls *t)
{
    for (int i = 0; i < N_FILES; i++)
        if (t->paths[i] && !stamp_holds(&t->seen.stamps[i], t->paths[i]))
            return false;
    return true;
}

/** Findings that are kept back until it is known that they are news. */
typedef struct kept_findings {
    size_t n;
    rpc_tls_level level[8];
    char text[8][P_ERR_TEXT_BYTES];
} kept_findings;

static void keep_finding(void *ctx, rpc_tls_level level, const char *text)
{
    kept_findings *k = ctx;
    if (k->n == sizeof k->level / sizeof k->level[0])
        return;
    k->level[k->n] = level;
    snprintf(k->text[k->n++], P_ERR_TEXT_BYTES, "%s", text);
}

/** Reads the files again, if they changed. Lock held. */
static void look(rpc_tls *t)
{
    if (files_hold(t))
        return;
    kept_findings *kept = calloc(1, sizeof *kept);
    if (!kept)
        return; /* at the next look, then */
    findings f = {keep_finding, kept, NULL, false};
    set s;
    read_set(&s, &t->files, &f);
    if (same_pems(&s.pems, &t->seen.pems)) { /* and so is what there is to say of it */
        memcpy(t->seen.stamps, s.stamps, sizeof s.stamps);
        rpc_tls_pems_free(&s.pems);
        free(kept);
        return;
    }
    check_set(&s, &t->files, &f);
    rpc_tls_pems_free(&t->seen.pems);
    t->seen = s;
    t->fresh = !f.failed;
    for (size_t i = 0; t->report && i < kept->n; i++)
        t->report(t->ctx, kept->level[i], kept->text[i]);
    free(kept);
    f = (findings){t->report, t->ctx, NULL, f.failed};
    if (f.failed) {
        finding(&f, RPC_TLS_ERROR, false,
                "the changed files of certificate and key cannot be used; what was loaded before "
                "stays in use");
    } else {
        char day[32];
        t->end = s.end;
        t->next_reminder = time(NULL) + REMIND_SECONDS;
        day_text(day, s.end);
        finding(&f, RPC_TLS_INFO, false,
                "certificate %.400s: loaded again for new connections; valid until %s",
                t->files.cert, day);
    }
}

/** Says once a day that the certificate in use ends soon. Lock held. */
static void remind(rpc_tls *t)
{
    time_t now = time(NULL);
    if (now < t->next_reminder || t->end - now >= (time_t)RPC_TLS_EXPIRY_DAYS * 86400)
        return;
    char day[32];
    findings f = {t->report, t->ctx, NULL, false};
    t->next_reminder = now + REMIND_SECONDS;
    day_text(day, t->end);
    finding(&f, now > t->end ? RPC_TLS_ERROR : RPC_TLS_WARNING, false,
            "certificate %.400s: the certificate in use %s at %s; install a new one", t->files.cert,
            now > t->end ? "expired" : "expires", day);
}

rpc_tls_fetched rpc_tls_fetch(rpc_tls *t, rpc_tls_pems *pems)
{
    rpc_tls_fetched result = RPC_TLS_UNCHANGED;
    *pems = (rpc_tls_pems){0};
    pthread_mutex_lock(&t->lock);
    int64_t now = p_clock_ns(CLOCK_MONOTONIC);
    if (now >= t->next_look_ns) {
        t->next_look_ns = now + CHECK_NS;
        look(t);
        remind(t);
    }
    if (t->fresh) {
        result = copy_pems(pems, &t->seen.pems) ? RPC_TLS_NEW : RPC_TLS_FAILED;
        t->fresh = result != RPC_TLS_NEW;
    }
    pthread_mutex_unlock(&t->lock);
    return result;
}

bool rpc_tls_is_mutual(const rpc_tls *t)
{
    return t->files.ca != NULL;
}

void rpc_tls_destroy(rpc_tls *t)
{
    if (!t)
        return;
    rpc_tls_pems_free(&t->seen.pems);
    for (int i = 0; i < N_FILES; i++)
        free(t->paths[i]);
    pthread_mutex_destroy(&t->lock);
    free(t);
}
