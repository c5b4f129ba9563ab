/* Input: a configuration file. Ends with a configuration whose values are in range, or with
 * problems; what is printed of a good one is read back as the same. */
#define _GNU_SOURCE /* memfd_create */
#include "host/zkproverd/config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fail(const char *what, const config_problems *problems)
{
    fprintf(stderr, "fuzz: %s\n", what);
    for (size_t i = 0; problems && i < problems->n && i < CONFIG_PROBLEMS_MAX; i++)
        fprintf(stderr, "fuzz: %s\n", problems->text[i]);
    abort();
}

/** Loads bytes as a file that exists in memory alone. */
static void load(config *c, const uint8_t *data, size_t size, config_problems *problems)
{
    int fd = memfd_create("config", 0);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        fail("no file in memory", NULL);
    char program[] = "zkproverd", flag[] = "--config", home[] = "HOME=/home/x";
    char *argv[] = {program, flag, path, NULL}, *environment[] = {home, NULL};
    config_action action;
    config_load(c, 3, argv, environment, &action, problems);
    close(fd);
    if (action != CONFIG_RUN)
        fail("a file chose an action", problems);
    for (size_t i = 0; i < problems->n && i < CONFIG_PROBLEMS_MAX; i++)
        if (!problems->text[i][0] || !memchr(problems->text[i], 0, CONFIG_PROBLEM_BYTES))
            fail("a problem without a text", NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static config_problems problems;
    config *first = malloc(sizeof *first), *again = malloc(sizeof *again);
    load(first, data, size, &problems);
    if (problems.n == 0) {
        if (!first->workers || !memchr(first->listen, 0, sizeof first->listen) ||
            !memchr(first->tls_cert, 0, sizeof first->tls_cert) || !first->data_dir[0] ||
            first->fork_id < 4 || first->fork_id > 6)
            fail("a value out of range was taken", NULL);
        if (!first->listen_is_loopback && !first->tls_cert[0] && !first->allow_insecure_remote)
            fail("an open port was taken", NULL);
        char *text = NULL;
        size_t len = 0;
        FILE *f = open_memstream(&text, &len);
        if (!f)
            fail("no memory", NULL);
        config_print(first, f);
        fclose(f);
        load(again, (const uint8_t *)text, len, &problems);
        /* both were filled from all zeros, so that padding compares as well */
        if (problems.n || memcmp(first, again, sizeof *first) != 0)
            fail("what was printed is read as something else", &problems);
        free(text);
    }
    free(first);
    free(again);
    return 0;
}
