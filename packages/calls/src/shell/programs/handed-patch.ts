import { optionValue } from '../option-values.js'
import type { ShellCommand } from '../shell-script.js'
import type { Argument } from '../words.js'

const ONLY_LOOKS = /^--(?:check|stat|numstat|summary|dry-run|help|version)$/
/** Of a patch that was begun before. */
const GOES_ON = /^--(?:abort|continue|resolved|skip|quit|retry|show-current-patch(?:=.*)?)$|^-r$/
/** What does not change which files are meant, or where a patch is read. */
const USUAL =
  /^(?:-|-p[01]?|[01]|--strip=[01]|-[NRstflu3vkqmci]|--(?:forward|reverse|silent|quiet|batch|force|unified|verbose|index|cached|3way|recount|unidiff-zero|ignore-whitespace|whitespace=\w+|apply|keep|keep-cr|scissors|signoff|message-id|no-gpg-sign))$/
/** Where a patch is read, of `patch`. */
const INPUT = ['-i', '--input']
/** It says that a file is a link: who writes to that later writes elsewhere. Encoded, nobody sees what stands in it. */
const HIDES =
  /^(?:(?:new|old|deleted) (?:file )?mode|new mode) 12|^content-transfer-encoding:\s*(?:base64|quoted)/im

/** Where a patch stands: in the command itself, or in files. */
export type HandedPatch = { readonly text: string } | { readonly files: readonly Argument[] }

/** The patch that a program applies; null where nobody can tell which, undefined where it applies none. */
export function handedPatch(command: ShellCommand, words: readonly string[]): HandedPatch | null | undefined {
  const { name, args } = command
  if (name === 'apply_patch') return agentsPatch(command)
  const isPatch = name === 'patch'
  if (!isPatch && (name !== 'git' || !/^(?:apply|am)$/.test(words[1] ?? ''))) return undefined
  const own = isPatch ? args : args.slice(1)
  if (onlyLooks(own) || (words[1] === 'am' && own.some(({ text }) => GOES_ON.test(text)))) return undefined
  const files: Argument[] = []
  for (let i = 0; i < own.length; i++) {
    const word = own[i] as Argument
    const input = isPatch ? optionValue(word, own[i + 1], INPUT) : undefined
    if (input !== undefined) {
      files.push(input.value)
      if (input.isNext) i++
    } else if (!isPatch && !word.text.startsWith('-')) files.push(word)
    else if (!USUAL.test(word.text)) return null
  }
  return files.length > 0 ? { files } : fedPatch(command)
}

/** `apply_patch` of Codex takes a patch as its only word, or reads it. */
function agentsPatch(command: ShellCommand): HandedPatch | null {
  const [only, ...others] = command.args
  if (only === undefined) return fedPatch(command)
  return others.length > 0 || only.isDynamic ? null : { text: only.text }
}

function fedPatch({ input, fed }: ShellCommand): HandedPatch | null {
  if (input !== undefined || fed === undefined) return null
  if (fed.file !== undefined) return { files: [fed.file] }
  return fed.isDynamic ? null : { text: fed.text }
}

export function onlyLooks(args: readonly Argument[]): boolean {
  const texts = args.map(({ text }) => text)
  return !texts.includes('--apply') && texts.some((text) => ONLY_LOOKS.test(text))
}

/** Whether the files that it changes are those that its headers name. */
export function isPlainPatch(text: string): boolean {
  return !HIDES.test(text)
}
