import type { Order } from './reports.js'

/** The side of a process that is told what to do by `Subordinate`: it answers each order, and ends after 'finish'. */
export function obeyOrders(obey: (order: Order) => Promise<unknown>): void {
  process.on('message', (order: Order) => {
    obey(order).then(
      (answer) => {
        process.send?.({ answer })
        if (order.ask === 'finish') process.disconnect()
      },
      (error: Error) => process.send?.({ error: error.stack }),
    )
  })
  process.on('disconnect', () => process.exit())
  // Ctrl-C is for the coordinating process, which then ends this one in order.
  process.on('SIGINT', () => {})
}
