/** How the browser came, which decides the name of its cookie. */
export interface CookieFacts {
  /** True where it speaks TLS, be it with a proxy in front. */
  readonly isSecure: boolean
}

/** Number of characters of a cookie that are looked at: far more than ours has, and beside it those of others. */
const MAXIMUM_CHARACTERS = 16_384

/**
 * Browsers take a name with this prefix only over TLS, for the whole host and from this host alone, so that no other
 * page can have put it there. [RFC 6265bis, section 4.1.3.2]
 */
function nameOf({ isSecure }: CookieFacts): string {
  return isSecure ? '__Host-jamey-session' : 'jamey-session'
}

/**
 * The value of our cookie; '' where there are several, of which one comes from somebody else on this host, and undefined
 * where there is none.
 */
export function cookieIn(header: string | undefined, facts: CookieFacts): string | undefined {
  if (header === undefined) return undefined
  const start = `${nameOf(facts)}=`
  const found = header
    .slice(0, MAXIMUM_CHARACTERS)
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(start))
    .map((pair) => pair.slice(start.length))
  return found.length > 1 ? '' : found[0]
}

/** `Set-Cookie` for a session that begins. Pages cannot read it, and no other site has it sent. */
export function sessionCookie(id: string, facts: CookieFacts): string {
  return `${nameOf(facts)}=${id}; ${ATTRIBUTES}${facts.isSecure ? '; Secure' : ''}`
}

/** `Set-Cookie` for one that is over. */
export function clearedCookie(facts: CookieFacts): string {
  return `${sessionCookie('', facts)}; Max-Age=0`
}

const ATTRIBUTES = 'Path=/; HttpOnly; SameSite=Strict'
