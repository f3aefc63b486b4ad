import { codeOf, readSmallFile, writeWhole } from '../files/private-file.js'
import { clientIdentifierFault, quote } from '../support/client-identifier.js'
import { DenyListError } from '../support/errors.js'
import { normalSerialNumber } from './revocation-list.js'

/** The facts by which a denial knows whom it is about. */
export const DENIAL_KINDS = ['sub', 'jti', 'certificate_serial'] as const
export type DenialKind = (typeof DENIAL_KINDS)[number]

/** More denials than anybody looks after by hand; who has to deny more takes the key away. */
const MAXIMUM_DENIALS = 10_000
const MAXIMUM_BYTES = 4 * 1024 * 1024
const MAXIMUM_CHARACTERS = 256

export interface Denial {
  readonly kind: DenialKind
  readonly value: string
  /** Milliseconds since 1970; undefined: until somebody takes it out. */
  readonly untilMs: number | undefined
  readonly reason: string | undefined
}

/** The facts that a client shows of itself. */
export interface Shown {
  readonly sub: string
  readonly jti?: string | undefined
  /** The number in the form of `normalSerialNumber`. */
  readonly certificateSerial?: string | undefined
}

/** A list of those who may not come in, whatever else they show. An entry that has passed its time denies nothing. */
export class DenyList {
  readonly denials: readonly Denial[]
  readonly #byName: ReadonlyMap<string, Denial>

  constructor(denials: readonly Denial[] = []) {
    this.denials = denials
    this.#byName = new Map(denials.map((denial) => [nameOf(denial.kind, denial.value), denial]))
  }

  /** `nowMs`: since 1970. */
  denialOf({ sub, jti, certificateSerial }: Shown, nowMs: number): Denial | undefined {
    if (this.#byName.size === 0) return undefined
    return (
      this.#inForce('sub', sub, nowMs) ??
      this.#inForce('jti', jti, nowMs) ??
      this.#inForce('certificate_serial', certificateSerial, nowMs)
    )
  }

  #inForce(kind: DenialKind, value: string | undefined, nowMs: number): Denial | undefined {
    if (value === undefined) return undefined
    const denial = this.#byName.get(nameOf(kind, value))
    return denial !== undefined && isInForce(denial, nowMs) ? denial : undefined
  }
}

export function isInForce({ untilMs }: Denial, nowMs: number): boolean {
  return untilMs === undefined || untilMs > nowMs
}

/** The list in the file at `path`; empty where there is none. Throws `DenyListError` that names file, entry and field. */
export async function readDenyListFile(path: string): Promise<DenyList> {
  const finding = await readSmallFile(path, { isSecret: false, maximumBytes: MAXIMUM_BYTES })
  if (finding.status === 'missing') return new DenyList()
  if (finding.status !== 'read') {
    const fault = finding.status === 'unreadable' ? finding.fault : 'it is open to others'
    throw new DenyListError('deny-list-unreadable', `the deny list ${path} cannot be read: ${fault}`)
  }
  try {
    return new DenyList(denialsIn(finding.text))
  } catch (error) {
    if (!(error instanceof DenyListError)) throw error
    throw new DenyListError(error.code, `the deny list ${path}: ${error.message}`)
  }
}

/** Writes the file whole or not at all, without what is not in force any more. Throws `DenyListError`. */
export async function writeDenyListFile(
  path: string,
  denials: readonly Denial[],
  nowMs: number,
): Promise<void> {
  const left = denials.filter((denial) => isInForce(denial, nowMs))
  if (left.length > MAXIMUM_DENIALS) {
    throw new DenyListError(
      'deny-list-full',
      `the deny list would have ${left.length} entries; expected at most ${MAXIMUM_DENIALS}`,
    )
  }
  const entries = left.map(({ kind, value, untilMs, reason }) => ({
    [kind]: value,
    ...(untilMs === undefined ? {} : { until: new Date(untilMs).toISOString() }),
    ...(reason === undefined ? {} : { reason }),
  }))
  const lines = entries.map((entry) => `  ${JSON.stringify(entry)}`)
  try {
    // The mode lets others read: the user who runs the broker may be another than the one who denies, and no secret is
    // in it.
    await writeWhole(path, `[\n${lines.join(',\n')}\n]\n`, { mode: 0o644 })
  } catch (error) {
    throw new DenyListError(
      'deny-list-unreadable',
      `the deny list ${path} cannot be written: ${codeOf(error)}`,
    )
  }
}

/** Throws `DenyListError` for a value that can name nobody. */
export function denialOf(
  kind: DenialKind,
  value: string,
  more: Partial<Pick<Denial, 'untilMs' | 'reason'>> = {},
): Denial {
  const normal = kind === 'certificate_serial' ? normalSerialNumber(value) : value
  const fault =
    kind === 'sub'
      ? clientIdentifierFault(value)
      : normal === undefined || normal === '' || normal.length > MAXIMUM_CHARACTERS
        ? 'cannot be one'
        : undefined
  if (fault !== undefined || normal === undefined) {
    throw new DenyListError(
      'deny-list-damaged',
      `${kind} ${quote(value)} ${fault}; expected ${EXPECTED[kind]}`,
    )
  }
  return { kind, value: normal, untilMs: more.untilMs, reason: more.reason }
}

const EXPECTED: Readonly<Record<DenialKind, string>> = {
  sub: 'a client identifier',
  jti: `the jti of a token, 1 to ${MAXIMUM_CHARACTERS} characters`,
  certificate_serial: 'hexadecimal digits, as openssl x509 -serial shows them',
}

function denialsIn(text: string): Denial[] {
  let entries: unknown
  try {
    entries = JSON.parse(text)
  } catch {
    // Falls through.
  }
  if (!Array.isArray(entries)) {
    throw new DenyListError('deny-list-damaged', 'found no list; expected JSON such as [{"sub": "robot-7"}]')
  }
  if (entries.length > MAXIMUM_DENIALS) {
    throw new DenyListError(
      'deny-list-full',
      `found ${entries.length} entries; expected at most ${MAXIMUM_DENIALS}`,
    )
  }
  return entries.map((entry: unknown, i) => readEntry(entry, `[${i}]`))
}

function readEntry(entry: unknown, where: string): Denial {
  const fault = (field: string, found: string, expected: string): DenyListError =>
    new DenyListError('deny-list-damaged', `${where}${field}: found ${found}; expected ${expected}`)
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) {
    throw fault('', 'something else', 'an object with sub, jti or certificate_serial')
  }
  const { until, reason, ...rest } = entry as Record<string, unknown>
  const [[kind, value] = [], ...others] = Object.entries(rest)
  // A misspelt kind would deny nobody.
  if (!isKind(kind) || others.length > 0) {
    const found = Object.keys(rest).slice(0, 4).map(quote).join(', ') || 'nothing'
    throw fault('', found, `one of ${DENIAL_KINDS.join(', ')}, and perhaps until and reason`)
  }
  if (typeof value !== 'string') throw fault(`.${kind}`, typeof value, EXPECTED[kind])
  const untilMs =
    typeof until === 'string' && /^\d{4}-\d\d-\d\dT.*(Z|[+-]\d\d:\d\d)$/.test(until)
      ? Date.parse(until)
      : Number.NaN
  if (until !== undefined && Number.isNaN(untilMs)) {
    throw fault('.until', JSON.stringify(until).slice(0, 80), 'a time such as 2026-05-31T14:00:00Z')
  }
  if (reason !== undefined && typeof reason !== 'string') throw fault('.reason', typeof reason, 'a text')
  try {
    return denialOf(kind, value, { untilMs: until === undefined ? undefined : untilMs, reason })
  } catch (error) {
    if (!(error instanceof DenyListError)) throw error
    throw new DenyListError(error.code, `${where}: ${error.message}`)
  }
}

function isKind(text: string | undefined): text is DenialKind {
  return DENIAL_KINDS.some((kind) => kind === text)
}

function nameOf(kind: DenialKind, value: string): string {
  return `${kind} ${value}`
}
