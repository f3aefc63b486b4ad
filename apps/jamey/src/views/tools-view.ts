import type { CallVerdict } from '@jamey/conscience'
import type { ListedTool } from '@jamey/mcp'
import { plural } from '../support/quantities.js'
import { type Colors, printable } from '../terminal/terminal.js'

/** A tool of a server, and what became of a call of it without arguments. */
export interface JudgedTool {
  readonly tool: string
  readonly annotations: ListedTool['annotations']
  readonly verdict: CallVerdict
}

/** A line for each tool, and what to write into the policy for those that nobody knows. */
export function formatJudgedTools(
  server: string,
  judged: readonly JudgedTool[],
  { colors }: { readonly colors: Colors },
): string {
  const rows = judged.map(({ tool, verdict: { decision, reasons, facts } }) => {
    const effects = facts.effects.join(', ')
    const why = decision === 'allow' ? '' : colors.dim(`  ${reasons[0] ?? 'no rule knows it'}`)
    return {
      decision,
      does: effects === '' ? 'not known' : facts.isKnown ? effects : `${effects}?`,
      tool: printable(tool),
      why,
    }
  })
  const width = Math.max(0, ...rows.map(({ does }) => does.length))
  const longest = Math.max(0, ...rows.map(({ tool }) => tool.length))
  const allowed = rows.filter(({ decision }) => decision === 'allow').length
  return [
    ...rows.map(
      ({ decision, does, tool, why }) =>
        `${decision.padEnd(5)}  ${does.padEnd(width)}  ${why === '' ? tool : tool.padEnd(longest)}${why}`,
    ),
    `${allowed} of ${plural(judged.length, 'tool', 'tools')} of mcp__${server}__* would be allowed; what stands in arguments may change that`,
    ...hintFor(server, judged),
  ].join('\n')
}

/** Lines to write into the policy; none where nothing is asked about. */
function hintFor(server: string, judged: readonly JudgedTool[]): string[] {
  const asked = judged.filter(({ verdict }) => verdict.decision === 'ask')
  const isBelievable = ({ annotations, verdict: { facts } }: JudgedTool): boolean =>
    annotations.readOnlyHint === true && !facts.isKnown && facts.effects.every((effect) => effect === 'read')
  const other = asked.find((one) => !isBelievable(one))
  if (asked.length === 0) return []
  return [
    'A ? marks a guess by the words of a name. A policy may say what a tool does:',
    '',
    'tools:',
    ...(asked.some(isBelievable)
      ? [`  "mcp__${server}__*": { annotations: believed }  # what only reads by its server's word`]
      : []),
    ...(other === undefined ? [] : [`  ${nameOf(server, other.tool)}: { effects: [${effectOf(other)}] }`]),
  ]
}

/** In quotation marks where YAML could take it for something else. */
function nameOf(server: string, tool: string): string {
  const name = `mcp__${server}__${tool}`
  return /^[\w-]+$/.test(name) ? name : JSON.stringify(printable(name))
}

function effectOf({ annotations }: JudgedTool): string {
  return annotations.readOnlyHint === true ? 'read' : 'write'
}

export function jsonJudgedTools(server: string, judged: readonly JudgedTool[]): Record<string, unknown> {
  return {
    server,
    tools: judged.map(({ tool, annotations, verdict: { decision, reasons, facts } }) => ({
      tool: `mcp__${server}__${tool}`,
      decision,
      reasons,
      effects: facts.effects,
      known: facts.isKnown,
      annotations,
    })),
  }
}
