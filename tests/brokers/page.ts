import { reportOf } from './report.js'
import type { BrokerResult } from './suite.js'

const BEGIN = '<!-- made by npm run test:brokers -- --write -->'
const END = '<!-- end of what is made -->'

/** The page with the tables of these results in the place of those it has. */
export function pageOf(page: string, results: readonly BrokerResult[]): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)]
  if (begin === -1 || end < begin) throw new Error(`the page has no '${BEGIN}' before '${END}'`)
  return `${page.slice(0, begin + BEGIN.length)}\n\n${reportOf(results)}\n${page.slice(end)}`
}
