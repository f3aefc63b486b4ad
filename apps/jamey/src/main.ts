import { main } from './command-line.js'

const code = await main(process)
// Leaving explicitly: a handle that some library keeps open must not keep a finished command from ending.
await Promise.all(
  [process.stdout, process.stderr].map((stream) => new Promise((done) => stream.write('', done))),
)
process.exit(code)
