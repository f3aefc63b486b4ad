import { join } from 'node:path'
import { ConfigurationError } from '@jamey/bus'
import { describe, expect, it } from 'vitest'
import { conscienceOptionsFromEnvironment } from '../index.js'

const KEY = 'sk-very-secret-key-123'

function faultsOf(
  env: Record<string, string>,
): readonly { variable: string; found: string; expected: string }[] {
  try {
    conscienceOptionsFromEnvironment(env)
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error
    expect(error.message).not.toContain(KEY)
    return error.faults
  }
  return []
}

describe('the environment of a conscience', () => {
  it('may be empty: the policy of the package, no judge', () => {
    expect(conscienceOptionsFromEnvironment({ JAMEY_POLICY_FILE: ' ', JAMEY_JUDGE_URL: '' })).toEqual({
      policyFile: undefined,
      judge: undefined,
      dataFolder: '.jamey/data',
      approvals: {},
      auditFolder: join('.jamey', 'data', 'audit'),
    })
  })

  it('sets everything', () => {
    const env = {
      JAMEY_POLICY_FILE: 'policy.yaml',
      JAMEY_AUDIT_DIR: '/var/audit',
      JAMEY_JUDGE_URL: 'https://judge.example/v1',
      JAMEY_JUDGE_MODEL: 'm',
      JAMEY_JUDGE_KEY: KEY,
      JAMEY_JUDGE_TIMEOUT_MS: '900',
      JAMEY_DATA_DIR: '/var/jamey',
      JAMEY_APPROVALS_DIR: 'asked',
      JAMEY_APPROVAL_SECONDS: '600',
      JAMEY_CONSCIENCES: 'one, two',
    }
    expect(conscienceOptionsFromEnvironment(env)).toEqual({
      policyFile: 'policy.yaml',
      judge: { url: 'https://judge.example/v1', model: 'm', key: KEY, timeoutMs: 900 },
      dataFolder: '/var/jamey',
      approvals: { folder: 'asked', seconds: 600, consciences: ['one', 'two'] },
      auditFolder: '/var/audit',
    })
  })

  it('records in its data folder, or nowhere', () => {
    const folderOf = (env: Record<string, string>) => conscienceOptionsFromEnvironment(env).auditFolder
    expect(folderOf({ JAMEY_DATA_DIR: '/data' })).toBe(join('/data', 'audit'))
    expect(folderOf({ JAMEY_AUDIT_DIR: 'none', JAMEY_DATA_DIR: '/data' })).toBeUndefined()
  })

  it('is told all its faults at once, with variable, found and expected [promise 37]', () => {
    const faults = faultsOf({
      JAMEY_RULES: 'rules.yaml',
      JAMEY_UNRECOGNISED: 'allow',
      JAMEY_JUDGE_URL: 'ftp://x',
      JAMEY_JUDGE_TIMEOUT_MS: '0',
      JAMEY_JUDGE_KEY: `${KEY} \u00e9`,
      JAMEY_APPROVAL_SECONDS: '59',
      JAMEY_CONSCIENCES: 'one,a/b',
    })
    expect(faults.map((fault) => [fault.variable, fault.found])).toEqual([
      ['JAMEY_RULES', 'a value'],
      ['JAMEY_UNRECOGNISED', 'a value'],
      ['JAMEY_JUDGE_TIMEOUT_MS', '"0"'],
      ['JAMEY_JUDGE_URL', 'ftp:'],
      ['JAMEY_JUDGE_MODEL', 'nothing'],
      ['JAMEY_JUDGE_KEY', '24 characters (not shown)'],
      ['JAMEY_APPROVAL_SECONDS', '"59"'],
      ['JAMEY_CONSCIENCES', '"one,a/b"'],
    ])
  })

  for (const [what, env] of [
    ['a key in place of the URL', { JAMEY_JUDGE_URL: KEY, JAMEY_JUDGE_MODEL: 'm' }],
    ['a key within the URL', { JAMEY_JUDGE_URL: `https://u:${KEY}@host/v1`, JAMEY_JUDGE_MODEL: 'm' }],
    [
      'a key that would go unencrypted',
      { JAMEY_JUDGE_URL: 'http://host/v1', JAMEY_JUDGE_MODEL: 'm', JAMEY_JUDGE_KEY: KEY },
    ],
    ['a key without a URL', { JAMEY_JUDGE_KEY: KEY }],
  ] as const) {
    it(`with ${what} is refused, and the key is not shown [promise 19]`, () => {
      expect(faultsOf(env).map((fault) => fault.variable)).toEqual(['JAMEY_JUDGE_URL'])
    })
  }

  it('may name a plain endpoint on this machine, with a key', () => {
    for (const host of ['localhost:1', '127.0.0.1:1', '[::1]:1']) {
      expect(
        faultsOf({ JAMEY_JUDGE_URL: `http://${host}/v1`, JAMEY_JUDGE_MODEL: 'm', JAMEY_JUDGE_KEY: KEY }),
      ).toEqual([])
    }
  })
})
