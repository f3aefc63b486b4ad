import { describe, expect, it } from 'vitest'
import { guessedEffect } from './guessed-tool.js'

describe('the effect of a tool by its name', () => {
  it.each([
    ['delete_user', 'delete'],
    ['getAndDelete', 'delete'],
    ['clear_history', 'delete'],
    ['archive_list', 'delete'],
    ['stop_search', 'delete'],
    ['sendmail', 'send'],
    ['issue.create', 'write'],
    ['pods_run', 'execute'],
    ['create_payment', 'pay'],
    ['update_role', 'admin'],
    ['get_password', 'admin'],
    ['search_and_replace', 'write'],
    ['post_message', 'send'],
  ])('%s: %s', (name, effect) => {
    expect(guessedEffect(name)).toBe(effect)
  })

  it.each(
    'get_post list_open_issues message_search get_merge_request listAccounts get_commit user_list'.split(' '),
  )('%s only reads, whatever it reads', (name) => {
    expect(guessedEffect(name)).toBe('read')
  })

  it('is not known of words that say nothing', () => {
    expect(guessedEffect('frobnicate')).toBeUndefined()
    expect(guessedEffect('settle_in')).toBeUndefined()
  })

  it('leads outside where the web is read', () => {
    expect(guessedEffect('web_search')).toBe('outward-read')
    expect(guessedEffect('crawl_site')).toBe('outward-read')
    expect(guessedEffect('get_crawl_status')).toBe('read')
  })
})
