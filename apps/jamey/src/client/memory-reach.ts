import type { Bus } from '@jamey/bus'
import { COMPONENTS, topics } from '@jamey/contracts'
import { isPassingName } from './connection-target.js'

/** Owner of the memories that the command line stores for whoever runs the system. */
const OPERATOR = COMPONENTS.operator.clientId

const { others, ...own } = topics.memory

export interface ReachOptions {
  readonly others?: boolean | undefined
  /** A client identifier. */
  readonly owner?: string | undefined
}

/**
 * Whether the command speaks for whoever runs the system. A name that was made for one command owns nothing that a later
 * one would find, so that one stores for the operator, and sees what everybody stored, where it may.
 */
function isOperators(bus: Bus, topic: string): boolean {
  return isPassingName(bus.clientId) && bus.permissions.mayPublish(topic)
}

/** The owner that a memory is to have; undefined: the command's own. */
export function ownerFor(bus: Bus, given: string | undefined): string | undefined {
  return given ?? (isOperators(bus, others.store.topic) ? OPERATOR : undefined)
}

/** The contract for a query: among everybody's memories, those of one owner, or one's own and shared ones. */
export function queryIn(bus: Bus, { others: isOthers, owner }: ReachOptions) {
  const isAll = isOthers === true || owner !== undefined || isOperators(bus, others.query.topic)
  return { contract: isAll ? others.query : own.query, owner: owner === undefined ? {} : { owner } }
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
