/** Recursive length prefix encoding (yellow paper, appendix B): a reader that accepts exactly the
 * grammar of batch data (executor specification, section 2) and a writer.
 *
 * A rlp_reader walks over borrowed bytes; the first rule that is broken stops it for good: every
 * later call returns false and changes nothing, so a caller may check only once. Pure functions
 * over the caller's memory: freestanding, no allocation, any thread. */
#ifndef ZKP_HOST_EXECUTOR_RLP_H
#define ZKP_HOST_EXECUTOR_RLP_H

#include "host/executor/types.h"

/** No length of 2^24 bytes or more can be written: length prefixes have at most three bytes. */
#define RLP_LENGTH_BYTES_MAX 3

typedef struct rlp_reader {
    const uint8_t *bytes; /**< borrowed */
    size_t len;           /**< no byte at or beyond it is read */
    size_t pos;           /**< next byte */
    size_t list_end;     /**< items must end at or before it; may lie beyond len (then reading fails
                            at len) */
    const char *fault;   /**< NULL while nothing went wrong; else static text */
    size_t fault_offset; /**< the byte at which the broken rule shows */
} rlp_reader;

/** Starts at bytes[pos]; outside a list there is no bound but len. */
void rlp_reader_init(rlp_reader *r, const uint8_t *bytes, size_t len, size_t pos);

/** A list header: sets list_end. It does not check that the list ends within the bytes: its items
 * do. 0xc0-0xf7, or 0xf8-0xfa with a length of at least 56 without leading zeros. */
bool rlp_read_list(rlp_reader *r);

/** The list must end here; afterwards only len bounds the reading. */
bool rlp_end_list(rlp_reader *r);

/** An integer of at most max_bytes (1..32): a byte below 0x80 is itself (also 0x00, which strict
 * RLP would write 0x80), 0x80 is zero, longer ones have no leading zero byte. *out is undefined on
 * failure. */
bool rlp_read_u256(rlp_reader *r, unsigned max_bytes, u256 *out);
/** The same with at most eight bytes. */
bool rlp_read_u64(rlp_reader *r, uint64_t *out);

/** A byte string; *out points into the bytes. Not a list, shorter than 2^24. */
bool rlp_read_string(rlp_reader *r, const uint8_t **out, size_t *out_len);

/** n bytes that are not RLP at all. */
bool rlp_read_raw(rlp_reader *r, size_t n, const uint8_t **out);

/** Records a broken rule found by the caller; false always, so that `return rlp_fail(...)` reads
 * well. A rule recorded earlier stays. */
bool rlp_fail(rlp_reader *r, size_t offset, const char *reason);

/* The writer. Sizes are exact, so a caller measures first and then writes; each put function
 * returns the byte after what it wrote. */

/** Bytes of the header of a string or list with a payload of len bytes (for a string of one byte
 * below 0x80, which has none, see rlp_string_size). */
size_t rlp_header_size(size_t len);
size_t rlp_string_size(const uint8_t *bytes, size_t len);
/** An integer given as len big-endian bytes; leading zeros are not written, zero is 0x80. */
size_t rlp_integer_size(const uint8_t *be, size_t len);

uint8_t *rlp_put_list_header(uint8_t *out, size_t payload_len);
uint8_t *rlp_put_string(uint8_t *out, const uint8_t *bytes, size_t len);
uint8_t *rlp_put_integer(uint8_t *out, const uint8_t *be, size_t len);

#endif
