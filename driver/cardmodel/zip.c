#include "driver/cardmodel/zip.h"

#include <stdlib.h>
#include <string.h>

#define LOCAL_BYTES 30
#define CENTRAL_BYTES 46
#define END_BYTES 22
#define MAX_ENTRIES 16
#define MAX_BYTES ((size_t)1 << 31)
#define DOS_DATE                                                                                   \
    0x21 /* 1980-01-01, the first there is: the archive depends on its content alone               \
          */

static void put(uint8_t **at, unsigned bytes, uint64_t value)
{
    for (unsigned i = 0; i < bytes; i++)
        *(*at)++ = (uint8_t)(value >> (8 * i));
}

static void put_text(uint8_t **at, const void *bytes, size_t size)
{
    if (size)
        memcpy(*at, bytes, size);
    *at += size;
}

static uint32_t crc32_of(const uint8_t *bytes, size_t size)
{
    uint32_t table[256], crc = UINT32_MAX;

    for (uint32_t i = 0; i < 256; i++) {
        table[i] = i;
        for (int bit = 0; bit < 8; bit++)
            table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0xedb88320u : 0);
    }
    for (size_t i = 0; i < size; i++)
        crc = crc >> 8 ^ table[(crc ^ bytes[i]) & 0xff];
    return ~crc;
}

/* what the local header and the central directory both say */
static void put_common(uint8_t **at, const zip_entry *entry, uint32_t crc)
{
    put(at, 2, 10); /* version needed */
    put(at, 2, 0);
    put(at, 2, 0); /* stored */
    put(at, 2, 0);
    put(at, 2, DOS_DATE);
    put(at, 4, crc);
    put(at, 4, entry->size);
    put(at, 4, entry->size);
    put(at, 2, strlen(entry->name));
    put(at, 2, 0);
}

p_status zip_make(const zip_entry *entries, size_t count, uint8_t **out, size_t *size, p_err *err)
{
    uint32_t crc[MAX_ENTRIES], offset[MAX_ENTRIES];
    size_t total = END_BYTES, directory;
    uint8_t *at;

    *out = NULL;
    *size = 0;
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(entries[i].name);

        if (i == MAX_ENTRIES || length > 1024 || entries[i].size > MAX_BYTES - total)
            return p_err_set(err, P_EINVAL, "zip: more than %d entries or %zu bytes", MAX_ENTRIES,
                             MAX_BYTES);
        total += LOCAL_BYTES + CENTRAL_BYTES + 2 * length + entries[i].size;
    }
    *out = at = malloc(total);
    if (!at)
        return p_err_set(err, P_EEXHAUSTED, "zip: out of memory");
    for (size_t i = 0; i < count; i++) {
        offset[i] = (uint32_t)(at - *out);
        crc[i] = crc32_of(entries[i].bytes, entries[i].size);
        put(&at, 4, 0x04034b50);
        put_common(&at, &entries[i], crc[i]);
        put_text(&at, entries[i].name, strlen(entries[i].name));
        put_text(&at, entries[i].bytes, entries[i].size);
    }
    directory = (size_t)(at - *out);
    for (size_t i = 0; i < count; i++) {
        put(&at, 4, 0x02014b50);
        put(&at, 2, 3 << 8 | 10); /* made by Unix: the permissions below count */
        put_common(&at, &entries[i], crc[i]);
        put(&at, 2, 0); /* comment */
        put(&at, 2, 0); /* disk */
        put(&at, 2, 0);
        put(&at, 4, (uint64_t)(0100000 | entries[i].mode) << 16);
        put(&at, 4, offset[i]);
        put_text(&at, entries[i].name, strlen(entries[i].name));
    }
    put(&at, 4, 0x06054b50);
    put(&at, 4, 0); /* disks */
    put(&at, 2, count);
    put(&at, 2, count);
    put(&at, 4, (size_t)(at - *out) - 12 - directory);
    put(&at, 4, directory);
    put(&at, 2, 0);
    *size = (size_t)(at - *out);
    return P_OK;
}
