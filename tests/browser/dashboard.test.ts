import { readdir, readFile, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { accessibilityFaults, openView, sidewaysPixels, VIEWS } from './dashboard-page.js'
import { DashboardStub } from './dashboard-stub.js'
import { approvalOf, clientsOf, fullWorld, growingStatus, verdictOf } from './dashboard-world.js'
import { openedDashboard } from './opened-dashboard.js'

/** The operator's page in a real browser, before a gateway that has whatever a view can show. Needs a build. */

const BUILT = resolve(import.meta.dirname, '../../apps/jamey/dashboard')
const MAXIMUM_BYTES = 150_000
const MAXIMUM_GZIP_BYTES = 50_000

/** The beginning of the element that has the focus, where nothing shows that it has. */
const UNSHOWN_FOCUS = `(() => {
  const element = document.activeElement
  if (element === null || element === document.body) return undefined
  const isShown = [element, element.closest('label')].some(
    (one) => one !== null && getComputedStyle(one).outlineStyle !== 'none',
  )
  return isShown ? undefined : element.outerHTML.slice(0, 80)
})()`

const dashboard = openedDashboard()

it(`all built files have at most ${MAXIMUM_BYTES} bytes, and ${MAXIMUM_GZIP_BYTES} gzipped`, async () => {
  const entries = await readdir(BUILT, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const bytes = await Promise.all(files.map(async (file) => (await stat(file)).size))
  const gzipped = await Promise.all(files.map(async (file) => gzipSync(await readFile(file)).length))
  const sum = (sizes: readonly number[]) => sizes.reduce((total, size) => total + size, 0)
  console.info(`the dashboard: ${sum(bytes)} bytes in ${files.length} files, ${sum(gzipped)} gzipped`)
  expect(files.length).toBeGreaterThanOrEqual(6)
  expect(sum(bytes)).toBeLessThanOrEqual(MAXIMUM_BYTES)
  expect(sum(gzipped)).toBeLessThanOrEqual(MAXIMUM_GZIP_BYTES)
})

describe('every view', () => {
  const looks = (['light', 'dark'] as const).flatMap((theme) =>
    [360, 768, 1440].map((width) => ({ theme, width })),
  )
  it.each(looks)(
    'fits into $width pixels in the $theme theme, and axe complains of nothing',
    async (look) => {
      const { page, url } = dashboard
      await page.emulateMedia({ colorScheme: look.theme })
      await page.setViewportSize({ width: look.width, height: 800 })
      const found: string[] = []
      for (const view of VIEWS) {
        await openView(page, url, view)
        const pixels = await sidewaysPixels(page)
        if (pixels > 0) found.push(`${view}: ${pixels} px to the side`)
        found.push(...(await accessibilityFaults(page)).map((fault) => `${view}: ${fault}`))
      }
      expect(found).toEqual([])
    },
  )

  it('says what is missing where a call fails, and keeps what it has', async () => {
    const { page, stub, url } = dashboard
    stub.world.failing = /^\/v1\/broker/
    for (const view of ['overview', 'clients', 'queues', 'outbox', 'limits', 'findings']) {
      await openView(page, url, view)
      await expect
        .poll(() => page.locator('main [role=alert]').first().textContent())
        .toMatch(/Nobody serves/)
    }
    await openView(page, url, 'approvals')
    expect(await page.locator('article.approval').count()).toBe(3)
  })
})

describe('a view that fails', () => {
  it('says so, and leaves the others as they are', async () => {
    const { page, url } = dashboard
    await page.route('**/v1/broker/outbox', (route) => route.fulfill({ json: {} }))
    await openView(page, url, 'outbox')
    await expect.poll(() => page.locator('h1').textContent()).toBe('This view failed')
    await openView(page, url, 'limits')
    await expect.poll(() => page.locator('h1').textContent()).toBe('Limits and drops')
  })
})

describe('the overview', () => {
  it('shows first what needs somebody, then figures, rates and verdicts', async () => {
    const { page, stub, url } = dashboard
    await page.clock.install()
    await openView(page, url, 'overview')
    await page.waitForSelector('.figures')
    await expect
      .poll(() => page.locator('.concerns .subject').allTextContents())
      .toEqual(['Approvals', 'Component', 'Finding', 'Finding', 'Dead letters', 'Certificate'])
    await expect.poll(() => page.title()).toMatch(/^\(3\) Overview/)
    // Three polls of five seconds are two rates each.
    for (let i = 0; i < 3; i++) {
      await page.clock.runFor(5_000)
      await page.waitForTimeout(50)
    }
    await page.waitForSelector('.chart path.ink-0')
    expect(await page.locator('.chart').count()).toBe(4)
    await page.getByRole('slider', { name: 'Messages: moment' }).focus()
    await page.keyboard.press('Home')
    const moments = () => page.locator('.chart .when').allTextContents()
    const [first = ''] = await moments()
    expect(first).toMatch(/^\d\d:\d\d:\d\d$/)
    // Every chart is pointed at the same moment.
    expect(await moments()).toEqual([first, first, first, first])
    await page.keyboard.press('ArrowRight')
    expect((await moments())[3]).not.toBe(first)
    await page.keyboard.press('Tab')
    expect(await page.locator('.pointed').count()).toBe(0)
    stub.emit('jamey/conscience/results', verdictOf(3))
    await expect.poll(() => page.locator('#recent ~ ul li').allTextContents()).toHaveLength(1)
  })

  it('says that nothing needs anybody where that is so', async () => {
    const { page, stub, url } = dashboard
    Object.assign(stub.world, {
      approvals: [],
      components: {},
      outbox: { components: [] },
      findings: { findings: [] },
    })
    const status = growingStatus(3, false)
    stub.world.status = () => ({ ...status(), certificates: [] })
    await openView(page, url, 'overview')
    await expect.poll(() => page.locator('main').textContent()).toContain('Nothing, as far as is known.')
  })

  it('says since when it is stale while the gateway is away, and goes on when that is back', async () => {
    const { page } = dashboard
    const other = new DashboardStub(fullWorld())
    const address = await other.listen()
    await page.clock.install()
    await openView(page, address, 'overview')
    await page.waitForSelector('.figures')
    await other.close()
    await page.clock.runFor(6_000)
    await page.waitForSelector('.banner')
    expect(await page.locator('.banner').textContent()).toMatch(/What you see is from \d\d:\d\d:\d\d/)
    expect(await page.locator('.figures').count()).toBe(1)
    const again = new DashboardStub(fullWorld())
    await again.listen(Number(new URL(address).port))
    // The clock stands: no poll is due, but the browser opens the stream of events again by itself.
    await page.waitForSelector('.banner', { state: 'detached' })
    await again.close()
  })
})

describe('by the keyboard alone', () => {
  it('one skips to the view, goes to the approvals, answers one, and sees all shortcuts', async () => {
    const { page, stub, url } = dashboard
    await openView(page, url, 'overview')
    await page.keyboard.press('Tab')
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the view')
    await page.keyboard.press('Enter')
    expect(await page.evaluate('document.activeElement.id')).toBe('main')
    await page.keyboard.press('?')
    await expect.poll(() => page.evaluate('document.activeElement.className')).toBe('help')
    await page.keyboard.press('Escape')
    await expect.poll(() => page.locator('.help').count()).toBe(0)
    await page.keyboard.press('g')
    await page.keyboard.press('a')
    await page.waitForSelector('article.approval')
    await page.keyboard.press('j')
    await page.keyboard.press('j')
    await page.keyboard.press('a')
    await page.waitForSelector('form.answer')
    await page.keyboard.press('Escape')
    await expect.poll(() => page.locator('form.answer').count()).toBe(0)
    await page.keyboard.press('a')
    await expect.poll(() => page.evaluate('document.activeElement.type')).toBe('radio')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Tab')
    await page.keyboard.type('as agreed')
    await page.keyboard.press('Enter')
    await expect.poll(() => page.locator('.told').textContent()).toBe('Approved (session): send_email.')
    const answered = stub.world.approvals.find(({ tool }) => tool === 'send_email')
    expect(answered).toMatchObject({ status: 'approved', scope: 'session', answers: [{ note: 'as agreed' }] })
  })

  it('everything that can be reached shows its focus', async () => {
    const { page, url } = dashboard
    await openView(page, url, 'approvals')
    const bare: string[] = []
    for (let i = 0; i < 40; i++) {
      await page.keyboard.press('Tab')
      const found = await page.evaluate<string | undefined>(UNSHOWN_FOCUS)
      if (found !== undefined) bare.push(found)
    }
    expect(bare).toEqual([])
  })

  it('single keys can be switched off', async () => {
    const { page, url } = dashboard
    await openView(page, url, 'overview')
    await page.keyboard.press('?')
    await page.getByLabel('single keys are shortcuts').uncheck()
    await page.keyboard.press('g')
    await page.keyboard.press('a')
    expect(new URL(page.url()).hash).toBe('#/overview')
    await page.getByLabel('single keys are shortcuts').check()
  })
})

describe('an approval', () => {
  it('shows every argument, what a rule changes, and characters that are not to be seen', async () => {
    const { page, url } = dashboard
    await openView(page, url, 'approvals')
    const cards = page.locator('article.approval')
    expect(await cards.first().textContent()).toContain('rsync -a /srv/backup/ backup@10.2.0.9')
    expect(await cards.first().textContent()).toContain('A rule changes them')
    expect(await page.locator('.hidden-character').allTextContents()).toEqual(['U+202E'])
  })

  it('that expires first stands on top of more than are shown, and all are counted', async () => {
    const { page, stub, url } = dashboard
    const expiring = (n: number) => new Date(Date.now() + n * 60_000).toISOString()
    stub.world.approvals = Array.from({ length: 150 }, (_, n) =>
      approvalOf(n, { tool: `tool_${n}`, expires_at: expiring(160 - n) }),
    )
    await openView(page, url, 'approvals')
    const cards = page.locator('article.approval')
    await expect.poll(() => cards.count()).toBe(100)
    expect(await cards.first().textContent()).toContain('tool_149')
    expect(await page.locator('main').textContent()).toContain('50 more wait, which expire later')
    await openView(page, url, 'overview')
    await expect
      .poll(() => page.locator('main').textContent())
      .toContain('150 calls wait for an answer; tool_149')
  })

  it('is denied only by a second step', async () => {
    const { page, stub, url } = dashboard
    await openView(page, url, 'approvals')
    const card = page.locator('article.approval', { hasText: 'launch_probe' })
    await card.getByRole('button', { name: 'Deny…' }).click()
    expect(stub.world.approvals.some(({ status }) => status === 'pending')).toBe(true)
    await card.getByRole('button', { name: 'Deny', exact: true }).click()
    await expect.poll(() => page.locator('.told').textContent()).toBe('Denied: launch_probe.')
  })
})

describe('a viewer', () => {
  it('with few rights sees which permission each part needs, and no acts', async () => {
    const { page, stub, url } = dashboard
    stub.world.session = {
      name: 'guest',
      permissions: ['publish:jamey/conscience/approvals-list'],
      csrf_token: 'c',
    }
    await openView(page, url, 'approvals')
    await page.waitForSelector('article.approval')
    expect(await page.getByRole('button', { name: 'Approve…' }).count()).toBe(0)
    expect(await page.locator('article.approval').first().textContent()).toContain(
      'Answering needs the permission publish:jamey/conscience/approvals-answer/jamey-conscience.',
    )
    for (const view of ['clients', 'queues', 'outbox', 'limits', 'findings', 'memory', 'verdicts']) {
      await openView(page, url, view)
      expect(await page.locator('main').textContent()).toMatch(
        /needs the permission (publish|subscribe):jamey\//,
      )
    }
  })

  it('of this machine is told that answers need a token', async () => {
    const { page, stub, url } = dashboard
    stub.world.session = { name: 'local', permissions: ['jamey/#'] }
    await openView(page, url, 'approvals')
    await page.waitForSelector('article.approval')
    expect(await page.locator('main').textContent()).toContain('Answers need a token')
    expect(await page.getByRole('button', { name: 'Approve…' }).count()).toBe(0)
  })

  it('who is nobody is asked for a token', async () => {
    const { page, stub, url } = dashboard
    stub.world.session = undefined
    await openView(page, url, 'overview')
    expect(await page.getByLabel('Token').getAttribute('type')).toBe('password')
  })
})

describe('ten thousand clients', () => {
  it('are looked through page by page, with little work for the browser', async () => {
    const { page, stub, url } = dashboard
    Object.assign(stub.world, { clients: clientsOf(10_000), status: growingStatus(10_000) })
    const cdp = await page.context().newCDPSession(page)
    await cdp.send('Performance.enable')
    const busySeconds = async (): Promise<number> => {
      const { metrics } = await cdp.send('Performance.getMetrics')
      return metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN
    }
    await openView(page, url, 'clients')
    await page.waitForSelector('tbody tr')
    expect(await page.locator('tbody tr').count()).toBe(100)
    const before = await busySeconds()
    await page.getByRole('button', { name: 'Next' }).click()
    await expect.poll(() => page.locator('tbody a').first().textContent()).toBe('agent-00101')
    await page.getByLabel('Search clients').fill('agent-0999')
    await expect.poll(() => page.locator('tbody tr').count()).toBe(10)
    await page.getByLabel('Search clients').fill('')
    await page.getByLabel('Order').selectOption('queued')
    await expect.poll(() => page.locator('tbody tr').count()).toBe(100)
    const busy = (await busySeconds()) - before
    console.info(`four lists of ten thousand clients: ${Math.round(busy * 1000)} ms of the browser's work`)
    expect(busy).toBeLessThan(2)
  })
})

describe('a thousand verdicts at once', () => {
  it('leave the newest on the page, of which a hundred are drawn', async () => {
    const { page, stub, url } = dashboard
    await openView(page, url, 'verdicts')
    await expect.poll(() => page.locator('.live-mark').count()).toBe(1)
    for (let i = 0; i < 1_000; i++) stub.emit('jamey/conscience/results', verdictOf(i))
    await expect.poll(() => page.locator('main [role=status]').last().textContent()).toMatch(/500 of 500/)
    expect(await page.locator('.feed').first().locator('> li').count()).toBe(100)
  })
})

describe('the theme', () => {
  it('is the system’s until one is chosen, and stays', async () => {
    const { page, url } = dashboard
    await page.emulateMedia({ colorScheme: 'light' })
    await openView(page, url, 'overview')
    const background = () =>
      page.evaluate<string>('getComputedStyle(document.documentElement).backgroundColor')
    const light = await background()
    await page.getByRole('button', { name: /^Theme/ }).click()
    await page.getByRole('button', { name: /^Theme/ }).click()
    expect(await background()).not.toBe(light)
    await page.reload()
    expect(await background()).not.toBe(light)
    await page.waitForSelector('main h1')
    await page.getByRole('button', { name: /^Theme/ }).click()
    expect(await background()).toBe(light)
  })
})

describe('what strangers publish', () => {
  /** Written by a client that may tell of itself and of failures, and nothing else. */
  const HOSTILE = [
    null,
    5,
    'offline',
    [],
    { state: 'offline', reason: {} },
    { faults: 5 },
    { faults: [null] },
  ]
  const MARKUP = '<img src=x onerror="document.title=`taken`">'

  it('that is not as its contract says keeps nobody from the view', async () => {
    const { page, stub, url } = dashboard
    await openView(page, url, 'overview')
    for (const [i, data] of HOSTILE.entries()) {
      stub.emit(`jamey/events/status/stranger-${i}`, data)
      stub.emit('jamey/events/errors', data)
      stub.emit('jamey/conscience/results', data)
    }
    stub.emit('jamey/events/status/lamp-9', { state: 'offline', reason: MARKUP })
    const concerns = page.locator('.concerns')
    await expect.poll(() => concerns.textContent()).toContain(`lamp-9 is offline: ${MARKUP}`)
    expect(await concerns.textContent()).not.toContain('stranger')
    await openView(page, url, 'findings')
    const failure = { component: 'x\u202Etxt', kind: MARKUP, message: '__proto__', retryable: false }
    stub.emit('jamey/events/errors', { ...failure, topic: 'a/b' })
    const told = page.locator('.findings').last()
    await expect.poll(() => told.textContent()).toContain(`xU+202Etxt, ${MARKUP}, a/b`)
    expect(await page.locator('main img').count()).toBe(0)
    expect(await page.title()).not.toBe('taken')
  })

  it('is laid out when somebody looks, and no more of it than can be read', async () => {
    const { page, stub, url } = dashboard
    await openView(page, url, 'topics?filter=jamey%2F%23')
    await expect.poll(() => page.locator('.live [role=status]').textContent()).toContain('Following')
    stub.emit('jamey/large', 0, { payload: Array.from({ length: 100_000 }, (_, i) => `\u202E${i}`) })
    stub.emit('jamey/small', 0, { payload: { on: MARKUP, ['__proto__']: { polluted: 1 } } })
    const rows = page.locator('.messages summary', { hasText: /jamey\/(large|small)/ })
    await expect.poll(() => rows.count()).toBe(2)
    const elements = () => page.evaluate<number>('document.querySelectorAll("*").length')
    expect(await elements()).toBeLessThan(1_000)
    for (const row of await rows.all()) await row.click()
    await expect.poll(() => page.locator('.messages').textContent()).toContain('of a large payload')
    expect(await page.locator('.messages').textContent()).toContain(MARKUP)
    expect(await elements()).toBeLessThan(3_000)
    expect(await page.evaluate('({}).polluted')).toBeUndefined()
  })
})
