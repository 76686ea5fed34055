/** A console that stays: through a restart of its server, with the chosen colours, and with nothing that the page does not bring. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Browser, Page } from "playwright-core"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { JobStore } from "../../src/index.ts"
import { holdAt, letGo } from "../support/browser/held.ts"
import { programs } from "../support/browser/programs.ts"
import { jsonOf, serve } from "../support/server/harness.ts"
import { openBrowser, openPage } from "./browser.ts"
import { reachOn, shows, startOn, until, visitOn } from "./site.ts"

const folder = mkdtempSync(join(tmpdir(), "console-"))
let browser: Browser
beforeAll(async () => {
  browser = await openBrowser()
})
afterAll(async () => {
  await browser?.close()
  rmSync(folder, { recursive: true, force: true })
})

const storeIn = (name: string) => JobStore.layerSqlite({ filename: join(folder, name) })

describe("the page of a job", () => {
  it("goes on through a restart of the server, with what was chosen and the job that goes on too", async () => {
    const store = storeIn("restart.db")
    const first = await serve({ programs }, { store })
    const port = Number(new URL(first.url).port)
    // It has to be running when the server stops.
    holdAt("long", 10)
    await startOn(first, "counts", "long", { to: 30, ms: 5 })
    const { page } = await visitOn(browser, first, "jobs/long/facts")
    const rows = page.locator(".factList .row")
    await until(async () => (await rows.count()) > 3)
    await rows.nth(2).click()
    await page.locator(".pane h2", { hasText: "Step/2" }).waitFor()
    await page.locator(".factList").focus()
    await first.stop()
    await shows(page, "The server does not answer.")
    await shows(page, /What you see of the job is what the server told last/)
    const second = await serve({ programs, port }, { store })
    try {
      await page.getByText("The server does not answer.").waitFor({ state: "detached" })
      letGo("long")
      await reachOn(second, "long", "converged")
      await page.locator(".state", { hasText: "converged" }).waitFor()
      await until(async () => (await page.getByRole("button", { name: /^Step/ }).innerText()).includes("31"))
      await page.locator(".pane h2", { hasText: "Step/2" }).waitFor()
      expect(await page.evaluate(`document.activeElement === document.querySelector(".factList")`)).toBe(true)
    } finally {
      await page.close()
      await second.stop()
    }
  })
})

describe("a job of a program that is not served", () => {
  it("shows what its journal has, says what it lacks and why, and offers nothing that cannot be done", async () => {
    const store = storeIn("unserved.db")
    const first = await serve({ programs }, { store })
    await first.post("/api/v1/jobs", { program: "counts", id: "done", input: { to: 4, ms: 1 } })
    await first.post("/api/v1/jobs", { program: "oscillates", id: "spent", input: {} })
    await startOn(first, "counts", "left", { to: 10_000, ms: 20 })
    await until(async () => Number((await jsonOf(await first.fetch("/api/v1/jobs/left")))["cycle"]) > 2)
    await first.stop()
    const second = await serve({ programs: programs.filter(({ name }) => name === "crawls") }, { store })
    const visit = async (place: string) => {
      const watched = await visitOn(browser, second, `jobs/${place}`)
      await shows(watched.page, "This server does not serve the program")
      return watched
    }
    try {
      const done = await visit("done/output")
      await done.page.locator(".panel", { hasText: "Output" }).getByText("5", { exact: true }).waitFor()
      await done.page.getByRole("tab", { name: "Overview" }).click()
      await done.page.locator(".outcome", { hasText: "5" }).waitFor()
      const used = done.page.locator("table.budget tr", { hasText: "cycles used" }).locator("td").first()
      await expect.poll(() => used.innerText()).toBe("6")
      await done.page.getByRole("tab", { name: "Program" }).click()
      await shows(done.page, "so it has no graph")
      const spent = await visit("spent/overview")
      await shows(spent.page, "BudgetExhausted")
      expect(await spent.page.getByText("(empty)").count()).toBe(0)
      const left = await visit("left/overview")
      await shows(left.page, "the job can neither be resumed nor cancelled here")
      await left.page.getByLabel(/Active: no process holds the job\./).waitFor()
      await expect.poll(() => left.page.locator(".chart .node.on").count()).toBe(0)
      expect(await left.page.getByRole("button", { name: /Resume|Cancel|Pause/ }).count()).toBe(0)
      for (const { complaints, page } of [done, spent, left]) {
        expect(complaints).toEqual([])
        await page.close()
      }
    } finally {
      await second.stop()
    }
  })
})

describe("the colours", () => {
  const scheme = (page: Page): Promise<string> =>
    page.evaluate(
      `getComputedStyle(document.documentElement).backgroundColor + " " + getComputedStyle(document.body).color`
    )

  it("are those of the system, or those that were chosen, also after a reload", async () => {
    const running = await serve({ programs }, { store: storeIn("colours.db") })
    try {
      const { complaints, page } = await openPage(browser, `${running.url}/inspector`, { theme: "dark" })
      const button = page.getByRole("button", { name: /^Colours/ })
      await button.waitFor()
      const dark = await scheme(page)
      const seen = new Set<string>()
      for (let press = 0; press < 3; press++) {
        await button.focus()
        await page.keyboard.press("Enter")
        seen.add(String(await button.getAttribute("aria-label")))
        if ((await button.getAttribute("aria-label")) === "Colours: light") break
      }
      const light = await scheme(page)
      expect(light).not.toBe(dark)
      await page.reload()
      await button.waitFor()
      expect(await scheme(page)).toBe(light)
      expect(complaints).toEqual([])
      await page.close()
    } finally {
      await running.stop()
    }
  })
})

describe("the policy of the page", () => {
  it("lets no script, style, picture or request in that the page does not bring", async () => {
    const running = await serve({ programs }, { store: storeIn("policy.db") })
    try {
      const { page } = await openPage(browser, `${running.url}/inspector`)
      await page.locator("main").waitFor()
      const blocked = await page.evaluate<ReadonlyArray<string>>(`(async () => {
        const blocked = []
        addEventListener("securitypolicyviolation", (event) => blocked.push(event.effectiveDirective))
        const add = (name, parts) => document.body.append(Object.assign(document.createElement(name), parts))
        add("script", { textContent: "window.hurt = true" })
        add("style", { textContent: "body { display: none }" })
        add("img", { src: "https://elsewhere.example/picture.png" })
        add("iframe", { src: "https://elsewhere.example/" })
        await fetch("https://elsewhere.example/").catch(() => undefined)
        for (let turn = 0; turn < 50 && blocked.length < 5; turn++) await new Promise((resolve) => setTimeout(resolve, 20))
        return [...new Set(blocked)].sort()
      })()`)
      expect(blocked).toEqual(["connect-src", "frame-src", "img-src", "script-src-elem", "style-src-elem"])
      expect(await page.evaluate("window.hurt")).toBeUndefined()
      await page.close()
    } finally {
      await running.stop()
    }
  })
})
