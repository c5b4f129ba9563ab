#include "host/rpc/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Our messages nest three deep. */
#define MAX_DEPTH 16

/** Where the walk is; printed innermost last. */
typedef struct place {
    const struct place *up;
    const char *field; /**< NULL for the message itself */
    size_t index;      /**< of a repeated field or map entry */
    bool repeated;
} place;

typedef struct reader {
    const uint8_t *start, *at, *end;
} reader;

static size_t place_text(char *out, size_t cap, const place *p)
{
    size_t n = 0;
    if (p->up)
        n = place_text(out, cap, p->up);
    if (!p->field)
        return n;
    int m = p->repeated ? snprintf(out + n, cap - n, "%s%s[%zu]", n ? "." : "", p->field, p->index)
                        : snprintf(out + n, cap - n, "%s%s", n ? "." : "", p->field);
    n += m > 0 ? (size_t)m : 0;
    return n < cap ? n : cap - 1;
}

static p_status fault(p_err *err, const place *p, size_t offset, const char *what)
{
    char where[256] = "";
    size_t n = place_text(where, sizeof where, p);
    return p_err_set(err, P_EINVAL, "%s%smalformed message: %s (byte %zu)", where, n ? ": " : "",
                     what, offset);
}

/** A base-128 number of at most ten bytes. */
static bool read_varint(reader *r, uint64_t *out)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (r->at == r->end)
            return false;
        uint8_t b = *r->at++;
        if (shift == 63 && b > 1)
            return false;
        v |= (uint64_t)(b & 0x7f) << shift;
        if (!(b & 0x80)) {
            *out = v;
            return true;
        }
    }
    return false;
}

bool rpc_wire_utf8(const uint8_t *s, size_t len, size_t *bad)
{
    size_t i = 0;
    while (i < len) {
        uint8_t c = s[i];
        size_t n;
        uint32_t least, v;
        *bad = i;
        if (c == 0)
            return false;
        if (c < 0x80) {
            i++;
            continue;
        }
        if (c >= 0xc2 && c <= 0xdf) {
            n = 1, least = 0x80, v = c & 0x1f;
        } else if (c >= 0xe0 && c <= 0xef) {
            n = 2, least = 0x800, v = c & 0x0f;
        } else if (c >= 0xf0 && c <= 0xf4) {
            n = 3, least = 0x10000, v = c & 0x07;
        } else {
            return false;
        }
        if (n > len - i - 1)
            return false;
        for (size_t k = 1; k <= n; k++) {
            if ((s[i + k] & 0xc0) != 0x80)
                return false;
            v = v << 6 | (s[i + k] & 0x3f);
        }
        if (v < least || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff))
            return false;
        i += n + 1;
    }
    return true;
}

static ProtobufCWireType wire_type_of(ProtobufCType t)
{
    switch (t) {
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
        return PROTOBUF_C_WIRE_TYPE_32BIT;
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return PROTOBUF_C_WIRE_TYPE_64BIT;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        return PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
    default:
        return PROTOBUF_C_WIRE_TYPE_VARINT;
    }
}

static p_status check(const ProtobufCMessageDescriptor *type, reader *r, const place *here,
                      unsigned depth, p_err *err);

/** The content of a length-prefixed field. */
static p_status check_bytes(const ProtobufCFieldDescriptor *f, const uint8_t *start,
                            const uint8_t *at, size_t len, const place *here, unsigned depth,
                            p_err *err)
{
    if (f->type == PROTOBUF_C_TYPE_STRING) {
        size_t bad = 0;
        if (!rpc_wire_utf8(at, len, &bad))
            return fault(err, here, (size_t)(at - start) + bad,
                         at[bad] ? "the string is not valid UTF-8" : "the string contains NUL");
    } else if (f->type == PROTOBUF_C_TYPE_MESSAGE) {
        if (depth + 1 >= MAX_DEPTH)
            return fault(err, here, (size_t)(at - start), "messages are nested too deep");
        reader sub = {start, at, at + len};
        return check(f->descriptor, &sub, here, depth + 1, err);
    }
    return P_OK;
}

static p_status check(const ProtobufCMessageDescriptor *type, reader *r, const place *here,
                      unsigned depth, p_err *err)
{
    /* how often each field was seen, to name an entry by its position; our
     * messages have at most 9 */
    size_t seen[32] = {0};
    while (r->at < r->end) {
        size_t offset = (size_t)(r->at - r->start);
        uint64_t key, value;
        if (!read_varint(r, &key) || key >> 3 == 0 || key >> 3 > 0x1fffffff)
            return fault(err, here, offset, "the tag of a field is wrong");
        unsigned wire = key & 7;
        const ProtobufCFieldDescriptor *f =
            protobuf_c_message_descriptor_get_field(type, (unsigned)(key >> 3));
        place inner = *here;
        if (f) {
            size_t slot = (size_t)(f - type->fields) & 31;
            inner = (place){here, f->name, seen[slot]++, f->label == PROTOBUF_C_LABEL_REPEATED};
            if (wire != (unsigned)wire_type_of(f->type))
                return fault(err, &inner, offset, "the field has another wire type than its type");
        }
        offset = (size_t)(r->at - r->start);
        switch (wire) {
        case PROTOBUF_C_WIRE_TYPE_VARINT:
            if (!read_varint(r, &value))
                return fault(err, &inner, offset, "the number is cut off or too long");
            break;
        case PROTOBUF_C_WIRE_TYPE_64BIT:
        case PROTOBUF_C_WIRE_TYPE_32BIT: {
            size_t n = wire == PROTOBUF_C_WIRE_TYPE_64BIT ? 8 : 4;
            if (n > (size_t)(r->end - r->at))
                return fault(err, &inner, offset, "the number is cut off");
            r->at += n;
            break;
        }
        case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED: {
            if (!read_varint(r, &value) || value > (uint64_t)(r->end - r->at))
                return fault(err, &inner, offset, "the length goes beyond the end");
            const uint8_t *at = r->at;
            r->at += value;
            if (f) {
                p_status st = check_bytes(f, r->start, at, (size_t)value, &inner, depth, err);
                if (st != P_OK)
                    return st;
            }
            break;
        }
        default:
            return fault(err, &inner, offset, "the wire type is not one of proto3");
        }
    }
    return P_OK;
}

p_status rpc_wire_check(const ProtobufCMessageDescriptor *type, const uint8_t *bytes, size_t len,
                        p_err *err)
{
    reader r = {bytes, bytes, bytes + len};
    place top = {0};
    return check(type, &r, &top, 0, err);
}

/* ---- the arena ---- */

#define CHUNK_BYTES ((size_t)256 * 1024)

typedef struct chunk {
    struct chunk *next;
    size_t size, used;
    max_align_t data[];
} chunk;

struct rpc_wire_arena {
    chunk *chunks;
    size_t total, limit;
    bool over_limit;
};

static void *arena_alloc(void *ctx, size_t size)
{
    rpc_wire_arena *a = ctx;
    if (size > a->limit) {
        a->over_limit = true;
        return NULL;
    }
    size = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    chunk *c = a->chunks;
    if (!c || size > c->size - c->used) {
        size_t want = size > CHUNK_BYTES ? size : CHUNK_BYTES;
        if (want > a->limit - a->total)
            want = size;
        if (want > a->limit - a->total) {
            a->over_limit = true;
            return NULL;
        }
        c = malloc(sizeof *c + want);
        if (!c)
            return NULL;
        *c = (chunk){a->chunks, want, 0};
        a->chunks = c;
        a->total += want;
    }
    void *p = (unsigned char *)c->data + c->used;
    c->used += size;
    return p;
}

static void arena_free(void *ctx, void *pointer)
{
    (void)ctx; /* everything is freed together */
    (void)pointer;
}

p_status rpc_wire_unpack(const ProtobufCMessageDescriptor *type, const uint8_t *bytes, size_t len,
                         ProtobufCMessage **message, rpc_wire_arena **arena, p_err *err)
{
    *message = NULL;
    *arena = NULL;
    p_status st = rpc_wire_check(type, bytes, len, err);
    if (st != P_OK)
        return st;
    rpc_wire_arena *a = calloc(1, sizeof *a);
    if (!a)
        return p_err_set(err, P_EEXHAUSTED, "no memory to unpack a message");
    /* a node entry of about 230 bytes needs about 400: copies, a record, a slot in two tables */
    a->limit = 4 * len + CHUNK_BYTES;
    ProtobufCAllocator allocator = {arena_alloc, arena_free, a};
    ProtobufCMessage *m = protobuf_c_message_unpack(type, &allocator, len, bytes);
    if (!m) {
        bool over = a->over_limit;
        rpc_wire_free(a);
        if (over)
            return p_err_set(err, P_EINVAL,
                             "malformed message: %zu bytes would unpack to more than four times "
                             "that; it consists of tiny or unknown fields",
                             len);
        return p_err_set(err, P_EINVAL, "malformed message: it cannot be unpacked as %s",
                         type->name);
    }
    *message = m;
    *arena = a;
    return P_OK;
}

void rpc_wire_free(rpc_wire_arena *a)
{
    if (!a)
        return;
    while (a->chunks) {
        chunk *next = a->chunks->next;
        free(a->chunks);
        a->chunks = next;
    }
    free(a);
}

p_status rpc_wire_pack(const ProtobufCMessage *message, size_t max, uint8_t **bytes, size_t *len,
                       p_err *err)
{
    *bytes = NULL;
    *len = 0;
    size_t n = protobuf_c_message_get_packed_size(message);
    if (n > max)
        return p_err_set(err, P_EEXHAUSTED,
                         "the answer has %zu bytes, and the message limit is %zu; raise the "
                         "server's limit or ask for less in one request",
                         n, max);
    uint8_t *out = malloc(n ? n : 1);
    if (!out)
        return p_err_set(err, P_EEXHAUSTED, "no memory for an answer of %zu bytes", n);
    *len = protobuf_c_message_pack(message, out);
    *bytes = out;
    return P_OK;
}
