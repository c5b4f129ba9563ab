#include "host/air/generate.h"

#include <stdlib.h>
#include <string.h>

#define MAX_PATH 4096

static FILE *open_file(const char *folder, const char *name, const char *suffix)
{
    char path[MAX_PATH];
    FILE *f = NULL;

    if (snprintf(path, sizeof(path), "%s/%s_code%s", folder, name, suffix) < (int)sizeof(path))
        f = fopen(path, "w");
    if (!f)
        fprintf(stderr, "cannot write %s/%s_code%s\n", folder, name, suffix);
    return f;
}

static int generate(const char *folder, const air_definition *definition, uint32_t parts)
{
    const char *name = definition->name;
    FILE *body = open_file(folder, name, ".h"),
         *table = body ? open_file(folder, name, ".c") : NULL;
    p_err err = {0};
    air *a = NULL;
    p_status s = P_EIO;

    if (body && table) {
        s = air_create(definition, &a, &err);
        if (s == P_OK)
            s = air_generate(a, name, parts, body, table, &err);
        if (s != P_OK)
            fprintf(stderr, "%s\n", err.text);
    }
    air_destroy(a);
    if (body && fclose(body) != 0)
        s = P_EIO;
    if (table && fclose(table) != 0)
        s = P_EIO;
    return s == P_OK ? 0 : 1;
}

int air_generate_main(int argc, char **argv, const air_definition *const *definitions, size_t count)
{
    if (argc < 3) {
        fprintf(stderr, "usage: %s FOLDER NAME:PARTS...\n", argc ? argv[0] : "generate");
        return 2;
    }
    for (int i = 2; i < argc; i++) {
        const char *colon = strchr(argv[i], ':');
        size_t length = colon ? (size_t)(colon - argv[i]) : strlen(argv[i]), k = 0;
        uint32_t parts = colon ? (uint32_t)strtoul(colon + 1, NULL, 10) : 1;

        while (k < count && (strlen(definitions[k]->name) != length ||
                             strncmp(definitions[k]->name, argv[i], length) != 0))
            k++;
        if (k == count) {
            fprintf(stderr, "there is no definition %s\n", argv[i]);
            return 2;
        }
        if (generate(argv[1], definitions[k], parts))
            return 1;
    }
    return 0;
}
