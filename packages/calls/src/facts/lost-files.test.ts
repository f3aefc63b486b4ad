import { describe, expect, it } from 'vitest'
import { factsOf } from './facts.js'
import { describeKinds, PLACE } from './ordinary.support.js'

describeKinds({
  'what stood in a file is lost where nothing is written to it': {
    ordinary: [
      ': > build.log',
      ': >> src/a.ts',
      'echo x > src/a.ts',
      'true > /dev/null',
      "printf '' > dist/a.js",
      ': > /tmp/x',
      'cp src/a.ts /dev/null',
      'ln -sf a.ts src/b.ts',
    ],
    not: [
      ': > src/a.ts',
      'true >| src/a.ts',
      'cat /dev/null > app.db',
      "printf '' > src/a.ts",
      'echo -n > src/a.ts',
      'cd src && : > a.ts',
      'cp -f /dev/null app.db',
      'install /dev/null src/a.ts',
      'ln -sf /dev/null src/a.ts',
    ],
  },
  'what is moved out of the workspace is missing there': {
    ordinary: ['mv src/a.ts src/b.ts', 'cd src && mv a.ts ..', 'mv dist /tmp/dist-1', 'mv /tmp/x src/x'],
    not: [
      'mv src /tmp/x',
      'mv -t /tmp src',
      'mv a.ts b.ts /tmp/x',
      'cd src && mv a.ts /tmp/x',
      'mv src "$X"',
    ],
  },
  'who reads all of a folder reads the secrets that lie below it': {
    ordinary: [
      'grep -rn x src',
      'grep -rn x ../lib',
      'rg x',
      'rg --files ~',
      'ls ~/*',
      'find ~ -name x',
      'cp -r src lib',
      'grep x ~/notes.txt',
      'git grep x src',
      'cat a | rg x',
    ],
    not: [
      'grep -r x ~',
      'grep -R x /home',
      'grep -rn x ..',
      'rg x ~/.config',
      'cd ~ && rg x',
      'cp -r ~ x',
      'rsync -a ~/.config/ x',
      'diff -r ~ src',
      'git diff --no-index . ~',
      'find ~ -type f -exec cat {} +',
      'cat ~/.config/*',
      'git grep -h x -- .env',
      'git grep x .env',
    ],
  },
  'what is installed from beside the project is code of others': {
    ordinary: ['npm i file:./lib', 'npm i workspace:^1'],
    not: ['npm i file:../lib', 'yarn add link:../lib', 'pnpm add x@file:/tmp/x', 'npm i file:~/x'],
  },
  'a report of tests that is put on a page of others is sent': {
    ordinary: ['pytest -q'],
    not: ['pytest --pastebin=all', 'pytest --pastebin failed'],
  },
})

describe('a tool that searches files', () => {
  it.each(['/srv/me', '~', '/', '..'])('reads secrets below %s', (path) => {
    const { files } = factsOf({ tool: 'Grep', arguments: { pattern: 'x', path } }, PLACE)
    expect(files.some(({ isSecret }) => isSecret)).toBe(true)
  })
  it('reads none in the workspace', () => {
    const { files } = factsOf({ tool: 'Grep', arguments: { pattern: 'x', path: 'src' } }, PLACE)
    expect(files.some(({ isSecret }) => isSecret)).toBe(false)
  })
})

describe('a place that something is moved to', () => {
  it('is written and not deleted', () => {
    const command = 'mv src/a.ts ../..'
    const { files } = factsOf({ tool: 'Bash', arguments: { command } }, PLACE)
    expect(files.map(({ path, access }) => [path, access])).toEqual([
      ['/srv/me/app/src/a.ts', 'delete'],
      ['/srv', 'write'],
    ])
  })
})
