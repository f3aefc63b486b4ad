import type { SrvRecord } from 'node:dns'
import { resolveSrv } from 'node:dns/promises'
import { ConnectionError } from '../model/errors.js'
import type { Endpoint } from '../model/transport.js'
import { adoptCredentials, bracketed, readUrl } from './endpoint.js'

export type ResolveSrv = (name: string) => Promise<readonly SrvRecord[]>

const SUFFIX = '+srv'
/** Names of services registered with IANA. */
const SERVICES: Readonly<Record<string, string>> = { mqtt: '_mqtt._tcp', mqtts: '_secure-mqtt._tcp' }
/** Number of servers of one name that are tried. */
const MAXIMUM_SERVERS = 64

export function isSrvUrl(url: string): boolean {
  return /^[a-z]+\+srv:/i.test(url)
}

/**
 * Reads `mqtts+srv://example.org`: whatever servers the SRV records of `_secure-mqtt._tcp.example.org` name, asked for
 * with each attempt; `mqtt+srv` those of `_mqtt._tcp`. RFC 2782. Without DNSSEC nobody vouches for such a record, so a
 * server has to lie at the name itself or below it, and each shows a certificate for its own name.
 *
 * Throws `ConnectionError` 'invalid-argument' where the URL has another scheme, a port or a path.
 */
export function readSrvUrl(
  text: string,
  resolve: ResolveSrv = resolveSrv,
  random: () => number = Math.random,
): Endpoint {
  const plain = readUrl(text.replace(/^([a-z]+)\+srv:/i, '$1:'))
  const { scheme, host } = plain
  const service = SERVICES[scheme]
  const href = `${scheme}${SUFFIX}://${host}`
  if (service === undefined || /:\d+\/?$|\/\/.*\/.|\?/.test(text)) {
    throw new ConnectionError(
      'invalid-argument',
      `url is ${href} with more; expected mqtts+srv://name or mqtt+srv://name alone, as the records have the ports`,
    )
  }
  const servers = async (): Promise<readonly Endpoint[]> => {
    const records = await found(`${service}.${host}`, resolve)
    const ours = records.filter(({ name }) => isWithin(name, host))
    if (ours.length === 0) throw noServer(`${service}.${host}`, host, records)
    return inOrder(ours, random)
      .slice(0, MAXIMUM_SERVERS)
      .map(({ name, port }) =>
        adoptCredentials(readUrl(`${scheme}://${bracketed(bare(name))}:${port}`), plain),
      )
  }
  return adoptCredentials({ ...plain, href, servers }, plain)
}

async function found(question: string, resolve: ResolveSrv): Promise<readonly SrvRecord[]> {
  try {
    return await resolve(question)
  } catch (cause) {
    const reason = (cause as Error).message
    throw new ConnectionError('unreachable', `no SRV record of ${question}: ${reason}`, {
      cause,
      retryable: true,
    })
  }
}

function noServer(question: string, host: string, records: readonly SrvRecord[]): ConnectionError {
  const names = records.map(({ name }) => name || '.').join(', ')
  const message = `the SRV records of ${question} name ${names || 'nothing'}; expected servers at or below ${host}`
  return new ConnectionError('unreachable', message, { retryable: true })
}

function bare(name: string): string {
  return name.replace(/\.$/, '').toLowerCase()
}

function isWithin(name: string, host: string): boolean {
  const [server, domain] = [bare(name), bare(host)]
  return server === domain || server.endsWith(`.${domain}`)
}

/** The lowest priority first; among equals by chance, as their weights say. RFC 2782, "Usage rules". */
function inOrder(records: readonly SrvRecord[], random: () => number): SrvRecord[] {
  const left = [...records].sort((a, b) => a.priority - b.priority || a.weight - b.weight)
  const ordered: SrvRecord[] = []
  while (left.length > 0) {
    const equals = left.filter(({ priority }) => priority === left[0]?.priority)
    const total = equals.reduce((sum, { weight }) => sum + weight, 0)
    const mark = random() * total
    let sum = 0
    let chosen = equals[0] as SrvRecord
    for (const one of equals) {
      chosen = one
      sum += one.weight
      if (sum >= mark) break
    }
    ordered.push(chosen)
    left.splice(left.indexOf(chosen), 1)
  }
  return ordered
}
