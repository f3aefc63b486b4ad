import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { EXIT } from '../support/exit-codes.js'
import { CommandFailure } from '../support/failure.js'
import type { CommandContext } from './command-context.js'

/** A payload argument: `-` is standard input, nothing is empty. */
export async function readPayload(context: CommandContext, argument: string | undefined): Promise<Buffer> {
  return argument === '-' ? readStandardInput(context) : Buffer.from(argument ?? '', 'utf8')
}

/** The text of a file, or of standard input for `-`. Refuses what is no text, with the way out. */
export async function readTextFile(context: CommandContext, path: string): Promise<string> {
  const bytes = path === '-' ? await readStandardInput(context) : await readBytes(context, path)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    throw new CommandFailure(`${path} is not UTF-8 text`, {
      code: 'file-not-text',
      exitCode: EXIT.usage,
      hint: 'convert it to a text file first',
      cause: error,
    })
  }
}

async function readBytes(context: CommandContext, path: string): Promise<Buffer> {
  try {
    return await readFile(resolve(context.cwd, path))
  } catch (error) {
    throw unreadable(path, error)
  }
}

/** The failure for a file that cannot be read. */
export function unreadable(path: string, error: unknown): CommandFailure {
  const { code, message } = error as NodeJS.ErrnoException
  const why = FILE_FAULTS[code ?? ''] ?? message
  return new CommandFailure(`cannot read ${path}: ${why}`, {
    code: 'file-unreadable',
    exitCode: EXIT.usage,
    cause: error,
  })
}

const FILE_FAULTS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a folder',
  EACCES: 'its permissions do not allow it',
}

async function readStandardInput({ terminal, interrupted }: CommandContext): Promise<Buffer> {
  const chunks: Buffer[] = []
  const stop = () => terminal.stdin.destroy(new DOMException('stopped while reading', 'AbortError'))
  interrupted.addEventListener('abort', stop)
  try {
    for await (const chunk of terminal.stdin) chunks.push(Buffer.from(chunk))
  } finally {
    interrupted.removeEventListener('abort', stop)
  }
  return Buffer.concat(chunks)
}
