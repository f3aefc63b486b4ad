import { createBroker, insecureAuthenticator } from '@jamey/broker'
import { openBrokerStore } from '../index.js'
import { report } from './report.js'

/** This module, for `Child`. */
export const REDELIVERING_PROCESS = 'redelivering-process.ts'
/** The session that is about to expire; one that is over is kept under a longer name. */
export const EXPIRED_SESSION = 'over'

/**
 * A broker without clients on the store in `path`, where one session is about to expire. It kills itself while its
 * commit number `lastCommit` is under way; where the session is gone by then, it prints after how many commits.
 */
export async function run(path: string, lastCommit: string): Promise<void> {
  const store = await openBrokerStore({ path })
  const { load, commit, removeSession } = store
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
    // An earlier life may have been done with it before it was killed.
    store.load = async () => {
      const state = await load.call(store)
      if (!state.sessions.some(({ clientId }) => clientId.endsWith(EXPIRED_SESSION))) resolve()
      return state
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
