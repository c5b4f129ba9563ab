/** Where `cmake --install` and the packages put what this program needs, whatever the prefix is. */
#ifndef ZKP_DRIVER_XRT_INSTALLED_H
#define ZKP_DRIVER_XRT_INSTALLED_H

#include <stddef.h>

/** The path of a file or folder below the installation's prefix, which is taken to be one or two
 * folders above this program's own (bin, libexec/zkprover): the first of both where the path
 * exists, else the first. An absolute path stays. Cut if it does not fit. */
void xrt_installed_path(const char *relative, char *out, size_t size);

#endif
