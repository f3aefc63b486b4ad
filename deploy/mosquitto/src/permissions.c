/* Decides as packages/auth/src/permissions does; tests/interop runs the same table of cases over both. */
#include "permissions.h"

#include <stdlib.h>
#include <string.h>

#include <mosquitto.h>

#define INBOXES "jamey/api/responses/"
#define STATUSES "jamey/events/status/"
#define ROOT "jamey/"
#define SHARE "$share/"
#define OWN "%c"
#define MAXIMUM_STRING_BYTES 65535
#define MAXIMUM_ID_UNITS 128
#define WHITE_SPACE " \t\n\v\f\r"

/** What follows `prefix`; NULL where `text` does not begin with it. */
static const char *after(const char *text, const char *prefix)
{
	size_t length = strlen(prefix);
	return strncmp(text, prefix, length) == 0 ? text + length : NULL;
}

static bool is_utf8(const char *text)
{
	size_t length = strlen(text);
	return length <= MAXIMUM_STRING_BYTES && mosquitto_validate_utf8(text, (int)length) == MOSQ_ERR_SUCCESS;
}

bool is_client_id(const char *text)
{
	size_t units = 0;
	for (const unsigned char *at = (const unsigned char *)text; *at != 0; at++) {
		/* UTF-16, as everybody else counts: a character of four bytes is two. */
		units += (*at & 0xC0) == 0x80 ? 0 : *at >= 0xF0 ? 2 : 1;
	}
	return units > 0 && units <= MAXIMUM_ID_UNITS && strpbrk(text, "/+#") == NULL && is_utf8(text);
}

/** A filter, or $share/<group>/<filter>. */
static bool is_filter(const char *text)
{
	const char *filter = text, *group = after(text, SHARE);
	if (group != NULL) {
		size_t length = strcspn(group, "/+#");
		if (length == 0 || group[length] != '/') return false;
		filter = group + length + 1;
	}
	return *filter != 0 && is_utf8(text) && mosquitto_sub_topic_check(filter) == MOSQ_ERR_SUCCESS;
}

static bool covers_part(const char *outer, const char *inner, const char *end)
{
	if (strcmp(outer, "+/#") == 0) outer = "#";
	/* A wildcard at the first place reaches no topic that starts with $. [MQTT-4.7.2-1] */
	if ((*outer == '#' || *outer == '+') && inner < end && *inner == '$') return false;
	for (;;) {
		if (*outer == '#') return true;
		if (inner < end && *inner == '#') return false;
		size_t a = strcspn(outer, "/");
		const char *slash = memchr(inner, '/', (size_t)(end - inner));
		size_t b = (size_t)((slash == NULL ? end : slash) - inner);
		if (*outer != '+' && (a != b || memcmp(outer, inner, a) != 0)) return false;
		outer += a;
		inner += b;
		/* a/# covers a, too. [MQTT 5.0 section 4.7.1.2] */
		if (inner == end) return *outer == 0 || strcmp(outer, "/#") == 0;
		if (*outer == 0) return false;
		outer++;
		inner++;
	}
}

bool covers(const char *outer, const char *inner)
{
	return covers_part(outer, inner, inner + strlen(inner));
}

struct rights *rights_new(const char *id, double expires)
{
	struct rights *rights = calloc(1, sizeof *rights);
	if (rights == NULL) return NULL;
	rights->expires = expires;
	rights->id = strdup(id);
	if (rights->id != NULL) return rights;
	free(rights);
	return NULL;
}

static void grant_free(struct grant *grant)
{
	free(grant->group);
	free(grant->filter);
	free(grant);
}

void rights_free(struct rights *rights)
{
	if (rights == NULL) return;
	for (struct grant *grant = rights->grants, *next; grant != NULL; grant = next) {
		next = grant->next;
		grant_free(grant);
	}
	free(rights->id);
	free(rights);
}

/** `length` bytes with the identifier for each %c; NULL without memory, or where MQTT could not carry it. */
static char *with_own(const char *from, size_t length, const char *id)
{
	size_t id_length = strlen(id), size = length + 1;
	for (size_t i = 0; i + 1 < length; i++) size += memcmp(from + i, OWN, 2) == 0 ? id_length : 0;
	char *text = malloc(size), *to = text;
	if (text == NULL) return NULL;
	for (size_t i = 0; i < length; i++) {
		if (i + 1 < length && memcmp(from + i, OWN, 2) == 0) {
			memcpy(to, id, id_length);
			to += id_length;
			i++;
		} else {
			*to++ = from[i];
		}
	}
	*to = 0;
	if (to - text <= MAXIMUM_STRING_BYTES) return text;
	free(text);
	return NULL;
}

/** %c stands for the identifier where it is a whole level, and nowhere else. */
static bool is_own_whole(const char *text)
{
	for (const char *at = strstr(text, OWN); at != NULL; at = strstr(at + 2, OWN)) {
		if ((at != text && at[-1] != '/') || (at[2] != 0 && at[2] != '/')) return false;
	}
	return true;
}

static unsigned verbs_of(const char **entry)
{
	static const struct { const char *prefix; unsigned verbs; } PREFIXES[] = {
		{ "publish:", PUBLISH }, { "subscribe:", SUBSCRIBE }, { "act-for:", ACT_FOR }, { "relay:", RELAY },
	};
	for (size_t i = 0; i < sizeof PREFIXES / sizeof *PREFIXES; i++) {
		const char *argument = after(*entry, PREFIXES[i].prefix);
		if (argument == NULL) continue;
		*entry = argument;
		return PREFIXES[i].verbs;
	}
	/* A slip in a verb is no filter. */
	return (*entry)[strcspn(*entry, ":/")] == ':' ? 0 : PUBLISH | SUBSCRIBE;
}

static bool is_well_formed(unsigned verbs, const char *argument)
{
	size_t length = strlen(argument);
	if (verbs == 0 || length == 0 || strchr(WHITE_SPACE, argument[0]) || strchr(WHITE_SPACE, argument[length - 1])) return false;
	if (verbs == ACT_FOR || verbs == RELAY) {
		return strcmp(argument, "+") == 0 || (strcmp(argument, OWN) != 0 && is_client_id(argument));
	}
	if (verbs != SUBSCRIBE && after(argument, SHARE) != NULL) return false;
	return is_filter(argument) && is_own_whole(argument);
}

bool rights_add(struct rights *rights, const char *entry)
{
	unsigned verbs = verbs_of(&entry);
	if (!is_well_formed(verbs, entry)) return false;
	const char *group = verbs == SUBSCRIBE ? after(entry, SHARE) : NULL;
	size_t group_length = group == NULL ? 0 : strcspn(group, "/");
	const char *filter = group == NULL ? entry : group + group_length + 1;
	/* As + does not, a name that starts with $ opens no $-topics. */
	bool is_whom = verbs == ACT_FOR || verbs == RELAY;
	if (!is_whom && after(filter, OWN) != NULL && rights->id[0] == '$') return true;
	struct grant *grant = calloc(1, sizeof *grant);
	if (grant == NULL) return false;
	grant->verbs = verbs;
	grant->filter = is_whom ? strdup(filter) : with_own(filter, strlen(filter), rights->id);
	grant->group = group == NULL ? NULL : with_own(group, group_length, rights->id);
	if (grant->filter == NULL || (group != NULL && grant->group == NULL)) {
		grant_free(grant);
		return false;
	}
	grant->next = rights->grants;
	rights->grants = grant;
	return true;
}

/** Whether `topic` is `root` with the identifier behind it, or lies below that. */
static bool is_own(const struct rights *rights, const char *topic, const char *root)
{
	const char *rest = after(topic, root);
	if (rest != NULL) rest = after(rest, rights->id);
	return rest != NULL && (*rest == 0 || *rest == '/');
}

static bool has_grant(const struct rights *rights, unsigned verb, const char *topic, const char *end)
{
	for (const struct grant *grant = rights->grants; grant != NULL; grant = grant->next) {
		if ((grant->verbs & verb) != 0 && covers_part(grant->filter, topic, end)) return true;
	}
	return false;
}

bool may_relay(const struct rights *rights, const char *whom, size_t length)
{
	for (const struct grant *grant = rights->grants; grant != NULL; grant = grant->next) {
		if (grant->verbs != RELAY) continue;
		if (strcmp(grant->filter, "+") == 0) return true;
		if (strlen(grant->filter) == length && memcmp(grant->filter, whom, length) == 0) return true;
	}
	return false;
}

/** Whether it relays for whom the first level of `owned` names; "+" there is everybody. */
static bool relays_at(const struct rights *rights, const char *owned)
{
	return may_relay(rights, owned, strcspn(owned, "/"));
}

bool may_publish(const struct rights *rights, const char *topic)
{
	if (after(topic, SHARE) != NULL) return false;
	const char *whose = after(topic, STATUSES);
	if (whose != NULL && strcmp(whose, rights->id) == 0) return true;
	if (whose != NULL && !is_own(rights, topic, STATUSES) && !relays_at(rights, whose)) return false;
	const char *end = topic + strlen(topic);
	if (has_grant(rights, PUBLISH, topic, end)) return true;
	/* Below jamey/ the own identifier may stand behind what may be published to. */
	size_t length = (size_t)(end - topic), own = strlen(rights->id) + 1;
	if (after(topic, ROOT) == NULL || length < own + strlen(ROOT)) return false;
	const char *last = end - own;
	return *last == '/' && strcmp(last + 1, rights->id) == 0 && has_grant(rights, PUBLISH, topic, last);
}

bool may_receive(const struct rights *rights, const char *topic)
{
	if (after(topic, SHARE) != NULL) return false;
	if (is_own(rights, topic, INBOXES)) return true;
	const char *owned = after(topic, INBOXES);
	return (owned == NULL || relays_at(rights, owned)) && has_grant(rights, SUBSCRIBE, topic, topic + strlen(topic));
}

bool may_subscribe(const struct rights *rights, const char *subscription)
{
	if (!is_filter(subscription)) return false;
	const char *group = after(subscription, SHARE), *filter = subscription;
	size_t group_length = group == NULL ? 0 : strcspn(group, "/");
	if (group != NULL) filter = group + group_length + 1;
	bool is_inbox = is_own(rights, filter, INBOXES);
	if (is_inbox && group == NULL) return true;
	/* A wider filter is accepted where it is granted; inboxes of others are left out of what is delivered. */
	const char *owned = after(filter, INBOXES);
	if (!is_inbox && owned != NULL && strcmp(owned, "#") != 0 && !relays_at(rights, owned)) return false;
	for (const struct grant *grant = rights->grants; grant != NULL; grant = grant->next) {
		if ((grant->verbs & SUBSCRIBE) == 0 || (grant->group == NULL) != (group == NULL)) continue;
		bool is_same = group == NULL
			|| (strlen(grant->group) == group_length && memcmp(grant->group, group, group_length) == 0);
		if (is_same && covers(grant->filter, filter)) return true;
	}
	return false;
}
