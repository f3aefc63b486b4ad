import { basename } from 'node:path'

/** Programs that start what stands behind them. */
const LAUNCHERS: ReadonlySet<string> = new Set([
  'node',
  'npx',
  'npm',
  'exec',
  'bunx',
  'bun',
  'deno',
  'run',
  'uvx',
  'uv',
  'python',
  'python3',
  'sh',
  'bash',
  'env',
  'docker',
  'podman',
])

/** Folders and files that are called so whatever is in them. */
const NAMELESS = /^(?:|dist|build|lib|src|bin|out|index|main|server|cli|start|mod)$/

/**
 * A name for the server that a command starts, for rules that speak of its tools: `npx -y @x/server-files /srv` is
 * `server-files`. It is by the command, which the deployer wrote, and not by what the server says that it is called.
 */
export function serverNameOf(command: readonly string[]): string {
  const words = command.filter((word) => !word.startsWith('-') && !LAUNCHERS.has(basename(word)))
  const parts = (words[0] ?? command[0] ?? '').split(/[\\/]/).map(wordOf)
  return parts.findLast((part) => !NAMELESS.test(part)) ?? 'server'
}

/** A name for the server at an address: `https://tickets.example:8443/mcp` is `tickets-example`. */
export function serverNameAt({ hostname }: URL): string {
  return wordOf(hostname).slice(0, 60) || 'server'
}

/** The word in a part of a name: letters, digits and hyphens, without version and extension. */
function wordOf(part: string): string {
  return part
    .replace(/(?<=.)@.*$/, '')
    .replace(/\.(?:[cm]?[jt]s|py|sh|exe)$/, '')
    .replace(/[^A-Za-z0-9-]+/g, '-')
    .replace(/^-+|-+$/g, '')
}
