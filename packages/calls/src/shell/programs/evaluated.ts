import type { SyntaxNode } from 'unbash'
import { NAMES_VARIABLES, RUNNABLE } from '../builtins.js'
import { settingOf } from '../handed-variables.js'
import { isLoading } from '../loading-variables.js'
import { isTurning } from '../shell-variables.js'
import { type Argument, argumentOf, isFilled, type Variables } from '../words.js'

const COMPARES_NUMBERS = /^-(?:eq|ne|lt|le|gt|ge)$/
const NAME = /[A-Za-z_]\w*/g

/**
 * Why what a shell makes of this part of a script cannot be seen. In arithmetic it runs the command of `a[$(command)]`,
 * whoever has put that text into a variable, and so does `${x@P}`. Undefined where nothing is hidden.
 */
export function faultIn(node: SyntaxNode, variables: Variables): string | undefined {
  switch (node.type) {
    case 'Assignment': {
      const { name, value } = settingOf(node, variables)
      if (isLoading(name, value)) return `${name} is set, which decides what is run`
      // Where it is expanded in arithmetic, as a prompt or as the index of a list, the shell runs what stands in it.
      const isRunnable = !value.isDynamic && RUNNABLE.test(value.text)
      return isRunnable ? `${name} is set to a text that may be run` : undefined
    }
    case 'ArithmeticWord':
      return evaluated(unseenName(node.value, variables))
    case 'TestBinary': {
      if (!COMPARES_NUMBERS.test(node.operator)) return undefined
      return evaluated(
        unseenIn(
          [node.left, node.right].map((word) => argumentOf(word, variables)),
          variables,
        ),
      )
    }
    case 'ParameterExpansion':
      return /@P\}$/.test(node.text) ? evaluated(node.text) : undefined
    case 'ExtendedGlob':
      return runsInZsh(node.text) ? `${node.text} is a pattern that zsh runs` : undefined
    default:
      return undefined
  }
}

/** The same of a command by its name. */
export function faultOf(
  command: string,
  args: readonly Argument[],
  variables: Variables,
): string | undefined {
  if (NAMES_VARIABLES.test(command) && args.some(({ text }) => /\[/.test(text) && RUNNABLE.test(text)))
    return `${command} runs what stands in the index of a list`
  if (isTurning(command, args)) return `${command} has names mean something else`
  const isNumeric =
    /^(?:declare|typeset|local|export|readonly)$/.test(command) &&
    args.some(({ text }) => /^-\w*i/.test(text))
  return command === 'let' || isNumeric ? evaluated(unseenIn(args, variables)) : undefined
}

function evaluated(what: string | undefined): string | undefined {
  return what === undefined ? undefined : `what is evaluated of ${what} is known when it runs`
}

function unseenIn(args: readonly Argument[], variables: Variables): string | undefined {
  for (const argument of args) {
    const found = isFilled(argument) ? argument.text : unseenName(argument.text, variables)
    if (found !== undefined) return found
  }
  return undefined
}

/** A variable that was set to what nobody knows. */
function unseenName(text: string, variables: Variables): string | undefined {
  return text.match(NAME)?.find((name) => variables.has(name) && variables.get(name) === undefined)
}

/** `=(command)`, which zsh runs, and has a word name the file with what that puts out. */
export function faultInText(source: string): string | undefined {
  return /(?:^|[\s<>;|&])=\(/.test(source) ? '=(...), which zsh runs' : undefined
}

/** `*(e:'command':)`, `*(+function)`, and `*(D)`, which selects hidden files, too. */
function runsInZsh(pattern: string): boolean {
  return /^[*?]\((?![^)]*\|)(?:[^)]*(?:e[:'"{[(,./]|\+[A-Za-z_])|[.,/@=*%rwxNnom\d]*D)/.test(pattern)
}
