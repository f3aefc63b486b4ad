/** Of a path, its names below `/memories`; none is the folder itself. */
export type MemoryPath = readonly string[]

const ROOT = 'memories'

/**
 * The names of a path. Throws, in the words of the tool, where it is not below `/memories` or tries to leave it: nothing
 * here is a file system, but a path that climbs is somebody's attempt, whatever it would have reached.
 */
export function memoryPath(path: string): MemoryPath {
  const [before, root, ...names] = path.split('/')
  if (before !== '' || root !== ROOT) throw new Error(`Path must start with /memories, got: ${path}`)
  const isClimbing = names.some((name) => name.split('\\').includes('..'))
  if (isClimbing || path.includes('\0')) throw new Error(`Path ${path} would escape /memories directory`)
  return names.filter((name) => name !== '' && name !== '.')
}

/** The folders that hold a path, the root first. */
export function parentsOf(path: MemoryPath): MemoryPath[] {
  return path.map((_, depth) => path.slice(0, depth))
}

export function shownPath(path: MemoryPath): string {
  return ['', ROOT, ...path].join('/')
}
