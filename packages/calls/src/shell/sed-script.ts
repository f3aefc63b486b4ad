import { type Argument, HELD, isFilled } from './words.js'

const LONGEST_SCRIPT = 10_000
/** `-e SCRIPT`, alone or with other letters before it; what stands behind it in the same word is the script. */
const SCRIPT_OPTION = /^-[a-dgj-zA-HJ-Z]*e([\s\S]*)$/
const LONG_SCRIPT_OPTION = /^--e\w*(?:=([\s\S]*))?$/
/** Options whose value is another word. */
const VALUED = /^(?:-l|-f|--fi\w*|--line-length)$/
/** Of `-i` and `--in-place`: the end that the names of copies have, or with a folder in it where they lie. */
const COPIES = /^(?:-[a-dgj-zA-HJ-Z]*i|--i[\w-]*=)([\s\S]+)$/
const INPUT = /^\/dev\/stdin$/
/** A file that is written, or read, where it lies elsewhere or is a secret. */
const PRINTED = /^\/dev\/std(?:out|err)$/
const BELOW = /^(?![/~])(?!.*(?:\.\.|\.env|\.ssh|\.pem|\.key)).+$/

/** What stands behind commands that do no more than print: nothing, a comment, a text, a label, a number. */
const FORMS: readonly (readonly [RegExp, RegExp])[] = [
  [/[{}=dDgGhHnNpPxzF]/, /(?:)/y],
  [/#/, /[^\n]*/y],
  [/[aic]/, /(?:\\[\s\S]|[^\n\\])*\\?/y],
  [/[:btT]/, /[ \t]*[^\s;}]*/y],
  [/[lqQL]/, /[ \t]*[\d\uE000]*/y],
]

/**
 * Whether the script that sed is given among its words runs programs, writes files or reads others than it is given;
 * so does one that cannot be read.
 */
export function sedActs(args: readonly Argument[]): boolean {
  return scriptsOf(args).some(
    (script) => isFilled(script) || (script.isDynamic ? mayAct(script.text) : acts(script.text)),
  )
}

/** Files that its script reads, and copies that it makes elsewhere of what it edits. */
export function sedFiles(args: readonly Argument[]): { reads: Argument[]; writes: Argument[] } {
  const reads = scriptsOf(args).flatMap(({ text, isDynamic }) =>
    filesRead(isDynamic ? held(text) : text).map((name) => ({
      text: name.replaceAll(HELD, '$'),
      isDynamic: name.includes(HELD),
    })),
  )
  const writes = args.flatMap(({ text, isDynamic }) => {
    const end = COPIES.exec(text)?.[1] ?? ''
    return end.includes('/') || (isDynamic && end !== '') ? [{ text: end, isDynamic }] : []
  })
  return { reads, writes }
}

function filesRead(script: string): readonly string[] {
  if (script.length > LONGEST_SCRIPT) return []
  return [true, false].flatMap((hasLists) => {
    const one = new SedScript(script, hasLists)
    one.read()
    return one.reads
  })
}

/** The first operand, or the second one, where another sed than GNU's takes the first for the value of `-i`. */
function scriptsOf(args: readonly Argument[]): readonly Argument[] {
  const given: Argument[] = []
  const operands: Argument[] = []
  for (let i = 0; i < args.length; i++) {
    const argument = args[i] as Argument
    const { text, isDynamic } = argument
    const found = SCRIPT_OPTION.exec(text) ?? LONG_SCRIPT_OPTION.exec(text)
    if (found !== null) {
      const joined = found[1] ?? ''
      const script = joined === '' ? args[++i] : { text: joined, isDynamic }
      if (script !== undefined) given.push(script)
    } else if (VALUED.test(text)) i++
    else if (text === '' || !text.startsWith('-')) operands.push(argument)
  }
  if (given.length > 0)
    return [{ text: given.map(({ text }) => text).join('\n'), isDynamic: false }, ...given]
  const isSuffixed = /^(?:|\.\w+)$/.test(operands[0]?.text ?? 'script')
  return isSuffixed ? operands.slice(1, 2) : operands.slice(0, 1)
}

/** Variables of a shell stand in it, and may be anything that its other parts leave room for. */
function mayAct(script: string): boolean {
  return acts(held(script))
}

function held(script: string): string {
  return script.replace(/\$\(\([^()]*\)\)|\$\{?\w+\}?|\$\([^)]*\)|`[^`]*`/g, HELD)
}

/** In GNU's sed a list of letters may hold what parts a command, `s/[/]/x/`; in others it may not. */
function acts(script: string): boolean {
  if (script.length > LONGEST_SCRIPT) return true
  const found = new SedScript(script, true).read()
  return found !== 'prints' || (script.includes('[') && new SedScript(script, false).read() === 'acts')
}

/** Reads a script of sed from its first command to its last. */
class SedScript {
  /** The files that were named so far. */
  readonly reads: string[] = []
  readonly #text: string
  readonly #hasLists: boolean
  #at = 0

  constructor(text: string, hasLists: boolean) {
    this.#text = text
    this.#hasLists = hasLists
  }

  /** What it does beside printing lines; `unreadable` where it is no script that is known. */
  read(): 'prints' | 'acts' | 'unreadable' {
    for (;;) {
      this.#take(/[\s;]*/y)
      if (this.#at >= this.#text.length) return 'prints'
      if (!this.#takeAddresses()) return 'unreadable'
      const found = this.#command()
      if (found !== 'prints') return found
    }
  }

  #command(): 'prints' | 'acts' | 'unreadable' {
    const name = this.#text[this.#at++] ?? ''
    if (/[sy]/.test(name)) return this.#substitution(name)
    if (/[rR]/.test(name)) return this.#file()
    if (/[wW]/.test(name)) return PRINTED.test(this.#fileName()) ? 'prints' : 'acts'
    if (name === 'e') return 'acts'
    const rest = FORMS.find(([names]) => names.test(name))?.[1]
    if (rest === undefined) return 'unreadable'
    this.#take(rest)
    return 'prints'
  }

  #file(): 'prints' | 'acts' {
    const name = this.#fileName()
    if (name !== '' && !INPUT.test(name)) this.reads.push(name)
    return BELOW.test(name) || INPUT.test(name) ? 'prints' : 'acts'
  }

  #fileName(): string {
    return this.#take(/[^\n]*/y)?.trim() ?? ''
  }

  /** With whatever stands between its parts, and its flags. */
  #substitution(name: string): 'prints' | 'acts' | 'unreadable' {
    const mark = this.#text[this.#at++] ?? '\n'
    if (/[\n\\]/.test(mark)) return 'unreadable'
    const isPattern = name === 's'
    if (!this.#takePart(mark, isPattern) || !this.#takePart(mark, false)) return 'unreadable'
    if (name === 'y') return 'prints'
    this.#take(/[gpiImM\d]*/y)
    const next = this.#text[this.#at]
    if (next === 'w') {
      this.#at++
      return PRINTED.test(this.#fileName()) ? 'prints' : 'acts'
    }
    if (next === 'e') return 'acts'
    return next === undefined || /[\s;}#]/.test(next) ? 'prints' : 'unreadable'
  }

  /** To behind the mark that ends it. */
  #takePart(mark: string, isPattern: boolean): boolean {
    for (; this.#at < this.#text.length; this.#at++) {
      const letter = this.#text[this.#at]
      if (letter === mark) {
        this.#at++
        return true
      }
      if (letter === '\\') this.#at++
      else if (isPattern && this.#hasLists && letter === '[') this.#takeList()
    }
    return false
  }

  /** To the bracket that ends a list of letters; the first one in it is a letter. */
  #takeList(): void {
    const from = this.#at
    const found = this.#take(/\[\^?\]?(?:\[[:.=][^\n\]]*[:.=]\]|[^\]\n])*/y)
    if (found === undefined || this.#text[this.#at] !== ']') this.#at = from
  }

  /** `1,5`, `$!`, `/a/,+3`, `\,a,I`. */
  #takeAddresses(): boolean {
    for (;;) {
      const before = this.#at
      if (this.#take(/[\d\uE000]+(?:~[\d\uE000]+)?|\$|[+~][\d\uE000]+/y) === undefined) {
        const mark = this.#take(/\/|\\[^\n]/y)
        if (mark !== undefined && !this.#takePart(mark.at(-1) as string, true)) return false
        if (mark !== undefined) this.#take(/[IM]*/y)
      }
      this.#take(/[ \t]*,?[ \t]*/y)
      if (this.#at === before) break
    }
    this.#take(/[ \t!]*/y)
    return true
  }

  /** What stands next and is of this form, and goes on behind it. */
  #take(form: RegExp): string | undefined {
    form.lastIndex = this.#at
    const found = form.exec(this.#text)?.[0]
    if (found === undefined) return undefined
    this.#at += found.length
    return found
  }
}
