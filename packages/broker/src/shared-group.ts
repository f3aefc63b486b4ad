import type { Session } from './session.js'
import type { Subscription } from './subscription.js'

/** Publishers remembered for one group; one more, and all are spread anew. */
const MOST_PUBLISHERS = 10_000

/** The members of one `$share/<name>/<filter>`: each message goes to one of them. Section 4.8.2. */
export class SharedGroup {
  /** `$share/<name>/<filter>`. */
  readonly filter: string
  readonly members: Subscription[] = []
  /** Whose turn it is. */
  turn = 0

  /**
   * What waits in this session is being handed to the members, and what is published goes to the end of its queue: so
   * it does not overtake.
   */
  inHandOver: Session | undefined

  /** Who got the last message of a publisher; used where a publisher's messages are to stay together. */
  readonly #byPublisher = new Map<string, Session>()

  constructor(filter: string) {
    this.filter = filter
  }

  add(member: Subscription): void {
    const at = this.members.findIndex(({ session }) => session === member.session)
    if (at >= 0) this.members[at] = member
    else this.members.push(member)
  }

  remove(member: Subscription): void {
    const at = this.members.findIndex(({ session }) => session === member.session)
    if (at >= 0) this.members.splice(at, 1)
    for (const [publisher, session] of this.#byPublisher) {
      if (session === member.session) this.#byPublisher.delete(publisher)
    }
  }

  memberOf(publisher: string): Session | undefined {
    return this.#byPublisher.get(publisher)
  }

  remember(publisher: string, session: Session): void {
    if (this.#byPublisher.size >= MOST_PUBLISHERS) this.#byPublisher.clear()
    this.#byPublisher.set(publisher, session)
  }

  hasOtherThan(one: Session): boolean {
    return this.members.some(({ session }) => session !== one)
  }

  /** Whether somebody else could take what `one` does not. */
  hasConnectedBeside(one: Session): boolean {
    return this.members.some(({ session }) => session !== one && session.connection !== undefined)
  }
}
