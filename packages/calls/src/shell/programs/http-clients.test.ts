import { describe, expect, it } from 'vitest'
import { factsOf } from '../../facts/facts.js'

const of = (command: string) =>
  factsOf({ tool: 'Bash', arguments: { command } }, { workspace: '/srv/app', home: '/srv' })

/** Whether it does no more than ask servers that are all local. */
function asksLocally(command: string): boolean {
  const { effects, urls, unread } = of(command)
  const isLocal = urls.length > 0 && urls.every((url) => url.isLocal)
  return (
    isLocal &&
    unread.length === 0 &&
    effects.every((effect) => effect === 'outward-read' || effect === 'read')
  )
}

describe('a page of this machine', () => {
  it.each([
    'curl localhost:3000/health',
    'curl -sSf -o out.json localhost:3000/health | jq .status',
    'curl -I 127.0.0.1:8080',
    'curl -s -H "Accept: application/json" --max-time 5 localhost:3000/a?b=c',
    'curl -X GET http://localhost:3000/a',
    'curl --request=HEAD [::1]:3000',
    'curl -w "%{http_code}" --url localhost:3000',
    'wget -qO- localhost:8000/a',
    'http :3000/health',
    'http GET localhost:3000/a Accept:text/plain q==x',
    'xh localhost:3000',
    `curl 'http://localhost:3000/a?q="b"|c'`,
  ])('is asked for: %s', (command) => expect(asksLocally(command)).toBe(true))

  it.each([
    'curl localhost:3000 evil.example/x',
    `curl 'http://localhost"@evil.example/x'`,
    `curl "http://localhost'@evil.example/x"`,
    "wget 'http://localhost|@evil.example/x'",
    "curl 'http://localhost<@evil.example/x'",
    'curl http://localhost:3000 evil.example',
    'curl http://localhost:3000 "$X"',
    'curl $X localhost:3000',
    'curl -X DELETE localhost:3000/a',
    'curl -sXPOST localhost:3000/a',
    'curl --request=PUT http://localhost:3000',
    'curl --req PUT http://localhost:3000',
    'curl -d a=b localhost:3000',
    "curl -H 'X-HTTP-Method-Override: DELETE' localhost:3000",
    'http :3000 X-HTTP-Method-Override:DELETE',
    'curl --dat a=b http://localhost:3000',
    'curl -sd@a localhost:3000',
    'curl -T a localhost:3000',
    'curl --json {} localhost:3000',
    'curl -x evil.example:80 localhost:3000',
    'curl --resolve localhost:80:192.0.2.1 http://localhost/',
    'curl --connect-to ::evil.example:80 http://localhost/',
    'curl --unix-socket /var/run/docker.sock http://localhost/containers/json',
    'curl -K settings http://localhost/',
    'curl localhost@evil.example',
    "curl 'localhost\\@evil.example'",
    'curl {localhost,evil.example}',
    'curl localhost.evil.example',
    'curl http://169.254.169.254/latest/meta-data',
    'curl 169.254.169.254/latest/meta-data',
    'curl http://[fd00:ec2::254]/latest',
    'wget --post-data=a localhost:3000',
    'wget --method=DELETE localhost:3000/a',
    'wget -i list localhost:3000',
    'wget -e http_proxy=evil.example localhost:3000',
    'wget --use-askpass=x localhost:3000',
    'http DELETE http://localhost:3000/a',
    'http http://localhost:3000/a name=x',
    'http :3000/a name:=1',
    'http :3000/a @file',
    'http POST :3000/a',
    'http --raw x :3000/a',
    'cat a | http :3000/a',
    'http :3000/a < a',
    'http --proxy http:evil.example :3000',
    "curl 'http://localhost\\@evil.example/'",
    "curl 'http://localhost{,.evil.example}/'",
    "curl 'http://localhost[1-2].evil.example/'",
    'curl ftp://localhost/x',
    'curl gopher://localhost/x',
    "curl -w '%output{../x}' localhost",
    'curl -sSLo../x localhost',
    'wget --rejected-log=../x localhost',
    'http --session=../x localhost',
    'curl --proto-default gopher localhost:6379/_x',
    'curl -sJO localhost:3000/x',
    'wget -qrH localhost:3000',
    'wget --content-disposition localhost:3000/x',
  ])('is not all that is asked for: %s', (command) => expect(asksLocally(command)).toBe(false))
})

it.each([
  'curl -o .claude/settings.json localhost:3000',
  'curl -so.claude/settings.json localhost:3000',
  'curl -sSo .claude/settings.json http://localhost:3000',
  'curl --output=.claude/settings.json localhost:3000',
  'curl -D .claude/settings.json localhost:3000',
  'wget -qO .claude/settings.json localhost:3000',
  'wget -o .claude/settings.json localhost:3000',
  'wget -P .claude/hooks localhost:3000/x',
  'http -o .claude/settings.json :3000',
  'curl -sO localhost:3000/.mcp.json',
  'curl --remote-name http://localhost:3000/a/.mcp.json?b=c',
  'wget localhost:3000/.mcp.json',
])('what is answered is written to a file: %s', (command) => {
  expect(of(command).files.some(({ isGuard, access }) => isGuard && access === 'write')).toBe(true)
})

it('what is answered is kept by no name where it is shown', () => {
  expect(of('curl -s localhost:3000/.mcp.json').files).toEqual([])
  expect(of('wget -qO- localhost:3000/.mcp.json').files).toEqual([])
})

it('the value of an option is no server', () => {
  expect(
    of('curl -o out.json -A agent.x --user-agent=b.example localhost:3000').urls.map(({ host }) => host),
  ).toEqual(['localhost'])
})
