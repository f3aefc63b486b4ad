import { Permissions } from '@jamey/auth'
import { PermissionError } from '@jamey/bus'
import { describe, expect, it } from 'vitest'
import { CommandFailure } from '../support/failure.js'
import type { PermissionSource } from './connection-target.js'
import { assertPermitted, refusalOf } from './permission-refusal.js'

function asker(source: PermissionSource, list = ['jamey/#']) {
  return { bus: { clientId: 'me', permissions: new Permissions(list, { clientId: 'me' }) }, source }
}

function thrownBy(work: () => void): unknown {
  try {
    work()
  } catch (error) {
    return error
  }
  return undefined
}

function refused(source: PermissionSource, topics: string[], list?: string[]): CommandFailure {
  const who = asker(source, list)
  const action = topics.length > 1 ? 'subscribe' : 'publish'
  const error = refusalOf(
    thrownBy(() => assertPermitted(who.bus, action, topics)),
    who,
  )
  if (!(error instanceof CommandFailure)) throw new Error(`not a failure of the command line: ${error}`)
  return error
}

describe('a missing permission', () => {
  it('is told with the option that cures it', () => {
    expect(refused('default', ['lab/a'])).toMatchObject({
      code: 'permission-missing',
      exitCode: 3,
      message: 'me lacks the permission publish:lab/a',
      hint: 'without --permission a command may use jamey/# alone; add --permission publish:lab/a',
    })
  })

  it('for a level of its own is told with the sign for whatever its name is next time', () => {
    expect(refused('default', ['lab/convert/me'])).toMatchObject({
      message: 'me lacks the permission publish:lab/convert/me',
      hint: expect.stringContaining("add --permission 'publish:lab/convert/%c'"),
    })
  })

  it('is told with all that the command needs, because the option replaces what it had', () => {
    expect(refused('default', ['jamey/x', 'lab/#']).hint).toContain(
      "add --permission 'jamey/#' --permission 'subscribe:lab/#'",
    )
    expect(refused('option', ['lab/a'], ['shop/#']).hint).toContain(
      "--permission 'shop/#' --permission publish:lab/a",
    )
    expect(refused('option', ['a/#', 'b/#'], ['c']).hint).toContain(
      "say --permission c --permission 'subscribe:a/#' --permission 'subscribe:b/#'",
    )
  })

  it('is told with the file that took the permissions over', () => {
    const { hint } = refused('file', ['lab/a'], ['publish:jamey/conscience/evaluate'])
    expect(hint).toContain('MQTT_PERMISSIONS=publish:jamey/conscience/evaluate of .env is in force')
    expect(refused('environment', ['lab/a']).hint).toContain('of the environment is in force')
  })

  it('of a request of the bus is told in the same way', () => {
    const error = new PermissionError('publish:jamey/memory/store', 'me')
    expect(refusalOf(error, asker('file', []))).toMatchObject({
      message: 'me lacks the permission publish:jamey/memory/store',
      hint: expect.stringContaining('--permission publish:jamey/memory/store'),
    })
    const other = new Error('broken')
    expect(refusalOf(other, asker('default'))).toBe(other)
  })
})

describe('a share group', () => {
  it('takes the entry for the group, which is told', () => {
    expect(refused('default', ['jamey/#', '$share/g/jamey/+'])).toMatchObject({
      message: 'me lacks the permission subscribe:$share/g/jamey/+',
      hint: "without --permission a command may use jamey/# alone; add --permission 'jamey/#' --permission 'subscribe:$share/g/jamey/+'",
    })
  })
})

describe('what belongs to another client', () => {
  it('is told as that, and no permission is offered', () => {
    const error = thrownBy(() =>
      assertPermitted(asker('default').bus, 'subscribe', ['jamey/api/responses/other/#']),
    )
    expect(error).toMatchObject({
      exitCode: 3,
      message: expect.stringContaining(
        'belongs to another client, which only the permission to relay for that one changes',
      ),
      hint: expect.stringContaining('jamey/api/responses/me/#'),
    })
  })

  it('is not what is allowed', () => {
    expect(() => assertPermitted(asker('default').bus, 'publish', ['jamey/a'])).not.toThrow()
    expect(() =>
      assertPermitted(asker('default', ['jamey/#', 'subscribe:$share/g/jamey/#']).bus, 'subscribe', [
        'jamey/#',
        '$share/g/jamey/+',
      ]),
    ).not.toThrow()
  })
})
