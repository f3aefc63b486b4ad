import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest'
import { Chromium } from './chromium.js'
import { watchFaults } from './dashboard-page.js'
import { DashboardStub } from './dashboard-stub.js'
import { fullWorld } from './dashboard-world.js'

/** A browser, and the stub of a gateway behind the page; each test has a page and a world of its own. */
export interface OpenedDashboard {
  readonly page: Page
  readonly stub: DashboardStub
  readonly url: string
}

/** Opened around the tests of the file that calls it, each of which fails where the page has a fault. */
export function openedDashboard(): OpenedDashboard {
  const stub = new DashboardStub(fullWorld())
  let chromium: Chromium | undefined
  let url = ''
  let page: Page | undefined
  let faults: readonly string[] = []

  beforeAll(async () => {
    url = await stub.listen()
    chromium = await Chromium.start()
  })

  afterAll(async () => {
    await chromium?.stop()
    await stub.close()
  })

  beforeEach(async () => {
    Object.assign(stub.world, fullWorld())
    page = await chromium?.newPage()
    if (page !== undefined) faults = watchFaults(page)
  })

  afterEach(async () => {
    await page?.close()
    expect(faults).toEqual([])
  })

  return {
    stub,
    get url() {
      return url
    },
    get page() {
      if (page === undefined) throw new Error('there is a page in tests alone')
      return page
    },
  }
}
