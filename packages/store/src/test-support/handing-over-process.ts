import { createBroker, insecureAuthenticator } from '@jamey/broker'
import { openBrokerStore } from '../index.js'
import { report } from './report.js'

/** This module, for `Child`. */
export const HANDING_OVER_PROCESS = 'handing-over-process.ts'

/**
 * A broker without clients on the store in `path`, where one session is about to expire. It kills itself while its
 * commit number `lastCommit` is under way; where the session is gone before, it prints after how many commits.
 */
export async function run(path: string, lastCommit: string): Promise<void> {
  const store = await openBrokerStore({ path })
  const { commit, removeSession } = store
  let commits = 0
  store.commit = () => {
    const committed = commit.call(store)
    if (++commits === Number(lastCommit)) setImmediate(() => process.kill(process.pid, 'SIGKILL'))
    return committed
  }
  const isGone = new Promise<void>((resolve) => {
    store.removeSession = (clientId) => {
      removeSession.call(store, clientId)
      resolve()
    }
  })
  const limits = { sysIntervalSeconds: 0 }
  const broker = await createBroker({
    listeners: [],
    authenticator: insecureAuthenticator(),
    store,
    limits,
  })
  await isGone
  await broker.close({ graceMs: 0 })
  report(commits)
}
