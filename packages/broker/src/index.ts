export type { InProcessListener, InProcessOptions, InProcessTransport } from './listeners/in-process.js'
export type { ListenerAddress, ListenerOptions } from './listeners/listener.js'
export { LISTENER_LIMITS, type ListenerLimits } from './listeners/listener-limits.js'
export type { ListenerTls } from './listeners/listener-tls.js'
export type { ProxyProtocolOptions } from './listeners/proxy-protocol.js'
export type { WebSocketOptions } from './listeners/web-socket-upgrade.js'
export {
  type AuthenticationRequest,
  type Authenticator,
  type Challenge,
  type ClientCertificate,
  type Identity,
  insecureAuthenticator,
} from './ports/authenticator.js'
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
} from './ports/broker-store.js'
export type {
  BrokerHooks,
  ClientInfo,
  DisconnectInfo,
  DroppedMessage,
  DropReason,
  FilterOutcome,
  PublishChange,
  PublishOffer,
  Refusal,
} from './ports/hooks.js'
export type { Revise } from './ports/revise.js'
export { type Broker, type BrokerLatencies, type BrokerOptions, createBroker } from './server/broker.js'
export type { DisconnectOptions } from './server/disconnect.js'
export type { ClientFacts, ConnectionFacts, SessionFacts } from './server/facts.js'
export type { PublishOptions } from './server/local-publisher.js'
export type {
  LocalSubscription,
  MessageHandler,
  ReceivedMessage,
  SubscribeOptions,
} from './server/local-subscriber.js'
export type { ReloadOptions } from './server/reload.js'
export type { RetainedFacts, RetainedPage, RetainedPageOptions } from './server/retained-page.js'
export type {
  SessionMark,
  SessionOrder,
  SessionPage,
  SessionPageOptions,
} from './server/session-page.js'
export type { CloseOptions } from './server/shutdown.js'
export type { PermittedFacts, SubscriberFacts, TopicFacts } from './server/topic-facts.js'
export { MemoryBrokerStore } from './storage/memory-store.js'
export type { Clock } from './support/clock.js'
export type { BrokerStats } from './support/counters.js'
export type { DropCounts } from './support/drop-counts.js'
export { AuthenticationRefused, BrokerError, type BrokerErrorCode } from './support/errors.js'
export { DEFAULT_LIMITS, LIMIT_RANGES, type Limits } from './support/limits.js'
export type { Log, LogFields } from './support/log.js'
