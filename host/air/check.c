#include "host/air/check.h"
#include "host/air/kernels.h"
#include "host/air/program.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static p_status no_memory(const air *a, p_err *err)
{
    return p_err_set(err, P_EEXHAUSTED, "AIR %s: no memory to check a trace", a->definition.name);
}

static gl_t cell(const drv_matrix *m, uint64_t row, uint32_t column)
{
    return m->data[(((uint64_t)(column / 8) << m->log_rows) + row) * 8 + column % 8];
}

/* ---- cells ---- */

static p_status check_cells(const air *a, air_tree tree, const drv_matrix *m, uint32_t log_rows,
                            p_err *err)
{
    const air_tree_info *info = &a->trees[tree];

    if (info->columns == 0)
        return P_OK;
    if (!m->data || m->columns != info->columns || m->log_rows != log_rows)
        return p_err_set(err, P_EINVAL, "AIR %s: a trace of another shape", a->definition.name);
    for (uint32_t i = 0; i < a->column_count; i++)
        for (uint64_t row = 0; a->columns[i].tree == tree && row >> log_rows == 0; row++)
            if (!gl_is_canonical(cell(m, row, a->columns[i].position)))
                return p_err_set(err, P_EINVAL,
                                 "AIR %s: column '%s' is not canonical in row %" PRIu64,
                                 a->definition.name, a->columns[i].name, row);
    for (uint32_t c = info->next; c < info->next_padded; c++)
        for (uint64_t row = 0; row >> log_rows == 0; row++)
            if (cell(m, row, c) != 0)
                return p_err_set(err, P_EINVAL,
                                 "AIR %s: zero column %u is not zero in row %" PRIu64,
                                 a->definition.name, c, row);
    return P_OK;
}

/* ---- constraints ---- */

typedef struct check_block {
    air_trace_block trace;      /* first: what air_trace_leaf takes */
    const uint32_t *constraint; /* of each root */
    air_faults faults;
} check_block;

static void check_root(const air_block *block, uint32_t root, bool ext, const gl_t *v, gl_ext u)
{
    check_block *b = block->context;
    air_faults *f = &b->faults;

    for (uint32_t i = 0; i < block->rows; i++) {
        uint64_t row = b->trace.first + i;
        gl_ext x = u;

        if (v)
            x = ext ? (gl_ext){{v[i], v[AIR_BLOCK + i], v[2 * AIR_BLOCK + i]}}
                    : gl_ext_from_base(v[i]);
        if (gl_ext_is_zero(x))
            continue;
        if (f->count++ == 0 || row < f->row ||
            (row == f->row && b->constraint[root] < f->constraint)) {
            f->row = row;
            f->constraint = b->constraint[root];
        }
    }
}

/* The constraints that read no column of a bus: roots and their numbers. */
static uint32_t plain_roots(const air *a, uint32_t *roots, uint32_t *constraint, bool *of_bus)
{
    uint32_t own = a->column_count, count = 0;

    for (uint32_t i = 0; i < a->interaction_count; i++)
        own = a->interactions[i].column < own ? a->interactions[i].column : own;
    for (uint32_t i = 0; i < a->node_count; i++) {
        const air_node *n = &a->nodes[i];

        of_bus[i] = (n->op == AIR_COLUMN && n->a >= own) ||
                    (n->op >= AIR_ADD && (of_bus[n->a] || of_bus[n->b]));
    }
    for (uint32_t i = 0; i < a->constraint_count; i++) {
        if (of_bus[a->constraints[i].node])
            continue;
        roots[count] = a->constraints[i].node;
        constraint[count++] = i;
    }
    return count;
}

static p_status run_constraints(const air *a, const air_instance *instance, const air_trace *trace,
                                air_faults *faults, p_err *err)
{
    check_block b = {.trace = {.a = a, .trace = trace, .publics = instance->publics}};
    air_block block = {
        .rows = AIR_BLOCK, .leaf = air_trace_leaf, .root = check_root, .context = &b};
    uint32_t *roots = malloc(2 * (size_t)a->constraint_count * sizeof(*roots)), count;
    bool *of_bus = malloc(a->node_count);
    air_program program = {0};
    gl_t *scratch = NULL;
    p_status s = P_EEXHAUSTED;

    if (!roots || !of_bus)
        goto out;
    b.constraint = roots + a->constraint_count;
    count = plain_roots(a, roots, roots + a->constraint_count, of_bus);
    s = air_program_create(a, instance, roots, count, &program, err);
    if (s == P_OK && !(scratch = malloc(air_program_scratch(&program) + 1)))
        s = P_EEXHAUSTED;
    for (uint64_t row = 0; s == P_OK && row >> trace->log_rows == 0; row += AIR_BLOCK) {
        b.trace.first = row;
        air_program_run(&program, air_kernels_for(P_ISA_AVX512), scratch, &block);
    }
    *faults = b.faults;
out:
    air_program_destroy(&program);
    free(scratch);
    free(roots);
    free(of_bus);
    return s == P_OK ? P_OK : no_memory(a, err);
}

static p_status trace_size(const air *a, uint32_t log_rows, p_err *err)
{
    if (log_rows < a->min_log_rows || log_rows > AIR_MAX_LOG_ROWS)
        return p_err_set(err, P_EINVAL, "AIR %s: 2^%u rows, 2^%u to 2^%d are possible",
                         a->definition.name, log_rows, a->min_log_rows, AIR_MAX_LOG_ROWS);
    return P_OK;
}

p_status air_check_constraints(const air *a, const air_instance *instance, const air_trace *trace,
                               air_faults *faults, p_err *err)
{
    const air_definition *d = &a->definition;
    air_trace own = *trace;
    air_faults found = {0};
    p_status s = trace_size(a, trace->log_rows, err);

    if (faults)
        *faults = found;
    own.aux = (drv_matrix){.columns = a->trees[AIR_TREE_AUX].columns, .log_rows = trace->log_rows};
    if (s == P_OK)
        s = check_cells(a, AIR_TREE_FIXED, &trace->fixed, trace->log_rows, err);
    if (s == P_OK)
        s = check_cells(a, AIR_TREE_MAIN, &trace->main, trace->log_rows, err);
    if (s == P_OK && d->aux) {
        uint64_t bytes = drv_matrix_words(own.aux.columns, own.aux.log_rows) * sizeof(uint64_t);

        own.aux.data = aligned_alloc(64, bytes);
        if (!own.aux.data)
            return no_memory(a, err);
        memset(own.aux.data, 0, bytes);
        s = d->aux(d->context, a, trace->log_rows, &own.fixed, &own.main, instance->challenges,
                   &own.aux, err);
    }
    if (s == P_OK)
        s = run_constraints(a, instance, &own, &found, err);
    free(own.aux.data);
    if (s != P_OK)
        return s;
    if (faults)
        *faults = found;
    if (found.count == 0)
        return P_OK;
    return p_err_set(err, P_EINVAL,
                     "AIR %s: constraint '%s' does not hold in row %" PRIu64 " (%" PRIu64
                     " of all constraints and rows do not)",
                     d->name, a->constraints[found.constraint].name, found.row, found.count);
}

/* ---- buses ---- */

/* A message in the list: arity, multiplicity, values. */
enum { RECORD_ARITY, RECORD_SUM, RECORD_VALUES };

typedef struct bus_block {
    air_trace_block trace;
    gl_t *records;         /* of interaction k of the bus in row i at (i * count + k) * width */
    uint32_t width, count; /* words of a record, interactions of the bus */
} bus_block;

static void bus_root(const air_block *block, uint32_t root, bool ext, const gl_t *v, gl_ext u)
{
    bus_block *b = block->context;
    uint32_t values = b->width - RECORD_SUM; /* roots of an interaction */
    gl_t *at = b->records + (b->trace.first * b->count + root / values) * b->width + RECORD_SUM +
               root % values;

    (void)ext;
    for (uint32_t i = 0; i < block->rows; i++)
        at[(size_t)i * b->count * b->width] = v ? v[i] : u.c[0];
}

static int compare_records(const void *x, const void *y)
{
    const gl_t *p = x, *q = y;

    for (uint64_t i = 0; i < p[RECORD_ARITY]; i++)
        if (p[RECORD_VALUES + i] != q[RECORD_VALUES + i])
            return p[RECORD_VALUES + i] < q[RECORD_VALUES + i] ? -1 : 1;
    return 0;
}

static p_status collect(const air *a, uint32_t bus, const air_instance *instance,
                        const air_trace *trace, bus_block *b, p_err *err)
{
    air_block block = {.rows = AIR_BLOCK, .leaf = air_trace_leaf, .root = bus_root, .context = b};
    uint32_t *roots = malloc((size_t)b->count * b->width * sizeof(*roots)), count = 0;
    air_program program = {0};
    gl_t *scratch = NULL;
    p_status s = roots ? P_OK : P_EEXHAUSTED;

    for (uint32_t k = 0; s == P_OK && k < a->interaction_count; k++) {
        if (a->interactions[k].bus != bus)
            continue;
        roots[count++] = a->interactions[k].multiplicity;
        for (uint32_t i = 0; i < a->buses[bus].arity; i++)
            roots[count++] = a->interactions[k].message[i];
    }
    if (s == P_OK)
        s = air_program_create(a, instance, roots, count, &program, err);
    if (s == P_OK && !(scratch = malloc(air_program_scratch(&program) + 1)))
        s = P_EEXHAUSTED;
    for (uint64_t row = 0; s == P_OK && row >> trace->log_rows == 0; row += AIR_BLOCK) {
        b->trace.first = row;
        air_program_run(&program, air_kernels_for(P_ISA_AVX512), scratch, &block);
    }
    air_program_destroy(&program);
    free(scratch);
    free(roots);
    return s;
}

typedef struct bus_result {
    void (*report)(void *context, const air_unmatched *unmatched);
    void *context;
    uint64_t unmatched;
    char text[512]; /* the first ones */
} bus_result;

static void tell(const air *a, bus_result *r, const air_unmatched *x)
{
    size_t at = strlen(r->text), room = sizeof(r->text);
    bool received = x->sum > GL_P / 2;

    if (r->report)
        r->report(r->context, x);
    if (r->unmatched++ >= 4)
        return;
    at += (size_t)snprintf(r->text + at, room - at, "%sbus '%s' (", at ? "; " : "",
                           a->buses[x->bus].name);
    for (uint32_t i = 0; i < a->buses[x->bus].arity && at < room; i++)
        at += (size_t)snprintf(r->text + at, room - at, "%s%" PRIu64, i ? ", " : "", x->message[i]);
    if (at < room)
        snprintf(r->text + at, room - at, ") %" PRIu64 " more %s",
                 received ? GL_P - x->sum : x->sum, received ? "received" : "sent");
}

static p_status balance(const air *a, uint32_t bus, const air_instance *instance,
                        const air_trace *trace, bus_result *r, p_err *err)
{
    bus_block b = {.trace = {.a = a, .trace = trace, .publics = instance->publics},
                   .width = RECORD_VALUES + a->buses[bus].arity};
    uint64_t count;
    p_status s;

    for (uint32_t k = 0; k < a->interaction_count; k++)
        b.count += a->interactions[k].bus == bus;
    count = (uint64_t)b.count << trace->log_rows; /* below 2^34, a record has 18 words at most */
    b.records = malloc(count * b.width * sizeof(*b.records));
    s = b.records ? collect(a, bus, instance, trace, &b, err) : P_EEXHAUSTED;
    if (s != P_OK) {
        free(b.records);
        return no_memory(a, err);
    }
    for (uint64_t i = 0; i < count; i++)
        b.records[i * b.width + RECORD_ARITY] = a->buses[bus].arity;
    qsort(b.records, count, b.width * sizeof(*b.records), compare_records);
    for (uint64_t i = 0, end; i < count; i = end) {
        air_unmatched x = {.bus = bus, .message = b.records + i * b.width + RECORD_VALUES};

        for (end = i; end < count &&
                      compare_records(b.records + i * b.width, b.records + end * b.width) == 0;
             end++)
            x.sum = gl_add(x.sum, b.records[end * b.width + RECORD_SUM]);
        if (x.sum != 0)
            tell(a, r, &x);
    }
    free(b.records);
    return P_OK;
}

p_status air_check_buses(const air *a, const air_instance *instance, const air_trace *trace,
                         void (*report)(void *context, const air_unmatched *unmatched),
                         void *context, p_err *err)
{
    bus_result r = {.report = report, .context = context};
    p_status s = trace_size(a, trace->log_rows, err);

    if (s == P_OK)
        s = check_cells(a, AIR_TREE_FIXED, &trace->fixed, trace->log_rows, err);
    if (s == P_OK)
        s = check_cells(a, AIR_TREE_MAIN, &trace->main, trace->log_rows, err);
    for (uint32_t bus = 0; s == P_OK && bus < a->bus_count; bus++)
        s = balance(a, bus, instance, trace, &r, err);
    if (s != P_OK || r.unmatched == 0)
        return s;
    return p_err_set(err, P_EINVAL, "AIR %s: %" PRIu64 " messages do not balance: %s",
                     a->definition.name, r.unmatched, r.text);
}

/* ---- fixed columns ---- */

p_status air_check_selectors(const air *a, const drv_matrix *fixed, p_err *err)
{
    bool *below = calloc(a->node_count, sizeof(*below));
    p_status s = below ? check_cells(a, AIR_TREE_FIXED, fixed, fixed->log_rows, err) : P_EEXHAUSTED;

    if (!below)
        return no_memory(a, err);
    for (uint32_t k = 0; k < a->interaction_count; k++)
        below[a->interactions[k].multiplicity] = true;
    for (uint32_t i = a->node_count; s == P_OK && i-- > 0;) {
        const air_node *n = &a->nodes[i];

        if (!below[i])
            continue;
        if (n->op >= AIR_ADD)
            below[n->a] = below[n->b] = true;
        if (n->op != AIR_COLUMN || a->columns[n->a].tree != AIR_TREE_FIXED)
            continue;
        for (uint64_t row = 0; s == P_OK && row >> fixed->log_rows == 0; row++) {
            gl_t v = cell(fixed, row, a->columns[n->a].position);

            if (v > 1)
                s = p_err_set(err, P_EINVAL,
                              "AIR %s: fixed column '%s' is a multiplicity, and %" PRIu64
                              " in row %" PRIu64,
                              a->definition.name, a->columns[n->a].name, v, row);
        }
    }
    free(below);
    return s;
}

p_status air_check_table(const air *a, const drv_matrix *fixed, const uint32_t *columns,
                         uint32_t count, uint32_t keys, uint64_t entries, p_err *err)
{
    uint64_t rows = UINT64_C(1) << fixed->log_rows;
    uint32_t width = RECORD_VALUES + keys;
    gl_t *records;
    p_status s = check_cells(a, AIR_TREE_FIXED, fixed, fixed->log_rows, err);

    if (s != P_OK)
        return s;
    if (keys == 0 || keys > count || entries == 0 || entries > rows)
        return p_err_set(err, P_EINVAL,
                         "AIR %s: a table of %" PRIu64 " entries in %" PRIu64
                         " rows with %u of %u columns as keys",
                         a->definition.name, entries, rows, keys, count);
    for (uint32_t c = 0; c < count; c++)
        if (columns[c] >= a->column_count || a->columns[columns[c]].tree != AIR_TREE_FIXED)
            return p_err_set(err, P_EINVAL, "AIR %s: column %u is not fixed", a->definition.name,
                             columns[c]);
    for (uint64_t row = entries; row < rows; row++)
        for (uint32_t c = 0; c < count; c++) {
            const air_column_info *info = &a->columns[columns[c]];

            if (cell(fixed, row, info->position) != cell(fixed, 0, info->position))
                return p_err_set(err, P_EINVAL,
                                 "AIR %s: column '%s' has another value in padding row %" PRIu64
                                 " than in the first",
                                 a->definition.name, info->name, row);
        }
    records = malloc(entries * width * sizeof(*records));
    if (!records)
        return no_memory(a, err);
    for (uint64_t row = 0; row < entries; row++) {
        records[row * width + RECORD_ARITY] = keys;
        records[row * width + RECORD_SUM] = row;
        for (uint32_t c = 0; c < keys; c++)
            records[row * width + RECORD_VALUES + c] =
                cell(fixed, row, a->columns[columns[c]].position);
    }
    qsort(records, entries, width * sizeof(*records), compare_records);
    for (uint64_t i = 1; s == P_OK && i < entries; i++)
        if (compare_records(records + (i - 1) * width, records + i * width) == 0)
            s = p_err_set(err, P_EINVAL,
                          "AIR %s: rows %" PRIu64 " and %" PRIu64 " of a table have the same key",
                          a->definition.name, records[(i - 1) * width + RECORD_SUM],
                          records[i * width + RECORD_SUM]);
    free(records);
    return s;
}
