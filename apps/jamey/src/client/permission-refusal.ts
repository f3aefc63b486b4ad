import type { Bus } from '@jamey/bus'
import { EXIT } from '../support/exit-codes.js'
import { CommandFailure } from '../support/failure.js'
import { shellWord } from '../support/shell-word.js'
import type { PermissionSource } from './connection-target.js'

/** The facts with which a refusal is told: who asked, what the token lists, and where that list comes from. */
export interface Asker {
  readonly bus: Pick<Bus, 'clientId' | 'permissions'>
  readonly source: PermissionSource
}

/** A permission that a command lacks. Thrown where no way out is known; `refusalOf` adds it. */
class MissingPermission extends Error {
  override readonly name = 'PermissionError'
  /** `publish:lab/a` */
  readonly permission: string
  /** Everything the command needs, where that is more than the one it lacks. */
  readonly needed: readonly string[]

  constructor(permission: string, needed: readonly string[] = [permission]) {
    super(`the permission ${permission} is missing`)
    this.permission = permission
    this.needed = needed
  }
}

/**
 * Refuses here, and by its name, what the broker would refuse without one. `topics` is all that the command
 * does so with. What belongs to another client is told as that: no permission opens it.
 */
export function assertPermitted(
  { clientId, permissions }: Asker['bus'],
  action: 'publish' | 'subscribe',
  topics: readonly string[],
): void {
  const decisions = topics.map((topic) => ({ topic, ...permissions.decide(action, topic) }))
  const foreign = decisions.find(({ ruling }) => ruling === 'foreign')
  if (foreign !== undefined) {
    const own = action === 'publish' ? `jamey/events/status/${clientId}` : `jamey/api/responses/${clientId}/#`
    throw new CommandFailure(permissions.explain(action, foreign.topic), {
      code: 'topic-of-another-client',
      exitCode: EXIT.refused,
      hint: `this client's own is ${own}; --client-id connects under another name`,
    })
  }
  const missing = decisions.find(({ isAllowed }) => !isAllowed)?.permission
  if (missing === undefined) return
  const needed = decisions.flatMap(({ ruling, permission }) => (ruling === 'own' ? [] : [permission ?? '']))
  throw new MissingPermission(missing, [...new Set(needed)])
}

/** The same error, and with the exact cure where a permission is missing. */
export function refusalOf(error: unknown, asker: Asker): unknown {
  const { name, permission } = error as { name?: unknown; permission?: unknown }
  if (name !== 'PermissionError' || typeof permission !== 'string') return error
  const needed = error instanceof MissingPermission ? error.needed : [permission]
  return new CommandFailure(`${asker.bus.clientId} lacks the permission ${permission}`, {
    code: 'permission-missing',
    exitCode: EXIT.refused,
    hint: cureOf(permission, needed, asker),
    cause: error,
  })
}

function cureOf(lacked: string, all: readonly string[], { bus, source }: Asker): string {
  const { list } = bus.permissions
  const has = list.length === 0 ? 'nothing' : list.join(',')
  const permission = underAnyName(lacked, bus.clientId)
  const needed = all.map((one) => underAnyName(one, bus.clientId))
  const instead = options(needed)
  switch (source) {
    case 'default':
      return `without --permission a command may use ${has} alone; add ${instead}`
    case 'option':
      return `--permission lists ${has}; say ${options([...new Set([...list, ...needed])])}`
    case 'manifest':
      return `JAMEY_PERMISSIONS_FILE lists ${has} for ${bus.clientId}; add ${permission} there`
    default: {
      const place = source === 'file' ? '.env' : 'the environment'
      return `MQTT_PERMISSIONS=${has} of ${place} is in force here; add ${permission} there, or ${instead} to this command`
    }
  }
}

/** A command has another name each time it is run, so that a permission for the present one would be of no use then. */
function underAnyName(permission: string, clientId: string): string {
  const levels = permission.split('/')
  return levels.map((level) => (level === clientId ? '%c' : level)).join('/')
}

function options(permissions: readonly string[]): string {
  return permissions.map((permission) => `--permission ${shellWord(permission)}`).join(' ')
}
