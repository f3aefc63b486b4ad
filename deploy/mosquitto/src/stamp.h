#ifndef JAMEY_STAMP_H
#define JAMEY_STAMP_H

#include <stdbool.h>

#include <mosquitto.h>

#include "permissions.h"

/**
 * Tells by user properties who published: jamey-sender, and jamey-act-for for whom it may act. What the publisher wrote
 * under these names goes, unless it relays for whom it names there: then that one is the sender. NULL as `rights`: it only goes. False without memory; `properties` may be freed in any case.
 */
bool stamp(mosquitto_property **properties, const struct rights *rights);

#endif
