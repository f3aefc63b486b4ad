import { describe, expect, it } from 'vitest'
import { claimRunFile } from '../install/run-file.js'
import { TestFolder } from '../install/test-folder.support.js'
import { ownBroker } from './own-broker.js'

const at = new TestFolder()

/** Looks for the broker of the folder; `told` counts how often it was said that there is none. */
function search(env: NodeJS.ProcessEnv = {}) {
  const ending = new AbortController()
  let told = 0
  let onTold: () => void = () => {}
  const absent = new Promise<void>((resolve) => {
    onTold = resolve
  })
  const onAbsent = (): void => {
    told++
    onTold()
  }
  const found = ownBroker(at.directory, { env, cwd: at.path, signal: ending.signal, onAbsent })
  return { found, absent, ending, told: () => told }
}

describe('a part of a data directory', () => {
  it('never takes another system for that of its folder: it waits until a broker was started from it', async () => {
    await at.install()
    const { found, absent, told } = search()
    await absent
    const claim = claimRunFile(at.directory.path, '0.1.0')
    claim.update({ broker: { host: '0.0.0.0', port: 18_883 } })
    expect(await found).toEqual({ host: '127.0.0.1', port: 18_883 })
    expect(told()).toBe(1)
    claim.release()
  })

  it('waits no longer than it runs', async () => {
    await at.install()
    const { found, absent, ending } = search()
    await absent
    ending.abort(new Error('stopped'))
    await expect(found).rejects.toThrow('stopped')
  })

  it.each([{ MQTT_BROKER_URL: 'mqtts://example.org' }, { MQTT_PORT: '18886' }])(
    'goes by the environment, where that says %j',
    async (env) => {
      await at.install()
      const { found, told } = search(env)
      await found
      expect(told()).toBe(0)
    },
  )
})
