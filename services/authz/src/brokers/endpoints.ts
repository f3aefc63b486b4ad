import { EMQX_AUTHENTICATE, EMQX_AUTHORIZE } from './emqx.js'
import type { Endpoint } from './endpoint.js'
import { rabbitMqEndpoints } from './rabbitmq.js'
import { VERNEMQ } from './vernemq.js'

/** Every path at which a broker may ask. */
export function endpointsOf({ virtualHost }: { virtualHost: string }): readonly Endpoint[] {
  return [EMQX_AUTHENTICATE, EMQX_AUTHORIZE, VERNEMQ, ...rabbitMqEndpoints(virtualHost)]
}
