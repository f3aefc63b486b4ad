import {
  type Assignment,
  type Command,
  forEachChild,
  type HereDoc,
  type ParsedScript,
  type Pipeline,
  parse,
  type Redirection,
  type SyntaxNode,
} from 'unbash'
import { isLoading } from './loading-variables.js'
import { type Argument, argumentOf } from './words.js'
import { unwrap } from './wrappers.js'

/** A simple command that a script would run. */
export interface ShellCommand {
  /** As it is called, without its folder; empty where only the running shell knows. */
  readonly name: string
  readonly args: readonly Argument[]
  /** What it is run by, from outside: `sudo`, `xargs`, `sh -c`. */
  readonly wrappers: readonly string[]
  /** Where it reads from another command, which one. */
  readonly input: string | undefined
  /** Variables that are set for it alone. */
  readonly variables: readonly string[]
}

/** A file that a script opens itself, or a file descriptor, which is no file. */
export interface ShellRedirect {
  readonly target: Argument
  readonly isWrite: boolean
}

/** What a script would do, or what it would be if the parts that cannot be known were harmless. */
export interface ShellScript {
  readonly commands: readonly ShellCommand[]
  readonly redirects: readonly ShellRedirect[]
  /** Code in other languages that is handed to an interpreter: `python -c`. */
  readonly code: readonly { readonly interpreter: string; readonly text: string }[]
  /** What could not be read, and why. Whoever decides is stricter for each. */
  readonly unread: readonly string[]
}

export const SHELLS: ReadonlySet<string> = new Set(['sh', 'bash', 'dash', 'zsh', 'ksh', 'ash', 'fish'])
/** A substitution that stood in quotes. */
const RUNNABLE = /\$\(|`|\$\{/
/** Those whose words are names of variables, with an index that is evaluated. */
const NAMES_VARIABLES =
  /^(?:let|test|\[|unset|declare|typeset|local|readonly|export|printf|read|mapfile|readarray|wait)$/
const MAXIMUM_CHARACTERS = 100_000
const MAXIMUM_COMMANDS = 2_000
const MAXIMUM_NESTING = 16

/**
 * Every simple command of a script: behind pipes and lists, in functions, subshells and substitutions, in what `sh -c`,
 * `eval`, `sudo`, `env`, `xargs` and the like are given, and in here-documents that a shell reads.
 */
export function readScript(source: string): ShellScript {
  const reader = new ScriptReader()
  reader.read(source, [], 0)
  return reader
}

class ScriptReader implements ShellScript {
  readonly commands: ShellCommand[] = []
  readonly redirects: ShellRedirect[] = []
  readonly code: { interpreter: string; text: string }[] = []
  readonly unread: string[] = []
  readonly #variables = new Map<string, string>()
  readonly #functions = new Set<string>()

  read(source: string, wrappers: readonly string[], depth: number): void {
    if (source.length > MAXIMUM_CHARACTERS) return this.#fail(`a script of ${source.length} characters`)
    if (depth > MAXIMUM_NESTING)
      return this.#fail(`scripts within each other more than ${MAXIMUM_NESTING} times`)
    this.#visit(parse(source), wrappers, depth, undefined)
  }

  #fail(what: string): void {
    if (this.unread.length < 100 && !this.unread.includes(what)) this.unread.push(what)
  }

  #visit(node: SyntaxNode, wrappers: readonly string[], depth: number, input: string | undefined): void {
    if (depth > MAXIMUM_NESTING * 4) return this.#fail('commands within each other too deep')
    if (this.commands.length >= MAXIMUM_COMMANDS) return this.#fail(`more than ${MAXIMUM_COMMANDS} commands`)
    if (node.type === 'Script') this.#checkErrors(node)
    if (node.type === 'Assignment') this.#assign(node)
    if (isRedirection(node)) this.#redirect(node)
    if (node.type === 'Pipeline') return this.#pipe(node, wrappers, depth)
    if (node.type === 'Command') this.#command(node, wrappers, depth, input)
    if (node.type === 'Function') this.#define(node.name.value, depth)
    forEachChild(node, (child) => this.#visit(child, wrappers, depth + 1, undefined))
  }

  #checkErrors(script: ParsedScript): void {
    for (const { message } of script.errors ?? []) this.#fail(`shell: ${message}`)
  }

  #assign({ name, value, append, index }: Assignment): void {
    if (isLoading(name)) this.#fail(`${name} is set, which decides what is run`)
    const isPlain = value.type === 'Word' && append !== true && index === undefined
    const text = isPlain ? argumentOf(value, this.#variables) : undefined
    // Where it is expanded in arithmetic, as a prompt or as the index of a list, the shell runs what stands in it.
    if (text?.isDynamic === false && RUNNABLE.test(text.text))
      this.#fail(`${name} is set to a text that may be run`)
    // Set twice to different texts it may be either where it is used.
    if (text === undefined || text.isDynamic || this.#variables.has(name)) this.#variables.delete(name)
    else this.#variables.set(name, text.text)
  }

  /** What a function does is looked at where it stands; calling it does no more. */
  #define(name: string, depth: number): void {
    if (depth <= MAXIMUM_NESTING * 4) this.#functions.add(name)
  }

  #redirect(redirection: Redirection): void {
    if (redirection.type !== 'Redirect' || redirection.target === undefined) return
    const target = argumentOf(redirection.target, this.#variables)
    if (/^\d+$|^-$/.test(target.text) && redirection.operator.endsWith('&')) return
    this.redirects.push({ target, isWrite: redirection.operator.includes('>') })
  }

  #pipe({ commands, prefixes }: Pipeline, wrappers: readonly string[], depth: number): void {
    for (const prefix of prefixes) this.#visit(prefix, wrappers, depth + 1, undefined)
    let before: string | undefined
    for (const command of commands) {
      const from = this.commands.length
      this.#visit(command, wrappers, depth + 1, before)
      before = this.commands[from]?.name ?? 'a compound command'
    }
  }

  #command(command: Command, wrappers: readonly string[], depth: number, input: string | undefined): void {
    if (command.name === undefined) return
    const words = [command.name, ...command.args].map((word) => (word.type === 'Word' ? word : undefined))
    const all = words.map((word, i) =>
      word === undefined
        ? { text: (command.args[i - 1] as Assignment).text, isDynamic: true }
        : argumentOf(word, this.#variables),
    )
    const variables = command.prefix.flatMap((part) => (part.type === 'Assignment' ? [part.name] : []))
    const documents = command.redirects.filter((part): part is HereDoc => part.type === 'HereDoc')
    this.#run(all, { wrappers, depth, input, variables, documents })
  }

  /** Takes away what only runs another command, and looks at what is run. */
  #run(words: readonly Argument[], by: Running): void {
    const { wrappers, depth, input, variables, documents } = by
    const [first] = words
    if (first === undefined) return
    if (first.isDynamic) this.#fail('a command whose name is known when it runs')
    // `${IFS}` in a name makes several words of one.
    const name = first.isDynamic ? '' : baseName(first.text)
    const args = words.slice(1)
    if (NAMES_VARIABLES.test(name) && args.some(({ text }) => /\[/.test(text) && RUNNABLE.test(text)))
      this.#fail(`${name} runs what stands in the index of a list`)
    // A function that calls itself has no end that could be seen.
    if (this.#functions.has(name))
      return this.#fail(`the function ${name}, which is called with what is not looked into`)
    this.commands.push({ name, args, wrappers, input, variables })
    if (this.commands.length > MAXIMUM_COMMANDS) return this.#fail(`more than ${MAXIMUM_COMMANDS} commands`)
    const inner = unwrap(name, args)
    const within = [...wrappers, name]
    if (within.length > MAXIMUM_NESTING) return this.#fail('commands within each other too deep')
    for (const words of inner.commands) this.#run(words, { ...by, wrappers: within, variables: [] })
    for (const { text, isDynamic } of inner.scripts) {
      if (isDynamic) this.#fail(`what ${name} is given to run is known when it runs`)
      else this.read(text, within, depth + 1)
    }
    for (const { text, isDynamic } of inner.code) {
      if (isDynamic) this.#fail(`what ${name} is given to run is known when it runs`)
      this.code.push({ interpreter: name, text })
    }
    if (inner.readsScript) this.#readInput(name, within, depth, input, documents)
  }

  /** A shell without a script runs what it is handed. */
  #readInput(
    name: string,
    within: readonly string[],
    depth: number,
    input: string | undefined,
    documents: readonly HereDoc[],
  ): void {
    for (const { body } of documents) {
      if (SHELLS.has(name)) this.read(body.text, within, depth + 1)
      else this.code.push({ interpreter: name, text: body.text })
    }
    if (input !== undefined) this.#fail(`${name} runs what ${input} puts out`)
  }
}

interface Running {
  readonly wrappers: readonly string[]
  readonly depth: number
  readonly input: string | undefined
  readonly variables: readonly string[]
  readonly documents: readonly HereDoc[]
}

function isRedirection(node: SyntaxNode): node is Redirection {
  return node.type === 'Redirect' || node.type === 'HereDoc' || node.type === 'HereString'
}

/** A command is found by its name wherever it lies; `\rm` is rm without its alias. */
function baseName(text: string): string {
  return text.slice(text.lastIndexOf('/') + 1)
}
