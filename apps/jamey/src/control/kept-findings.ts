import type { FindingList } from '@jamey/contracts'

/** As a check of the doctor tells it. */
export interface Found {
  readonly check: string
  readonly status: 'ok' | 'warning' | 'failed'
  readonly message: string
  readonly hint?: string | undefined
}

/** The checks are made so often at most, however many ask. */
const FRESH_MS = 60_000

/** The findings of the doctor about this process's surroundings. */
export class KeptFindings {
  readonly #examine: () => Promise<readonly Found[]>
  #known: FindingList = { findings: [] }
  #lookedAtMs = Number.NEGATIVE_INFINITY
  #looking: Promise<void> | undefined

  /** `examine` must connect nowhere, and hold up nobody. */
  constructor(examine: () => Promise<readonly Found[]>) {
    this.#examine = examine
  }

  /** What was found last; who asks first, and who asks when that is old, has it made anew, and the first waits for it. */
  async list(): Promise<FindingList> {
    const isOld = performance.now() - this.#lookedAtMs >= FRESH_MS
    if (isOld) this.#looking ??= this.#look()
    if (this.#known.checked_at === undefined) await this.#looking
    return this.#known
  }

  async #look(): Promise<void> {
    try {
      const found = await this.#examine()
      this.#known = { checked_at: new Date().toISOString(), findings: found.map(findingOf) }
    } catch (error) {
      const summary = `the checks could not be made: ${(error as Error).message}`
      const failed = { severity: 'failed', check: 'doctor', summary } as const
      this.#known = { checked_at: new Date().toISOString(), findings: [failed] }
    } finally {
      this.#lookedAtMs = performance.now()
      this.#looking = undefined
    }
  }
}

function findingOf({ check, status, message, hint }: Found): FindingList['findings'][number] {
  return { severity: status, check, summary: message, ...(hint === undefined ? {} : { remedy: hint }) }
}
