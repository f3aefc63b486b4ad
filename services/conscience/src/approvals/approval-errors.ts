import { RequestError } from '@jamey/bus'
import type { Approval } from '@jamey/contracts'

/** There is none, or it is nothing to whoever asks. */
export function unknownApproval(approvalId: string, retryable = false): RequestError {
  return new RequestError('approval-unknown', `approval_id: there is no approval ${approvalId} here.`, {
    retryable,
  })
}

/** It is no longer as it would have to be. */
export function settledApproval({ approval_id, status }: Approval, what: string): RequestError {
  return new RequestError('approval-settled', `Approval ${approval_id} is ${status}, so that it ${what}.`)
}

export function notPermittedToAnswer(message: string): RequestError {
  return new RequestError('not-permitted', message)
}

/** A requester asks for more than people are asked at once. */
export function fullOfApprovals(whose: string, bound: string): RequestError {
  return new RequestError(
    'approvals-full',
    `People are asked about ${bound} ${whose} at once; some have to be answered or to expire first.`,
    {
      retryable: true,
    },
  )
}

/** A call that a person could not look through. */
export function tooLargeToAsk(characters: number, most: number): RequestError {
  return new RequestError(
    'approval-too-large',
    `arguments: people are asked about at most ${most} characters of JSON, found ${characters}.`,
  )
}
