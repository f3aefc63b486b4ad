import {
  type Bus,
  BusError,
  type Message,
  type OnBehalfOf,
  RemoteError,
  RequestError,
  type ServedContract,
} from '@jamey/bus'
import { addressed, type Call, OPERATIONS, quickParse, type RequestContract, topics } from '@jamey/contracts'
import { faultOf } from '../problems/invalid-input.js'

/** Operations that a repeat under the same `message_id` carries out once. */
const KEYED = /^memory\.(?:others\.)?(?:store|store-batch|update)$/

/** What the router needs of a bus. */
export type RouterBus = Pick<Bus, 'request' | 'serve'>

/**
 * Serves `jamey/api/requests`: checks the input of each call against the contract of its operation, asks the
 * component that serves it within what is left of the caller's time and on the caller's behalf, and hands the answer
 * back. No signal ends that sooner: the bus, which is that of the call as well, ends it with itself. What a caller may
 * call is what it may publish to the operation's own topic.
 *
 * The component's request has the correlation id and trace of the call, so that all of them show as one chain. What
 * stores has its `message_id` too, so that a call that is repeated under one `message_id` stores once.
 */
export async function serveApi(bus: RouterBus): Promise<ServedContract> {
  return bus.serve(
    topics.api.requests,
    { whenRefused: 'retry', permittedBy: (call) => contractOf(call).topic },
    async (call, context) => {
      const { operation, input } = call.data
      const onBehalfOf = callerOf(call)
      const contract = contractOf(call.data)
      const parsed = quickParse(contract.schema, input)
      if (!parsed.success) {
        const { detail } = faultOf(parsed.error.issues, input)
        throw new RequestError('invalid-request', detail)
      }
      const timeoutMs = context.remainingMs
      if (timeoutMs <= 0)
        throw new RequestError('request-timed-out', 'The deadline had passed.', { retryable: true })
      const { correlation_id, traceparent } = call.envelope.metadata
      try {
        const output = (await bus.request(contract, parsed.data, {
          timeoutMs,
          correlationId: correlation_id,
          onBehalfOf,
          ...(KEYED.test(operation) ? { messageId: call.envelope.message_id } : {}),
          ...(traceparent === undefined ? {} : { traceparent }),
        })) as Record<string, unknown>
        return { output }
      } catch (error) {
        throw requestErrorOf(error)
      }
    },
  )
}

function contractOf({ operation, input }: Call): RequestContract {
  return addressed<RequestContract>(OPERATIONS[operation], input)
}

/** What a caller may do that nobody passed on, this gateway must not put its own permissions in the place of. */
function callerOf({ principal, data: payload }: Message<Call>): OnBehalfOf {
  const { clientId, permissions } = principal
  if (permissions !== undefined) return { clientId, permissions: permissions.list }
  const { topic, action } = contractOf(payload)
  const way = `publish '${action}' to ${topic} itself, where that is known`
  throw new RequestError('not-permitted', `Nobody tells here what ${clientId} may do; ${way}.`)
}

/** A component's own failure goes on as it is; how the bus failed to reach it gets that failure's code as kind. */
function requestErrorOf(error: unknown): unknown {
  if (error instanceof RemoteError) {
    const { kind, message, retryable, details } = error
    return new RequestError(kind, message, {
      retryable,
      ...(details === undefined ? {} : { details }),
      cause: error,
    })
  }
  if (error instanceof BusError && error.retryable) {
    return new RequestError(error.code, error.message, { retryable: true, cause: error })
  }
  if (!(error instanceof Error)) return error
  if ('code' in error && error.code === 'packet-too-large') {
    return new RequestError('packet-too-large', 'The input is larger than the message broker takes.', {
      cause: error,
    })
  }
  if ('retryable' in error && error.retryable === true) {
    const message = 'The connection to the message broker is not usable at the moment.'
    return new RequestError('unavailable', message, { retryable: true, cause: error })
  }
  return error
}
