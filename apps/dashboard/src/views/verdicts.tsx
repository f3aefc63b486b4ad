import type { Verdict } from '@jamey/contracts'
import { useRef, useState } from 'preact/hooks'
import { formatCount } from '../format/numbers.js'
import { Choice, Form } from '../parts/form.js'
import { Empty, NeedsPermission } from '../parts/notice.js'
import { useShortcuts } from '../parts/shortcut-keys.js'
import { MAXIMUM_VERDICTS, missed, type Received, verdicts } from '../state/live.js'
import { VERDICTS } from '../state/permissions.js'
import { rights } from '../state/session.js'
import { EarlierVerdicts } from './earlier-verdicts.js'
import { VerdictFeed } from './verdict-detail.js'
import { fits } from './verdict-list.js'

const DECISIONS = ['all', 'deny', 'ask', 'allow'] as const
/** More rows than these nobody reads, and each costs a little. */
const SHOWN = 100

/** Verdicts as they are given, each with its rules, facts and digests. */
export function Verdicts() {
  const [decision, setDecision] = useState<(typeof DECISIONS)[number]>('all')
  const [search, setSearch] = useState('')
  const [held, setHeld] = useState<readonly Received<Verdict>[] | undefined>(undefined)
  const input = useRef<HTMLInputElement>(null)
  const toggle = (): void => setHeld(held === undefined ? verdicts.value : undefined)
  useShortcuts([
    { key: '/', does: 'search in what is shown', run: () => input.current?.focus() },
    { key: 'p', does: 'hold the list still, or let it go on', run: toggle },
  ])
  if (!rights.value.maySubscribe(VERDICTS)) {
    return (
      <>
        <h1>Verdicts</h1>
        <NeedsPermission permission={`subscribe:${VERDICTS}`} what="Following verdicts" />
      </>
    )
  }
  const all = held ?? verdicts.value
  const fitting = all.filter(
    ({ data }) => (decision === 'all' || data.decision === decision) && fits(data, search),
  )
  return (
    <>
      <h1>Verdicts</h1>
      <Form class="bar">
        <Choice label="Decision" options={DECISIONS} value={decision} onChoose={setDecision} />
        <input
          ref={input}
          type="search"
          aria-label="Search in tool, client, rule, reason or digest"
          placeholder="tool, client, rule, reason or digest"
          value={search}
          onInput={(event) => setSearch(event.currentTarget.value)}
        />
        <button type="button" aria-pressed={held !== undefined} onClick={toggle}>
          {held === undefined ? 'Hold' : 'Go on'}
        </button>
      </Form>
      <p class="muted small" role="status">
        {formatCount(fitting.length)} of {formatCount(all.length)} since this page was opened
        {all.length === MAXIMUM_VERDICTS && `, which keeps ${MAXIMUM_VERDICTS}`}
        {held !== undefined && verdicts.value.length > 0 && `; ${newer(held)} newer`}
        {missed.value > 0 && `; ${formatCount(missed.value)} events were left out, for the page was too slow`}
        .
      </p>
      {fitting.length === 0 && <Empty>None yet. They appear here as they are given.</Empty>}
      <VerdictFeed verdicts={fitting.slice(0, SHOWN)} />
      {fitting.length > SHOWN && <p class="muted small">The newest {SHOWN} are shown.</p>}
      <EarlierVerdicts decision={decision} search={search} />
    </>
  )
}

function newer(held: readonly Received<Verdict>[]): number {
  const last = Number(held[0]?.id ?? 0)
  return verdicts.value.filter(({ id }) => Number(id) > last).length
}
