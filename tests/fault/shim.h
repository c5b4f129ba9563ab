/** Makes writing to files fail on purpose: a full disk, a broken one.
 *
 *  Two uses. Linked into a test program, it replaces write, pwrite, fsync, fdatasync, ftruncate and
 *  renameat for that program and the libraries that it uses, under the control of the functions
 *  below. As a library in LD_PRELOAD it does the same to any program:
 *      ZKP_FAULT_ERRNO=ENOSPC|EIO|EDQUOT   what the calls fail with
 *      ZKP_FAULT_PATH=TEXT                 only files whose path contains TEXT (default: all)
 *      ZKP_FAULT_WHEN=FILE                 only while FILE exists (default: always)
 *  Only regular files and folders are concerned, never sockets, pipes or terminals. */
#ifndef ZKP_TESTS_FAULT_SHIM_H
#define ZKP_TESTS_FAULT_SHIM_H

/** From now on calls on files whose path contains path (NULL: all) fail with error; the first
 * `after` of them still work, and `count` of them fail (0: all). error 0: nothing fails, calls are
 * counted. */
void fault_set(int error, const char *path, unsigned after, unsigned count);
/** Nothing fails any more. */
void fault_clear(void);
/** Calls concerned since fault_set, and how many of them failed. */
unsigned fault_calls(void);
unsigned fault_failures(void);

/** What was called since fault_set, in order, as "NAME FILE;" with the file's last two path
 * components (names of hashes as HASH): cut off at the end of the buffer. */
void fault_trace(char *out, unsigned capacity);

#endif
