import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus, loadavg, release, totalmem, type } from 'node:os'
import { MOSQUITTO } from './children.js'

/** What figures have to be read with. */
export interface Machine {
  readonly date: string
  readonly cores: number
  readonly model: string
  readonly memoryGiB: number
  readonly system: string
  readonly node: string
  readonly mqttJs: string
  /** Undefined where it is not installed. */
  readonly mosquitto: string | undefined
  /** Processes that were running or waiting to, on average over the minute before. */
  readonly load: number
}

/** From this load per core on, what others do decides about the figures. */
const BUSY_FROM = 0.25

export function describeMachine(): Machine {
  const [first] = cpus()
  return {
    date: new Date().toISOString(),
    cores: cpus().length,
    model: first?.model.trim() ?? 'unknown',
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    node: process.version,
    mqttJs: versionOf('mqtt'),
    mosquitto: mosquittoVersion(),
    load: loadavg()[0] ?? 0,
  }
}

export function shownMachine(machine: Machine): string {
  const { date, cores, model, memoryGiB, system, node, mqttJs, mosquitto, load } = machine
  const isBusy = load / cores > BUSY_FROM
  const warning = isBusy
    ? `\nThe machine was busy before (load ${load.toFixed(1)}): a smoke test, no measurement.`
    : ''
  return `${date}  ${cores} cores ${model}, ${memoryGiB} GiB, ${system}, node ${node}, MQTT.js ${mqttJs}, Mosquitto ${mosquitto ?? 'not installed'}${warning}`
}

function versionOf(name: string): string {
  const path = createRequire(import.meta.url).resolve(`${name}/package.json`)
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version
}

function mosquittoVersion(): string | undefined {
  if (!existsSync(MOSQUITTO)) return undefined
  const { stdout } = spawnSync(MOSQUITTO, ['-h'], { encoding: 'utf8' })
  return /version (\S+)/.exec(stdout)?.[1] ?? 'of unknown version'
}
