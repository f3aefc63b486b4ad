import { type CallRefusedError, guardCall, httpJudge } from '@jamey/agents'
import { signToken } from '@jamey/auth'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { jamey, Program, removeFolder, type System, secretsOf, startSystem } from '../e2e/program.js'
import { Chromium } from './chromium.js'
import { openView, watchFaults } from './dashboard-page.js'

/** The operator's page in a real browser, as `jamey up` serves it, with the whole system behind. Needs a build. */

let system: System
let chromium: Chromium
let page: Page
let faults: string[]

const tokenOf = (sub: string, permissions: readonly string[]): Promise<string> =>
  signToken({ sub, permissions }, secretsOf(system.folder).secret)

beforeAll(async () => {
  system = await startSystem()
  chromium = await Chromium.start()
})

afterAll(async () => {
  await chromium?.stop()
  await system?.program.stop()
  if (system !== undefined) removeFolder(system.folder)
})

beforeEach(async () => {
  page = await chromium.newPage()
  faults = watchFaults(page)
})

afterEach(async () => {
  await page.context().clearCookies()
  await page.close()
  expect(faults).toEqual([])
})

async function signIn(permissions: readonly string[] = ['#'], name = 'operator-ann'): Promise<void> {
  await openView(page, system.http, 'sign-in')
  await page.getByLabel('Token').fill(await tokenOf(name, permissions))
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect.poll(() => page.locator('.viewer .name').textContent()).toBe(name)
}

describe('the page of a running system', () => {
  it('is open to this machine, and shows who is connected and what the broker does', async () => {
    await openView(page, system.http, 'overview')
    await expect.poll(() => page.locator('.viewer').textContent()).toContain('local')
    await page.waitForSelector('.figures')
    await openView(page, system.http, 'clients')
    await expect.poll(() => page.locator('tbody a').allTextContents()).toContain('jamey-conscience')
    await page.getByRole('link', { name: 'jamey-conscience' }).click()
    await expect.poll(() => page.locator('main').textContent()).toContain('publish:jamey/conscience/results')
    for (const view of ['queues', 'outbox', 'credentials', 'limits', 'findings']) {
      await openView(page, system.http, view)
      expect(await page.locator('main [role=alert]').allTextContents(), view).toEqual([])
    }
  })

  it('keeps no token where scripts can read it', async () => {
    await signIn()
    expect(await page.evaluate('document.cookie')).toBe('')
    const stored = await page.evaluate('JSON.stringify([{ ...localStorage }, { ...sessionStorage }])')
    expect(stored).not.toContain('eyJ')
    await page.reload()
    await expect.poll(() => page.locator('.viewer .name').textContent()).toBe('operator-ann')
    await page.getByRole('button', { name: 'Sign out' }).click()
    await expect.poll(() => page.locator('.viewer .name').textContent()).toBe('local')
  })

  it('says that a token of another secret is not taken', async () => {
    await openView(page, system.http, 'sign-in')
    await page
      .getByLabel('Token')
      .fill(
        await signToken({ sub: 'eva', permissions: [] }, 'another secret of the browser test, long enough'),
      )
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.waitForSelector('[role=alert]')
    expect(await page.locator('.viewer').textContent()).toContain('local')
  })
})

describe('an approval', () => {
  const ASKING = ['publish:jamey/conscience/evaluate', 'publish:jamey/conscience/reports']

  function guarded(to: string): Promise<string | CallRefusedError> {
    const judge = httpJudge({ url: system.http, token: () => tokenOf('agent-7', ASKING) })
    const call = { tool: 'launch_the_probe', arguments: { to }, session_id: 'voyage' }
    return guardCall(judge, call, () => `launched to ${to}`, { approvalTimeoutMs: 60_000 }).catch(
      (error: CallRefusedError) => error,
    )
  }

  it('that is given on the page lets the caller that waits go on, and its verdicts appear', async () => {
    await signIn()
    await openView(page, system.http, 'verdicts')
    await expect.poll(() => page.locator('.live-mark').count()).toBe(1)
    const waiting = guarded('venus')
    await page.getByText('launch_the_probe').first().waitFor()
    expect(await page.locator('.feed .decision').first().textContent()).toBe('ask')
    await page.getByRole('link', { name: /^Approvals/ }).click()
    const card = page.locator('article.approval')
    await card.getByRole('button', { name: 'Approve…' }).click()
    await card.getByLabel(/^session/).check()
    await card.getByLabel(/^Note/).fill('the window is open')
    await card.getByRole('button', { name: 'Approve for the session' }).click()
    expect(await waiting).toBe('launched to venus')
    await expect.poll(() => page.locator('.told').textContent()).toBe('Approved (session): launch_the_probe.')
    await expect.poll(() => page.locator('#decided ~ table').textContent()).toContain('the window is open')
    await page.getByRole('link', { name: /^Verdicts/ }).click()
    await expect.poll(() => page.locator('.feed .decision').first().textContent()).toBe('allow')
  })

  it('that is denied on the page refuses the call', async () => {
    await signIn()
    await openView(page, system.http, 'approvals')
    const waiting = guarded('the sun')
    const card = page.locator('article.approval')
    await card.getByRole('button', { name: 'Deny…' }).click()
    await card.getByLabel(/^Note/).fill('too hot')
    await card.getByRole('button', { name: 'Deny', exact: true }).click()
    expect(await waiting).toMatchObject({ code: 'approval-denied' })
  })

  it('cannot be given by a viewer without the right to, who sees it', async () => {
    const waiting = guarded('mars')
    await signIn(['publish:jamey/conscience/approvals-list'], 'guest')
    await openView(page, system.http, 'approvals')
    await page.waitForSelector('article.approval')
    expect(await page.locator('article.approval').textContent()).toContain('Answering needs the permission')
    await jamey(system.folder, ['approvals', 'deny', await pendingId()])
    await waiting
    await expect.poll(() => page.locator('article.approval').count()).toBe(0)
  })

  async function pendingId(): Promise<string> {
    const id = await page.locator('article.approval').getAttribute('data-approval')
    return id ?? ''
  }
})

describe('memories', () => {
  it('are found, with why', async () => {
    await jamey(system.folder, ['remember', 'The launch window for Venus opens in the morning'])
    await signIn()
    await openView(page, system.http, 'memory')
    await page.getByLabel('Words to look for').fill('launch window')
    await page.keyboard.press('Enter')
    await expect.poll(() => page.locator('.memory .content').allTextContents()).toHaveLength(1)
    expect(await page.locator('.why-found').textContent()).toMatch(/score.*“launch”.*recency/)
  })
})

describe('topics', () => {
  it('bring back what is published there, and answer requests', async () => {
    await signIn()
    await openView(page, system.http, 'topics')
    await page.getByLabel('Topic filter').fill('plant/#')
    await page.keyboard.press('Enter')
    await expect.poll(() => page.locator('.live [role=status]').textContent()).toMatch(/^Following/)
    await page.getByLabel('Topic', { exact: true }).fill('plant/valves/4')
    await page.getByLabel('Publish').check()
    await page.getByLabel(/^Payload/).fill('{"state": "open"}')
    await page.locator('.tools').getByRole('button', { name: 'Publish' }).click()
    await expect.poll(() => page.locator('.told').textContent()).toBe('Published to plant/valves/4.')
    await expect.poll(() => page.locator('.messages .subject').allTextContents()).toEqual(['plant/valves/4'])
    await page.locator('.messages summary').click()
    await expect.poll(() => page.locator('.messages .detail').textContent()).toMatch(/state.*open/)
    await page.getByLabel('Request').check()
    await page.getByLabel('Topic', { exact: true }).fill('jamey/memory/query')
    await page.getByLabel(/^Payload/).fill('{"query": "launch"}')
    await page.getByRole('button', { name: 'Ask' }).click()
    await expect.poll(() => page.getByLabel('Answer', { exact: true }).textContent()).toContain('memories')
    await page.getByLabel('Explain').check()
    await page.getByRole('button', { name: 'Explain' }).click()
    await expect.poll(() => page.locator('.tools').textContent()).toContain('served by memory')
  })
})

describe('when the gateway is started anew', () => {
  it('the page says that it is stale, and goes on by itself', async () => {
    await openView(page, system.http, 'overview')
    await page.waitForSelector('.figures')
    const port = new URL(system.http).port
    await system.program.stop()
    await page.waitForSelector('.banner', { timeout: 20_000 })
    const args = ['up', '--port', String(system.port), '--http-port', port]
    const program = new Program(system.folder, args)
    system = { ...system, program }
    await program.prints(/Ctrl-C/)
    await page.waitForSelector('.banner', { state: 'detached', timeout: 40_000 })
    expect(await page.locator('.figures').count()).toBe(1)
  })
})

describe('a page that stays open while the system is started anew', () => {
  it('says that the session has ended, is current again, and offers to sign in', async () => {
    await signIn()
    await openView(page, system.http, 'overview')
    await page.waitForSelector('.figures')
    const { folder, port, http } = system
    await system.program.stop()
    await page.waitForSelector('.banner')
    const args = ['up', '--port', String(port), '--http-port', new URL(http).port]
    const program = new Program(folder, args, { JAMEY_HEARTBEAT_SECONDS: '1' })
    system = { ...system, program }
    await program.prints(/Ctrl-C/)
    await expect.poll(() => page.locator('.viewer').textContent()).toBe('localSign in')
    await expect.poll(() => page.locator('.banner').allTextContents()).toHaveLength(1)
    expect(await page.locator('.banner').textContent()).toContain('The session of operator-ann has ended')
    await page.waitForSelector('.figures')
    await page.locator('.banner').getByRole('link', { name: 'Sign in' }).click()
    await page.getByLabel('Token').fill(await tokenOf('operator-ann', ['#']))
    await page.getByRole('button', { name: 'Sign in' }).click()
    await expect.poll(() => page.locator('.viewer .name').textContent()).toBe('operator-ann')
  })
})
