import { shellWord } from './config-text.js'

interface ErlangBroker {
  /** Absolute path of the configuration file that was made. */
  readonly file: string
  /** Variable that names another folder than `folder` for it. */
  readonly variable: string
  /** Folder in which the broker's package expects its configuration. */
  readonly folder: string
  /** Name of the configuration file there. */
  readonly name: string
  /** Command that checks the configuration, and the one that serves in the foreground. */
  readonly check: string
  readonly serve: string
}

/** `start.sh` of a broker in Erlang: its configuration is put in place, and the node can be reached from this machine alone. */
export function erlangStartScript({ file, variable, folder, name, check, serve }: ErlangBroker): string {
  return `set -eu
umask 077
etc="\${${variable}:-${folder}}"
install -m 0640 ${shellWord(file)} "$etc/${name}"
chown --reference="$etc" "$etc/${name}" || true
export ERL_EPMD_ADDRESS=127.0.0.1
export ERL_FLAGS='-kernel inet_dist_use_interface {127,0,0,1}'
if [ "\${1:-}" = check ]; then exec ${check}; fi
exec ${serve}
`
}
