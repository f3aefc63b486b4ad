import { Empty, Loaded, NeedsPermission } from '../parts/notice.js'
import { Text } from '../parts/text.js'
import { Age } from '../parts/time.js'
import { type Concern, concernsOf } from '../state/attention.js'
import { components, errors, streamState } from '../state/live.js'
import { now } from '../state/now.js'
import { APPROVALS_LIST, BROKER_QUERY, STATUSES } from '../state/permissions.js'
import { rights } from '../state/session.js'
import {
  findings,
  isGatewayAway,
  outbox,
  recentDrops,
  status,
  waiting,
  waitingCount,
} from '../state/system.js'
import { Charts } from './charts.js'
import { Figures } from './figures.js'
import { RecentVerdicts } from './verdict-list.js'

/** First what needs somebody, then how it goes. */
export function Overview() {
  const mayAsk = rights.value.mayPublish(BROKER_QUERY)
  return (
    <>
      <h1>Overview</h1>
      <Concerns />
      {mayAsk ? (
        <Loaded remote={status.remote.value} what="the broker's figures">
          {(found) => (
            <>
              <Figures status={found} />
              <Charts />
            </>
          )}
        </Loaded>
      ) : (
        <NeedsPermission permission={`publish:${BROKER_QUERY}`} what="Seeing the broker's figures" />
      )}
      <RecentVerdicts />
    </>
  )
}

function Concerns() {
  const concerns = concernsOf({
    waiting: waiting.value,
    waitingCount: waitingCount.value,
    findings: findings.remote.value.data?.findings ?? [],
    drops: recentDrops.value,
    components: components.value,
    status: status.remote.value.data,
    outbox: outbox.remote.value.data?.components ?? [],
    failures: errors.value,
    now: now.value,
  })
  const unseen = whatIsNotSeen()
  return (
    <section aria-labelledby="needs">
      <h2 id="needs">Needs somebody</h2>
      {concerns.length === 0 ? (
        <Empty>{unseen === '' ? 'Nothing, as far as is known.' : `Nothing that you may see.`}</Empty>
      ) : (
        <ul class="concerns">
          {concerns.map((concern) => (
            <ConcernRow key={concern.key} concern={concern} />
          ))}
        </ul>
      )}
      {unseen !== '' && <p class="muted small beside">Not looked at, for want of a permission: {unseen}.</p>}
      {streamState.value === 'closed' && !isGatewayAway.value && (
        <p class="muted small beside">Live events are interrupted; the page tries again.</p>
      )}
    </section>
  )
}

function whatIsNotSeen(): string {
  const may = rights.value
  return [
    may.mayPublish(APPROVALS_LIST) ? '' : 'approvals',
    may.mayPublish(BROKER_QUERY) ? '' : 'findings, drops, limits and certificates',
    may.maySubscribe(STATUSES) ? '' : 'components',
  ]
    .filter((part) => part !== '')
    .join('; ')
}

function ConcernRow({ concern }: { concern: Concern }) {
  const { tone, subject, text, until, href, act } = concern
  return (
    <li class={tone}>
      <span class="subject">{subject}</span>
      <span class="what">
        <Text>{text}</Text>
        {until !== undefined && (
          <span class="muted">
            {' '}
            (<Age at={until} />)
          </span>
        )}
      </span>
      <a href={href}>
        {act}
        <span class="unseen">: {subject}</span>
      </a>
    </li>
  )
}
