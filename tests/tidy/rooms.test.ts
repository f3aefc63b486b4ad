import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { circlesOf } from './rooms/circles.js'
import { readRoom } from './rooms/room.js'

/** Folders of a package's sources: what each may import, how much one holds, and no circle among files. */

const root = resolve(import.meta.dirname, '../..')
/** Source files in one folder, tests not counted, that a newcomer still takes in at a glance. */
const MAXIMUM_FILES = 24

const packages = ['packages', 'services', 'apps'].flatMap((area) =>
  readdirSync(join(root, area)).map((name) => join(root, area, name, 'src')),
)
const folders = packages.flatMap((src) => [src, ...foldersBelow(src)])
/** Right below `src`; what lies in a folder of theirs belongs to them. */
const rooms = folders.filter((folder) => basename(dirname(folder)) === 'src')

function foldersBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== 'test-support')
    .flatMap(({ name }) => [join(folder, name), ...foldersBelow(join(folder, name))])
}

/** Of one folder alone, without what only tests need. */
function sourcesIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => /\.(tsx?|mjs)$/.test(name) && !/\.(test|contract|support|fixture)\.ts$/.test(name))
    .map((name) => join(folder, name))
}

/** Of a file as it is imported, by what it will be compiled to. */
function sourceOf(file: string): string {
  const source = file.replace(/\.js$/, '.ts')
  return existsSync(source) ? source : file.replace(/\.js$/, '.tsx')
}

/** Files of the same package, type imports counted. */
function importedBy(file: string): string[] {
  const found = readFileSync(file, 'utf8').matchAll(
    /\bfrom '(\.[^']+)'|\bimport\('(\.[^']+)'\)|^import '(\.[^']+)'/gm,
  )
  return [...found].map(([, named, fetched, bare]) =>
    sourceOf(resolve(dirname(file), named ?? fetched ?? bare ?? '')),
  )
}

const shown = (file: string): string => relative(root, file)
/** The folder right below `src`; undefined for the files of `src` itself. */
function roomOf(file: string): string | undefined {
  const [, , , room, ...inside] = shown(file).split('/')
  return inside.length === 0 ? undefined : room
}

describe('rooms', () => {
  it('say at their head what belongs there and what they may import', () => {
    const silent = rooms.flatMap((folder) => {
      const room = readRoom(folder)
      return typeof room === 'string' ? [`${shown(folder)}: ${room}`] : []
    })
    expect(silent).toEqual([])
  })

  it('import only what they say, and all of what they say', () => {
    const wrong = packages.flatMap((src) => {
      const named = new Set(
        rooms.filter((folder) => dirname(folder) === src).map((folder) => basename(folder)),
      )
      return [...named].flatMap((name) => {
        const room = readRoom(join(src, name))
        if (typeof room === 'string') return []
        const files = [join(src, name), ...foldersBelow(join(src, name))].flatMap(sourcesIn)
        const imported = new Set<string>()
        const beyond = files.flatMap((file) =>
          importedBy(file).flatMap((other) => {
            const its = roomOf(other)
            if (its === name) return []
            if (its !== undefined && room.mayImport.includes(its)) {
              imported.add(its)
              return []
            }
            return [`${shown(file)} imports ${shown(other)}`]
          }),
        )
        const idle = room.mayImport.filter((other) => !imported.has(other))
        return [
          ...beyond,
          ...idle.map((other) => `${shown(join(src, name))} may import ${other}, and does not`),
        ]
      })
    })
    expect(wrong).toEqual([])
  })

  it('hold no more than one takes in at a glance', () => {
    const full = folders
      .map((folder) => ({ folder: shown(folder), files: sourcesIn(folder).length }))
      .filter(({ files }) => files > MAXIMUM_FILES)
    expect(full).toEqual([])
  })
})

describe('files of a package', () => {
  it('import each other in no circle, types counted', () => {
    const circles = packages.flatMap((src) => {
      const files = [src, ...foldersBelow(src)].flatMap(sourcesIn)
      return circlesOf(new Map(files.map((file) => [file, importedBy(file)])))
    })
    expect(circles.map((circle) => circle.map(shown))).toEqual([])
  })
})
