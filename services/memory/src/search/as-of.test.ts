import { openFile } from '../store/memory-file.support.js'
import { describeAsOf } from './as-of.contract.js'

describeAsOf('a question as of a time, to a file', openFile)
