import { each, type Program } from './program.js'

/** What Git and the command lines of its hosts do. */
export const GIT: Program = {
  effect: undefined,
  hasNoFiles: true,
  valued: '-C -c --git-dir --work-tree --namespace',
  subcommands: {
    read: 'status log diff show blame describe shortlog reflog rev-parse rev-list ls-files ls-tree ls-remote cat-file grep bisect whatchanged name-rev merge-base for-each-ref var version help count-objects fsck check-ignore show-ref cherry range-diff diff-tree diff-index diff-files show-branch archive annotate check-attr check-ref-format check-mailmap column fast-export get-tar-commit-id hash-object merge-tree mktree mktag patch-id show-index stripspace verify-commit verify-pack verify-tag write-tree commit-tree',
    write:
      'fetch pull clone add commit mv stage init switch merge cherry-pick am apply notes format-patch revert rebase repack update-index pack-refs commit-graph multi-pack-index rerere interpret-trailers',
    send: 'push send-email request-pull',
    delete: 'rm clean reset gc prune filter-branch filter-repo checkout restore update-ref replace',
    admin: 'daemon credential',
  },
  options: {
    delete: '-D --delete --force --hard --force-with-lease --mirror',
    execute: '--exec --upload-pack --receive-pack --exec-path --open-files-in-pager --ext-diff --textconv',
    'outward-read': '--remote',
  },
  outputs: '-o --output --output-directory --export-marks',
  nested: {
    bundle: {
      effect: 'read',
      hasNoFiles: true,
      subcommands: { read: 'verify list-heads', write: 'unbundle' },
      nested: { create: { effect: 'write', writes: 'first' } },
    },
    mv: { effect: 'write', writes: 'all', options: { delete: '-f --force' } },
    // It takes what is ignored, and nothing is lost by it.
    add: { effect: 'write', hasNoFiles: true },
    init: {
      effect: 'write',
      writes: 'all',
      valued: '-b --initial-branch --template',
      outputs: '--separate-git-dir',
    },
    branch: {
      effect: 'write',
      hasNoFiles: true,
      options: {
        delete: '-d -D -M -m -C --delete --force --move -f',
        read: '-a -r -v -vv --list -l --show-current --contains --merged --no-merged',
      },
    },
    tag: {
      effect: 'write',
      hasNoFiles: true,
      options: { delete: '-d --delete -f --force', read: '-l --list -n' },
    },
    checkout: {
      effect: 'write',
      hasNoFiles: true,
      options: { delete: '-f --force -- . -B --theirs --ours -p --patch' },
    },
    switch: {
      effect: 'write',
      hasNoFiles: true,
      options: { delete: '-f --force --discard-changes -C --force-create' },
    },
    restore: {
      effect: 'delete',
      hasNoFiles: true,
      options: { write: '--staged -S', delete: '--worktree -W' },
    },
    reset: { effect: 'write', hasNoFiles: true, options: { delete: '--hard --merge --keep' } },
    stash: {
      effect: 'write',
      hasNoFiles: true,
      subcommands: {
        read: 'list show',
        write: 'push save apply pop branch create store',
        delete: 'drop clear',
      },
    },
    remote: {
      effect: 'read',
      hasNoFiles: true,
      subcommands: {
        read: '-v show get-url',
        'outward-read': 'update',
        admin: 'add set-url rename',
        delete: 'remove rm prune',
      },
    },
    config: {
      effect: 'admin',
      hasNoFiles: true,
      options: { read: '--get --get-all --list -l --get-regexp --show-origin' },
    },
    worktree: {
      effect: 'write',
      hasNoFiles: true,
      subcommands: { read: 'list', write: 'lock unlock', delete: 'remove prune move' },
      nested: { add: { effect: 'write', writes: 'all', valued: '-b -B' } },
    },
    clean: { effect: 'delete', hasNoFiles: true },
    rm: { effect: 'delete', hasNoFiles: true },
    'symbolic-ref': { effect: 'admin', hasNoFiles: true },
    'sparse-checkout': {
      effect: undefined,
      hasNoFiles: true,
      subcommands: { read: 'list check-rules', write: 'init set add reapply disable' },
    },
    maintenance: {
      effect: undefined,
      hasNoFiles: true,
      subcommands: { write: 'run', admin: 'start stop register unregister' },
    },
    clone: {
      effect: 'write',
      writes: 'last',
      valued: '-b --branch --depth -o --origin -c',
      outputs: '--separate-git-dir',
    },
    submodule: {
      effect: 'read',
      hasNoFiles: true,
      subcommands: {
        read: 'status summary',
        write: 'update init',
        admin: 'add set-url set-branch sync absorbgitdirs',
        delete: 'deinit',
        execute: 'foreach',
      },
    },
    bisect: {
      effect: 'write',
      hasNoFiles: true,
      subcommands: { write: 'start good bad reset skip log', execute: 'run' },
    },
    reflog: { effect: 'read', hasNoFiles: true, subcommands: { delete: 'expire delete' } },
    gc: { effect: 'write', hasNoFiles: true, options: { delete: '--prune --aggressive' } },
    lfs: {
      effect: 'read',
      hasNoFiles: true,
      subcommands: {
        read: 'ls-files status env fsck logs version',
        'outward-read': 'pull fetch',
        write: 'track',
        send: 'push',
        delete: 'prune',
        admin: 'install uninstall migrate',
      },
    },
  },
}

export const GH: Program = {
  effect: undefined,
  hasNoFiles: true,
  valued: '-R --repo --hostname',
  subcommands: { read: 'status version help search browse completion', send: 'api' },
  options: { execute: '--hostname' },
  nested: Object.fromEntries([
    ...each('auth', {
      effect: 'admin',
      hasNoFiles: true,
      subcommands: { read: 'status' },
      // It shows the token itself.
      options: { admin: '-t --show-token' },
    }),
    ...each('config alias extension ssh-key gpg-key', {
      effect: 'admin',
      hasNoFiles: true,
      subcommands: { read: 'list get' },
    }),
    ...each('secret variable cache ruleset org project codespace environment', {
      effect: 'send',
      hasNoFiles: true,
      subcommands: { read: 'list view get check field-list item-list' },
    }),
    ...each('attestation', {
      effect: 'send',
      hasNoFiles: true,
      subcommands: { read: 'verify trusted-root' },
    }),
    ...each('pr issue repo run release workflow gist label', {
      effect: undefined,
      hasNoFiles: true,
      subcommands: {
        read: 'list view status diff checks watch verify',
        write: 'checkout',
        'outward-read': 'download clone',
        send: 'create comment edit close reopen merge review ready upload rerun enable disable run fork transfer rename',
        delete: 'delete archive cancel',
      },
      // Commits of the branch that was there are gone.
      nested: { checkout: { effect: 'write', hasNoFiles: true, options: { delete: '-f --force' } } },
    }),
  ]),
}
