import { report, takeJob } from '../kit/role.js'
import { Load } from './load.js'
import type { LoadJob } from './load-job.js'

/** The load generator, in a process of its own. */

const job = await takeJob<LoadJob>()
await report(async () => ({ figures: await new Load(job).run() }))
