import pc from 'picocolors'
import { describe, expect, it } from 'vitest'
import { TestFolder } from '../install/test-folder.support.js'
import { formatBanner } from './up-view.js'

const at = new TestFolder()

describe('the greeting of `jamey up`', () => {
  it('says what runs where, and three commands to try next', () => {
    const facts = { brokerAddress: { host: '::1', port: 8883 }, url: 'http://127.0.0.1:8080' }
    const text = formatBanner({
      system: facts,
      directory: at.directory,
      cwd: at.path,
      elapsedMs: 840,
      colors: pc.createColors(false),
    })
    expect(text).toContain('mqtts://[::1]:8883')
    expect(text).toContain('http://127.0.0.1:8080')
    expect(text).toContain('dashboard and HTTP API')
    expect(text).toContain('--tool Bash')
    expect(text).toContain('ready in 0.84 s')
    expect(text.match(/^ {2}jamey (evaluate|remember|recall) --data-dir \.jamey/gm)).toHaveLength(3)
  })
})
