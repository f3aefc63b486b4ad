import type { GaugePlan } from '../kit/gauge.js'
import type { Side } from './job.js'

/** How the filters look, and whether messages say which subscription they are for. */
export type SubscriptionKind = 'identifiers' | 'exact filters' | 'wildcards'

/** What a process that measures one point of a curve is told. */
export type GrowthJob =
  | {
      readonly curve: 'subscriptions'
      readonly side: Side
      readonly kind: SubscriptionKind
      readonly size: number
      readonly port: number
      readonly plan: GaugePlan
    }
  | {
      readonly curve: 'outbox'
      readonly step: 'fill' | 'open' | 'drain'
      readonly size: number
      readonly storePath: string
      readonly port: number
    }
