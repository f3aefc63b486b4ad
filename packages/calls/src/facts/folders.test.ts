import { describe, expect, it } from 'vitest'
import { factsOf } from './facts.js'
import { isOrdinary, PLACE } from './ordinary.support.js'
import { processorMs } from './processor-time.support.js'

function bash(command: string) {
  return factsOf({ tool: 'Bash', arguments: { command } }, PLACE)
}

/** What is changed, and where; `?` where nobody knows. */
function changes(command: string): string[] {
  // What a shell is given to run is a word of its command, too.
  const changed = bash(command).files.filter(
    ({ access, text }) => access !== 'read' && !/^(?:cd|rm) /.test(text),
  )
  return [...new Set(changed.map(({ path, place }) => (place === 'unknown' ? '?' : path)))].sort()
}

describe('the folder of a script', () => {
  it.each([
    ['cd a && rm -r x', ['/srv/me/app/a/x']],
    ['cd a; rm -r x', ['/srv/me/app/a/x', '/srv/me/app/x']],
    ['cd .. && rm -r x', ['/srv/me/x']],
    ['cd .. || exit; rm -r x', ['/srv/me/x']],
    ['cd .. || { echo no; exit 1; }\nrm -r x', ['/srv/me/x']],
    ['cd .. || return; rm -r x', ['/srv/me/app/x', '/srv/me/x']],
    ['cd a && rm -r x || rm -r y', ['/srv/me/app/a/x', '/srv/me/app/a/y', '/srv/me/app/y']],
    ['! cd a || rm -r x', ['/srv/me/app/a/x']],
    ['cd a && cd ../.. && rm -r x', ['/srv/me/x']],
    ['cd / && rm -r x', ['/x']],
    ['cd && rm -r x', ['/srv/me/x']],
    ['cd ~/b && rm -r x', ['/srv/me/b/x']],
    ['cd $HOME && rm -r x', ['/srv/me/x']],
    ['cd -P -- .. && rm -r x', ['/srv/me/x', '?']],
    ['x=..; cd $x && rm -r y', ['/srv/me/y']],
    ['x="a b"; rm -r $x', ['/srv/me/app/a', '/srv/me/app/b']],
    ['cd a && cd - && rm -r x', ['/srv/me/app/x']],
    ['cd - && rm -r x', ['?']],
    ['cd "$1" && rm -r x', ['?']],
    ['cd "$1" && rm -r /srv/me/app/x', ['/srv/me/app/x']],
    ['cd $(mktemp -d) && rm -r x', ['?']],
    ['pushd / && popd && rm -r x', ['/srv/me/app/x']],
    ['pushd / && rm -r x', ['/x']],
    ['pushd / && pushd && rm -r x', ['/srv/me/app/x']],
    ['popd && rm -r x', ['?']],
    ['CDPATH=..; cd a && rm -r x', ['/srv/me/app/a/x', '?']],
    ['CDPATH=.. cd ./a && rm -r x', ['/srv/me/app/a/x']],
    ['HOME=/etc; cd && rm -r x', ['/etc/x']],
    ['HOME=/etc; rm -r ~/x', ['/etc/x']],
    ['(cd .. && rm -r x); rm -r y', ['/srv/me/app/y', '/srv/me/x']],
    ['{ cd .. && ls; }; rm -r x', ['/srv/me/app/x', '/srv/me/x']],
    ['echo "$(cd .. && rm -r x)"; rm -r y', ['/srv/me/app/y', '/srv/me/x']],
    ['cd .. & rm -r x', ['/srv/me/app/x']],
    ['ls | (cd ..; cat); rm -r x', ['/srv/me/app/x']],
    ['ls | cd ..; rm -r x', ['/srv/me/app/x', '/srv/me/x']],
    ['if cd ..; then rm -r x; else rm -r y; fi', ['/srv/me/app/y', '/srv/me/x']],
    ['case $a in b) cd ..;; esac; rm -r x', ['/srv/me/app/x', '/srv/me/x']],
    ['for d in a ..; do (cd $d && rm -r x); done', ['/srv/me/app/a/x', '/srv/me/x']],
    ['for d in a b; do cd ..; done; rm -r x', ['/srv/me/app/x', '/srv/me/x', '/srv/x']],
    ['for d in a; do cd .. || break; done; rm -r x', ['/srv/me/app/x', '/srv/me/x']],
    ['until cd ..; do :; done; rm -r x', ['/srv/me/app/x', '/srv/me/x', '/srv/x', '/x', '?']],
    ['f() { rm -r x; }; cd .. && f', ['/srv/me/app/x', '/srv/me/x']],
    ['f() { cd ..; return; cd a; }; f; rm -r x', ['/srv/me/app/x', '/srv/me/x']],
    ["sh -c 'cd .. && rm -r x'; rm -r y", ['/srv/me/app/y', '/srv/me/x']],
    ["cd .. && bash <<'X'\nrm -r x\nX", ['/srv/me/x']],
    ["eval 'cd ..' && rm -r x", ['/srv/me/x']],
    ['command cd .. && rm -r x', ['/srv/me/x']],
    ['sudo cd .. && rm -r x', ['/srv/me/app/x']],
    ['env -C .. rm -r x', ['/srv/me/x']],
    ['env --chdir=a rm -r x', ['/srv/me/app/a/x']],
    ['sudo -D / rm -r x', ['/x']],
    ["cd a; trap 'rm -r x' EXIT; cd /", ['/srv/me/app/a/x', '/srv/me/app/x', '/x']],
    ['find /etc -execdir rm x ;', ['/etc/x', '/srv/me/app/x', '/x']],
    ['find .. -name y -exec rm -r {}/x ;', ['/srv/me/{}/y/x']],
    ['D=$PWD; cd a && rm -r $D/x', ['/srv/me/app/x']],
    ['cd .. && echo > x', ['/srv/me/x']],
    ['cd "$(git rev-parse --show-toplevel)" && rm -r x', ['?']],
  ])('%s changes what lies there', (command, expected) => {
    expect(changes(command)).toEqual([...expected].sort())
  })

  it.each([
    'cd ../other && npm test',
    'cd .. && make',
    'cd "$1" && npm test',
    'cd ~ && git commit -am x',
    'cd .. && tar xf /tmp/a.tar',
    'cd ~/.ssh && cat config',
    'cd /dev && ls',
    'cd .git/hooks && tar xf ../../a.tar',
    'cd a; cd ..; rm -r x',
    'cd a; cd ../b; cd ../..; npm test',
    'cd a; cd ../../b; npm test',
    'cd ..; npm test',
    'cd "$(git rev-parse --show-toplevel)" && rm -rf build',
    'git -C .. commit -am x',
    'git --git-dir=/x/.git --work-tree /x commit -m y',
    'make -C/tmp/x',
    'make -C ..',
    'ninja -C ../b',
    'npm --prefix=.. test',
    'pnpm --dir .. install',
    'yarn --cwd ../a test',
    'cargo build --manifest-path ../a/Cargo.toml',
    'go -C .. test',
    'vitest --root ../a',
    'tar xf a.tar -C..',
    'tar xf a.tar --directory=..',
    'tar -xzC .. -f a.tgz',
    'cp -t /etc a b',
    'cp -rt /etc a b',
    'unzip a.zip -d../x',
    'docker create --mount type=bind,source=/,target=/h x',
    'docker build ..',
    'docker build -f /tmp/x/Dockerfile .',
    'docker compose -f ../x.yaml up',
    'cd .. && cd "$(git rev-parse --show-toplevel)" && npm test',
    'export GIT_WORK_TREE=..; cd "$(git rev-parse --show-toplevel)" && npm test',
    'GIT_DIR=/x/.git git commit -m x',
    'cd .? && npm test',
    'touch .?/x',
    'd=build; declare -n e=d; e=/etc; rm -rf $d',
    "d=build; trap 'd=/etc' DEBUG; rm -rf $d",
    'shopt -s cdable_vars; build=..; cd build && rm -rf dist',
    'fd x .. -x touch {}',
    'fd -e js . .. -x touch',
    `: \${CDPATH:=..}; cd a && rm -rf build`,
    `a=; : \${a:=..}; cd a/$a/$a; rm -rf build`,
    `for a in ""; do : "\${a=..}"; done; cd x$a/$a; rm -rf build`,
    'a=src; declare -n b=a; b=..; cd $a && rm -rf build',
    'pushd src; DIRSTACK[1]=..; popd; rm -rf build',
    'shopt -s cdable_vars; v=..; cd v; rm -rf build',
    "a=src; trap 'a=..' DEBUG; cd $a; rm -rf build",
    'a=src; set -o posix; a=.. :; cd $a; rm -rf build',
    'env --chd=.. rm -rf build',
    'env -vC.. rm -rf build',
    'make -sC.. clean',
    'make --direc=.. clean',
    'git --namespace n -C .. mv a b',
    'git mv ../a ../b',
    'git -c core.worktree=.. add -A',
    'GIT_DIR=../.git GIT_WORK_TREE=.. git add -A',
    'export GIT_INDEX_FILE=../x; git add -A',
    'tar xfC a.tar ..',
    'tar --dir=.. -xf a.tar',
    'tar -xPf a.tar --transform s,^,../,',
    'cd .. && tar xfv app/a.tar',
    'cd .. && tar --ext -f app/a.tar',
    'cp --targ .. a',
    'cp -at.. a',
    'patch -d.. -i a.patch',
    'echo .. | xargs -I% rm -rf %/build',
    'echo .. | xargs -I{} env -C {} rm -rf build',
    'echo .. | xargs -I{} make -C {} clean',
    'echo ../a | xargs touch',
    'echo ../a | xargs sed -i s/a/b/',
    'find .. -name a | xargs sed -i s/a/b/',
    'ls -a | xargs -I{} touch {}/x',
    'ls | xargs -a names touch',
    'grep -h . names | xargs touch',
    'ls | grep -h . names - | xargs touch',
    'ls | head -1 names | xargs touch',
    'git show HEAD:names | xargs touch',
    'ls | xargs touch <<< ../a',
    'ls | grep . <<< ../a | xargs touch',
    'ls -f | xargs -I% touch %/x',
    'find . | xargs -I{} touch {}/../x',
    'git init --separate-git-dir=../x',
    'tar -czf../a.tgz src',
    'tar --file=../a.tgz -c src',
    'mktemp --tmpdir=.. x.XXXX',
    'csplit -f../x a 1',
    'xxd a ../x',
    '/usr/bin/time -o ../x ls',
    '/usr/bin/time --output=../x ls',
    'esbuild a.js --outdir=..',
    'cargo clean --target-dir ../build',
    'pytest --basetemp=../build',
    'sqlite3 x.db "select 1" ".once ../x" "select 2"',
    'sed -i.bak s/a/b/ ../x',
    'sed --in-pl s/a/b/ ../x',
    "sed '1,2w ../x' a",
    "sed -n -e '1p' -e '$!w ../x' a",
    "sed 's|a|b|w../x' a",
    "sed 's#a#b#gw ../x' a",
    "sed 's|a|rm -rf ../build|e' a",
    "sed -n '\\,a,w ../x' a",
  ])('%s is no ordinary work', (command) => {
    expect(isOrdinary(command)).toBe(false)
  })

  it.each([
    'cd packages/foo && npm test',
    'cd src && ls',
    '(cd build && cmake ..)',
    'mkdir -p build && cd build && cmake .. && make',
    'cd "$(git rev-parse --show-toplevel)" && git status',
    'cd $(git rev-parse --show-toplevel) && git add -A && git commit -m x && npm test && cat README.md',
    'cd /srv/me/app/packages/a && npm run build && cd ../b && npm run build',
    'cd ~/app && npm test',
    'cd a || exit 1; npm test',
    'cd build && rm -rf *',
    'cd a; make; cd ..; make',
    'cd a/b; npm ci; cd ../..; npm test',
    'for d in packages/*; do (cd "$d" && npm test); done',
    'for d in a b; do cd $d && npm test && cd ..; done',
    'for d in a b c; do pushd $d && npm test && popd; done',
    'ROOT=$PWD; cd a && npm test && cd $ROOT && npm run lint',
    'cd ../other && git rev-parse HEAD && cat README.md',
    'cd "$DIR" && git status',
    'cd /tmp/x && touch a && rm -rf b',
    'git -C packages/a commit -am x',
    'make -C sub clean',
    'make -C /srv/me/app/sub',
    'npm --prefix packages/a test',
    'yarn --cwd packages/a test',
    'go -C sub test ./...',
    'cargo build --manifest-path crates/a/Cargo.toml',
    'tar -xzf a.tgz -C build',
    'env -C sub npm test',
    'docker build -t a .',
    'docker compose -f compose.dev.yaml up',
    'fd -e ts . src -x touch {}',
    'find src -name x -exec touch {} +',
    `: \${PORT:=3000}; cd src && npm test`,
    'declare -x NODE_ENV=test; npm test',
    "trap 'code=$?; rm -rf build; exit $code' EXIT; npm test",
    'NODE_ENV=test make -sC sub clean',
    'git mv src/a src/b',
    'git -c color.ui=never -C packages/a status',
    'tar xzf a.tgz',
    'tar tf a.tgz',
    'cp -rt dist a b',
    'find src -name "*.ts" | xargs sed -i s/a/b/',
    "grep -rl foo src | sort | xargs -I{} sed -i 's/foo/bar/' {}",
    'git diff --name-only | grep ts$ | xargs eslint',
    'git ls-files | xargs wc -l',
    'cat names | xargs echo',
    "sed -i 's|a b|web e w|g' web/a.ts",
    "sed '1i import a with e' web/a.ts",
    "sed -n -e '/^a/,/^w x/p' a",
    "sed -E 's/(a|b)w /x/;10q' a",
    'esbuild a.js --outdir=dist',
    'tar -czf a.tgz src',
  ])('%s is ordinary work', (command) => {
    expect(isOrdinary(command)).toBe(true)
  })
})

describe('the folder that a call names beside its command', () => {
  it.each([
    ['local_shell', { action: { command: ['rm', '-r', 'x'], working_directory: '/etc' } }, '/etc/x'],
    ['shell', { command: ['bash', '-lc', 'rm -r x'], workdir: '..' }, '/srv/me/x'],
    ['exec_command', { cmd: 'rm -r x', workdir: '/srv/me/app/a' }, '/srv/me/app/a/x'],
    ['run_shell_command', { directory: '../b', command: 'rm -r x' }, '/srv/me/b/x'],
    ['frobnicate', { command: 'rm -r x', currentWorkingDirectory: '/etc' }, '/etc/x'],
    ['frobnicate', { cwd: '/etc', command: 'rm -r x' }, '/etc/x'],
  ])('%s %j is where it runs', (tool, args, path) => {
    const { files } = factsOf({ tool, arguments: args }, PLACE)
    const deleted = files.filter(({ access }) => access === 'delete').map((file) => file.path)
    expect(deleted).toContain(path)
    expect(deleted).not.toContain('/srv/me/app/x')
  })

  it('is where the next command of a list begins that an earlier one has left', () => {
    const { files } = factsOf({ tool: 'bash', arguments: { commands: ['cd ..', 'rm -r x'] } }, PLACE)
    expect(files.map(({ path }) => path)).toContain('/srv/me/x')
  })
})

describe('the folder that whoever makes a call says it is made in', () => {
  const bash = (command: string, cwd: string) => factsOf({ tool: 'Bash', arguments: { command }, cwd }, PLACE)
  const deletedBy = (command: string, cwd: string) =>
    bash(command, cwd)
      .files.filter(({ access }) => access === 'delete')
      .map(({ path }) => path)

  it('is looked at beside the workspace, never in its place', () => {
    expect(deletedBy('rm -r ../x', '/srv/me/app/a/b')).toEqual(['/srv/me/x', '/srv/me/app/a/x'])
    expect(deletedBy('rm -r x', '/etc')).toEqual(['/srv/me/app/x', '/etc/x'])
    expect(deletedBy('cd .. && rm -r x', '/etc/a')).toEqual(['/srv/me/x', '/etc/x'])
  })

  it('is where paths and folders in arguments may begin, too', () => {
    const read = factsOf({ tool: 'Read', arguments: { file_path: 'shadow' }, cwd: '/etc' }, PLACE)
    expect(read.files.map(({ path }) => path)).toEqual(['/srv/me/app/shadow', '/etc/shadow'])
    const input = '*** Begin Patch\n*** Delete File: x\n*** End Patch\n'
    const patched = factsOf({ tool: 'apply_patch', arguments: { input }, cwd: '/etc' }, PLACE)
    expect(patched.files.map(({ path }) => path)).toEqual(['/srv/me/app/x', '/etc/x'])
    const shell = { command: ['rm', '-r', 'x'], workdir: 'b' }
    const { files } = factsOf({ tool: 'shell', arguments: shell, cwd: '/etc' }, PLACE)
    expect(files.filter(({ access }) => access === 'delete').map(({ path }) => path)).toEqual([
      '/srv/me/app/b/x',
      '/etc/b/x',
    ])
  })

  it('changes nothing where it is the workspace, and nothing of what is absolute', () => {
    const call = { tool: 'Bash', arguments: { command: 'npm test && rm -r x ~/y /z' } }
    expect(factsOf({ ...call, cwd: PLACE.workspace }, PLACE)).toEqual(factsOf(call, PLACE))
    expect(deletedBy('rm -r /srv/me/app/x', '/etc')).toEqual(['/srv/me/app/x'])
  })

  it.each(['C:\\Users\\me', 'app', '..', ''])('that is no absolute path, as %j, may be any', (cwd) => {
    const { files, unread } = bash('rm -r x', cwd)
    expect(files.map(({ place }) => place)).toEqual(['workspace', 'unknown'])
    expect(unread).not.toEqual([])
  })

  it('makes ordinary work elsewhere none, and leaves it so in a folder of the workspace', () => {
    const isOf = (cwd: string) => bash('npm test', cwd).commands.map(({ effects }) => effects)
    expect(isOf('/srv/me/app/packages/a')).toEqual([['build']])
    expect(isOf('/srv/other')).toEqual([['execute']])
  })
})

describe('a variable of a script', () => {
  it.each([
    'X=/tmp/a true; rm -rf $X/etc',
    '(X=/tmp/a); rm -rf "$X"/etc',
    '[ -n "$1" ] && X=/tmp/a; rm -rf $X/etc',
    'x=build; read x; rm -rf $x',
    'x=build; export x="$1"; rm -rf $x',
    "x=build; sh -c 'rm -rf $x/a'",
    'x=build; if ls; then x=/etc; fi; rm -rf $x',
    'x="build /etc"; rm -rf a$x',
  ])('that may be another is not known: %s', (command) => {
    expect(changes(command)).toEqual(['?'])
  })

  it.each([
    ['x=build; rm -rf $x; x=/etc/y; rm -rf $x', ['/etc/y', '/srv/me/app/build']],
    ['export x=/y; rm -rf $x', ['/y']],
    ['for x in build /y; do rm -rf $x; done', ['/srv/me/app/build', '/y']],
  ])('is what it was set to last: %s', (command, expected) => {
    expect(changes(command)).toEqual(expected)
  })
})

describe('a script that has no end', () => {
  it.each([
    `${'while ls; do x=1; '.repeat(20)}cd ..; rm x; ${'done; '.repeat(20)}`,
    `${'f() { '.repeat(15)}cd ..; ${'f; f; }; '.repeat(15)}f`,
    Array.from({ length: 40 }, (_, i) => `f${i}() { cd ..; f${i - 1}; f${i - 1}; }`).join('; '),
  ])('is not followed for ever', (command) => {
    const started = processorMs()
    expect(isOrdinary(command)).toBe(false)
    expect(processorMs() - started).toBeLessThan(5_000)
  })
})
