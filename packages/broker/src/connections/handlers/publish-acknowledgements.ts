import { isFailure, type Puback, type Pubcomp, type Pubrec, type Pubrel, ReasonCode } from '@jamey/protocol'
import type { Session } from '../../sessions/session.js'
import type { Connection } from '../connection.js'

export function handlePuback(session: Session, { packetIdentifier }: Puback): void {
  session.outgoing.acknowledge(packetIdentifier)
}

export function handlePubrec(connection: Connection, session: Session, packet: Pubrec): void {
  const { packetIdentifier, reasonCode } = packet
  const isKnown = session.outgoing.receive(packetIdentifier, isFailure(reasonCode))
  if (isFailure(reasonCode)) return
  const code = isKnown ? ReasonCode.success : ReasonCode.packetIdentifierNotFound
  connection.acknowledgements.acknowledge('pubrel', packetIdentifier, code)
}

export function handlePubrel(connection: Connection, session: Session, { packetIdentifier }: Pubrel): void {
  const isKnown = session.incoming.delete(packetIdentifier)
  session.takenBefore?.delete(packetIdentifier)
  if (isKnown) connection.context.persistence.removeIncoming(session, packetIdentifier)
  // A client sends PUBREL for what we have taken, and in a session that outlived its connection that is known until it
  // was released: so this one was, and only the answer was lost. Section 4.4
  const isReleased = isKnown || session.isResumed
  const code = isReleased ? ReasonCode.success : ReasonCode.packetIdentifierNotFound
  connection.acknowledgements.acknowledge('pubcomp', packetIdentifier, code)
}

export function handlePubcomp(session: Session, { packetIdentifier }: Pubcomp): void {
  session.outgoing.complete(packetIdentifier)
}
