import type { Subscription } from './subscription.js'

/** The members of one `$share/<name>/<filter>`: each message goes to one of them. Section 4.8.2. */
export class SharedGroup {
  /** `$share/<name>/<filter>`. */
  readonly filter: string
  readonly members: Subscription[] = []
  /** Whose turn it is. */
  turn = 0

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
  }

  /** Whether somebody else could take what `member` does not. */
  hasConnectedBeside(member: Subscription): boolean {
    return this.members.some(({ session }) => session !== member.session && session.connection !== undefined)
  }
}
