/** zkp-card as a process: where it is, starting it, ending it. Safe in a program with threads. Any
 * thread; but zkp-card dies with the thread that started it (PR_SET_PDEATHSIG), so whoever serves a
 * card starts it on a thread that lives as long. */
#ifndef ZKP_DRIVER_XRT_SPAWN_H
#define ZKP_DRIVER_XRT_SPAWN_H

#include "driver/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define XRT_PATH_BYTES 1024

/** The program: given (may be NULL), else $ZKP_CARD, else zkp-card beside this program, else the
 * installed one. P_EMISSING says where it was looked for. */
p_status xrt_program_find(const char *given, char path[XRT_PATH_BYTES], p_err *err);

/** Starts a program in a session of its own, with no descriptor but /dev/null as 0, standard error
 * as 2, and fds[i] as targets[i] (1 is /dev/null unless it is a target). All signals are as at the
 * start of a program. */
p_status xrt_spawn(const char *path, char *const argv[], const int *fds, const int *targets,
                   size_t count, pid_t *pid, p_err *err);

/** Whether the process has ended; then it is reaped and how_ended (may be NULL) is filled. */
bool xrt_spawn_ended(pid_t pid, char *how_ended, size_t size);

/** Waits at most patience_ms for the process to end by itself, then kills it with all of its
 * session's group and waits at most two seconds more. False if it has not ended even then (it hangs
 * inside the kernel): call again. */
bool xrt_spawn_end(pid_t pid, unsigned patience_ms, char *how_ended, size_t size);

#endif
