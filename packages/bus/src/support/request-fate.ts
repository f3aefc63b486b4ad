/** Says in words what became of a request that nobody answered. */
export function fateOf(mayBeDelivered: boolean): string {
  return mayBeDelivered ? 'it may have been carried out' : 'it was not sent, so nobody carries it out'
}
