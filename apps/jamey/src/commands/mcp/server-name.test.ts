import { expect, it } from 'vitest'
import { serverNameOf } from './server-name.js'

it.each([
  ['npx -y @modelcontextprotocol/server-filesystem@2026.8.31 /srv', 'server-filesystem'],
  ['npx -y weather@latest', 'weather'],
  ['uvx mcp-server-git --repository /srv/x', 'mcp-server-git'],
  ['node /opt/servers/files/dist/index.js', 'files'],
  ['/usr/bin/python3 -m mcp_server_time', 'mcp-server-time'],
  ['./my__server.py', 'my-server'],
  ['C:\\tools\\notes.exe', 'notes'],
  ['docker run -i --rm mcp/fetch:1.2', 'fetch'],
  ['docker run -i --rm -e GITHUB_TOKEN ghcr.io/github/github-mcp-server', 'github-mcp-server'],
  ['npx -y @tickets/mcp', 'tickets'],
  ['npx -y @tickets/mcp-server@latest', 'tickets'],
  ['uvx --from git+https://tickets.example/x.git tickets-mcp', 'tickets-mcp'],
  ['node', 'node'],
  ['server', 'server'],
])('the server of %s is %s', (command, name) => {
  expect(serverNameOf(command.split(' '))).toBe(name)
})
