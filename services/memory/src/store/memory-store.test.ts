import { temporaryStore } from './memory-file.support.js'
import { describeMemoryStorage } from './memory-storage.contract.js'

describeMemoryStorage('memories in a file', async (options = {}) => {
  const { store, clock, file } = temporaryStore(options)
  const openBeside = async (other = options) => temporaryStore({ ...other, file, now: clock.now }).store
  return { store, clock, openBeside }
})
