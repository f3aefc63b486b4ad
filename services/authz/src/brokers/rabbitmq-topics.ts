/**
 * MQTT's topic of a routing key. RabbitMQ has `.` for the separator, and `*` for `+`; a `.` in a topic it takes for a
 * separator, too, so that what is decided here is what it does.
 */
export function topicOf(routingKey: string): string {
  return routingKey.replaceAll('.', '/')
}

/** The filter in a binding's routing key, where a whole level `*` is a wildcard, whatever the client wrote. */
export function filterOf(routingKey: string): string {
  return routingKey
    .split('.')
    .map((level) => (level === '*' ? '+' : level))
    .join('/')
}

/**
 * True where a client of that name has topics of its own at RabbitMQ: they would be another client's, or everybody's,
 * otherwise.
 */
export function isTellable(clientId: string): boolean {
  return !clientId.includes('.') && clientId !== '*'
}

/** The queues in which RabbitMQ keeps what comes for a client. */
export function isQueueOf(name: string, clientId: string): boolean {
  return ['qos0', 'qos1'].some((qos) => name === `mqtt-subscription-${clientId}${qos}`)
}
