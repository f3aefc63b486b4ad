import { userInfo } from 'node:os'
import type { Bus } from '@jamey/bus'
import {
  type Approval,
  type ApprovalScope,
  approvalIdSchema,
  atKeeper,
  COMPONENTS,
  keeperOf,
  topics,
} from '@jamey/contracts'
import { withBus } from '../../client/connection.js'
import type { ClientOptions } from '../../client/connection-target.js'
import { EXIT } from '../../support/exit-codes.js'
import { CommandFailure } from '../../support/failure.js'
import type { CommandContext, Outcome } from '../../terminal/command-context.js'
import { viewOf } from '../../terminal/view.js'
import { formatApproval, formatApprovals } from '../../views/approval-view.js'

export interface ApprovalCommandOptions extends ClientOptions {
  readonly timeout: number
}

export interface ApprovalListOptions extends ApprovalCommandOptions {
  readonly all?: boolean
}

export interface ApprovalAnswerOptions extends ApprovalCommandOptions {
  readonly scope?: ApprovalScope
  readonly note?: string
}

const { approvals } = topics.conscience
const PAGE = 100
/** Of those that an id is looked for among: as many as there can be. */
const MOST_PAGES = 100

export async function list(context: CommandContext, options: ApprovalListOptions): Outcome {
  const { terminal } = context
  const status = options.all === true ? {} : { status: [...OPEN] }
  const found = await withBus(context, options, (bus) => all(bus, callOf(context, options), status))
  if (options.json) for (const approval of found) terminal.printJson(approval)
  else terminal.print(formatApprovals(found, viewOf(context)))
  return EXIT.success
}

export async function show(context: CommandContext, id: string, options: ApprovalCommandOptions): Outcome {
  return tell(
    context,
    options,
    await withBus(context, options, (bus) => oneOf(bus, callOf(context, options), id)),
  )
}

/** As a person of a name of its own: two commands of one user are no two people. */
export async function answer(
  context: CommandContext,
  id: string,
  decision: 'approve' | 'deny',
  options: ApprovalAnswerOptions,
): Outcome {
  const { scope, note } = options
  const given = {
    decision,
    ...(scope === undefined ? {} : { scope }),
    ...(note === undefined ? {} : { note }),
  }
  const approval = await withBus(context, asPerson(options), async (bus) => {
    const call = callOf(context, options)
    const { approval_id } = await oneOf(bus, call, id, ['pending'])
    const contract = atKeeper(approvals.answer, keeperOf(approval_id))
    return (await bus.request(contract, { approval_id, ...given }, call)).approval
  })
  return tell(context, options, approval)
}

export async function revoke(context: CommandContext, id: string, options: ApprovalCommandOptions): Outcome {
  const approval = await withBus(context, asPerson(options), async (bus) => {
    const call = callOf(context, options)
    const { approval_id } = await oneOf(bus, call, id, ['approved'])
    return (await bus.request(atKeeper(approvals.revoke, keeperOf(approval_id)), { approval_id }, call))
      .approval
  })
  return tell(context, options, approval)
}

function tell(context: CommandContext, { json }: ClientOptions, approval: Approval): Outcome {
  if (json) context.terminal.printJson(approval)
  else context.terminal.print(formatApproval(approval, viewOf(context)))
  return Promise.resolve(EXIT.success)
}

const OPEN = ['pending', 'approved'] as const

interface Call {
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

function callOf({ interrupted }: CommandContext, { timeout }: ApprovalCommandOptions): Call {
  return { timeoutMs: timeout, signal: interrupted }
}

function asPerson<Options extends ClientOptions>(options: Options): Options {
  const { username } = userInfo()
  const name = /^[\w-]{1,64}$/.test(username) ? `operator-${username}` : COMPONENTS.operator.clientId
  return { ...options, clientId: options.clientId ?? name }
}

async function all(bus: Bus, call: Call, narrowed: { status?: Approval['status'][] }): Promise<Approval[]> {
  const found: Approval[] = []
  let cursor: string | undefined
  for (let page = 0; page < MOST_PAGES; page++) {
    const query = { ...narrowed, limit: PAGE, ...(cursor === undefined ? {} : { cursor }) }
    const { approvals: some, next_cursor } = await bus.request(approvals.list, query, call)
    found.push(...some)
    cursor = next_cursor
    if (cursor === undefined) break
  }
  return found
}

/** Throws `CommandFailure` unless exactly one begins so; of `status`, where more than one of all does. */
async function oneOf(
  bus: Bus,
  call: Call,
  id: string,
  status: readonly Approval['status'][] = [],
): Promise<Approval> {
  const isWhole = approvalIdSchema.safeParse(id).success
  const query = isWhole ? { approval_id: id } : {}
  const known = isWhole
    ? (await bus.request(approvals.list, query, call)).approvals
    : (await all(bus, call, {})).filter(({ approval_id }) => id !== '' && approval_id.startsWith(id))
  const fitting = known.filter((one) => status.includes(one.status))
  const found = known.length > 1 && fitting.length > 0 ? fitting : known
  const [one, ...others] = found
  if (one !== undefined && others.length === 0) return one
  throw new CommandFailure(
    one === undefined ? `there is no approval ${id}` : `${found.length} approvals begin with ${id}`,
    {
      code: one === undefined ? 'approval-unknown' : 'approval-ambiguous',
      exitCode: EXIT.usage,
      hint: '`jamey approvals list --all` shows their ids',
    },
  )
}
