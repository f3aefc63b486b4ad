import { newClientNameFault, shownClientName } from '@jamey/auth'
import { COMPONENTS } from '@jamey/contracts'
import { EXIT } from '../support/exit-codes.js'
import { CommandFailure } from '../support/failure.js'

const OWN_NAMES = Object.values(COMPONENTS).map(({ clientId }) => clientId)

/** Refuses to create a client that would be taken for another: for one of `known`, or for a part of the system. */
export function assertNewClientName(name: string, known: Iterable<string>): void {
  const fault = newClientNameFault(name, [...OWN_NAMES, ...known])
  if (fault === undefined) return
  throw new CommandFailure(`"${shownClientName(name)}" cannot be a client identifier: it ${fault}`, {
    code: 'client-name',
    exitCode: EXIT.usage,
    hint: 'name it so that nobody takes it for another, such as robot-7',
  })
}
