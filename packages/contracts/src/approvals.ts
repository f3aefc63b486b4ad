import {
  answerApprovalSchema,
  approvalIdSchema,
  approvalListSchema,
  approvalResultSchema,
  approvalSchema,
  conscienceIdSchema,
  forwardedWithdrawalSchema,
  getApprovalSchema,
  listApprovalsSchema,
  returnedApprovalSchema,
  revokeApprovalSchema,
  useApprovalSchema,
  usedApprovalSchema,
  withdrawApprovalSchema,
} from './approval.js'
import { type Contract, type RequestContract, topicOf } from './contract.js'

export * from './approval.js'

/** Behind the UUID, whose length is always the same, and the dot. */
const KEEPER_AT = 37

/** The client identifier of the conscience that keeps an approval. */
export function keeperOf(approvalId: string): string {
  return approvalId.slice(KEEPER_AT)
}

/** `contract` at the conscience that keeps an approval: its requests go to that one, whoever else serves. */
export function atKeeper<C extends RequestContract>(contract: C, keeper: string): C {
  return { ...contract, topic: topicOf(contract, { keeper }) }
}

/** `contract` at the conscience whose audit is asked for. */
export function atConscience<C extends RequestContract>(contract: C, conscience: string): C {
  return { ...contract, topic: topicOf(contract, { conscience }) }
}

/**
 * Where a request goes: to the keeper of the approval, or the conscience, that its data names, where the topic of its
 * contract has one.
 */
export function addressed<C extends RequestContract>(
  contract: C,
  data: Readonly<Record<string, unknown>>,
): C {
  const { topic } = contract
  if (topic.includes('{conscience}')) {
    const named = conscienceIdSchema.default('jamey-conscience').safeParse(data['conscience'])
    return named.success ? atConscience(contract, named.data) : contract
  }
  if (!topic.includes('{keeper}')) return contract
  const id = approvalIdSchema.safeParse(data['approval_id'])
  return id.success ? atKeeper(contract, keeperOf(id.data)) : contract
}

const SERVED = { qos: 1, retain: false, service: 'conscience' } as const

export const approvals = {
  /** Needs no more than the right to ask: whoever asked may know. */
  get: {
    ...SERVED,
    topic: 'jamey/conscience/evaluate',
    action: 'get_approval',
    schema: getApprovalSchema,
    responseSchema: approvalResultSchema,
    description: 'What became of an approval that a verdict named, for whom that verdict was for.',
  } satisfies RequestContract,
  withdraw: {
    ...SERVED,
    topic: 'jamey/conscience/evaluate',
    action: 'withdraw_approval',
    schema: withdrawApprovalSchema,
    responseSchema: approvalResultSchema,
    isRepeatable: true,
    description: 'Asks people no longer, for whom they were asked; what they have answered stays as it is.',
  } satisfies RequestContract,
  list: {
    ...SERVED,
    topic: 'jamey/conscience/approvals-list',
    action: 'list_approvals',
    schema: listApprovalsSchema,
    responseSchema: approvalListSchema,
    isRepeatable: true,
    description: 'Lists the calls that people are asked about, and what became of them.',
  } satisfies RequestContract,
  answer: {
    ...SERVED,
    topic: 'jamey/conscience/approvals-answer/{keeper}',
    action: 'answer_approval',
    schema: answerApprovalSchema,
    responseSchema: approvalResultSchema,
    description: 'Approves or denies a call that somebody else wants to make.',
  } satisfies RequestContract,
  revoke: {
    ...SERVED,
    topic: 'jamey/conscience/approvals-answer/{keeper}',
    action: 'revoke_approval',
    schema: revokeApprovalSchema,
    responseSchema: approvalResultSchema,
    description: 'Takes back an approval that is not used up.',
  } satisfies RequestContract,
  use: {
    ...SERVED,
    topic: 'jamey/conscience/approvals-use/{keeper}',
    action: 'use_approval',
    schema: useApprovalSchema,
    responseSchema: usedApprovalSchema,
    description: 'Uses an approval that another conscience keeps; among consciences alone.',
  } satisfies RequestContract,
  giveBack: {
    ...SERVED,
    topic: 'jamey/conscience/approvals-use/{keeper}',
    action: 'give_back_approval',
    schema: returnedApprovalSchema,
    responseSchema: usedApprovalSchema,
    isRepeatable: true,
    description:
      'Gives back an approval that a verdict used up which could not be recorded; among consciences alone.',
  } satisfies RequestContract,
  forwardWithdrawal: {
    ...SERVED,
    topic: 'jamey/conscience/approvals-use/{keeper}',
    action: 'withdraw_approval',
    schema: forwardedWithdrawalSchema,
    responseSchema: approvalResultSchema,
    isRepeatable: true,
    description: 'Tells the conscience that keeps an approval that its requester asks no longer.',
  } satisfies RequestContract,
  state: {
    topic: 'jamey/conscience/approvals/{approval_id}/{client_id}',
    action: 'approval',
    qos: 1,
    retain: true,
    schema: approvalSchema,
    description:
      'An approval as the conscience that keeps it has it; retained until it is settled for a while.',
  } satisfies Contract,
} as const
