import { describe, expect, it } from 'vitest'
import { factsOf } from '../../facts/facts.js'

const filesOf = (command: string) =>
  factsOf({ tool: 'Bash', arguments: { command } }, { workspace: '/srv/app', home: '/srv' }).files.map(
    ({ path, access }) => `${access} ${path}`,
  )

describe('a file in an option or a script', () => {
  it.each([
    ['xargs -a .env echo', 'read /srv/app/.env'],
    ['xargs -a/etc/shadow echo', 'read /etc/shadow'],
    ['xargs --arg-file=.env echo', 'read /srv/app/.env'],
    ['xargs --arg .env echo', 'read /srv/app/.env'],
    ['xargs -n 1 -0a.env echo', 'read /srv/app/.env'],
    ['parallel -a.env echo', 'read /srv/app/.env'],
    ['parallel echo :::: .env', 'read /srv/app/.env'],
    ["sed '1r id_rsa' a", 'read /srv/app/id_rsa'],
    ["sed -i'../x/*' p a", 'write /srv/x/*'],
  ])('is used: %s', (command, file) => expect(filesOf(command)).toContain(file))

  it.each(['xargs -I{} echo {}', 'xargs -n 1 echo -a .env', 'xargs -0 -P4 echo', 'sed -i.bak s/a/b/'])(
    'is none: %s',
    (command) => expect(filesOf(command)).toEqual([]),
  )
})
