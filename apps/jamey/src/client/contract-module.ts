import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Contract } from '@jamey/contracts'
import { EXIT } from '../support/exit-codes.js'
import { CommandFailure } from '../support/failure.js'

/** How deep lists and objects of contracts may stand within each other. */
const MAXIMUM_DEPTH = 4

/**
 * The contracts that a JavaScript module exports, by topic and action: each by itself, or in lists and objects. The module
 * is run, as `node` would. Throws `CommandFailure` where it cannot be, or has no contract, or one that lacks something.
 */
export async function contractsIn(file: string, cwd: string): Promise<readonly Contract[]> {
  const exported = await load(file, cwd)
  const found = new Set<Contract>()
  collect(exported, found, file, MAXIMUM_DEPTH)
  if (found.size === 0) {
    throw failure(
      `${file} exports no contract`,
      'a contract has topic, action, qos, retain, schema and description',
    )
  }
  const order = ({ topic, action }: Contract) => `${topic} ${action}`
  return [...found].sort((a, b) => (order(a) < order(b) ? -1 : 1))
}

async function load(file: string, cwd: string): Promise<unknown> {
  try {
    return await import(pathToFileURL(resolve(cwd, file)).href)
  } catch (error) {
    const why = error instanceof Error ? error.message.split('\n', 1)[0] : String(error)
    throw failure(
      `cannot load ${file}: ${why}`,
      'it has to be a JavaScript module that Node can import',
      error,
    )
  }
}

function collect(value: unknown, found: Set<Contract>, file: string, depth: number): void {
  if (typeof value !== 'object' || value === null) return
  if ('topic' in value && 'action' in value) {
    const missing = faultOf(value)
    if (missing !== undefined) throw failure(`${file}: the contract of ${String(value.topic)} ${missing}`)
    found.add(value as Contract)
  } else if (depth > 0) {
    for (const inner of Object.values(value)) collect(inner, found, file, depth - 1)
  }
}

/** The fault that keeps a value from being a contract, behind its name. */
function faultOf(value: object): string | undefined {
  const contract = value as Readonly<Record<keyof Contract | 'responseSchema' | 'service', unknown>>
  const { topic, action, qos, retain, description } = contract
  if (typeof topic !== 'string' || topic === '') return 'must have a text as topic'
  if (typeof action !== 'string' || action === '')
    return `must have a text as action; it has ${shown(action)}`
  if (qos !== 0 && qos !== 1) return `must have 0 or 1 as qos; it has ${shown(qos)}`
  if (typeof retain !== 'boolean') return `must have true or false as retain; it has ${shown(retain)}`
  if (typeof description !== 'string') return `must have a text as description; it has ${shown(description)}`
  if (!isSchema(contract.schema)) return 'must have a schema of zod 4 as schema'
  if (!('responseSchema' in contract)) return undefined
  if (!isSchema(contract.responseSchema)) return 'must have a schema of zod 4 as responseSchema'
  const { service } = contract
  return typeof service === 'string' ? undefined : `must have a text as service; it has ${shown(service)}`
}

/** Of any copy of zod: the module brings its own. */
function isSchema(value: unknown): boolean {
  return typeof value === 'object' && value !== null && '_zod' in value
}

function shown(value: unknown): string {
  return value === undefined ? 'none' : (JSON.stringify(value) ?? typeof value)
}

function failure(message: string, hint?: string, cause?: unknown): CommandFailure {
  return new CommandFailure(message, {
    code: 'contracts-invalid',
    exitCode: EXIT.usage,
    ...(hint === undefined ? {} : { hint }),
    ...(cause === undefined ? {} : { cause }),
  })
}
