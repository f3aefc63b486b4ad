import { type BrokerResult, SCENES } from './suite.js'

/** Which scenes stand in one table: a row a broker. */
const TABLES: readonly { readonly title: string; readonly keys: readonly string[] }[] = [
  { title: 'The work', keys: ['main-job', 'http', 'retained', 'will', 'poison'] },
  { title: 'Who may what', keys: ['identity', 'identifier', 'denied-publish'] },
  { title: 'Who may hear what', keys: ['denied-subscribe', 'denied-wildcard', 'denied-group'] },
  { title: 'Under load', keys: ['load', 'kill-service', 'restart', 'kill9'] },
]

/** Markdown; a broker a row, and a fault in bold. */
export function reportOf(results: readonly BrokerResult[]): string {
  return TABLES.map(({ title, keys }) => `### ${title}\n\n${tableOf(results, keys)}`).join('\n')
}

function tableOf(results: readonly BrokerResult[], keys: readonly string[]): string {
  const titles = keys.map((key) => SCENES.find((scene) => scene.key === key)?.title ?? key)
  const rows = results.map((result) => [nameOf(result), ...keys.map((key) => cellOf(result, key))])
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [
    line(['broker', ...titles]),
    line(['broker', ...titles].map(() => '---')),
    ...rows.map(line),
    '',
  ].join('\n')
}

function nameOf({ broker, version, access, date }: BrokerResult): string {
  return `${[broker, version].filter(Boolean).join(' ')}, ${access} (${date})`
}

function cellOf({ cells }: BrokerResult, key: string): string {
  const cell = cells[key]
  if (cell === undefined) return 'not played'
  const text = [cell.text, ...cell.faults.map((fault) => `**${fault}**`)].join('; ')
  return text.replaceAll('|', '\\|')
}
