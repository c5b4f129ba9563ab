#include "host/air/program.h"

#include "host/air/kernels.h"

#include <stdlib.h>
#include <string.h>

/* ---- making ---- */

typedef struct maker {
    const air *a;
    uint32_t *last; /* the last instruction that uses a node's value */
    uint32_t *slot; /* of a node */
    uint32_t *free1, *free3;
    uint32_t free1_count, free3_count, slots;
} maker;

static uint32_t slot_take(maker *m, bool ext)
{
    uint32_t at;

    if (ext ? m->free3_count : m->free1_count)
        return ext ? m->free3[--m->free3_count] : m->free1[--m->free1_count];
    at = m->slots;
    m->slots += ext ? 3 : 1;
    return at;
}

/* Leaves keep theirs. */
static void slot_give(maker *m, uint32_t node)
{
    if (m->a->nodes[node].degree == 0 || m->a->nodes[node].op < AIR_ADD)
        return;
    if (m->a->nodes[node].ext)
        m->free3[m->free3_count++] = m->slot[node];
    else
        m->free1[m->free1_count++] = m->slot[node];
}

static air_operand operand(const maker *m, uint32_t node)
{
    const air_node *n = &m->a->nodes[node];
    bool uniform = n->degree == 0;

    return (air_operand){uniform, n->ext, uniform ? node : m->slot[node]};
}

static gl_ext uniform_value(const air_program *p, const air_instance *in, const air_node *n)
{
    switch ((air_op)n->op) {
    case AIR_PUBLIC:
        return gl_ext_from_base(in->publics[n->a]);
    case AIR_RANDOM:
        return in->challenges[n->a];
    case AIR_CONSTANT:
        return gl_ext_from_base(n->value);
    case AIR_ADD:
        return gl_ext_add(p->uniform[n->a], p->uniform[n->b]);
    case AIR_SUB:
        return gl_ext_sub(p->uniform[n->a], p->uniform[n->b]);
    default:
        return gl_ext_mul(p->uniform[n->a], p->uniform[n->b]);
    }
}

static void emit(air_program *p, maker *m, const bool *need)
{
    const air *a = m->a;
    uint32_t *head = m->last + a->node_count; /* first root of a node + 1, then a list */
    uint32_t *follow = head + a->node_count;

    for (uint32_t i = 0; i < a->node_count; i++) {
        const air_node *n = &a->nodes[i];

        if (!need[i] || n->op >= AIR_ADD || n->degree == 0)
            continue;
        m->slot[i] = slot_take(m, n->ext);
        p->leaves[p->leaf_count++] = (air_leaf){i, m->slot[i]};
    }
    p->leaf_slots = m->slots;
    for (uint32_t i = 0; i < a->node_count; i++) {
        const air_node *n = &a->nodes[i];
        bool op = n->op >= AIR_ADD;

        if (!need[i])
            continue;
        if (op && n->degree > 0) {
            air_instr *x = &p->instr[p->instr_count++];

            m->slot[i] = slot_take(m, n->ext);
            *x = (air_instr){.kind = (air_instr_kind)(AIR_INSTR_ADD + (n->op - AIR_ADD)),
                             .node = i,
                             .out = operand(m, i),
                             .a = operand(m, n->a),
                             .b = operand(m, n->b)};
        }
        for (uint32_t r = head[i]; r; r = follow[r - 1])
            p->instr[p->instr_count++] =
                (air_instr){.kind = AIR_INSTR_ROOT, .node = r - 1, .a = operand(m, i)};
        if (op && n->degree > 0) {
            if (m->last[n->a] == i)
                slot_give(m, n->a);
            if (n->b != n->a && m->last[n->b] == i)
                slot_give(m, n->b);
        }
        if (m->last[i] == i)
            slot_give(m, i);
    }
}

p_status air_program_create(const air *a, const air_instance *instance, const uint32_t *roots,
                            uint32_t count, air_program *out, p_err *err)
{
    size_t nodes = a->node_count;
    maker m = {.a = a};
    bool *need = calloc(nodes, sizeof(*need));

    *out = (air_program){.a = a, .roots = count};
    m.last = calloc(2 * nodes + count, sizeof(*m.last));
    m.slot = calloc(3 * nodes, sizeof(*m.slot));
    out->instr = calloc(nodes + count, sizeof(*out->instr));
    out->leaves = calloc(nodes, sizeof(*out->leaves));
    out->uniform = calloc(nodes, sizeof(*out->uniform));
    if (!need || !m.last || !m.slot || !out->instr || !out->leaves || !out->uniform) {
        free(need);
        free(m.last);
        free(m.slot);
        air_program_destroy(out);
        return p_err_set(err, P_EEXHAUSTED, "AIR %s: no memory for its program",
                         a->definition.name);
    }
    m.free1 = m.slot + nodes;
    m.free3 = m.free1 + nodes;
    for (uint32_t i = count; i-- > 0;) {
        uint32_t *head = m.last + nodes + roots[i];

        m.last[2 * nodes + i] = *head;
        *head = i + 1;
        need[roots[i]] = true;
    }
    for (uint32_t i = a->node_count; i-- > 0;) {
        const air_node *n = &a->nodes[i];

        if (need[i] && n->op >= AIR_ADD)
            need[n->a] = need[n->b] = true;
    }
    for (uint32_t i = 0; i < a->node_count; i++) {
        const air_node *n = &a->nodes[i];

        m.last[i] = i;
        if (need[i] && n->op >= AIR_ADD)
            m.last[n->a] = m.last[n->b] = i;
        if (need[i] && n->degree == 0)
            out->uniform[i] = uniform_value(out, instance, n);
    }
    emit(out, &m, need);
    out->slots = m.slots;
    free(need);
    free(m.last);
    free(m.slot);
    return P_OK;
}

void air_program_destroy(air_program *p)
{
    free(p->instr);
    free(p->leaves);
    free(p->uniform);
    p->leaves = NULL;
    p->instr = NULL;
    p->uniform = NULL;
}

void air_program_run(const air_program *p, const air_kernels *kernels, gl_t *scratch,
                     const air_block *block)
{
    for (uint32_t k = 0; k < p->leaf_count; k++) {
        const air_node *n = &p->a->nodes[p->leaves[k].node];
        gl_t *out = scratch + (size_t)p->leaves[k].slot * AIR_BLOCK;

        for (uint32_t c = 0; c < (n->ext ? 3u : 1u) && block->rows < AIR_BLOCK; c++)
            memset(out + c * AIR_BLOCK, 0, AIR_BLOCK * sizeof(*out));
        block->leaf(block, n, out);
    }
    kernels->run(p, scratch, block);
}

/* ---- leaves of a trace ---- */

static const drv_matrix *trace_matrix(const air_trace *trace, air_tree tree)
{
    return tree == AIR_TREE_FIXED  ? &trace->fixed
           : tree == AIR_TREE_MAIN ? &trace->main
                                   : &trace->aux;
}

static void trace_column(const air_trace_block *t, const air_node *n, uint32_t count, gl_t *out)
{
    const air_column_info *c = &t->a->columns[n->a];
    const drv_matrix *m = trace_matrix(t->trace, c->tree);
    uint64_t rows = UINT64_C(1) << t->trace->log_rows;

    for (uint32_t k = 0; k < c->width; k++, out += AIR_BLOCK) {
        uint32_t column = c->position + k;
        const uint64_t *all = m->data + column / 8 * rows * 8 + column % 8;
        const uint64_t *from = all + (t->first + n->b) * 8;
        /* the next row of the last is the first */
        uint32_t last = t->first + count + n->b > rows ? count - 1 : count;

        for (uint32_t i = 0; i < last; i++)
            out[i] = from[(size_t)i * 8];
        if (last < count)
            out[last] = *all;
    }
}

void air_trace_leaf(const air_block *block, const air_node *n, gl_t *out)
{
    const air_trace_block *t = block->context;
    uint64_t rows = UINT64_C(1) << t->trace->log_rows;

    if (n->op == AIR_COLUMN) {
        trace_column(t, n, block->rows, out);
        return;
    }
    for (uint32_t i = 0; i < block->rows; i++) {
        uint64_t row = t->first + i;

        switch ((air_op)n->op) {
        case AIR_PERIODIC:
            out[i] = t->a->periodic[n->a].values[row & (t->a->periodic[n->a].period - 1)];
            break;
        case AIR_FIRST:
            out[i] = row == 0;
            break;
        case AIR_LAST:
            out[i] = row == rows - 1;
            break;
        default: /* AIR_PUBLIC_COLUMN; the others have degree 0 */
            out[i] = row < n->b ? t->publics[n->a + row] : 0;
            break;
        }
    }
}
