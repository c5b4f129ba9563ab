/* Hints of hls_pragma.h for a run that counts cycles: a kernel compiled with these does what its
 * loops do, but leaves out the bodies of its pipelined loops and counts their iterations instead.
 * So its control runs at full size in no time. Included after the cores, in front of a kernel.
 *
 * A pipelined loop that is entered takes its iterations times their interval, and the depth of its
 * pipeline. Functions belong to processes (trips_process); between two HLS_DATAFLOW of one loop the
 * slowest process counts, and the others once at its start. What belongs to no process counts as it
 * comes. */
#ifndef ZKP_HLS_MODEL_COUNT_TRIPS_H
#define ZKP_HLS_MODEL_COUNT_TRIPS_H

#include <stdint.h>

enum { TRIPS_SETUP, TRIPS_PROCESSES = 8 };

typedef struct trips {
    uint64_t cycles[TRIPS_PROCESSES];  /* of each process, whole run */
    uint64_t plain[TRIPS_PROCESSES];   /* the same without depths */
    uint64_t entries[TRIPS_PROCESSES]; /* of its pipelined loops */
    uint64_t since[TRIPS_PROCESSES];   /* of this turn of the dataflow loop */
    uint64_t overlapped, turns;        /* the slowest of each turn */
    uint64_t fill;                     /* what the first turn of a loop adds */
    int fresh, inside, first;
} trips;

extern trips TRIPS;

/* Of a function's name: 0 for none, else a number below TRIPS_PROCESSES. Its pipelines' depth. */
int trips_process(const char *function);
uint64_t trips_depth(const char *function);

/* An argument's ports: a set of them that arguments share counts once. */
void trips_port(const char *set, unsigned ports);
void trips_turn(void);
void trips_end(void);

static inline void trips_iterate(int process, uint64_t depth, uint64_t interval)
{
    uint64_t cycles = interval + (TRIPS.fresh ? depth : 0);

    TRIPS.entries[process] += TRIPS.fresh;
    TRIPS.fresh = 0;
    TRIPS.plain[process] += interval;
    TRIPS.cycles[process] += cycles;
    TRIPS.since[process] += cycles;
}

/* TRIPS_BODIES: for a test, which compares iterations: bodies run, and depths mean nothing */
#ifdef TRIPS_BODIES
#define TRIPS_LEAVE_OUT
#else
#define TRIPS_LEAVE_OUT continue;
#endif
#undef HLS_INTERFACE_ROWS
#undef HLS_INTERFACE_ROWS_ONE
#define HLS_INTERFACE_ROWS(name, set) trips_port(#set, HLS_CHANNELS);
#define HLS_INTERFACE_ROWS_ONE(name, set) trips_port(#set, 1);
#undef HLS_LOOP
#undef HLS_PIPELINE
#undef HLS_DATAFLOW
#define HLS_LOOP(name) TRIPS.fresh = 1;
#define HLS_PIPELINE(ii)                                                                           \
    {                                                                                              \
        static int trips_of = -1;                                                                  \
        static uint64_t trips_depth_of;                                                            \
        if (trips_of < 0) {                                                                        \
            trips_of = trips_process(__func__);                                                    \
            trips_depth_of = trips_depth(__func__);                                                \
        }                                                                                          \
        trips_iterate(trips_of, trips_depth_of, ii);                                               \
        TRIPS_LEAVE_OUT                                                                            \
    }
#define HLS_DATAFLOW() trips_turn();

#endif
