import { isFailure, REASON_CODES_OF, ReasonCode } from '@jamey/protocol'
import { BrokerError } from '../support/errors.js'
import type { Core } from './core.js'

/** Options of `Broker.disconnect`. */
export interface DisconnectOptions {
  /** Reason code of DISCONNECT, from 0x80 on; 0x98, an administrative action, by default. */
  readonly reasonCode?: number | undefined
  /** Text for a client of MQTT 5.0; must hold no secrets. */
  readonly reasonString?: string | undefined
}

/** Fulfils `Broker.disconnect`. */
export function disconnect(
  { sessions }: Core,
  clientId: string,
  {
    reasonCode = ReasonCode.administrativeAction,
    reasonString = 'disconnected by the server',
  }: DisconnectOptions,
): boolean {
  if (!isFailure(reasonCode) || !REASON_CODES_OF.disconnect.has(reasonCode)) {
    const expected = 'expected one from 0x80 on that DISCONNECT has'
    throw new BrokerError('disconnect-invalid', `disconnect reasonCode: got ${reasonCode}; ${expected}`)
  }
  const connection = sessions.get(clientId)?.connection
  connection?.end(reasonCode, reasonString)
  return connection !== undefined
}
