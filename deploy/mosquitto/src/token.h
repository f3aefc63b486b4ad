#ifndef JAMEY_TOKEN_H
#define JAMEY_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

#include "permissions.h"

#define MOST_SECRETS 4

/** What tokens are signed with. All zero is none. */
struct secrets {
	/** The file, with a NUL behind each secret. */
	char *text;
	size_t size;
	size_t count;
	const char *lines[MOST_SECRETS];
};

struct token_limits {
	/** Seconds that clocks may be apart. */
	double tolerance;
	/** Seconds between iat and exp. */
	double maximum_lifetime;
};

/** Reads one to four lines of at least 32 bytes. Returns what is wrong, or NULL; `secrets` changes only then. */
const char *secrets_read(struct secrets *secrets, const char *path);
void secrets_free(struct secrets *secrets);

/**
 * What the token lets the client `id` do at `now` (seconds since 1970). NULL where it is refused: `fault` is told why.
 * Nothing of the token but its three parts is read before the signature was found good.
 */
struct rights *token_read(const struct secrets *secrets, const struct token_limits *limits, const char *token,
	size_t length, const char *id, double now, const char **fault);

#endif
