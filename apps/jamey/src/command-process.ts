import { main } from './program/command-line.js'

/** Runs what this process was started with, and ends it. */
export async function runProcess(): Promise<never> {
  const code = await main(process)
  // Leaving explicitly: a handle that some library keeps open must not keep a finished command from ending.
  const written = (stream: NodeJS.WriteStream) => new Promise((done) => stream.write('', done))
  // A log whose reader stands still keeps no command from ending.
  const patience = new Promise((done) => setTimeout(done, 1_000))
  await Promise.all([written(process.stdout), Promise.race([written(process.stderr), patience])])
  process.exit(code)
}
