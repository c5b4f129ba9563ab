#include "driver/cardmodel/server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define LOOK_MS 500 /* how often the parent is looked at */
#define CALL_CLOSE 1

p_status server_connect(const char *user, const char *name, uint32_t timeout_ms, int *fd,
                        p_err *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    uint64_t until = timeline_now_us() + (uint64_t)timeout_ms * 1000;
    size_t size = strlen("/tmp//") + strlen(user) + strlen(name) + 1;

    *fd = -1;
    if (size > sizeof address.sun_path)
        return p_err_set(err, P_EINVAL, "socket /tmp/%s/%s: the path is too long", user, name);
    strcpy(address.sun_path, "/tmp/"); /* fits, see above */
    strcat(address.sun_path, user);
    strcat(address.sun_path, "/");
    strcat(address.sun_path, name);
    for (;;) {
        struct timespec pause = {0, 1000000};
        int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (s < 0)
            return p_err_set(err, P_EEXHAUSTED, "socket: %s", strerror(errno));
        if (connect(s, (struct sockaddr *)&address, sizeof address) == 0) {
            *fd = s;
            return P_OK;
        }
        close(s);
        if (timeline_now_us() >= until)
            return p_err_set(err, P_EDEADLINE, "socket %s: nobody listens after %u ms",
                             address.sun_path, timeout_ms);
        nanosleep(&pause, NULL);
    }
}

/* 1: all is there; 0: the peer is gone; -1: the parent is. */
static int receive(int fd, uint8_t *bytes, size_t size, pid_t parent)
{
    while (size) {
        ssize_t got = recv(fd, bytes, size, 0);

        if (got < 0 && errno == EAGAIN && parent && getppid() != parent)
            return -1;
        if (got < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (got <= 0)
            return 0;
        bytes += got;
        size -= (size_t)got;
    }
    return 1;
}

static bool transmit(int fd, const uint8_t *bytes, size_t size, bool more)
{
    while (size) {
        ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL | (more ? MSG_MORE : 0));

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        bytes += sent;
        size -= (size_t)sent;
    }
    return true;
}

void server_say_close(int fd)
{
    uint8_t header[WIRE_REQUEST_HEADER];

    wire_request_write(header, 0, CALL_CLOSE);
    transmit(fd, header, sizeof header, false);
}

static bool transmit_reply(int fd, model_reply *reply, bool garble)
{
    uint8_t message[WIRE_ANSWER_HEADER + sizeof reply->head];

    wire_answer_write(message, reply->head_size + reply->body_size);
    memcpy(message + WIRE_ANSWER_HEADER, reply->head, reply->head_size);
    for (size_t i = 0; garble && i < reply->head_size; i++)
        message[WIRE_ANSWER_HEADER + i] ^= 0xff;
    return transmit(fd, message, WIRE_ANSWER_HEADER + reply->head_size, reply->body_size > 0) &&
           transmit(fd, reply->body, reply->body_size, false);
}

static void injected(const model_options *options, uint64_t count)
{
    if (model_faults_at(options->faults, MODEL_FAULT_EXIT, count))
        options->lost(options->context, "asked to exit at this request", false);
    if (model_faults_at(options->faults, MODEL_FAULT_CRASH, count))
        options->lost(options->context, "asked to crash at this request", true);
}

p_status server_run(int fd, model *card, const server_options *options, p_err *err)
{
    const model_options *about = options->model;
    uint8_t *request = malloc(WIRE_MAX_MESSAGE), header[WIRE_REQUEST_HEADER];
    struct timeval look = {0, LOOK_MS * 1000};
    p_status status = P_OK;

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &look, sizeof look);
    if (!request)
        return p_err_set(err, P_EEXHAUSTED, "card model: out of memory");
    for (uint64_t count = 1;; count++) {
        model_reply reply;
        model_next next;
        uint64_t start;
        uint32_t call;
        size_t size;
        bool garble;
        int got = receive(fd, header, sizeof header, options->parent);

        if (got <= 0) {
            status = p_err_set(err, P_EDEVICE, "the program that used the card %s",
                               got == 0 ? "closed the socket" : "ended");
            break;
        }
        start = timeline_now_us();
        if (!wire_request_read(header, &size, &call) ||
            receive(fd, request, size, options->parent) <= 0) {
            status = p_err_set(err, P_EDEVICE, "request %llu is none or was cut",
                               (unsigned long long)count);
            break;
        }
        injected(about, count);
        next = model_answer(card, call, request, size, start, &reply);
        if (next == MODEL_REFUSE) {
            status = p_err_set(err, P_EDEVICE, "request %llu (call %u) is malformed",
                               (unsigned long long)count, call);
            break;
        }
        garble = model_faults_at(about->faults, MODEL_FAULT_GARBLE, count);
        if (garble)
            timeline_write(about->log, "fault answer %llu is garbled", (unsigned long long)count);
        if (!transmit_reply(fd, &reply, garble)) {
            status = p_err_set(err, P_EDEVICE, "the socket broke: %s", strerror(errno));
            break;
        }
        if (next == MODEL_END)
            break;
    }
    free(request);
    return status;
}
