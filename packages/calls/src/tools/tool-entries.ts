import type { Effect, Role } from '../model/call.js'
import type { Tool } from './tool.js'

export const PATHS: Readonly<Record<string, Role>> = {
  path: 'path',
  paths: 'path',
  file_path: 'path',
  filepath: 'path',
  notebook_path: 'path',
  filename: 'path',
  source: 'path',
  destination: 'path',
  repo_path: 'path',
  files: 'path',
  directory: 'path',
  dir: 'path',
  folder: 'path',
  cwd: 'path',
  pattern: 'query',
  glob: 'query',
  content: 'text',
  contents: 'text',
  new_string: 'text',
  old_string: 'text',
  new_text: 'text',
  old_text: 'text',
  new_source: 'text',
  message: 'text',
}
export const COMMANDS: Readonly<Record<string, Role>> = {
  command: 'command',
  commands: 'command',
  cmd: 'command',
  script: 'command',
  working_directory: 'directory',
  working_dir: 'directory',
  directory: 'directory',
  dir_path: 'directory',
  workdir: 'directory',
  cwd: 'directory',
  description: 'text',
}
export const MESSAGES: Readonly<Record<string, Role>> = {
  to: 'recipient',
  cc: 'recipient',
  bcc: 'recipient',
  recipient: 'recipient',
  recipients: 'recipient',
  channel: 'recipient',
  channel_id: 'recipient',
  participants: 'recipient',
  attendees: 'recipient',
  email: 'recipient',
  emails: 'recipient',
  subject: 'text',
  body: 'text',
  text: 'text',
  message: 'text',
  title: 'text',
  query: 'query',
  attachments: 'path',
}
export const SQL: Readonly<Record<string, Role>> = { query: 'sql', sql: 'sql', statement: 'sql' }
/** By its name a key would be a secret. */
export const MEMORIES: Readonly<Record<string, Role>> = { content: 'text', idempotency_key: 'identifier' }
export const QUERIES: Readonly<Record<string, Role>> = {
  query: 'query',
  q: 'query',
  url: 'url',
  prompt: 'text',
}

/** The same for each of the names. */
export function each(
  names: string,
  effects: readonly Effect[],
  roles: Tool['roles'],
  isUntrusted = false,
): [string, Tool][] {
  return names.split(' ').map((name) => [name, { effects, roles, isUntrusted }])
}
