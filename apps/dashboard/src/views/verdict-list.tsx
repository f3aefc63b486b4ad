import type { Verdict } from '@jamey/contracts'
import { Empty, NeedsPermission } from '../parts/notice.js'
import { Text } from '../parts/text.js'
import { Time } from '../parts/time.js'
import { hrefOf } from '../state/address.js'
import { type Received, verdicts } from '../state/live.js'
import { VERDICTS } from '../state/permissions.js'
import { rights } from '../state/session.js'

const RECENT = 8

export const subjectOf = (verdict: Verdict): string =>
  verdict.kind === 'call' ? verdict.tool : verdict.action

/** `sha256:` and the first twelve digits, which tell requests apart for the eye. */
export const shortDigest = (digest: string): string => digest.replace(/^(sha256:.{12}).*$/, '$1…')

/** The last few verdicts, on the overview. */
export function RecentVerdicts() {
  const shown = verdicts.value.slice(0, RECENT)
  return (
    <section aria-labelledby="recent">
      <h2 id="recent">
        Verdicts <a href={hrefOf('verdicts')}>all</a>
      </h2>
      {!rights.value.maySubscribe(VERDICTS) ? (
        <NeedsPermission permission={`subscribe:${VERDICTS}`} what="Following verdicts" />
      ) : shown.length === 0 ? (
        <Empty>
          None since this page was opened. They appear here as they are given;{' '}
          <a href={hrefOf('verdicts')}>earlier ones</a> are in the audit.
        </Empty>
      ) : (
        <ul class="feed">
          {shown.map((one) => (
            <li key={one.id}>
              <VerdictLine verdict={one} />
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}

/** A verdict, and when it was given or came here. */
export type Told = Pick<Received<Verdict>, 'at' | 'data'>

/** When, what was decided, about what, for whom and why, in one line. */
export function VerdictLine({ verdict: { at, data } }: { verdict: Told }) {
  return (
    <span class="verdict-line">
      <span class="muted">
        <Time at={at} />
      </span>
      <b class={`decision ${data.decision}`}>{data.decision}</b>
      <code class="subject">
        <Text>{subjectOf(data)}</Text>
      </code>
      <span class="who">
        <Text>{data.requested_by}</Text>
      </span>
      <span class="why muted">
        <Text>{data.reasons[0] ?? ''}</Text>
      </span>
    </span>
  )
}

/** Whether a verdict has what somebody looks for. */
export function fits(verdict: Verdict, search: string): boolean {
  if (search === '') return true
  const { requested_by, rules, reasons, request_digest } = verdict
  const texts = [
    subjectOf(verdict),
    requested_by,
    request_digest,
    ...reasons,
    ...rules.map(({ name }) => name),
  ]
  if (verdict.kind === 'call') texts.push(verdict.call_digest)
  return texts.some((text) => text.toLowerCase().includes(search.toLowerCase()))
}
