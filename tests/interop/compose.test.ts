import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const deploy = resolve(import.meta.dirname, '../../deploy/compose')

describe.skipIf(!existsSync('/usr/bin/docker-compose'))('deploy/compose', () => {
  it.each(['emqx', 'vernemq'])('%s is a file that Docker Compose understands', (broker) => {
    const env = { ...process.env, JAMEY_PROXY: '192.0.2.1', VERNEMQ_ACCEPT_EULA: 'yes' }
    const args = ['-f', join(deploy, broker, 'compose.yaml'), 'config', '--services']
    const services = execFileSync('docker-compose', args, { env }).toString().trim().split('\n')
    expect(services).toHaveLength(10)
  })
})
