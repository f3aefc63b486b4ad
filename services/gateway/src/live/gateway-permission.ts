import type { GatewayBus } from '../api/gateway-bus.js'
import { Problem } from '../problems/problem.js'

/** The reason code of a server that does not allow what it was asked for. [MQTT 5.0, sections 3.4.2.1 and 3.9.3] */
const NOT_AUTHORIZED = 0x87

/**
 * The gateway subscribes and publishes with its own right, which its operator gave it: nobody sees or sends more than
 * that by it. Throws a `Problem` 403 that names what it lacks.
 */
export function requireOfGateway(
  { permissions }: GatewayBus,
  action: 'publish' | 'subscribe',
  topic: string,
): void {
  const { isAllowed, permission = `${action}:${topic}` } = permissions.decide(action, topic)
  if (isAllowed) return
  const verb = action === 'publish' ? 'publish to' : 'subscribe to'
  throw new Problem(
    'gateway-permission-missing',
    `The gateway itself may not ${verb} ${topic}: JAMEY_GATEWAY_PERMISSIONS gives it the right, where the broker allows it, too.`,
    { permission },
  )
}

/** The problem for a server that refused the gateway, whatever the gateway believes of itself; other errors as they are. */
export function refusalOf(error: unknown, topic: string): unknown {
  if ((error as { reasonCode?: unknown }).reasonCode !== NOT_AUTHORIZED) return error
  const detail = `The message broker does not give the gateway the right to ${topic}.`
  return new Problem('gateway-permission-missing', detail, { cause: error })
}
