import type { Approval } from '@jamey/contracts'
import { computed, effect, signal } from '@preact/signals'
import { approvals as approvalsEndpoint, broker } from '../api/endpoints.js'
import { History, type Sample } from './history.js'
import { follow, unfollow } from './live.js'
import { now, timeOfDay } from './now.js'
import { APPROVALS_LIST, BROKER_QUERY } from './permissions.js'
import { Poll } from './poll.js'
import { findSession, sessionState } from './session.js'

export const POLL_MS = 5_000
const SLOW_POLL_MS = 60_000
/** So many pending approvals are shown; there may be 5000. */
const MAXIMUM_PENDING = 100
/** What is older than this many polls is told to be stale. */
const STALE_POLLS = 3

const history = new History()
export const samples = signal<readonly Sample[]>([])
/** Drops since the page looks on. */
export const recentDrops = signal<History['growth']>([])
export const watchedSince = signal<number | undefined>(undefined)

export const status = new Poll(async () => {
  const found = await broker.status()
  history.add(found, timeOfDay() / 1000, performance.now() / 1000)
  samples.value = history.samples
  recentDrops.value = history.growth
  watchedSince.value = history.since
  return found
}, POLL_MS)
export const pending = new Poll(
  () => approvalsEndpoint.list(['pending'], { order: 'expires_at', limit: MAXIMUM_PENDING }),
  POLL_MS,
)
export const findings = new Poll(() => broker.findings(), SLOW_POLL_MS)
export const outbox = new Poll(() => broker.outbox(), SLOW_POLL_MS)

/** Those that wait, the one that expires first on top; of very many the first alone. */
export const waiting = computed((): readonly Approval[] =>
  (pending.remote.value.data?.approvals ?? []).filter((approval) => approval.status === 'pending'),
)
/** How many wait, shown or not. */
export const waitingCount = computed(() => pending.remote.value.data?.total ?? 0)

/** Since when what is shown is not the newest, in milliseconds; undefined where it is. */
export const staleSince = computed(() => {
  const polls = [status.remote.value, pending.remote.value].filter(
    ({ at, error }) => at !== undefined && error,
  )
  const oldest = Math.min(...polls.map(({ at }) => at ?? Number.POSITIVE_INFINITY))
  if (!Number.isFinite(oldest)) return undefined
  return now.value - oldest > STALE_POLLS * POLL_MS || polls.some(({ error }) => error?.status === 0)
    ? oldest
    : undefined
})

/** True where the gateway itself gives no answer, instead of one that says what is missing behind it. */
export const isGatewayAway = computed(() =>
  [status, pending].some((poll) => poll.remote.value.error?.status === 0),
)

/** Asks and follows what the viewer may, for as long as somebody is signed in. */
export function runSystem(): void {
  const all = [status, pending, findings, outbox]
  effect(() => {
    const state = sessionState.value
    if (state.kind === 'signed-out') {
      for (const poll of all) poll.stop()
      unfollow()
      history.clear()
      samples.value = []
      recentDrops.value = []
      return
    }
    if (state.kind !== 'signed-in') return
    const { rights } = state
    const asksBroker = rights.mayPublish(BROKER_QUERY)
    for (const poll of [status, findings, outbox]) if (asksBroker) poll.start()
    if (rights.mayPublish(APPROVALS_LIST)) pending.start()
    follow(rights, {
      onApproval: () => pending.refresh(),
      onBroken: () => void findSession(),
      onBack: () => {
        void findSession()
        for (const poll of all) poll.refresh()
      },
    })
  })
}
