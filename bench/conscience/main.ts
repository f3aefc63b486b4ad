import { writeFileSync } from 'node:fs'
import { describeMachine, shownMachine } from '../kit/machine.js'
import { commandTable } from './command-table.js'
import { dojoTable } from './dojo-table.js'
import { latencyLines } from './latency.js'
import { legLines } from './legs.js'
import { wireLines } from './over-the-wire.js'
import { placesLine } from './places.js'

/** `npm run bench:conscience`: what the packs that ship make of calls, beside simpler judges. See README.md. */

const PARTS: Readonly<Record<string, () => string | Promise<string>>> = {
  commands: commandTable,
  dojo: dojoTable,
  places: placesLine,
  latency: latencyLines,
  wire: wireLines,
  legs: legLines,
}
const RESULTS = new URL('../../results/conscience.txt', import.meta.url)

const named = process.argv.slice(2)
const unknown = named.filter((name) => !Object.hasOwn(PARTS, name))
if (unknown.length > 0) throw new Error(`no such part: ${unknown}; there are ${Object.keys(PARTS)}`)
let text = `${shownMachine(describeMachine())}\n`
process.stdout.write(text)
for (const [name, part] of Object.entries(PARTS)) {
  if (named.length > 0 && !named.includes(name)) continue
  const lines = `\n${(await part()).trimEnd()}\n`
  process.stdout.write(lines)
  text += lines
}
// What was measured in part is shown and not kept.
if (named.length === 0) writeFileSync(RESULTS, text)
