import { X509Certificate } from 'node:crypto'
import type { ListenerOptions } from '@jamey/broker'
import { type BrokerSettings, readBrokerSettings } from '../broker/settings.js'
import { EXIT } from '../support/exit-codes.js'
import { reportOf } from '../support/failure.js'
import { reachableHost } from '../support/host-address.js'
import type { CommandContext } from '../terminal/command-context.js'
import type { Finding } from './finding.js'
import { checkPortFree } from './health-checks.js'
import { judgeDays } from './settings-checks.js'
import { probeTls } from './tls-probe.js'

/** True where the environment is that of `jamey run broker`; `jamey up` takes host and port alone from it. */
export function runsBroker(env: NodeJS.ProcessEnv): boolean {
  return ['JAMEY_BROKER_CONFIG', 'JAMEY_BROKER_CERT', 'JAMEY_BROKER_KEY'].some((name) => env[name])
}

/** The settings of a broker that is run alone, its certificates, and whether something listens at its ports. */
export async function checkBrokerSettings(
  { env, cwd, now }: CommandContext,
  owner: number | undefined,
): Promise<Finding[]> {
  const check = 'broker settings'
  let settings: BrokerSettings
  try {
    settings = await readBrokerSettings({ flags: {}, env, cwd })
  } catch (error) {
    const { message, exitCode } = reportOf(error)
    const hint = 'correct them; docs/configuration.md lists all of them'
    return [{ check, status: 'failed', message, hint, exitCode }]
  }
  const count = settings.listeners.length
  const method = settings.authentication.method
  const findings: Finding[] = [
    {
      check,
      status: 'ok',
      message: `${count} listener${count === 1 ? '' : 's'}, clients known by ${method}`,
    },
  ]
  for (const listener of settings.listeners) {
    findings.push(...checkServerCertificate(listener, now()), await checkListener(listener, owner, now()))
  }
  return findings
}

function checkServerCertificate({ port, tls }: ListenerOptions, now: Date): Finding[] {
  if (tls === undefined) return []
  const check = `certificate at port ${port}`
  const renewal = '`jamey certs issue --server` renews it where its authority is; then reload the broker'
  return [{ check, ...judgeDays(new X509Certificate(tls.cert), now, renewal) }]
}

/** Finds out whether the broker listens there: it shows its certificate, or has its store open. */
async function checkListener(
  { host = '127.0.0.1', port, tls }: ListenerOptions,
  owner: number | undefined,
  now: Date,
): Promise<Finding> {
  const check = `port ${port}`
  const free = await checkPortFree('broker', host, port, '')
  if (free.status === 'ok') {
    const hint = 'start it with `jamey run broker`'
    return { check, status: 'warning', message: 'the broker does not run', hint, exitCode: EXIT.unavailable }
  }
  const served = tls && (await certificateServedAt(reachableHost(host), port))
  const isPresent = tls && served?.fingerprint256 === new X509Certificate(tls.cert).fingerprint256
  const message = owner === undefined ? 'the broker runs' : `the broker runs as process ${owner}`
  if (isPresent || (owner !== undefined && served === undefined)) return { check, status: 'ok', message }
  if (owner === undefined) {
    const hint = 'stop what listens there, or choose another port in JAMEY_BROKER_PORT or the file'
    return { check, status: 'warning', message: free.message, hint }
  }
  const left = served === undefined ? '' : judgeDays(served, now, '').message
  const hint = 'SIGHUP (`systemctl reload`) has the broker read the one of now'
  return { check, status: 'warning', message: `${message} with an earlier certificate, ${left}`, hint }
}

/** The certificate that is served, whoever vouches for it; undefined where nobody speaks TLS there. */
export async function certificateServedAt(host: string, port: number): Promise<X509Certificate | undefined> {
  const { certificate } = await probeTls({ host, port, ca: undefined, takesAny: true, client: undefined })
  return certificate
}
