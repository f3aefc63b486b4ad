import { resolve } from 'node:path'
import type { DatabaseSettings, PostgresMemory } from '@jamey/memory'
import { EXIT } from '../../support/exit-codes.js'
import { CommandFailure } from '../../support/failure.js'
import { plural } from '../../support/quantities.js'
import type { CommandContext, Outcome } from '../../terminal/command-context.js'

interface DatabaseOptions {
  readonly json?: boolean
  readonly dataDir?: string
}

/** The database that JAMEY_MEMORY_URL names, unless the command names a folder. */
export async function databaseOf(
  { env, cwd }: CommandContext,
  { dataDir }: DatabaseOptions,
): Promise<DatabaseSettings | undefined> {
  if (dataDir !== undefined || !env['JAMEY_MEMORY_URL']) return undefined
  const { memoryOptionsFromEnvironment } = await import('@jamey/memory')
  const { database } = memoryOptionsFromEnvironment(env)
  const { passwordFile } = database ?? {}
  return database && { ...database, passwordFile: passwordFile && resolve(cwd, passwordFile) }
}

/** Uses the database as long as `work` takes. */
export async function withDatabase<T>(
  database: DatabaseSettings,
  work: (store: PostgresMemory, shown: string) => Promise<T>,
): Promise<T> {
  const { PostgresMemory: Memory, shownAddress } = await import('@jamey/memory')
  const store = await Memory.open(database)
  try {
    return await work(store, shownAddress(database.address))
  } finally {
    await store.close()
  }
}

/** Connects, and tells how many memories there are. */
export async function checkDatabase(
  { terminal }: CommandContext,
  database: DatabaseSettings,
  options: DatabaseOptions,
): Outcome {
  const { PostgresMemory: Memory, shownAddress } = await import('@jamey/memory')
  const shown = shownAddress(database.address)
  const { memories } = await Memory.look(database)
  if (options.json) terminal.printJson({ memories, database: shown })
  else terminal.print(`${shown} can be used: ${plural(memories, 'memory', 'memories')}`)
  return EXIT.success
}

/** The failure of a command that PostgreSQL has programs of its own for. */
export function leftToPostgres(what: 'backup' | 'reindex'): CommandFailure {
  const ways = {
    backup:
      'use `pg_dump --schema=jamey_memory`, or `jamey memory export` for a copy that a memory file takes, too',
    reindex: 'use `REINDEX SCHEMA jamey_memory` in psql; the words are kept with each memory',
  }
  return new CommandFailure(`memories are in PostgreSQL, which has a ${what} of its own`, {
    code: 'in-postgresql',
    exitCode: EXIT.usage,
    hint: ways[what],
  })
}
