#include "stamp.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <mosquitto_broker.h>
#include <mqtt_protocol.h>

#define SENDER "jamey-sender"
#define ACT_FOR_NAME "jamey-act-for"
#define MOST_ACT_FOR 64

/** Which reserved properties go, and whether there were any of them. */
struct stripping {
	bool keeps_act_for;
	bool has_reserved;
};

static bool is_reserved(const char *name)
{
	return strcmp(name, SENDER) == 0 || strcmp(name, ACT_FOR_NAME) == 0;
}

/** What a client says that relays for another one. */
struct relayed {
	char *sender;
	/** It names one alone, and may relay for all that it names. */
	bool is_good;
};

static void look_at(const char *name, char *value, const struct rights *rights, struct relayed *relayed)
{
	if (!is_reserved(name)) return;
	if (!may_relay(rights, value, strlen(value))) relayed->is_good = false;
	if (strcmp(name, SENDER) != 0) return;
	if (relayed->sender != NULL) relayed->is_good = false;
	else relayed->sender = strdup(value);
}

/** The sender, to be freed; NULL where it is the client itself. */
static char *relayed_sender(const mosquitto_property *properties, const struct rights *rights)
{
	struct relayed relayed = { NULL, true };
	for (const mosquitto_property *one = properties; one != NULL; one = mosquitto_property_next(one)) {
		char *name = NULL, *value = NULL;
		if (mosquitto_property_identifier(one) != MQTT_PROP_USER_PROPERTY) continue;
		if (mosquitto_property_read_string_pair(one, MQTT_PROP_USER_PROPERTY, &name, &value, false) != NULL) {
			look_at(name, value, rights, &relayed);
		}
		mosquitto_free(name);
		mosquitto_free(value);
	}
	if (relayed.is_good) return relayed.sender;
	free(relayed.sender);
	return NULL;
}

static bool copy_pair(const mosquitto_property *from, mosquitto_property **to, struct stripping *stripping)
{
	char *name = NULL, *value = NULL;
	bool is_good = mosquitto_property_read_string_pair(from, MQTT_PROP_USER_PROPERTY, &name, &value, false) != NULL;
	bool is_kept = stripping->keeps_act_for && is_good && strcmp(name, ACT_FOR_NAME) == 0;
	if (is_good && is_reserved(name) && !is_kept) {
		stripping->has_reserved = true;
	} else if (is_good) {
		is_good = mosquitto_property_add_string_pair(to, MQTT_PROP_USER_PROPERTY, name, value) == MOSQ_ERR_SUCCESS;
	}
	mosquitto_free(name);
	mosquitto_free(value);
	return is_good;
}

static bool copy_string(const mosquitto_property *from, int identifier, mosquitto_property **to)
{
	char *value = NULL;
	bool is_good = mosquitto_property_read_string(from, identifier, &value, false) != NULL
		&& mosquitto_property_add_string(to, identifier, value) == MOSQ_ERR_SUCCESS;
	mosquitto_free(value);
	return is_good;
}

/** One of those that Mosquitto keeps of a PUBLISH. */
static bool copy_one(const mosquitto_property *from, mosquitto_property **to, struct stripping *stripping)
{
	void *data = NULL;
	uint16_t size = 0;
	uint8_t byte = 0;
	bool is_good = false;
	int identifier = mosquitto_property_identifier(from);
	switch (identifier) {
	case MQTT_PROP_USER_PROPERTY:
		return copy_pair(from, to, stripping);
	case MQTT_PROP_CONTENT_TYPE:
	case MQTT_PROP_RESPONSE_TOPIC:
		return copy_string(from, identifier, to);
	case MQTT_PROP_PAYLOAD_FORMAT_INDICATOR:
		return mosquitto_property_read_byte(from, identifier, &byte, false) != NULL
			&& mosquitto_property_add_byte(to, identifier, byte) == MOSQ_ERR_SUCCESS;
	case MQTT_PROP_CORRELATION_DATA:
		is_good = mosquitto_property_read_binary(from, identifier, &data, &size, false) != NULL
			&& mosquitto_property_add_binary(to, identifier, data, size) == MOSQ_ERR_SUCCESS;
		mosquitto_free(data);
		return is_good;
	default:
		return false;
	}
}

/** Mosquitto takes none out of a list, so what may stay is copied. */
static bool strip(mosquitto_property **properties, bool keeps_act_for)
{
	mosquitto_property *copy = NULL;
	struct stripping stripping = { keeps_act_for, false };
	for (const mosquitto_property *one = *properties; one != NULL; one = mosquitto_property_next(one)) {
		if (copy_one(one, &copy, &stripping)) continue;
		mosquitto_property_free_all(&copy);
		return false;
	}
	mosquitto_property **unused = stripping.has_reserved ? properties : &copy;
	mosquitto_property_free_all(unused);
	if (stripping.has_reserved) *properties = copy;
	return true;
}

bool stamp(mosquitto_property **properties, const struct rights *rights)
{
	int told = 0;
	char *relayed = rights == NULL ? NULL : relayed_sender(*properties, rights);
	bool is_relayed = relayed != NULL;
	if (!strip(properties, is_relayed)) {
		free(relayed);
		return false;
	}
	if (rights == NULL) return true;
	int added = mosquitto_property_add_string_pair(properties, MQTT_PROP_USER_PROPERTY, SENDER, is_relayed ? relayed : rights->id);
	free(relayed);
	if (added != MOSQ_ERR_SUCCESS || is_relayed) return added == MOSQ_ERR_SUCCESS;
	for (const struct grant *grant = rights->grants; grant != NULL && told < MOST_ACT_FOR; grant = grant->next) {
		if (grant->verbs != ACT_FOR) continue;
		if (mosquitto_property_add_string_pair(properties, MQTT_PROP_USER_PROPERTY, ACT_FOR_NAME, grant->filter)
				!= MOSQ_ERR_SUCCESS) {
			return false;
		}
		told++;
	}
	return true;
}
