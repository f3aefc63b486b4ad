import { BUILD_PROGRAMS } from './build-programs.js'
import { DOCKER, HELM, KUBECTL } from './cluster-programs.js'
import { GH, GIT } from './git-programs.js'
import { CARGO, GO, NPM, PIP } from './package-programs.js'
import { each, type Program } from './program.js'

/** Where `cp` and the like put all that they name. */
const INTO = '-t --target-directory'
const READ: Program = { effect: 'read' }
const SAY: Program = { effect: 'read', hasNoFiles: true }
const WRITE: Program = { effect: 'write', writes: 'all' }
const DELETE: Program = { effect: 'delete', writes: 'all' }
const ADMIN: Program = { effect: 'admin' }
const BUILD: Program = { effect: 'build' }
const SEND: Program = { effect: 'send', hasNoFiles: true }

const SYSTEMCTL: Program = {
  effect: 'admin',
  hasNoFiles: true,
  subcommands: {
    read: 'status list-units list-unit-files is-active is-enabled show cat list-timers is-failed',
  },
  valued:
    '-n --lines -t --type -p --property -o --output -s --signal --state --job-mode --root --image --kill-whom --what --timestamp',
  options: { send: '-H --host', execute: '-M --machine' },
}

/** Programs that developers and agents use; whatever is not here is not known. */
export const PROGRAMS: ReadonlyMap<string, Program> = new Map([
  ...each(
    'ls ll dir tree stat file du readlink realpath cat head tail less more tac nl wc cut sort uniq comm diff cmp paste fold column rev od hexdump strings md5sum sha1sum sha224sum sha256sum sha384sum sha512sum shasum cksum b2sum join eza exa lsd difft icdiff colordiff zcat zless bat lsof fuser cloc scc tokei dust pstree look tsort expand unexpand fmt pr jless glow',
    READ,
  ),
  ...each('grep egrep fgrep rg ag ack zgrep jq yq xmllint gron', {
    effect: 'read',
    skips: 1,
    options: { write: '-i --in-place' },
  }),
  ['grep', { effect: 'read', skips: 1 }],
  ['xxd', { effect: 'read', valued: '-c -cols -l -len -s -seek -g -groupsize -n -name -o' }],
  ['uniq', { effect: 'write', writes: 'last' }],
  ['time', { effect: 'read', outputs: '-o --output' }],
  ['flock', { effect: 'read', writes: 'first', valued: '-w -E --timeout --wait --conflict-exit-code' }],
  ['parallel', { effect: 'read', hasNoFiles: true, outputs: '--results --joblog --tmpdir' }],
  [
    'sort',
    {
      effect: 'read',
      outputs: '-o --output -T --temporary-directory',
      options: { execute: '--compress-program' },
    },
  ],
  ...each('ag ack', { effect: 'read', skips: 1, options: { execute: '--pager --filter --ackrc' } }),
  ['bat', { effect: 'read', options: { execute: '--pager' } }],
  [
    'man',
    { effect: 'read', hasNoFiles: true, options: { execute: '-P --pager -H --html -C --config-file' } },
  ],
  ['less', { effect: 'read', options: { execute: '-k --lesskey-file --lesskey-src --lesskey-content' } }],
  ['cloc', { effect: 'read', options: { execute: '--extract-with' } }],
  ['fuser', { effect: 'read', options: { delete: '-k --kill' } }],
  [
    'code',
    {
      effect: 'read',
      hasNoFiles: true,
      options: {
        admin:
          '--install-extension --uninstall-extension --update-extensions --add-mcp --extensions-dir --user-data-dir',
        execute: 'tunnel serve-web --remote',
      },
    },
  ],
  ['rg', { effect: 'read', skips: 1, options: { execute: '--pre --hostname-bin' } }],
  ...each(
    'echo printf pwd date whoami id groups hostname uname uptime arch nproc free df ps pgrep top htop which whereis type env printenv true false test [ seq sleep cal locale tty basename dirname expr factor bc yes info help history tput tr clear ulimit getconf lscpu lsblk lsusb lspci vmstat iostat jobs wait cd chdir pushd popd export set unset alias read shift return exit local declare typeset let getopts hash dirs umask : source_env shopt break continue exec trap command builtin nohup nice timeout stdbuf setsid ionice watch xargs parallel cross-env busybox numfmt logname users who w last arp tzselect xdg-open open column complete mapfile readarray',
    SAY,
  ),
  [
    'openssl',
    {
      effect: undefined,
      hasNoFiles: true,
      subcommands: {
        read: 'version x509 verify dgst ciphers asn1parse crl list help',
        write: 'req genrsa genpkey rand',
        'outward-read': 's_client',
      },
      options: { execute: '-engine -provider -provider-path -config' },
    },
  ],
  [
    'ssh-keygen',
    {
      effect: 'write',
      hasNoFiles: true,
      options: { read: '-l -F -E', delete: '-R', execute: '-D -w' },
    },
  ],
  ...each('sudo doas su chroot unshare runuser', { effect: 'admin', hasNoFiles: true }),
  ...each('awk gawk mawk', { effect: 'read', skips: 1, options: { write: '-i' } }),
  [
    'sed',
    {
      effect: 'read',
      skips: 1,
      unless: '-e --expression -f --file',
      options: {
        write: '-i --in-place --i --in --in- --in-p --in-pl --in-pla --in-plac',
        execute: '-f --file --fil --fi',
      },
    },
  ],
  ['find', { effect: 'read', options: { delete: '-delete', write: '-fprint -fprint0 -fls -fprintf' } }],
  ['fd', { effect: 'read', skips: 1 }],
  ...each('touch mkdir tee mkfifo', WRITE),
  ['split', { ...WRITE, options: { execute: '--filter' } }],
  ['mktemp', { ...WRITE, outputs: '-p --tmpdir' }],
  ['csplit', { ...WRITE, outputs: '-f --prefix' }],
  ['patch', { ...WRITE, outputs: '-d --directory -o --output -r --reject-file' }],
  ['apply_patch', { effect: 'write', hasNoFiles: true }],
  ...each('rsync', {
    effect: 'write',
    writes: 'last',
    options: {
      delete:
        '--delete --del --delete-before --delete-during --delete-delay --delete-after --delete-excluded --delete-missing-args -f --force --remove-source-files --remove-sent-files',
      send: '-e --rsh',
      execute: '--rsync-path --daemon --config',
    },
    outputs: '-T --temp-dir --partial-dir --log-file --backup-dir --write-batch --only-write-batch',
  }),
  ['cp', { effect: 'write', writes: 'last', outputs: INTO }],
  ['install', { effect: 'write', writes: 'last', options: { execute: '--strip-program' }, outputs: INTO }],
  // What a link leads to is written through it later, and links are not followed then.
  ['ln', { effect: 'write', writes: 'all', outputs: INTO }],
  ['mv', { effect: 'write', writes: 'all', outputs: INTO }],
  ...each('rm rmdir unlink rimraf del-cli trash trash-put', DELETE),
  ...each('shred wipe srm truncate wipefs blkdiscard', DELETE),
  ['dd', { effect: 'delete', hasNoFiles: true }],
  ...each('tar', {
    effect: 'read',
    options: {
      write: '-x -c --extract --create -r -u --append xf xzf xvf xzvf xjf cf czf cvf czvf cjf',
      execute:
        '--to-command --checkpoint-action -I --use-compress-program -F --info-script --new-volume-script --rsh-command',
      delete: '--remove-files',
    },
    outputs: '-C --directory --cd --one-top-level -g --listed-incremental --index-file --volno-file',
  }),
  ['unzip', { effect: 'write', writes: 'all', outputs: '-d' }],
  ['7z', { effect: 'write', writes: 'all', outputs: '-o', options: { delete: '-sdel' } }],
  ...each('zip gzip gunzip bzip2 bunzip2 xz unxz zstd unzstd', { effect: 'write', writes: 'all' }),
  [
    'zip',
    {
      effect: 'write',
      writes: 'all',
      options: { execute: '-TT --unzip-command', delete: '-m --move -d --delete' },
      outputs: '-O --output-file -b --temp-path -lf --logfile-path',
    },
  ],
  ...each('chmod chown chgrp chattr', {
    effect: 'write',
    writes: 'all',
    skips: 1,
    dashed: /^-[rwxXstugoaei][rwxXstugoaei,+=-]*$/,
    unless: '--reference',
    options: { admin: '-R --recursive' },
  }),
  [
    'setfacl',
    {
      effect: 'write',
      writes: 'all',
      valued: '-m -x -M -X --modify --remove --set --modify-file --remove-file --set-file --restore',
      options: { admin: '-R --recursive' },
    },
  ],
  ['git', GIT],
  ...each('npm pnpm yarn bun', NPM),
  ['npx', { effect: 'build', hasNoFiles: true }],
  ...each('bunx uvx pipx', { effect: 'execute', hasNoFiles: true }),
  ...each('pip pip3', PIP),
  [
    'uv',
    {
      effect: undefined,
      hasNoFiles: true,
      subcommands: {
        read: 'tree help export',
        build: 'run build format',
        write: 'add remove sync lock init venv version',
        send: 'publish',
        admin: 'tool python self cache',
      },
      options: {
        execute:
          '-w --with --with-editable --with-requirements --index --index-url --default-index --extra-index-url --find-links',
        // Not the beginning of another one.
        read: '--extra',
      },
      nested: {
        pip: PIP,
        tool: { effect: 'admin', hasNoFiles: true, subcommands: { read: 'list dir' } },
        python: { effect: 'admin', hasNoFiles: true, subcommands: { read: 'list find dir', write: 'pin' } },
        self: { effect: 'admin', hasNoFiles: true, subcommands: { read: 'version' } },
        cache: { effect: 'admin', hasNoFiles: true, subcommands: { read: 'dir size' } },
      },
    },
  ],
  [
    'poetry',
    {
      effect: undefined,
      hasNoFiles: true,
      subcommands: {
        read: 'show check env about search list help debug',
        build: 'run build',
        write: 'install add remove update lock init new sync export version',
        send: 'publish',
        admin: 'config cache self source python',
      },
      nested: {
        config: { effect: 'admin', hasNoFiles: true, options: { read: '--list' } },
        cache: { effect: 'admin', hasNoFiles: true, subcommands: { read: 'list' } },
        self: { effect: 'admin', hasNoFiles: true, subcommands: { read: 'show' } },
        env: {
          effect: undefined,
          hasNoFiles: true,
          subcommands: { read: 'info list activate', write: 'use', delete: 'remove' },
        },
        python: { effect: 'admin', hasNoFiles: true, subcommands: { read: 'list' } },
        source: { effect: 'admin', hasNoFiles: true, subcommands: { read: 'show' } },
      },
    },
  ],
  ...each('cargo', CARGO),
  [
    'rustup',
    {
      effect: 'admin',
      hasNoFiles: true,
      subcommands: { read: 'show which --version check doc help man completions' },
      nested: Object.fromEntries(
        each('toolchain target component', {
          effect: 'admin',
          hasNoFiles: true,
          subcommands: { read: 'list' },
        }),
      ),
    },
  ],
  ['go', GO],
  ...each(
    'pytest jest vitest mocha ava tap eslint prettier tsc tsx ts-node biome rome oxlint ruff black isort flake8 mypy pyright pylint bandit tox nox coverage rustfmt rustc clippy-driver gofmt golangci-lint gotestsum make cmake ninja meson gcc g++ clang clang-format clang-tidy cc ld ar nm objdump javac java mvn gradle gradlew mvnw ant swift swiftc xcodebuild rake bundle rspec rubocop rails composer phpunit phpstan php-cs-fixer mix rebar3 stack cabal ghc elm sbt scala kotlinc flutter dart webpack vite rollup rolldown esbuild parcel turbo nx lerna next nuxt astro svelte-kit storybook playwright cypress c8 nyc knip madge depcheck publint tsup swc babel postcss tailwindcss sass shellcheck shfmt hadolint markdownlint markdownlint-cli2 typos pre-commit just task protoc buf sphinx-build mkdocs typedoc jsdoc doxygen nodemon pm2-dev concurrently wasm-pack hugo jekyll zig nim alembic promtool actionlint yamllint ansible-lint jsonlint ajv codespell stylelint htmlhint commitlint vale proselint autoreconf autoconf automake aclocal autoheader libtoolize scan-build gmake strip svelte-check vue-tsc swiftlint swiftformat ktlint detekt checkstyle scalafmt scalafix stylua luacheck selene fourmolu ormolu hlint elm-format elm-test buildifier gazelle cargo-sort cargo-fmt cargo-clippy gofumpt goimports staticcheck golines govulncheck errcheck revive djlint pydocstyle vulture radon autoflake pyupgrade blacken-docs cmake-format cmake-lint cpplint cppcheck iwyu lcov gcov gcovr genhtml tflint checkov terraform-docs kubeconform kubeval kube-linter opa taplo dprint rumdl html-validate cspell alex textlint karma testem ember ng nest lint-staged syncpack sort-package-json bundlesize tsd attw publint api-extractor graphql-codegen openapi-generator swagger-cli spectral prisma-lint simple-phpunit pest psalm phpcs phpcbf rector phpmd phpbench infection paratest pint grumphp standardrb reek erb_lint haml-lint brakeman rdoc yard steep sorbet srb minitest cucumber dialyzer credo ex_doc typst latexmk pdflatex xelatex lualatex bibtex biber asciidoctor pandoc dot plantuml mmdc',
    BUILD,
  ),
  [
    'ctest',
    { effect: 'build', options: { send: '-D --dashboard -T --test-action -M --test-model -S --script' } },
  ],
  ['delta', { effect: 'read', options: { execute: '--pager' } }],
  [
    'dotnet',
    {
      effect: 'build',
      labels:
        /^\/(?:p|property|t|target|v|verbosity|m|nologo|r|warnaserror|nowarn|bl|clp|nr)(?::(?!\S*(?:\.\.|[=:][/~]))\S*)?$/,
    },
  ],
  ...BUILD_PROGRAMS,
  ...each(
    'node nodejs python python3 python2 perl ruby php lua Rscript java pypy pypy3 graalpy julia elixir',
    {
      effect: 'execute',
      runs: true,
    },
  ),
  ...each('R osascript iex irb ipython eval', { effect: 'execute' }),
  ...each('sh bash zsh dash ksh ash fish source .', { effect: 'execute', runs: true }),
  ...each('docker podman nerdctl', DOCKER),
  ['docker-compose', DOCKER.nested?.['compose'] as Program],
  ...each('kubectl oc', KUBECTL),
  ['helm', HELM],
  ...each('terraform tofu', {
    effect: undefined,
    hasNoFiles: true,
    subcommands: {
      read: 'plan show output validate version providers graph metadata',
      write: 'init get',
      admin: 'apply import taint untaint workspace refresh force-unlock',
      delete: 'destroy',
    },
    options: { admin: '-migrate-state -force-copy -reconfigure -from-module -plugin-dir' },
    nested: {
      fmt: { effect: 'write', writes: 'all' },
      // Secrets are shown as they are.
      output: { effect: 'read', hasNoFiles: true, options: { admin: '-json -raw' } },
      show: { effect: 'read', hasNoFiles: true, options: { admin: '-json' } },
      providers: {
        effect: 'read',
        hasNoFiles: true,
        subcommands: { read: 'schema', write: 'lock', admin: 'mirror' },
      },
      state: {
        effect: undefined,
        hasNoFiles: true,
        subcommands: { read: 'list show', admin: 'pull', delete: 'rm mv push replace-provider' },
      },
    },
  }),
  ['systemctl', SYSTEMCTL],
  ...each('journalctl dmesg', {
    effect: 'read',
    hasNoFiles: true,
    options: { delete: '--vacuum-size --vacuum-time --rotate -C -c --clear' },
  }),
  ['gh', GH],
  ['glab', GH],
  ...each('curl wget http https xh', {
    effect: 'outward-read',
    hasNoFiles: true,
    options: { execute: '--use-askpass' },
  }),
  ...each('ip ifconfig netstat', { effect: 'read', hasNoFiles: true }),
  ['ss', { effect: 'read', hasNoFiles: true, options: { delete: '-K --kill' } }],
  ...each('ping dig nslookup host traceroute mtr whois', { effect: 'outward-read', hasNoFiles: true }),
  ...each(
    'ssh scp sftp ftp telnet nc ncat netcat socat mail sendmail mutt nmap rclone aws gcloud az s3cmd gsutil heroku vercel netlify fly firebase wrangler surge gh-pages semantic-release release-it pulumi serverless sls kamal fastlane cap eas sentry-cli modal huggingface-cli ansible ansible-playbook stripe twilio',
    SEND,
  ),
  ['twine', { effect: undefined, hasNoFiles: true, subcommands: { read: 'check', send: 'upload register' } }],
  ...each('mongo mongosh clickhouse-client', { effect: 'execute', hasNoFiles: true }),
  [
    'redis-cli',
    {
      effect: 'execute',
      hasNoFiles: true,
      valued:
        '-h -p -n -a -u -s -t -r -i -d -D -X --user --pass --cert --key --cacert --cacertdir --sni --tls-ciphers --tls-ciphersuites --rdb --functions-rdb --pattern --quoted-pattern --eval --memkeys-samples --intrinsic-latency --lru-test --show-pushes --pipe-timeout --count --cursor --top',
      options: { execute: '--eval --rdb --functions-rdb --cluster --pipe -x -X' },
      subcommands: {
        read: 'ping PING info INFO get GET keys KEYS scan SCAN ttl TTL type TYPE exists EXISTS llen LLEN lrange LRANGE hgetall HGETALL hget HGET smembers SMEMBERS dbsize DBSIZE strlen STRLEN',
      },
    },
  ],
  ...each('apt apt-get dpkg yum dnf pacman zypper apk brew snap flatpak port nix-env cpan luarocks', {
    effect: 'admin',
    hasNoFiles: true,
    subcommands: { read: 'list search show info policy outdated leaves deps config doctor' },
    // A setting may name what is run beside.
    options: { execute: '-o --option -c --config-file' },
  }),
  [
    'gem',
    {
      effect: 'admin',
      hasNoFiles: true,
      subcommands: {
        read: 'list search info outdated environment env which contents dependency specification help',
        build: 'build check',
        write: 'unpack fetch',
        send: 'push yank owner signin',
      },
    },
  ],
  // A setting with a value is written: `kernel.panic=1`.
  ['sysctl', { effect: 'read', hasNoFiles: true, options: { admin: '-w --write -p --load --system -f' } }],
  [
    'flask',
    {
      effect: undefined,
      hasNoFiles: true,
      valued: '--app -A',
      subcommands: { read: 'routes', build: 'run' },
    },
  ],
  ...each('uvicorn gunicorn hypercorn daphne streamlit tensorboard', { effect: 'build' }),
  ...each('kill killall pkill xkill', { effect: 'delete', hasNoFiles: true }),
  ...each(
    'shutdown reboot halt poweroff init telinit mount umount swapoff swapon mkfs mkswap fdisk parted gdisk sfdisk lvremove vgremove pvremove mdadm cryptsetup useradd userdel usermod groupadd groupdel passwd chpasswd visudo crontab at batch iptables ip6tables nft ufw firewall-cmd modprobe insmod rmmod setenforce update-rc.d service launchctl defaults diskutil hdparm nvram bcdedit format efibootmgr grub-install insmod chsh loginctl timedatectl hostnamectl ldconfig update-alternatives gpasswd setcap',
    ADMIN,
  ),
])
