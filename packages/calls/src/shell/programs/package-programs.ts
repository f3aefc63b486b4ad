import type { Program } from './program.js'

/** What package managers and build tools with subcommands do. */
export const NPM: Program = {
  effect: undefined,
  hasNoFiles: true,
  valued: '--prefix -w --workspace --registry -C --dir --filter',
  subcommands: {
    read: 'ls list view info outdated audit explain why search root bin prefix help version whoami doctor docs licenses --version -v fund query pkg',
    build:
      'test t run start exec run-script build lint dev check typecheck format coverage tsc vitest jest eslint prettier stop restart rebuild pack',
    write:
      'install i add ci update up dedupe link init install-test upgrade remove rm uninstall un create import prune shrinkwrap',
    send: 'publish unpublish deprecate dist-tag owner access login adduser logout token org team hook',
    admin: 'config set cache',
  },
  options: { admin: '-g --global', execute: '--unsafe-perm --script-shell', delete: '--force -f' },
  nested: {
    audit: { effect: 'read', hasNoFiles: true, subcommands: { write: 'fix', read: 'signatures' } },
    config: { effect: 'admin', hasNoFiles: true, subcommands: { read: 'get list ls' } },
    cache: { effect: 'admin', hasNoFiles: true, subcommands: { read: 'ls verify dir', write: 'clean' } },
    version: { effect: 'write', hasNoFiles: true },
  },
}

export const PIP: Program = {
  effect: undefined,
  hasNoFiles: true,
  subcommands: {
    read: 'list show freeze check index help --version -V inspect',
    write: 'install download wheel sync compile',
    delete: 'uninstall',
    admin: 'config cache',
  },
  options: { execute: '--index-url -i --extra-index-url --trusted-host', admin: '--break-system-packages' },
}

export const CARGO: Program = {
  effect: undefined,
  hasNoFiles: true,
  valued: '-p --package --manifest-path --target --features -Z',
  subcommands: {
    read: 'tree metadata search version help locate-project pkgid verify-project audit outdated --version -V',
    build:
      'build b check c test t run r bench clippy doc fmt nextest expand fix rustc miri tarpaulin llvm-cov',
    write: 'add remove update new init generate-lockfile vendor fetch clean package',
    send: 'publish yank login logout owner',
    admin: 'install uninstall',
  },
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
}
