import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { replaceFile } from '../install/atomic-file.js'
import type { Remembered } from './side.js'

const schema = z.object({
  sides: z.record(
    z.string(),
    z.object({
      protocolVersion: z.literal([4, 5]),
      maximumQos: z.literal([0, 1, 2]),
      stamped: z.array(z.string()),
      guarded: z.array(z.string()).optional(),
    }),
  ),
  filters: z.record(z.string(), z.array(z.string())),
})

type Content = z.infer<typeof schema>

/** What the next start has to know: how the brokers are, for one may be away then, and what was subscribed to. */
export class BridgeMemory {
  readonly #path: string
  #content: Content

  /** A file that cannot be read is as none: both brokers tell it anew, and subscriptions of before are left as they are. */
  constructor(folder: string) {
    this.#path = join(folder, 'bridge.json')
    this.#content = readContent(this.#path)
  }

  side(name: string): Remembered | undefined {
    return this.#content.sides[name]
  }

  filters(name: string): readonly string[] {
    return this.#content.filters[name] ?? []
  }

  remember(name: string, known: Remembered): void {
    const { guarded = [] } = known
    const side = { ...known, stamped: [...known.stamped], guarded: [...guarded] }
    if (JSON.stringify(side) === JSON.stringify(this.#content.sides[name])) return
    this.#write({ ...this.#content, sides: { ...this.#content.sides, [name]: side } })
  }

  rememberFilters(name: string, filters: readonly string[]): void {
    this.#write({ ...this.#content, filters: { ...this.#content.filters, [name]: [...filters] } })
  }

  #write(content: Content): void {
    this.#content = content
    replaceFile(this.#path, `${JSON.stringify(content)}\n`, 0o600)
  }
}

function readContent(path: string): Content {
  const nothing = { sides: {}, filters: {} }
  if (!existsSync(path)) return nothing
  try {
    return schema.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    return nothing
  }
}
