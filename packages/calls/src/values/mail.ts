import { getDomain } from 'tldts'

/** An e-mail address that stands in a text. */
export interface MailFact {
  readonly text: string
  /** Lower case. */
  readonly address: string
  readonly host: string
  /** What somebody can register. */
  readonly domain: string
}

const ADDRESSES =
  /[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}/gi

/** By the form of addr-spec (RFC 5322, 3.4.1) without comments and quoted local parts. */
export function addressesIn(text: string): MailFact[] {
  if (!text.includes('@')) return []
  const found = new Map<string, MailFact>()
  for (const [match] of text.matchAll(ADDRESSES)) {
    const address = match.toLowerCase()
    const host = address.slice(address.lastIndexOf('@') + 1)
    found.set(address, { text: match, address, host, domain: getDomain(host) ?? host })
  }
  return [...found.values()]
}
