import { parseArgs } from 'node:util'
import { BROKERS } from './catalogue.js'
import { SCENES } from './suite.js'

export const USAGE = `usage: npm run test:brokers -- [options]
  --broker NAME    one of ${Object.keys(BROKERS).join(', ')}; again for another one; all that are installed
  --scene KEY      one of ${SCENES.map(({ key }) => key).join(', ')}; again for another one; all
  --short          a minute for all of them, as before each change of main
  --write          keep the results in tests/brokers/results.json, and make docs/brokers.md of them
  --url URL        a broker that runs already, made ready by what --files says; mqtts://host:port
  --name NAME      what that broker is called in the table; with --url
  --files FOLDER   with --url: ca.crt, and NAME.crt and NAME.key of each client of the suite
  --secret FILE    with --url: the token secret, where the broker knows clients by their tokens
  --version 4|5    with --url: of MQTT; 5
`

export interface Arguments {
  readonly brokers: readonly string[]
  readonly scenes: readonly string[]
  readonly isShort: boolean
  readonly writes: boolean
  readonly remote: RemoteArguments | undefined
}

export interface RemoteArguments {
  readonly url: string
  readonly name: string
  readonly files: string
  readonly secretFile: string | undefined
  readonly protocolVersion: 4 | 5
}

/** Throws an error that says what is wrong with them. */
export function readArguments(args: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      broker: { type: 'string', multiple: true, default: [] },
      scene: { type: 'string', multiple: true, default: [] },
      short: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      url: { type: 'string' },
      name: { type: 'string' },
      files: { type: 'string' },
      secret: { type: 'string' },
      version: { type: 'string', default: '5' },
    },
  })
  const { broker, scene, url, name = 'another broker', files, secret, version } = values
  assertKnown('--broker', broker, Object.keys(BROKERS))
  assertKnown(
    '--scene',
    scene,
    SCENES.map(({ key }) => key),
  )
  assertKnown('--version', [version], ['4', '5'])
  if (url !== undefined && files === undefined) throw new Error('--url needs --files')
  if (url === undefined && (files ?? secret ?? values.name) !== undefined) throw new Error('--url is missing')
  const protocolVersion = version === '4' ? 4 : 5
  const remote =
    url === undefined ? undefined : { url, name, files: files as string, secretFile: secret, protocolVersion }
  return {
    brokers: broker,
    scenes: scene,
    isShort: values.short,
    writes: values.write,
    remote: remote as RemoteArguments | undefined,
  }
}

function assertKnown(option: string, given: readonly string[], known: readonly string[]): void {
  const wrong = given.find((one) => !known.includes(one))
  if (wrong !== undefined) throw new Error(`${option}: found '${wrong}', expected one of ${known.join(', ')}`)
}
