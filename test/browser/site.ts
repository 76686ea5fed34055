/**
 * The console on a server of its own, for a file of tests: pages that are watched for complaints, and ways to wait and to look.
 *
 * Boundary: no assertion but in what it waits for.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Browser, Page } from "playwright-core"
import { JobStore, type Program, WorkerPool } from "../../src/index.ts"
import type { ServerOptions } from "../../src/server/Server.ts"
import { isLong } from "../support/rounds.ts"
import { type Below, type Running, serve, stateOf, until } from "../support/server/harness.ts"
import { openBrowser, openPage, type Watched } from "./browser.ts"

export interface Site {
  readonly running: Running
  readonly browser: Browser
  readonly start: (program: string, id: string, input?: object) => Promise<void>
  readonly reach: (id: string, state: string) => Promise<void>
  readonly visit: (place: string, options?: Parameters<typeof openPage>[2]) => Promise<Watched>
  /** Closes the pages that tests have opened. */
  readonly closePages: () => Promise<void>
  readonly close: () => Promise<void>
}

/** Opens a server with a durable store and two workers, and a browser. */
export const openSite = async (
  programs: ReadonlyArray<Program.Program.Any>,
  options: Partial<ServerOptions<Program.Program.Any>> = {},
  { engine }: Pick<Below, "engine"> = {}
): Promise<Site> => {
  const folder = mkdtempSync(join(tmpdir(), "console-"))
  const browser = await openBrowser()
  const below = {
    store: JobStore.layerSqlite({ filename: join(folder, "jobs.db") }),
    pool: WorkerPool.layer({ size: 2 }),
    ...(engine === undefined ? {} : { engine })
  }
  const running = await serve({ ...options, programs }, below)
  const opened: Array<Watched> = []
  return {
    running,
    browser,
    start: async (program, id, input = {}) => {
      const { status } = await running.post("/api/v1/jobs", { program, id, input }, { prefer: "respond-async" })
      if (status !== 202) throw new Error(`the job ${id} was not started: ${status}`)
    },
    reach: (id, state) => until(async () => (await stateOf(running, id)) === state, 20_000),
    visit: async (place, pageOptions = {}) => {
      const watched = await openPage(browser, `${running.url}/inspector#/${place}`, pageOptions)
      opened.push(watched)
      watched.page.setDefaultTimeout(20_000)
      return watched
    },
    closePages: async () => {
      for (const { page } of opened.splice(0)) await page.close()
    },
    close: async () => {
      await browser.close()
      await running.stop()
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

/**
 * Widths and colours in which tests look at views: two in `npm test`, each width and each theme once, and all four in
 * `npm run test:long`.
 */
export const combinations: ReadonlyArray<{ readonly width: number; readonly theme: "light" | "dark" }> = [
  { width: 1_280, theme: "light" },
  { width: 390, theme: "dark" },
  ...(isLong ? [{ width: 1_280, theme: "dark" } as const, { width: 390, theme: "light" } as const] : [])
]

/** Waits for a text on the page. */
export const shows = (page: Page, text: string | RegExp): Promise<void> => page.getByText(text).first().waitFor()

/** Text that one reads without scrolling. The compiler of tests knows no DOM, so code for the page is a text. */
export const firstScreen = (page: Page): Promise<string> =>
  page.evaluate(`(() => {
    const parts = []
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
      const range = document.createRange()
      range.selectNodeContents(node)
      const { bottom, height, top } = range.getBoundingClientRect()
      const isHidden = node.parentElement.closest("script, style, .hidden, .skip") !== null
      if (!isHidden && height > 0 && top >= 0 && bottom <= innerHeight) parts.push(node.textContent)
    }
    return parts.join("").replaceAll(/\\s+/g, " ")
  })()`)

/** Goes to a place of the console by its address. */
export const goTo = (page: Page, place: string): Promise<unknown> =>
  page.evaluate(`location.hash = ${JSON.stringify(`#/${place}`)}`)

/** The element that has the focus: its id, or else its label, its text or its class. */
export const focused = (page: Page): Promise<string> =>
  page.evaluate(`(() => {
    const { activeElement: it } = document
    if (it === null || it === document.body) return ""
    const text = it.textContent.trim() || it.labels?.[0]?.textContent.trim() || ""
    return it.id || it.getAttribute("aria-label") || text.slice(0, 60) || it.className
  })()`)
