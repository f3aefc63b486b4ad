import type { MemoryRecalled } from '@jamey/contracts'
import { formatFigure } from '../format/numbers.js'
import { Text } from '../parts/text.js'

type Why = NonNullable<MemoryRecalled['memories'][number]['why']>

/**
 * What the score consists of: what is added up as bars, and what recency and importance add to the factor of 1
 * that it is multiplied with.
 */
export function MemoryWhy({ why, score }: { why: Why; score: number }) {
  const parts = partsOf(why)
  const largest = Math.max(...parts.map(([, weight]) => weight), Number.MIN_VALUE)
  return (
    <dl class="why-found" aria-label="Why it was found">
      <div>
        <dt>score</dt>
        <dd>
          <b>{formatFigure(score)}</b>
        </dd>
      </div>
      {parts.map(([name, weight]) => (
        <div key={name}>
          <dt>
            <Text>{name}</Text>
          </dt>
          <dd>
            <span class="bar-of" aria-hidden="true">
              <i style={{ width: `${(weight / largest) * 100}%` }} />
            </span>
            {formatFigure(weight)}
          </dd>
        </div>
      ))}
      <div>
        <dt>recency</dt>
        <dd>+ {formatFigure(why.recency)}</dd>
      </div>
      <div>
        <dt>importance</dt>
        <dd>+ {formatFigure(why.importance)}</dd>
      </div>
      {why.meaning?.missing !== undefined && (
        <div>
          <dt>meaning</dt>
          <dd class="muted">
            <Text>{why.meaning.missing}</Text>
          </dd>
        </div>
      )}
    </dl>
  )
}

function partsOf({ terms, widened, near, time, neighbours, meaning }: Why): [string, number][] {
  const others: readonly (readonly [string, number | undefined])[] = [
    ['words near each other', near],
    ['words like the best', widened],
    ['time', time],
    ['turns beside it', neighbours],
    ['meaning', meaning?.similarity],
  ]
  return [
    ...terms.map(({ word, weight }): [string, number] => [`“${word}”`, weight]),
    ...others.flatMap(([name, weight]): [string, number][] => (weight === undefined ? [] : [[name, weight]])),
  ]
}
