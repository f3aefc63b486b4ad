import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MEMORY_LAYERS } from '@jamey/contracts'
import { DEFAULT_LIFETIMES } from '@jamey/memory'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LAYERS } from './memory/memory-options.js'
import { runCommand } from './run-command.support.js'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'jamey-cli-'))
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

const jamey = (args: string[], env?: NodeJS.ProcessEnv) => runCommand(folder, args, env)

describe('help', () => {
  it('lists every command, and exits 0', async () => {
    const { code, stdout, stderr } = await jamey(['--help'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const commands =
      'up run broker evaluate remember recall forget sub pub request token certs doctor outbox memory help'
    for (const command of commands.split(' ')) expect(stdout).toMatch(new RegExp(`^  ${command}\\b`, 'm'))
  })

  it('explains a command, and the exit codes', async () => {
    for (const args of [
      ['help', 'broker'],
      ['broker', '--help'],
    ]) {
      expect((await jamey(args)).stdout).toMatch(/--config <file>.*SIGHUP reads everything again/s)
    }
    expect((await jamey(['broker', 'backup', '--help'])).stdout).toContain('backup-of-today')
    expect((await jamey(['help', 'evaluate'])).stdout).toContain('--context <json>')
    expect((await jamey(['evaluate', '--help'])).stdout).toContain('--context <json>')
    const { code, stdout } = await jamey(['help', 'exit-codes'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^ +3 +refused /m)
  })

  it('explains a command of a command', async () => {
    expect((await jamey(['help', 'certs', 'issue'])).stdout).toContain('jamey certs issue [options]')
    expect((await jamey(['help', 'outbox', 'drop'])).stdout).toContain('--yes')
    const { code, stderr } = await jamey(['help', 'certs', 'isue'])
    expect(code).toBe(2)
    expect(stderr).toMatch(/^error: unknown command of certs 'isue'\n {2}-> did you mean issue\?/)
  })

  it('asks what was meant where something like it is known', async () => {
    for (const [typed, meant] of [
      [['evalute', 'x'], 'did you mean evaluate?'],
      [['help', 'exitcodes'], 'did you mean exit-codes?'],
      [['outbox', 'lst'], 'did you mean list?'],
      [['certs', 'isue'], 'jamey certs issue`?'],
      [['sub', 'a', '--jsn'], 'did you mean --json?'],
    ] as const) {
      const { code, stderr } = await jamey([...typed])
      expect(code).toBe(2)
      expect(stderr).toContain(meant)
      expect(stderr).not.toContain('(Did')
    }
    const { stderr } = await jamey(['certs', 'everything'])
    expect(stderr).toContain(
      'goes on with list or init or issue or renew or revoke or rotate-ca or acme, or with options',
    )
  })

  it('shows a text whose quotes were forgotten with them', async () => {
    const { code, stderr } = await jamey(['evaluate', 'email', 'the', "customer's", 'newsletter'])
    expect(code).toBe(2)
    expect(stderr).toContain(`jamey evaluate 'email the customer'\\''s newsletter'`)
    expect((await jamey(['pub', 'lab/a', 'two', 'words'])).stderr).toContain("jamey pub lab/a 'two words'")
    expect((await jamey(['doctor', 'now'])).stderr).toContain('--help shows what is possible')
  })

  it('tells the lifetime of every layer as the memory service has it', async () => {
    expect(LAYERS).toEqual(MEMORY_LAYERS)
    const { stdout } = await jamey(['remember', '--help'])
    const words: Record<string, string> = {
      3600: '1 hour',
      86400: '1 day',
      7776000: '90 days',
      null: 'for good',
    }
    const text = stdout.replaceAll(/\s+/g, ' ').replace(' (where none is given)', '')
    for (const [layer, seconds] of Object.entries(DEFAULT_LIFETIMES)) {
      expect(text).toContain(`${layer} ${words[String(seconds)]}`)
    }
  })

  it.each([
    [['mcp', 'guard'], '(default: 45)'],
    [['mcp', 'tools'], '(default: 30)'],
    [['mcp', 'serve'], '(default: 30)'],
    [['recall'], '(default: 30)'],
  ])('shows the default of a time in seconds, as it is typed: %j', async (words, shown) => {
    const { stdout } = await jamey([...words, '--help'])
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain(shown)
    expect(stdout).not.toContain('000)')
  })

  it('has every command in the README', async () => {
    const { stdout } = await jamey(['--help'])
    const names = [...stdout.matchAll(/^ {2}([a-z][a-z-]+)(?: |$)/gm)].map(([, name = '']) => name)
    expect(names).toContain('broker-config')
    const page = readFileSync(new URL('../../../../README.md', import.meta.url), 'utf8')
    const missing = names.filter((name) => !new RegExp(`(?:jamey |\`)${name}\\b`).test(page))
    expect(missing.filter((name) => name !== 'jamey')).toEqual([])
  })

  it('prints the version', async () => {
    expect(await jamey(['--version'])).toMatchObject({ code: 0, stdout: '0.1.0\n' })
  })
})

describe('what is typed wrongly', () => {
  it.each([
    [['nonsense'], "unknown command 'nonsense'"],
    [['help', 'nonsense'], "unknown command or topic 'nonsense'"],
    [['evaluate', ' '], 'the action is empty'],
    [['remember', ''], 'the text is empty'],
    // Of nothing on standard input there is nothing to remember, and no memory of one dash.
    [['remember', '-'], 'the text is empty'],
    [['up', '--log-level', 'loud'], 'Allowed choices are silent'],
    [['token'], 'there is no secret to sign with'],
    [['certs', 'issue'], 'give the client identifier of a client, or --server with --host'],
    [['certs', 'issue', 'x', '--server', '--host', 'y'], 'give the client identifier'],
    [['certs', 'issue', 'x', '--data-dir', 'absent'], 'no folder absent'],
    [['certs'], 'so there is no system to look at'],
    [['evaluate'], 'the action is empty'],
    [['evaluate', 'x', '--tool', 'Bash'], 'goes with an action in words'],
    [['evaluate', 'x', '--arguments', '{}'], 'name its tool with --tool'],
    [['evaluate', '--tool', 'Bash', '--arguments', '[1]'], 'expected a JSON object'],
    [['evaluate', '--tool', 'Bash', '--arguments', '@none.json'], 'cannot read none.json'],
    [['evaluate', 'x', '--context', '[1]'], '--context: expected a JSON object'],
    [['remember', 'x', '--metadata', '[1]'], '--metadata: expected a JSON object'],
    [['memory', 'update', 'x', '--metadata', '{"a":1,"a":2}'], '--metadata: a must not be there twice'],
    [['evaluate', 'x', '--timeout', 'soon'], 'Expected seconds'],
    [['evaluate', 'x', 'y'], 'too many arguments'],
    [['recall', 'x', '--layer', 'dreams'], 'Expected one of working'],
    [['remember', 'x', '--layer', 'dreams'], 'Allowed choices are working'],
    [['remember'], 'give a text, or --file'],
    [['remember', 'x', '--file', 'y'], 'give a text, or --file'],
    [['remember', '--file', 'absent.md'], 'there is no such file'],
    [['remember', '--file', '.'], 'it is a folder'],
    [['forget'], 'what is to be forgotten?'],
    [['forget', 'x', '--layer', 'working'], 'not both'],
    [['pub'], "missing required argument 'topic'"],
    [['pub', 'jamey/conscience/evaluate', 'x'], 'takes a JSON object'],
    [['sub'], "missing required argument 'filter'"],
    [['sub', 'jamey/#', 'lab/##'], `topic filter "lab/##" has '#' elsewhere than as its last level`],
    [['pub', 'lab/+', 'x'], 'topic name "lab/+" has a wildcard'],
    [['pub', '$share/g/lab', 'x'], "is a shared subscription's"],
    [['request', '', 'x'], 'is empty'],
    [['sub', '#', '--qos', '3'], 'Expected 0, 1 or 2'],
    [['up', '--port', 'x'], 'Expected a whole number, 0 to 65535'],
    [['run', 'nothing'], 'Allowed choices are broker'],
    [['broker'], 'say --insecure'],
    [['broker', '--limit', 'connections'], 'Expected a limit and its number'],
    [['broker', '--log-level', 'loud'], 'Allowed choices are silent'],
    [['broker', '--config', 'absent.yaml'], 'absent.yaml: expected a YAML file'],
    [['broker', 'backup'], "missing required argument 'folder'"],
    [['broker', 'backup', 'x', '--store', 'none'], 'there is nothing to back up'],
    [['broker', '--data-dir', 'absent'], 'no folder absent'],
  ])('is told without a stack and exits 2: %j', async (args, message) => {
    const { code, stdout, stderr } = await jamey(args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(message)
    expect(stderr).toMatch(/^error: /)
    expect(stderr).not.toMatch(/\n\s+at /)
  })

  it('is one JSON object with --json', async () => {
    const { code, stderr } = await jamey(['attest', '--json'])
    expect(code).toBe(2)
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'usage', exit_code: 2 } })
  })

  it('is the help where nothing is typed at all', async () => {
    const { code, stderr } = await jamey([])
    expect(code).toBe(2)
    expect(stderr).toContain('Usage: jamey')
  })
})

describe('a setting in .env', () => {
  it('steers `jamey up`, and is refused where it cannot be used', async () => {
    writeFileSync(join(folder, '.env'), 'JAMEY_HTTP_PORT=99999\n')
    expect((await jamey(['up'])).stderr).toContain('JAMEY_HTTP_PORT is "99999"')
    writeFileSync(join(folder, '.env'), 'JAMEY_LOG_LEVEL=loud\n')
    const { code, stderr } = await jamey(['up'])
    expect(code).toBe(2)
    expect(stderr).toContain('JAMEY_LOG_LEVEL is "loud"')
  })
})

describe('without anything that runs', () => {
  it('says so and how to start it, with exit code 5', async () => {
    const { code, stderr } = await jamey(['recall', 'lisbon'])
    expect(code).toBe(5)
    expect(stderr).toContain('no .jamey here')
    expect(stderr).toContain('jamey up')
  })

  it('tells every fault of the environment at once, with exit code 2', async () => {
    const { code, stderr } = await jamey(['recall', 'lisbon'], {
      MQTT_BROKER_URL: 'http://example.org',
      MQTT_JWT_SECRET: 'hunter2',
    })
    expect(code).toBe(2)
    expect(stderr).toContain('MQTT_BROKER_URL')
    expect(stderr).toContain('MQTT_JWT_SECRET')
    expect(stderr).not.toContain('hunter2')
  })

  it('reads .env of the folder, too', async () => {
    writeFileSync(join(folder, '.env'), 'MQTT_BROKER_URL=http://example.org\n')
    const { code, stderr } = await jamey(['recall', 'lisbon'])
    expect(code).toBe(2)
    expect(stderr).toContain('http://example.org')
  })

  it('doctor says what to do', async () => {
    const { stdout } = await jamey(['doctor', '--json'])
    const findings = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { check: string; hint?: string })
    expect(findings.find(({ check }) => check === 'folder')?.hint).toContain('jamey up')
  })
})
