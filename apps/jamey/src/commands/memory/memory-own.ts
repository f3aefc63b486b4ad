import type { Bus } from '@jamey/bus'
import { archivedMemorySchema, textFaultIn, topics } from '@jamey/contracts'
import { withBus } from '../../client/connection.js'
import type { ClientOptions } from '../../client/connection-target.js'
import type { CommandContext, Outcome } from '../../terminal/command-context.js'
import { type ArchiveTally, exportTo, importFrom, writePages } from './archive-file.js'

export interface OwnOptions extends ClientOptions {
  readonly timeout: number
}

/** A request to the memory takes no more than 500 memories and 1 MiB. */
const BATCH_MEMORIES = 500
const BATCH_CHARACTERS = 262_144

interface Line {
  readonly number: number
  readonly memory: object
}

/** Writes the memories of one client as lines of JSON, as the memory answers them page by page. */
export async function exportOwn(context: CommandContext, target: string, options: OwnOptions): Outcome {
  const call = { timeoutMs: options.timeout, signal: context.interrupted }
  return withBus(context, options, (bus) =>
    exportTo(context, target, options, (write) =>
      writePages(context, (asked) => bus.request(topics.memory.export, asked, call), write),
    ),
  )
}

/** Hands the lines of an export to the memory, which takes them as memories of this client. */
export async function importOwn(context: CommandContext, source: string, options: OwnOptions): Outcome {
  return withBus(context, options, (bus) => {
    const place = { name: `the memories of ${bus.clientId}`, facts: { owner: bus.clientId } }
    return importFrom(context, source, options, place, (lines, tally) =>
      takeLines(context, bus, options, { lines, tally }),
    )
  })
}

async function takeLines(
  { interrupted: signal }: CommandContext,
  bus: Bus,
  { timeout: timeoutMs }: OwnOptions,
  { lines, tally }: { lines: AsyncIterable<string>; tally: ArchiveTally },
): Promise<void> {
  let batch: Line[] = []
  let characters = 0
  const finish = async () => {
    if (batch.length === 0) return
    const memories = batch.map(({ memory }) => archivedMemorySchema.parse(memory))
    const { results } = await bus.request(topics.memory.import, { memories }, { timeoutMs, signal })
    for (const [i, result] of results.entries()) {
      if ('error' in result)
        tally.refused.push({ number: batch[i]?.number ?? 0, refusal: result.error.message })
      else tally[result.outcome === 'restored' ? 'imported' : result.outcome] += 1
    }
    batch = []
    characters = 0
  }
  let number = 0
  for await (const text of lines) {
    number += 1
    if (text.trim() === '') continue
    const line = readLine(text, number, tally)
    if (line === undefined) continue
    if (batch.length === BATCH_MEMORIES || characters + text.length > BATCH_CHARACTERS) await finish()
    batch.push(line)
    characters += text.length
  }
  await finish()
}

/** Undefined for a line that is none, which is told. */
function readLine(text: string, number: number, { refused }: ArchiveTally): Line | undefined {
  try {
    const memory: unknown = JSON.parse(text)
    const fault = textFaultIn(memory)
    if (fault !== undefined) {
      refused.push({ number, refusal: `${fault.path.join('.').toWellFormed()}: ${fault.expected}` })
      return undefined
    }
    const parsed = archivedMemorySchema.safeParse(memory)
    if (parsed.success) return { number, memory: memory as object }
    const [issue] = parsed.error.issues
    refused.push({ number, refusal: `${issue?.path.join('.')}: ${issue?.message}` })
  } catch (error) {
    refused.push({ number, refusal: (error as Error).message })
  }
  return undefined
}
