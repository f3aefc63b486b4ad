import type { Action } from '@jamey/auth'
import { diff, explain, type Manifest, ManifestError, readManifest, who } from '@jamey/manifest'
import { EXIT } from '../support/exit-codes.js'
import { usageError } from '../support/failure.js'
import { plural } from '../support/quantities.js'
import type { CommandContext, Outcome } from '../terminal/command-context.js'
import { readTextFile } from '../terminal/text-input.js'
import {
  formatDifference,
  formatGrant,
  formatNobody,
  jsonDifference,
  jsonExplanation,
  jsonFault,
} from '../views/permissions-view.js'

const USAGE = {
  code: 'permissions-usage',
  hint: 'such as `jamey permissions who publish lab/robot-7/heat`',
}

export interface PermissionsOptions {
  readonly json?: boolean
}

export interface ManifestOptions extends PermissionsOptions {
  readonly manifest: string
}

/** Says whether the file can be used. With `--json` the faults are its result, and not its failure. */
export async function permissionsCheck(
  context: CommandContext,
  file: string,
  { json }: PermissionsOptions,
): Outcome {
  const { terminal } = context
  let manifest: Manifest
  try {
    manifest = await manifestAt(context, file)
  } catch (error) {
    if (!json || !(error instanceof ManifestError)) throw error
    terminal.printJson({ file, clients: null, faults: error.faults.map(jsonFault) })
    return EXIT.usage
  }
  const { clients } = manifest
  const components = clients.filter(({ component }) => component !== undefined).length
  if (json) terminal.printJson({ file, clients: clients.length, faults: [] })
  else {
    const all = plural(clients.length, 'client', 'clients')
    terminal.print(`${nameOf(file)} is in order: ${all}, ${components} of them our own components`)
  }
  return EXIT.success
}

/** Says by which entry a client may do something. */
export async function permissionsExplain(
  context: CommandContext,
  request: { readonly clientId: string; readonly action: string; readonly topic: string },
  { manifest: file, json }: ManifestOptions,
): Outcome {
  const { clientId, action, topic } = request
  const explanation = explain(await manifestAt(context, file), clientId, action as Action, topic)
  if (json) context.terminal.printJson(jsonExplanation(explanation))
  else context.terminal.print(explanation.text)
  return explanation.isAllowed ? EXIT.success : EXIT.refused
}

/**
 * Lists every client that may. `words` are a topic, and before it what is to be done with it; else both are asked for.
 */
export async function permissionsWho(
  context: CommandContext,
  words: readonly string[],
  { manifest: file, json }: ManifestOptions,
): Outcome {
  const { terminal } = context
  const { actions, topic } = questionOf(words)
  const manifest = await manifestAt(context, file)
  for (const action of actions) {
    const those = who(manifest, action, topic)
    for (const each of those) {
      if (json) terminal.printJson(jsonExplanation(each))
      else terminal.print(formatGrant(each, manifest))
    }
    if (those.length === 0 && !json) terminal.print(formatNobody(action, topic))
  }
  return EXIT.success
}

/** Shows what the new manifest changes of the old one. */
export async function permissionsDiff(
  context: CommandContext,
  files: { readonly before: string; readonly after: string },
  { json }: PermissionsOptions,
): Outcome {
  const { terminal } = context
  if (files.before === '-' && files.after === '-')
    throw usageError('only one of the two can be standard input', USAGE)
  const before = await manifestAt(context, files.before)
  const after = await manifestAt(context, files.after)
  const difference = diff(before, after)
  if (json) terminal.printJson(jsonDifference(difference))
  else terminal.print(formatDifference(difference, { before, after }))
  return EXIT.success
}

async function manifestAt(context: CommandContext, file: string): Promise<Manifest> {
  return readManifest(await readTextFile(context, file), nameOf(file))
}

function nameOf(file: string): string {
  return file === '-' ? 'standard input' : file
}

function questionOf(words: readonly string[]): { actions: readonly Action[]; topic: string } {
  const [first = '', second] = words
  if (second === undefined) return { actions: ['publish', 'subscribe'], topic: first }
  if (words.length > 2 || (first !== 'publish' && first !== 'subscribe')) {
    throw usageError(
      `expected publish or subscribe and one topic, found ${JSON.stringify(words.join(' '))}`,
      USAGE,
    )
  }
  return { actions: [first], topic: second }
}
