import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'
import { expect } from 'vitest'

export const VIEWS = [
  'overview',
  'approvals',
  'verdicts',
  'clients',
  'clients/agent-00002',
  'topics',
  'queues',
  'outbox',
  'memory',
  'credentials',
  'limits',
  'findings',
  'sign-in',
] as const

const axeSource = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** A page whose faults are kept: errors of scripts, and what the Content Security Policy refused. */
export function watchFaults(page: Page): string[] {
  const faults: string[] = []
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`))
  page.on('console', (message) => {
    // What the network refuses is told, too; a page that says so is no fault.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      faults.push(`console: ${message.text()}`)
  })
  return faults
}

/** Opens a view, and waits until nothing in it is still asked for. */
export async function openView(page: Page, url: string, view: string): Promise<void> {
  await page.goto(`${url}/#/${view}`)
  await page.waitForSelector('main h1')
  await expect.poll(() => page.locator('main').textContent()).not.toContain('Asking for')
}

/** What axe finds, each as `rule: selector`. */
export async function accessibilityFaults(page: Page): Promise<string[]> {
  await page.evaluate(axeSource)
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run(): Promise<{ violations: { id: string; nodes: { target: string[] }[] }[] }> }
    }
    const { violations } = await axe.run()
    return violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id}: ${target.join(' ')}`))
  })
}

/** How far the page can be scrolled to the side; 0 where it fits. */
export function sidewaysPixels(page: Page): Promise<number> {
  return page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth')
}
