import { each, type Program } from './program.js'

/** What names a target and no file: `//...`, `//x:y`, `:y`, `@repo//x:y`, `-//x`. */
const LABEL = /^-?(?:@{0,2}[\w.~+-]*\/\/[^\s]*|@[\w.~+-]+|:[\w./~+@=,-]+)$/

const BAZEL: Program = {
  effect: undefined,
  labels: LABEL,
  valued:
    '--output_base --output_user_root --bazelrc --server_javabase --host_jvm_args --max_idle_secs --io_nice_level --invocation_policy --connect_timeout_secs --local_startup_timeout_secs --digest_function --failure_detail_out --install_base --command_port',
  subcommands: {
    read: 'query cquery aquery info version help dump analyze-profile print_action canonicalize-flags license',
    build: 'build test coverage fetch sync mod vendor',
    write: 'clean shutdown',
    execute: 'run mobile-install',
  },
  options: {
    delete: '--expunge --expunge_async',
    execute:
      '--run_under --bazelrc --workspace_status_command --shell_executable --host_jvm_args --credential_helper --remote_executor --bes_backend --sandbox_writable_path --sandbox_add_mount_pair',
  },
  outputs:
    '--output_file --symlink_prefix --repository_cache --vendor_dir --experimental_convenience_symlinks',
}

/** Build systems that do not name what they build by files, and programs of their kind with subcommands. */
export const BUILD_PROGRAMS: readonly (readonly [string, Program])[] = [
  ...each('bazel bazelisk', BAZEL),
  [
    'buck2',
    {
      effect: undefined,
      labels: LABEL,
      subcommands: {
        read: 'targets query uquery cquery aquery audit log root status help ctargets server docs',
        build: 'build test',
        write: 'clean kill',
        execute: 'run install bxl',
      },
    },
  ],
  [
    'deno',
    {
      effect: undefined,
      hasNoFiles: true,
      subcommands: {
        read: 'info doc types outdated help completions',
        build: 'run test fmt lint check task bench cache compile coverage serve ci',
        write: 'add remove install uninstall init vendor clean approve-scripts',
        execute: 'eval repl jupyter x create',
        send: 'publish deploy',
        admin: 'upgrade',
      },
      options: { admin: '-g --global', execute: '--npm' },
      outputs: '--root',
    },
  ],
  [
    'nix',
    {
      effect: undefined,
      hasNoFiles: true,
      subcommands: { read: 'eval why-depends path-info log', build: 'build fmt' },
      outputs: '-o --out-link --profile --write-to',
      options: { execute: '--impure --expr --file -f -E -I' },
      nested: {
        flake: {
          effect: undefined,
          hasNoFiles: true,
          subcommands: { read: 'show metadata info', build: 'check', write: 'update lock' },
        },
      },
    },
  ],
  [
    'cross',
    {
      effect: undefined,
      hasNoFiles: true,
      subcommands: { build: 'build b check c test t run r bench clippy doc rustc' },
    },
  ],
  [
    'pipenv',
    {
      effect: undefined,
      hasNoFiles: true,
      subcommands: {
        read: 'graph check scripts verify audit',
        build: 'run',
        write: 'install sync lock update uninstall requirements',
      },
      options: { execute: '--pypi-mirror -i --index' },
    },
  ],
  ...each('pdm hatch rye pixi', {
    effect: undefined,
    hasNoFiles: true,
    subcommands: {
      read: 'show list info status version tree',
      build: 'run build test fmt lint check task',
      write: 'install add remove lock sync update init',
      send: 'publish',
      admin: 'config self cache python global',
    },
    options: { admin: '-g --global' },
  }),
  ['conda', { effect: undefined, hasNoFiles: true, subcommands: { read: 'list info search' } }],
  ['pyenv', { effect: undefined, hasNoFiles: true, subcommands: { read: 'version versions which root' } }],
]
