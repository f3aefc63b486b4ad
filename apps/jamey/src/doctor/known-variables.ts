/** Variables that anything of Jamey reads; `tests/tidy` holds them against docs/configuration.md. */
export const KNOWN_VARIABLES: readonly string[] = [
  'JAMEY_ACCEPT_UNVERIFIED',
  'JAMEY_ACT_FOR',
  'JAMEY_APPROVALS_DIR',
  'JAMEY_APPROVAL_SECONDS',
  'JAMEY_AUDIT_DIR',
  'JAMEY_AUTHZ_CA',
  'JAMEY_AUTHZ_CACHE_SECONDS',
  'JAMEY_AUTHZ_CERT',
  'JAMEY_AUTHZ_CERTIFICATES',
  'JAMEY_AUTHZ_CLIENTS',
  'JAMEY_AUTHZ_FAILURES_PER_MINUTE',
  'JAMEY_AUTHZ_GRANTS_FILE',
  'JAMEY_AUTHZ_HOST',
  'JAMEY_AUTHZ_KEY',
  'JAMEY_AUTHZ_MANIFEST',
  'JAMEY_AUTHZ_PORT',
  'JAMEY_AUTHZ_RABBITMQ_VHOST',
  'JAMEY_AUTHZ_SECRET_FILE',
  'JAMEY_BROKER_CA',
  'JAMEY_BROKER_CERT',
  'JAMEY_BROKER_CONFIG',
  'JAMEY_BROKER_CRL',
  'JAMEY_BROKER_GRACE_MS',
  'JAMEY_BROKER_HOST',
  'JAMEY_BROKER_KEY',
  'JAMEY_BROKER_LIMITS',
  'JAMEY_BROKER_OVERFLOW',
  'JAMEY_BROKER_PORT',
  'JAMEY_BROKER_REFUSE_WHEN_FULL',
  'JAMEY_BROKER_SERVER_REFERENCE',
  'JAMEY_BROKER_SHARED_SUBSCRIPTIONS',
  'JAMEY_BROKER_STAMP_SENDERS',
  'JAMEY_BROKER_STORE',
  'JAMEY_CLIENTS_FILE',
  'JAMEY_CONSCIENCES',
  'JAMEY_DATA_DIR',
  'JAMEY_DEBUG',
  'JAMEY_DENIED_FILE',
  'JAMEY_EMBEDDINGS_BATCH',
  'JAMEY_EMBEDDINGS_KEY_FILE',
  'JAMEY_EMBEDDINGS_MODEL',
  'JAMEY_EMBEDDINGS_QUERY_MS',
  'JAMEY_EMBEDDINGS_TIMEOUT_MS',
  'JAMEY_EMBEDDINGS_URL',
  'JAMEY_GATEWAY_PERMISSIONS',
  'JAMEY_HEARTBEAT_SECONDS',
  'JAMEY_HTTP_CA',
  'JAMEY_HTTP_CALLS_PER_MINUTE',
  'JAMEY_HTTP_CERT',
  'JAMEY_HTTP_CRL',
  'JAMEY_HTTP_HOST',
  'JAMEY_HTTP_KEY',
  'JAMEY_HTTP_PORT',
  'JAMEY_HTTP_REQUIRE_TOKEN',
  'JAMEY_HTTP_SOCKET',
  'JAMEY_HTTP_TRUST_PROXY',
  'JAMEY_JUDGE_KEY',
  'JAMEY_JUDGE_MODEL',
  'JAMEY_JUDGE_TIMEOUT_MS',
  'JAMEY_JUDGE_URL',
  'JAMEY_LOG_LEVEL',
  'JAMEY_MEMORY_BUDGETS',
  'JAMEY_MEMORY_CONNECTIONS',
  'JAMEY_MEMORY_FILE',
  'JAMEY_MEMORY_GROUPS',
  'JAMEY_MEMORY_MAX_BYTES',
  'JAMEY_MEMORY_OWNER_BYTES',
  'JAMEY_MEMORY_PASSWORD_FILE',
  'JAMEY_MEMORY_QUERY_MS',
  'JAMEY_MEMORY_SWEEP_SECONDS',
  'JAMEY_MEMORY_TTL_EPISODIC_SECONDS',
  'JAMEY_MEMORY_TTL_LONG_TERM_SECONDS',
  'JAMEY_MEMORY_TTL_SEMANTIC_SECONDS',
  'JAMEY_MEMORY_TTL_SHORT_TERM_SECONDS',
  'JAMEY_MEMORY_TTL_WORKING_SECONDS',
  'JAMEY_MEMORY_URL',
  'JAMEY_METRICS_HOST',
  'JAMEY_METRICS_PORT',
  'JAMEY_METRICS_TOKEN_FILE',
  'JAMEY_PERMISSIONS_FILE',
  'JAMEY_POLICY_FILE',
  'JAMEY_RECEIPT_KEY_FILE',
  'JAMEY_RULES',
  'JAMEY_SAFE_DIRECTORY',
  'JAMEY_SESSIONS_DIR',
  'JAMEY_UNRECOGNISED',
  'MQTT_AUTH_METHOD',
  'MQTT_BREAKER_FAILURES',
  'MQTT_BROKER_URL',
  'MQTT_BROKER_URL_ORDER',
  'MQTT_CLIENT_ID',
  'MQTT_CLIENT_SECRET',
  'MQTT_CLIENT_SECRET_FILE',
  'MQTT_INSECURE',
  'MQTT_JWKS_CA_CERT',
  'MQTT_JWKS_FILE',
  'MQTT_JWKS_URL',
  'MQTT_JWT_AUDIENCE',
  'MQTT_JWT_ISSUER',
  'MQTT_JWT_LIFETIME_SECONDS',
  'MQTT_JWT_SECRET',
  'MQTT_JWT_SECRET_FILE',
  'MQTT_KEEP_ALIVE_SECONDS',
  'MQTT_MAX_PACKET_SIZE',
  'MQTT_OUTBOX_DIR',
  'MQTT_PERMISSIONS',
  'MQTT_PORT',
  'MQTT_PROTOCOL_VERSION',
  'MQTT_PROXY',
  'MQTT_SERVER_STAMPS',
  'MQTT_SHARED_SUBSCRIPTIONS',
  'MQTT_TLS_CA_CERT',
  'MQTT_TLS_CLIENT_CERT',
  'MQTT_TLS_CLIENT_KEY',
  'MQTT_TLS_CLIENT_KEY_PASSPHRASE',
  'MQTT_TOKEN_CA_CERT',
  'MQTT_TOKEN_URL',
  'MQTT_USERNAME',
]

/** Number of differences beyond which it is another word; of short ones, more than a sixth of their letters. */
const MAXIMUM_DIFFERENCES = 3
const LETTERS_A_DIFFERENCE = 6

/** The known variable that a name looks like, a few letters apart; undefined where it is one, or like none. */
export function nearestVariable(name: string): string | undefined {
  const written = name.toUpperCase().replaceAll('-', '_')
  const ranked = KNOWN_VARIABLES.map((known) => ({ known, distance: differences(written, known) }))
  const nearest = ranked.reduce((best, one) => (one.distance < best.distance ? one : best))
  const most = Math.min(MAXIMUM_DIFFERENCES, Math.max(1, Math.floor(name.length / LETTERS_A_DIFFERENCE)))
  return nearest.known === name || nearest.distance > most ? undefined : nearest.known
}

/** Letters to put in, leave out, replace or swap with their neighbour (Damerau and Levenshtein, each place once). */
function differences(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > MAXIMUM_DIFFERENCES) return MAXIMUM_DIFFERENCES + 1
  let before: number[] = []
  let above = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1]
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      const ways = [at(above, j) + 1, at(row, j - 1) + 1, at(above, j - 1) + (isSame ? 0 : 1)]
      if (isSwap) ways.push(at(before, j - 2) + 1)
      row.push(Math.min(...ways))
    }
    before = above
    above = row
  }
  return at(above, b.length)
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY
}
