import { useEffect, useRef, useState } from 'preact/hooks'
import { type BusMessage, EventStream } from '../api/event-stream.js'
import { formatCount } from '../format/numbers.js'
import { Form } from '../parts/form.js'
import { JsonView } from '../parts/json.js'
import { Empty, NeedsPermission } from '../parts/notice.js'
import { Scroll } from '../parts/scroll.js'
import { useShortcuts } from '../parts/shortcut-keys.js'
import { Text } from '../parts/text.js'
import { Time } from '../parts/time.js'
import { dataOf } from '../state/live.js'
import { rights } from '../state/session.js'

const KEPT = 300
/** Messages may come by the thousand; the list is drawn this often at most. */
const DRAW_MS = 200
const PREVIEW = 140
/** Characters of a payload beyond which it is not laid out, but shown as text up to there. */
const LARGE = 20_000

interface Row {
  readonly id: number
  readonly message: BusMessage
}

interface LiveProps {
  readonly filter: string
  /** The reader chose a message's topic. */
  onTopic(topic: string): void
}

/** What is published to a filter from now on, and what is retained there. */
export function LiveMessages({ filter, onTopic }: LiveProps) {
  const [typed, setTyped] = useState(filter)
  const [followed, setFollowed] = useState(filter)
  const [isHeld, setHeld] = useState(false)
  const input = useRef<HTMLInputElement>(null)
  const { rows, state, dropped, clear } = useMessages(followed, isHeld)
  useShortcuts([
    { key: '/', does: 'choose a filter', run: () => input.current?.focus() },
    { key: 'p', does: 'hold the messages still, or let them go on', run: () => setHeld(!isHeld) },
  ])
  const mayFollow = followed === '' || rights.value.maySubscribe(followed)
  return (
    <section aria-labelledby="live" class="live">
      <h2 id="live">Messages</h2>
      <Form
        class="bar"
        onSubmit={() => {
          setFollowed(typed.trim())
          setHeld(false)
        }}
      >
        <input
          ref={input}
          type="text"
          class="code"
          aria-label="Topic filter"
          placeholder="jamey/events/#"
          list="known-filters"
          spellcheck={false}
          autocomplete="off"
          value={typed}
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
        <button type="submit" class="primary" disabled={typed.trim() === ''}>
          Follow
        </button>
        <button
          type="button"
          aria-pressed={isHeld}
          disabled={followed === ''}
          onClick={() => setHeld(!isHeld)}
        >
          {isHeld ? 'Go on' : 'Hold'}
        </button>
        <button type="button" class="quiet" disabled={rows.length === 0} onClick={clear}>
          Clear
        </button>
      </Form>
      {!mayFollow && <NeedsPermission permission={`subscribe:${followed}`} what="Following this filter" />}
      {followed === '' ? (
        <Empty>Type a filter to see what is published there; what is retained comes first.</Empty>
      ) : (
        mayFollow && (
          <p class="muted small" role="status">
            {STATES[state]} <code>{followed}</code>
            {rows.length > 0 && `, ${formatCount(rows.length)} shown`}
            {dropped > 0 && `, ${formatCount(dropped)} left out, for the page was too slow`}
            {isHeld && ', held'}.
          </p>
        )
      )}
      <ul class="feed messages">
        {rows.map(({ id, message }) => (
          <li key={id}>
            <MessageRow message={message} onTopic={onTopic} />
          </li>
        ))}
      </ul>
    </section>
  )
}

const STATES = {
  connecting: 'Connecting to',
  open: 'Following',
  closed: 'Interrupted, trying again:',
} as const

function useMessages(filter: string, isHeld: boolean) {
  const [rows, setRows] = useState<readonly Row[]>([])
  const [state, setState] = useState<keyof typeof STATES>('connecting')
  const [dropped, setDropped] = useState(0)
  const held = useRef(isHeld)
  held.current = isHeld
  useEffect(() => {
    setRows([])
    setDropped(0)
    if (filter === '' || !rights.peek().maySubscribe(filter)) return
    let count = 0
    let fresh: Row[] = []
    const draw = setInterval(() => {
      if (held.current || fresh.length === 0) return
      const added = fresh.reverse()
      fresh = []
      setRows((before) => [...added, ...before].slice(0, KEPT))
    }, DRAW_MS)
    const stream = new EventStream([filter], {
      onMessage: (message) => {
        count += 1
        fresh.push({ id: count, message })
        if (fresh.length > KEPT) fresh.shift()
      },
      onDropped: (missed) => setDropped((before) => before + missed),
      onState: setState,
    })
    return () => {
      stream.close()
      clearInterval(draw)
    }
  }, [filter])
  return { rows, state, dropped, clear: () => setRows([]) }
}

function MessageRow({ message, onTopic }: { message: BusMessage; onTopic: (topic: string) => void }) {
  const { topic, qos, retain, sender, is_verified, received_at, payload_base64, content_type } = message
  const { user_properties = [], on_behalf_of } = message
  const body = bodyOf(message)
  const [isOpen, setOpen] = useState(false)
  return (
    <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>
        <span class="message-line">
          <span class="muted">
            <Time at={received_at} />
          </span>
          <code class="subject">
            <Text>{topic}</Text>
          </code>
          <span class="why muted">
            <Text>{body.preview}</Text>
          </span>
        </span>
      </summary>
      <div class="detail">
        <p class="muted small">
          QoS {qos}
          {retain && ', retained'}
          {content_type !== undefined && `, ${content_type}`},{' '}
          {sender === undefined ? (
            'sender unknown'
          ) : (
            <>
              from <Text>{sender}</Text> ({is_verified ? 'told by the broker' : 'not verified'})
            </>
          )}
          {on_behalf_of !== undefined && (
            <>
              , on behalf of <Text>{on_behalf_of}</Text>
            </>
          )}
          {payload_base64 !== undefined && ', bytes in base64'}.{' '}
          <button type="button" class="quiet" onClick={() => onTopic(topic)}>
            Choose this topic
          </button>
        </p>
        {user_properties.map(([name, value]) => (
          <p key={name} class="small">
            <span class="muted">
              <Text>{name}</Text>
            </span>{' '}
            <Text>{value}</Text>
          </p>
        ))}
        {/* Not before somebody looks: three hundred of them may be large. */}
        {isOpen && <Payload value={body.value} />}
      </div>
    </details>
  )
}

function Payload({ value }: { value: unknown }) {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  if (text.length <= LARGE) return <JsonView value={value} label="Payload" />
  return (
    <>
      <p class="muted small">The first {formatCount(LARGE)} characters of a large payload:</p>
      <Scroll label="Payload">
        <Text>{text.slice(0, LARGE)}</Text>
      </Scroll>
    </>
  )
}

function bodyOf(message: BusMessage): { value: unknown; preview: string } {
  const { payload, payload_text, payload_base64 } = message
  const value = payload ?? payload_text ?? payload_base64 ?? ''
  const text = typeof value === 'string' ? value : JSON.stringify(dataOf(message) ?? value)
  return { value, preview: text.slice(0, PREVIEW) }
}
