import type { JsonObject, ToolAnnotations } from '@jamey/agents'
import { isObject } from '../lines/message.js'
import { METHODS } from './protocol.js'

/** What a request asks of a server, as a call of a tool. */
export interface Guarded {
  /** Behind the server's name: that of the tool, or the method of the protocol. */
  readonly tool: string
  readonly arguments: JsonObject
  /** What the protocol itself says of the method; of a tool only its server says something. */
  readonly annotations?: ToolAnnotations | undefined
}

/** A method whose requests the guard holds back until they are judged, or whose results until they are reported. */
export interface GuardedMethod {
  /** False where only the result is reported: what is asked for does nothing, and what comes is text of the server. */
  readonly isJudged: boolean
  /** True where the answer comes when nobody wants it any longer, and until then notifications without content. */
  readonly staysOpen?: boolean
  /** A text says why it cannot be judged. */
  guarded(params: JsonObject): Guarded | string
  /** The params with other arguments, as a rule changed them. */
  changed(params: JsonObject, args: JsonObject): JsonObject
}

/** Members of `params` that are about the exchange and not about what is asked for. */
const OF_EXCHANGE: ReadonlySet<string> = new Set(['_meta', 'inputResponses', 'requestState'])
/** The protocol has no method that reads a resource and changes something. */
const READS: ToolAnnotations = { readOnlyHint: true }
/** RFC 3986, section 3. What some readers drop from a URI, so that it becomes another one, is refused. */
const URI = /^[A-Za-z][A-Za-z0-9+.-]*:[^\p{Cc}\p{Zl}\p{Zp}]*(?<! )$/u

const callTool: GuardedMethod = {
  isJudged: true,
  guarded: ({ name, arguments: given = {} }) => {
    if (typeof name !== 'string' || name === '') return 'params.name: expected the name of a tool'
    // Rules about the method would be rules about the tool, which may do anything.
    if (Object.hasOwn(GUARDED, name)) return 'params.name: expected the name of a tool; found one of a method'
    if (!isObject(given)) return 'params.arguments: expected an object'
    return { tool: name, arguments: given }
  },
  changed: (params, args) => ({ ...params, arguments: args }),
}

/** All that is said of the resource is judged, for a server may look at more than its URI. */
function aboutResource(tool: string): GuardedMethod {
  return {
    isJudged: true,
    guarded: (params) => {
      if (!isUri(params['uri'])) return 'params.uri: expected a URI'
      const args = Object.fromEntries(Object.entries(params).filter(([name]) => !OF_EXCHANGE.has(name)))
      return { tool, arguments: args, annotations: READS }
    },
    changed: (params, args) => ({ ...params, ...args }),
  }
}

const listen: GuardedMethod = {
  isJudged: true,
  staysOpen: true,
  guarded: ({ notifications }) => {
    const uris = subscribedIn(notifications)
    if (!Array.isArray(uris) || !uris.every(isUri))
      return 'params.notifications.resourceSubscriptions: expected URIs'
    return { tool: METHODS.subscribe, arguments: { uri: uris }, annotations: READS }
  },
  changed: (params, { uri }) => {
    const { notifications } = params
    const others = isObject(notifications) ? notifications : {}
    return { ...params, notifications: { ...others, resourceSubscriptions: uri } }
  },
}

/** What the server answers is reported, whatever it was asked for. */
function toldOf(tool: string): GuardedMethod {
  return {
    isJudged: false,
    guarded: ({ name, arguments: given, taskId }) => ({
      tool,
      arguments: { name: name ?? taskId ?? '', ...(isObject(given) ? { arguments: given } : {}) },
    }),
    changed: (params) => params,
  }
}

const GUARDED: Readonly<Record<string, GuardedMethod>> = {
  [METHODS.callTool]: callTool,
  [METHODS.readResource]: aboutResource(METHODS.readResource),
  [METHODS.subscribe]: aboutResource(METHODS.subscribe),
  [METHODS.listen]: listen,
  [METHODS.getPrompt]: toldOf(METHODS.getPrompt),
  [METHODS.taskResult]: toldOf(METHODS.taskResult),
}

const BY_FOLDED_NAME = new Map(Object.keys(GUARDED).map((method) => [folded(method), method]))

/** As the name of a method is read by whoever does not look closely. */
function folded(method: string): string {
  return method.trim().toLowerCase()
}

/** For a name that the protocol does not have, and that some server may take for one that it has. */
function misspelt(method: string): GuardedMethod {
  return { isJudged: true, guarded: () => `method: expected ${method}`, changed: (params) => params }
}

/** Undefined for what is passed on as it comes. */
export function guardedMethod(method: string, params: unknown): GuardedMethod | undefined {
  const name = BY_FOLDED_NAME.get(folded(method))
  if (name === undefined) return undefined
  if (name !== method) return misspelt(name)
  // Whoever wants to hear of lists alone names no resource.
  const isOfLists = method === METHODS.listen && isObject(params) && namesNone(params['notifications'])
  return isOfLists ? undefined : GUARDED[method]
}

function namesNone(notifications: unknown): boolean {
  const uris = subscribedIn(notifications)
  return isObject(notifications) && (uris === undefined || (Array.isArray(uris) && uris.length === 0))
}

function subscribedIn(notifications: unknown): unknown {
  return isObject(notifications) ? notifications['resourceSubscriptions'] : undefined
}

function isUri(value: unknown): value is string {
  return typeof value === 'string' && URI.test(value)
}
