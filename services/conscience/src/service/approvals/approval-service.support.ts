import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Bus } from '@jamey/bus'
import {
  type AnswerApproval,
  type Approval,
  atKeeper,
  type CallVerdict,
  COMPONENTS,
  keeperOf,
  topics,
} from '@jamey/contracts'
import { openRecordStore } from '@jamey/store'
import { parsePolicy } from '../../policy/policy-file.js'
import { createConscience } from '../conscience.js'
import { TestBroker } from '../test-broker.support.js'

export const TIME = { timeoutMs: 20_000 }
export const ASKING = ['publish:jamey/conscience/evaluate']
export const ANSWERING = [
  'publish:jamey/conscience/approvals-answer/+',
  'publish:jamey/conscience/approvals-list',
]

const { approvals } = topics.conscience

const POLICY = `
version: 1
rules:
  - { name: mail, decision: ask, reason: it leaves the company, when: "tool == 'send'" }
  - { name: large, decision: ask, approvers: 2, reason: it is much money, when: "tool == 'pay'" }
  - { name: never, decision: deny, reason: it is never right, when: "tool == 'kill'" }
`

/** The policy of the test, with another rule that asks about a mail. */
export const policyOf = (more = '') => parsePolicy(`${POLICY}${more}`, 'policy.yaml')

export interface TestConscience {
  readonly bus: Bus
  /** Safe to call twice. */
  stop(): Promise<void>
}

/** A broker with consciences, agents and people at it; `end` removes all of it. */
export class ApprovalSystem {
  readonly folder = mkdtempSync(join(tmpdir(), 'jamey-approvals-'))
  readonly #ends: (() => Promise<unknown>)[] = []
  readonly #broker: TestBroker

  private constructor(broker: TestBroker) {
    this.#broker = broker
  }

  static async start(): Promise<ApprovalSystem> {
    return new ApprovalSystem(await TestBroker.start())
  }

  async bus(clientId: string, permissions: readonly string[]): Promise<Bus> {
    const bus = await this.#broker.connect(clientId, permissions)
    this.#ends.push(() => bus.close({ drain: false }))
    return bus
  }

  client(name: string, permissions: readonly string[]): Promise<Bus> {
    return this.bus(`${name}-${randomUUID().slice(0, 8)}`, permissions)
  }

  async conscience(
    clientId = 'jamey-conscience',
    {
      policy = policyOf(),
      consciences = ['jamey-conscience', 'jamey-conscience-2'],
      seconds = 3_600,
      auditFolder = undefined as string | undefined,
    } = {},
  ): Promise<TestConscience> {
    const bus = await this.bus(clientId, COMPONENTS.conscience.permissions)
    const path = join(this.folder, clientId)
    const open = () => openRecordStore({ path, kind: 'jamey approvals', version: 1 })
    const conscience = createConscience({
      bus,
      policy,
      auditFolder,
      approvals: { open, consciences, seconds },
    })
    await conscience.start()
    const stop = async (): Promise<void> => {
      await conscience.stop({ graceMs: 500 })
      await bus.close({ drain: false })
    }
    this.#ends.push(stop)
    return { bus, stop }
  }

  async end(): Promise<void> {
    for (const end of this.#ends.splice(0).reverse()) await end()
    await this.#broker.close()
    rmSync(this.folder, { recursive: true })
  }
}

export interface AskedCallInput {
  readonly tool?: string
  readonly arguments?: Record<string, unknown>
  readonly session_id?: string
  readonly receipt?: boolean
}

export async function evaluate(bus: Bus, call: AskedCallInput = {}): Promise<CallVerdict> {
  const data = { tool: 'send', arguments: { to: 'ann@example.org' }, ...call }
  const verdict = await bus.request(topics.conscience.evaluate, data, TIME)
  if (verdict.kind !== 'call') throw new Error('no verdict on a call')
  return verdict
}

export async function idOf(asked: Promise<CallVerdict> | CallVerdict): Promise<string> {
  return (await asked).approval?.id ?? ''
}

export async function answer(
  bus: Bus,
  approval_id: string,
  given: Partial<AnswerApproval> = {},
): Promise<Approval> {
  const contract = atKeeper(approvals.answer, keeperOf(approval_id))
  return (await bus.request(contract, { approval_id, decision: 'approve', ...given }, TIME)).approval
}

export async function get(bus: Bus, approval_id: string, wait_ms = 0): Promise<Approval> {
  return (await bus.request(approvals.get, { approval_id, wait_ms }, TIME)).approval
}
