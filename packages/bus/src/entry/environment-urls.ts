import type { BusConfig } from '../model/config.js'
import { type EnvironmentReader, quote } from './environment-reader.js'

const DEFAULT_URL = 'mqtt://localhost'
const PLAINTEXT_PORT = 1883
const TLS_PORT = 8883

/** One URL, or several with commas between them; each gets the port of `MQTT_PORT` unless it has its own. */
export function readUrls(
  reader: EnvironmentReader,
  insecure: boolean,
): Pick<BusConfig, 'urlOrder'> & { url: readonly string[] } {
  const urlOrder =
    reader.choice('MQTT_BROKER_URL_ORDER', { listed: 'listed', random: 'random' } as const) ?? 'listed'
  const port = reader.integer('MQTT_PORT', { unit: '(a port)', minimum: 1, maximum: 65_535 })
  const texts = (reader.text('MQTT_BROKER_URL') ?? DEFAULT_URL).split(',').map((text) => text.trim())
  return { url: texts.map((text) => readUrl(reader, text, port, insecure)), urlOrder }
}

function readUrl(
  reader: EnvironmentReader,
  text: string,
  port: number | undefined,
  insecure: boolean,
): string {
  const variable = 'MQTT_BROKER_URL'
  const expected =
    'mqtt://host or mqtts://host, with or without :port, or mqtts+srv://name, several with commas between them'
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.username || url?.password) {
    const found = `a URL with user name or password (${url.protocol}//***@${url.host})`
    return reader.fault(variable, found, `${expected}; the client logs in with its token`) ?? ''
  }
  const isScheme = /^mqtts?(\+srv)?:$/.test(url?.protocol ?? '')
  if (
    url === undefined ||
    !isScheme ||
    url.hostname === '' ||
    !/^\/?$/.test(url.pathname + url.search + url.hash)
  ) {
    // The text before an @, and a query, may hold a password, which may have a comma in it.
    const found = /[@?]/.test(reader.text(variable) ?? '') ? 'something else (not shown)' : quote(text)
    return reader.fault(variable, found, expected) ?? ''
  }
  if (url.protocol.endsWith('+srv:')) {
    if (url.port === '') return `${url.protocol}//${url.hostname}`
    return (
      reader.fault(variable, quote(text), 'mqtts+srv://name without a port, which the records have') ?? ''
    )
  }
  if (url.port !== '' && port !== undefined && Number(url.port) !== port) {
    reader.fault('MQTT_PORT', String(port), `${url.port}, as in MQTT_BROKER_URL, or nothing`)
  }
  const isPlaintext = insecure && url.protocol === 'mqtt:'
  const defaultPort = isPlaintext ? PLAINTEXT_PORT : TLS_PORT
  return `${url.protocol}//${url.hostname}:${url.port || port || defaultPort}`
}
