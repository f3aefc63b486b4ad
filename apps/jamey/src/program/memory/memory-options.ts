import type { MemoryLayer, MemoryScope, MemoryWhere } from '@jamey/contracts'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { whereOf } from '../../support/where.js'
import { parseMoment } from '../arguments.js'

/** The layers of the contracts, which are not loaded to read a command line; a test holds the two in step. */
export const LAYERS: readonly MemoryLayer[] = ['working', 'short_term', 'episodic', 'semantic', 'long_term']

export function layer(description: string): Option {
  return new Option('--layer <name>', description).choices(LAYERS)
}

export function collectLayer(value: string, previous: readonly string[] = []): string[] {
  const known: readonly string[] = LAYERS
  if (known.includes(value)) return [...previous, value]
  throw new InvalidArgumentError(`Expected one of ${LAYERS.join(', ')}.`)
}

export function scope(description: string): Option {
  return new Option('--scope <scope>', description).argParser(parseScope)
}

function parseScope(value: string): MemoryScope {
  if (/^(?:private|shared|group:[a-z0-9][a-z0-9._-]{0,63})$/.test(value)) return value as MemoryScope
  throw new InvalidArgumentError('Expected private, shared or group:NAME, of small letters, digits and ._-')
}

/** A moment, or `none`, which takes away what was there; `never` is the same. */
export function parseMomentOrNone(value: string): string {
  return value === 'none' || value === 'never' ? 'none' : parseMoment(value)
}

/** The conditions on what came with a memory. */
export function withCircumstances(command: Command): Command {
  const collected: string[] = []
  return command
    .option('--session <id>', 'only from this session')
    .addOption(scope('only private, shared, or group:NAME'))
    .option('--origin <text>', 'only what came from there: a file, an address, a tool')
    .option('--source <client-id>', 'only what this client stored')
    .option('--untrusted', 'only what is not trusted')
    .option(
      '--where <condition>',
      'only where the metadata fit: KEY=VALUE, or >, >=, <, <=; may be given several times',
      (value: string): MemoryWhere => {
        collected.push(value)
        const where = whereOf(collected)
        if (where !== undefined) return where as MemoryWhere
        throw new InvalidArgumentError('Expected a condition such as project=jamey or age>=18.')
      },
    )
}
