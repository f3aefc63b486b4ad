import type { Effect } from '../../model/call.js'
import type { ShellCommand } from '../shell-script.js'
import type { Argument } from '../words.js'

/** How the words of a client are read. */
interface Client {
  /** Letters of options with a value, which stands right behind or in the next word. */
  readonly valued: string
  /** Long options whose value may be the next word. */
  readonly long: readonly string[]
  /** What tells a server more than what is asked for, or has another one asked than is named. */
  readonly sends: readonly string[]
  /** Files and folders that it writes to. */
  readonly outputs: readonly string[]
  /** What says how it is asked. */
  readonly method: readonly string[]
  /** With these it takes the names of files, and what else it asks for, from what it is answered. */
  readonly follows?: RegExp
  /** With these it keeps what it is answered by the last name of the address; and with these it does not. */
  readonly keeps?: RegExp
  readonly unless?: RegExp
}

const CURL: Client = {
  valued: 'AbcCdDeEFHKmoPQrtTuUwxXyYz',
  long: '--user-agent --cookie --cookie-jar --continue-at --dump-header --referer --cert --cert-type --header --max-time --output --output-dir --range --user --write-out --speed-limit --speed-time --time-cond --connect-timeout --retry --retry-delay --retry-max-time --cacert --capath --key --key-type --pass --ciphers --limit-rate --max-filesize --max-redirs --noproxy --proto --proto-redir --stderr --trace --trace-ascii --url --keepalive-time --netrc-file --rate --tls-max --oauth2-bearer --etag-save --etag-compare --expect100-timeout --interface --local-port'.split(
    ' ',
  ),
  sends:
    '-d -F -T -K -x -Q --data --data-ascii --data-raw --data-binary --data-urlencode --form --form-string --upload-file --json --config --proxy --preproxy --proxy-header --socks4 --socks4a --socks5 --socks5-hostname --connect-to --resolve --unix-socket --abstract-unix-socket --quote --mail-from --mail-rcpt --doh-url --dns-servers --ftp-port --url-query --variable --proto-default --remote-header-name'.split(
      ' ',
    ),
  outputs:
    '-o -D -c --output --output-dir --dump-header --cookie-jar --trace --trace-ascii --stderr --etag-save --hsts --alt-svc --libcurl'.split(
      ' ',
    ),
  method: ['-X', '--request'],
  follows: /^(?:-[^-]*J|--remote-h)/,
  keeps: /^(?:-[^-]*O|--remote-n)/,
}
const WGET: Client = {
  valued: 'oaeiBtOTwQPDRAIXUl',
  long: '--output-file --append-output --output-document --tries --timeout --wait --quota --directory-prefix --header --user-agent --referer --user --password --http-user --http-password --level --accept --reject --domains --limit-rate --ca-certificate --certificate --private-key --load-cookies --save-cookies --max-redirect'.split(
    ' ',
  ),
  sends: '-e -i -B --execute --input-file --config --post-data --post-file --body-data --body-file'.split(
    ' ',
  ),
  outputs:
    '-O -o -a -P --output-document --output-file --append-output --directory-prefix --save-cookies --warc-file --hsts-file --rejected-log'.split(
      ' ',
    ),
  method: ['--method'],
  follows: /^(?:-[^-]*[rmHpx]|--(?:rec|mirror|span|page-req|content-d|trust-s|force-d))/,
  keeps: /^/,
  unless: /^(?:-[^-]*O|--output-doc|--spider)/,
}
const HTTPIE: Client = {
  valued: 'oaAsp',
  long: '--output --auth --auth-type --timeout --style --print --pretty --session --session-read-only --verify --cert --cert-key --max-redirects --follow-max'.split(
    ' ',
  ),
  sends: '--raw --proxy --multipart --boundary'.split(' '),
  outputs: ['-o', '--output'],
  method: [],
}
const CLIENTS: ReadonlyMap<string, Client> = new Map([
  ['curl', CURL],
  ['wget', WGET],
  ['http', HTTPIE],
  ['https', HTTPIE],
  ['xh', HTTPIE],
])
const ASKS = /^(?:GET|HEAD|OPTIONS)$/
const HEADER = /^(?:-H|--header)$/
/** Some servers take the method from a header. */
const OVERRIDES = /method-?override/i
/** What is sent by httpie: `name=value`, `name:=value`, `name@file`; of `name==value` and `name:value` only the address and the header. */
const ITEM = /^[^:=@]*(?:=(?!=)|:=|@)|method-?override/i
/** A host, its port, and what is asked for there, as every client reads it. */
const BARE =
  /^(?:(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]*[a-z0-9])?|\[[\da-f:.]+\])(?::\d{1,5})?(?:[/?#][^\\@\s{}[\]]*)?$/i

/** Servers that a client is to ask by their names alone, and what it does more than ask. */
interface Asked {
  /** As links; undefined for one that cannot be read. */
  readonly urls: readonly (string | undefined)[]
  readonly effect: Effect | undefined
  /** Files that it writes what it is answered to, and more. */
  readonly writes: readonly Argument[]
}

/** Undefined for what is no such client. */
export function askedBy({ name, args, input, fed }: ShellCommand): Asked | undefined {
  const client = CLIENTS.get(name)
  if (client === undefined) return undefined
  const { operands, sends, writes } = readWords(client, args)
  if (client !== HTTPIE)
    return { urls: operands.flatMap(bareUrl), effect: sends ? 'send' : undefined, writes }
  const hasMethod = /^[A-Z]+$/.test(operands[0]?.text ?? '')
  const method = hasMethod ? operands[0]?.text : undefined
  const [address, ...items] = operands.slice(hasMethod ? 1 : 0)
  const isSent =
    sends ||
    (method !== undefined && !ASKS.test(method)) ||
    items.some(({ text, isDynamic }) => isDynamic || ITEM.test(text)) ||
    input !== undefined ||
    fed !== undefined
  return { urls: address === undefined ? [] : bareUrl(address), effect: isSent ? 'send' : undefined, writes }
}

/** An address of the web that all clients read alike. What ends a link in a text is no part of its host. */
const WHOLE = /^https?:\/\/(?:\[[\da-f:.]+\])?[^\s\\{}[\]<>"'`^|/?#]*(?:[/?#][^\s\\{}[\]]*)?$/i

/** Of an address without a scheme; those that have one are found wherever they stand. */
function bareUrl({ text, isDynamic }: Argument): (string | undefined)[] {
  // What one reads as a path, another reads as a user before the host; and curl makes several addresses of one.
  if (text.includes('://')) return WHOLE.test(text) ? [] : [undefined]
  const host = text.startsWith(':') ? `localhost${text}` : text
  return [isDynamic || !BARE.test(host) ? undefined : `http://${host}`]
}

function readWords(
  client: Client,
  args: readonly Argument[],
): { operands: readonly Argument[]; sends: boolean; writes: readonly Argument[] } {
  const operands: Argument[] = []
  const writes: Argument[] = []
  const flags: string[] = []
  let sends = false
  for (let i = 0; i < args.length; i++) {
    const word = args[i] as Argument
    if (!word.text.startsWith('-') || word.text === '-') {
      operands.push(word)
      continue
    }
    const option = optionIn(client, word.text)
    flags.push(option.flags)
    const next = option.takesNext ? args[++i] : undefined
    const value = option.value === undefined ? next : { text: option.value, isDynamic: word.isDynamic }
    if (value === undefined) sends ||= client.method.includes(option.name)
    else if (option.name === '--url') operands.push(value)
    else if (client.outputs.includes(option.name) && value.text !== '-') writes.push(value)
    else if (client.method.includes(option.name)) sends ||= !ASKS.test(value.text)
    else if (HEADER.test(option.name)) sends ||= OVERRIDES.test(value.text)
    sends ||= client.sends.includes(option.name)
  }
  const { follows, keeps, unless } = client
  const has = (pattern: RegExp | undefined): boolean => flags.some((flag) => pattern?.test(flag) === true)
  if (has(follows)) sends = true
  // Without any option there are none to look at.
  const isKept = keeps?.test('') === true || has(keeps)
  return {
    operands,
    sends,
    writes: isKept && !has(unless) ? [...writes, ...operands.flatMap(keptAs)] : writes,
  }
}

/** The file in its folder that a client names by an address: `localhost:3000/.mcp.json`. */
function keptAs({ text, isDynamic }: Argument): Argument[] {
  const name = /^[^?#]*\/([^/?#]+)(?:[?#].*)?$/.exec(text.replace(/^\w+:\/\//, ''))?.[1]
  return name === undefined || /^\.{1,2}$/.test(name) ? [] : [{ text: name, isDynamic }]
}

interface Option {
  readonly name: string
  readonly value: string | undefined
  readonly takesNext: boolean
  /** Its letters before one that has a value, or its name. */
  readonly flags: string
}

/** Of letters that stand together, the first that has a value, with which they end. */
function optionIn({ valued, long, sends, outputs, method }: Client, text: string): Option {
  if (text.startsWith('--')) {
    const end = text.indexOf('=')
    const given = end < 0 ? text : text.slice(0, end)
    const known = [...long, ...sends, ...outputs, ...method]
    // Some take the beginning of a name for it.
    const name = known.includes(given) ? given : (known.find((one) => one.startsWith(given)) ?? given)
    return {
      name,
      value: end < 0 ? undefined : text.slice(end + 1),
      takesNext: end < 0 && known.includes(given),
      flags: name,
    }
  }
  const at = [...text].findIndex((letter, i) => i > 0 && valued.includes(letter))
  if (at < 0) return { name: text, value: undefined, takesNext: false, flags: text }
  const value = text.slice(at + 1)
  return {
    name: `-${text[at]}`,
    value: value === '' ? undefined : value,
    takesNext: value === '',
    flags: text.slice(0, at + 1),
  }
}
