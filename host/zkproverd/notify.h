/** Tells systemd how far the service is (Type=notify), by its datagram protocol, which needs no
 *  library: https://www.freedesktop.org/software/systemd/man/sd_notify.html. */
#ifndef ZKP_HOST_ZKPROVERD_NOTIFY_H
#define ZKP_HOST_ZKPROVERD_NOTIFY_H

#include <stdbool.h>

/** Sends state ("READY=1\nSTATUS=...") to the socket that socket_path names: the value of
 *  NOTIFY_SOCKET, a path or '@' and an abstract name. False (nothing was sent) if it is NULL or
 *  empty, which is so when no service manager asked, or if the socket does not take it. Any thread;
 *  does not wait. */
bool notify_send(const char *socket_path, const char *state);

#endif
