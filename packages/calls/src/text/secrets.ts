/** A secret that stands in a text; never the secret itself. */
export interface SecretFact {
  readonly kind: string
}

/** What those who issue them write in front of them, or a form that nothing else has. */
const KINDS: readonly (readonly [kind: string, pattern: RegExp])[] = [
  [
    'private-key',
    /-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----(?:[\s\S]{0,20000}?-----END (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----)?/,
  ],
  ['aws-key', /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/],
  ['github-token', /\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_\w{22,255})/],
  ['gitlab-token', /\bglpat-[\w-]{20,255}/],
  ['slack-token', /\bxox[abeoprs]-[\w-]{10,255}/],
  ['stripe-key', /\b[rs]k_live_[A-Za-z0-9]{16,255}/],
  ['model-key', /\bsk-(?:ant-|proj-|or-)?[\w-]{20,255}/],
  ['google-key', /\bAIza[\w-]{35}/],
  ['npm-token', /\bnpm_[A-Za-z0-9]{36}/],
  ['jwt', /\beyJ[\w-]{8,4000}\.eyJ[\w-]{8,8000}\.[\w-]{16,2000}/],
  ['url-password', /\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s/:@]{1,200}:[^\s/@]{3,200}@/i],
]
const ANY = new RegExp(KINDS.map(([, { source }]) => `(?:${source})`).join('|'), 'gi')
/** No shape above is shorter. */
const SHORTEST = 12

/** Each kind once. */
export function secretsIn(text: string): SecretFact[] {
  if (text.length < SHORTEST || text.search(ANY) < 0) return []
  return KINDS.filter(([, pattern]) => pattern.test(text)).map(([kind]) => ({ kind }))
}

/** The text with what `secretsIn` finds taken out. */
export function withoutSecrets(text: string): string {
  return text.replace(ANY, '[redacted]')
}
