import { createInterface } from 'node:readline/promises'
import type { CommandContext } from './command-context.js'

/** The answer of whoever sits at the terminal; undefined where nobody does. Rejects when that is interrupted. */
export async function askPerson(
  { terminal, interrupted }: Pick<CommandContext, 'terminal' | 'interrupted'>,
  question: string,
): Promise<string | undefined> {
  if (terminal.stdin.isTTY !== true || !terminal.isInteractive) return undefined
  const lines = createInterface({ input: terminal.stdin, output: terminal.errorStream })
  try {
    return await lines.question(question, { signal: interrupted })
  } finally {
    lines.close()
  }
}
