import type { ConfigurationFault } from '@jamey/bus'
import { DEFAULT_BROKER_PORT } from '../support/host-address.js'
import { DEFAULT_BROKER_HOST } from './defaults.js'
import { isMapping, type Layers } from './settings-layers.js'
import { type SettingPath, waysTo } from './settings-table.js'

/**
 * What settings, each fine by itself, say against each other or leave open. It looks at what was written, so that it is
 * told together with what is not fine by itself.
 */
export function contradictionsIn(layers: Layers): ConfigurationFault[] {
  const faults: ConfigurationFault[] = []
  const fault = (path: SettingPath, found: string, expected: string): void => {
    const isMissing = found === 'nothing'
    faults.push({
      variable: layers.nameOf(path),
      found,
      expected: expected + waysTo(path, isMissing ? undefined : found),
    })
  }
  const listeners = layers.get(['listeners'])
  const list: unknown[] = Array.isArray(listeners) ? listeners : []
  for (const [i, listener] of list.entries()) {
    if (isMapping(listener)) checkListener(layers, i, listener, fault)
  }
  const addresses = list.map((each) => {
    const { host = DEFAULT_BROKER_HOST, port = DEFAULT_BROKER_PORT } = isMapping(each) ? each : {}
    return port === 0 ? Symbol('any free one') : `${host}:${port}`
  })
  for (const [i, address] of addresses.entries()) {
    const first = addresses.indexOf(address)
    if (first === i) continue
    fault(['listeners', i, 'port'], `that of listeners[${first}]`, 'an address and port of its own')
  }
  checkAuthentication(layers, fault)
  const isNamed = layers.get(['shutdown', 'serverReference']) !== undefined
  if (isNamed && layers.get(['shutdown', 'reason']) === 'shutting-down') {
    fault(
      ['shutdown', 'reason'],
      '"shutting-down"',
      'use-another-server or server-moved beside a serverReference',
    )
  }
  return faults
}

type Fault = (path: SettingPath, found: string, expected: string) => void

function checkListener(layers: Layers, i: number, listener: Record<string, unknown>, fault: Fault): void {
  const { tls, insecure } = listener
  const path = ['listeners', i, 'tls'] as const
  if (tls === undefined && insecure !== true) {
    const way =
      i === 0 ? '; or say --insecure, for tests' : '; or insecure: true, to serve without encryption'
    for (const [name, what] of [
      ['cert', 'certificate'],
      ['key', 'private key'],
    ] as const) {
      fault([...path, name], 'nothing', `the path of the server's ${what} in PEM${way}`)
    }
  }
  if (tls !== undefined && insecure === true) {
    fault(['listeners', i, 'insecure'], 'true, beside tls', 'one of the two')
  }
  const asks = isMapping(tls) ? tls['clientCertificate'] : undefined
  const isAsked = asks === 'optional' || asks === 'required'
  const isVouched = isMapping(tls) && tls['ca'] !== undefined
  const isNeeded = layers.get(['authentication', 'method']) === 'certificate'
  if (isNeeded && (!isVouched || asks === 'none')) {
    fault(
      [...path, 'ca'],
      isVouched ? 'clientCertificate: none' : 'nothing',
      `who vouches for client certificates, which authentication.method: certificate goes by`,
    )
  } else if (isAsked && !isVouched) {
    fault([...path, 'ca'], 'nothing', `who vouches for client certificates, with clientCertificate: ${asks}`)
  }
}

function checkAuthentication(layers: Layers, fault: Fault): void {
  const method = layers.get(['authentication', 'method']) ?? 'token'
  const isThere = (field: string): boolean => layers.get(['authentication', field]) !== undefined
  if (isThere('jwksFile') && isThere('jwksUrl')) {
    fault(['authentication', 'jwksUrl'], 'a URL, beside jwksFile', 'one of the two')
  }
  if (isThere('jwksCa') && !isThere('jwksUrl')) {
    fault(['authentication', 'jwksUrl'], 'nothing', 'where the key set is published, beside jwksCa')
  }
  const named = layers.get(['authentication', 'certificateRequiredFor'])
  const listeners = layers.get(['listeners'])
  const isShown = (listener: unknown): boolean => {
    const tls = isMapping(listener) ? listener['tls'] : undefined
    return isMapping(tls) && tls['ca'] !== undefined && tls['clientCertificate'] !== 'none'
  }
  if (Array.isArray(named) && named.length > 0 && Array.isArray(listeners) && !listeners.some(isShown)) {
    const expected = 'nobody, or a listener with tls.ca, for no other asks for certificates'
    fault(['authentication', 'certificateRequiredFor'], 'a list of clients', expected)
  }
  const isVerified = ['tokenSecret', 'tokenSecretFile', 'jwksFile', 'jwksUrl'].some(isThere)
  if (method === 'token' && !isVerified) {
    const expected = 'the file of the secret that signs tokens, MQTT_JWT_SECRET, or jwksFile or jwksUrl'
    fault(['authentication', 'tokenSecretFile'], 'nothing', expected)
  }
  const isBound = (['permissions', 'manifest'] as const).map((field) => layers.get([field]) !== undefined)
  if (method === 'certificate' && !isBound.includes(true)) {
    fault(['permissions'], 'nothing', 'what each client may do, since no token says it; or a manifest')
  }
  if (!isBound.includes(false)) fault(['permissions'], 'a list, beside manifest', 'one of the two')
}
