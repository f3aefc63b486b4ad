/* Tokens as packages/auth/src/tokens makes them: JWT, HS256. */
#include "token.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#define MAXIMUM_TOKEN_BYTES 16384
#define MAXIMUM_FILE_BYTES 65536
#define MINIMUM_SECRET_BYTES 32
#define MAXIMUM_NAME_BYTES 1024
#define DIGEST_BYTES 32
#define MAXIMUM_SECONDS 9007199254740991.0

void secrets_free(struct secrets *secrets)
{
	if (secrets->text != NULL) OPENSSL_cleanse(secrets->text, secrets->size);
	free(secrets->text);
	memset(secrets, 0, sizeof *secrets);
}

static const char *split_lines(struct secrets *secrets)
{
	char *line = secrets->text, *end = secrets->text + secrets->size;
	if (memchr(line, 0, secrets->size) != NULL) return "it has a NUL byte";
	while (line < end) {
		char *feed = memchr(line, '\n', (size_t)(end - line)), *stop = feed == NULL ? end : feed;
		if (feed != NULL && stop > line && stop[-1] == '\r') *--stop = 0;
		*stop = 0;
		if (secrets->count == MOST_SECRETS) return "it has more than 4 lines";
		if (strpbrk(line, " \t\v\f\r") != NULL) return "a line has white space";
		if (stop - line < MINIMUM_SECRET_BYTES) return "a line has less than 32 bytes";
		secrets->lines[secrets->count++] = line;
		line = feed == NULL ? end : feed + 1;
	}
	return secrets->count == 0 ? "it is empty" : NULL;
}

/** `size` bytes and a NUL. */
static const char *read_file(int file, struct secrets *secrets)
{
	struct stat stats;
	if (fstat(file, &stats) != 0 || !S_ISREG(stats.st_mode)) return "it is no file";
	if ((stats.st_mode & 077) != 0) return "others have rights on it; run: chmod 600";
	if (stats.st_size > MAXIMUM_FILE_BYTES) return "it has more than 65536 bytes";
	size_t size = (size_t)stats.st_size;
	secrets->text = calloc(1, size + 1);
	if (secrets->text == NULL) return "there is no memory";
	while (secrets->size < size) {
		ssize_t bytes = read(file, secrets->text + secrets->size, size - secrets->size);
		if (bytes <= 0) return "it cannot be read to its end";
		secrets->size += (size_t)bytes;
	}
	return NULL;
}

const char *secrets_read(struct secrets *secrets, const char *path)
{
	struct secrets found = { 0 };
	/* Not held up by what is no file, such as a pipe. */
	int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (file < 0) return "it cannot be opened";
	const char *fault = read_file(file, &found);
	close(file);
	if (fault == NULL) fault = split_lines(&found);
	if (fault != NULL) {
		secrets_free(&found);
		return fault;
	}
	secrets_free(secrets);
	*secrets = found;
	return NULL;
}

static int value_of(char character)
{
	static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	const char *at = character == 0 ? NULL : strchr(ALPHABET, character);
	return at == NULL ? -1 : (int)(at - ALPHABET);
}

/** base64url without padding. `to` holds length bytes at least, and gets a NUL behind the last. -1 where it is none. */
static ssize_t decode(const char *from, size_t length, unsigned char *to)
{
	uint32_t bits = 0;
	unsigned kept = 0;
	size_t size = 0;
	if (length == 0 || length % 4 == 1) return -1;
	for (size_t i = 0; i < length; i++) {
		int value = value_of(from[i]);
		if (value < 0) return -1;
		bits = (bits << 6 | (uint32_t)value) & 0xFFFF;
		kept += 6;
		if (kept < 8) continue;
		kept -= 8;
		to[size++] = (unsigned char)(bits >> kept & 0xFF);
	}
	to[size] = 0;
	return (ssize_t)size;
}

static bool is_signed(const struct secrets *secrets, const char *content, size_t length, const unsigned char *signature)
{
	bool is_good = false;
	for (size_t i = 0; i < secrets->count; i++) {
		unsigned char digest[EVP_MAX_MD_SIZE];
		unsigned size = 0;
		const char *secret = secrets->lines[i];
		if (HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)content, length, digest, &size)
				!= NULL && size == DIGEST_BYTES && CRYPTO_memcmp(digest, signature, DIGEST_BYTES) == 0) {
			is_good = true;
		}
	}
	return is_good;
}

/** An object that says nothing twice, and has no NUL in its texts, which would end them early here. */
static cJSON *parse_object(const char *text, size_t size)
{
	if (memchr(text, 0, size) != NULL || strstr(text, "\\u0000") != NULL) return NULL;
	cJSON *object = cJSON_ParseWithLengthOpts(text, size + 1, NULL, true);
	bool is_good = cJSON_IsObject(object);
	for (const cJSON *one = is_good ? object->child : NULL; one != NULL; one = one->next) {
		for (const cJSON *other = one->next; other != NULL; other = other->next) {
			if (strcmp(one->string, other->string) == 0) is_good = false;
		}
	}
	if (is_good) return object;
	cJSON_Delete(object);
	return NULL;
}

static const char *header_fault(const cJSON *header)
{
	const cJSON *alg = cJSON_GetObjectItemCaseSensitive(header, "alg");
	const cJSON *typ = cJSON_GetObjectItemCaseSensitive(header, "typ");
	const cJSON *kid = cJSON_GetObjectItemCaseSensitive(header, "kid");
	if (!cJSON_IsString(alg) || strcmp(alg->valuestring, "HS256") != 0) return "its alg is not HS256";
	if (cJSON_GetObjectItemCaseSensitive(header, "crit") != NULL) return "it needs an extension (crit)";
	if (kid != NULL && (!cJSON_IsString(kid) || strlen(kid->valuestring) > MAXIMUM_NAME_BYTES)) return "its kid is no short text";
	if (typ == NULL) return NULL;
	if (!cJSON_IsString(typ)) return "its typ is no text";
	static const char *const TYPES[] = { "JWT", "at+jwt", "application/at+jwt" };
	for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++) {
		if (strcasecmp(typ->valuestring, TYPES[i]) == 0) return NULL;
	}
	return "it is of another type than JWT";
}

static bool has_seconds(const cJSON *claims, const char *name, double *seconds)
{
	const cJSON *claim = cJSON_GetObjectItemCaseSensitive(claims, name);
	if (!cJSON_IsNumber(claim) || !(claim->valuedouble >= 0 && claim->valuedouble <= MAXIMUM_SECONDS)) return false;
	*seconds = claim->valuedouble;
	return true;
}

static const char *time_fault(const cJSON *claims, const struct token_limits *limits, double now, double *expires)
{
	double exp = 0, iat = 0, nbf = 0;
	if (!has_seconds(claims, "exp", &exp) || !has_seconds(claims, "iat", &iat)) return "it has no exp or no iat";
	if (cJSON_GetObjectItemCaseSensitive(claims, "nbf") != NULL && !has_seconds(claims, "nbf", &nbf)) {
		return "its nbf is no time";
	}
	if (exp <= iat || exp - iat > limits->maximum_lifetime) return "it lives too long, or not at all";
	if (iat > now + limits->tolerance || nbf > now + limits->tolerance) return "it is not valid yet";
	*expires = exp + limits->tolerance;
	return now >= *expires ? "it has expired" : NULL;
}

static const char *claims_fault(const cJSON *claims, const char *id, const cJSON **permissions)
{
	const cJSON *sub = cJSON_GetObjectItemCaseSensitive(claims, "sub");
	const cJSON *jti = cJSON_GetObjectItemCaseSensitive(claims, "jti");
	const cJSON *iss = cJSON_GetObjectItemCaseSensitive(claims, "iss");
	*permissions = cJSON_GetObjectItemCaseSensitive(claims, "permissions");
	if (!cJSON_IsString(sub) || strcmp(sub->valuestring, id) != 0) return "its sub is not the client identifier";
	if (!is_client_id(id)) return "its sub is no client identifier";
	if (cJSON_GetObjectItemCaseSensitive(claims, "aud") != NULL) return "it is for another audience";
	if (jti != NULL && (!cJSON_IsString(jti) || *jti->valuestring == 0)) return "its jti is no text";
	if (iss != NULL && !cJSON_IsString(iss)) return "its iss is no text";
	return cJSON_IsArray(*permissions) ? NULL : "it has no permissions";
}

static struct rights *read_claims(const cJSON *claims, const struct token_limits *limits, const char *id, double now,
	const char **fault)
{
	double expires = 0;
	const cJSON *permissions = NULL, *entry;
	*fault = time_fault(claims, limits, now, &expires);
	if (*fault == NULL) *fault = claims_fault(claims, id, &permissions);
	if (*fault != NULL) return NULL;
	struct rights *rights = rights_new(id, expires);
	*fault = "there is no memory";
	if (rights == NULL) return NULL;
	cJSON_ArrayForEach(entry, permissions) {
		if (cJSON_IsString(entry) && rights_add(rights, entry->valuestring)) continue;
		*fault = "a permission cannot be read";
		rights_free(rights);
		return NULL;
	}
	*fault = NULL;
	return rights;
}

struct rights *token_read(const struct secrets *secrets, const struct token_limits *limits, const char *token,
	size_t length, const char *id, double now, const char **fault)
{
	/* Room for each part, decoded: three quarters of it. */
	static unsigned char bytes[MAXIMUM_TOKEN_BYTES + 1];
	struct rights *rights = NULL;
	*fault = "it is no JSON Web Token";
	if (length > MAXIMUM_TOKEN_BYTES) return NULL;
	const char *end = token + length, *first = memchr(token, '.', length);
	const char *second = first == NULL ? NULL : memchr(first + 1, '.', (size_t)(end - first - 1));
	if (second == NULL || decode(second + 1, (size_t)(end - second - 1), bytes) != DIGEST_BYTES) return NULL;
	*fault = "no secret in force has signed it";
	if (!is_signed(secrets, token, (size_t)(second - token), bytes)) return NULL;
	*fault = "its header is no JSON object";
	ssize_t size = decode(token, (size_t)(first - token), bytes);
	cJSON *json = size < 0 ? NULL : parse_object((const char *)bytes, (size_t)size);
	if (json == NULL) return NULL;
	*fault = header_fault(json);
	cJSON_Delete(json);
	if (*fault != NULL) return NULL;
	*fault = "its payload is no JSON object";
	size = decode(first + 1, (size_t)(second - first - 1), bytes);
	json = size < 0 ? NULL : parse_object((const char *)bytes, (size_t)size);
	if (json == NULL) return NULL;
	rights = read_claims(json, limits, id, now, fault);
	cJSON_Delete(json);
	return rights;
}
