import { describe, expect, it } from 'vitest'
import { TestFolder } from '../install/test-folder.support.js'
import { runCommand } from './run-command.support.js'

const at = new TestFolder()

describe('a certificate for a client elsewhere', () => {
  it('is told with all that the client has to be told, permissions too, which parts of Jamey have', async () => {
    await at.install()
    const lines = async (name: string) => (await runCommand(at.path, ['certs', 'issue', name])).stdout
    expect(await lines('worker-1')).toContain(
      '\n  MQTT_PERMISSIONS=publish:worker-1/#,subscribe:worker-1/#\n',
    )
    expect(await lines('jamey-memory')).not.toContain('MQTT_PERMISSIONS')
  })
})
