import {
  type ArithmeticFor,
  type Assignment,
  type Command,
  type For,
  type Function as FunctionDefinition,
  forEachChild,
  type ParsedScript,
  type Pipeline,
  parse,
  type Redirect,
  type Select,
  type SyntaxNode,
  type While,
} from 'unbash'
import { MAXIMUM_CHARACTERS, MAXIMUM_COMMANDS, MAXIMUM_NESTING, MAXIMUM_VISITS } from './bounds.js'
import {
  areLast,
  baseName,
  IN_SAME_SHELL,
  isAbsolute,
  LEADING,
  LEAVES,
  putsOutNothing,
  SHELLS,
  SPECIAL_BUILTIN,
} from './builtins.js'
import { anywhere, areSame, type Directory, directoriesFrom, joinDirectories } from './directory.js'
import { emptiedBy, fedWith, hereTexts } from './fed.js'
import { branched, chained, chosen, listed, looped, piped, type Visit } from './flow.js'
import { assigning, exporting, handing, settingsOf, wordOf } from './handed-variables.js'
import { settingIn } from './loading-variables.js'
import { moveOf } from './moves.js'
import { namesBelow, passedOn, readsElsewhere } from './passed-on.js'
import { faultIn, faultInText, faultOf } from './programs/evaluated.js'
import type { Listed } from './programs/found-files.js'
import { type Inner, NOTHING } from './programs/inner.js'
import { onlyShows } from './programs/interpreters.js'
import { type Around, type DefinedFunction, OUTERMOST, type Running, type Trap } from './running.js'
import type { ShellCommand, ShellRedirect, ShellScript } from './shell-script.js'
import {
  afterwards,
  ENDED,
  joinStates,
  loosened,
  type Outcome,
  type ShellState,
  startingIn,
  staying,
} from './shell-state.js'
import { assigned, forgotten, inChild, loosenedBy, namesIn } from './shell-variables.js'
import { type Argument, argumentsOf, targetsOf } from './words.js'
import { unwrap } from './wrappers.js'

const HERE: readonly Directory[] = [{ path: '.', certainty: 'known' }]

/**
 * Every simple command of a script: behind pipes and lists, in functions, subshells and substitutions, in what `sh -c`,
 * `eval`, `sudo`, `env`, `xargs` and the like are given, and in here-documents and here-strings that a shell reads. Each
 * with the folders that it may run in, where the script begins in one of these. `filled`: variables that hold any text.
 */
export function readScript(source: string, directories = HERE, filled: readonly string[] = []): ShellScript {
  const reader = new ScriptReader(directories, filled)
  reader.readAll(source)
  return reader
}

class ScriptReader implements ShellScript {
  readonly commands: ShellCommand[] = []
  readonly redirects: ShellRedirect[] = []
  readonly emptied: ShellRedirect[] = []
  readonly code: { interpreter: string; text: string }[] = []
  readonly unread: string[] = []
  entered: readonly Directory[] = []
  left: readonly Directory[]
  readonly #start: ShellState
  readonly #functions = new Map<string, DefinedFunction>()
  /** Those that are being looked at: one that calls itself has no end that could be seen. */
  readonly #called = new Set<string>()
  /** What `break`, `continue` and `return` leave their loop or function with. */
  readonly #escaped: ShellState[] = []
  readonly #traps: Trap[] = []
  #visits = 0

  constructor(directories: readonly Directory[], filled: readonly string[]) {
    this.#start = startingIn(directories, filled)
    this.left = directories
  }

  readAll(source: string): void {
    const { succeeded, failed } = this.#read(source, OUTERMOST, 0, this.#start)
    const end = joinStates(succeeded, failed)
    const isMoved = end === undefined ? this.entered.length > 0 : end.directories !== this.#start.directories
    if (isMoved) this.left = end?.directories ?? joinDirectories(this.left, this.entered)
    // What is set is still set for the next script of the same shell.
    if (end !== undefined && LEADING.some((name) => end.variables.has(name)))
      this.left = joinDirectories(this.left, anywhere())
    // A trap runs wherever the shell is then.
    for (const { text, by, depth, state, isLast } of this.#traps) {
      const directories = joinDirectories(this.#start.directories, this.entered)
      const before = this.entered
      const after = this.#read(text, by, depth, { ...state, directories }).succeeded
      if (this.entered !== before) this.#fail('a trap that changes the folder')
      if (!isLast && after !== undefined && after.variables !== state.variables)
        this.#fail('a trap that sets a variable')
    }
  }

  #read(source: string, by: Around, depth: number, state: ShellState): Outcome {
    if (source.length > MAXIMUM_CHARACTERS) this.#fail(`a script of ${source.length} characters`)
    else if (depth > MAXIMUM_NESTING)
      this.#fail(`scripts within each other more than ${MAXIMUM_NESTING} times`)
    else {
      this.#check(faultInText(source))
      return this.#visit(parse(source), loosened(state, loosenedBy(source)), depth, by)
    }
    return staying(state)
  }

  #fail(what: string): void {
    if (this.unread.length < 100 && !this.unread.includes(what)) this.unread.push(what)
  }

  #isTooMuch(depth: number): boolean {
    if (depth > MAXIMUM_NESTING * 4) this.#fail('commands within each other too deep')
    else if (this.commands.length >= MAXIMUM_COMMANDS) this.#fail(`more than ${MAXIMUM_COMMANDS} commands`)
    else if (++this.#visits > MAXIMUM_VISITS) this.#fail('loops and functions within each other too often')
    else return false
    return true
  }

  #visit(node: SyntaxNode, state: ShellState, depth: number, around: Around): Outcome {
    if (this.#isTooMuch(depth)) return staying(state)
    if (node.type === 'Command') return this.#command(node, state, depth, around)
    const by = around.input === undefined ? around : { ...around, input: undefined }
    if (node.type === 'Statement') {
      const outcome = this.#visit(node.command, state, depth + 1, by)
      return node.background === true ? staying(state) : outcome
    }
    const visit: Visit = (child, from) => this.#visit(child, from, depth + 1, by)
    switch (node.type) {
      case 'Script':
        this.#checkErrors(node)
        return listed(node.commands, state, visit)
      case 'CompoundList':
        return listed(node.commands, state, visit)
      case 'AndOr':
        return chained(node, state, visit)
      case 'Pipeline':
        return this.#pipe(node, state, depth, by)
      case 'If':
        return branched(node, state, visit)
      case 'Case':
        return chosen(node, state, visit)
      case 'While':
      case 'For':
      case 'Select':
      case 'ArithmeticFor':
        return this.#loop(node, state, depth, by)
      case 'BraceGroup':
        return visit(node.body, state)
      case 'Redirected':
        for (const redirect of node.redirects) visit(redirect, state)
        return visit(node.command, state)
      case 'Function':
        return this.#define(node, state, depth, by)
      case 'Redirect':
        this.#redirect(node, state)
        break
      default:
        this.#check(faultIn(node, state.variables))
    }
    // Whatever else there is leaves the shell where it was: subshells, substitutions, tests, words.
    this.#visitParts(node, state, depth, by)
    return staying(state)
  }

  /** In a word without parts there is nothing to be run. */
  #visitParts(node: SyntaxNode, state: ShellState, depth: number, by: Around): void {
    forEachChild(node, (child) => {
      if (child.type !== 'Word' || child.parts !== undefined) this.#visit(child, state, depth + 1, by)
    })
  }

  #checkErrors(script: ParsedScript): void {
    for (const { message } of script.errors ?? []) this.#fail(`shell: ${message}`)
  }

  #check(fault: string | undefined): void {
    if (fault !== undefined) this.#fail(fault)
  }

  #redirect({ target, operator }: Redirect, { variables, directories }: ShellState): void {
    if (target === undefined) return
    for (const file of targetsOf(target, variables))
      if (!operator.endsWith('&') || !/^\d+$|^-$/.test(file.text))
        this.redirects.push({ target: file, isWrite: operator.includes('>'), directories })
  }

  #pipe(node: Pipeline, state: ShellState, depth: number, by: Around): Outcome {
    let input: string | undefined
    let listed: Listed = false
    return piped(node, state, (command, from) => {
      const first = this.commands.length
      if (readsElsewhere(command)) listed = false
      const outcome = this.#visit(command, from, depth + 1, { ...by, input, listed })
      listed = this.commands.length === first + 1 ? namesBelow(this.commands[first], listed) : false
      input = this.commands[first]?.name ?? 'a compound command'
      return outcome
    })
  }

  #loop(node: While | For | Select | ArithmeticFor, state: ShellState, depth: number, by: Around): Outcome {
    const within = { ...by, isInLoop: true }
    const visit: Visit = (child, from) => this.#visit(child, from, depth + 1, within)
    const first = this.#escaped.length
    const after = looped(node, state, visit, () => this.#escapedSince(first))
    return after === undefined ? ENDED : staying(after)
  }

  #escapedSince(first: number): ShellState | undefined {
    return this.#escaped.slice(first).reduce<ShellState | undefined>(joinStates, undefined)
  }

  /** What a function does is looked at where it stands, and again where it is called in another state. */
  #define(node: FunctionDefinition, state: ShellState, depth: number, by: Around): Outcome {
    const name = node.name.value
    this.#functions.set(name, { node, state, outcome: staying(state) })
    const outcome = this.#call(name, undefined, depth, by)
    this.#functions.set(name, { node, state, outcome })
    return staying(state)
  }

  #call(name: string, from: ShellState | undefined, depth: number, by: Around): Outcome {
    const { node, state, outcome } = this.#functions.get(name) as DefinedFunction
    if (from === state) return outcome
    const now = from ?? state
    if (this.#called.has(name))
      return staying({ ...now, directories: joinDirectories(now.directories, anywhere()) })
    this.#called.add(name)
    const first = this.#escaped.length
    const left = this.#visit(node.body, now, depth + 1, { ...by, isInFunction: true, isInLoop: false })
    this.#called.delete(name)
    const returned = this.#escapedSince(first)
    return {
      succeeded: joinStates(left.succeeded, returned),
      failed: joinStates(left.failed, returned),
    }
  }

  #command(command: Command, state: ShellState, depth: number, around: Around): Outcome {
    const outcome = this.#runWords(command, state, depth, around)
    const by = around.input === undefined ? around : { ...around, input: undefined }
    this.#visitParts(command, state, depth, by)
    return outcome
  }

  #runWords(command: Command, state: ShellState, depth: number, around: Around): Outcome {
    const { name, prefix, args } = command
    const own = prefix.length === 0 ? NONE : prefix.filter((part) => part.type === 'Assignment')
    if (name === undefined) return staying(assigning(state, own))
    const words = argumentsOf(name, state.variables)
    const set: Assignment[] = []
    for (const word of args) {
      if (word.type === 'Word') words.push(...argumentsOf(word, state.variables))
      else {
        words.push(wordOf(word, state.variables))
        set.push(word)
      }
    }
    if (command.redirects.length > 0 && putsOutNothing(words))
      this.emptied.push(...emptiedBy(command.redirects, state))
    const documents = command.redirects.length === 0 ? NONE : hereTexts(command.redirects, state.variables)
    const { wrappers, input, listed, isInFunction, isInLoop } = around
    // Written down member by member: a copy with members added to it takes V8 as long as to read the whole command.
    const by = {
      wrappers,
      input,
      listed,
      isInFunction,
      isInLoop,
      depth,
      state,
      isShell: true,
      own,
      variables: settingsOf(own, state),
      documents,
      fed: fedWith(command.redirects, state.variables),
    }
    const outcome = this.#run(words, by)
    // What is set for these alone stays set in some shells.
    const first = words[0]?.text ?? ''
    const mayKeep = own.length > 0 && (SPECIAL_BUILTIN.test(first) || this.#functions.has(first))
    const kept = mayKeep ? own.map((part) => part.name) : NONE
    if (set.length === 0 && kept.length === 0) return outcome
    return afterwards(outcome, (after) => kept.reduce(forgotten, set.reduce(assigned, after)))
  }

  /** Takes away what only runs another command, and looks at what is run. */
  #run(words: readonly Argument[], by: Running): Outcome {
    const { wrappers, depth, input, fed, variables, state } = by
    const [first] = words
    if (first === undefined) return staying(state)
    if (first.isDynamic) this.#fail('a command whose name is known when it runs')
    // `${IFS}` in a name makes several words of one.
    const path = first.isDynamic ? '' : first.text
    const name = baseName(path)
    const args = words.slice(1)
    this.#check(faultOf(name, args, state.variables))
    if (this.#functions.has(name)) {
      this.#fail(`the function ${name}, which is called with what is not looked into`)
      const outcome = this.#call(name, state, depth, by)
      return by.isShell ? outcome : staying(state)
    }
    this.commands.push({ name, path, args, wrappers, input, fed, variables, directories: state.directories })
    if (this.#isTooMuch(depth)) return staying(state)
    const inner = passedOn(name, args, unwrap(name, args), by.listed)
    const outcome = inner === NOTHING ? staying(state) : this.#runInner(name, inner, by, areLast(args))
    return by.isShell && LEAVES.has(name) ? this.#leave(name, args, outcome, by) : outcome
  }

  /** What it leaves where the same shell goes on. */
  #runInner(name: string, inner: Inner, outside: Running, isLast: boolean): Outcome {
    const { depth, state } = outside
    const by = { ...outside, wrappers: [...outside.wrappers, name] }
    if (by.wrappers.length > MAXIMUM_NESTING) {
      this.#fail('commands within each other too deep')
      return staying(state)
    }
    const isShell = by.isShell && IN_SAME_SHELL.test(name)
    const directories = inner.directories?.reduce<readonly Directory[]>(
      (all, folder) => joinDirectories(all, directoriesFrom(state.directories, folder)),
      [],
    )
    const there = directories === undefined ? state : { ...state, directories }
    const variables = [
      ...outside.variables,
      ...(inner.assigned ?? NONE).flatMap((word) => settingIn(word) ?? []),
    ]
    let outcome = staying(state)
    for (const words of inner.commands)
      outcome = this.#run(words, { ...by, state: there, isShell, variables, own: [] })
    for (const { text, isDynamic } of inner.scripts) {
      const holdsNames = by.isInLoop && SHELLS.has(name) && /[*?[]/.test(text)
      if (isDynamic || holdsNames) this.#fail(`what ${name} is given to run is known when it runs`)
      else if (name === 'trap') this.#traps.push({ text, by, depth: depth + 1, state, isLast })
      else
        outcome = this.#read(
          text,
          by,
          depth + 1,
          isShell ? there : inChild(handing(there, variables), by.own),
        )
    }
    for (const { text, isDynamic } of inner.code) {
      if (isDynamic) this.#fail(`what ${name} is given to run is known when it runs`)
      if (!onlyShows(name, text)) this.code.push({ interpreter: name, text })
    }
    if (inner.readsScript) this.#readInput(name, by)
    return isShell ? outcome : staying(state)
  }

  #leave(name: string, args: readonly Argument[], inner: Outcome, by: Running): Outcome {
    const { state, isInLoop, isInFunction } = by
    if (name === 'exit') return ENDED
    if ((isInLoop && /^(?:break|continue)$/.test(name)) || (isInFunction && name === 'return')) {
      this.#escaped.push(state)
      return ENDED
    }
    const move = moveOf(name, args, state, by.variables)
    if (move === undefined) {
      const names = namesIn(name, args)
      return afterwards(inner, (after) => names.reduce(forgotten, exporting(after, name, args)))
    }
    const reached = move.succeeded?.directories ?? []
    this.entered = joinDirectories(this.entered, reached)
    // Where the script begins is there.
    return areSame(reached, this.#start.directories.slice(0, 1)) && isAbsolute(args)
      ? { ...move, failed: undefined }
      : move
  }

  /** A shell without a script runs what it is handed. */
  #readInput(name: string, by: Running): void {
    const { documents, input, state, own, depth } = by
    for (const { text, isDynamic, hasVariables } of documents) {
      if (isDynamic) this.#fail(`what ${name} is given to run is known when it runs`)
      // The shell outside has put its own variables there before.
      if (SHELLS.has(name)) this.#read(text, by, depth + 1, hasVariables ? state : inChild(state, own))
      else if (!onlyShows(name, text)) this.code.push({ interpreter: name, text })
    }
    if (input !== undefined) this.#fail(`${name} runs what ${input} puts out`)
  }
}

const NONE: readonly never[] = []
