/* A zkp-card without XRT: the real service over a card of plain memory that knows row_gather, or,
 * if FAKE_CARD says so, one that dies, hangs, fails or lies.
 *
 *   FAKE_CHANNELS=K       log2 of the channels, default 2
 *   FAKE_CARD=die@N       ends with code 7 at its N-th transfer or start of a run
 *   FAKE_CARD=hang@N      never comes back from it
 *   FAKE_CARD=fail@N      answers P_EDEVICE
 *   FAKE_CARD=refuse@1    no card
 *   FAKE_CARD=lie@N       answers the first command behind the hello by the N-th lie below
 *   FAKE_CARD=hello@N     and the hello itself */
#include "driver/xrt/zkp_card.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHANNEL_ROWS ((uint64_t)1 << 20)
#define POLLS 2 /* that a run takes */

struct zc_device {
    uint32_t channels_log2;
    pthread_mutex_t lock;
    uint64_t used[2]; /* rows of each channel */
    uint64_t calls;
    struct {
        zc_buffer *buffers[CARD_MAX_ARGS];
        uint64_t values[CARD_MAX_ARGS];
        unsigned polls;
    } unit[2];
};

static const char *fault(unsigned long *at)
{
    const char *set = getenv("FAKE_CARD"), *mark = set ? strchr(set, '@') : NULL;

    *at = mark ? strtoul(mark + 1, NULL, 10) : 0;
    return mark ? set : "none@0";
}

static p_status step(zc_device *d, p_err *err)
{
    unsigned long at;
    const char *kind = fault(&at);

    pthread_mutex_lock(&d->lock);
    bool now = ++d->calls == at;
    pthread_mutex_unlock(&d->lock);
    if (now && strncmp(kind, "die", 3) == 0)
        _exit(7);
    while (now && strncmp(kind, "hang", 4) == 0)
        pause();
    if (now && strncmp(kind, "fail", 4) == 0)
        return p_err_set(err, P_EDEVICE, "the fake card was told to fail");
    return P_OK;
}

p_status zc_open(const zc_options *options, zc_device **out, xrt_message *welcome, p_err *err)
{
    const char *channels = getenv("FAKE_CHANNELS");
    unsigned long at;
    zc_device *d = calloc(1, sizeof *d);

    if (!d || strncmp(fault(&at), "refuse", 6) == 0) {
        free(d);
        return p_err_set(err, P_EMISSING, "there is no card %u", options->device);
    }
    pthread_mutex_init(&d->lock, NULL);
    d->channels_log2 = channels ? (uint32_t)strtoul(channels, NULL, 10) : 2;
    welcome->welcome.units[CARD_row_gather] = 2;
    welcome->welcome.channels_log2 = d->channels_log2;
    welcome->welcome.patience = 3;
    for (unsigned side = 0; side < 2; side++)
        welcome->welcome.rows[side] = CHANNEL_ROWS << d->channels_log2;
    snprintf(welcome->welcome.about, sizeof welcome->welcome.about, "fake card %u, image %s",
             options->device, options->image ? options->image : "-");
    *out = d;
    return P_OK;
}

void zc_close(zc_device *d)
{
    pthread_mutex_destroy(&d->lock);
    free(d);
}

p_status zc_alloc(zc_device *d, zc_buffer *b, p_err *err)
{
    uint64_t rows = hls_stripe_rows(b->rows, d->channels_log2);

    if (rows > CHANNEL_ROWS - d->used[b->side])
        return p_err_set(err, P_EEXHAUSTED, "the fake card is full");
    d->used[b->side] += rows;
    for (unsigned c = 0; c < 1u << d->channels_log2; c++) {
        b->host[c] = malloc(rows * HLS_ROW_BYTES);
        b->channel[c] = malloc(rows * HLS_ROW_BYTES);
        if (!b->host[c] || !b->channel[c])
            abort();
        if (rows <= 1024) { /* what was never written is not zero */
            memset(b->host[c], 0xa5, rows * HLS_ROW_BYTES);
            memset(b->channel[c], 0x5a, rows * HLS_ROW_BYTES);
        }
    }
    return P_OK;
}

void zc_free(zc_device *d, zc_buffer *b)
{
    d->used[b->side] -= hls_stripe_rows(b->rows, d->channels_log2);
    for (unsigned c = 0; c < 1u << d->channels_log2; c++) {
        free(b->host[c]);
        free(b->channel[c]);
    }
}

p_status zc_sync(zc_device *d, zc_buffer *b, uint32_t channel, uint64_t offset, uint64_t bytes,
                 bool to_card, p_err *err)
{
    uint8_t *card = (uint8_t *)b->channel[channel] + offset, *host = b->host[channel] + offset;

    memcpy(to_card ? card : host, to_card ? host : card, bytes);
    return step(d, err);
}

static uint8_t *row_at(const zc_device *d, const zc_buffer *b, uint64_t row)
{
    return (uint8_t *)b->channel[hls_stripe_channel(row, d->channels_log2)] +
           hls_stripe_row(row, d->channels_log2) * HLS_ROW_BYTES;
}

p_status zc_start(zc_device *d, card_kernel kernel, uint32_t unit,
                  zc_buffer *const buffers[CARD_MAX_ARGS], const uint64_t values[CARD_MAX_ARGS],
                  p_err *err)
{
    if (kernel != CARD_row_gather || d->unit[unit].polls > 0)
        return p_err_set(err, P_EINTERNAL, "the unit is busy or no such");
    memcpy(d->unit[unit].buffers, buffers, sizeof d->unit[unit].buffers);
    memcpy(d->unit[unit].values, values, sizeof d->unit[unit].values);
    d->unit[unit].polls = POLLS;
    return step(d, err);
}

p_status zc_poll(zc_device *d, card_kernel kernel, uint32_t unit, bool *ended, p_err *err)
{
    zc_buffer **b = d->unit[unit].buffers;
    const uint64_t *v = d->unit[unit].values; /* src index dst count src_row index_row dst_row */

    (void)kernel;
    (void)err;
    *ended = --d->unit[unit].polls == 0;
    for (uint64_t i = 0; *ended && i < v[3]; i++) {
        uint64_t index;
        memcpy(&index, row_at(d, b[1], v[5] + i / 8) + i % 8 * 8, 8);
        memcpy(row_at(d, b[2], v[6] + i), row_at(d, b[0], v[4] + index), HLS_ROW_BYTES);
    }
    return P_OK;
}

/* ---- lies ---- */

/* Those that differ between the answer to the hello and others. */
static void spoil(xrt_message *m, unsigned long kind, bool to_hello)
{
    if (to_hello) {
        if (kind == 8)
            m->welcome.units[5] = 17;
        else if (kind == 9)
            m->welcome.rows[1] = (uint64_t)1 << 40;
        else if (kind == 10)
            m->welcome.channels_log2 = 5;
        else if (kind == 11)
            memset(m->welcome.about, 'x', sizeof m->welcome.about);
        else
            m->welcome.about[0] = '\n';
    } else {
        if (kind == 8)
            m->done.status = 99;
        else if (kind == 9)
            m->done.text[0] = 'x'; /* an error without a status */
        else if (kind == 10)
            m->done.status = P_EDEVICE; /* without a text */
        else if (kind == 11)
            memset(&m->done, 'x', sizeof m->done);
        else
            m->type = XRT_WELCOME; /* a second one */
    }
}

static void lie(unsigned long kind, uint64_t id, bool to_hello)
{
    uint8_t room[2 * sizeof(xrt_message)] = {0};
    xrt_message m;
    size_t size = sizeof m;

    xrt_message_init(&m, to_hello ? XRT_WELCOME : XRT_DONE, id);
    if (to_hello) {
        m.welcome.units[0] = m.welcome.patience = 1;
        m.welcome.rows[0] = m.welcome.rows[1] = 256;
    }
    switch (kind) {
    case 1:
        m.magic ^= 1;
        break;
    case 2:
        m.version++;
        break;
    case 3:
        m.type = 77;
        break;
    case 4:
        m.id += 1000;
        break;
    case 5:
        m.id = 0;
        break;
    case 6:
        size = 17;
        break;
    case 7:
        size = sizeof room;
        break;
    default:
        spoil(&m, kind, to_hello);
    }
    memcpy(room, &m, sizeof m);
    if (send(XRT_FD_SOCKET, room, size, MSG_NOSIGNAL) < 0)
        _exit(9);
}

static void liar(unsigned long kind, bool to_hello)
{
    xrt_message m;

    while (recv(XRT_FD_SOCKET, &m, sizeof m, 0) > 0) {
        uint64_t id = m.id;
        if ((m.type == XRT_HELLO) == to_hello) {
            lie(kind, id, to_hello);
        } else if (m.type == XRT_HELLO) {
            xrt_message_init(&m, XRT_WELCOME, id);
            m.welcome.units[0] = m.welcome.patience = 1;
            m.welcome.rows[0] = m.welcome.rows[1] = 1 << 20;
            if (send(XRT_FD_SOCKET, &m, sizeof m, MSG_NOSIGNAL) < 0)
                return;
        }
    }
}

int main(int argc, char **argv)
{
    zc_options o = {0};
    unsigned long at;
    const char *kind = fault(&at);

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], "--device") == 0)
            o.device = (uint32_t)strtoul(argv[i + 1], NULL, 10);
        if (strcmp(argv[i], "--image") == 0)
            o.image = argv[i + 1];
    }
    for (int fd = 5; fd < 256; fd++)
        if (fcntl(fd, F_GETFD) != -1) {
            fprintf(stderr, "fake_card: descriptor %d was left open\n", fd);
            return 8;
        }
    if (strncmp(kind, "lie", 3) == 0 || strncmp(kind, "hello", 5) == 0) {
        liar(at, kind[0] == 'h');
        return 0;
    }
    return zc_serve(XRT_FD_SOCKET, XRT_FD_STAGING, &o) ? 0 : 1;
}
