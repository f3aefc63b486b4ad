import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { assertOwnFolder } from '@jamey/auth'
import { createRenewingClient } from '@jamey/bus'
import type { Message, StateChange } from '@jamey/mqtt'
import { matches, ReasonCode, splitShared } from '@jamey/protocol'
import { openSessionStore } from '@jamey/store'
import type { Logger } from 'pino'
import { EXIT } from '../support/exit-codes.js'
import { CommandFailure } from '../support/failure.js'
import { BridgeMemory } from './bridge-memory.js'
import { Carrier, type Left } from './carrier.js'
import { Crossing } from './crossing.js'
import { CrossingStore, sessionStoreOf } from './crossing-store.js'
import { bothWays, type Carried, neededPermissions, oneWayAt } from './routes.js'
import type { BridgeSettings } from './settings.js'
import { Side } from './side.js'

/** Until a subscription that was refused is asked for again, and what a full queue refused is sent again. */
const RETRY_MS = 5000
/** Retained messages come one behind the other; a pause of this length is their end. */
const QUIET_MS = 300
/** For retained messages, where some come all the time. */
const MOST_RETAINED_MS = 30_000
/** What waits in a session comes at once; so long a pause means that nothing is left there. */
const LAST_QUIET_MS = 2000
const POLL_MS = 50

/** The two sides and the two directions between them, of which each number names where it begins. */
const SIDES = [0, 1] as const
type Which = (typeof SIDES)[number]
const otherOf = (side: Which): Which => (side === 0 ? 1 : 0)

/** Carries messages between two brokers, each of which it is a client of. */
export class Bridge {
  readonly sides: readonly [Side, Side]
  readonly crossings: readonly [Crossing, Crossing]
  /** Rejects where it can never work. */
  readonly failed: Promise<never>
  readonly #settings: BridgeSettings
  readonly #log: Logger
  readonly #stores: readonly [CrossingStore, CrossingStore]
  readonly #memory: BridgeMemory
  readonly #told = new Set<string>()
  readonly #stopping = new AbortController()
  #fail: (error: Error) => void = () => {}
  #missing: number

  private constructor(
    settings: BridgeSettings,
    log: Logger,
    stores: readonly [CrossingStore, CrossingStore],
    memory: BridgeMemory,
  ) {
    this.#settings = settings
    this.#log = log
    this.#stores = stores
    this.#memory = memory
    this.#missing = settings.carried.length
    this.failed = new Promise((_, reject) => {
      this.#fail = reject
    })
    this.failed.catch(() => {})
    this.sides = [this.#makeSide(0), this.#makeSide(1)]
    this.crossings = [this.#makeCrossing(0), this.#makeCrossing(1)]
  }

  /** Opens the outbox, which only one process may have. Throws `StoreError`. */
  static async open(settings: BridgeSettings, log: Logger): Promise<Bridge> {
    const { outboxFolder, sides } = settings
    mkdirSync(outboxFolder, { recursive: true, mode: 0o700 })
    assertOwnFolder(outboxFolder)
    const opened: CrossingStore[] = []
    try {
      for (const from of SIDES) {
        const path = join(outboxFolder, `${sides[from].name}-to-${sides[otherOf(from)].name}`)
        opened.push(new CrossingStore(await openSessionStore({ path })))
      }
    } catch (error) {
      for (const store of opened) await store.close()
      throw error
    }
    const stores = opened as [CrossingStore, CrossingStore]
    return new Bridge(settings, log, stores, new BridgeMemory(outboxFolder))
  }

  /** Connected to both, and subscribed to all that it carries. */
  get isReady(): boolean {
    return this.#missing === 0 && this.sides.every(({ client }) => client.state === 'connected')
  }

  /** Connects, and resolves when everything is subscribed to. Rejects where that can never be. */
  async start(): Promise<void> {
    await this.#connect()
    for (const side of SIDES) await this.#leaveFormer(side)
    const isTwoWay = bothWays(this.#settings.carried).length > 0
    for (const side of SIDES) {
      const carried = this.#settings.carried.filter(({ from }) => from === side)
      const { name } = this.sides[side]
      this.#memory.rememberFilters(
        name,
        carried.map(({ filter }) => filter),
      )
      await Promise.all(carried.map((one) => this.#subscribe(one)))
      // Where both have retained something under one topic, that of the first side is to stay.
      if (isTwoWay && side === 0) await this.#retainedCarried()
    }
  }

  /** Takes nothing new, carries over what waits on both sides, and leaves no session behind. */
  async end(): Promise<void> {
    await this.#connect()
    for (const side of SIDES) {
      const { name } = this.sides[side]
      for (const filter of this.#memory.filters(name)) await this.#leave(side, filter)
      this.#memory.rememberFilters(name, [])
    }
    await this.#settled(LAST_QUIET_MS)
    await this.stop()
    for (const side of SIDES) await this.#forgetSession(side)
  }

  /** Everything waits where it is, for the next start. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    for (const crossing of this.crossings) crossing.close()
    await Promise.all(this.sides.map((side) => side.close()))
    await Promise.all(this.#stores.map((store) => store.close()))
  }

  /** Sends again what the other side refused because a queue was full there. */
  async retryRefused(): Promise<void> {
    for (const { client } of this.sides) {
      let after = -1
      while (client.state === 'connected' && client.deadLetters.size > 0) {
        const page = await client.deadLetters.list({ after })
        const last = page.at(-1)
        if (last === undefined) break
        after = last.sequence
        for (const { sequence, reason } of page) {
          if (reason.reasonCode === ReasonCode.quotaExceeded) await client.deadLetters.retry(sequence)
        }
      }
    }
  }

  async #connect(): Promise<void> {
    // How that goes the states tell; the clients try for ever.
    for (const { client } of this.sides) client.connect().catch(() => {})
    await this.#until(() => this.sides.every(({ server }) => server !== undefined))
    await Promise.race([this.failed, Promise.resolve()])
  }

  /** What another run has subscribed to, and this one does not carry. What comes of it yet is carried all the same. */
  async #leaveFormer(side: Which): Promise<void> {
    const { name } = this.sides[side]
    const wanted = new Set(this.#settings.carried.map(({ from, filter }) => `${from} ${filter}`))
    const former = this.#memory.filters(name).filter((filter) => !wanted.has(`${side} ${filter}`))
    for (const filter of former) await this.#leave(side, filter)
  }

  /** RabbitMQ 3.10 acknowledges UNSUBSCRIBE and does nothing, where the subscription was made on another connection. */
  async #leave(side: Which, filter: string): Promise<void> {
    const { client, known } = this.sides[side]
    if (known?.protocolVersion === 4) {
      const options = { qos: 1, whenHandlerFails: 'leave' } as const
      await client.subscribe(filter, options, this.crossings[side].take)
    }
    await client.unsubscribe(filter)
  }

  async #subscribe({ from, filter, qos }: Carried): Promise<void> {
    const { client, name, known } = this.sides[from]
    const isShared = splitShared(filter).group !== undefined
    if (isShared && known?.protocolVersion === 4) {
      this.#log.warn(
        { event: 'bridge.sharing.unknown', side: name, filter },
        'a server of MQTT 3.1.1 does not tell whether it shares: this subscription may bring nothing',
      )
    }
    const options = {
      qos: qos ?? 2,
      // A shared subscription cannot have it. [MQTT-3.8.3-4]
      noLocal: !isShared,
      retainAsPublished: true,
      // Where the session is there still, what is retained has been carried over.
      retainHandling: 1,
    } as const
    while (!this.#stopping.signal.aborted) {
      try {
        const { take, takeOfGroup } = this.crossings[from]
        await client.subscribe(filter, options, isShared ? takeOfGroup : take)
        this.#missing--
        return
      } catch (err) {
        if (this.#stopping.signal.aborted) return
        this.#log.error(
          { event: 'bridge.subscription.refused', side: name, filter, err },
          'cannot subscribe; trying again',
        )
        await pause(RETRY_MS, undefined, { signal: this.#stopping.signal }).catch(() => {})
      }
    }
  }

  /** What the first side has retained is at the other one, as far as that can be told while others publish. */
  async #retainedCarried(): Promise<void> {
    const [crossing] = this.crossings
    const { signal } = this.#stopping
    const endsAtMs = performance.now() + MOST_RETAINED_MS
    for (let last = -1; last !== crossing.retained && performance.now() < endsAtMs; ) {
      last = crossing.retained
      await pause(QUIET_MS, undefined, { signal }).catch(() => {})
    }
    await this.sides[1].client.drained({ timeoutMs: RETRY_MS, signal }).catch(() => {})
  }

  /** Nothing comes for so long, and nothing waits. */
  async #settled(quietMs: number): Promise<void> {
    const received = (): number => this.crossings[0].received + this.crossings[1].received
    for (let last = -1; last !== received(); ) {
      last = received()
      await pause(quietMs, undefined, { signal: this.#stopping.signal }).catch(() => {})
      await this.#until(() => this.crossings.every(({ counts }) => counts.held === 0))
      if (this.#stopping.signal.aborted) return
      await Promise.all(this.sides.map(({ client }) => client.drained()))
    }
  }

  async #until(isSo: () => boolean): Promise<void> {
    const { signal } = this.#stopping
    while (!isSo() && !signal.aborted) {
      await Promise.race([pause(POLL_MS, undefined, { signal }).catch(() => {}), this.failed])
    }
  }

  async #forgetSession(side: Which): Promise<void> {
    const { config } = this.#settings.sides[side]
    const options = {
      cleanStart: true,
      cleanSession: true,
      sessionExpirySeconds: 0,
      reconnect: false,
    } as const
    const { client, stopRenewal } = createRenewingClient(
      { ...config, permissions: this.#permissionsAt(side) },
      options,
    )
    try {
      await client.connect({ timeoutMs: RETRY_MS })
    } finally {
      stopRenewal()
      await client.close({ drain: false })
    }
  }

  #permissionsAt(side: Which): readonly string[] {
    const { sides, carried, relays } = this.#settings
    const given = sides[side].config.permissions
    return given.length > 0 ? given : neededPermissions(carried, side, relays)
  }

  #makeSide(side: Which): Side {
    const settings = this.#settings.sides[side]
    const log = this.#log.child({ side: settings.name })
    return new Side({
      settings,
      bridge: this.#settings,
      permissions: this.#permissionsAt(side),
      // What is published here has come from the other side.
      store: sessionStoreOf(this.#stores[otherOf(side)], this.#stores[side]),
      remembered: this.#memory.side(settings.name),
      onMessage: (message) => this.crossings[side].take(message),
      onState: (change) => this.#onState(side, change),
      onError: (err) =>
        log.warn({ event: 'bridge.client.failed', err }, 'the client of this side reports a failure'),
    })
  }

  #makeCrossing(from: Which): Crossing {
    const [near, far] = [this.sides[from], this.sides[otherOf(from)]]
    const retained = this.#settings.carried.flatMap((one) => (one.from === from ? one.retained : []))
    const { relays } = this.#settings
    const isRetained = (topic: string): boolean => retained.some((filter) => matches(filter, topic))
    return new Crossing({
      carrier: new Carrier({ from: near, to: far, relays, isRetained }),
      store: this.#stores[from],
      to: far.client,
      isKnown: () => near.known !== undefined && far.known !== undefined,
      hasRoomFor: (bytes) => far.hasRoomFor(bytes),
      onLeft: (why, message, error) => this.#onLeft(from, why, message, error),
    })
  }

  #onState(side: Which, { state, cause }: StateChange): void {
    const { name, known, server } = this.sides[side]
    this.#log.info(
      {
        event: 'bridge.connection.changed',
        side: name,
        state,
        ...(cause === undefined ? {} : { err: cause }),
      },
      'connection',
    )
    if (state === 'error') {
      // Another client has its name, or the like: nothing passes that by itself.
      this.#fail(cause ?? new Error(`the client of ${name} has given up`))
    }
    if (state !== 'connected' || known === undefined) return
    this.#memory.remember(name, known)
    if (server?.protocolVersion === 4) this.#refuseLoops(name)
    for (const crossing of this.crossings) crossing.resume()
  }

  #refuseLoops(name: string): void {
    const [pair] = bothWays(this.#settings.carried)
    if (pair === undefined) return
    const [there, back] = pair
    const what = `${JSON.stringify(there.filter)} (${there.where}) and ${JSON.stringify(back.filter)} (${back.where})`
    this.#fail(
      new CommandFailure(`${what} have topics in common; expected ${oneWayAt(name)}`, {
        code: 'bridge-loop',
        exitCode: EXIT.usage,
        hint: 'carry each topic one way: requests to where the services are, answers back',
      }),
    )
  }

  /** The first of each kind; the status has how many there were. */
  #onLeft(from: Which, why: Left | 'unfit', { topic }: Message, err: Error | undefined): void {
    const key = `${from} ${why}`
    if (this.#told.has(key)) return
    this.#told.add(key)
    const details = { from: this.sides[from].name, topic, why, ...(err === undefined ? {} : { err }) }
    if (why === 'looped')
      this.#log.debug(
        { event: 'bridge.message.looped', ...details },
        'a message has been on the other side already',
      )
    else
      this.#log.warn(
        { event: 'bridge.message.left', ...details },
        `a message is not carried over: ${REASONS[why]}; this is told once`,
      )
  }
}

const REASONS: Readonly<Record<Exclude<Left, 'looped'> | 'unfit', string>> = {
  unverified: 'nobody vouches for its sender',
  forged: 'its topic names another sender than the broker does',
  'not-relayed': 'its sender is none of those whom `relay` names',
  unfit: 'it cannot be encoded for the other side',
}
