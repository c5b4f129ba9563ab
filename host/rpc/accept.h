/** What happens to new connections when no file can be opened any more.
 *
 *  gRPC's listener takes "too many open files" for the end: it never accepts again, also when there
 *  is room. So the server has its own accept4, which the library finds in place of the system's: it
 *  refuses the connections that wait (it accepts them in the place of a spare file, and closes
 *  them) and tells the caller that there was none. Not in sanitizer builds, which have their own.
 */
#ifndef ZKP_HOST_RPC_ACCEPT_H
#define ZKP_HOST_RPC_ACCEPT_H

/** Opens the spare file, once for the process; a failure is made up for later. Any thread. */
void rpc_accept_prepare(void);

#endif
