import type { Argument } from '../words.js'
import { isFilled } from '../words.js'

/** Code that runs programs, writes files, reads others than it is given, or loads other code. */
const ACTS = /\bsystem\s*\(|\bgetline\b|\|\s*"|\bARGV\s*\[|@\s*(?:load|include|namespace)\b|@\w+\s*\(/
/** Options that change no more than how lines are read. */
const PLAIN =
  /^(?:-[bcCghkMnNOPrsStV]+|--(?:posix|traditional|sandbox|csv|re-interval|characters-as-bytes|non-decimal-data|bignum|optimize|lint(?:=\w+)?|version|help))$/
const INPLACE = /^inplace(?:\.awk)?$/

/** Whether awk is told to do more than to print what it makes of its lines. */
export function awkActs(args: readonly Argument[]): boolean {
  const given: Argument[] = []
  let at = 0
  for (; at < args.length; at++) {
    const { text, isDynamic } = args[at] as Argument
    if (text === '--') {
      at++
      break
    }
    if (!text.startsWith('-') || text === '-') break
    const source = /^(?:-e|--source(?:=|$))(.*)$/s.exec(text)?.[1]
    if (source !== undefined) {
      const script = source === '' ? args[++at] : { text: source, isDynamic }
      if (script !== undefined) given.push(script)
    } else if (/^-[Fv]$/.test(text)) at++
    else if (text === '-i' && INPLACE.test(args[at + 1]?.text ?? '')) at++
    else if (!/^-[Fv]/.test(text) && !PLAIN.test(text)) return true
  }
  const scripts = given.length > 0 ? given : args.slice(at, at + 1)
  return scripts.some((script) => isFilled(script) || acts(script.text.replaceAll('\\\n', '')))
}

function acts(script: string): boolean {
  return ACTS.test(script) || script.split(/[;}]/).some(printsElsewhere)
}

/** `print > "file"`, `printf "x" | "command"` */
function printsElsewhere(statement: string): boolean {
  const at = statement.search(/\bprintf?\b/)
  return at >= 0 && /[|>]/.test(statement.slice(at))
}
