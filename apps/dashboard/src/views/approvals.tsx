import type { Approval, ApprovalStatus } from '@jamey/contracts'
import { useEffect, useRef, useState } from 'preact/hooks'
import { approvals as endpoint } from '../api/endpoints.js'
import { formatCount } from '../format/numbers.js'
import { useAct } from '../parts/async.js'
import { JsonView } from '../parts/json.js'
import { More, useMore } from '../parts/more.js'
import { Empty, Loaded, NeedsPermission, NeedsToken, ProblemNote } from '../parts/notice.js'
import { useShortcuts } from '../parts/shortcut-keys.js'
import { type Column, Table } from '../parts/table.js'
import { Text } from '../parts/text.js'
import { Time } from '../parts/time.js'
import { APPROVALS_ANSWER, APPROVALS_LIST } from '../state/permissions.js'
import { isLocal, rights } from '../state/session.js'
import { pending, waiting, waitingCount } from '../state/system.js'
import { ApprovalCard, keeperOf } from './approval-card.js'

const DECIDED: readonly ApprovalStatus[] = ['approved', 'denied', 'used', 'expired', 'revoked']
const PAGE = 20

/** What people are asked, the most urgent first, and what was answered. */
export function Approvals() {
  const [told, setTold] = useState('')
  const [turn, setTurn] = useState(0)
  const list = useRef<HTMLDivElement>(null)
  useShortcuts([
    { key: 'j', does: 'next approval', run: () => step(list.current, 1) },
    { key: 'k', does: 'approval before', run: () => step(list.current, -1) },
    { key: 'a', does: 'approve the chosen one (asks how)', run: () => press(list.current, 'approve') },
    { key: 'd', does: 'deny the chosen one (asks once more)', run: () => press(list.current, 'deny') },
  ])
  if (!rights.value.mayPublish(APPROVALS_LIST)) {
    return (
      <>
        <h1>Approvals</h1>
        <NeedsPermission permission={`publish:${APPROVALS_LIST}`} what="Seeing what people are asked" />
      </>
    )
  }
  const answered = (text: string): void => {
    setTold(text)
    setTurn(turn + 1)
    pending.refresh()
    list.current?.querySelector<HTMLElement>('article')?.focus()
  }
  return (
    <>
      <h1>Approvals</h1>
      <p class="told" role="status">
        {told}
      </p>
      {isLocal.value && <NeedsToken what="Answers need" />}
      <Loaded remote={pending.remote.value} what="approvals">
        {() =>
          waiting.value.length === 0 ? (
            <Empty>Nobody waits for an answer.</Empty>
          ) : (
            <div ref={list} class="approvals">
              {waiting.value.map((approval) => (
                <ApprovalCard key={approval.approval_id} approval={approval} onAnswered={answered} />
              ))}
              {waitingCount.value > waiting.value.length && (
                <p class="muted">
                  {formatCount(waitingCount.value - waiting.value.length)} more wait, which expire later; they
                  follow as these are answered.
                </p>
              )}
            </div>
          )
        }
      </Loaded>
      <Decided turn={turn} onRevoked={answered} />
    </>
  )
}

/** Chooses another approval, from the one that has the focus or holds it. */
function step(list: HTMLElement | null, by: number): void {
  const cards = [...(list?.querySelectorAll<HTMLElement>('article') ?? [])]
  const current = cards.findIndex((card) => card.contains(document.activeElement))
  const next = cards[current === -1 ? 0 : Math.min(cards.length - 1, Math.max(0, current + by))]
  next?.focus()
  next?.scrollIntoView({ block: 'nearest' })
}

function press(list: HTMLElement | null, act: string): void {
  const cards = [...(list?.querySelectorAll<HTMLElement>('article') ?? [])]
  const card = cards.find((one) => one.contains(document.activeElement)) ?? cards[0]
  card?.querySelector<HTMLButtonElement>(`button[data-act=${act}]`)?.click()
}

function Decided({ turn, onRevoked }: { turn: number; onRevoked: (text: string) => void }) {
  const { items, next, isBusy, error, more, again } = useMore('decided', {
    ask: async (cursor) => {
      const { approvals, next_cursor } = await endpoint.list(DECIDED, {
        order: 'changed_at',
        limit: PAGE,
        cursor,
      })
      return { items: approvals, next: next_cursor }
    },
    idOf: ({ approval_id }) => approval_id,
  })
  // What somebody answered or took back, or what expired, is among the decided ones now.
  const now = `${turn} ${waitingCount.value}`
  const before = useRef(now)
  useEffect(() => {
    if (before.current !== now) again()
    before.current = now
  }, [now])
  return (
    <section aria-labelledby="decided">
      <h2 id="decided">Decided</h2>
      {error !== undefined && <ProblemNote error={error} />}
      {items === undefined ? (
        isBusy && <p class="empty">Asking for what was decided…</p>
      ) : items.length === 0 ? (
        <Empty>Nothing yet.</Empty>
      ) : (
        <Table
          caption="Approvals that were decided, the last answer first"
          columns={columns(onRevoked)}
          rows={items}
          keyOf={({ approval_id }) => approval_id}
        />
      )}
      {next !== undefined && <More label="Older ones" isBusy={isBusy} onMore={more} />}
    </section>
  )
}

function columns(onRevoked: (text: string) => void): readonly Column<Approval>[] {
  return [
    { head: 'When', cell: ({ changed_at }) => <Time at={changed_at} /> },
    {
      head: 'Outcome',
      cell: ({ status, scope }) => (
        <span class={`decision ${status}`}>
          {status}
          {scope !== undefined && <span class="muted"> ({scope})</span>}
        </span>
      ),
    },
    {
      head: 'Call',
      holds: 'name',
      cell: ({ tool, arguments: given }) => (
        <details>
          <summary>
            <code>
              <Text>{tool}</Text>
            </code>
          </summary>
          <JsonView value={given} label={`Arguments of ${tool}`} />
        </details>
      ),
    },
    { head: 'For', holds: 'name', cell: ({ requested_by }) => <Text>{requested_by}</Text> },
    {
      head: 'By',
      holds: 'name',
      cell: ({ answers, revoked_by }) => (
        <Text>
          {[...answers.map((one) => one.answered_by), ...(revoked_by === undefined ? [] : [revoked_by])].join(
            ', ',
          ) || '–'}
        </Text>
      ),
    },
    { head: 'Note', cell: ({ answers }) => <Text>{notesOf(answers)}</Text> },
    { head: 'Act', cell: (approval) => <Revoke approval={approval} onRevoked={onRevoked} /> },
  ]
}

const notesOf = (answers: Approval['answers']): string => answers.map(({ note = '' }) => note).join(' ')

function Revoke({ approval, onRevoked }: { approval: Approval; onRevoked: (text: string) => void }) {
  const [isSure, setSure] = useState(false)
  const { isBusy, error, run } = useAct()
  const { approval_id, tool, status } = approval
  const may = rights.value.mayPublish(`${APPROVALS_ANSWER}/${keeperOf(approval_id)}`) && !isLocal.value
  if (status !== 'approved' || !may) return <span class="muted">–</span>
  const revoke = (): void =>
    run(async () => {
      await endpoint.revoke(approval_id)
      onRevoked(`Taken back: ${tool}.`)
    })
  return (
    <>
      {isSure ? (
        <span class="sure">
          <button type="button" class="danger" disabled={isBusy} onClick={revoke}>
            Take back
          </button>
          <button type="button" class="quiet" onClick={() => setSure(false)}>
            Keep
          </button>
        </span>
      ) : (
        <button type="button" class="quiet" onClick={() => setSure(true)}>
          Take back…<span class="unseen"> {tool}</span>
        </button>
      )}
      {error !== undefined && <ProblemNote error={error} />}
    </>
  )
}
