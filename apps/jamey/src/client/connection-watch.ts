import type { Bus } from '@jamey/bus'
import { CommandFailure, reportOf } from '../support/failure.js'
import type { CommandContext } from '../terminal/command-context.js'

/**
 * Says on standard error when the connection breaks and when it is back; messages of QoS 1 wait meanwhile. `ended`
 * rejects when there will be no other one.
 */
export function watchStates(
  bus: Bus,
  { terminal, interrupted }: CommandContext,
): { readonly ended: Promise<never>; readonly stop: () => void } {
  let isLost = false
  let stop = (): void => {}
  const ended = new Promise<never>((_, reject) => {
    stop = bus.onState(({ state, cause }) => {
      if (interrupted.aborted) return
      if (state === 'error' || state === 'disconnected') reject(endedForGood(cause))
      if (state === 'reconnecting' && !isLost) terminal.warn('the connection is lost; trying again')
      if (state === 'connected' && isLost) terminal.note('connected again')
      isLost = state === 'reconnecting' || (state === 'connecting' && isLost)
    })
  })
  return { ended, stop }
}

/** Refused by the broker, taken over by another client of this name, or tried as often as MQTT_BREAKER_FAILURES says. */
function endedForGood(cause: Error | undefined): CommandFailure {
  const { code, exitCode, message } = reportOf(cause ?? new Error('no reason was given'))
  return new CommandFailure(`the connection ended for good: ${message}`, { code, exitCode, cause })
}
