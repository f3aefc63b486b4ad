import { existsSync, readdirSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import type { Outbox } from '@jamey/store'
import { EXIT } from '../support/exit-codes.js'
import { CommandFailure } from '../support/failure.js'
import type { CommandContext } from '../terminal/command-context.js'
import { requireDataDirectory } from './data-directory.js'

export interface OutboxOptions {
  readonly dir?: string
  readonly component?: string
  readonly json?: boolean
  readonly dataDir?: string
}

export interface FoundOutbox {
  /** The component, or the name of the folder. */
  readonly name: string
  readonly path: string
}

/** The outboxes that are meant, by name; none where no component of the data folder has one yet. */
export function outboxesOf(
  { cwd, env }: Pick<CommandContext, 'cwd' | 'env'>,
  { dir, component, dataDir }: OutboxOptions,
): FoundOutbox[] {
  const single = dir ?? (dataDir === undefined ? env['MQTT_OUTBOX_DIR'] : undefined)
  if (single !== undefined && single !== '') {
    const path = resolve(cwd, single)
    return [{ name: basename(path), path }]
  }
  const { outboxes } = requireDataDirectory(cwd, dataDir, 'outboxes')
  const names = existsSync(outboxes) ? readdirSync(outboxes).sort() : []
  const found = names.filter((name) => existsSync(join(outboxes, name, 'data.mdb')))
  if (component === undefined) return found.map((name) => ({ name, path: join(outboxes, name) }))
  if (found.includes(component)) return [{ name: component, path: join(outboxes, component) }]
  throw new CommandFailure(`no outbox of '${component}' in ${outboxes}`, {
    code: 'no-such-outbox',
    exitCode: EXIT.usage,
    hint: found.length === 0 ? 'no component has one yet' : `there is: ${found.join(', ')}`,
  })
}

/** The only one that is meant, for what numbers of messages stand for. */
export function outboxOf(context: Pick<CommandContext, 'cwd' | 'env'>, options: OutboxOptions): FoundOutbox {
  const [first, ...others] = outboxesOf(context, options)
  if (first !== undefined && others.length === 0) return first
  const names = [first, ...others].map((one) => one?.name).join(', ')
  throw new CommandFailure(
    first === undefined ? 'no component has an outbox yet' : 'several components have an outbox: which one?',
    {
      code: 'outbox-ambiguous',
      exitCode: EXIT.usage,
      ...(first === undefined ? {} : { hint: `name it with --component: ${names}` }),
    },
  )
}

export async function openFound({ path }: FoundOutbox): Promise<Outbox> {
  // The module is taken apart at once, or the bundle would have all of the package for short commands, too.
  const { assertOwnFolder } = await import('../support/from-auth.js')
  const { openOutbox } = await import('@jamey/store')
  assertOwnFolder(path)
  return openOutbox({ path })
}
