import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { MINIMUM_SECRET_BYTES, readTokenSecretFile } from '@jamey/auth'
import { ConfigurationError, type ConfigurationFault } from '@jamey/bus'
import { DEFAULT_BROKER_PORT } from './connection-target.js'

export interface BrokerSettings {
  readonly host: string
  readonly port: number
  readonly cert: string
  readonly key: string
  readonly ca: string | undefined
  readonly secret: string
  /** Where sessions, queued and retained messages are kept; undefined: nowhere. */
  readonly storePath: string | undefined
}

/**
 * Reads JAMEY_BROKER_HOST (127.0.0.1), JAMEY_BROKER_PORT (8883), the PEM files JAMEY_BROKER_CERT,
 * JAMEY_BROKER_KEY and JAMEY_BROKER_CA (optional: who vouches for client certificates), MQTT_JWT_SECRET or
 * MQTT_JWT_SECRET_FILE, and JAMEY_BROKER_STORE: the folder of what outlives the process (`broker` in
 * JAMEY_DATA_DIR), or `none`.
 * Throws `ConfigurationError` with every fault at once.
 */
export async function brokerSettings(env: NodeJS.ProcessEnv, cwd: string): Promise<BrokerSettings> {
  const faults: ConfigurationFault[] = []
  const file = (variable: string, what: string): string => {
    const path = env[variable]
    if (!path) {
      faults.push({ variable, found: 'nothing', expected: `the path of ${what} in PEM` })
      return ''
    }
    try {
      return readFileSync(resolve(cwd, path), 'utf8')
    } catch (error) {
      const found = `${JSON.stringify(path)}, which cannot be read (${(error as NodeJS.ErrnoException).code})`
      faults.push({ variable, found, expected: `the path of ${what} in PEM` })
      return ''
    }
  }
  const settings: BrokerSettings = {
    host: env['JAMEY_BROKER_HOST'] || '127.0.0.1',
    port: portOf(env['JAMEY_BROKER_PORT'], faults),
    cert: file('JAMEY_BROKER_CERT', "the server's certificate"),
    key: file('JAMEY_BROKER_KEY', "the server's private key"),
    ca: env['JAMEY_BROKER_CA'] ? file('JAMEY_BROKER_CA', "the clients' authority") : undefined,
    secret: await secretOf(env, cwd, faults),
    storePath: storePathOf(env, cwd),
  }
  if (faults.length > 0) throw new ConfigurationError(faults)
  return settings
}

function storePathOf(env: NodeJS.ProcessEnv, cwd: string): string | undefined {
  const path = env['JAMEY_BROKER_STORE'] || join(env['JAMEY_DATA_DIR'] || '.jamey/data', 'broker')
  return path === 'none' ? undefined : resolve(cwd, path)
}

function portOf(text: string | undefined, faults: ConfigurationFault[]): number {
  if (!text) return DEFAULT_BROKER_PORT
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text)
  faults.push({
    variable: 'JAMEY_BROKER_PORT',
    found: JSON.stringify(text),
    expected: 'a port from 0 to 65535',
  })
  return DEFAULT_BROKER_PORT
}

async function secretOf(env: NodeJS.ProcessEnv, cwd: string, faults: ConfigurationFault[]): Promise<string> {
  const { MQTT_JWT_SECRET: text, MQTT_JWT_SECRET_FILE: path } = env
  if (path && text) {
    const expected = 'one of MQTT_JWT_SECRET and MQTT_JWT_SECRET_FILE only'
    faults.push({ variable: 'MQTT_JWT_SECRET_FILE', found: 'both', expected })
  }
  if (path) return readTokenSecretFile(resolve(cwd, path))
  const expected = `the secret that signs tokens, at least ${MINIMUM_SECRET_BYTES} bytes (or MQTT_JWT_SECRET_FILE)`
  if (!text) faults.push({ variable: 'MQTT_JWT_SECRET', found: 'nothing', expected })
  else if (Buffer.byteLength(text) < MINIMUM_SECRET_BYTES) {
    // The length is told, the secret never.
    faults.push({ variable: 'MQTT_JWT_SECRET', found: `${Buffer.byteLength(text)} bytes`, expected })
  }
  return text ?? ''
}
