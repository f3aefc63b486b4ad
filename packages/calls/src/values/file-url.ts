/** RFC 8089: a host may stand in it, and what a URL has behind its path. */
const FILE_URL = /^file:(\/\/[^/?#]*)?([^?#]*)(.*)$/is

/**
 * The texts that programs read a path in where one is given as a `file:` URL: whoever parses it drops its query and has it
 * begin at the root, whoever cuts its beginning off does not, and many never look at its host. Any other text is read as
 * it is.
 */
export function fileUrlReadings(text: string): readonly string[] {
  const [, authority = '', path = '', rest = ''] = FILE_URL.exec(text) ?? []
  const hasHost = authority.length > 2 && !/^\/\/localhost$/i.test(authority)
  const isRooted = path === '' || path.startsWith('/')
  if (!hasHost && isRooted && rest === '') return [text]
  const rooted = `file://${isRooted ? path : `/${path}`}`
  return [...new Set([text, `file:${authority}${path}`, `${rooted}${rest}`, rooted])]
}
