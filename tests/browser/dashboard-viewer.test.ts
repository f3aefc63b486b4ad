import { describe, expect, it } from 'vitest'
import { accessibilityFaults, openView } from './dashboard-page.js'
import { auditOf, fullWorld } from './dashboard-world.js'
import { openedDashboard } from './opened-dashboard.js'

/** Who looks at the operator's page, and what that viewer finds on opening a view. Needs a build. */

const dashboard = openedDashboard()

describe('a viewer', () => {
  it('whose session is over is told so at once, and may sign in again', async () => {
    const { page, stub, url } = dashboard
    await page.clock.install()
    await openView(page, url, 'limits')
    await expect.poll(() => page.locator('.live-mark').count()).toBe(1)
    expect(await page.locator('.viewer').textContent()).toContain('operator-ann')
    stub.world.session = { name: 'local', permissions: ['jamey/#'] }
    stub.world.isOver = true
    // The stream alone is told, for the clock stands still and nothing is polled.
    stub.breakStreams()
    await expect.poll(() => page.locator('.viewer').textContent()).toBe('localSign in')
    const banner = page.locator('.banner')
    expect(await banner.textContent()).toContain('The session of operator-ann has ended')
    expect(await page.locator('main').textContent()).not.toMatch(/POST|GET/)
    stub.world.session = fullWorld().session
    await banner.getByRole('link', { name: 'Sign in' }).click()
    await page.getByLabel('Token').fill('a.b.c')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await expect.poll(() => page.locator('.viewer').textContent()).toContain('operator-ann')
    expect(await banner.count()).toBe(0)
  })

  it('whose token ends by time is told so, where the view asks for nothing', async () => {
    const { page, stub, url } = dashboard
    const end = new Date(Date.now() + 3_600_000).toISOString()
    stub.world.session = { name: 'guest', permissions: [], csrf_token: 'c', expires_at: end }
    await page.clock.install()
    await openView(page, url, 'limits')
    stub.world.session = { name: 'local', permissions: ['jamey/#'] }
    await page.clock.fastForward(3_602_000)
    await expect.poll(() => page.locator('.banner').textContent()).toContain('The session of guest has ended')
  })

  it('of a telephone sees who is signed in, in one line', async () => {
    const { page, url } = dashboard
    await page.setViewportSize({ width: 360, height: 800 })
    await openView(page, url, 'overview')
    await page.waitForSelector('.viewer .name')
    expect(await page.locator('.viewer .name').isVisible()).toBe(true)
    expect(await page.getByRole('button', { name: 'Theme: system' }).textContent()).toContain('◐')
    const { height } = (await page.locator('.head').boundingBox()) ?? { height: Number.NaN }
    expect(height).toBeLessThan(50)
  })
})

describe('a view that was just opened', () => {
  it('of memories lists the newest', async () => {
    const { page, stub, url } = dashboard
    await openView(page, url, 'memory')
    await expect.poll(() => page.locator('.memories li').count()).toBe(stub.world.memories.length)
    expect(await page.locator('main').textContent()).toContain('the newest first')
  })

  it('of verdicts has earlier ones below, page by page, each once', async () => {
    const { page, stub, url } = dashboard
    await openView(page, url, 'verdicts')
    const earlier = page.locator('section', { hasText: 'Earlier, in the audit' }).locator('.feed > li')
    await expect.poll(() => earlier.count()).toBe(50)
    await page.getByRole('button', { name: 'Older ones' }).click()
    await expect.poll(() => earlier.count()).toBe(100)
    // It comes live what stands in the audit, too: then above alone.
    stub.emit('jamey/conscience/results', stub.world.audit[0]?.verdict)
    await expect.poll(() => earlier.count()).toBe(99)
    await page.getByText('deny', { exact: true }).first().click()
    await expect.poll(() => earlier.count()).toBe(24)
    expect(await page.getByRole('button', { name: 'Older ones' }).count()).toBe(0)
  })

  it('of verdicts lets choose whose audit is read, where several consciences judge', async () => {
    const { page, stub, url } = dashboard
    const whose = page.getByRole('group', { name: 'Whose audit' })
    const tools = page.locator('section', { hasText: 'Earlier, in the audit' }).locator('.feed .subject')
    await openView(page, url, 'verdicts')
    await expect.poll(() => tools.count()).toBe(50)
    expect(await whose.count()).toBe(0)
    const conscience = stub.world.components['jamey-conscience']
    const [recorded] = auditOf(1)
    if (conscience === undefined || recorded === undefined) throw new Error('the world has no conscience')
    const other = { ...recorded, verdict: { ...recorded.verdict, tool: 'water_the_plants' } }
    stub.world.audits = { 'conscience-2': [other] }
    stub.emit('jamey/events/status/conscience-2', conscience, { sender: 'conscience-2', retain: true })
    await expect
      .poll(() => whose.locator('label').allTextContents())
      .toEqual(['conscience-2', 'jamey-conscience'])
    expect(await whose.getByLabel('jamey-conscience').isChecked()).toBe(true)
    await whose.getByLabel('conscience-2').check()
    await expect.poll(() => tools.allTextContents()).toEqual(['water_the_plants'])
    await whose.getByLabel('jamey-conscience').check()
    await expect.poll(() => tools.count()).toBe(50)
  })

  it('of topics has its tools within reach below messages without end, and goes there on choosing', async () => {
    const { page, stub, url } = dashboard
    await page.setViewportSize({ width: 360, height: 780 })
    await openView(page, url, 'topics?filter=jamey%2F%23')
    await expect.poll(() => page.locator('.live [role=status]').textContent()).toMatch(/^Following/)
    for (let i = 0; i < 200; i++) stub.emit(`jamey/lab/${i}`, i)
    await expect.poll(() => page.locator('.messages > li').count()).toBeGreaterThanOrEqual(200)
    expect((await page.locator('.tools').boundingBox())?.y).toBeLessThan(780)
    await page.locator('.messages summary').first().click()
    await page.getByRole('button', { name: 'Choose this topic' }).click()
    const topic = page.getByLabel('Topic', { exact: true })
    await expect.poll(() => topic.inputValue()).toBe('jamey/lab/199')
    expect(await topic.evaluate((input) => input === input.ownerDocument.activeElement)).toBe(true)
    expect(await accessibilityFaults(page)).toEqual([])
  })

  it('of outboxes says under the dead letters what may be done with them', async () => {
    const { page, url } = dashboard
    await openView(page, url, 'outbox')
    const [conscience, gateway] = await page.locator('main section').allTextContents()
    expect(conscience).toMatch(/^jamey-conscience nothing waits; 2 dead letters.*jamey outbox retry/)
    expect(gateway).toMatch(
      /^jamey-gateway 14 messages not acknowledged, the oldest .* ago; no dead letters$/,
    )
  })

  it('of findings shows as code what is to be typed', async () => {
    const { page, stub, url } = dashboard
    const checked_at = new Date().toISOString()
    const remedy = 'remove it: the next `jamey up` makes one'
    stub.world.findings = {
      checked_at,
      findings: [{ severity: 'failed', check: 'secret', summary: 'none', remedy }],
    }
    await openView(page, url, 'findings')
    await expect
      .poll(() => page.locator('.remedy').textContent())
      .toBe('remove it: the next jamey up makes one')
    expect(await page.locator('.remedy code').allTextContents()).toEqual(['jamey up'])
  })

  it('of queues tells the size of what waits and of what is in flight together', async () => {
    const { page, url } = dashboard
    await openView(page, url, 'queues')
    await expect
      .poll(() => page.locator('#queues').textContent())
      .toBe('Queues4,812 messages and 63 in flight, 1.04 MiB together')
  })

  it('of verdicts says which permission the audit needs', async () => {
    const { page, stub, url } = dashboard
    stub.world.session = { name: 'guest', permissions: ['subscribe:jamey/conscience/results'] }
    await openView(page, url, 'verdicts')
    expect(await page.locator('main').textContent()).toContain(
      'Reading the audit needs the permission publish:jamey/conscience/verdicts-list/jamey-conscience.',
    )
  })

  it('of approvals has the last answer first, whenever the question was', async () => {
    const { page, stub, url } = dashboard
    const [approval] = stub.world.approvals
    if (approval === undefined) throw new Error('the world has no approvals')
    const decided = (tool: string, day: number) => ({
      ...approval,
      approval_id: tool,
      tool,
      status: 'denied' as const,
      changed_at: `2026-01-0${day}T10:00:00.000Z`,
    })
    stub.world.approvals = [decided('second', 2), decided('third', 1), decided('first', 3)]
    await openView(page, url, 'approvals')
    await expect
      .poll(() => page.locator('tbody summary').allTextContents())
      .toEqual(['first', 'second', 'third'])
    const old = Array.from({ length: 30 }, (_, i) => ({
      ...decided(`old-${i}`, 1),
      changed_at: '2025-01-01T00:00:00Z',
    }))
    stub.world.approvals = [...stub.world.approvals, ...old]
    await page.reload()
    await expect.poll(() => page.locator('tbody summary').count()).toBe(20)
    await page.getByRole('button', { name: 'Older ones' }).click()
    await expect.poll(() => page.locator('tbody summary').count()).toBe(33)
  })

  it('of retained messages has room for topics, and the data of envelopes', async () => {
    const { page, stub, url } = dashboard
    await page.setViewportSize({ width: 1280, height: 800 })
    stub.world.retained = [
      {
        topic: 'jamey/events/status/jamey-conscience-of-the-second-hall',
        bytes: 900,
        qos: 1,
        payload_text: JSON.stringify({
          message_id: '1',
          payload: { data: { state: `online ${'x'.repeat(800)}` } },
        }),
      },
    ]
    await openView(page, url, 'queues')
    const topic = page.locator('td.holds-topic')
    await topic.waitFor()
    expect((await topic.boundingBox())?.width).toBeGreaterThanOrEqual(240)
    expect(await page.locator('.preview').textContent()).toMatch(/^{"state":"online/)
    expect(await page.locator('#retained').textContent()).toContain('$SYS included')
  })
})
