/*
 * fuzz SEED ROUNDS: reads signed tokens and filters that nobody would write, under sanitizers.
 * fuzz decide SECRET-FILE: reads lines `verb TAB identifier TAB token TAB topic`, all but verb and token in hexadecimal
 * digits, and answers each with `yes`, `no` or `refused`, for whoever compares decisions with others.
 */
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <cjson/cJSON.h>

#include "clients.h"
#include "token.h"

#define MOST_BYTES 20000

static const struct token_limits LIMITS = { .tolerance = 30, .maximum_lifetime = 3600 };
static uint64_t state;

/** splitmix64, so that a seed tells what was run. */
static uint32_t below(uint32_t bound)
{
	uint64_t mixed = state += 0x9E3779B97F4A7C15U;
	mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9U;
	mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBU;
	return (uint32_t)((mixed ^ (mixed >> 31)) % bound);
}

/** Counts down to the allocation of the plugin, or of cJSON for it, that fails; 0 is none. */
static uint32_t fails_at;

static bool is_failing(void)
{
	return fails_at > 0 && --fails_at == 0;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
char *__real_strdup(const char *text);

void *__wrap_malloc(size_t size)
{
	return is_failing() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return is_failing() ? NULL : __real_calloc(count, size);
}

char *__wrap_strdup(const char *text)
{
	return is_failing() ? NULL : __real_strdup(text);
}

static size_t encode(const unsigned char *from, size_t size, char *to)
{
	static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	uint32_t bits = 0;
	unsigned kept = 0;
	size_t length = 0;
	for (size_t i = 0; i < size; i++) {
		bits = bits << 8 | from[i];
		for (kept += 8; kept >= 6; kept -= 6) to[length++] = ALPHABET[bits >> (kept - 6) & 63];
		bits &= (1U << kept) - 1;
	}
	if (kept > 0) to[length++] = ALPHABET[bits << (6 - kept) & 63];
	to[length] = 0;
	return length;
}

/** Pieces that mean something somewhere, one behind the other. */
static size_t some_text(char *to, size_t most)
{
	static const char *const PIECES[] = { "subscribe:", "publish:", "a", "b", "/", "/", "/", "%c/", "$share/g/", "jamey/", "eva",
		"bob", "jamey/api/responses/", "jamey/events/status/", "\\u00e9", "\xc3\xa9", "\xf0\x9f\xa4\x96", "$",
		"act-for:", "relay:", "+", "#", "\"", "\\\\", " ", "\n", "\\u0000", "\\ud800", "\xff" };
	size_t length = 0;
	/* The last ones spoil a list. */
	uint32_t count = sizeof PIECES / sizeof *PIECES - (below(4) == 0 ? 0 : 9);
	for (uint32_t left = 1 + below(8); left > 0; left--) {
		const char *piece = PIECES[below(count)];
		size_t size = strlen(piece);
		if (length + size >= most) break;
		memcpy(to + length, piece, size);
		length += size;
	}
	to[length] = 0;
	return length;
}

static size_t some_payload(char *to, size_t most)
{
	static const char *const TIMES[] = { "1000", "1000.5", "999", "0", "-1", "1e400", "\"1000\"", "null", "1e3", "900719925474099200" };
	char one[128], other[128];
	some_text(one, sizeof one);
	some_text(other, sizeof other);
	const char *exp = TIMES[below(3) == 0 ? below(sizeof TIMES / sizeof *TIMES) : 0];
	int length = snprintf(to, most, "{\"sub\":\"eva\",\"iat\":900,\"exp\":%s,\"permissions\":[\"%s\",\"%s\"]%s}", exp, one, other,
		below(8) == 0 ? ",\"exp\":1001" : "");
	return length < 0 ? 0 : (size_t)length;
}

static void spoil(char *bytes, size_t *size, size_t most)
{
	for (uint32_t left = below(6); left > 0 && *size > 1; left--) {
		size_t at = below((uint32_t)*size);
		switch (below(4)) {
		case 0:
			bytes[at] = (char)below(256);
			break;
		case 1:
			memmove(bytes + at, bytes + at + 1, *size - at - 1);
			--*size;
			break;
		case 2:
			*size = at + 1;
			break;
		default:
			if (*size * 2 < most) memcpy(bytes + *size, bytes, *size), *size *= 2;
		}
	}
}

/** Signed with what `secrets` has, so that all behind the signature is read. */
static size_t sign(const struct secrets *secrets, const char *header, size_t header_size, const char *payload, size_t size,
	char *token)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned digest_size = 0;
	size_t length = encode((const unsigned char *)header, header_size, token);
	token[length++] = '.';
	length += encode((const unsigned char *)payload, size, token + length);
	HMAC(EVP_sha256(), secrets->lines[0], (int)strlen(secrets->lines[0]), (unsigned char *)token, length, digest, &digest_size);
	token[length++] = '.';
	return length + encode(digest, digest_size, token + length);
}

/** A copy that ends where the text does, for a sanitizer to see who reads on. */
static char *exact(const char *text, size_t length)
{
	char *copy = malloc(length + 1);
	if (copy == NULL) abort();
	memcpy(copy, text, length);
	copy[length] = 0;
	return copy;
}

static bool try_token(const struct secrets *secrets)
{
	static char header[MOST_BYTES], payload[MOST_BYTES], token[4 * MOST_BYTES];
	const char *fault = NULL;
	size_t header_size = (size_t)sprintf(header, "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"), size = some_payload(payload, sizeof payload);
	if (below(4) == 0) spoil(header, &header_size, sizeof header);
	if (below(4) == 0) spoil(payload, &size, sizeof payload);
	size_t length = sign(secrets, header, header_size, payload, size, token);
	if (below(4) == 0) spoil(token, &length, sizeof token);
	char *copy = exact(token, length);
	fails_at = below(4) == 0 ? 1 + below(40) : 0;
	struct rights *rights = token_read(secrets, &LIMITS, copy, length, "eva", 950, &fault);
	fails_at = 0;
	if ((rights == NULL) == (fault == NULL)) abort();
	free(copy);
	for (int i = 0; rights != NULL && i < 4; i++) {
		char topic[256];
		char *asked = exact(topic, some_text(topic, sizeof topic));
		may_publish(rights, asked);
		may_receive(rights, asked);
		may_subscribe(rights, asked);
		is_client_id(asked);
		free(asked);
	}
	bool is_taken = rights != NULL;
	rights_free(rights);
	return is_taken;
}

/** Some of few clients come and go, with room for less than all of them. */
static void try_clients(struct clients *clients)
{
	static struct mosquitto *const CONNECTION = (struct mosquitto *)&state;
	char id[2] = { (char)('a' + below(6)), 0 };
	struct client *client = clients_find(clients, id);
	if (client != NULL && below(2) == 0) {
		client->connection = NULL;
		return;
	}
	struct rights *rights = rights_new(id, below(100));
	if (rights == NULL || !rights_add(rights, "a/%c")) abort();
	fails_at = below(4) == 0 ? 1 : 0;
	bool is_put = clients_put(clients, rights, CONNECTION);
	fails_at = 0;
	client = clients_find(clients, id);
	if (is_put && (client == NULL || client->rights != rights || client->id != rights->id)) abort();
	if (!is_put) rights_free(rights);
	if (clients->count > clients->most) abort();
}

static int fuzz(uint64_t seed, unsigned long rounds)
{
	char secret[] = "thirty-two bytes of a test secret";
	struct secrets secrets = { .count = 1, .lines = { secret } };
	unsigned long taken = 0;
	state = seed;
	struct clients clients = { .most = 4 };
	for (unsigned long i = 0; i < rounds; i++) {
		taken += try_token(&secrets);
		try_clients(&clients);
	}
	clients_free(&clients);
	printf("seed %llu: %lu tokens, %lu taken\n", (unsigned long long)seed, rounds, taken);
	return taken == 0;
}

static bool from_hex(char *text)
{
	size_t length = strlen(text);
	for (size_t i = 0; i + 1 < length; i += 2) {
		unsigned byte = 0;
		if (sscanf(text + i, "%2x", &byte) != 1) return false;
		text[i / 2] = (char)byte;
	}
	text[length / 2] = 0;
	return true;
}

static const char *answer(const struct secrets *secrets, char *line)
{
	const char *fault = NULL;
	const char *verb = strsep(&line, "\t");
	char *id = strsep(&line, "\t"), *token = strsep(&line, "\t"), *topic = line;
	if (id == NULL || token == NULL || topic == NULL || !from_hex(id) || !from_hex(topic)) return "malformed";
	struct rights *rights = token_read(secrets, &LIMITS, token, strlen(token), id, (double)time(NULL), &fault);
	if (rights == NULL) return "refused";
	bool is_allowed = strcmp(verb, "publish") == 0 ? may_publish(rights, topic)
		: strcmp(verb, "subscribe") == 0 ? may_subscribe(rights, topic) : may_receive(rights, topic);
	rights_free(rights);
	return is_allowed ? "yes" : "no";
}

int main(int count, char **arguments)
{
	cJSON_Hooks hooks = { __wrap_malloc, free };
	cJSON_InitHooks(&hooks);
	if (count == 3 && strcmp(arguments[1], "decide") != 0) {
		return fuzz(strtoull(arguments[1], NULL, 10), strtoul(arguments[2], NULL, 10));
	}
	if (count != 3) return 2;
	static char line[8 * MOST_BYTES];
	struct secrets secrets = { 0 };
	const char *fault = secrets_read(&secrets, arguments[2]);
	if (fault != NULL) return fprintf(stderr, "%s\n", fault), 1;
	while (fgets(line, sizeof line, stdin) != NULL) {
		line[strcspn(line, "\n")] = 0;
		puts(answer(&secrets, line));
	}
	secrets_free(&secrets);
	return 0;
}
