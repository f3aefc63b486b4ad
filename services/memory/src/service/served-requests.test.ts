import { openFile } from '../store/memory-file.support.js'
import { describeServedRequests } from './served-requests.contract.js'

describeServedRequests('requests to a memory file', openFile)
