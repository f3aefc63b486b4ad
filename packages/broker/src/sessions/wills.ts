import { Message } from '../messages/message.js'
import { expiryOf } from '../messages/message-expiry.js'
import { besideStamp } from '../messages/stamping.js'
import { mayPublishWill } from '../messages/topic-permission.js'
import type { HookRunner } from '../ports/hook-runner.js'
import type { PublishOffer } from '../ports/hooks.js'
import type { RetainedMessages } from '../storage/retained-messages.js'
import { onceKnown } from '../support/once-known.js'
import type { Session, SessionContext } from './session.js'

interface WillContext extends SessionContext {
  readonly hooks: HookRunner | undefined
  readonly retained: RetainedMessages
}

/** Publishes what clients left to be said when they are gone. Section 3.1.2.5 */
export class Wills {
  readonly #context: WillContext

  constructor(context: WillContext) {
    this.#context = context
  }

  /**
   * Publishes the will that waits, if there is one; it is published once. [MQTT-3.1.2-8] [MQTT-3.1.3-9] A promise where
   * a hook takes its time to judge it.
   */
  publish(session: Session): void | Promise<void> {
    session.willDelay.clear()
    const { will } = session
    if (will === undefined) return
    session.will = undefined
    const { identity } = session
    // It was allowed with CONNECT; a renewal since may have taken that back.
    if (identity !== undefined && !mayPublishWill(identity, will, this.#context.limits.topicLevels)) {
      this.#context.counters.publishesDenied++
      return
    }
    const { topic, payload, qos, retain } = will
    const { willDelayInterval: _, ...own } = will.properties ?? {}
    const properties = besideStamp(session.permitted(own), session.stampFor(topic))
    const offer = { topic, payload, qos, retain, properties, isWill: true }
    const { hooks } = this.#context
    if (!hooks?.judgesPublish) return this.#send(session, offer)
    return onceKnown(hooks.judge(session.info, offer), (verdict) => {
      if ('refuse' in verdict) this.#context.counters.publishesRefused++
      else this.#send(session, verdict)
    })
  }

  #send(session: Session, will: PublishOffer): void {
    const context = this.#context
    const { topic, payload, qos, retain } = will
    const stamp = session.stampFor(topic)
    const properties = besideStamp(session.permitted(will.properties), stamp)
    const expiresAtMs = expiryOf(properties, context.clock)
    const { publishesAs } = session
    const message = new Message(topic, payload, qos, retain, properties, expiresAtMs, publishesAs, stamp)
    context.counters.willsPublished++
    if (retain) context.retained.retain(message)
    context.router.publish(message, session)
  }
}
