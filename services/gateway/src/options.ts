import { MINIMUM_SECRET_BYTES, type Secret } from '@jamey/auth'
import { type Bus, ConfigurationError, type ConfigurationFault } from '@jamey/bus'
import type { Logger } from 'pino'
import type { CallLimit } from './edge.js'

export const DEFAULT_HTTP_HOST = '127.0.0.1'
export const DEFAULT_HTTP_PORT = 8080
/** Generous, since it only has to stop what runs wild: 500 calls a second. */
export const DEFAULT_CALLS_PER_MINUTE = 30_000

/** What the gateway needs of a bus. */
export type GatewayBus = Pick<Bus, 'request' | 'serve' | 'state' | 'onState' | 'faults'>

/** Everything but what must be given by whoever starts it: a connected bus and a log. */
export interface GatewaySettings {
  /** '127.0.0.1' by default. */
  readonly host?: string
  /** 8080 by default; 0 takes any free one. */
  readonly port?: number
  /** What callers' tokens are signed with, one of several where it is being replaced; without it no token is accepted. */
  readonly tokenSecret?: Secret | readonly Secret[]
  /** Whether callers on this machine need a token too; false by default. */
  readonly requireToken?: boolean
  /** 30000 calls a minute for each caller by default; false turns it off. */
  readonly callLimit?: CallLimit | false
  /** The proxies whose X-Forwarded-For is believed, as addresses or networks; none by default. */
  readonly trustProxy?: boolean | readonly string[]
}

export interface GatewayOptions extends GatewaySettings {
  readonly bus: GatewayBus
  /** Silent by default. */
  readonly log?: Logger
  /** Milliseconds since 1970; the system's clock by default. */
  readonly now?: () => number
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Reads JAMEY_HTTP_HOST, JAMEY_HTTP_PORT, JAMEY_HTTP_REQUIRE_TOKEN, JAMEY_HTTP_CALLS_PER_MINUTE (0: no limit),
 * JAMEY_HTTP_TRUST_PROXY (addresses, separated by commas) and MQTT_JWT_SECRET. Throws `ConfigurationError` with every
 * fault at once.
 */
export function gatewayOptionsFromEnvironment(env: Environment = process.env): GatewaySettings {
  const faults: ConfigurationFault[] = []
  const read = <T>(
    variable: string,
    expected: string,
    parse: (text: string) => T | undefined,
  ): T | undefined => {
    const text = env[variable]?.trim()
    if (text === undefined || text === '') return undefined
    const value = parse(text)
    if (value === undefined) faults.push({ variable, expected, found: JSON.stringify(text) })
    return value
  }
  const host = read('JAMEY_HTTP_HOST', 'a host name or an IP address', hostOf)
  const port = read('JAMEY_HTTP_PORT', 'a port from 0 to 65535', (text) => integerOf(text, 65_535))
  const requireToken = read('JAMEY_HTTP_REQUIRE_TOKEN', '1 or 0', switchOf)
  const calls = read('JAMEY_HTTP_CALLS_PER_MINUTE', 'a whole number, or 0 for no limit', (text) =>
    integerOf(text, 1_000_000_000),
  )
  const trustProxy = read('JAMEY_HTTP_TRUST_PROXY', 'addresses or networks, separated by commas', addressesOf)
  const tokenSecret = env['MQTT_JWT_SECRET']
  if (
    tokenSecret !== undefined &&
    tokenSecret !== '' &&
    Buffer.byteLength(tokenSecret) < MINIMUM_SECRET_BYTES
  ) {
    const found = `one of ${Buffer.byteLength(tokenSecret)} bytes`
    faults.push({
      variable: 'MQTT_JWT_SECRET',
      expected: `a secret of at least ${MINIMUM_SECRET_BYTES} bytes`,
      found,
    })
  }
  if (faults.length > 0) throw new ConfigurationError(faults)
  return {
    ...(host === undefined ? {} : { host }),
    ...(port === undefined ? {} : { port }),
    ...(requireToken === undefined ? {} : { requireToken }),
    ...(calls === undefined ? {} : { callLimit: calls === 0 ? false : { calls, windowMs: 60_000 } }),
    ...(trustProxy === undefined ? {} : { trustProxy }),
    ...(tokenSecret === undefined || tokenSecret === '' ? {} : { tokenSecret }),
  }
}

function hostOf(text: string): string | undefined {
  return /^[\w.:-]+$/.test(text) ? text : undefined
}

function integerOf(text: string, maximum: number): number | undefined {
  return /^\d{1,10}$/.test(text) && Number(text) <= maximum ? Number(text) : undefined
}

function switchOf(text: string): boolean | undefined {
  if (/^(1|true|yes|on)$/i.test(text)) return true
  return /^(0|false|no|off)$/i.test(text) ? false : undefined
}

function addressesOf(text: string): string[] | undefined {
  const addresses = text.split(',').map((address) => address.trim())
  return addresses.every((address) =>
    /^[\da-fA-F.:]+(\/\d{1,3})?$|^(loopback|linklocal|uniquelocal)$/.test(address),
  )
    ? addresses
    : undefined
}
