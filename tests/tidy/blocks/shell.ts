/** The words of each simple command of a shell script, quotes taken off; those within `$( )` among them. */
export function commandsIn(script: string): string[][] {
  return new Script(script).commands()
}

const KEYWORDS = new Set(['do', 'then', 'else', 'if', 'while', '{', '!', 'time'])

class Script {
  readonly #text: string
  #at = 0
  readonly #commands: string[][] = []
  #words: string[] = []
  #word: string | undefined
  #isRedirect = false

  constructor(text: string) {
    this.#text = text.replace(/\\\n/g, ' ')
  }

  commands(): string[][] {
    while (this.#at < this.#text.length) this.#next()
    this.#endCommand()
    return this.#commands
  }

  #next(): void {
    const sign = this.#text[this.#at] ?? ''
    if (sign === '#' && this.#word === undefined) this.#at = this.#find('\n')
    else if (/[ \t]/.test(sign)) this.#take(() => this.#endWord())
    else if (/[\n;|&()]/.test(sign)) this.#take(() => this.#endCommand())
    else if (/[<>]/.test(sign)) this.#redirect()
    else if (sign === "'") this.#quoted("'")
    else if (sign === '"') this.#quoted('"')
    else if (this.#text.startsWith('$(', this.#at)) this.#substitution()
    else {
      this.#word = (this.#word ?? '') + sign
      this.#at++
    }
  }

  #take(action: () => void): void {
    this.#at++
    action()
  }

  #find(sign: string, from = this.#at): number {
    const found = this.#text.indexOf(sign, from)
    return found === -1 ? this.#text.length : found
  }

  #quoted(quote: string): void {
    let end = this.#at + 1
    while (end < this.#text.length && this.#text[end] !== quote) {
      if (quote === '"' && this.#text[end] === '\\') end++
      end++
    }
    const inner = this.#text.slice(this.#at + 1, end)
    if (quote === '"') this.#substituted(inner)
    this.#word = (this.#word ?? '') + (quote === '"' ? inner.replace(/\\(["\\$`])/g, '$1') : inner)
    this.#at = end + 1
  }

  /** Commands within a quoted text or a word. */
  #substituted(text: string): void {
    for (const [, inner = ''] of text.matchAll(/\$\(([^()]*)\)/g)) this.#commands.push(...commandsIn(inner))
  }

  #substitution(): void {
    const end = this.#find(')')
    const inner = this.#text.slice(this.#at + 2, end)
    this.#commands.push(...commandsIn(inner))
    this.#word = `${this.#word ?? ''}$(${inner})`
    this.#at = end + 1
  }

  /** Neither the file nor the number in front of the sign is a word of the command. */
  #redirect(): void {
    if (/^\d$/.test(this.#word ?? '')) this.#word = undefined
    this.#endWord()
    while (/[<>&]/.test(this.#text[this.#at] ?? '')) this.#at++
    this.#isRedirect = true
  }

  #endWord(): void {
    if (this.#word === undefined) return
    if (this.#isRedirect) this.#isRedirect = false
    else this.#words.push(this.#word)
    this.#word = undefined
  }

  #endCommand(): void {
    this.#endWord()
    this.#isRedirect = false
    const words = [...this.#words]
    while (words.length > 0 && (KEYWORDS.has(words[0] ?? '') || /^\w+=/.test(words[0] ?? ''))) words.shift()
    if (words.length > 0) this.#commands.push(words)
    this.#words = []
  }
}
