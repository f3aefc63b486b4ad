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

/** Options of launchers that have a value behind them, which is no server. */
const CONTAINER =
  /^(?:-[evpuw]|--(?:env|env-file|volume|mount|name|network|publish|user|workdir|entrypoint|platform))$/
const VALUED: Readonly<Record<string, RegExp>> = {
  docker: CONTAINER,
  podman: CONTAINER,
  npx: /^(?:-p|--package)$/,
  uvx: /^--(?:from|with|python)$/,
}

/** Folders and files that are called so whatever is in them. */
const NAMELESS =
  /^(?:|dist|build|lib|src|bin|out|index|main|server|mcp|mcp-server|server-mcp|stdio|cli|start|mod)$/

/**
 * A name for the server that a command starts, for rules that speak of its tools: `npx -y @x/server-files /srv` is
 * `server-files`, and `npx -y @tickets/mcp` is `tickets`. It is by the command, which the deployer wrote, and not by what the server says that it is called.
 */
export function serverNameOf(command: readonly string[]): string {
  const valued = VALUED[basename(command[0] ?? '')]
  const words = command.filter(
    (word, i) =>
      !word.startsWith('-') &&
      !LAUNCHERS.has(basename(word)) &&
      !(i > 0 && valued?.test(command[i - 1] ?? '')),
  )
  const parts = (words[0] ?? command[0] ?? '').split(/[\\/]/).map(wordOf)
  return parts.findLast((part) => !NAMELESS.test(part)) ?? 'server'
}

/** A name for the server at an address: `https://tickets.example:8443/mcp` is `tickets-example`. */
export function serverNameAt({ hostname }: URL): string {
  return wordOf(hostname).slice(0, 60) || 'server'
}

/** The word in a part of a name: letters, digits and hyphens, without version, tag and extension. */
function wordOf(part: string): string {
  return part
    .replace(/(?<=.)@.*$/, '')
    .replace(/(?<=..):[\w.-]*$/, '')
    .replace(/\.(?:[cm]?[jt]s|py|sh|exe)$/, '')
    .replace(/[^A-Za-z0-9-]+/g, '-')
    .replace(/^-+|-+$/g, '')
}
