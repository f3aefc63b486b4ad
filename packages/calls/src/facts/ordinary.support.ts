import { describe, expect, it } from 'vitest'
import { factsOf } from './facts.js'

export const PLACE = { workspace: '/srv/me/app', home: '/srv/me' }

/** What a policy allows without a question, as far as the facts tell. */
export function isOrdinary(command: string): boolean {
  const { effects, files, unread, commands } = factsOf({ tool: 'Bash', arguments: { command } }, PLACE)
  return (
    effects.every((effect) => /^(?:read|write|build)$/.test(effect)) &&
    commands.every((one) => one.effects.length > 0) &&
    files.every((file) => file.isWorkable || (file.access === 'read' && file.place !== 'device')) &&
    files.every(({ place, isSecret }) => place !== 'unknown' && !isSecret) &&
    unread.length === 0
  )
}

/** Commands by their kinds: what is ordinary work, and beside it what is nearest to it and is none. */
export type Kinds = Readonly<Record<string, { ordinary: readonly string[]; not: readonly string[] }>>

export function describeKinds(kinds: Kinds): void {
  describe.each(Object.entries(kinds))('%s', (_, { ordinary, not }) => {
    it.each(ordinary)('%s is ordinary work', (command) => expect(isOrdinary(command)).toBe(true))
    it.each(not)('%s is no ordinary work', (command) => expect(isOrdinary(command)).toBe(false))
  })
}
