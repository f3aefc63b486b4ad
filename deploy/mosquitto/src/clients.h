#ifndef JAMEY_CLIENTS_H
#define JAMEY_CLIENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "permissions.h"

struct mosquitto;

/** Who was let in, and what its last token says. Kept when it has gone, for its session may be kept, too. */
struct client {
	/** Of `rights`. */
	const char *id;
	struct rights *rights;
	/** NULL where it is not connected. */
	struct mosquitto *connection;
	/** Its last one, also when that is gone: to compare, never to look into. */
	const struct mosquitto *last;
};

struct clients {
	void *tree;
	size_t count;
	size_t most;
};

struct client *clients_find(const struct clients *clients, const char *id);

/**
 * From now on the client of `rights`, which become its own, is connected by `connection`. With too many, one that has
 * gone is forgotten, the one whose token ended first. False without room or memory; `rights` are left to the caller.
 */
bool clients_put(struct clients *clients, struct rights *rights, struct mosquitto *connection);

/** Calls `each` for all that are connected and whose token ended before `now`. It may not put any. */
void clients_expired(const struct clients *clients, double now, void (*each)(struct client *));

void clients_free(struct clients *clients);

#endif
