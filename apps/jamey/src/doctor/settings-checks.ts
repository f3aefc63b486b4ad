import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { reportOf } from '../support/failure.js'
import { plural } from '../support/quantities.js'
import type { CommandContext } from '../terminal/command-context.js'
import type { Finding } from './finding.js'
import { KNOWN_VARIABLES, nearestVariable } from './known-variables.js'

const DAY_MS = 86_400_000
const RENEWAL_DAYS = 30

type Surroundings = Pick<CommandContext, 'env' | 'fromFile' | 'cwd'>

/** Variables that nothing reads and that look as if somebody meant one that is read. Their values are never shown. */
export function checkVariables({ env, fromFile }: Surroundings): Finding[] {
  return Object.keys(env)
    .filter((name) => env[name] && !KNOWN_VARIABLES.includes(name))
    .flatMap((name) => {
      const nearest = nearestVariable(name)
      // A variable of the environment may be another program's; those of the file and our own prefix are meant for us.
      const isOurs = /^JAMEY_/i.test(name) || (fromFile.has(name) && /^MQTT_/i.test(name))
      if (nearest === undefined && !isOurs) return []
      const message = `${name}${fromFile.has(name) ? ' of .env' : ''} is not a variable of Jamey's`
      const hint =
        nearest === undefined ? 'docs/configuration.md lists all of them' : `did you mean ${nearest}?`
      return [{ check: 'variable', status: 'warning', message, hint } as const]
    })
}

/** For whoever starts a part: a setting with a slip in its name would be none, and nobody would know. */
export function warnOfVariables(surroundings: Surroundings, warn: (text: string) => void): void {
  for (const { message, hint } of checkVariables(surroundings)) warn(`${message}; ${hint}`)
}

/** The policy that a conscience of this environment goes by, as it stands there now: what serves may have an older one. */
export async function checkPolicy({ env, cwd }: Pick<CommandContext, 'env' | 'cwd'>): Promise<Finding[]> {
  const { JAMEY_POLICY_FILE: file } = env
  if (!file) return []
  const { loadPolicy } = await import('@jamey/conscience')
  const check = `policy ${file}`
  try {
    const { version, rules } = loadPolicy(resolve(cwd, file))
    return [{ check, status: 'ok', message: `version ${version}, ${plural(rules.length, 'rule', 'rules')}` }]
  } catch (error) {
    const hint = 'a conscience does not start with it, and one that runs keeps the policy that it has'
    return [{ check, status: 'failed', message: reportOf(error).message, hint }]
  }
}

/** Finds out where the broker is, without the user names and passwords that a URL may hold. */
export function checkUrl({ env, fromFile }: Surroundings): Finding {
  const place = fromFile.has('MQTT_BROKER_URL') ? ', from .env' : ''
  const message = `MQTT_BROKER_URL is ${withoutSecrets(env['MQTT_BROKER_URL'] ?? '')}${place}`
  return { check: 'settings', status: 'ok', message }
}

/** URLs as they may be shown: whatever stands before the last @, and a query, may be a password. */
function withoutSecrets(urls: string): string {
  return urls.replace(/^([a-z][a-z0-9+.-]*:\/\/)?.*@/is, '$1***@').replace(/\?[^,]*/gs, '?***')
}

/** The client certificate of the environment: how long it is good, and who issued it. */
export function checkOwnCertificate({ env, cwd }: Surroundings, now: Date): Finding[] {
  const { MQTT_TLS_CLIENT_CERT: path, MQTT_TLS_CA_CERT: caPath } = env
  if (!path) return []
  const certificate = certificatesIn(resolve(cwd, path))[0]
  // Settings that cannot be read are told by whoever reads them.
  if (certificate === undefined) return []
  const check = `certificate ${path}`
  const authorities = caPath ? certificatesIn(resolve(cwd, caPath)) : []
  const isForeign = authorities.length > 0 && !authorities.some((one) => isIssuedBy(certificate, one))
  if (isForeign) {
    return [
      {
        check,
        status: 'warning',
        message: `of another authority than MQTT_TLS_CA_CERT: its issuer is ${oneLine(certificate.issuer)}`,
        hint: "the broker has to know that authority, too; where it is one folder's, have it issued anew there",
      },
    ]
  }
  return [
    { check, ...judgeDays(certificate, now, 'have it renewed where its authority is (`jamey certs issue`)') },
  ]
}

/** Days left of any certificate. */
export function judgeDays(
  certificate: X509Certificate,
  now: Date,
  renewal: string,
): Pick<Finding, 'status' | 'message'> & { hint?: string } {
  const [from, to] = [new Date(certificate.validFrom), new Date(certificate.validTo)]
  if (to <= now) return { status: 'failed', message: `ended ${to.toISOString()}`, hint: renewal }
  if (from > now) {
    const hint = 'the clock of this machine is wrong: set it'
    return { status: 'failed', message: `begins only ${from.toISOString()}`, hint }
  }
  const days = Math.floor((to.getTime() - now.getTime()) / DAY_MS)
  const message = `${plural(days, 'day', 'days')} left`
  return days > RENEWAL_DAYS ? { status: 'ok', message } : { status: 'warning', message, hint: renewal }
}

function isIssuedBy(certificate: X509Certificate, authority: X509Certificate): boolean {
  return certificate.checkIssued(authority) && certificate.verify(authority.publicKey)
}

/** The certificates of a PEM file; none where none can be read. */
export function certificatesIn(path: string): X509Certificate[] {
  try {
    const text = readFileSync(path, 'utf8')
    const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
    return blocks.map((block) => new X509Certificate(block))
  } catch {
    return []
  }
}

function oneLine(subject: string): string {
  return subject.replaceAll('\n', ', ')
}
