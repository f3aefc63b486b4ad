import { isFailure, type Puback, type Pubcomp, type Pubrec, type Pubrel, ReasonCode } from '@jamey/protocol'
import type { Connection } from '../connection.js'
import type { Session } from '../session.js'

export function handlePuback(session: Session, { packetIdentifier }: Puback): void {
  session.outgoing.acknowledge(packetIdentifier)
}

export function handlePubrec(connection: Connection, session: Session, packet: Pubrec): void {
  const { packetIdentifier, reasonCode } = packet
  const isKnown = session.outgoing.receive(packetIdentifier, isFailure(reasonCode))
  if (isFailure(reasonCode)) return
  const code = isKnown ? ReasonCode.success : ReasonCode.packetIdentifierNotFound
  connection.answers.acknowledge('pubrel', packetIdentifier, code)
}

export function handlePubrel(connection: Connection, session: Session, { packetIdentifier }: Pubrel): void {
  const isKnown = session.incoming.delete(packetIdentifier)
  session.takenBefore?.delete(packetIdentifier)
  if (isKnown) connection.core.persistence.removeIncoming(session, packetIdentifier)
  const code = isKnown ? ReasonCode.success : ReasonCode.packetIdentifierNotFound
  connection.answers.acknowledge('pubcomp', packetIdentifier, code)
}

export function handlePubcomp(session: Session, { packetIdentifier }: Pubcomp): void {
  session.outgoing.complete(packetIdentifier)
}
