import { describeMachine, shownMachine } from '../kit/machine.js'
import { commandTable } from './command-table.js'
import { dojoTable } from './dojo-table.js'
import { latencyLines } from './latency.js'
import { wireLines } from './over-the-wire.js'
import { placesLine } from './places.js'

/** `npm run bench:conscience`: what the packs that ship make of calls, beside simpler judges. See README.md. */

process.stdout.write(`${shownMachine(describeMachine())}\n\n`)
for (const part of [commandTable, dojoTable, placesLine, latencyLines]) process.stdout.write(`${part()}\n`)
process.stdout.write(`${await wireLines()}\n`)
