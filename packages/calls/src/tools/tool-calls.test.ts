import { describe, expect, it } from 'vitest'
import { factsOf } from '../facts/facts.js'
import { ToolCatalogue } from './catalogue.js'

const PLACE = { workspace: '/srv/app', home: '/home/ann' }
const of = (tool: string, given: Record<string, unknown>) => factsOf({ tool, arguments: given }, PLACE)

describe('a tool that reads a resource', () => {
  it.each(['access_mcp_resource', 'read_mcp_resource'])(
    '%s reads the file, or asks the server, that the address names',
    (tool) => {
      expect(of(tool, { uri: 'file:///etc/shadow' }).files).toMatchObject([
        { isSecret: true, access: 'read' },
      ])
      const page = of(tool, { uri: 'https://x.example/?q=1' })
      expect(page.effects).toContain('outward-read')
      expect(page.urls).toMatchObject([{ host: 'x.example' }])
      expect(of(tool, { uri: 'notes://today' })).toMatchObject({ effects: ['read'], files: [], unread: [] })
    },
  )
})

describe('a tool by which those of all servers are called', () => {
  const called = (server: string, name: string, given: unknown) =>
    of('use_mcp_tool', { server_name: server, tool_name: name, arguments: given })

  it('is the tool that it names, with the arguments that it is given', () => {
    expect(called('filesystem', 'read_file', '{"path":"src/a.ts"}')).toMatchObject({
      isKnown: true,
      effects: ['read'],
      files: [{ path: '/srv/app/src/a.ts', access: 'read' }],
    })
    const write = called('filesystem', 'write_file', { path: '../x', content: 'a' })
    expect(write.files).toMatchObject([{ path: '/srv/x', access: 'write' }])
  })

  it('is not known where the server is not', () => {
    expect(called('tickets', 'read_file', '{}').isKnown).toBe(false)
    expect(of('use_mcp_tool', { server_name: 1, tool_name: 'read_file' }).isKnown).toBe(false)
  })
})

describe('a tool of Git', () => {
  it('is told no options in the place of names', () => {
    expect(of('git_show', { repo_path: '.', revision: '--output=../x' }).unread).not.toEqual([])
    expect(of('git_show', { repo_path: '.', revision: 'HEAD' }).unread).toEqual([])
    expect(of('git_commit', { repo_path: '.', message: '- a list' }).unread).toEqual([])
  })

  it('runs what the settings of another repository say', () => {
    expect(of('git_log', { repo_path: '../x' }).effects).toEqual(['read', 'execute'])
    for (const here of ['.', 'packages/a', '/srv'])
      expect(of('git_log', { repo_path: here }).effects).toEqual(['read'])
  })
})

describe('a tool that searches in files', () => {
  it('reads those that are selected', () => {
    expect(of('Grep', { pattern: 'x', glob: '.env*' }).files.some(({ isSecret }) => isSecret)).toBe(true)
    expect(of('Grep', { pattern: 'x', glob: '**/*.{ts,tsx}' }).files).toMatchObject([{ place: 'workspace' }])
  })
})

describe('a patch that takes a file away', () => {
  it.each([
    ['*** Begin Patch\n*** Delete File: src/a.ts\n*** End Patch', 'delete'],
    ['--- a/src/a.ts\n+++ /dev/null\n@@ -1 +0,0 @@\n-x', 'delete'],
    ['*** Begin Patch\n*** Delete File: dist/a.js\n*** End Patch', undefined],
    ['*** Begin Patch\n*** Update File: src/a.ts\n*** End Patch', undefined],
  ])('%j deletes as a command does, unless a build makes it again: %s', (patch, effect) => {
    const { effects } = of('apply_patch', { patch })
    expect(effects).toEqual(effect === undefined ? ['write'] : ['write', 'delete'])
  })

  it('is handed to a program, too', () => {
    const patched = (header: string) =>
      of('Bash', { command: `git apply <<'END'\n--- a/src/a.ts\n${header}\nEND` }).effects
    expect(patched('+++ /dev/null')).toContain('delete')
    expect(patched('+++ b/src/a.ts')).not.toContain('delete')
  })
})

describe('arguments that are no more than yes, of a tool whose server alone says that it reads', () => {
  const tools = new ToolCatalogue({
    'mcp__tickets__*': { effects: [], roles: {}, isUntrusted: true, believesAnnotations: true },
  })
  const said = (given: Record<string, unknown>) =>
    factsOf(
      { tool: 'mcp__tickets__search', arguments: given, annotations: { readOnlyHint: true } },
      { ...PLACE, tools },
    ).effects

  it.each([
    ['delete', 'delete'],
    ['force_delete', 'delete'],
    ['delete_after', 'delete'],
    ['publish', 'send'],
    ['overwrite', 'delete'],
  ])('%s says that it does', (name, effect) => {
    expect(said({ query: 'x', [name]: true })).toEqual(['read', effect])
    expect(said({ query: 'x', [name]: false })).toEqual(['read'])
  })

  it.each(['recursive', 'include_deleted', 'remove_duplicates', 'sent', 'case_sensitive'])(
    '%s says nothing of the kind',
    (name) => expect(said({ query: 'x', [name]: true })).toEqual(['read']),
  )
})
