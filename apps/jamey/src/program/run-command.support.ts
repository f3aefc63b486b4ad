import { Readable, Writable } from 'node:stream'
import { type HostProcess, main } from './command-line.js'

function sink() {
  const chunks: string[] = []
  const stream = new Writable({
    write(chunk, _, done) {
      chunks.push(String(chunk))
      done()
    },
  })
  return Object.assign(stream, { text: () => chunks.join('') })
}

/** Runs `jamey` with `args` in this process, as if `folder` were the one it was started in. */
export async function runCommand(folder: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const [stdout, stderr] = [sink(), sink()]
  const host = {
    argv: ['node', 'jamey', ...args],
    env,
    cwd: () => folder,
    on: () => host,
    removeListener: () => host,
    exit: (code: number) => {
      throw new Error(`exit ${code}`)
    },
    stdin: Readable.from([]),
    stdout,
    stderr,
  }
  const code = await main(host as unknown as HostProcess)
  return { code, stdout: stdout.text(), stderr: stderr.text() }
}
