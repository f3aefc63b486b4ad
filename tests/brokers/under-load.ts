import { Load, shortMs, type Tally, tallyText } from './load.js'
import { type Extent, faultUnless, type Scene, type Seen } from './scene.js'
import { pause } from './server-process.js'
import { ask, type SystemUnderTest } from './system.js'

const FEW = 40

/** Requests while tokens are renewed, over as many consciences as share them. */
export const load: Scene = {
  key: 'load',
  title: 'load with renewals',
  async play(system, extent): Promise<Seen> {
    const { asker, other, watcher } = await clientsOf(system)
    const before = asker.mqtt.stats().connects
    await using running = await Load.start([asker, other], watcher, extent.ratePerSecond)
    await pause(extent.loadSeconds * 1000)
    const tally = await running.finish()
    const renewals = asker.mqtt.stats().connects - before
    const how = renewals === 0 ? '' : `; ${renewals} reconnections of a client`
    const doubled = tally.doubled === 0 ? '' : `; ${tally.doubled} judged twice`
    const faults = [...lossOf(tally), ...sharesOf(system, tally)]
    return { text: `${tallyText(tally)}${shares(tally)}${doubled}${how}`, faults }
  },
}

/** `kill -9` of the broker. */
export const kill9: Scene = outage('kill9', 'kill -9 under load', ({ broker }) => broker.kill9)
/** Its end in order. */
export const restart: Scene = outage('restart', 'restart under load', ({ broker }) => broker.restart)

const VICTIMS = 3

/** `kill -9` of the conscience that judges most, again and again, each time with another one beside it. */
export const killService: Scene = {
  key: 'kill-service',
  title: 'conscience killed under load',
  async play(system, extent): Promise<Seen> {
    const { asker, other, watcher } = await clientsOf(system)
    await using running = await Load.start([asker, other], watcher, extent.ratePerSecond)
    const againMs: number[] = []
    for (let life = 0; life < VICTIMS; life++) {
      await pause(extent.outageAfterSeconds * 1000)
      const victim = running.mostJudgedOf(system.consciences)
      const killedAtMs = performance.now()
      await victim.stop('SIGKILL')
      await ask(asker, `read whether all is well, ${life}`, 60_000)
      againMs.push(performance.now() - killedAtMs)
      await victim.start()
    }
    await pause(extent.outageAfterSeconds * 1000)
    const tally = await running.finish()
    const doubled = tally.doubled === 0 ? '' : `; ${tally.doubled} judged twice`
    const again = `answers after ${againMs.map(shortMs).join(', ')} ms`
    return { text: `${tallyText(tally)}${shares(tally)}${doubled}; ${again}`, faults: lossOf(tally) }
  },
}

function outage(
  key: 'kill9' | 'restart',
  title: string,
  of: (system: SystemUnderTest) => (() => Promise<void>) | undefined,
): Scene {
  return {
    key,
    title,
    without: (broker) => (broker[key] === undefined ? 'not ours to end' : undefined),
    async play(system, extent): Promise<Seen> {
      const end = of(system)
      if (end === undefined) throw new Error(`${system.broker.name} is not ours to end`)
      const { asker, other, watcher } = await clientsOf(system)
      await using running = await Load.start([asker, other], watcher, extent.ratePerSecond)
      await pause(extent.outageAfterSeconds * 1000)
      const startedAtMs = performance.now()
      await end()
      const awayMs = performance.now() - startedAtMs
      await ask(asker, 'read whether all is well', 60_000)
      const againMs = performance.now() - startedAtMs
      await pause(leftOf(extent, againMs))
      const tally = await running.finish()
      const after = await everybodyHears(system)
      const ended = system.parts.filter(({ ends }) => ends > 0).map(({ clientId }) => clientId)
      const text = `${tallyText(tally)}; away ${shortMs(awayMs)} ms, answers after ${shortMs(againMs)} ms`
      return {
        text,
        faults: [...lossOf(tally), ...after, ...faultUnless(ended.length === 0, `ended: ${ended}`)],
      }
    },
  }
}

/**
 * Each conscience has its share again. One whose subscription was lost is deaf, which a second one hides: Mosquitto
 * keeps a session over its restart, and forgets the shared subscriptions in it.
 */
async function everybodyHears(system: SystemUnderTest): Promise<readonly string[]> {
  const { asker, other, watcher } = await clientsOf(system)
  await using running = await Load.start([asker, other], watcher, FEW)
  await pause(1500)
  const tally = await running.finish()
  return [...lossOf(tally).map((fault) => `afterwards ${fault}`), ...sharesOf(system, tally)]
}

function lossOf({ sent, answered, failures }: Tally): readonly string[] {
  const why = JSON.stringify(failures)
  return faultUnless(answered === sent, `${sent - answered} of ${sent} requests without an answer ${why}`)
}

/** Whoever is in the group has judged something; where nothing is shared, one has at a time. */
function sharesOf(system: SystemUnderTest, { judged }: Tally): readonly string[] {
  if (!system.broker.capabilities.sharesRequests) return faultUnless(judged.size > 0, 'nobody judges')
  return system.consciences
    .filter(({ clientId }) => (judged.get(clientId) ?? 0) === 0)
    .map(({ clientId }) => `${clientId} hears nothing`)
}

function shares({ judged }: Tally): string {
  return judged.size < 2 ? '' : `; ${[...judged.values()].sort((a, b) => b - a).join(' + ')}`
}

const leftOf = ({ outageSeconds, outageAfterSeconds }: Extent, againMs: number): number =>
  Math.max(0, (outageSeconds - outageAfterSeconds) * 1000 - againMs)

async function clientsOf(system: SystemUnderTest) {
  const [asker, other, watcher] = await Promise.all(
    ['asker', 'asker-2', 'watcher'].map((id) => system.bus(id)),
  )
  if (asker === undefined || other === undefined || watcher === undefined) throw new Error('nobody asks')
  return { asker, other, watcher }
}
