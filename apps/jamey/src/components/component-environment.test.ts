import { join } from 'node:path'
import { configFromEnvironment } from '@jamey/bus'
import { describe, expect, it } from 'vitest'
import { TestFolder } from '../install/test-folder.support.js'
import {
  completed,
  directoryEnvironment,
  environmentBesideBroker,
  serviceSettings,
} from './component-environment.js'

const at = new TestFolder()

describe('the environment of a part', () => {
  it('is its own identity out of the folder, completed by what is set', async () => {
    await at.install()
    const broker = { host: '127.0.0.1', port: 18_883 }
    const identity = directoryEnvironment('memory', at.directory, { broker })
    expect(identity).toMatchObject({
      MQTT_BROKER_URL: 'mqtts://127.0.0.1',
      MQTT_PORT: '18883',
      MQTT_CLIENT_ID: 'jamey-memory',
      MQTT_TLS_CLIENT_CERT: at.directory.clientCertificate('jamey-memory'),
    })
    const other = directoryEnvironment('memory', at.directory, { broker, clientId: 'second' })
    expect(other['MQTT_TLS_CLIENT_CERT']).toBeUndefined()
    const set = completed({ MQTT_BROKER_URL: 'mqtts://far:1', MQTT_JWT_SECRET: 's', JAMEY_X: '' }, identity)
    expect(set).toMatchObject({
      MQTT_BROKER_URL: 'mqtts://far:1',
      MQTT_JWT_SECRET: 's',
      MQTT_CLIENT_ID: 'jamey-memory',
    })
    expect(['MQTT_PORT', 'MQTT_JWT_SECRET_FILE', 'JAMEY_X'].filter((name) => name in set)).toEqual([])
    expect(completed({ MQTT_PORT: '1' }, identity)).toMatchObject({
      MQTT_BROKER_URL: 'mqtts://127.0.0.1',
      MQTT_PORT: '1',
    })
    const settings = { MQTT_BROKER_URL: 'x', JAMEY_JUDGE_URL: 'y', JAMEY_POLICY_FILE: 'mine.yaml' }
    expect(serviceSettings(settings, at.path)).toEqual({
      JAMEY_JUDGE_URL: 'y',
      JAMEY_POLICY_FILE: join(at.path, 'mine.yaml'),
    })
  })

  it('has a part that runs beside its broker try for ever, as no outage of that one outlasts the process', async () => {
    await at.install()
    const broker = { host: '127.0.0.1', port: 18_883 }
    const beside = environmentBesideBroker('gateway', at.directory, broker)
    expect(configFromEnvironment(beside).failuresBeforeOpen).toBe(Number.POSITIVE_INFINITY)
    const alone = directoryEnvironment('gateway', at.directory, { broker })
    expect(configFromEnvironment(alone).failuresBeforeOpen).toBe(10)
    expect({ ...beside, MQTT_BREAKER_FAILURES: undefined }).toMatchObject(alone)
  })
})
