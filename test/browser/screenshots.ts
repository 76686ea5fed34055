/**
 * Writes the pictures of the console that docs show: `npm run screenshots`.
 *
 * Two servers have the jobs: one with the programs of the console's tests, and one with an audit of Effect's own source, as
 * `converge serve` runs it. Boundary: pictures; nothing is asserted.
 */
import type { Browser, Page } from "playwright-core"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { JobStore, WorkerPool } from "../../src/index.ts"
import { programs } from "../support/browser/programs.ts"
import { start as startCli } from "../support/cli/converge.ts"
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
  readonly prepare?: (page: Page) => Promise<void>
}

const take = async (browser: Browser, url: string, pictures: ReadonlyArray<Picture>): Promise<void> => {
  for (const { name, place, prepare, ready, ...size } of pictures) {
    const { page } = await openPage(browser, `${url}/inspector#/${place}`, { height: 800, ...size })
    await page.locator(ready).first().waitFor()
    await prepare?.(page)
    await page.waitForLoadState("networkidle")
    await page.screenshot({ path: join(projectRoot, `docs/images/console-${name}.png`) })
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

/** The jobs of the tests: one that failed, one that oscillated, one that waits, one that runs. */
const ofTests = async (browser: Browser, folder: string): Promise<void> => {
  const store = JobStore.layerSqlite({ filename: join(folder, "tests.db") })
  const { stop, url } = await serve({ programs }, { store, pool: WorkerPool.layer({ size: 2 }) })
  try {
    const jobs: ReadonlyArray<readonly [program: string, id: string, input?: object, budget?: object]> = [
      ["counts", "count-1", { to: 12, ms: 1 }],
      ["oscillates", "doors"],
      ["crawls", "crawl-example.com"],
      ["counts", "count-2", { to: 30, ms: 1 }],
      ["sends", "letter-to-ada"],
      ["counts", "count-3", { to: 90, ms: 400 }, { maxCycles: 100 }]
    ]
    for (const [program, id, input = {}, budget = {}] of jobs) await post(url, "jobs", { program, id, input, budget })
    await reach(url, "doors", ["budget-exhausted"])
    await reach(url, "crawl-example.com", ["failed"])
    await reach(url, "letter-to-ada", ["awaiting"])
    await post(url, "jobs/count-2/fork", { at: 12, id: "count-2-fork", facts: [{ kind: "Step", value: { n: 500 } }] })
    await take(browser, url, [
      { name: "jobs", place: "jobs", ready: ".jobList .row" },
      { name: "jobs-390", place: "jobs", ready: ".jobList .row", width: 390, height: 844 },
      { name: "failed", place: "jobs/crawl-example.com/overview", ready: ".headline" },
      { name: "oscillating", place: "jobs/doors/overview", ready: ".values", theme: "dark" },
      { name: "past", place: "jobs/doors/overview?at=7", ready: ".banner" },
      { name: "events", place: "jobs/crawl-example.com/events", ready: ".events .row", theme: "dark" },
      { name: "diff", place: "jobs/doors/facts?from=3&at=8", ready: ".diff" }
    ])
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
    await take(browser, url, [
      { name: "timeline", place: "jobs/audit-effect/timeline", ready: ".longest" },
      {
        name: "facts",
        place: `jobs/audit-effect/facts?kind=Link`,
        ready: ".factList .row",
        prepare: async (page) => {
          await page.locator(".factList .row").nth(1).click()
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

const folder = mkdtempSync(join(tmpdir(), "screenshots-"))
const browser = await openBrowser()
try {
  if (process.argv[2] !== "audit") await ofTests(browser, folder)
  if (process.argv[2] !== "tests") await ofAudit(browser, folder)
} finally {
  await browser.close()
  rmSync(folder, { recursive: true, force: true })
}
