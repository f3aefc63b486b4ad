import type { FunctionComponent } from 'preact'
import { Approvals } from '../views/approvals.js'
import { Clients } from '../views/clients.js'
import { Credentials } from '../views/credentials.js'
import { Findings } from '../views/findings.js'
import { Limits } from '../views/limits.js'
import { MemorySearch } from '../views/memory.js'
import { Outbox } from '../views/outbox.js'
import { Overview } from '../views/overview.js'
import { Queues } from '../views/queues.js'
import { Topics } from '../views/topics.js'
import { Verdicts } from '../views/verdicts.js'
import { type Counted, concernsCount } from './counts.js'

/** One view, as navigation and shortcuts have it. */
export interface Page {
  readonly view: string
  readonly name: string
  /** Follows `g`. */
  readonly key: string
  readonly component: FunctionComponent
  /** Something beside its name that waits there. */
  count?(): Counted
}

/** In groups that a line divides. */
export const PAGES: readonly (readonly Page[])[] = [
  [
    { view: 'overview', name: 'Overview', key: 'o', component: Overview },
    { view: 'approvals', name: 'Approvals', key: 'a', component: Approvals, count: concernsCount.approvals },
    { view: 'verdicts', name: 'Verdicts', key: 'v', component: Verdicts },
  ],
  [
    { view: 'clients', name: 'Clients', key: 'c', component: Clients },
    { view: 'topics', name: 'Topics', key: 't', component: Topics },
    { view: 'queues', name: 'Queues, retained', key: 'q', component: Queues },
    { view: 'outbox', name: 'Outbox', key: 'x', component: Outbox, count: concernsCount.deadLetters },
  ],
  [
    { view: 'memory', name: 'Memory', key: 'm', component: MemorySearch },
    { view: 'credentials', name: 'Certificates, tokens', key: 'e', component: Credentials },
    { view: 'limits', name: 'Limits, drops', key: 'l', component: Limits },
    { view: 'findings', name: 'Findings', key: 'f', component: Findings, count: concernsCount.findings },
  ],
]

export const ALL_PAGES: readonly Page[] = PAGES.flat()
