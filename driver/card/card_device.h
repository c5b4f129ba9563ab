/** The device of a back end that works through a card: jobs of driver.h as commands of card.h.
 *
 * What the job loses with a card is not the caller's loss: a job whose card fails is run again
 * after a reset, CARD_ATTEMPTS times in all, then on device cpu, with the reason in the log; a
 * commitment keeps its input on the host, and one that was lost with its card is made again when a
 * job needs it. Before a device opens, each kernel of the image has to give known answers for small
 * jobs; of each result, random parts are computed again on the CPU (commitments: rows and their
 * paths; transforms: points; permutations: states), and a mismatch counts as a failure of the card.
 *
 * An estimate is what the job needs at least; where there is room it takes more, to do several
 * things at the same time, and memory is kept for later jobs until another asks for it.
 *
 * The functions are those of drv_backend; a back end adds probe, open, and its name. */
#ifndef ZKP_DRIVER_CARD_CARD_DEVICE_H
#define ZKP_DRIVER_CARD_CARD_DEVICE_H

#include "driver/backend.h"
#include "driver/card/card.h"

#define CARD_ATTEMPTS 2

typedef struct card_device card_device;

/** Takes the card over (closes it on failure, too). about: for drv_info, without the state of the
 * card. options may be NULL. P_EDEVICE names the kernel that gave a wrong answer. */
p_status card_device_open(const card_ops *ops, void *card, const char *name, const char *about,
                          const drv_options *options, card_device **out, p_err *err);

void card_device_close(void *device);
void card_device_info(void *device, drv_info *out);
p_status card_device_supports(void *device, const drv_job *job, p_err *err);
uint64_t card_device_estimate(void *device, const drv_job *job);
p_status card_device_run(void *device, const drv_job *job, void **object, const p_cancel *cancel,
                         p_err *err);
void card_device_object_free(void *device, drv_op op, void *object);

#endif
