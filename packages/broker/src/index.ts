export {
  type AuthenticationRequest,
  type Authenticator,
  type Challenge,
  type ClientCertificate,
  type Identity,
  insecureAuthenticator,
} from './authenticator.js'
export { type Broker, type BrokerOptions, createBroker } from './broker.js'
export type {
  BrokerStore,
  Damaged,
  DeliveryRecord,
  MessageRecord,
  QueueRecord,
  SessionRecord,
  StoredDelivery,
  StoredState,
  SubscriptionRecord,
} from './broker-store.js'
export type { Clock } from './clock.js'
export type { BrokerStats } from './counters.js'
export { AuthenticationRefused, BrokerError, type BrokerErrorCode } from './errors.js'
export type {
  BrokerHooks,
  ClientInfo,
  Departure,
  PublishChange,
  PublishOffer,
  Refusal,
} from './hooks.js'
export { DEFAULT_LIMITS, LIMIT_RANGES, type Limits } from './limits.js'
export type { ListenerAddress, ListenerOptions } from './listener.js'
export type { ListenerTls } from './listener-tls.js'
export type { Log } from './log.js'
export { MemoryBrokerStore } from './memory-store.js'
export type { ProxyProtocolOptions } from './proxy-gate.js'
export type { ReloadOptions } from './reload.js'
export type { Revise } from './revise.js'
export type { CloseOptions } from './shutdown.js'
export type { WebSocketOptions } from './web-socket-gate.js'
