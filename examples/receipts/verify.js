// Carries out only what the conscience approved: a program outside of the system, with `jose` and nothing of Jamey's.
//
//   node verify.js <url of /v1/jwks> < requests
//
// A line each of {"receipt": "...", "payload": {"action": ..., "data": ...}}; prints `yes`, or `no` and why.
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

/** Throws where the receipt does not allow what `payload` asks for, now and for the first time. */
async function use(receipt, payload) {
  const { payload: claims } = await jwtVerify(receipt, keys, {
    algorithms: ['EdDSA'],
    typ: 'jamey-receipt+jwt',
    requiredClaims: ['jti', 'exp', 'request_digest'],
  })
  const digest = `sha256:${createHash('sha256').update(canonical(payload)).digest('hex')}`
  if (claims.request_digest !== digest) throw new Error('it is for another request')
  if (claims.approved !== true) throw new Error(`the decision was ${claims.decision}`)
  // A call that may be made with other arguments alone is another call.
  if (claims.changed_call_digest !== undefined) throw new Error('it is for other arguments')
  for (const [jti, expiresAt] of used) if (expiresAt < Date.now() / 1000) used.delete(jti)
  if (used.has(claims.jti)) throw new Error('it was used before')
  used.set(claims.jti, claims.exp)
}

for await (const line of createInterface({ input: process.stdin })) {
  const { receipt, payload } = JSON.parse(line)
  await use(receipt, payload).then(
    () => console.log('yes'),
    (error) => console.log(`no: ${error.message}`),
  )
}
