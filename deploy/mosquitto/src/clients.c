#include "clients.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

static int by_id(const void *one, const void *other)
{
	return strcmp(((const struct client *)one)->id, ((const struct client *)other)->id);
}

struct client *clients_find(const struct clients *clients, const char *id)
{
	const struct client key = { .id = id };
	struct client *const *found = tfind(&key, &clients->tree, by_id);
	return found == NULL ? NULL : *found;
}

static void client_free(void *client)
{
	rights_free(((struct client *)client)->rights);
	free(client);
}

static void find_oldest(const void *node, VISIT visit, void *oldest)
{
	struct client *client = *(struct client *const *)node, **found = oldest;
	if ((visit != postorder && visit != leaf) || client->connection != NULL) return;
	if (*found == NULL || client->rights->expires < (*found)->rights->expires) *found = client;
}

static bool make_room(struct clients *clients)
{
	if (clients->count < clients->most) return true;
	struct client *oldest = NULL;
	twalk_r(clients->tree, find_oldest, &oldest);
	if (oldest == NULL) return false;
	tdelete(oldest, &clients->tree, by_id);
	client_free(oldest);
	clients->count--;
	return true;
}

static void set(struct client *client, struct rights *rights, struct mosquitto *connection)
{
	*client = (struct client){ .id = rights->id, .rights = rights, .connection = connection, .last = connection };
}

bool clients_put(struct clients *clients, struct rights *rights, struct mosquitto *connection)
{
	struct client *client = clients_find(clients, rights->id);
	if (client != NULL) {
		rights_free(client->rights);
		set(client, rights, connection);
		return true;
	}
	if (!make_room(clients)) return false;
	client = calloc(1, sizeof *client);
	if (client == NULL) return false;
	set(client, rights, connection);
	if (tsearch(client, &clients->tree, by_id) == NULL) {
		free(client);
		return false;
	}
	clients->count++;
	return true;
}

struct expiry {
	double now;
	void (*each)(struct client *);
};

static void look_at(const void *node, VISIT visit, void *closure)
{
	struct client *client = *(struct client *const *)node;
	const struct expiry *expiry = closure;
	if (visit != postorder && visit != leaf) return;
	if (client->connection != NULL && client->rights->expires <= expiry->now) expiry->each(client);
}

void clients_expired(const struct clients *clients, double now, void (*each)(struct client *))
{
	struct expiry expiry = { now, each };
	twalk_r(clients->tree, look_at, &expiry);
}

void clients_free(struct clients *clients)
{
	tdestroy(clients->tree, client_free);
	clients->tree = NULL;
	clients->count = 0;
}
