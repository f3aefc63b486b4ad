import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { freePort } from '@jamey/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { emptyFolder, jamey, removeFolder, type System, startSystem } from '../e2e/program.js'

const deploy = resolve(import.meta.dirname, '../../deploy/prometheus')

describe.skipIf(!existsSync('/usr/bin/prometheus'))('metrics', () => {
  let system: System
  let metricsPort: number

  beforeAll(async () => {
    metricsPort = await freePort()
    system = await startSystem(emptyFolder(), { JAMEY_METRICS_PORT: String(metricsPort) })
  })

  afterAll(async () => {
    await system?.program.stop()
    removeFolder(system?.folder)
  })

  it('of a whole system are as promtool wants them, at a port of their own and at the gateway', async () => {
    await jamey(system.folder, ['evaluate', '--tool', 'read_file', '--arguments', '{"path":"a"}'])
    for (const url of [`http://127.0.0.1:${metricsPort}/metrics`, `${system.http}/metrics`]) {
      const text = await (await fetch(url)).text()
      expect(execFileSync('promtool', ['check', 'metrics'], { input: text, stdio: 'pipe' }).toString()).toBe(
        '',
      )
      expect(text).toContain('jamey_mqtt_connection_state{client_id="jamey-memory",state="connected"} 1')
      expect(text).toMatch(/^jamey_broker_connections [3-9]/m)
      expect(text).toMatch(
        /^jamey_bus_handler_duration_seconds_count\{client_id="jamey-conscience",operation="jamey\/conscience\/evaluate evaluate"\} 1$/m,
      )
      expect(text).toMatch(
        /^jamey_bus_publish_duration_seconds_count\{client_id="jamey-conscience",operation="jamey\/conscience\/results result"\} [1-9]/m,
      )
      expect(text).toMatch(/^jamey_bus_token_end_timestamp_seconds\{client_id="jamey-memory"\} 1\d{9}/m)
      expect(text).toMatch(/^jamey_data_bytes\{entry="broker"\} [1-9]/m)
      expect(text).toMatch(/^jamey_data_free_bytes [1-9]/m)
      expect(text).toMatch(/^jamey_broker_commit_duration_seconds_count [1-9]/m)
      expect(text).toMatch(/^jamey_certificate_end_timestamp_seconds\{certificate=".*server.crt"\} 1\d{9}$/m)
    }
  })

  it('are read by a Prometheus with the configuration that ships, and raise nothing', async () => {
    const folder = emptyFolder()
    const port = await freePort()
    cpSync(deploy, folder, { recursive: true })
    const shipped = readFileSync(join(folder, 'prometheus.yaml'), 'utf8')
    const written = shipped.replace('127.0.0.1:9464', `127.0.0.1:${metricsPort}`).replace('15s', '1s')
    expect(written).not.toBe(shipped)
    writeFileSync(join(folder, 'prometheus.yaml'), written)
    const flags = [`--config.file=${folder}/prometheus.yaml`, `--storage.tsdb.path=${folder}/data`]
    const prometheus = spawn('prometheus', [...flags, `--web.listen-address=127.0.0.1:${port}`], {
      stdio: 'ignore',
    })
    const ended = once(prometheus, 'close')
    try {
      const ask = async (query: string): Promise<unknown> => {
        const url = `http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(query)}`
        const answer = await fetch(url).catch(() => undefined)
        const body = (await answer?.json().catch(() => undefined)) as
          | { data: { result: { value: unknown[] }[] } }
          | undefined
        return body?.data.result.map(({ value }) => value[1])
      }
      await expect.poll(() => ask('up{job="jamey"}')).toEqual(['1'])
      expect(await ask('count(jamey_mqtt_connection_state{state="connected"} == 1)')).toEqual(['3'])
      expect(await ask('ALERTS')).toEqual([])
    } finally {
      prometheus.kill()
      await ended
      removeFolder(folder)
    }
  })

  it('have alerts that are tried with figures', () => {
    const output = execFileSync('promtool', ['test', 'rules', 'jamey.rules.test.yaml'], {
      cwd: deploy,
    }).toString()
    expect(output).toContain('SUCCESS')
    execFileSync('promtool', ['check', 'config', 'prometheus.yaml'], { cwd: deploy })
  })

  it('have tests of alerts that find one that is raised by nothing', () => {
    const folder = emptyFolder()
    cpSync(deploy, folder, { recursive: true })
    const rules = readFileSync(join(folder, 'jamey.rules.yaml'), 'utf8')
    writeFileSync(
      join(folder, 'jamey.rules.yaml'),
      rules.replace('failing_seconds > 0', 'failing_seconds > 9000'),
    )
    const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', 'jamey.rules.test.yaml'], {
      cwd: folder,
      encoding: 'utf8',
    })
    expect(status).toBe(1)
    expect(stdout + stderr).toContain('JameyStoreFailing')
    removeFolder(folder)
  })
})
