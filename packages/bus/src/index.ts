export type { Fault } from '@jamey/contracts'
export type { Client, Message as MqttMessage, StateChange, StateName } from '@jamey/mqtt'
export { busOver, type LocalBusConfig } from './entry/bus-over.js'
export {
  type Component,
  type ComponentOptions,
  type ComponentService,
  connectComponent,
  type RunningComponent,
  runComponent,
} from './entry/component.js'
export {
  connectBus,
  connectionOptionsOf,
  createRenewingClient,
  type RenewingClient,
} from './entry/connect-bus.js'
export * from './entry/environment.js'
export { readEnvironmentFile } from './entry/environment-file.js'
export * from './model/bus.js'
export * from './model/config.js'
export * from './model/message.js'
export type { TracedMessage, TracedSending, Tracing } from './model/tracing.js'
export * from './support/clock.js'
export type { BusStats } from './support/counters.js'
export * from './support/errors.js'
export { FailureReports, type FailureReportsOptions } from './support/failure-reports.js'
export type { BusLatencies } from './support/latencies.js'
export type { RateLimit } from './support/rate-limiter.js'
export { pause, type TakeWhenFreeOptions, takeWhenFree } from './support/standby.js'
export { randomUuid } from './support/uuid.js'
export { requestDigest } from './wire/answer-binding.js'
export type { Envelope, EnvelopeMetadata, EnvelopePayload } from './wire/envelope.js'
export { decodeEnvelope, encodeEnvelope, isTraceparent } from './wire/envelope.js'
export type { OnBehalfOf } from './wire/envelope-writer.js'
export type { MqttPort, PortSubscription } from './wire/mqtt-port.js'
