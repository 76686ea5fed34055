/**
 * Writes the pictures of the console that docs show: `npm run screenshots`. `-- --only tests`, or `audit`, takes some of them, and
 * `-- --to folder` writes them elsewhere.
 *
 * Two servers have the jobs: one with the programs of the console's tests, and one with an audit of Effect's own source, as
 * `converge serve` runs it. Boundary: pictures; nothing is asserted.
 */
import type { Browser, Page } from "playwright-core"
import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { pathToFileURL } from "node:url"
import { parseArgs } from "node:util"
import { JobStore, WorkerPool } from "../../src/index.ts"
import { words } from "../support/browser/derived.ts"
import { programs } from "../support/browser/programs.ts"
import { converge, start as startCli } from "../support/cli/converge.ts"
import { projectRoot } from "../support/node.ts"
import { serve, until } from "../support/server/harness.ts"
import { openBrowser, openPage } from "./browser.ts"

interface Picture {
  readonly name: string
  readonly place: string
  /** A selector of an element that is there when the view is drawn. */
  readonly ready: string
  readonly width?: number
  readonly height?: number
  readonly theme?: "light" | "dark"
  /** Whether the page keeps a stream open, so that its network never rests. */
  readonly isLive?: boolean
  readonly prepare?: (page: Page) => Promise<void>
}

const { values: options } = parseArgs({ options: { only: { type: "string" }, to: { type: "string" } } })
const images = resolve(options.to ?? join(projectRoot, "docs/images"))

/** Takes pictures of pages below an address: that of a server's console, or of the file of a record. */
const take = async (browser: Browser, address: string, pictures: ReadonlyArray<Picture>): Promise<void> => {
  for (const { isLive = false, name, place, prepare, ready, ...size } of pictures) {
    const { page } = await openPage(browser, `${address}#/${place}`, { height: 800, ...size })
    await page.locator(ready).first().waitFor()
    await prepare?.(page)
    if (!isLive) await page.waitForLoadState("networkidle")
    await page.screenshot({ path: join(images, `console-${name}.png`) })
    console.log(`console-${name}.png`)
    await page.close()
  }
}

const post = async (url: string, path: string, body: object): Promise<void> => {
  const headers = { "content-type": "application/json", prefer: "respond-async" }
  const response = await fetch(`${url}/api/v1/${path}`, { method: "POST", headers, body: JSON.stringify(body) })
  if (!response.ok) throw new Error(await response.text())
}

const reach = (url: string, id: string, states: ReadonlyArray<string>): Promise<void> =>
  until(async () => {
    const { state } = (await (await fetch(`${url}/api/v1/jobs/${id}`)).json()) as { readonly state: string }
    return states.includes(state)
  }, 120_000)

/** Pictures of jobs under way. They are taken at once, while the jobs are where they should be. */
const underWay: ReadonlyArray<Picture> = [
  {
    name: "output",
    place: "jobs/answers-1/output",
    ready: ".report.live",
    isLive: true,
    // The page hears of reports since it was opened, so it is opened at once, and a few words have to come.
    prepare: (page) => page.getByText("whole answers").first().waitFor()
  },
  { name: "waits", place: "jobs/letter-to-ada/overview", ready: ".approval", isLive: true },
  { name: "slow", place: "jobs/documents/overview", ready: ".present .slow", isLive: true },
  { name: "slow-timeline", place: "jobs/documents/timeline", ready: "canvas", theme: "dark", isLive: true }
]

/** A record of a job, as `converge inspect` makes it. */
const ofRecord = async (browser: Browser, store: string, folder: string): Promise<void> => {
  const file = join(folder, "doors.html")
  const module = join(projectRoot, "test/support/browser/programs.ts")
  const made = await converge(["inspect", module, "doors", "--store", store, "--out", file])
  if (made.code !== 0) throw new Error(made.stderr)
  await take(browser, pathToFileURL(file).href, [{ name: "record", place: "jobs/doors/overview", ready: ".values" }])
}

/** The jobs of the tests: one that failed, one that oscillated, one that waits, one that runs, one that is slow, one that talks. */
const ofTests = async (browser: Browser, folder: string): Promise<void> => {
  const filename = join(folder, "tests.db")
  const store = JobStore.layerSqlite({ filename })
  const {
    post: send,
    stop,
    url
  } = await serve({ programs: [...programs, words] }, { store, pool: WorkerPool.layer({ size: 2 }) })
  try {
    const jobs: ReadonlyArray<readonly [program: string, id: string, input?: object, budget?: object]> = [
      ["counts", "count-1", { to: 12, ms: 1 }],
      ["words", "letters", { words: "a of to tree bird leaf root seed river".split(" ") }],
      ["oscillates", "doors"],
      ["crawls", "crawl-example.com"],
      ["counts", "count-2", { to: 30, ms: 1 }],
      ["sends", "letter-to-ada"],
      ["sticks", "documents"],
      ["counts", "count-3", { to: 90, ms: 400 }, { maxCycles: 100 }]
    ]
    for (const [program, id, input = {}, budget = {}] of jobs) await post(url, "jobs", { program, id, input, budget })
    await reach(url, "doors", ["budget-exhausted"])
    await reach(url, "crawl-example.com", ["failed"])
    await reach(url, "letter-to-ada", ["awaiting"])
    await post(url, "jobs/count-2/fork", { at: 12, id: "count-2-fork", facts: [{ kind: "Step", value: { n: 500 } }] })
    await post(url, "jobs", { program: "answers", id: "answers-1", input: { ms: 300 } })
    await take(browser, `${url}/inspector`, underWay)
    // It would use a core while the other pictures are taken.
    await send("/api/v1/jobs/documents/cancel")
    await take(browser, `${url}/inspector`, [
      { name: "jobs", place: "jobs", ready: ".jobList .row" },
      { name: "jobs-390", place: "jobs", ready: ".jobList .row", width: 390, height: 844 },
      { name: "failed", place: "jobs/crawl-example.com/overview", ready: ".headline" },
      { name: "oscillating", place: "jobs/doors/overview", ready: ".values", theme: "dark" },
      {
        name: "statechart",
        place: "jobs/count-2/overview",
        ready: ".panel .chart svg",
        prepare: (page) => page.locator(".panel .chart svg").first().scrollIntoViewIfNeeded()
      },
      { name: "past", place: "jobs/doors/overview?at=7", ready: ".banner" },
      { name: "events", place: "jobs/crawl-example.com/events", ready: ".events .row", theme: "dark" },
      { name: "diff", place: "jobs/doors/facts?from=3&at=8", ready: ".diff" },
      {
        name: "derivation",
        place: `jobs/letters/facts?of=Group&fact=${encodeURIComponent("=of 4 letters")}`,
        ready: ".derivation .center",
        prepare: (page) => page.getByRole("button", { name: "full width" }).click()
      }
    ])
    await ofRecord(browser, filename, folder)
  } finally {
    await stop()
  }
}

/** An audit of Effect's own source, on worker threads. */
const ofAudit = async (browser: Browser, folder: string): Promise<void> => {
  const module = join(projectRoot, "docs/examples/code-audit/program.ts")
  const server = startCli(["serve", module, "--store", join(folder, "audit.db"), "--port", "0"])
  let said = ""
  server.process.stderr?.on("data", (chunk: string) => (said += chunk))
  await server.says(/listening on http\S+/)
  const url = /http:\/\/[\w.:]+\d/.exec(said)?.[0] ?? ""
  try {
    const entry = join(projectRoot, "node_modules/effect/dist/index.js")
    await post(url, "jobs", { program: "code-audit", id: "audit-effect", input: { entry } })
    await reach(url, "audit-effect", ["converged"])
    await take(browser, `${url}/inspector`, [
      { name: "timeline", place: "jobs/audit-effect/timeline", ready: ".longest" },
      {
        name: "facts",
        place: "jobs/audit-effect/facts?kind=Clone",
        ready: ".factList .row",
        height: 1_000,
        prepare: async (page) => {
          await page.locator(".factList .row").first().click()
          await page.locator(".derivation").waitFor()
        }
      },
      { name: "program", place: "jobs/audit-effect/program", ready: ".chart.program svg" }
    ])
  } finally {
    server.process.kill("SIGTERM")
    await server.ended
  }
}

mkdirSync(images, { recursive: true })
const folder = mkdtempSync(join(tmpdir(), "screenshots-"))
const browser = await openBrowser()
try {
  if (options.only !== "audit") await ofTests(browser, folder)
  if (options.only !== "tests") await ofAudit(browser, folder)
} finally {
  await browser.close()
  rmSync(folder, { recursive: true, force: true })
}
