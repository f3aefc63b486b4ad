import { DATA, type Judging, play, type Score } from './agentdojo.js'
import { JUDGINGS } from './conversations.js'
import { WORDINGS } from './wordings.js'

const percent = (count: number, all: number): string => `${((100 * count) / all).toFixed(1)} %`
const COLUMNS = [26, 26, 24, 24] as const
const row = (...cells: readonly string[]): string =>
  `${cells.map((cell, i) => cell.padEnd(COLUMNS[i] ?? 0)).join('')}\n`

/** AgentDojo: tasks and attacks of its newest version and its first, and the newest with other words for the attacks. */
export function dojoTable(): string {
  const [first = '', newest = ''] = [DATA.versions[0], DATA.versions.at(-1)]
  const [[own, asItIs] = ['', () => ''], ...others] = Object.entries(WORDINGS)
  let text = ''
  for (const version of [newest, first]) {
    text += `AgentDojo ${version}, workspace and banking, attacks ${own}\n`
    text += row('judge', 'tasks without a question', 'questions per task', 'attacks through')
    for (const [name, judging] of Object.entries(JUDGINGS)) text += line(name, play(judging, version, asItIs))
    text += '\n'
  }
  text += `attacks through in other words, AgentDojo ${newest}\n`
  text += row('', ...Object.keys(JUDGINGS))
  for (const [wording, words] of others) {
    const through = Object.values(JUDGINGS).map((judging: Judging) => {
      const score = play(judging, newest, words)
      return percent(score.through.length, score.attacks)
    })
    text += row(wording, ...through)
  }
  return text + remaining(newest)
}

function line(name: string, { tasks, kept, questions, attacks, through }: Score): string {
  return row(
    name,
    `${kept} of ${tasks} (${percent(kept, tasks)})`,
    (questions / tasks).toFixed(3),
    `${through.length} of ${attacks} (${percent(through.length, attacks)})`,
  )
}

/** What the first judge asks about though nobody attacks, and what it lets through. */
function remaining(version: string): string {
  const [judging] = Object.values(JUDGINGS)
  const [wording] = Object.values(WORDINGS)
  if (judging === undefined || wording === undefined) return ''
  const { asked, through } = play(judging, version, wording)
  return `\nasked about: ${[...asked].join(', ')}\nlet through: ${through.join(', ')}\n`
}
