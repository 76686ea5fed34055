/**
 * The console on a server of its own, for a file of tests: pages that are watched for complaints, and ways to wait and to look.
 *
 * Boundary: no assertion but in what it waits for.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import axe from "axe-core"
import type { Browser, Page } from "playwright-core"
import { JobStore, type Program, WorkerPool } from "../../src/index.ts"
import type { ServerOptions } from "../../src/server/Server.ts"
import { isLong } from "../support/rounds.ts"
import { arrivalOf, type Below, type Running, serve, stateOf } from "../support/server/harness.ts"
import { until as untilIn } from "../support/until.ts"
import { openBrowser, openPage, type Watched } from "./browser.ts"

/** Time for what a page asks a server for, also on a machine with much else to do. */
const waitMs = 20_000

/** Waits until something of a page, or of a job, holds. */
export const until = (holds: () => Promise<boolean> | boolean, ms = waitMs): Promise<void> => untilIn(holds, ms)

/** The violations that axe finds on a page: each with its rule and the element. */
export const violationsOf = async (page: Page): Promise<ReadonlyArray<string>> => {
  await page.evaluate(axe.source)
  return page.evaluate<ReadonlyArray<string>>(
    `axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) =>
      violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => id + ": " + html.slice(0, 200))))`
  )
}

/** Starts a job, and does not wait for its end. */
export const startOn = async (running: Running, program: string, id: string, input: object = {}): Promise<void> => {
  const { status } = await running.post("/api/v1/jobs", { program, id, input }, { prefer: "respond-async" })
  if (status !== 202) throw new Error(`the job ${id} was not started: ${status}`)
}

/** Waits until a job is in a state. */
export const reachOn = (running: Running, id: string, state: string, ms = waitMs): Promise<void> =>
  until(async () => (await stateOf(running, id)) === state, ms)

/** Opens a place of the console of a server. */
export const visitOn = async (
  browser: Browser,
  { url }: Running,
  place: string,
  options: Parameters<typeof openPage>[2] = {}
): Promise<Watched> => {
  const watched = await openPage(browser, `${url}/inspector#/${place}`, options)
  watched.page.setDefaultTimeout(waitMs)
  return watched
}

export interface Site {
  readonly running: Running
  readonly browser: Browser
  readonly start: (program: string, id: string, input?: object) => Promise<void>
  readonly reach: (id: string, state: string) => Promise<void>
  /** Opens a place of this server, or of another one that a test has started. */
  readonly visit: (place: string, options?: Parameters<typeof openPage>[2], server?: Running) => Promise<Watched>
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
    start: (program, id, input) => startOn(running, program, id, input),
    reach: (id, state) => reachOn(running, id, state),
    visit: async (place, pageOptions, server = running) => {
      const watched = await visitOn(browser, server, place, pageOptions)
      opened.push(watched)
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

/** The ids of the jobs in the list that the page shows, in the order of the alphabet. */
export const jobIds = async (page: Page): Promise<ReadonlyArray<string>> =>
  (await page.locator(".jobList .row .who small").allInnerTexts()).map((id) => id.trim()).sort()

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

/** Waits until one reads all of some texts without scrolling. */
export const showsFirst = async (page: Page, texts: ReadonlyArray<string>): Promise<void> => {
  let seen = ""
  await until(async () => {
    seen = await firstScreen(page)
    return texts.every((text) => seen.includes(text))
  }).catch(() => {
    const missing = texts.filter((text) => !seen.includes(text))
    throw new Error(`the first screen lacks: ${missing.join(" | ")}. It has: ${seen}`)
  })
}

/** Does an act that posts to a job, and waits until the server has done what it does at once of it. It may answer later. */
export const posted = async <A>(running: Running, path: string, act: () => A): Promise<Awaited<A>> => {
  const arrived = arrivalOf("POST", `/api/v1/jobs/${path}`)
  const done = await act()
  await arrived
  await (await running.fetch("/api/v1/jobs?limit=1")).text()
  return done
}

/** Waits until the stream of what tasks do is open. It is opened by an act: a visit, or a change of the view. */
export const listening = async (page: Page, act: () => Promise<unknown>): Promise<void> => {
  const opened = page.waitForResponse((response) => response.url().endsWith("/telemetry") && response.ok())
  await act()
  await opened
}

/** Lets the page draw what it knows. */
export const nextFrames = (page: Page): Promise<unknown> =>
  page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

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
