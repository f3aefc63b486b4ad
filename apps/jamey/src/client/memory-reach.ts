import type { Bus } from '@jamey/bus'
import { COMPONENTS, type MemoryScope, type MemoryWhere, topics } from '@jamey/contracts'
import { given } from '../support/given.js'
import { isPassingName } from './connection-target.js'

/** Owner of the memories that the command line stores for whoever runs the system. */
const OPERATOR = COMPONENTS.operator.clientId

const { others, ...own } = topics.memory

export interface ReachOptions {
  readonly others?: boolean | undefined
  /** A client identifier. */
  readonly owner?: string | undefined
}

/** Operations on memories of one's own, and of others alike. */
type Both = 'get' | 'history' | 'query' | 'stats' | 'update' | 'consolidate'

/**
 * True where the command speaks for whoever runs the system. A name that was made for one command owns nothing that a later
 * one would find, so that one stores for the operator, and sees what everybody stored, where it may.
 */
function isOperators(bus: Bus, topic: string): boolean {
  return isPassingName(bus.clientId) && bus.permissions.mayPublish(topic)
}

/** The owner that a memory is to have; undefined: the command's own. */
export function ownerFor(bus: Bus, given: string | undefined): string | undefined {
  return given ?? (isOperators(bus, others.store.topic) ? OPERATOR : undefined)
}

/** The contract for everybody's memories, those of one owner, or one's own and those that it may read. */
export function contractIn<Name extends Both>(
  bus: Bus,
  name: Name,
  { others: isOthers, owner }: ReachOptions,
): (typeof others)[Name] | (typeof own)[Name] {
  const isAll = isOthers === true || owner !== undefined || isOperators(bus, others[name].topic)
  return isAll ? others[name] : own[name]
}

/** The contract for a query, and the owner that it names. */
export function queryIn(bus: Bus, options: ReachOptions) {
  const { owner } = options
  return { contract: contractIn(bus, 'query', options), owner: owner === undefined ? {} : { owner } }
}

/** The contract for forgetting by ids or by conditions: by conditions, those of others only where that is said. */
export function forgetIn(bus: Bus, { others: isOthers, owner }: ReachOptions, isById: boolean) {
  const isOperator = isOperators(bus, others.forget.topic)
  const isAll = isOthers === true || owner !== undefined || isOperator
  const isOperatorsOwn = isOperator && isOthers !== true && owner === undefined && !isById
  return {
    contract: isAll ? others.forget : own.forget,
    owner: isOperatorsOwn ? { owner: OPERATOR } : owner === undefined ? {} : { owner },
  }
}

/** Options on what came with a memory, of `recall` and `forget` alike. */
export interface CircumstanceOptions {
  readonly session?: string
  readonly scope?: MemoryScope
  readonly origin?: string
  readonly source?: string
  readonly trusted?: boolean
  readonly untrusted?: boolean
  readonly where?: MemoryWhere
}

/** The conditions that they are in a request. */
export function circumstancesOf(options: CircumstanceOptions) {
  const { session, scope, origin, source, trusted, untrusted, where } = options
  return given({
    session_id: session,
    scope,
    origin,
    source,
    trusted: untrusted === true ? false : trusted,
    where,
  })
}
