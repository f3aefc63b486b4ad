import { readFileSync } from 'node:fs'
import { basename } from 'node:path'

interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  }[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

const SHOWN = 15
const IDLE = '(idle)'
/** Starting the profiler is in the profile, too. */
const PROFILER = 'dispatch'

/** The functions of a CPU profile with the most time of their own, as lines of text. */
export function topOfProfile(path: string): string {
  let profile: CpuProfile
  try {
    profile = JSON.parse(readFileSync(path, 'utf8')) as CpuProfile
  } catch {
    return `  (no profile in ${path})`
  }
  const nameOf = new Map(
    profile.nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => [
      id,
      `${functionName || '(anonymous)'}${url === '' ? '' : ` ${basename(url)}:${lineNumber + 1}`}`,
    ]),
  )
  const microsOf = new Map<string, number>()
  let total = 0
  profile.samples.forEach((id, i) => {
    // The first interval reaches back to the start of profiling.
    const micros = profile.timeDeltas[i] ?? 0
    const name = nameOf.get(id) ?? '?'
    if (name === PROFILER) return
    microsOf.set(name, (microsOf.get(name) ?? 0) + micros)
    total += micros
  })
  const idle = microsOf.get(IDLE) ?? 0
  microsOf.delete(IDLE)
  const top = [...microsOf].sort(([, a], [, b]) => b - a).slice(0, SHOWN)
  const busy = total - idle
  const shown = top.map(([name, micros]) => `  ${((100 * micros) / busy).toFixed(1).padStart(5)} %  ${name}`)
  const head = `  our process was idle for ${((100 * idle) / total).toFixed(0)} % of the window, and for the rest in:`
  return [head, ...shown].join('\n')
}
