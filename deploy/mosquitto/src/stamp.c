#include "stamp.h"

#include <stdint.h>
#include <string.h>

#include <mosquitto_broker.h>
#include <mqtt_protocol.h>

#define SENDER "jamey-sender"
#define ACT_FOR_NAME "jamey-act-for"
#define MOST_ACT_FOR 64

static bool is_reserved(const char *name)
{
	return strcmp(name, SENDER) == 0 || strcmp(name, ACT_FOR_NAME) == 0;
}

static bool copy_pair(const mosquitto_property *from, mosquitto_property **to, bool *has_reserved)
{
	char *name = NULL, *value = NULL;
	bool is_good = mosquitto_property_read_string_pair(from, MQTT_PROP_USER_PROPERTY, &name, &value, false) != NULL;
	if (is_good && is_reserved(name)) {
		*has_reserved = true;
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
static bool copy_one(const mosquitto_property *from, mosquitto_property **to, bool *has_reserved)
{
	void *data = NULL;
	uint16_t size = 0;
	uint8_t byte = 0;
	bool is_good = false;
	int identifier = mosquitto_property_identifier(from);
	switch (identifier) {
	case MQTT_PROP_USER_PROPERTY:
		return copy_pair(from, to, has_reserved);
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
static bool strip(mosquitto_property **properties)
{
	mosquitto_property *copy = NULL;
	bool has_reserved = false;
	for (const mosquitto_property *one = *properties; one != NULL; one = mosquitto_property_next(one)) {
		if (copy_one(one, &copy, &has_reserved)) continue;
		mosquitto_property_free_all(&copy);
		return false;
	}
	mosquitto_property **unused = has_reserved ? properties : &copy;
	mosquitto_property_free_all(unused);
	if (has_reserved) *properties = copy;
	return true;
}

bool stamp(mosquitto_property **properties, const struct rights *rights)
{
	int told = 0;
	if (!strip(properties)) return false;
	if (rights == NULL) return true;
	if (mosquitto_property_add_string_pair(properties, MQTT_PROP_USER_PROPERTY, SENDER, rights->id) != MOSQ_ERR_SUCCESS) {
		return false;
	}
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
