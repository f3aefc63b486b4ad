import type { MemoryRecalled } from '@jamey/contracts'
import { useEffect, useRef, useState } from 'preact/hooks'
import { memories } from '../api/endpoints.js'
import type { ApiError } from '../api/problem.js'
import { formatCount } from '../format/numbers.js'
import { useAct } from '../parts/async.js'
import { Choice, Form } from '../parts/form.js'
import { JsonView } from '../parts/json.js'
import { Empty, NeedsPermission, ProblemNote } from '../parts/notice.js'
import { useShortcuts } from '../parts/shortcut-keys.js'
import { Text } from '../parts/text.js'
import { Age, Time } from '../parts/time.js'
import { MEMORY_QUERY, OTHERS_QUERY } from '../state/permissions.js'
import { rights } from '../state/session.js'
import { LAYER_NAMES } from './memory-layers.js'
import { MemoryWhy } from './memory-why.js'

const LIMIT = 20

interface Question {
  readonly of: 'own' | 'all'
  readonly q: string
  readonly layer: string
  readonly tag: string
  readonly owner: string
}

type Found = MemoryRecalled['memories'][number]

/** What is remembered, and why it was found. */
export function MemorySearch() {
  const mayOthers = rights.value.mayPublish(OTHERS_QUERY)
  const mayOwn = rights.value.mayPublish(MEMORY_QUERY)
  const [question, setQuestion] = useState<Question>({
    of: mayOthers ? 'all' : 'own',
    q: '',
    layer: '',
    tag: '',
    owner: '',
  })
  const { found, isByTime, isBusy, error, ask } = useMemories(question, mayOwn || mayOthers)
  const input = useRef<HTMLInputElement>(null)
  useShortcuts([{ key: '/', does: 'search memories', run: () => input.current?.focus() }])
  if (!mayOwn && !mayOthers) {
    return (
      <>
        <h1>Memory</h1>
        <NeedsPermission permission={`publish:${MEMORY_QUERY}`} what="Searching memories" />
      </>
    )
  }
  return (
    <>
      <h1>Memory</h1>
      <SearchForm
        question={question}
        input={input}
        mayOwn={mayOwn}
        mayOthers={mayOthers}
        isBusy={isBusy}
        onChange={(change) => setQuestion({ ...question, ...change })}
        onAsk={() => ask()}
      />
      {error !== undefined && <ProblemNote error={error} />}
      {found === undefined ? (
        isBusy && <p class="empty">Asking for memories…</p>
      ) : (
        <>
          <p class="found muted small" role="status">
            {found.total_is_at_least === true && 'at least '}
            {formatCount(found.total)} {found.total === 1 ? 'fits' : 'fit'},{' '}
            {isByTime ? 'the newest first' : 'the best first'}. Looking here does not count as recalling.
          </p>
          {found.memories.length === 0 && <Empty>Nothing fits.</Empty>}
          <ol class="memories">
            {found.memories.map((memory) => (
              <li key={memory.id}>
                <MemoryRow memory={memory} />
              </li>
            ))}
          </ol>
          {found.next_cursor !== undefined && (
            <nav class="pages" aria-label="More memories">
              <button type="button" disabled={isBusy} onClick={() => ask(found.next_cursor)}>
                More
              </button>
            </nav>
          )}
        </>
      )}
    </>
  )
}

interface Search {
  readonly found: MemoryRecalled | undefined
  /** Without words the newest come first. */
  readonly isByTime: boolean
  readonly isBusy: boolean
  readonly error: ApiError | undefined
  /** With a cursor for more of the same. */
  ask(cursor?: string): void
}

/** What fits the question as it was when it was asked; at first the newest, before anybody asked for anything. */
function useMemories(question: Question, mayAsk: boolean): Search {
  const [found, setFound] = useState<MemoryRecalled | undefined>(undefined)
  const [isByTime, setByTime] = useState(true)
  const { isBusy, error, run } = useAct()
  const ask = (cursor?: string): void =>
    run(async () => {
      const { of, owner, ...query } = question
      const next = await memories.recall(of, {
        ...query,
        ...(of === 'all' ? { owner } : {}),
        limit: LIMIT,
        cursor,
      })
      setByTime(query.q.trim() === '')
      setFound((before) =>
        cursor === undefined || before === undefined
          ? next
          : { ...next, memories: [...before.memories, ...next.memories] },
      )
    })
  useEffect(() => {
    if (mayAsk) ask()
  }, [])
  return { found, isByTime, isBusy, error, ask }
}

interface FormProps {
  readonly question: Question
  readonly input: { current: HTMLInputElement | null }
  readonly mayOwn: boolean
  readonly mayOthers: boolean
  readonly isBusy: boolean
  onChange(change: Partial<Question>): void
  onAsk(): void
}

function SearchForm({ question, input, mayOwn, mayOthers, isBusy, onChange, onAsk }: FormProps) {
  const narrow = (name: 'tag' | 'owner') => (
    <input
      type="text"
      class="narrow"
      aria-label={name}
      placeholder={name}
      value={question[name]}
      onInput={(event) => onChange({ [name]: event.currentTarget.value })}
    />
  )
  return (
    <search>
      <Form class="bar" onSubmit={onAsk}>
        <input
          ref={input}
          type="search"
          class="grows"
          aria-label="Words to look for"
          placeholder="words, or a question"
          value={question.q}
          onInput={(event) => onChange({ q: event.currentTarget.value })}
        />
        <select
          aria-label="Layer"
          value={question.layer}
          onChange={(event) => onChange({ layer: event.currentTarget.value })}
        >
          <option value="">every layer</option>
          {LAYER_NAMES.map((layer) => (
            <option key={layer} value={layer}>
              {layer}
            </option>
          ))}
        </select>
        {narrow('tag')}
        {mayOthers && question.of === 'all' && narrow('owner')}
        {mayOwn && mayOthers && (
          <Choice
            label="Whose memories"
            options={['all', 'own'] as const}
            names={(of) => (of === 'all' ? 'everybody’s' : 'mine')}
            value={question.of}
            onChoose={(of) => onChange({ of })}
          />
        )}
        <button type="submit" class="primary" disabled={isBusy}>
          {isBusy ? 'Searching…' : 'Search'}
        </button>
      </Form>
    </search>
  )
}

function MemoryRow({ memory }: { memory: Found }) {
  const { content, owner, layer, scope, tags, occurred_at, trusted, why, score } = memory
  return (
    <article class="memory">
      <p class="content">
        <Text>{content}</Text>
      </p>
      <p class="muted small">
        <Time at={occurred_at} /> (<Age at={occurred_at} />
        ), <Text>{owner}</Text>, {layer}, {scope}
        {tags.length > 0 && (
          <>
            , tags <Text>{tags.join(', ')}</Text>
          </>
        )}
        {!trusted && <b class="tone-warn"> not believed</b>}
      </p>
      {why !== undefined && <MemoryWhy why={why} score={score} />}
      <details>
        <summary class="small">All of it</summary>
        <JsonView value={withoutWhy(memory)} label="Memory" />
      </details>
    </article>
  )
}

function withoutWhy({ why: _, ...memory }: Found): object {
  return memory
}
