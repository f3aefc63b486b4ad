import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '@jamey/testing'
import { emptyFolder, REPOSITORY, removeFolder } from '../e2e/program.js'

/** Alerts that fire now, by their names and what they are about. */
export interface Watch {
  /** The time window of rules, and the wait of alerts, are shorter than those that ship by this factor. */
  firing(): Promise<string[]>
  stop(): Promise<void>
}

/** A Prometheus with the rules that ship, which looks every second and waits for seconds where they say minutes. */
export async function startPrometheus(metricsPorts: readonly number[]): Promise<Watch> {
  const folder = emptyFolder()
  cpSync(join(REPOSITORY, 'deploy/prometheus'), folder, { recursive: true })
  const rules = readFileSync(join(folder, 'jamey.rules.yaml'), 'utf8')
  writeFileSync(
    join(folder, 'jamey.rules.yaml'),
    rules.replace(/for: \d+[mh]/g, 'for: 2s').replace(/\[\d+[mh]\]/g, '[15s]'),
  )
  const targets = metricsPorts.map((port) => `'127.0.0.1:${port}'`).join(', ')
  const shipped = readFileSync(join(folder, 'prometheus.yaml'), 'utf8')
  writeFileSync(
    join(folder, 'prometheus.yaml'),
    shipped
      .replace('scrape_interval: 15s', 'scrape_interval: 1s\n  evaluation_interval: 1s')
      .replace("'127.0.0.1:9464'", targets),
  )
  const port = await freePort()
  const prometheus = spawn(
    'prometheus',
    [
      `--config.file=${folder}/prometheus.yaml`,
      `--storage.tsdb.path=${folder}/data`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: 'ignore' },
  )
  const ended = once(prometheus, 'close')
  return {
    firing: async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/api/v1/alerts`).catch(() => undefined)
      const body = (await answer?.json().catch(() => undefined)) as
        | { data: { alerts: { state: string; labels: { alertname: string } }[] } }
        | undefined
      const alerts = body?.data.alerts ?? []
      const names = alerts.filter(({ state }) => state === 'firing').map(({ labels }) => labels.alertname)
      return [...new Set(names)].sort()
    },
    stop: async () => {
      prometheus.kill()
      await ended
      removeFolder(folder)
    },
  }
}
