import type { ToolAnnotations } from '@jamey/agents'
import { isObject } from '../lines/message.js'
import { toolsIn } from './protocol.js'

/** A server that lists more is remembered in part: of the others nothing is believed. */
const MOST_TOOLS = 10_000

const HINTS = ['readOnlyHint', 'destructiveHint', 'idempotentHint', 'openWorldHint'] as const

/** The hints that a server gave of its tools when it listed them. */
export class ToolList {
  readonly #annotations = new Map<string, ToolAnnotations>()

  /** Takes the result of `tools/list`, one page of it where there are several. */
  learn(result: unknown): void {
    for (const { name, annotations } of toolsIn(result)) {
      if (this.#annotations.size >= MOST_TOOLS && !this.#annotations.has(name)) continue
      this.#annotations.set(name, hintsOf(annotations))
    }
  }

  /** The list has changed, and what was said of the old one holds no longer. */
  forget(): void {
    this.#annotations.clear()
  }

  /** Undefined for a tool that was not listed since. */
  annotationsOf(tool: string): ToolAnnotations | undefined {
    return this.#annotations.get(tool)
  }
}

/** The hints alone, which are believed or not, and nothing else that a server writes there. */
export function hintsOf(value: unknown): ToolAnnotations {
  if (!isObject(value)) return {}
  return Object.fromEntries(
    HINTS.flatMap((hint) => (typeof value[hint] === 'boolean' ? [[hint, value[hint]]] : [])),
  )
}
