import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { JAMEY } from './own-broker.js'
import { faultUnless, type Scene, type Seen } from './scene.js'
import type { SystemUnderTest } from './system.js'

interface Finding {
  readonly check: string
  readonly status: string
  readonly message: string
}

/** What `jamey doctor --probe` finds out is what is known. */
export const probe: Scene = {
  key: 'probe',
  title: '`jamey doctor --probe`',
  async play(system): Promise<Seen> {
    const { capabilities } = system.broker
    const { code, findings } = await runProbe(system)
    const said = (check: string): string => findings.find((one) => one.check === check)?.message ?? 'nothing'
    const version = capabilities.protocolVersion === 5 ? 'MQTT 5.0' : 'MQTT 3.1.1'
    const retained = `yes; for wildcards: ${capabilities.retainsForWildcards ? 'yes' : 'no'}`
    const faults = [
      ...faultUnless(code === 0, `left with ${code}`),
      ...faultUnless(said('version') === version, `version: ${said('version')}`),
      ...faultUnless(
        said('retained messages') === retained,
        `retained messages: ${said('retained messages')}`,
      ),
      ...['denied PUBLISH', 'denied SUBSCRIBE'].flatMap((check) =>
        faultUnless(/^(refused|ends|acknowledged)/.test(said(check)), `${check}: ${said(check)}`),
      ),
      ...faultUnless(
        /granted/.test(said('denied share group')) === capabilities.letsIntoGroups ||
          !capabilities.sharesRequests,
        `denied share group: ${said('denied share group')}`,
      ),
    ]
    const session = `session ${said('session of the connection before')}`
    const nobody = /said at once/.test(said('nobody subscribes (0x10)')) ? '0x10' : 'no 0x10'
    return {
      text: `${said('settings')}; ${nobody}; ${session}; end of a token: ${said('end of a token')}`,
      faults,
    }
  },
}

async function runProbe(system: SystemUnderTest): Promise<{ code: number; findings: readonly Finding[] }> {
  const args = ['doctor', '--probe', '--json', '--client-id', 'robot', '--scratch', 'lab/robot/probe']
  const child = spawn(process.execPath, [JAMEY, ...args], {
    cwd: system.folder,
    env: { PATH: process.env['PATH'], HOME: system.folder, ...(await system.environmentOf('robot')) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const [code] = (await once(child, 'close')) as [number]
  return {
    code,
    findings: said
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Finding),
  }
}
