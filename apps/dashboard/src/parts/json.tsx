import { useState } from 'preact/hooks'
import { Scroll } from './scroll.js'
import { Text } from './text.js'

/** Deeper than this, and for whoever asks for it, a value is shown as JSON. */
const MAXIMUM_DEPTH = 5
const LONG_TEXT = 120

type Json = unknown

const isObject = (value: Json): value is Readonly<Record<string, Json>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isScalar = (value: Json): boolean => typeof value !== 'object' || value === null
const isEmpty = (value: Json): boolean => !isScalar(value) && Object.keys(value as object).length === 0

/** All of a JSON value, to be read by a person: names beside values, texts of several lines as such. */
export function JsonView({ value, label }: { value: Json; label: string }) {
  const [isRaw, setRaw] = useState(false)
  const isPlain = isScalar(value)
  return (
    <div class="json">
      {isRaw ? (
        <Scroll label={`${label} as JSON`}>
          <Text>{JSON.stringify(value, undefined, 2)}</Text>
        </Scroll>
      ) : (
        <Value value={value} depth={0} />
      )}
      {!isPlain && (
        <button type="button" class="quiet" aria-pressed={isRaw} onClick={() => setRaw(!isRaw)}>
          {isRaw ? 'as a list' : 'as JSON'}
        </button>
      )}
    </div>
  )
}

function Value({ value, depth }: { value: Json; depth: number }) {
  if (typeof value === 'string') return <StringValue text={value} />
  if (isScalar(value)) return <code class="scalar">{String(value)}</code>
  if (depth >= MAXIMUM_DEPTH) {
    return (
      <code class="scalar">
        <Text>{JSON.stringify(value)}</Text>
      </code>
    )
  }
  if (isObject(value)) return <Members members={Object.entries(value)} depth={depth} empty="{ }" />
  const items = value as readonly Json[]
  return (
    <Members
      members={items.map((item, i) => [String(i + 1), item])}
      depth={depth}
      empty="[ ]"
      isList={true}
    />
  )
}

interface MembersProps {
  readonly members: readonly (readonly [string, Json])[]
  readonly depth: number
  readonly empty: string
  readonly isList?: boolean
}

function Members({ members, depth, empty, isList = false }: MembersProps) {
  if (members.length === 0) return <code class="scalar">{empty}</code>
  return (
    <dl class={isList ? 'members list' : 'members'}>
      {members.map(([name, member]) => (
        <div key={name} class={isScalar(member) || isEmpty(member) ? undefined : 'nested'}>
          <dt>{isList ? name : <Text>{name}</Text>}</dt>
          <dd>
            <Value value={member} depth={depth + 1} />
          </dd>
        </div>
      ))}
    </dl>
  )
}

function StringValue({ text }: { text: string }) {
  if (text.includes('\n') || text.length > LONG_TEXT) {
    return (
      <Scroll label="Text">
        <Text>{text}</Text>
      </Scroll>
    )
  }
  return (
    <code class="string">
      <Text>{text}</Text>
    </code>
  )
}
