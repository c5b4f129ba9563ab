#include "driver/xrt/installed.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES 4096

static void cut_last(char *path)
{
    char *slash = strrchr(path, '/');

    if (slash)
        *slash = '\0';
}

void xrt_installed_path(const char *relative, char *out, size_t size)
{
    char prefix[PATH_BYTES];
    ssize_t n = readlink("/proc/self/exe", prefix, sizeof prefix - 1);

    if (relative[0] == '/') {
        snprintf(out, size, "%s", relative);
        return;
    }
    prefix[n > 0 ? n : 0] = '\0';
    cut_last(prefix); /* the program */
    cut_last(prefix); /* bin, or libexec's zkprover */
    snprintf(out, size, "%s/%s", prefix, relative);
    if (access(out, F_OK) != 0) {
        char further[PATH_BYTES + 1024];

        cut_last(prefix);
        snprintf(further, sizeof further, "%s/%s", prefix, relative);
        if (access(further, F_OK) == 0)
            snprintf(out, size, "%s", further);
    }
}
