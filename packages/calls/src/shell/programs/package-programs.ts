import { each, type Program } from './program.js'

/** A task of a package is called so, as no program and no subcommand is: `test:unit`, `type-check`, `e2e`. */
const TASK =
  /^(?:[\w-]+(?::[\w.-]+)+|(?:test|build|lint|format|type|docs|e2e|spell)-[\w-]+|e2e|spellcheck|codegen|storybook|preview)$/

/** What package managers and build tools with subcommands do. */
export const NPM: Program = {
  effect: undefined,
  hasNoFiles: true,
  tasks: TASK,
  scopes: { workspace: 1, workspaces: 0, foreach: 0, recursive: 0 },
  valued:
    '--prefix -w --workspace --registry -C --dir --filter -F --include --exclude --from -j --jobs --loglevel --reporter --workspace-concurrency --cache --otp --omit --store-dir --network-concurrency --child-concurrency --virtual-store-dir --modules-dir --lockfile-dir',
  subcommands: {
    read: 'ls list view info outdated audit explain why search root bin prefix help version whoami doctor docs licenses --version -v fund query pkg completion diff sbom find-dupes ping stars help-search la ll show',
    build:
      'test t tst run rum urn start exec run-script build lint dev check typecheck format coverage tsc vitest jest eslint prettier stop restart rebuild pack changeset',
    write:
      'install i add ci clean-install update up dedupe init install-test install-ci-test it cit upgrade remove rm uninstall un create import prune shrinkwrap focus patch patch-commit fetch',
    send: 'publish unpublish deprecate dist-tag owner access login adduser logout token org team hook star unstar profile',
    admin: 'config set cache setup env store link ln unlink',
    execute: 'dlx x explore edit',
  },
  options: {
    admin: '-g --global --location',
    execute:
      '--unsafe-perm --script-shell --registry --userconfig --globalconfig --viewer --browser --editor --node-options --shell --git',
    delete: '--force -f',
  },
  nested: {
    audit: { effect: 'read', hasNoFiles: true, subcommands: { write: 'fix', read: 'signatures' } },
    config: { effect: 'admin', hasNoFiles: true, subcommands: { read: 'get list ls' } },
    cache: { effect: 'admin', hasNoFiles: true, subcommands: { read: 'ls verify dir', write: 'clean' } },
    pkg: { effect: 'read', hasNoFiles: true, subcommands: { read: 'get', write: 'set delete fix' } },
    ...Object.fromEntries(
      each('owner access dist-tag team hook profile', {
        effect: 'send',
        hasNoFiles: true,
        subcommands: { read: 'ls list get' },
      }),
    ),
    // Of bun.
    pm: {
      effect: undefined,
      hasNoFiles: true,
      subcommands: {
        read: 'ls list bin hash why view whoami',
        write: 'pack version pkg',
        admin: 'cache trust',
      },
      nested: { pkg: { effect: 'write', hasNoFiles: true, subcommands: { read: 'get' } } },
    },
    version: { effect: 'write', hasNoFiles: true },
  },
}

export const PIP: Program = {
  effect: undefined,
  hasNoFiles: true,
  subcommands: {
    read: 'list show freeze check index help --version -V inspect debug hash tree search',
    write: 'install download wheel sync compile lock',
    delete: 'uninstall',
    admin: 'config cache',
  },
  options: {
    execute:
      '--index-url -i --extra-index-url --trusted-host --index --pypi-url --find-links -f --proxy --config-settings -C --global-option --install-option --build-option',
    admin: '--break-system-packages',
  },
  outputs: '-t --target --prefix --root --src -d --dest -w --wheel-dir --log --report --cache-dir',
  nested: {
    cache: { effect: 'admin', hasNoFiles: true, subcommands: { read: 'dir info list' } },
  },
}

export const CARGO: Program = {
  effect: undefined,
  hasNoFiles: true,
  valued: '-p --package --manifest-path --target --features -Z',
  subcommands: {
    read: 'tree metadata search version help locate-project pkgid verify-project audit outdated --version -V info report deny machete geiger bloat license about public-api semver-checks read-manifest',
    build:
      'build b check c test t run r bench clippy doc d fmt nextest expand fix rustc rustdoc miri tarpaulin llvm-cov hack udeps mutants insta careful zigbuild xtask criterion llvm-lines asm show-asm shear sort minimal-versions dev codspeed fuzz msrv make',
    write: 'add remove rm update new init generate-lockfile vendor fetch clean package',
    send: 'publish yank login logout owner',
    admin: 'install uninstall',
  },
  options: { execute: '--config' },
}

export const GO: Program = {
  effect: undefined,
  hasNoFiles: true,
  subcommands: {
    read: 'version env list doc help',
    build: 'build test vet fmt generate run tool fix',
    write: 'mod get work clean',
    admin: 'install',
  },
  options: { execute: '-exec -toolexec' },
  // What it is told there is kept for all builds of the person.
  nested: { env: { effect: 'read', hasNoFiles: true, options: { admin: '-w -u' } } },
}
