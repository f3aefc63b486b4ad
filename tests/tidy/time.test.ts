import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

/**
 * The time of day is for what people and other machines are told, and may be corrected at any moment; every duration
 * comes from the monotonic clock. No timer gets a delay it cannot hold, for it would be over at once.
 */

const root = resolve(import.meta.dirname, '../..')
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: root })
  .toString()
  .split('\n')
  .filter((file) => /\.(ts|tsx|js|mjs)$/.test(file) && !/\.(test|contract|support)\.ts$/.test(file))

/** Reads the time of day. `new Date(value)` only writes one down. */
const TIME_OF_DAY = /\bDate\.now\b|\bnew Date\(\)|\bnew Date\b(?!\()|(?<!new )\bDate\(\)/
/** A timer of the system, which no port has checked the delay of. */
const TIMER = /(?<![.\w#])set(?:Timeout|Interval)\((?!callback: )|\bAbortSignal\.timeout\(/

/** Who may ask for the time of day, and what for. */
const TELLS_THE_TIME: Readonly<Record<string, string>> = {
  'apps/jamey/src/broker/in-process.ts': 'whether a certificate is valid',
  'apps/dashboard/src/state/now.ts': 'what the reader is told',
  'apps/jamey/src/program/command-line.ts': 'what is printed, and whether certificates are valid',
  'apps/jamey/src/install/file-lock.ts': 'the age of a file',
  'apps/jamey/src/terminal/log.ts': 'the timestamp of a line of the log',
  'apps/jamey/src/control/kept-findings.ts': 'when the checks were made, for people',
  'apps/jamey/src/control/outboxes.ts': 'since when something waits, for people',
  'apps/jamey/src/control/status.ts': 'when the broker was started, for people',
  'apps/jamey/src/client/raw-messages.ts': 'the timestamp of an envelope',
  'apps/jamey/src/install/run-file.ts': 'when the system was started, for people',
  'bench/client/bus-side.ts': 'the timestamp of an envelope',
  'bench/kit/machine.ts': 'the date of a report',
  'examples/broker-hooks/authenticate.js': 'until when a password is good',
  'examples/receipts/verify.js': 'until when a receipt could be used again',
  'packages/agents/src/openai/session.ts': 'when an item was said, which outlives the process',
  'packages/auth/src/acme/acme-certificate.ts': 'whether a certificate is valid',
  'packages/auth/src/certificates/authority-rotation.ts': 'from when to when certificates are valid',
  'packages/auth/src/certificates/certificate-renewal.ts': 'from when to when certificates are valid',
  'packages/auth/src/certificates/certificate-revocation.ts': 'when a certificate was revoked',
  'packages/auth/src/certificates/certificate-directory.ts': 'from when to when certificates are valid',
  'packages/auth/src/certificates/certificate.ts': 'from when to when certificates are valid',
  'packages/auth/src/clients/client-registry.ts': 'until when a former secret is taken',
  'packages/auth/src/tokens/remote-token-source.ts': 'until when a token is good',
  'packages/auth/src/revocation/revocations.ts': 'until when somebody is denied',
  'packages/auth/src/tokens/token-source.ts': 'iat and exp of a token',
  'packages/auth/src/tokens/token-verifier.ts': 'iat and exp of a token',
  'packages/auth/src/tokens/token.ts': 'iat and exp of a token',
  'packages/broker/src/support/clock.ts':
    'what outlives the process; durations have a clock of their own beside it',
  'packages/bus/src/support/clock.ts': 'timestamps; durations have a clock of their own beside it',
  'packages/bus/src/entry/environment.ts': 'whether a certificate is valid',
  'packages/store/src/outbox/open-outbox.ts':
    'ages of records, which outlive the process and its monotonic clock',
  'packages/store/src/session/open-session-store.ts': 'ages of records, which outlive the process',
  'packages/store/src/session/schema.ts': 'when a message became a dead letter, which outlives the process',
  'services/authz/src/decisions/decider.ts': 'when a grant ends, which outlives the process',
  'services/authz/src/service/authz.ts': 'the same',
  'services/gateway/src/live/viewers.ts': 'when a message came, for who looks at it',
  'services/gateway/src/service/gateway.ts': 'iat and exp of a token',
  'services/gateway/src/tokens/token-issuer.ts': 'until when a certificate is good',
  'services/memory/src/postgres/postgres-memory.ts': 'when a memory was made and expires',
  'services/memory/src/store/memory-store.ts':
    'when a memory was made and expires, which outlives the process',
  'services/memory/src/thread/threaded-memory.ts': 'the same',
  'tests/attacks/peer.ts': 'the timestamp of an envelope',
  'tests/brokers/identity.ts': 'the timestamp of an envelope',
  'tests/brokers/suite.ts': 'the date of a report',
  'tests/browser/dashboard-stub.ts': 'when a message came',
  'tests/browser/dashboard-world.ts': 'when what the page shows happened',
  'tests/soak/main.ts': 'the name of a report',
  'tests/soak/summary.ts': 'the date of a report',
}

/** Who may set a timer of the system, and why its delay is one that it holds. */
const SETS_TIMERS: Readonly<Record<string, string>> = {
  'apps/dashboard/src/api/event-stream.ts': 'a constant at the most',
  'apps/dashboard/src/api/http.ts': 'constants, for who passes nothing else',
  'apps/dashboard/src/state/live.ts': 'a constant',
  'apps/dashboard/src/state/now.ts': 'a constant',
  'apps/dashboard/src/state/poll.ts': 'three minutes at the most',
  'apps/dashboard/src/state/session.ts': 'a constant, and no more than a timer counts',
  'apps/dashboard/src/views/live-messages.tsx': 'a constant',
  'apps/jamey/src/command-process.ts': 'a constant',
  'apps/jamey/src/commands/mcp/message-collection.ts': 'a minute at the most',
  'apps/jamey/src/commands/mcp/tools.ts': 'a day at the most, as --timeout is checked',
  'apps/jamey/src/commands/sub.ts': 'a day at the most, as --timeout is checked',
  'apps/jamey/src/commands/up.ts': 'a constant',
  'apps/jamey/src/client/connection.ts': 'a constant',
  'apps/jamey/src/doctor/health-checks.ts': 'a constant',
  'apps/jamey/src/client/raw-messages.ts': 'a day at the most, as --timeout is checked',
  'apps/jamey/src/doctor/server-trials.ts': 'a minute at the most',
  'apps/jamey/src/doctor/service-checks.ts': 'a constant, for who passes nothing else',
  'apps/jamey/src/components/stop-in-order.ts': 'a grace time of ten minutes at the most, as it is checked',
  'packages/agents/src/http/json-request.ts': 'ten minutes and a held answer at the most, as is checked',
  'packages/agents/src/judges/approval-wait.ts': 'a constant at the most',
  'packages/auth/src/support/https-request.ts': 'a minute at the most',
  'packages/auth/src/support/watched-file.ts': 'a constant',
  'packages/broker/src/support/clock.ts': 'what is long waits in the pieces of deadline.ts',
  'packages/mcp/src/guard/clock.ts': 'bounded there',
  'packages/mqtt/src/entry/browser-platform.ts': 'bounded there: pages do not live for 25 days',
  'packages/mqtt/src/support/node-clock.ts': 'the one place where long delays are cut into pieces',
  'packages/mqtt/src/client/node-client.ts': 'a constant',
  'packages/mqtt/src/transport/web-socket-transport.ts': 'a constant',
  'packages/store/src/lmdb/erasing.ts': 'a constant at the most',
  'packages/store/src/lmdb/lmdb-opening.ts': 'a constant',
  'packages/store/src/lmdb/ownership.ts': 'a constant',
  'services/conscience/src/verdict/judge.ts': 'bounded there',
  'services/memory/src/postgres/vectors/meaning.ts': 'a minute at the most',
  'services/memory/src/store/memory-store.ts': 'a constant',
  'services/memory/src/vector-worker.ts': 'a minute at the most',
  'services/memory/src/vectors/embedding-endpoint.ts': 'ten minutes at the most, as is checked',
}

/** Harnesses, which end with their run; only their durations are of interest. */
const isProduct = (file: string) => /^(packages|services|apps)\/(?!testing\/)[^/]+\/(src|bin)\//.test(file)

/** Without comments, which may speak of what they forbid. */
function codeOf(file: string): string {
  return readFileSync(resolve(root, file), 'utf8')
    .replace(/^\s*\/\*[\s\S]*?\*\//gm, '')
    .replace(/(^|\s)\/\/.*$/gm, '')
}

function uses(pattern: RegExp, among: (file: string) => boolean): string[] {
  return files.filter((file) => among(file) && pattern.test(codeOf(file))).sort()
}

describe('time', () => {
  it('of day is asked for only where it is told', () => {
    expect(uses(TIME_OF_DAY, () => true)).toEqual(Object.keys(TELLS_THE_TIME).sort())
  })

  it('is waited for by the timers of a clock, or by such as hold their delay', () => {
    const product = (file: string) => isProduct(file) && !file.includes('/test-support/')
    expect(uses(TIMER, product)).toEqual(Object.keys(SETS_TIMERS).sort())
  })

  it.each([
    'const endsAtMs = Date.now() + 5000',
    'const startedAt = new Date()',
    'now = Date.now',
    'const text = Date()',
  ])('finds the time of day in: %s', (line) => {
    expect(line).toMatch(TIME_OF_DAY)
  })

  it.each(['setTimeout(resolve, ms)', 'await setTimeout(ms)', 'AbortSignal.timeout(ms)'])(
    'finds the timer in: %s',
    (line) => {
      expect(line).toMatch(TIMER)
    },
  )

  it.each(['clock.setTimeout(resolve, ms)', 'setTimeout(callback: () => void, delayMs: number): unknown'])(
    'finds no timer in: %s',
    (line) => {
      expect(line).not.toMatch(TIMER)
    },
  )
})
