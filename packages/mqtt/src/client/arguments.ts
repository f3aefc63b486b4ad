import { assertProperties, typeOf } from '@jamey/protocol'
import type { CallOptions, MessagesOptions, PublishOptions, SubscribeOptions } from '../model/options.js'

/** The fault of an argument, which JavaScript hands over unchecked; undefined where there is none. */
type Fault = string | undefined

const QOS: readonly unknown[] = [0, 1, 2]
const BOOLEAN: readonly unknown[] = [false, true]
const UNTIL: readonly unknown[] = ['acknowledged', 'stored']
const WHEN_HANDLER_FAILS: readonly unknown[] = ['acknowledge', 'leave']

/** Checks the options that every call which waits has. */
export function callFault(options: CallOptions): Fault {
  if (typeof options !== 'object' || options === null) return wrong('options', options, 'an object')
  const { timeoutMs, signal } = options
  if (timeoutMs !== undefined && (typeof timeoutMs !== 'number' || Number.isNaN(timeoutMs))) {
    return wrong('timeoutMs', timeoutMs, 'milliseconds')
  }
  if (signal === undefined || typeof signal?.addEventListener === 'function') return undefined
  return wrong('signal', signal, 'an AbortSignal')
}

/** Checks all options of a publish but the properties. */
export function publishFault(options: PublishOptions): Fault {
  const fault =
    callFault(options) ??
    choiceFault('qos', options.qos, QOS) ??
    choiceFault('retain', options.retain, BOOLEAN) ??
    choiceFault('isDurable', options.isDurable, BOOLEAN) ??
    choiceFault('isPaced', options.isPaced, BOOLEAN) ??
    choiceFault('until', options.until, UNTIL)
  if (
    fault === undefined &&
    options.isDurable === false &&
    (options.qos === 2 || options.until === 'stored')
  ) {
    return "isDurable is false; qos 2 and until 'stored' need the record"
  }
  return fault
}

export function propertiesFault(properties: PublishOptions['properties']): Fault {
  try {
    if (properties === undefined) return undefined
    assertProperties('publish', properties)
    return properties.topicAlias === undefined ? undefined : "topicAlias is the client's own"
  } catch (error) {
    return (error as Error).message
  }
}

export function subscribeFault(options: SubscribeOptions): Fault {
  return (
    callFault(options) ??
    choiceFault('qos', options.qos, QOS) ??
    choiceFault('noLocal', options.noLocal, BOOLEAN) ??
    choiceFault('retainAsPublished', options.retainAsPublished, BOOLEAN) ??
    choiceFault('retainHandling', options.retainHandling, QOS) ??
    choiceFault('whenHandlerFails', options.whenHandlerFails, WHEN_HANDLER_FAILS)
  )
}

export function messagesFault(options: MessagesOptions): Fault {
  const { maximumBuffered = 0 } = options
  if (typeof maximumBuffered === 'number' && maximumBuffered >= 0) return undefined
  return wrong('maximumBuffered', maximumBuffered, '0 or more')
}

export function functionFault(name: string, found: unknown): Fault {
  return typeof found === 'function' ? undefined : wrong(name, found, 'a function')
}

export function textFault(name: string, found: unknown): Fault {
  return typeof found === 'string' ? undefined : wrong(name, found, 'text')
}

function choiceFault(name: string, found: unknown, choices: readonly unknown[]): Fault {
  if (found === undefined || choices.includes(found)) return undefined
  return wrong(name, found, choices.join(', '))
}

/** `found` may be a secret in the wrong place: its type tells enough, and its value only of what is short and plain. */
function wrong(name: string, found: unknown, expected: string): string {
  const shown = typeof found === 'number' || typeof found === 'boolean' ? found : `of type ${typeOf(found)}`
  return `${name} is ${shown}; expected ${expected}`
}
