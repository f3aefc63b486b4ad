// Carries out only what the conscience approved: a program outside of the system, with `jose` and nothing of Jamey's.
//
//   node verify.js <url of /v1/jwks> < requests
//
// A line each of {"receipt": "...", "payload": {"action": ..., "data": ...}}, and of a call that a rule changed what it is
// to be made with: {..., "arguments": {...}}. Prints `yes`, or `no` and why.
import { createHash } from 'node:crypto'
import { createInterface } from 'node:readline'
import { createRemoteJWKSet, jwtVerify } from 'jose'

const keys = createRemoteJWKSet(new URL(process.argv[2]))
/** Receipts that were used, until each has expired: by `jti`, the second it expires. */
const used = new Map()

/** RFC 8785 for what JSON.parse gives: members sorted by UTF-16 code units, everything else as JSON.stringify writes it. */
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.keys(value).sort()
  return `{${members.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(',')}}`
}

function digestOf(value) {
  return `sha256:${createHash('sha256').update(canonical(value)).digest('hex')}`
}

/** Throws where the receipt does not allow what `payload` asks for, with `changed` arguments or its own, now and once. */
async function use(receipt, payload, changed) {
  const { payload: claims } = await jwtVerify(receipt, keys, {
    algorithms: ['EdDSA'],
    typ: 'jamey-receipt+jwt',
    requiredClaims: ['jti', 'exp', 'request_digest'],
  })
  if (claims.request_digest !== digestOf(payload)) throw new Error('it is for another request')
  if (claims.approved !== true) throw new Error(`the decision was ${claims.decision}`)
  const { tool, arguments: own = {} } = payload.data
  // Where a rule changed its arguments, the call may be made with those alone.
  const digest = claims.changed_call_digest ?? claims.call_digest
  if (tool !== undefined && digest !== digestOf({ tool, arguments: changed ?? own }))
    throw new Error('it is for other arguments')
  for (const [jti, expiresAt] of used) if (expiresAt < Date.now() / 1000) used.delete(jti)
  if (used.has(claims.jti)) throw new Error('it was used before')
  used.set(claims.jti, claims.exp)
}

for await (const line of createInterface({ input: process.stdin })) {
  const { receipt, payload, arguments: changed } = JSON.parse(line)
  await use(receipt, payload, changed).then(
    () => console.log('yes'),
    (error) => console.log(`no: ${error.message}`),
  )
}
