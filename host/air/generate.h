/** Writes a graph as C: what a build's generator program calls (cmake: zkp_air_code).
 *
 * Two sources come of an air called name: a body, included after code_body.h once for each
 * instruction set and part, and a table, which defines `const air_code NAME_code` for the field
 * code of the definition. The functions are cut so that none grows long: a compiler's time must not
 * grow faster than the graph. */
#ifndef ZKP_HOST_AIR_GENERATE_H
#define ZKP_HOST_AIR_GENERATE_H

#include "host/air/air.h"

#include <stdio.h>

/** name: a C identifier. parts: how many files the functions are spread over, 1 or more. P_EIO if a
 * stream fails, P_EEXHAUSTED without memory. */
p_status air_generate(const air *a, const char *name, uint32_t parts, FILE *body, FILE *table,
                      p_err *err);

/** main of a generator program: arguments are the folder to write to, then name:parts of each
 * definition wanted. Returns the exit code; tells mistakes on stderr. */
int air_generate_main(int argc, char **argv, const air_definition *const *definitions,
                      size_t count);

#endif
