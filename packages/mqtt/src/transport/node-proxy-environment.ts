import { BlockList, isIP } from 'node:net'
import { type ProxyServer, readProxy } from './node-proxy.js'

type Environment = Readonly<Record<string, string | undefined>>

/** Names and addresses of this machine itself, for which no proxy can answer. */
const LOOPBACK = 'localhost,127.0.0.0/8,::1'

/**
 * What the variables of the environment say, as curl reads them: `https_proxy` for what is TLS, `http_proxy` for what is
 * not, else `all_proxy`, each in small letters before capitals, and none for what `no_proxy` names. `HTTP_PROXY` in
 * capitals is left out: to a CGI program it is a header of its caller's. Throws `ConnectionError` 'invalid-argument'.
 */
export function proxyOfEnvironment(
  env: Environment,
  host: string,
  port: number,
  isSecure: boolean,
): ProxyServer | undefined {
  const names = isSecure ? ['https_proxy', 'HTTPS_PROXY'] : ['http_proxy']
  const name = [...names, 'all_proxy', 'ALL_PROXY'].find((variable) => env[variable])
  if (name === undefined) return undefined
  const exempt = env['no_proxy'] || env['NO_PROXY'] || ''
  if (isExempt(`${LOOPBACK},${exempt}`, host.toLowerCase(), port)) return undefined
  const text = env[name] ?? ''
  return readProxy(text.includes('://') ? text : `http://${text}`, `variable ${name}`)
}

function isExempt(list: string, host: string, port: number): boolean {
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .some((entry) => entry !== '' && matches(entry, host, port))
}

/** A name stands for all below it, too; an address may be a network; each may name a port. */
function matches(entry: string, host: string, port: number): boolean {
  if (entry === '*') return true
  const [, bracketed, named, only] = /^(?:\[(.*)\]|([^:]*))(?::(\d+))?$/.exec(entry) ?? []
  const name = bracketed ?? named ?? entry
  if (only !== undefined && Number(only) !== port) return false
  const family = isIP(host)
  if (family !== 0) return isWithin(name, host, family === 4 ? 'ipv4' : 'ipv6')
  const domain = name.replace(/^\*?\./, '')
  return domain !== '' && (host === domain || host.endsWith(`.${domain}`))
}

function isWithin(network: string, address: string, family: 'ipv4' | 'ipv6'): boolean {
  const [start = '', length = family === 'ipv4' ? '32' : '128'] = network.split('/')
  if (isIP(start) !== (family === 'ipv4' ? 4 : 6)) return false
  const list = new BlockList()
  try {
    list.addSubnet(start, Number(length), family)
  } catch {
    // No length of a prefix: it names nothing.
    return false
  }
  return list.check(address.replace(/%.*/, ''), family)
}
