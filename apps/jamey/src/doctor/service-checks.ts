import type { Bus, Message } from '@jamey/bus'
import { pingOf, type RequestContract, type Status, topics } from '@jamey/contracts'
import { reportOf } from '../support/failure.js'
import { aborted } from '../support/waiting.js'
import type { Finding } from './finding.js'

/**
 * Time that each step may take: a broker whose disk is full acknowledges no subscription, and the doctor has to say so.
 */
const TIMEOUT_MS = 5_000

interface Question {
  readonly service: string
  readonly contract: RequestContract
  readonly data: object
}

/** The memory is asked for something that it has to read from its file. */
const QUESTIONS: readonly Question[] = [
  { service: 'conscience', contract: pingOf(topics.conscience.evaluate.topic, 'conscience'), data: {} },
  { service: 'memory', contract: topics.memory.query, data: { limit: 1 } },
  { service: 'gateway', contract: pingOf(topics.api.requests.topic, 'api'), data: {} },
]

/**
 * Finds out whether each service answers, by way of the broker as everybody asks it. Services that this client may not
 * ask are left out.
 */
export async function checkServices(
  bus: Bus,
  expected: 'all' | 'some',
  timeoutMs = TIMEOUT_MS,
): Promise<Finding[]> {
  const faults = await watchFaults(bus, timeoutMs)
  const asked = await Promise.all(QUESTIONS.map((question) => ask(bus, question, expected, timeoutMs)))
  const findings = asked.flat()
  const isMemoryThere = findings.some(({ check, status }) => check === 'service memory' && status === 'ok')
  return [...findings, ...(isMemoryThere ? await checkEmbeddings(bus, timeoutMs) : []), ...faults]
}

/** Memories are found by their words all the same, so that nobody would notice that no vectors are made. */
async function checkEmbeddings(bus: Bus, timeoutMs: number): Promise<Finding[]> {
  try {
    const { index } = await bus.request(topics.memory.stats, {}, { timeoutMs })
    const { fault } = (index['vectors'] ?? {}) as { readonly fault?: unknown }
    if (typeof fault !== 'string') return []
    const message = `memories are found by their words alone: ${fault}`
    const hint = 'look at JAMEY_EMBEDDINGS_URL and what answers there; missing vectors are made when it does'
    return [{ check: 'embeddings', status: 'warning', message, hint }]
  } catch {
    // Whether the memory answers was found out before.
    return []
  }
}

/**
 * What components say of themselves in their retained status, which the broker sends before any answer to what is asked
 * afterwards. The list grows meanwhile.
 */
async function watchFaults(bus: Bus, timeoutMs: number): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  const tell = ({ topic, data: payload }: Message<Status>): void => {
    const check = `status ${topic.split('/').at(-1)}`
    for (const { kind, message } of payload.faults ?? []) {
      const hint = `look at the log of ${payload.component}`
      findings.push({ check, status: 'failed', message: `${kind}: ${message}`, hint })
    }
  }
  const deadline = AbortSignal.timeout(timeoutMs)
  const subscribed = bus.subscribe(topics.events.status, tell).then(
    () => true,
    (error: Error) => {
      if (deadline.aborted || error.name === 'PermissionError') return true
      throw error
    },
  )
  const isInTime = await Promise.race([subscribed, aborted(deadline).then(() => false)])
  if (!isInTime) {
    const message = `the broker did not acknowledge a subscription within ${timeoutMs / 1000} s`
    findings.push({ check: 'broker', status: 'failed', message, hint: 'look at its log and its disk' })
  }
  return findings
}

async function ask(
  bus: Bus,
  { service, contract, data }: Question,
  expected: 'all' | 'some',
  timeoutMs: number,
): Promise<Finding[]> {
  const check = `service ${service}`
  const startedAt = performance.now()
  const answers = (): Finding[] => {
    return [{ check, status: 'ok', message: `answers in ${Math.round(performance.now() - startedAt)} ms` }]
  }
  try {
    await bus.request(contract, data, { timeoutMs })
    return answers()
  } catch (error) {
    const { code, message } = reportOf(error)
    const { name } = error as Error
    // A service that does not know the question was there to say so.
    if (code === 'unknown-action') return answers()
    if (name === 'PermissionError') return []
    if (name === 'NoResponderError') {
      const hint = `start it: \`jamey run ${service}\``
      const absent: Finding = { check, status: 'warning', message: 'nobody serves its requests', hint }
      return [expected === 'all' ? { ...absent, status: 'failed' } : absent]
    }
    const hint = `look at the log of the ${service}`
    return [{ check, status: 'failed', message, hint }]
  }
}
