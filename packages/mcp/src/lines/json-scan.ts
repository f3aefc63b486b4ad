/** Longer tokens than these are no identifiers and no names of methods. */
const MAXIMUM_TOKEN_BYTES = 1_024
/** A double has no more of them; what has more is rounded by whoever reads it as one. */
const SIGNIFICANT_DIGITS = 17

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COLON = 0x3a
const COMMA = 0x2c

/**
 * Looks over JSON without keeping it: how many members its objects have, whether its numbers survive being read as
 * doubles, and the identifier and method of a message that is too large to be kept. It does not check the grammar;
 * of what is no JSON it tells anything.
 */
export class JsonScan {
  /** Of all objects. Whoever parses the same text and finds fewer has lost those whose names stand there twice. */
  members = 0
  /** False where a number, read as a double, is another number: 2^53 + 1 is. */
  isExact = true
  #depth = 0
  #inString = false
  #isEscaped = false
  /** The number that is being read, else empty. */
  #number = ''
  /** The string or value that is being read in the outermost object; undefined where nobody wants it. */
  #token: number[] | undefined
  /** Of the outermost object, whose value is being read. */
  #name: string | undefined
  readonly #outermost = new Map<string, string>()

  write(bytes: Uint8Array): void {
    for (const byte of bytes) {
      if (this.#token !== undefined && this.#token.length < MAXIMUM_TOKEN_BYTES) this.#token.push(byte)
      if (this.#inString) this.#inside(byte)
      else this.#outside(byte)
    }
  }

  /** The value of a member of the outermost object, where it is short and no list or object. */
  member(name: 'id' | 'method'): unknown {
    const text = this.#outermost.get(name)
    if (text === undefined) return undefined
    try {
      return JSON.parse(text) as unknown
    } catch {
      return undefined
    }
  }

  #inside(byte: number): void {
    if (this.#isEscaped) this.#isEscaped = false
    else if (byte === BACKSLASH) this.#isEscaped = true
    else if (byte === QUOTE) this.#inString = false
  }

  #outside(byte: number): void {
    if (isOfNumber(byte, this.#number)) {
      this.#number += String.fromCharCode(byte)
      // Nothing so long is a number that anybody means, and no double is.
      if (this.#number.length > MAXIMUM_TOKEN_BYTES) this.#endNumber()
      return
    }
    if (this.#number !== '') this.#endNumber()
    if (byte === QUOTE) {
      this.#inString = true
      if (this.#depth === 1 && this.#name === undefined) this.#token = [byte]
    } else if (byte === COLON) this.#colon()
    else if (byte === COMMA) this.#endValue()
    else if (byte === 0x7b || byte === 0x5b) this.#depth++
    else if (byte === 0x7d || byte === 0x5d) {
      this.#endValue()
      this.#depth--
    }
  }

  #colon(): void {
    this.members++
    if (this.#depth !== 1) return
    // The colon itself was taken, too.
    this.#name = nameOf(this.#token?.slice(0, -1))
    this.#token = this.#name === 'id' || this.#name === 'method' ? [] : undefined
  }

  #endValue(): void {
    if (this.#depth !== 1) return
    if (this.#name !== undefined && this.#token !== undefined) {
      this.#outermost.set(this.#name, textOf(this.#token.slice(0, -1)))
    }
    this.#name = undefined
    this.#token = undefined
  }

  #endNumber(): void {
    if (!isExactNumber(this.#number)) this.isExact = false
    this.#number = ''
  }
}

function textOf(bytes: readonly number[]): string {
  return Buffer.from(bytes).toString('utf8')
}

function nameOf(token: readonly number[] | undefined): string {
  try {
    return String(JSON.parse(textOf(token ?? [])))
  } catch {
    return ''
  }
}

/** A number begins with a digit or a minus; `e`, `+` and the point only stand within one. */
function isOfNumber(byte: number, before: string): boolean {
  if ((byte >= 0x30 && byte <= 0x39) || byte === 0x2d) return true
  return before !== '' && (byte === 0x2e || byte === 0x65 || byte === 0x45 || byte === 0x2b)
}

function isExactNumber(token: string): boolean {
  const value = Number(token)
  if (!Number.isFinite(value)) return false
  // Nearly all numbers are such. What a program of JavaScript wrote is the double that it had.
  if (token.length <= 15 || String(value) === token) return true
  if (/^-?\d+$/.test(token)) return BigInt(token) === BigInt(value)
  const digits = token.replace(/e.*$/i, '').replace(/\D/g, '').replace(/^0+/, '')
  return digits.length <= SIGNIFICANT_DIGITS
}
