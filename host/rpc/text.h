/** What texts for clients may not contain: half characters, which are no strings of protobuf, and
 *  the place where the server keeps its files, with which the texts of the stores begin. */
#ifndef ZKP_HOST_RPC_TEXT_H
#define ZKP_HOST_RPC_TEXT_H

#include <stddef.h>

/** Stands in a text for the folder's name. */
#define RPC_TEXT_FOLDER "data_dir"

/** Copies NUL-terminated UTF-8; at most cap - 1 bytes and a NUL (cap >= 1); what does not fit is
 * cut before a character. Returns out. */
const char *rpc_text_cut(char *out, size_t cap, const char *text);

/** The same with the folder's name replaced by RPC_TEXT_FOLDER wherever it stands as a path or the
 *  beginning of one. It may end with '/'; NULL or "": nothing is replaced. */
const char *rpc_text_hide_folder(char *out, size_t cap, const char *text, const char *folder);

#endif
