#ifndef JAMEY_PERMISSIONS_H
#define JAMEY_PERMISSIONS_H

#include <stdbool.h>
#include <stddef.h>

enum verb { PUBLISH = 1, SUBSCRIBE = 2, ACT_FOR = 4, RELAY = 8 };

/** One entry of a list: `filter` as text, `%c` filled in; for ACT_FOR and RELAY a client identifier or "+". */
struct grant {
	struct grant *next;
	unsigned verbs;
	/** Of a right to be in a share group; NULL otherwise. */
	char *group;
	char *filter;
};

/** What a client may do until `expires`, in seconds since 1970. */
struct rights {
	char *id;
	double expires;
	struct grant *grants;
};

/** 1 to 128 characters, none of / + # and no control character. */
bool is_client_id(const char *text);

/** Whether every topic that `inner` selects is selected by `outer`, too. A topic is a filter that selects itself. */
bool covers(const char *outer, const char *inner);

/** NULL without memory. */
struct rights *rights_new(const char *id, double expires);
void rights_free(struct rights *rights);

/** Adds what `entry` grants, in front. False where it cannot be read, or without memory. */
bool rights_add(struct rights *rights, const char *entry);

/** Whether it may relay what the client with this identifier has published; `whom` may end before a zero byte. */
bool may_relay(const struct rights *rights, const char *whom, size_t length);
bool may_publish(const struct rights *rights, const char *topic);
bool may_receive(const struct rights *rights, const char *topic);
/** Also for filters that begin with $share/. */
bool may_subscribe(const struct rights *rights, const char *filter);

#endif
