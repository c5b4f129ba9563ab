/** The emulated card's side of the socket: connects where the shim waits, reads requests, sends
 * answers. */
#ifndef ZKP_DRIVER_CARDMODEL_SERVER_H
#define ZKP_DRIVER_CARDMODEL_SERVER_H

#include "driver/cardmodel/model.h"

#include <sys/types.h>

/** Connects to the socket NAME of the shim with that USER: /tmp/USER/NAME; tries until it listens,
 * timeout_ms at most. P_EINVAL: no path of a socket; P_EDEADLINE. */
p_status server_connect(const char *user, const char *name, uint32_t timeout_ms, int *fd,
                        p_err *err);

typedef struct server_options {
    const model_options *model; /**< log, faults, lost */
    pid_t parent;               /**< the process whose end ends the model; 0: not looked at */
} server_options;

/** Answers requests until the peer closes the card or ends (P_OK), dies or sends what is no request
 * (P_EDEVICE with the reason). */
p_status server_run(int fd, model *card, const server_options *options, p_err *err);

/** Sends what ends the shim's second thread (hw_emu). */
void server_say_close(int fd);

#endif
