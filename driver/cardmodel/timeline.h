/** What the emulated card did when: one line an event, for tests that have to see that kernels ran
 * and that transfers and runs overlapped.
 *
 *   MICROSECONDS PID EVENT NAME=VALUE ...
 *
 * MICROSECONDS is CLOCK_MONOTONIC when the event was over; PID the model's. Events:
 *   load kernels=K units=U memory=BYTES
 *   place address=0xA size=N          a buffer;  release address=0xA
 *   h2d address=0xA size=N took=T     host to card, T microseconds from the request's first byte
 *   d2h address=0xA size=N took=T     card to host
 *   begin kernel=K unit=U run=R       run R of the model begins (R counts from 1)
 *   end kernel=K unit=U run=R took=T [cycles=C]
 *   refused REASON                    a request that was not carried out
 *   fault REASON                      a fault that was asked for (faults.h)
 *   close | lost REASON               the last line
 *
 * A line is one write to a file opened for appending, so several models may share a file. Any
 * thread. */
#ifndef ZKP_DRIVER_CARDMODEL_TIMELINE_H
#define ZKP_DRIVER_CARDMODEL_TIMELINE_H

#include <stdint.h>

#define TIMELINE_VARIABLE "ZKP_CARDMODEL_LOG"

typedef struct timeline {
    int fd; /**< -1: nothing is written */
} timeline;

/** Opens path for appending; NULL, empty, or what cannot be opened: a timeline that writes nothing.
 */
timeline timeline_open(const char *path);
void timeline_close(timeline *to);
uint64_t timeline_now_us(void);
void timeline_write(const timeline *to, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
