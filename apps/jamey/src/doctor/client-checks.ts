import { resolve } from 'node:path'
import { readOwnFile } from '@jamey/auth'
import { withBus } from '../client/connection.js'
import type { ClientOptions } from '../client/connection-target.js'
import { EXIT } from '../support/exit-codes.js'
import { reportOf } from '../support/failure.js'
import { DEFAULT_BROKER_PORT } from '../support/host-address.js'
import type { CommandContext } from '../terminal/command-context.js'
import type { Finding } from './finding.js'
import { checkServices } from './service-checks.js'
import { certificatesIn, judgeDays } from './settings-checks.js'
import { probeTls, type TlsProbe, type TlsProbeOptions } from './tls-probe.js'

const MAXIMUM_FILE_BYTES = 4 * 1024 * 1024

/** Finds out whether the broker lets this client in, and who answers behind it. */
export async function checkBroker(
  context: CommandContext,
  options: ClientOptions,
  expected: 'all' | 'some',
): Promise<Finding[]> {
  const startedAt = performance.now()
  try {
    return await withBus(context, options, async (bus) => {
      const message = `connected as ${bus.clientId} in ${Math.round(performance.now() - startedAt)} ms`
      return [{ check: 'broker', status: 'ok', message } as const, ...(await checkServices(bus, expected))]
    })
  } catch (error) {
    const { message, exitCode, hint = 'look at its log' } = reportOf(error)
    // A command would say: ask the doctor.
    const way = exitCode === EXIT.refused ? REFUSED_HINT : hint
    return [{ check: 'broker', status: 'failed', message, hint: way, exitCode }]
  }
}

const REFUSED_HINT =
  'the token secret has to be the one that the broker has (MQTT_JWT_SECRET, MQTT_JWT_SECRET_FILE or the folder of a running `jamey up`, which is to be restarted where its secret was replaced), and both clocks have to be right; a broker of ours warns in its log of this attempt, too, as of a client `jamey-cli-...`'

/**
 * The TLS side of the broker that the environment names: how long its certificate is good, whether it takes the
 * client's, and whether it wants one. A server that cannot be reached or trusted is told by `checkBroker`.
 */
export async function checkTls({
  env,
  cwd,
  now,
}: CommandContext): Promise<{ readonly findings: readonly Finding[]; readonly wantsCertificate: boolean }> {
  const [target] = targetsOf(env, cwd)
  if (target === undefined) return { findings: [], wantsCertificate: false }
  const check = `TLS ${target.host}:${target.port}`
  const probe = await probeTls(target)
  const findings = serverFindings(check, probe, now())
  if (target.client === undefined || probe.outcome === 'failed') return { findings, wantsCertificate: false }
  const name = certificatesIn(resolve(cwd, env['MQTT_TLS_CLIENT_CERT'] ?? ''))[0]?.subject ?? ''
  const certificate = `the certificate of ${name.replace(/^CN=/, '').replaceAll('\n', ', ')}`
  if (probe.outcome === 'refused') {
    const hint =
      "the broker has to know the authority that issued it (its `ca`), and both machines' clocks have to be right"
    const message = `the broker refuses ${certificate}: ${probe.reason}`
    return { findings: [...findings, { check, status: 'failed', message, hint }], wantsCertificate: true }
  }
  const { outcome } = await probeTls({ ...target, client: undefined })
  const wantsCertificate = outcome === 'refused'
  const message = `the broker takes ${certificate}${wantsCertificate ? ', and lets nobody in without one' : ''}`
  return { findings: [...findings, { check, status: 'ok', message }], wantsCertificate }
}

function serverFindings(check: string, { certificate }: TlsProbe, now: Date): Finding[] {
  if (certificate === undefined) return []
  const judged = judgeDays(certificate, now, 'have it renewed on the machine of the broker')
  return [{ check, ...judged, message: `the broker's certificate: ${judged.message}` }]
}

/** Servers that speak TLS; none where the settings cannot be read, which is told by who reads them. */
function targetsOf(env: NodeJS.ProcessEnv, cwd: string): TlsProbeOptions[] {
  const isInsecure = ['1', 'true'].includes((env['MQTT_INSECURE'] ?? '').toLowerCase())
  const { MQTT_TLS_CA_CERT: ca, MQTT_TLS_CLIENT_CERT: cert, MQTT_TLS_CLIENT_KEY: key } = env
  const passphrase = env['MQTT_TLS_CLIENT_KEY_PASSPHRASE'] || undefined
  const texts = (env['MQTT_BROKER_URL'] ?? '').split(',').map((text) => text.trim())
  return texts.flatMap((text) => {
    const url = URL.canParse(text) ? new URL(text) : undefined
    if (url === undefined || !/^mqtts?:$/.test(url.protocol) || (isInsecure && url.protocol === 'mqtt:'))
      return []
    try {
      const read = (path: string): string =>
        readOwnFile(resolve(cwd, path), { maximumBytes: MAXIMUM_FILE_BYTES })
      const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
      const port = Number(url.port || env['MQTT_PORT'] || DEFAULT_BROKER_PORT)
      const client = cert && key ? { cert: read(cert), key: read(key), passphrase } : undefined
      return [{ host, port, ca: ca ? read(ca) : undefined, client }]
    } catch {
      return []
    }
  })
}
