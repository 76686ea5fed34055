/**
 * Hostile texts in every view of the console: markup, control characters, marks of direction, halves of a pair, odd ids, 10 MB,
 * deep values. They are shown as texts, everything is reachable, and the page does not freeze.
 *
 * A freeze is a task of the page's thread that is longer than a second: the bar is wide, since tests share their machine. The times
 * are printed.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Browser, Locator, Page } from "playwright-core"
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest"
import { JobStore } from "../../src/index.ts"
import { hostilePrograms, longLength, markup, oddIds } from "../support/browser/hostile.ts"
import { jsonOf, type Running, serve } from "../support/server/harness.ts"
import { openBrowser, openPage, type Watched } from "./browser.ts"
import { measure, type Measured } from "./measured.ts"
import { reachOn, shows, startOn, until, violationsOf } from "./site.ts"

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const frozenMs = 1_000
/** That of showing, copying and saving 10 MB, which the page does in slices of some 12 to 30 ms. */
const wholeFrozenMs = 500
/** No list and no view brings a long value by itself. */
const mostBytes = 1_500_000

const folder = mkdtempSync(join(tmpdir(), "hostile-"))
const [hostile] = hostilePrograms
let browser: Browser
let running: Running
const opened: Array<Watched> = []

const jobs = { asks: "awaiting", fails: "failed", converges: "converged" } as const

beforeAll(async () => {
  browser = await openBrowser()
  const store = JobStore.layerSqlite({ filename: join(folder, "jobs.db") })
  running = await serve({ programs: hostilePrograms }, { store })
  for (const [id, state] of Object.entries(jobs)) {
    await startOn(running, hostile.name, id, { length: longLength, ends: id })
    await reachOn(running, id, state, 30_000)
  }
})
afterAll(async () => {
  await browser?.close()
  await running?.stop()
  rmSync(folder, { recursive: true, force: true })
})
afterEach(async () => {
  for (const { page } of opened.splice(0)) await page.close()
})

interface Visited extends Watched {
  readonly measured: Measured
}

const visit = async (place: string, options: Parameters<typeof openPage>[2] = {}): Promise<Visited> => {
  const watched = await openPage(browser, `${running.url}/inspector`, options)
  opened.push(watched)
  const { page } = watched
  page.setDefaultTimeout(20_000)
  const measured = await measure(page)
  await page.goto(`${running.url}/inspector#/${place}`)
  await page.reload()
  return { ...watched, measured }
}

/** Waits until no request is under way and what it brought is drawn. The stream of a job that lives goes on. */
const settled = async (page: Page): Promise<void> => {
  await page.waitForLoadState("networkidle", { timeout: 3_000 }).catch(() => undefined)
  await page.evaluate(`new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))`)
}

interface Seen {
  readonly length: number
  readonly hidden: ReadonlyArray<string>
  readonly elements: number
  readonly title: string
  readonly wide: number
}

/** The dangers in the document: characters that hide or turn others, elements of markup, a very long text. */
const look = (page: Page): Promise<Seen> =>
  page.evaluate(`(() => {
    const text = document.getElementById("app").textContent
    const values = [...document.querySelectorAll("[title], [aria-label]")]
      .flatMap((element) => [element.getAttribute("title") ?? "", element.getAttribute("aria-label") ?? ""])
    const hidden = /[\\u0000-\\u0008\\u200b\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069]|\\p{Surrogate}/gu
    return {
      length: text.length,
      hidden: [...new Set([text, ...values].flatMap((text) => text.match(hidden) ?? []))].map((it) => it.codePointAt(0).toString(16)),
      elements: document.querySelectorAll("#app img, #app script, #app u:not(.node)").length,
      title: document.title,
      wide: document.scrollingElement.scrollWidth - innerWidth
    }
  })()`)

const expectHarmless = async ({ complaints, measured, page }: Visited, what: string): Promise<void> => {
  await settled(page)
  const { hidden, ...seen } = await look(page)
  const longestMs = await measured.longestMs()
  const largest = measured.largest()
  console.log(`${what}: longest task ${longestMs} ms, largest answer ${largest.bytes} bytes ${largest.path}`)
  expect({ what, hidden, ...seen }).toMatchObject({ hidden: [], elements: 0, wide: expect.any(Number) })
  expect(seen.wide, `${what} is too wide`).toBeLessThanOrEqual(0)
  expect(seen.title, what).not.toBe("hurt")
  expect(seen.length, what).toBeLessThan(500_000)
  expect(largest.bytes, `${what}: ${largest.path}`).toBeLessThan(mostBytes)
  expect(longestMs, what).toBeLessThan(frozenMs)
  expect(complaints, what).toEqual([])
}

const factPlace = (job: string, kind: string, id: string): string =>
  `jobs/${job}/facts?${new URLSearchParams({ of: kind, fact: `=${id}` }).toString()}`

/** Every view, by what it shows. */
const places: ReadonlyArray<readonly [place: string, ready: string]> = [
  ["jobs", ".jobList .row"],
  ["jobs/asks/overview", ".headline"],
  ["jobs/fails/overview", ".headline"],
  ["jobs/converges/overview", ".headline"],
  ["jobs/asks/overview?at=1", ".banner"],
  ["jobs/asks/timeline", ".timeline, .empty"],
  ["jobs/asks/facts", ".factList .row"],
  [factPlace("asks", "Odd", markup), ".pane pre"],
  [factPlace("asks", "Big", "long"), ".pane pre"],
  [factPlace("asks", "Big", "deep"), ".pane pre"],
  [factPlace("asks", "Big", "wide"), ".pane pre"],
  ["jobs/asks/facts?from=0&at=1", ".diff"],
  ["jobs/asks/facts?from=0", ".diff"],
  ["jobs/asks/program", "#view table"],
  ["jobs/converges/output", "#view pre"],
  ["jobs/asks/output", "#view"],
  ["jobs/asks/events", ".events .row"],
  ["jobs/fails/events", ".events .row"]
]

describe("a view with hostile texts", () => {
  it.each([
    { width: 1_280, theme: "light" },
    { width: 390, theme: "dark" }
  ] as const)("shows them as texts, at $width pixels, without a freeze, and passes axe", async (options) => {
    const found: Array<object> = []
    for (const [place, ready] of places) {
      const visited = await visit(place, options)
      const { page } = visited
      await page.locator(ready).first().waitFor()
      await expectHarmless(visited, place)
      const violations = await violationsOf(page)
      if (violations.length > 0) found.push({ place, violations })
      await page.close()
    }
    expect(found).toEqual([])
  })
})

describe("a fact with an odd id", () => {
  const paneOf = (page: Page): Locator => page.locator(".pane h2")

  it.each(Object.entries(oddIds))("is reached by a click, by its address and by a reload: %s", async (_name, id) => {
    // A URL cannot hold half of a pair, and an empty part of a query is left out.
    const isPlain = id !== "" && id.isWellFormed()
    const visited = await visit("jobs/converges/facts?kind=Odd")
    const { page } = visited
    const asked: Array<URL> = []
    page.on("request", (request) => void asked.push(new URL(request.url())))
    // The facts come in the order of the seeds.
    const index = Object.values(oddIds).indexOf(id)
    await page.locator(".factList .row").nth(index).click()
    const href = page.url()
    await settled(page)
    const explained = asked.find(({ pathname }) => pathname.endsWith("/explain"))
    expect(explained?.searchParams.get("kind")).toBe("Odd")
    expect(explained?.searchParams.get(isPlain ? "fact" : "factJson")).toBe(isPlain ? id : JSON.stringify(id))
    const heading = await paneOf(page).innerText()
    if (id === "") expect(heading).toBe("Odd/(empty)")
    expect(await page.locator(".pane pre.value").innerText()).toContain(`"id": `)
    await page.reload()
    await settled(page)
    expect(page.url()).toBe(href)
    expect(await paneOf(page).innerText()).toBe(heading)
    await page.locator(".factList .row.chosen").waitFor()
    const other = await visit("jobs")
    await other.page.goto(href)
    await other.page.locator(".pane h2").waitFor()
    expect(await paneOf(other.page).innerText()).toBe(heading)
    // A fact that follows from it names it in its derivation, as a link.
    await other.page.locator(".derivation .node", { hasText: "from" }).first().locator("a").click()
    await other.page.locator(".derivation .center", { hasText: "from" }).waitFor()
    await other.page.locator(".derivation .node:not(.center) a").first().click()
    await until(async () => (await paneOf(other.page).innerText()) === heading)
    expect(visited.complaints).toEqual([])
  })

  it("that is too long for an address is named by its version", async () => {
    const visited = await visit("jobs/converges/facts?kind=Big")
    const { page } = visited
    await page.locator(".factList .row", { hasText: "long-iii" }).click()
    await shows(page, "a value of a long id")
    expect(page.url().length).toBeLessThan(300)
    await page.reload()
    await shows(page, "a value of a long id")
    await expectHarmless(visited, "a long id")
  })
})

/** Saves by the button of a part of the page, and gives the text of the file. */
const savedBy = async (page: Page, part: Locator): Promise<string> => {
  const saved = page.waitForEvent("download")
  await part.getByRole("button", { name: "save" }).click()
  return readFileSync(await (await saved).path(), "utf8")
}

describe("a long text", () => {
  it("is cut with its length, and comes whole when it is asked for: read by pages, copied, saved", async () => {
    const visited = await visit(factPlace("converges", "Big", "long"))
    const { measured, page } = visited
    const pane = page.locator(".pane")
    await pane.getByText("The beginning of 10 MB of JSON.").first().waitFor()
    await expectHarmless(visited, "a long value, cut")
    await pane.getByRole("button", { name: "show the whole value" }).first().click()
    await pane.getByRole("button", { name: /… 10,4\d\d,\d{3} more characters/ }).click()
    await pane.getByText(`characters 1 to 20,000 of ${longLength.toLocaleString("en-US")}`).waitFor()
    await pane.getByRole("button", { name: "last" }).click()
    await pane.getByText(`to ${longLength.toLocaleString("en-US")} of ${longLength.toLocaleString("en-US")}`).waitFor()
    const reader = pane.locator(".reader")
    expect((await savedBy(page, reader)) === "y".repeat(longLength)).toBe(true)
    await reader.getByRole("button", { name: "copy" }).click()
    await reader.getByRole("button", { name: "copied" }).waitFor()
    const ms = await measured.longestMs()
    console.log(`the whole of a long value: longest task ${ms} ms`)
    expect(ms).toBeLessThan(wholeFrozenMs)
  })

  it("of an event is cut, and comes whole when it is asked for", async () => {
    const { measured, page } = await visit("jobs/asks/events")
    await page.locator(".events .row").first().click()
    const side = page.locator(".side")
    await side.getByText(/Long texts are cut, and \d+ facts left out/).waitFor()
    await side.getByRole("button", { name: "show the whole event" }).click()
    await side.locator(".cutNote").waitFor({ state: "detached" })
    expect((await savedBy(page, side)).includes(`"${"x".repeat(longLength)}"`)).toBe(true)
    await side.getByRole("button", { name: "copy" }).click()
    await side.getByRole("button", { name: "copied" }).waitFor()
    const ms = await measured.longestMs()
    console.log(`the whole of a long event: longest task ${ms} ms`)
    expect(ms).toBeLessThan(wholeFrozenMs)
  })

  it("of an output is cut, and comes whole when it is asked for", async () => {
    const { measured, page } = await visit("jobs/converges/output")
    await page.getByText("The beginning of 10 MB of JSON.").waitFor()
    await page.getByRole("button", { name: "show the whole value" }).click()
    await page
      .getByRole("button", { name: /more characters/ })
      .first()
      .waitFor()
    const menu = page.locator(".take")
    const saved = await savedBy(page, menu)
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"])
    await menu.getByRole("button", { name: "copy" }).click()
    await menu.getByRole("button", { name: "copied" }).waitFor()
    const ms = await measured.longestMs()
    // Texts of this length are not shown where they differ.
    const { result } = (await jsonOf(await running.fetch("/api/v1/jobs/converges"))) as {
      readonly result: { readonly output: unknown }
    }
    expect(saved === JSON.stringify(result.output, undefined, 2)).toBe(true)
    expect(await page.evaluate(`navigator.clipboard.readText().then(({ length }) => length)`)).toBe(saved.length)
    console.log(`the whole of a long output: longest task ${ms} ms`)
    expect(ms).toBeLessThan(wholeFrozenMs)
  })
})

describe("a deep value", () => {
  it("is folded, and opens some levels at a time", async () => {
    const visited = await visit(factPlace("converges", "Big", "deep"))
    const { page } = visited
    const value = page.locator(".pane pre.value")
    const folds = value.locator("button.fold:not(.close)")
    await folds.first().waitFor()
    const levels = async (): Promise<number> => ((await value.textContent()) ?? "").split("[").length
    const before = await levels()
    for (let step = 0; step < 20; step++) await folds.last().click()
    expect(await levels()).toBeGreaterThan(before + 50)
    await value.locator("button.close").first().click()
    expect(await levels()).toBeLessThan(before)
    await expectHarmless(visited, "a deep value")
  })
})

describe("a hundred thousand intents, and ten thousand discarded tasks", () => {
  it("are shown by their newest, and counted, without a freeze", async () => {
    await startOn(running, "noisy", "noisy", { count: 100_000 })
    await reachOn(running, "noisy", "converged", 60_000)
    for (const view of ["overview", "program", "output", "program?cycle=1"]) {
      const visited = await visit(`jobs/noisy/${view}`)
      await visited.page
        .getByText(view === "output" ? "100,000" : /^10,000; the newest 100 are here$/)
        .first()
        .waitFor()
      await expectHarmless(visited, `a hundred thousand intents: ${view}`)
    }
  })
})

describe("a million short facts", () => {
  const count = 1_000_000

  it("open, scroll to their end, and are searched, without a freeze", async () => {
    await startOn(running, "many", "many", { count })
    await reachOn(running, "many", "awaiting", 60_000)
    const visited = await visit("jobs/many/facts?kind=Short")
    const { measured, page } = visited
    const list = page.locator(".factList")
    await list.locator(".row", { hasText: /^0\{/ }).first().waitFor()
    await page.locator(`.row[aria-setsize="${count}"]`).first().waitFor()
    await expectHarmless(visited, "a million facts, opened")
    await list.press("End")
    await list
      .locator(".row.chosen, .row", { hasText: String(count - 1) })
      .first()
      .waitFor()
    await expectHarmless(visited, "a million facts, at their end")
    for (const part of [0.5, 0.25, 0.75]) {
      await page.evaluate(`{
        const list = document.querySelector(".factList")
        list.scrollTop = list.scrollHeight * ${part}
      }`)
      await list
        .locator(".row", { hasText: new RegExp(`^${Math.floor(part * 1_000)}\\d{3}`) })
        .first()
        .waitFor()
      await until(async () => (await list.locator(".row .who:not(.wait)").count()) > 5, 10_000)
    }
    await list.press("Home")
    await list.locator(".row", { hasText: /^0\{/ }).first().waitFor()
    await page.getByRole("searchbox").fill("999999")
    await list.locator(".row", { hasText: "999999" }).first().waitFor()
    await until(async () => (await page.locator(".factList .row").count()) === 1)
    await page.getByRole("searchbox").fill("no such text")
    await shows(page, "No fact has this text in its id or its value.")
    await expectHarmless(visited, "a million facts, searched")
    for (const view of ["events", "overview", "program"]) {
      const other = await visit(`jobs/many/${view}`)
      await other.page
        .locator(view === "program" ? ".chart.program .node" : "#view > *")
        .first()
        .waitFor()
      await expectHarmless(other, `a million facts: ${view}`)
    }
    expect(await measured.longestMs()).toBeLessThan(frozenMs)
  })
})
