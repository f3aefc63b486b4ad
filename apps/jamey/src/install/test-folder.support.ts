import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach } from 'vitest'
import { type DataDirectory, dataDirectoryAt } from './data-directory.js'
import { makeDataDirectory, provision } from './provision.js'

/** A folder for each test, and where the data directory would be in it. */
export class TestFolder {
  path = ''
  directory: DataDirectory = dataDirectoryAt('')

  constructor() {
    beforeEach(() => {
      this.path = mkdtempSync(join(tmpdir(), 'jamey-folder-'))
      this.directory = dataDirectoryAt(join(this.path, '.jamey'))
    })
    afterEach(() => rmSync(this.path, { recursive: true, force: true }))
  }

  /** Makes the data directory as `jamey up` does. */
  async install(): Promise<void> {
    makeDataDirectory(this.directory)
    await provision(this.directory, '127.0.0.1')
  }
}
