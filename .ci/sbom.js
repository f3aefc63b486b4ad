// What a running system is made of, as CycloneDX on standard output. `npm sbom --omit dev` leaves out whatever one of our
// tools needs, too, so npm is asked about a copy of the manifests that names no tools.
import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')
const folder = mkdtempSync(join(tmpdir(), 'jamey-sbom-'))
const npm = (...args) =>
  execFileSync('npm', args, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 2 ** 26 })

try {
  const { devDependencies: _, ...manifest } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
  copyFileSync(join(root, 'package-lock.json'), join(folder, 'package-lock.json'))
  for (const area of ['packages', 'services', 'apps']) {
    for (const name of readdirSync(join(root, area))) {
      const path = join(area, name, 'package.json')
      if (!existsSync(join(root, path))) continue
      mkdirSync(dirname(join(folder, path)), { recursive: true })
      copyFileSync(join(root, path), join(folder, path))
    }
  }
  // Takes out of the lock file what nothing names any more; all that stays is known already.
  npm('install', '--package-lock-only', '--offline', '--ignore-scripts', '--silent')
  process.stdout.write(npm('sbom', '--package-lock-only', '--sbom-format', 'cyclonedx', '--omit', 'dev'))
} finally {
  rmSync(folder, { recursive: true })
}
