import { describe, expect, it } from 'vitest'
import { factsOf } from '../facts/facts.js'

const PLACE = { workspace: '/srv/app', home: '/home/ann' }
const of = (tool: string, given: Record<string, unknown>) => factsOf({ tool, arguments: given }, PLACE)

describe('the tools of coding agents and frameworks', () => {
  it.each([
    ['shell_command', { command: 'rm -rf x' }],
    ['execute_bash', { command: 'rm -rf x', is_input: 'false' }],
    ['run_terminal_command', { command: 'rm -rf x' }],
    ['developer__shell', { command: 'rm -rf x' }],
    ['terminal', { commands: ['rm -rf x'] }],
  ])('%s runs a script that is looked into', (tool, given) => {
    expect(of(tool, given)).toMatchObject({
      isKnown: true,
      effects: ['delete'],
      files: [{ path: '/srv/app/x', access: 'delete' }],
    })
  })

  it.each([
    ['write_to_file', { path: '/etc/x', content: 'see ../y' }],
    ['create_new_file', { filepath: '/etc/x', contents: 'see ../y' }],
    ['apply_diff', { path: '/etc/x', diff: '--- a' }],
    ['edit_file', { target_file: '/etc/x', code_edit: '~/x' }],
    ['edit_notebook', { target_notebook: '/etc/x', new_string: 'x' }],
    ['developer__text_editor', { command: 'create', path: '/etc/x', file_text: '~' }],
  ])('%s writes the file that it names, and nothing that stands in its text', (tool, given) => {
    const { isKnown, effects, files } = of(tool, given)
    expect({ isKnown, effects }).toEqual({ isKnown: true, effects: ['write'] })
    expect(files[0]).toMatchObject({ path: '/etc/x', access: 'write' })
  })

  it.each([
    ['fetch_url_content', { url: 'https://x.example' }],
    ['read_website_content', { website_url: 'https://x.example' }],
    ['visit_url', { url: 'https://x.example' }],
  ])('%s asks a server, and brings what others wrote', (tool, given) => {
    const facts = of(tool, given)
    expect(facts).toMatchObject({ effects: ['outward-read'], isUntrusted: true })
    expect(facts.urls[0]).toMatchObject({ host: 'x.example' })
  })

  it('that type into a program run what is typed, and look at it where nothing is', () => {
    expect(of('write_stdin', { session_id: 1, chars: 'rm x\n' }).effects).toEqual(['read', 'execute'])
    expect(of('write_stdin', { session_id: 1, chars: '' }).effects).toEqual(['read'])
  })

  it('that read many files read what is selected', () => {
    const { files } = of('read_many_files', { include: ['src/a.ts', '/home/ann/.ssh/*'] })
    expect(files.map(({ isSecret }) => isSecret)).toEqual([false, true])
  })
})
