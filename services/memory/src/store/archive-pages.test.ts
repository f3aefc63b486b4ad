import { describeArchives } from './archives.contract.js'
import { openFile } from './memory-file.support.js'

describeArchives('memories of an archive, in a file', openFile)
