#include "host/cli/output.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void add(table *t, char *text)
{
    if (text && t->n_cells == t->max_cells) {
        size_t next = t->max_cells ? 2 * t->max_cells : 64;
        char **cells = realloc(t->cells, next * sizeof *cells);
        if (!cells) {
            free(text);
            text = NULL;
        } else {
            t->cells = cells;
            t->max_cells = next;
        }
    }
    if (!text) {
        t->failed = true;
        return;
    }
    t->cells[t->n_cells++] = text;
}

void table_init(table *t, size_t n_columns, const char *const *header)
{
    memset(t, 0, sizeof *t);
    t->n_columns = n_columns;
    for (size_t i = 0; i < n_columns; i++)
        add(t, strdup(header[i]));
}

void table_cell(table *t, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(NULL, 0, format, ap);
    va_end(ap);
    char *text = n < 0 ? NULL : malloc((size_t)n + 1);
    if (text) {
        va_start(ap, format);
        vsnprintf(text, (size_t)n + 1, format, ap);
        va_end(ap);
    }
    add(t, text);
}

bool table_print(const table *t, FILE *out)
{
    size_t width[TABLE_MAX_COLUMNS] = {0};
    for (size_t i = 0; i < t->n_cells / t->n_columns * t->n_columns; i++) {
        size_t len = strlen(t->cells[i]);
        if (len > width[i % t->n_columns])
            width[i % t->n_columns] = len;
    }
    for (size_t row = 0; (row + 1) * t->n_columns <= t->n_cells; row++) {
        size_t pending = 0; /* spaces owed before the next text: none at the end of a line */
        for (size_t c = 0; c < t->n_columns; c++) {
            const char *text = t->cells[row * t->n_columns + c];
            size_t len = strlen(text), pad = width[c] - len;
            if (t->right[c])
                pending += pad;
            if (len > 0) {
                fprintf(out, "%*s%s", (int)pending, "", text);
                pending = 0;
            }
            pending += 2 + (t->right[c] ? 0 : pad);
        }
        fputc('\n', out);
    }
    return !t->failed && !ferror(out);
}

void table_free(table *t)
{
    for (size_t i = 0; i < t->n_cells; i++)
        free(t->cells[i]);
    free(t->cells);
    memset(t, 0, sizeof *t);
}

json_t *output_json_text(const char *text)
{
    json_t *j = json_string(text);
    if (j)
        return j;
    char *ascii = strdup(text);
    for (char *p = ascii; p && *p; p++)
        if ((unsigned char)*p >= 0x80)
            *p = '?';
    j = ascii ? json_string(ascii) : NULL;
    free(ascii);
    return j;
}

bool output_json_line(FILE *out, json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT);
    bool ok = text && fprintf(out, "%s\n", text) >= 0 && fflush(out) == 0;
    free(text);
    json_decref(object);
    return ok;
}

/* PATH.part, and its name. */
typedef struct part {
    char *name;
    FILE *stream;
} part;

static p_status part_open(part *p, const char *path, p_err *err)
{
    size_t size = strlen(path) + sizeof ".part";

    p->stream = NULL;
    p->name = malloc(size);
    if (!p->name)
        return p_err_set(err, P_EEXHAUSTED, "no memory for a file name");
    snprintf(p->name, size, "%s.part", path);
    p->stream = fopen(p->name, "w");
    return P_OK;
}

/* ok: everything so far was; it becomes PATH, or goes. */
static p_status part_close(part *p, const char *path, bool ok, p_err *err)
{
    FILE *f = p->stream;

    ok = ok && fflush(f) == 0 && fsync(fileno(f)) == 0;
    int why = errno;
    if (f && fclose(f) != 0 && ok) {
        ok = false;
        why = errno;
    }
    if (ok && rename(p->name, path) != 0) {
        ok = false;
        why = errno;
    }
    if (!ok && f)
        (void)remove(p->name);
    free(p->name);
    return ok ? P_OK : p_err_set(err, P_EIO, "%s: cannot be written: %s", path, strerror(why));
}

p_status output_json_file(const char *path, const json_t *object, p_err *err)
{
    part p;
    p_status s = part_open(&p, path, err);

    if (s != P_OK)
        return s;
    return part_close(&p, path,
                      p.stream && json_dumpf(object, p.stream, JSON_INDENT(2)) == 0 &&
                          fputc('\n', p.stream) != EOF,
                      err);
}

p_status output_text_file(const char *path, const char *text, p_err *err)
{
    part p;
    p_status s = part_open(&p, path, err);

    if (s != P_OK)
        return s;
    return part_close(&p, path, p.stream && fputs(text, p.stream) != EOF, err);
}
