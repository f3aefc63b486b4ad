import { LatencyHistogram } from '@jamey/protocol'
import { collectDefaultMetrics, type Metric, Registry } from 'prom-client'

export type Labels = Readonly<Record<string, string>>

/** One figure of a metric, or a whole histogram. */
export interface Sample {
  readonly labels?: Labels
  readonly value: number | LatencyHistogram
}

export interface MetricDefinition {
  /** `jamey_` and a name as Prometheus wants it: base units, counters with `_total`. */
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  /** Called when somebody asks; what it throws leaves this metric out, and is counted. */
  read(): Iterable<Sample> | Promise<Iterable<Sample>>
}

/** A line of the text. */
interface Value {
  readonly metricName?: string
  readonly labels: Labels
  readonly value: number
}

/** Gauges of the library whose names are those of counters; the same figures by type stay. */
const MISNAMED = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
] as const

/** All metrics of a process, read when they are asked for. */
export class Metrics {
  readonly #registry = new Registry()
  readonly #definitions = new Map<string, MetricDefinition[]>()
  #failures = 0

  /** With those of the process itself (`process_*`, `nodejs_*`), of which there is one set a process. */
  constructor({ withProcess = true }: { withProcess?: boolean } = {}) {
    if (withProcess) {
      collectDefaultMetrics({ register: this.#registry })
      for (const name of MISNAMED) this.#registry.removeSingleMetric(name)
    }
    this.add({
      name: 'jamey_metrics_failures_total',
      help: 'Metrics that could not be read when they were asked for.',
      type: 'counter',
      read: () => [{ value: this.#failures }],
    })
  }

  /** Several sources may add to one metric, each with labels of its own. */
  add(...definitions: readonly MetricDefinition[]): void {
    for (const definition of definitions) {
      const sources = this.#definitions.get(definition.name)
      if (sources !== undefined) {
        sources.push(definition)
        continue
      }
      this.#definitions.set(definition.name, [definition])
      this.#register(definition)
    }
  }

  /** The names, types and what they mean, in order. */
  describe(): Pick<MetricDefinition, 'name' | 'help' | 'type'>[] {
    return [...this.#definitions.values()]
      .map(([definition]) => definition as MetricDefinition)
      .map(({ name, help, type }) => ({ name, help, type }))
      .sort((one, other) => (one.name < other.name ? -1 : 1))
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  /** The text exposition format of Prometheus, version 0.0.4. */
  text(): Promise<string> {
    return this.#registry.metrics()
  }

  #register({ name, help, type }: MetricDefinition): void {
    const metric = { name, get: async () => ({ name, help, type, values: await this.#valuesOf(name) }) }
    // The types of the library know its own four classes; its registry asks for these two members.
    this.#registry.registerMetric(metric as unknown as Metric)
  }

  async #valuesOf(name: string): Promise<Value[]> {
    const values: Value[] = []
    for (const { read } of this.#definitions.get(name) ?? []) {
      try {
        for (const sample of await read()) values.push(...valuesOf(name, sample))
      } catch {
        this.#failures++
      }
    }
    return values
  }
}

function valuesOf(name: string, { labels = {}, value }: Sample): Value[] {
  if (!(value instanceof LatencyHistogram)) return [{ labels, value }]
  const buckets = value.buckets().map(({ upTo, count }) => ({
    metricName: `${name}_bucket`,
    labels: { ...labels, le: upTo === Number.POSITIVE_INFINITY ? '+Inf' : String(upTo) },
    value: count,
  }))
  const sum = { metricName: `${name}_sum`, labels, value: value.sumSeconds }
  return [...buckets, sum, { metricName: `${name}_count`, labels, value: value.count }]
}
