/* Mosquitto's part: what its events ask. docs/adr tells why it is as it is. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <mosquitto_broker.h>
#include <mosquitto_plugin.h>
#include <mosquitto.h>
#include <openssl/x509.h>

#include "clients.h"
#include "stamp.h"
#include "token.h"

#define EXPORTED __attribute__((visibility("default")))
#define METHOD "JWT"
#define MOST_STAMPED 16
/** The first tick listens to the signals that stop Mosquitto; one that came before has ended it by the second. */
#define WATCHED 2
#define MAXIMUM_NAME_BYTES 1024

static struct {
	struct secrets secrets;
	char *secret_file;
	struct token_limits limits;
	struct clients clients;
	size_t stamped_count;
	char *stamped[MOST_STAMPED];
	/** Counted to WATCHED. With per_listener_settings there are none. */
	unsigned ticks;
	/** SIGHUP was handled, and Mosquitto asks about all who are connected once more. */
	bool is_asked_again;
	/** A client is being disconnected, and Mosquitto asks about the subscriptions that its session keeps. */
	bool is_kicking;
	time_t looked_at;
} plugin;

static volatile sig_atomic_t is_stopping;
static const int STOP_SIGNALS[] = { SIGTERM, SIGINT };
/** Mosquitto's own. */
static struct sigaction stop_actions[sizeof STOP_SIGNALS / sizeof *STOP_SIGNALS];

static double now(void)
{
	struct timespec time = { 0 };
	clock_gettime(CLOCK_REALTIME, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static bool is_connected(const struct client *client, const struct mosquitto *connection)
{
	return client != NULL && client->connection == connection;
}

static int refuse(const char *id, const char *fault)
{
	mosquitto_log_printf(MOSQ_LOG_NOTICE, "jamey: client %.128s is refused: %s", id, fault);
	return MOSQ_ERR_AUTH;
}

/** A certificate, where there is one, is of the client, too. */
static bool is_certified(const struct mosquitto *connection, const char *id)
{
	X509 *certificate = mosquitto_client_certificate(connection);
	if (certificate == NULL) return true;
	char name[MAXIMUM_NAME_BYTES] = "";
	int length = X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof name);
	X509_free(certificate);
	return length >= 0 && (size_t)length == strlen(id) && memcmp(name, id, (size_t)length) == 0;
}

static int admit(struct mosquitto *connection, const char *id, const char *token, size_t length)
{
	const char *fault = NULL, *username = mosquitto_client_username(connection);
	if (username != NULL && strcmp(username, id) != 0) return refuse(id, "the user name is not the client identifier");
	if (!is_certified(connection, id)) return refuse(id, "the certificate is of another client");
	struct rights *rights = token_read(&plugin.secrets, &plugin.limits, token, length, id, now(), &fault);
	if (rights == NULL) return refuse(id, fault);
	if (clients_put(&plugin.clients, rights, connection)) return MOSQ_ERR_SUCCESS;
	rights_free(rights);
	return refuse(id, "there are too many clients");
}

/**
 * After SIGHUP Mosquitto asks about the old passwords of all sessions, and a refusal of one whose client has gone would
 * corrupt its list of them. A connection that is new has another address than those that are there, but may have that of
 * one that is gone for good; at this moment only a WebSocket can be new.
 */
static bool is_known(struct mosquitto *connection, const char *id)
{
	const struct client *client = clients_find(&plugin.clients, id);
	/* Without an address it was read from the disk. */
	if (client == NULL) return mosquitto_client_address(connection) == NULL;
	bool is_web_socket = mosquitto_client_protocol(connection) == mp_websockets;
	return (is_web_socket ? client->connection : client->last) == connection;
}

static int on_basic_auth(int event, void *data, void *userdata)
{
	const struct mosquitto_evt_basic_auth *request = data;
	const char *id = mosquitto_client_id(request->client);
	(void)event, (void)userdata;
	if (id == NULL) return MOSQ_ERR_AUTH;
	if (plugin.is_asked_again && is_known(request->client, id)) return MOSQ_ERR_SUCCESS;
	if (request->username == NULL || request->password == NULL) return refuse(id, "it sent no user name or no token");
	return admit(request->client, id, request->password, strlen(request->password));
}

/** With the connection, and for each token after the first. */
static int on_ext_auth_start(int event, void *data, void *userdata)
{
	const struct mosquitto_evt_extended_auth *request = data;
	const char *id = mosquitto_client_id(request->client);
	(void)event, (void)userdata;
	if (id == NULL) return MOSQ_ERR_AUTH;
	if (request->auth_method == NULL || strcmp(request->auth_method, METHOD) != 0) return MOSQ_ERR_PLUGIN_DEFER;
	bool is_renewal = is_connected(clients_find(&plugin.clients, id), request->client);
	int result = request->data_in == NULL ? refuse(id, "it sent no token")
		: admit(request->client, id, request->data_in, request->data_in_len);
	/* MOSQ_ERR_AUTH would send a second CONNACK; with this the connection ends. */
	if (result != MOSQ_ERR_SUCCESS) return is_renewal ? MOSQ_ERR_ACL_DENIED : result;
	/* Without a name SIGHUP would end the connection. */
	if (mosquitto_client_username(request->client) != NULL) return MOSQ_ERR_SUCCESS;
	return mosquitto_set_username(request->client, id);
}

static bool is_stamped(const char *topic)
{
	for (size_t i = 0; i < plugin.stamped_count; i++) {
		if (covers(plugin.stamped[i], topic)) return true;
	}
	return false;
}

/** A will bypasses the message event, and so could tell another sender: what is sent is a stamped copy. */
static int send_will(const struct client *client, const struct mosquitto_evt_acl_check *will)
{
	mosquitto_property *properties = NULL;
	if (stamp(&properties, client->rights) && mosquitto_broker_publish_copy(NULL, will->topic, (int)will->payloadlen,
			will->payloadlen == 0 ? "" : will->payload, will->qos, will->retain, properties) == MOSQ_ERR_SUCCESS) {
		return MOSQ_ERR_ACL_DENIED;
	}
	mosquitto_property_free_all(&properties);
	return MOSQ_ERR_ACL_DENIED;
}

static int check_write(const struct client *client, const struct mosquitto_evt_acl_check *check)
{
	if (client == NULL || !may_publish(client->rights, check->topic)) return MOSQ_ERR_ACL_DENIED;
	bool has_address = mosquitto_client_address(check->client) != NULL;
	if (is_connected(client, check->client)) {
		if (now() >= client->rights->expires) return MOSQ_ERR_ACL_DENIED;
		/* A Mosquitto that stops sends the wills of all who are connected, which look like what these publish. What
		 * they do publish in its last moment ends their connection without an answer, so they send it again. */
		bool may_be_will = is_stopping || plugin.ticks < WATCHED;
		return may_be_will && is_stamped(check->topic) ? MOSQ_ERR_UNKNOWN : MOSQ_ERR_SUCCESS;
	}
	/* Without an address it asks about the publisher of a retained message. */
	return has_address && is_stamped(check->topic) ? send_will(client, check) : MOSQ_ERR_SUCCESS;
}

static int check_read(const struct client *client, const struct mosquitto_evt_acl_check *check)
{
	/* Without an address it is a session that was read from the disk. What it is given now is asked about again
	 * when its client connects; the same is true where the client has gone, whatever has become of its token. */
	if (client == NULL) return mosquitto_client_address(check->client) == NULL ? MOSQ_ERR_SUCCESS : MOSQ_ERR_ACL_DENIED;
	if (is_connected(client, check->client) && now() >= client->rights->expires) return MOSQ_ERR_ACL_DENIED;
	return may_receive(client->rights, check->topic) ? MOSQ_ERR_SUCCESS : MOSQ_ERR_ACL_DENIED;
}

static int check_subscribe(const struct client *client, const struct mosquitto_evt_acl_check *check)
{
	bool is_valid = is_connected(client, check->client) && now() < client->rights->expires;
	if (client == NULL || (!is_valid && !plugin.is_kicking)) return MOSQ_ERR_ACL_DENIED;
	return may_subscribe(client->rights, check->topic) ? MOSQ_ERR_SUCCESS : MOSQ_ERR_ACL_DENIED;
}

static int on_acl_check(int event, void *data, void *userdata)
{
	const struct mosquitto_evt_acl_check *check = data;
	const char *id = mosquitto_client_id(check->client);
	(void)event, (void)userdata;
	if (id == NULL || check->topic == NULL) return MOSQ_ERR_ACL_DENIED;
	const struct client *client = clients_find(&plugin.clients, id);
	switch (check->access) {
	case MOSQ_ACL_READ:
		return check_read(client, check);
	case MOSQ_ACL_WRITE:
		return check_write(client, check);
	case MOSQ_ACL_SUBSCRIBE:
		return check_subscribe(client, check);
	case MOSQ_ACL_UNSUBSCRIBE:
		return MOSQ_ERR_SUCCESS;
	default:
		return MOSQ_ERR_ACL_DENIED;
	}
}

static int on_message(int event, void *data, void *userdata)
{
	struct mosquitto_evt_message *message = data;
	(void)event, (void)userdata;
	if (message->topic == NULL || !is_stamped(message->topic)) return MOSQ_ERR_SUCCESS;
	const char *id = mosquitto_client_id(message->client);
	const struct client *client = id == NULL ? NULL : clients_find(&plugin.clients, id);
	const struct rights *rights = is_connected(client, message->client) ? client->rights : NULL;
	return stamp(&message->properties, rights) ? MOSQ_ERR_SUCCESS : MOSQ_ERR_NOMEM;
}

static int on_disconnect(int event, void *data, void *userdata)
{
	const struct mosquitto_evt_disconnect *end = data;
	const char *id = mosquitto_client_id(end->client);
	(void)event, (void)userdata;
	struct client *client = id == NULL ? NULL : clients_find(&plugin.clients, id);
	if (is_connected(client, end->client)) client->connection = NULL;
	return MOSQ_ERR_SUCCESS;
}

static void kick(struct client *client)
{
	mosquitto_log_printf(MOSQ_LOG_NOTICE, "jamey: the token of client %.128s has ended", client->id);
	plugin.is_kicking = true;
	if (mosquitto_kick_client_by_clientid(client->id, true) != MOSQ_ERR_SUCCESS) client->connection = NULL;
	plugin.is_kicking = false;
}

static void on_stop_signal(int number)
{
	is_stopping = 1;
	for (size_t i = 0; i < sizeof STOP_SIGNALS / sizeof *STOP_SIGNALS; i++) {
		if (STOP_SIGNALS[i] == number && stop_actions[i].sa_handler != SIG_DFL && stop_actions[i].sa_handler != SIG_IGN) {
			stop_actions[i].sa_handler(number);
		}
	}
}

static void watch_signals(void)
{
	const struct sigaction action = { .sa_handler = on_stop_signal };
	for (size_t i = 0; i < sizeof STOP_SIGNALS / sizeof *STOP_SIGNALS; i++) {
		sigaction(STOP_SIGNALS[i], &action, &stop_actions[i]);
	}
}

static int on_tick(int event, void *data, void *userdata)
{
	time_t second = time(NULL);
	(void)event, (void)data, (void)userdata;
	if (plugin.ticks == 0) watch_signals();
	if (plugin.ticks < WATCHED) plugin.ticks++;
	plugin.is_asked_again = false;
	if (second == plugin.looked_at) return MOSQ_ERR_SUCCESS;
	plugin.looked_at = second;
	clients_expired(&plugin.clients, now(), kick);
	return MOSQ_ERR_SUCCESS;
}

static int on_reload(int event, void *data, void *userdata)
{
	(void)event, (void)data, (void)userdata;
	const char *fault = secrets_read(&plugin.secrets, plugin.secret_file);
	if (fault != NULL) {
		mosquitto_log_printf(MOSQ_LOG_ERR, "jamey: %s is not read again: %s", plugin.secret_file, fault);
	}
	/* Nothing but a tick ends this. */
	plugin.is_asked_again = plugin.ticks > 0;
	return MOSQ_ERR_PLUGIN_DEFER;
}

static bool read_number(const char *text, double most, double *number)
{
	char *end = NULL;
	errno = 0;
	*number = strtod(text, &end);
	return errno == 0 && end != text && *end == 0 && *number >= 0 && *number <= most;
}

static bool read_option(const char *key, const char *value)
{
	double number = 0;
	if (strcmp(key, "token_secret_file") == 0) {
		free(plugin.secret_file);
		return (plugin.secret_file = strdup(value)) != NULL;
	}
	if (strcmp(key, "clock_tolerance") == 0) return read_number(value, 300, &plugin.limits.tolerance);
	if (strcmp(key, "maximum_lifetime") == 0) return read_number(value, 86400, &plugin.limits.maximum_lifetime);
	if (strcmp(key, "maximum_clients") == 0 && read_number(value, 1e6, &number) && number >= 1) {
		plugin.clients.most = (size_t)number;
		return true;
	}
	if (strcmp(key, "stamp") != 0 || plugin.stamped_count == MOST_STAMPED) return false;
	if (*value == 0 || *value == '$' || mosquitto_sub_topic_check(value) != MOSQ_ERR_SUCCESS) return false;
	char *filter = strdup(value);
	if (filter != NULL) plugin.stamped[plugin.stamped_count++] = filter;
	return filter != NULL;
}

static const struct { int event; MOSQ_FUNC_generic_callback call; } EVENTS[] = {
	{ MOSQ_EVT_BASIC_AUTH, on_basic_auth }, { MOSQ_EVT_EXT_AUTH_START, on_ext_auth_start },
	{ MOSQ_EVT_ACL_CHECK, on_acl_check }, { MOSQ_EVT_MESSAGE, on_message }, { MOSQ_EVT_DISCONNECT, on_disconnect },
	{ MOSQ_EVT_TICK, on_tick }, { MOSQ_EVT_RELOAD, on_reload },
};

static int refuse_to_start(const char *what, const char *fault)
{
	mosquitto_log_printf(MOSQ_LOG_ERR, "jamey: %s: %s", what, fault);
	return MOSQ_ERR_INVAL;
}

EXPORTED int mosquitto_plugin_version(int count, const int *versions)
{
	for (int i = 0; i < count; i++) {
		if (versions[i] == MOSQ_PLUGIN_VERSION) return MOSQ_PLUGIN_VERSION;
	}
	return -1;
}

EXPORTED int mosquitto_plugin_init(mosquitto_plugin_id_t *identifier, void **userdata, struct mosquitto_opt *options,
	int option_count)
{
	(void)userdata;
	if (plugin.secret_file != NULL) return refuse_to_start("plugin", "it is loaded already; set per_listener_settings false");
	plugin.limits = (struct token_limits){ .tolerance = 30, .maximum_lifetime = 3600 };
	plugin.clients.most = 100000;
	for (int i = 0; i < option_count; i++) {
		if (options[i].value == NULL || !read_option(options[i].key, options[i].value)) {
			return refuse_to_start(options[i].key, "this option is not known, or not of this value");
		}
	}
	if (plugin.secret_file == NULL) return refuse_to_start("plugin_opt_token_secret_file", "it is missing");
	const char *fault = secrets_read(&plugin.secrets, plugin.secret_file);
	if (fault != NULL) return refuse_to_start(plugin.secret_file, fault);
	for (size_t i = 0; i < sizeof EVENTS / sizeof *EVENTS; i++) {
		int result = mosquitto_callback_register(identifier, EVENTS[i].event, EVENTS[i].call, NULL, NULL);
		if (result != MOSQ_ERR_SUCCESS) return refuse_to_start("plugin", "an event cannot be listened to");
	}
	return MOSQ_ERR_SUCCESS;
}

EXPORTED int mosquitto_plugin_cleanup(void *userdata, struct mosquitto_opt *options, int option_count)
{
	(void)userdata, (void)options, (void)option_count;
	for (size_t i = 0; plugin.ticks > 0 && i < sizeof STOP_SIGNALS / sizeof *STOP_SIGNALS; i++) {
		sigaction(STOP_SIGNALS[i], &stop_actions[i], NULL);
	}
	clients_free(&plugin.clients);
	secrets_free(&plugin.secrets);
	free(plugin.secret_file);
	while (plugin.stamped_count > 0) free(plugin.stamped[--plugin.stamped_count]);
	memset(&plugin, 0, sizeof plugin);
	return MOSQ_ERR_SUCCESS;
}
