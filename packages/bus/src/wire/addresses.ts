import { type Address, addressOf, type Contract } from '@jamey/contracts'
import { MessageError } from '../support/errors.js'

/** The error for a topic that came by a filter with a number sign, and is none of the contract's. */
export function strangeTopic(contract: Pick<Contract, 'topic'>, topic: string): MessageError {
  const fault = `must be ${contract.topic}, or that with the client identifier of its sender behind it`
  return new MessageError(topic, 'topic', fault)
}

/** Number of addresses that are kept: more than most topics have senders, and a bound where there are more. */
const ADDRESSES_KEPT = 1000

/** The topics by which messages of one contract come, each read once: most come again. */
export class Addresses {
  readonly #contract: Pick<Contract, 'topic'>
  readonly #known = new Map<string, Address>()

  constructor(contract: Pick<Contract, 'topic'>) {
    this.#contract = contract
  }

  /** The address in a topic; undefined where the topic is none of the contract's. */
  read(topic: string): Address | undefined {
    const known = this.#known.get(topic)
    if (known !== undefined) return known
    const address = addressOf(this.#contract, topic)
    if (address === undefined) return undefined
    if (this.#known.size >= ADDRESSES_KEPT) this.#known.clear()
    this.#known.set(topic, address)
    return address
  }
}
