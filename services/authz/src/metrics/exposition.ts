/** The text form of Prometheus, version 0.0.4. */
export const EXPOSITION_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

type Labels = Readonly<Record<string, string>>

/** Counts by labels, whose values are few. */
export class Counter {
  readonly #name: string
  readonly #help: string
  readonly #counts = new Map<string, number>()

  constructor(name: string, help: string) {
    this.#name = name
    this.#help = help
  }

  add(labels: Labels): void {
    const key = shown(labels)
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
  }

  lines(): string[] {
    const samples = [...this.#counts].map(([labels, count]) => `${this.#name}${labels} ${count}`)
    return [...head(this.#name, this.#help, 'counter'), ...samples]
  }
}

/** Counts how many took at most so long, by labels. */
export class Histogram {
  readonly #name: string
  readonly #help: string
  readonly #bounds: readonly number[]
  readonly #series = new Map<string, { readonly labels: Labels; readonly counts: number[]; sum: number }>()

  /** `bounds`: seconds, ascending. */
  constructor(name: string, help: string, bounds: readonly number[]) {
    this.#name = name
    this.#help = help
    this.#bounds = bounds
  }

  observe(labels: Labels, seconds: number): void {
    const key = shown(labels)
    const series = this.#series.get(key) ?? { labels, counts: this.#bounds.map(() => 0).concat(0), sum: 0 }
    const at = this.#bounds.findIndex((bound) => seconds <= bound)
    const index = at < 0 ? this.#bounds.length : at
    series.counts[index] = (series.counts[index] ?? 0) + 1
    series.sum += seconds
    this.#series.set(key, series)
  }

  lines(): string[] {
    const samples = [...this.#series.values()].flatMap(({ labels, counts, sum }) => {
      let total = 0
      const buckets = counts.map((count, i) => {
        total += count
        const le = String(this.#bounds[i] ?? '+Inf')
        return `${this.#name}_bucket${shown({ ...labels, le })} ${total}`
      })
      return [
        ...buckets,
        `${this.#name}_sum${shown(labels)} ${sum}`,
        `${this.#name}_count${shown(labels)} ${total}`,
      ]
    })
    return [...head(this.#name, this.#help, 'histogram'), ...samples]
  }
}

/** The lines of a value as it is now. */
export function gaugeLines(name: string, help: string, value: number): string[] {
  return [...head(name, help, 'gauge'), `${name} ${value}`]
}

function head(name: string, help: string, type: string): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`]
}

function shown(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
