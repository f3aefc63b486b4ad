import { createServer } from 'node:net'
import { connect } from '@jamey/mqtt'
import { expect, it } from 'vitest'
import { Metrics } from '../model/metrics.js'
import { ClientMetrics } from './client-metrics.js'

it('a client tells the state it is in, for how long it was in each, and what waits in it', async () => {
  // A server that says nothing.
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  const client = await connect({ url: `mqtt://127.0.0.1:${port}`, clientId: 'a', waitForConnection: false })
  let nowMs = 1000
  const observed = new ClientMetrics(client, () => nowMs)
  const metrics = new Metrics({ withProcess: false })
  observed.addTo(metrics)
  nowMs = 3500
  void client.publish('t', 'waits', { qos: 1 }).catch(() => {})
  const during = await metrics.text()
  expect(during).toContain('jamey_mqtt_connection_state{client_id="a",state="connecting"} 1')
  expect(during).toContain('jamey_mqtt_connection_state{client_id="a",state="connected"} 0')
  expect(during).toContain('jamey_mqtt_connection_state_seconds_total{client_id="a",state="connecting"} 2.5')
  expect(during).toContain('jamey_mqtt_queued_messages{client_id="a"} 1')
  expect(during).toMatch(/jamey_mqtt_oldest_message_age_seconds\{client_id="a"\} [\d.e-]+/)
  await client.close({ drain: false })
  nowMs = 4000
  const after = await metrics.text()
  expect(after).toContain('jamey_mqtt_connection_state{client_id="a",state="disconnected"} 1')
  expect(after).toContain('jamey_mqtt_connection_transitions_total{client_id="a",state="disconnected"} 1')
  expect(after).toContain('jamey_mqtt_connection_state_seconds_total{client_id="a",state="disconnected"} 0.5')
  observed.stop()
  server.close()
})
