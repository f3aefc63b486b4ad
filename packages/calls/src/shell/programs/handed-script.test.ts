import { describe, expect, it } from 'vitest'
import { factsOf } from '../../facts/facts.js'
import { describeKinds, PLACE } from '../../facts/ordinary.support.js'

describeKinds({
  'a shell that is given a script does what the script does': {
    ordinary: [
      "bash -c 'git status'",
      "bash -lc 'sed -n 1,20p src/a.ts | head'",
      "sh -euc 'npm ci && npm test'",
      "bash -o pipefail -c 'npm test | tee test.log'",
      "bash --norc -c 'ls' name a",
      "timeout 60 bash -c 'npm test'",
      "zsh -lc 'rg --files src'",
    ],
    not: [
      "bash -c 'rm -rf src'",
      "bash -lc 'git push'",
      'bash -c "$X"',
      'bash -c "$(cat x)"',
      "bash -c '$0' rm",
      'bash -c \'"$@"\' _ rm -rf src',
      'bash -c \'rm "$1"\' _ build',
      "bash -c 'git $1' _ push",
      "bash -c 'cat $1' _ ~/.ssh/id_rsa",
      "bash -c 'cd $1 && make' _ ../x",
      "sudo bash -c 'ls'",
      'bash -c',
      '/tmp/bash -c ls',
    ],
  },
  'what else a shell is told may change what its script means': {
    ordinary: ["bash -c 'ls'"],
    not: [
      "bash --rcfile x -c 'ls'",
      "bash -O extglob -c 'ls'",
      "BASH_ENV=x.sh bash -c 'ls'",
      'HOME=/tmp bash -lc ls',
      'export HOME=/tmp; bash -lc ls',
      "env ZDOTDIR=/tmp zsh -c 'ls'",
      "fish -c 'ls'",
      "bash -sc 'ls'",
    ],
  },
  'names of files that are put into a script may be commands': {
    ordinary: [
      "find . -name '*.ts' -exec cat {} +",
      'ls | xargs cat',
      'for i in 1 2; do bash -c "echo $i"; done',
    ],
    not: [
      "find . -name '*.ts' -exec sh -c 'cat {}' ';'",
      'for f in *; do bash -c "cat $f"; done',
      "ls | xargs -I% sh -c 'cat %'",
      "fd -x sh -c 'cat {}'",
    ],
  },
})

describe('a list of words whose script a shell runs', () => {
  it('has the effects of the script, and no file of its text', () => {
    const command = ['bash', '-lc', 'cat README.md']
    const { effects, files } = factsOf({ tool: 'shell', arguments: { command } }, PLACE)
    expect(effects).toEqual(['read'])
    expect(files.map(({ path }) => path)).toEqual(['/srv/me/app/README.md'])
  })
})
