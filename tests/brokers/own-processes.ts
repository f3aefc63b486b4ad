/** Ends what is still there when this process leaves, a test that ran out of time included. */
const running = new Set<number>()

/** A process, or a group of them where the number is negative; returns what says that it has ended. */
export function endWithThisProcess(pid: number | undefined): () => void {
  if (pid === undefined) return () => {}
  running.add(pid)
  return () => void running.delete(pid)
}

process.once('exit', () => {
  for (const pid of running) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It has ended by itself.
    }
  }
})
