import { openFile } from './memory-file.support.js'
import { describeMemoryStorage } from './memory-storage.contract.js'

describeMemoryStorage('memories in a file', openFile)
