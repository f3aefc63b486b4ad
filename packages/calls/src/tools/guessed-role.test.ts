import { describe, expect, it } from 'vitest'
import { guessedRole } from './guessed-role.js'

describe('the role of an argument by its name', () => {
  it.each([
    ['filePath', 'path'],
    ['file_content', 'text'],
    ['folderUid', 'identifier'],
    ['url', 'url'],
    ['webhookUrl', 'url'],
    ['link_type', null],
    ['page_token', 'identifier'],
    ['token', 'secret'],
    ['apiKey', 'secret'],
    ['projectKey', undefined],
    ['connectionString', 'secret'],
    ['to', 'recipient'],
    ['send_to', 'recipient'],
    ['stagesToSkip', undefined],
    ['channel_id', 'recipient'],
    ['email_body', 'text'],
    ['working_directory', 'directory'],
    ['country_code', undefined],
    ['code', 'code'],
    ['sql', 'sql'],
    ['commit_message', 'text'],
    ['price', 'amount'],
    ['jql', 'query'],
  ])('%s: %s', (name, role) => {
    expect(guessedRole(name)).toBe(role)
  })

  it('is looked for in names of any length', () => {
    expect(guessedRole('A'.repeat(1_000_000))).toBeUndefined()
    expect(guessedRole(`${'a_'.repeat(500_000)}path`)).toBe('path')
  })
})
