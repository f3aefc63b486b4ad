export { FakeClock, settled } from './fake-clock.js'
export { FaultProxy, type Faults } from './fault-proxy.js'
export { MqttPeer, type MqttPeerOptions, OBLIGING, PeerConnection, type Script } from './mqtt-peer.js'
export { until } from './until.js'
