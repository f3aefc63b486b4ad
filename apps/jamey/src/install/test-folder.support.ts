import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, onTestFinished } from 'vitest'
import { type DataDirectory, dataDirectoryAt } from './data-directory.js'
import { makeDataDirectory, provision } from './provision.js'
import { claimRunFile } from './run-file.js'

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

  /** The same, with the record of a broker that this process runs from it, at 127.0.0.1:8883. */
  async installRunning(): Promise<void> {
    await this.install()
    const claim = claimRunFile(this.directory.path, '0.1.0')
    onTestFinished(() => claim.release())
    claim.update({ broker: { host: '127.0.0.1', port: 8883 } })
  }
}
