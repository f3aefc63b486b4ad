import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { temporaryFile } from '../store/memory-file.support.js'
import { Database } from './database.js'
import { TableFiller } from './table-filler.js'

function databaseWithNotes(): Database {
  const database = new Database({ file: temporaryFile(), busyTimeoutMs: 2000 })
  onTestFinished(() => database.close())
  database.execute('CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT')
  return database
}

describe('the rows of a damaged file', () => {
  it('are written many at a time, one by one as they come: not each waits for the disk', () => {
    const database = databaseWithNotes()
    const transaction = vi.spyOn(database, 'transaction')
    const filler = new TableFiller(database, 'notes')
    for (let id = 0; id < 2000; id++) filler.add([{ id, text: 'a note' }])
    expect(filler.flush()).toBe(2000)
    expect(transaction.mock.calls.length).toBeLessThan(10)
    expect(database.prepare('SELECT count(*) AS notes FROM notes').all()).toEqual([{ notes: 2000 }])
  })

  it('are counted as far as they are new and whole, whichever come with them', () => {
    const filler = new TableFiller(databaseWithNotes(), 'notes')
    filler.add([
      { id: 1, text: 'a note' },
      { id: 1, text: 'the same again' },
      { id: 2, text: new Uint8Array([0xff]) },
      { id: 3, text: 'another' },
    ])
    expect(filler.flush()).toBe(2)
    filler.add([{ id: 4, text: 'one more' }])
    expect(filler.flush()).toBe(3)
  })
})
