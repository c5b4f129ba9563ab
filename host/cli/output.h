/** What the commands print: text tables and JSON.
 *
 *  Text tables: left-aligned columns as wide as their widest cell, two spaces between, no trailing
 *  spaces. Cells are copied. One thread at a time. */
#ifndef ZKP_HOST_CLI_OUTPUT_H
#define ZKP_HOST_CLI_OUTPUT_H

#include "driver/base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define TABLE_MAX_COLUMNS 16

typedef struct table {
    size_t n_columns, n_cells, max_cells;
    bool right[TABLE_MAX_COLUMNS]; /**< column is right-aligned: set by the caller after init */
    bool failed;                   /**< out of memory at some cell: table_print says so */
    char **cells;
} table;

/** Starts with its header: n_columns (1..TABLE_MAX_COLUMNS) texts. */
void table_init(table *t, size_t n_columns, const char *const *header);
/** The next cell, left to right, row by row. */
void table_cell(table *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** Prints header and complete rows. false: a cell was lost, or the output cannot be written. */
bool table_print(const table *t, FILE *out);
void table_free(table *t);

/** A JSON string; bytes that are no UTF-8 become '?'. */
json_t *output_json_text(const char *text);
/** Prints the object as one line and releases it. false: no memory, or the
 *  output cannot be written. */
bool output_json_line(FILE *out, json_t *object);
/** Writes the object to a file, which is there whole or not at all. */
p_status output_json_file(const char *path, const json_t *object, p_err *err);
/** The same with a text. */
p_status output_text_file(const char *path, const char *text, p_err *err);

#endif
