/* Requests to the card model: what a shim sends, and what it must not do to anything but the card's
 * memory when bytes are wrong. Under the sanitizers a read or write outside ends the test. */
#include "tests/unit/cardmodel/cardmodel_test.h"

#include "tests/unit/field/random.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static bool answer_is(const model_reply *reply, uint32_t field, uint64_t value)
{
    wire_message m;
    uint64_t found;

    return wire_message_read(reply->head, reply->head_size, &m) &&
           wire_message_number(&m, field, &found) && found == value;
}

static void memory_round_trip(void **state)
{
    static uint8_t bytes[100000], back[100000];
    toy_card t;
    (void)state;

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7 + (i >> 8));
    toy_card_make(&t, NULL, NULL);
    toy_write(&t, 12345, bytes, sizeof bytes);
    toy_read(&t, 12345, back, sizeof back);
    assert_memory_equal(bytes, back, sizeof back);
    toy_read(&t, TOY_MEMORY - 8, back, 8); /* never written: zeros */
    assert_memory_equal(back, "\0\0\0\0\0\0\0\0", 8);
    toy_card_free(&t);
}

/* sw_emu's shim sends the offset and has added it to the address; hw_emu's has not. */
static void offsets_inside_buffers(void **state)
{
    char back[8];
    toy_card t;
    (void)state;

    toy_card_make(&t, NULL, NULL);
    toy_write_at(&t, 4096 + 64, 64, "software", 8);
    toy_read(&t, 4096 + 64, back, 8);
    assert_memory_equal(back, "software", 8);
    toy_read_at(&t, 4096 + 64, 64, back, 8);
    assert_memory_equal(back, "software", 8);
    toy_card_free(&t);
    toy_card_make_hw(&t);
    toy_write_at(&t, 4096, 64, "hardware", 8);
    toy_read(&t, 4096 + 64, back, 8);
    assert_memory_equal(back, "hardware", 8);
    toy_read_at(&t, 4096, 64, back, 8);
    assert_memory_equal(back, "hardware", 8);
    toy_read_at(&t, TOY_MEMORY, (uint64_t)0 - TOY_MEMORY + 4096 + 64, back, 8); /* wraps to it */
    assert_memory_equal(back, "hardware", 8);
    toy_card_free(&t);
}

static void outside_is_refused(void **state)
{
    static const struct {
        uint64_t address, size;
    } OUTSIDE[] = {
        {TOY_MEMORY, 1},       {TOY_MEMORY - 1, 2}, {UINT64_MAX, 1},
        {UINT64_MAX - 63, 64}, {1ull << 63, 4096},  {0, TOY_MEMORY + 1},
    };
    uint8_t *buffer = malloc(TOY_MEMORY + 100);
    uint8_t *zeros = calloc(1, TOY_MEMORY + 1);
    toy_card t;
    (void)state;

    assert_non_null(buffer);
    assert_non_null(zeros);
    toy_card_make(&t, NULL, NULL);
    for (size_t i = 0; i < sizeof OUTSIDE / sizeof *OUTSIDE; i++) {
        wire_writer w = {buffer, 0, TOY_MEMORY + 100, false};
        model_reply reply;

        wire_put_number(&w, 3, OUTSIDE[i].address);
        wire_put_bytes(&w, 4, zeros, OUTSIDE[i].size);
        reply = toy_ask(&t, REQUEST_H2D, &w);
        assert_true(answer_is(&reply, 1, 0)); /* no byte written */
        w.size = 0;
        wire_put_number(&w, 4, OUTSIDE[i].address);
        wire_put_number(&w, 5, OUTSIDE[i].size);
        reply = toy_ask(&t, REQUEST_D2H, &w);
        assert_true(answer_is(&reply, 1, 0));
        assert_int_equal(reply.body_size, 0);
        w.size = 0;
        wire_put_number(&w, 1, OUTSIDE[i].address);
        wire_put_number(&w, 2, OUTSIDE[i].size);
        reply = toy_ask(&t, REQUEST_PLACE, &w);
        assert_true(answer_is(&reply, 1, 0));
    }
    toy_card_free(&t);
    free(buffer);
    free(zeros);
}

static bool place(toy_card *t, uint64_t address, uint64_t size)
{
    uint8_t buffer[64];
    wire_writer w = {buffer, 0, sizeof buffer, false};
    model_reply reply;

    wire_put_number(&w, 1, address);
    wire_put_number(&w, 2, size);
    reply = toy_ask(t, REQUEST_PLACE, &w);
    return answer_is(&reply, 1, 1);
}

static void buffers_do_not_overlap(void **state)
{
    static uint8_t ones[8192], back[8192];
    uint8_t buffer[16];
    wire_writer w = {buffer, 0, sizeof buffer, false};
    toy_card t;
    (void)state;

    memset(ones, 1, sizeof ones);
    toy_card_make(&t, NULL, NULL);
    assert_true(place(&t, 8192, 8192));
    assert_false(place(&t, 8192, 1));
    assert_false(place(&t, 4096, 4097));
    assert_false(place(&t, 16383, 1));
    assert_false(place(&t, 0, 0));
    assert_true(place(&t, 4096, 4096));
    assert_true(place(&t, 16384, 4096));
    toy_write(&t, 8192, ones, sizeof ones);
    wire_put_number(&w, 1, 8192);
    toy_ask(&t, REQUEST_RELEASE, &w); /* gives the pages back: zeros */
    toy_read(&t, 8192, back, sizeof back);
    for (size_t i = 0; i < sizeof back; i++)
        assert_int_equal(back[i], 0);
    assert_true(place(&t, 8192, 8192));
    toy_card_free(&t);
}

static void units_run(void **state)
{
    uint64_t word = 40, back;
    toy_card t;
    (void)state;

    toy_card_make(&t, NULL, NULL);
    toy_hold(true);
    toy_write(&t, 64, &word, sizeof word);
    assert_int_equal(toy_state(&t, 0), 4); /* idle */
    toy_start(&t, 0, 64, 128, 2);
    toy_start(&t, 1, 64, 192, 3); /* side by side */
    assert_int_equal(toy_state(&t, 0), 1);
    toy_start(&t, 0, 64, 256, 9); /* busy: ignored */
    toy_hold(false);
    assert_true(toy_done(&t, 0));
    assert_int_equal(toy_state(&t, 0), 4); /* done was cleared by reading it */
    assert_true(toy_done(&t, 1));
    toy_read(&t, 128, &back, 8);
    assert_true(back == 42);
    toy_read(&t, 192, &back, 8);
    assert_true(back == 43);
    toy_read(&t, 256, &back, 8);
    assert_true(back == 0);
    assert_int_equal(t.lost, 0);
    toy_card_free(&t);
}

static void foreign_pointers_lose_the_card(void **state)
{
    static const uint64_t FOREIGN[] = {TOY_MEMORY, TOY_MEMORY - 32, 65, UINT64_MAX, 1ull << 40};
    struct timespec pause = {0, 1000000};
    (void)state;

    for (size_t i = 0; i < sizeof FOREIGN / sizeof *FOREIGN; i++) {
        toy_card t;

        toy_card_make(&t, NULL, NULL);
        toy_start(&t, 0, 0, FOREIGN[i], 1);
        for (int j = 0; j < 60000 && t.lost == 0; j++)
            nanosleep(&pause, NULL);
        assert_int_equal(t.lost, 1);
        assert_int_equal(toy_state(&t, 0), 1); /* never idle again */
        toy_card_free(&t);
    }
}

static void faults_happen(void **state)
{
    uint64_t word = 7, back;
    toy_card t;
    (void)state;

    toy_card_make(&t, "hang=toy@2,flip@0x80", NULL);
    toy_write(&t, 64, &word, sizeof word);
    toy_start(&t, 0, 64, 128, 1);
    assert_true(toy_done(&t, 0));
    toy_read(&t, 128, &back, 8);
    assert_true(back == (8 ^ 1));
    toy_start(&t, 1, 64, 192, 1); /* the second run */
    toy_start(&t, 0, 64, 256, 1);
    assert_true(toy_done(&t, 0));
    assert_int_equal(toy_state(&t, 1), 1);
    toy_card_free(&t); /* a unit that hangs does not hold it up */
    toy_card_make(&t, "exit-run@1", NULL);
    toy_start(&t, 0, 64, 128, 1);
    while (t.lost == 0)
        toy_state(&t, 0);
    assert_int_equal(toy_state(&t, 0), 1);
    toy_card_free(&t);
}

/* Only files below the run folder, here /etc, are looked at. */
static void files_are_of_the_run_folder(void **state)
{
    static const struct {
        const char *path;
        int opened;
    } PATHS[] = {
        {"/etc/passwd", 1}, /* what is allowed is seen to be */
        {"/etc/../etc/passwd", 0}, {"/etcetera", 0}, {"/proc/self/status", 0}, {"/etc", 0}, {"", 0},
    };
    (void)state;

    for (size_t i = 0; i < sizeof PATHS / sizeof *PATHS; i++) {
        uint8_t buffer[256];
        wire_writer w = {buffer, 0, sizeof buffer, false};
        model_reply reply;
        toy_card t;

        toy_card_make(&t, NULL, NULL);
        wire_put_bytes(&w, 1, PATHS[i].path, strlen(PATHS[i].path));
        wire_put_bytes(&w, 2, PATHS[i].path, strlen(PATHS[i].path));
        wire_put_bytes(&w, 8, "\x38\x80\x20", 3); /* a bank of 4 KiB */
        reply = toy_ask(&t, REQUEST_LOAD, &w);
        assert_true(answer_is(&reply, 1, 0));
        assert_int_equal(t.opened, PATHS[i].opened);
        toy_card_free(&t);
    }
}

/* ---- garbled requests ---- */

static size_t valid_request(unsigned which, uint8_t *bytes, size_t capacity, uint32_t *call)
{
    wire_writer w = {bytes, 0, capacity, false};
    uint8_t map[TOY_ADD + 4] = {1};

    map[TOY_TO] = 64;
    switch (which % 10) {
    case 0:
        *call = REQUEST_H2D;
        wire_put_number(&w, 3, 64);
        wire_put_bytes(&w, 4, "0123456789abcdef", 16);
        break;
    case 1:
        *call = REQUEST_D2H;
        wire_put_bytes(&w, 3, "0123456789", 10);
        wire_put_number(&w, 4, 64);
        wire_put_number(&w, 5, 10);
        break;
    case 2:
        *call = REQUEST_WRITE_CONTROL;
        wire_put_number(&w, 2, TOY_BASE);
        wire_put_bytes(&w, 4, map, sizeof map);
        break;
    case 3:
        *call = REQUEST_READ_CONTROL;
        wire_put_number(&w, 2, TOY_BASE);
        wire_put_number(&w, 3, 4);
        break;
    case 4:
        *call = REQUEST_PLACE;
        wire_put_number(&w, 1, 4096);
        wire_put_number(&w, 2, 4096);
        break;
    case 5:
        *call = REQUEST_RELEASE;
        wire_put_number(&w, 1, 4096);
        break;
    case 6:
        *call = REQUEST_REGISTER_WRITE;
        wire_put_number(&w, 1, TOY_BASE);
        wire_put_number(&w, 2, 0x10);
        wire_put_bytes(&w, 3, "abcd", 4);
        break;
    case 7:
        *call = REQUEST_REGISTER_READ;
        wire_put_number(&w, 1, TOY_BASE);
        wire_put_number(&w, 2, 0x10);
        wire_put_number(&w, 3, 4);
        break;
    case 8:
        *call = REQUEST_WRITE_RAM;
        wire_put_number(&w, 2, 64);
        wire_put_bytes(&w, 4, "01234567", 8);
        break;
    default:
        *call = REQUEST_READ_RAM;
        wire_put_number(&w, 2, 64);
        wire_put_number(&w, 3, 100);
    }
    return w.size;
}

static void garbled_requests(void **state)
{
    uint64_t seed = 1;
    toy_card t;
    (void)state;

#ifdef __SANITIZE_THREAD__
    skip(); /* it transfers what runs use at that time, which is a race on a card, too */
#endif
    toy_card_make(&t, NULL, NULL);
    for (unsigned i = 0; i < 20000; i++) {
        uint8_t bytes[128];
        uint32_t call;
        size_t size = valid_request(i, bytes, sizeof bytes, &call);
        uint8_t *exact;
        model_reply reply;

        for (uint64_t flips = test_random(&seed) % 4; flips > 0; flips--)
            bytes[test_random(&seed) % size] ^= (uint8_t)(1 << test_random(&seed) % 8);
        if (test_random(&seed) % 4 == 0)
            size = test_random(&seed) % (size + 1);
        if (test_random(&seed) % 16 == 0)
            call = (uint32_t)(test_random(&seed) % 64);
        if (call == REQUEST_CLOSE || call == REQUEST_LOAD)
            continue;
        exact = malloc(size ? size : 1); /* a read behind its end is seen */
        assert_non_null(exact);
        memcpy(exact, bytes, size);
        if (model_answer(t.card, call, exact, size, 0, &reply) != MODEL_REFUSE) {
            assert_true(reply.head_size <= sizeof reply.head);
            for (size_t j = 0; j < reply.body_size; j++)
                seed += reply.body[j];
        }
        free(exact);
    }
    toy_card_free(&t);
}

/* ---- the socket ---- */

typedef struct served {
    toy_card toy;
    server_options options;
    int fd;
    p_status status;
    p_err err;
} served;

static void *serve(void *context)
{
    served *s = context;

    s->status = server_run(s->fd, s->toy.card, &s->options, &s->err);
    close(s->fd);
    return NULL;
}

static pthread_t start_serving(served *s, const char *faults, int *peer)
{
    int pair[2];
    pthread_t thread;

    memset(s, 0, sizeof *s);
    toy_card_make(&s->toy, faults, NULL);
    s->options = (server_options){.model = &s->toy.options};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    s->fd = pair[0];
    *peer = pair[1];
    assert_int_equal(pthread_create(&thread, NULL, serve, s), 0);
    return thread;
}

static void send_request(int fd, uint32_t call, const wire_writer *w)
{
    uint8_t header[WIRE_REQUEST_HEADER];

    wire_request_write(header, w->size, call);
    assert_int_equal(write(fd, header, sizeof header), sizeof header);
    assert_int_equal(write(fd, w->bytes, w->size), w->size);
}

static size_t receive_answer(int fd, uint8_t *bytes, size_t capacity)
{
    uint8_t header[WIRE_ANSWER_HEADER];
    uint64_t size;

    assert_int_equal(recv(fd, header, sizeof header, MSG_WAITALL), sizeof header);
    assert_int_equal(header[0], 9);
    memcpy(&size, header + 1, 8);
    assert_true(size <= capacity);
    assert_int_equal(recv(fd, bytes, size, MSG_WAITALL), size);
    return size;
}

static void over_the_socket(void **state)
{
    uint8_t buffer[256], answer[256];
    wire_writer w = {buffer, 0, sizeof buffer, false};
    served s;
    int fd;
    pthread_t thread = start_serving(&s, NULL, &fd);
    wire_message m;
    const uint8_t *bytes;
    size_t size;
    (void)state;

    wire_put_number(&w, 3, 100);
    wire_put_bytes(&w, 4, "hello", 5);
    send_request(fd, REQUEST_H2D, &w);
    receive_answer(fd, answer, sizeof answer);
    w.size = 0;
    wire_put_number(&w, 4, 100);
    wire_put_number(&w, 5, 5);
    send_request(fd, REQUEST_D2H, &w);
    size = receive_answer(fd, answer, sizeof answer);
    assert_true(wire_message_read(answer, size, &m));
    assert_true(wire_message_bytes(&m, 2, &bytes, &size));
    assert_int_equal(size, 5);
    assert_memory_equal(bytes, "hello", 5);
    w.size = 0;
    wire_put_number(&w, 3, 1); /* closeall */
    send_request(fd, REQUEST_CLOSE, &w);
    receive_answer(fd, answer, sizeof answer);
    pthread_join(thread, NULL);
    assert_int_equal(s.status, P_OK);
    close(fd);
    toy_card_free(&s.toy);
}

static void bad_peers(void **state)
{
    (void)state;

    for (int i = 0; i < 5; i++) {
        uint8_t header[WIRE_REQUEST_HEADER], buffer[16] = "\x08";
        wire_writer w = {buffer, 1, sizeof buffer, false};
        served s;
        int fd;
        pthread_t thread = start_serving(&s, NULL, &fd);

        wire_request_write(header, 100, REQUEST_H2D);
        switch (i) {
        case 0: /* nothing */
            break;
        case 1: /* half a header */
            assert_int_equal(write(fd, header, 7), 7);
            break;
        case 2: /* half a request */
            assert_int_equal(write(fd, header, sizeof header), sizeof header);
            break;
        case 3: /* no header */
            header[0] = 0xff;
            assert_int_equal(write(fd, header, sizeof header), sizeof header);
            break;
        default: /* a malformed request */
            send_request(fd, REQUEST_H2D, &w);
        }
        if (i < 3)
            shutdown(fd, SHUT_WR);
        pthread_join(thread, NULL);
        assert_int_equal(s.status, P_EDEVICE);
        assert_true(s.err.text[0] != 0);
        close(fd);
        toy_card_free(&s.toy);
    }
}

static void garbled_answer(void **state)
{
    uint8_t buffer[16], answer[64];
    wire_writer w = {buffer, 0, sizeof buffer, false};
    served s;
    int fd;
    pthread_t thread = start_serving(&s, "garble@2", &fd);
    (void)state;

    send_request(fd, REQUEST_SETUP, &w);
    assert_int_equal(receive_answer(fd, answer, sizeof answer), 2);
    assert_memory_equal(answer, "\x08\x01", 2);
    send_request(fd, REQUEST_SETUP, &w);
    assert_int_equal(receive_answer(fd, answer, sizeof answer), 2);
    assert_memory_equal(answer, "\xf7\xfe", 2);
    close(fd);
    pthread_join(thread, NULL);
    toy_card_free(&s.toy);
}

/* ---- the log ---- */

static void log_tells(void **state)
{
    char path[] = "/tmp/cardmodel-log-XXXXXX", line[512];
    unsigned begin = 0, end = 0, h2d = 0, d2h = 0, load = 0, other = 0;
    unsigned long long last = 0;
    uint64_t word = 1;
    toy_card t;
    FILE *file;
    int fd = mkstemp(path);
    (void)state;

    assert_true(fd >= 0);
    close(fd);
    toy_card_make(&t, NULL, path);
    toy_write(&t, 64, &word, 8);
    toy_start(&t, 1, 64, 128, 1);
    assert_true(toy_done(&t, 1));
    toy_read(&t, 128, &word, 8);
    toy_card_free(&t);
    file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        unsigned long long time, address, size, took;
        unsigned unit, run;
        char rest[256];
        long pid;

        assert_int_equal(sscanf(line, "%llu %ld %255[^\n]", &time, &pid, rest), 3);
        assert_true(time >= last);
        last = time;
        assert_int_equal(pid, getpid());
        if (sscanf(rest, "h2d address=0x%llx size=%llu took=%llu", &address, &size, &took) == 3)
            h2d += address == 64 && size == 8;
        else if (sscanf(rest, "d2h address=0x%llx size=%llu took=%llu", &address, &size, &took) ==
                 3)
            d2h += address == 128 && size == 8;
        else if (sscanf(rest, "begin kernel=toy unit=%u run=%u", &unit, &run) == 2)
            begin += unit == 1 && run == 1;
        else if (sscanf(rest, "end kernel=toy unit=%u run=%u took=%llu", &unit, &run, &took) == 3)
            end += unit == 1 && run == 1;
        else if (!strcmp(rest, "load kernels=1 units=2 memory=1048576"))
            load++;
        else
            other++;
    }
    fclose(file);
    unlink(path);
    assert_true(load == 1 && h2d == 1 && begin == 1 && end == 1 && d2h == 1 && other == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_round_trip),  cmocka_unit_test(offsets_inside_buffers),
        cmocka_unit_test(outside_is_refused), cmocka_unit_test(buffers_do_not_overlap),
        cmocka_unit_test(units_run),          cmocka_unit_test(foreign_pointers_lose_the_card),
        cmocka_unit_test(faults_happen),      cmocka_unit_test(files_are_of_the_run_folder),
        cmocka_unit_test(garbled_requests),   cmocka_unit_test(over_the_socket),
        cmocka_unit_test(bad_peers),          cmocka_unit_test(garbled_answer),
        cmocka_unit_test(log_tells),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
