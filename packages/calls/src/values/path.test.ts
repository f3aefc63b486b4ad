import { describe, expect, it } from 'vitest'
import { pathFact } from './path.js'

const PLACE = { workspace: '/srv/app', home: '/home/ann' }

describe('a file of the workspace', () => {
  it.each([
    ['.cargo/config.toml', 'Cargo.toml'],
    ['.GIT/hooks/pre-commit', 'git/hooks.md'],
    ['.devcontainer/devcontainer.json', 'container.json'],
    ['.gitea/workflows/a.yml', 'workflows/a.yml'],
    ['azure-pipelines.yml', 'pipelines.yml'],
    ['.pre-commit-config.yaml', 'config.yaml'],
    ['.mise.toml', 'pyproject.toml'],
    ['.pnpmfile.cjs', 'pnpm-workspace.yaml'],
    ['.dir-locals.el', 'locals.el'],
    ['.claude', 'claude'],
    ['.clinerules', 'rules.md'],
    ['CLAUDE.md', 'docs/claude-notes.md'],
    ['packages/a/AGENTS.md', 'packages/a/README.md'],
    ['.opencode/agent/x.md', 'agent/x.md'],
  ])('%s is what tools or agents go by, %s is not', (configuration, other) => {
    expect(pathFact(configuration, PLACE).isConfiguration).toBe(true)
    expect(pathFact(other, PLACE).isConfiguration).toBe(false)
  })

  it.each([
    ['.roo/mcp.json', '.roo/rules/x.md'],
    ['.kiro/settings/mcp.json', 'settings/mcp.md'],
    ['opencode.json', 'code.json'],
    ['claude_desktop_config.json', 'desktop_config.json'],
  ])('%s decides which tools an agent has, %s does not', (guard, other) => {
    expect(pathFact(guard, PLACE).isGuard).toBe(true)
    expect(pathFact(other, PLACE).isGuard).toBe(false)
  })
})

describe('a home folder', () => {
  it.each([
    '~',
    '~/',
    '~/./',
    '~/*',
    '~/.*',
    '~/.[!.]*',
    '~ann',
    '/home/ann',
    '/home/bob/',
    '/home',
    '/home/*',
    '/home/*/*',
    '/Users/bob',
    '/Users',
    '/root',
    '/',
    'file:///root',
    '../../home/ann',
  ])('or what one is in: %s', (text) => {
    expect(pathFact(text, PLACE).isHome).toBe(true)
  })

  it.each(['~/x', '~/x/*', '~/*.log', '~+', '/home/bob/x', '/roots', '/home2', '.', '*', '/srv', '/tmp/*'])(
    'is not %s',
    (text) => {
      expect(pathFact(text, PLACE).isHome).toBe(false)
    },
  )

  it('may be any that is said to be one, the workspace too', () => {
    const place = { workspace: '/data/people/ann', home: '/data/people/ann' }
    for (const text of ['~', '.', '*', '..', '/data/*'])
      expect(pathFact(text, place)).toMatchObject({ text, isHome: true })
    for (const text of ['x', '../bob', '/data/people/annex'])
      expect(pathFact(text, place)).toMatchObject({ text, isHome: false })
  })

  it('is known of a path that is not, where it is named after whoever runs it', () => {
    expect(pathFact('/home/$USER', PLACE, true).isHome).toBe(true)
    expect(pathFact('/home/$X', PLACE, true).isHome).toBe(false)
    expect(pathFact('~/$X', PLACE, true).isHome).toBe(false)
  })
})
