/** Configuration of zkproverd: defaults, then a JSON file, then the environment (ZKPROVER_*), then
 *  flags; a later source wins. Every key is in one table (config.c), from which the help text and
 *  the names in file and environment come. All problems are collected, not only the first. One
 *  thread. */
#ifndef ZKP_HOST_ZKPROVERD_CONFIG_H
#define ZKP_HOST_ZKPROVERD_CONFIG_H

#include "host/zkproverd/log.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef struct config {
    char listen[256];
    char data_dir[3072];
    char device[64];
    char cards_bitstreams[1024], cards_program[1024];
    char isa[32];
    char log_level_text[16];
    bool allow_insecure_remote;
    uint64_t fork_id;
    uint64_t workers; /**< after config_load never 0 */
    uint64_t drain_seconds;
    uint64_t grpc_threads, grpc_max_message_bytes, grpc_max_inflight_bytes,
        grpc_max_transport_bytes, grpc_max_calls, grpc_max_streams;
    uint64_t grpc_max_client_calls, grpc_max_client_inflight_bytes;
    bool grpc_reflection;
    char tls_cert[1024], tls_key[1024], tls_client_ca[1024];
    bool tls_require_client_cert;
    uint64_t state_map_bytes;
    bool state_persist_execute, state_persist_gen_proof;
    uint64_t limits_execute_memory_bytes, limits_job_memory_bytes, limits_device_memory_bytes;
    uint64_t jobs_max_queue, jobs_max_watches, jobs_get_proof_max_seconds, jobs_retain_seconds,
        jobs_retain_max, jobs_max_attempts, jobs_store_bytes;
    bool counters_enforce;
    char http_listen[64]; /**< "" or "off": no HTTP port */
    bool http_allow_remote;

    log_level log_level;     /**< from log_level_text */
    bool listen_is_loopback; /**< from listen */
} config;

typedef enum config_action {
    CONFIG_RUN,
    CONFIG_HELP,
    CONFIG_VERSION,
    CONFIG_CHECK, /**< --check */
    CONFIG_PRINT, /**< --print-config */
} config_action;

#define CONFIG_PROBLEM_BYTES 512
#define CONFIG_PROBLEMS_MAX 64
#define CONFIG_WARNINGS_MAX 8

/** Problems in the order of their discovery; beyond CONFIG_PROBLEMS_MAX they are only counted. */
typedef struct config_problems {
    size_t n;
    bool usage; /**< one of them is a wrong flag rather than a wrong value */
    size_t n_warnings;
    char text[CONFIG_PROBLEMS_MAX][CONFIG_PROBLEM_BYTES];
    char warning[CONFIG_WARNINGS_MAX][CONFIG_PROBLEM_BYTES]; /**< unknown ZKPROVER_ variables */
} config_problems;

void config_problem_add(config_problems *problems, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** Fills c from all sources and checks it. environment is like environ. problems->n == 0 tells that
 *  c can be used. */
void config_load(config *c, int argc, char *const *argv, char *const *environment,
                 config_action *action, config_problems *problems);

/** Prints the effective configuration as a JSON file that config_load takes. */
void config_print(const config *c, FILE *out);

/** Prints flags, keys, defaults and exit codes. */
void config_help(FILE *out);

#endif
