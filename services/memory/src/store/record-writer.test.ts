import { openFile } from './memory-file.support.js'
import { describeRecords } from './records.contract.js'

describeRecords('records in a file', openFile)
