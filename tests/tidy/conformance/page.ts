import { shownName, type TestName } from '../test-names.js'
import { NOT_YET, type Standard, type Statement } from './statements.js'

export interface Held {
  statement: Statement
  tests: readonly TestName[]
}

/** The name of a statement's rule in the brackets of a test: a number alone is one of MQTT 5.0. */
export function ruleOf({ standard, number }: Statement): string {
  return standard === '5.0' ? `MQTT-${number}` : `MQTT-${number} of ${standard}`
}

/** `docs/conformance.md`. */
export function writePage(held: readonly Held[]): string {
  const parts = [HEAD]
  for (const standard of ['5.0', '3.1.1'] as const) {
    const ours = held.filter(({ statement }) => statement.standard === standard)
    const servers = ours.filter(({ statement }) => statement.concerns !== 'client')
    const clients = ours.filter(({ statement }) => statement.concerns === 'client')
    parts.push(`## MQTT ${standard}\n`, summary(standard, servers, clients.length), table(servers))
    parts.push(`### What MQTT ${standard} asks of clients alone\n`, table(clients))
  }
  return `${parts.join('\n').trimEnd()}\n`
}

const HEAD = `# Conformance

What MQTT asks, number by number, and the tests that hold the broker to it. Written by \`npm run conformance\` from
\`tests/tidy/conformance\` (the statements of both standards, in our own words) and from the names of the tests, which
carry the numbers; a test fails where a statement has neither a test nor a reason, and where this page is stale.

A test is named by its file and title: \`broker/will\` is \`packages/broker/src/will.test.ts\`, \`interop/paho\` is
\`tests/interop/paho.test.ts\`. A file with \`vectors\` or \`table\` in its name holds rows that a test beside it runs.
`

function summary(standard: Standard, servers: readonly Held[], clients: number): string {
  const tested = servers.filter(({ tests }) => tests.length > 0).length
  const open = servers.filter((held) => isOpen(held)).length
  const reasoned = servers.length - tested - open
  return (
    `Of the ${servers.length + clients} statements of MQTT ${standard}, ${servers.length} concern a server: ` +
    `${tested} are held by tests, ${reasoned} cannot be tested for the reason given, ` +
    `${open} are not yet tested. ${clients} concern clients alone.\n`
  )
}

function isOpen({ statement, tests }: Held): boolean {
  return tests.length === 0 && statement.reason === NOT_YET
}

function table(held: readonly Held[]): string {
  const rows = held.map(({ statement, tests }) => {
    const cell = tests.length > 0 ? tests.map(shownName).join('<br>') : (statement.reason ?? '')
    return `| ${statement.number} | ${statement.asks} | ${cell} |`
  })
  return `${['| number | what it asks | held by |', '|---|---|---|', ...rows].join('\n')}\n`
}
