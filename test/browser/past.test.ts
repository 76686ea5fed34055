/** The past of a job: each number on the page is of the cycle that the page names, also while answers are on their way. */
import type { Page } from "playwright-core"
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest"
import { programs } from "../support/browser/programs.ts"
import { serve } from "../support/server/harness.ts"
import { openSite, reachOn, shows, type Site, until } from "./site.ts"

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let site: Site
beforeAll(async () => {
  site = await openSite(programs)
})
afterAll(async () => {
  await site?.close()
})
afterEach(async () => {
  await site.closePages()
})

const numberOf = async (page: Page, name: string): Promise<string> =>
  (
    await page
      .locator(".head .numbers div", { has: page.getByText(name, { exact: true }) })
      .first()
      .innerText()
  )
    .replace(name, "")
    .trim()

describe("another cycle", () => {
  it("shows nothing of the one before while it is on its way, and the page keeps its height", async () => {
    await site.start("counts", "stepped", { to: 30, ms: 2 })
    await site.reach("stepped", "converged")
    const { complaints, page } = await site.visit("jobs/stepped/overview?at=3")
    await shows(page, "In cycle 3 it executed 1 task")
    await expect.poll(() => numberOf(page, "facts")).toBe("4")
    await page.locator(".diff").getByText("Step/3").waitFor()
    const height = await page.evaluate<number>("document.body.scrollHeight")
    let letGo = (): void => undefined
    const held = new Promise<void>((resolve) => (letGo = resolve))
    await page.route(/at=6|from=6/, async (route) => {
      await held
      await route.continue()
    })
    for (let press = 0; press < 3; press++) await page.keyboard.press("]")
    await shows(page, "You are looking at cycle 6")
    await page.getByRole("status").getByText("loading cycle 6").waitFor()
    const text = await page.locator("main").innerText()
    expect(text).not.toMatch(/cycle 3\b|Since then/)
    for (const name of ["facts", "tasks", "hash", "had run for"]) expect(await numberOf(page, name), name).toBe("–")
    expect(await page.locator("table.budget").count()).toBe(0)
    expect(await page.evaluate<number>("document.body.scrollHeight")).toBeGreaterThan(height - 60)
    await page.getByRole("tab", { name: "Facts" }).click()
    await page.getByRole("button", { name: /^all kinds/ }).waitFor()
    expect((await page.getByRole("button", { name: /^all kinds/ }).innerText()).replace(/\s+/g, " ")).toBe(
      "all kinds –"
    )
    letGo()
    await until(async () => (await page.getByRole("button", { name: /^all kinds/ }).innerText()).endsWith("7"))
    await expect.poll(() => numberOf(page, "facts")).toBe("7")
    await expect.poll(() => numberOf(page, "tasks")).toBe("6")
    expect(complaints).toEqual([])
  })
})

describe("what has changed since", () => {
  it("is of one moment while the job goes on, says which, and is asked for again", async () => {
    await site.start("counts", "going", { to: 900, ms: 60 })
    await until(async () => (await (await site.running.fetch("/api/v1/jobs/going")).text()).includes(`"cycle":1`))
    const { complaints, page } = await site.visit("jobs/going/overview?at=1")
    const line = page.getByText(/^Since then: /)
    const seen = new Set<number>()
    await until(async () => {
      const [, cycles, facts, to] =
        /^Since then: (\d+) cycles?, (\d+) facts? added, .*, up to cycle (\d+)\./.exec(await line.innerText()) ?? []
      if (to === undefined) return false
      // Each cycle adds a fact.
      expect(facts).toBe(cycles)
      expect(to).toBe(String(Number(cycles) + 1))
      seen.add(Number(to))
      return seen.size > 1
    }, 20_000)
    // Setting the clock of the browser back delays nothing.
    await page.clock.setFixedTime(Date.now() - 3_600_000)
    seen.clear()
    await until(async () => seen.add(Number(/up to cycle (\d+)/.exec(await line.innerText())?.[1])).size > 2, 20_000)
    expect(complaints).toEqual([])
    await site.running.post("/api/v1/jobs/going/cancel", {})
  })
})

describe("the chosen fact", () => {
  it("is as the job goes on, and the fork that is being written stays of the cycle at which it was begun", async () => {
    await site.start("counts", "lives", { to: 4_000, ms: 60 })
    await until(async () => (await (await site.running.fetch("/api/v1/jobs/lives")).text()).includes(`"cycle":2`))
    const { complaints, page } = await site.visit("jobs/lives/facts?of=Step&fact=%3D0")
    const pane = page.getByLabel("the chosen fact")
    const follow = async (): Promise<number> =>
      Number(
        /\d+/.exec(
          await pane
            .getByRole("button", { name: /follow/ })
            .first()
            .innerText()
        )?.[0]
      )
    const first = await follow()
    await pane.getByRole("button", { name: /^Fork from cycle/ }).click()
    const title = await pane.getByRole("heading", { name: /^A new job from cycle/ }).innerText()
    await pane.locator("textarea").fill("mine")
    await until(async () => (await follow()) > first, 20_000)
    expect(await pane.getByRole("heading", { name: /^A new job from cycle/ }).innerText()).toBe(title)
    expect(await pane.locator("textarea").inputValue()).toBe("mine")
    expect(complaints).toEqual([])
    await site.running.post("/api/v1/jobs/lives/cancel", {})
  })

  it("says so while that of another cycle is on its way, and keeps what is being written", async () => {
    await site.start("counts", "looked", { to: 12, ms: 2 })
    await site.reach("looked", "converged")
    const { complaints, page } = await site.visit("jobs/looked/facts?at=9&of=Step&fact=%3D3")
    const pane = page.getByLabel("the chosen fact")
    await pane.getByRole("button", { name: "6 follow" }).waitFor()
    await pane.getByRole("button", { name: /^Fork from cycle 9/ }).click()
    await pane.locator("textarea").fill("mine")
    let letGo = (): void => undefined
    const held = new Promise<void>((resolve) => (letGo = resolve))
    await page.route(/at=5/, async (route) => {
      await held
      await route.continue()
    })
    await page.getByRole("slider").fill("5")
    await pane.getByRole("status").getByText("loading the fact of cycle 5…").waitFor()
    letGo()
    await pane.getByRole("button", { name: "2 follow" }).waitFor()
    expect(await pane.getByText("loading the fact").count()).toBe(0)
    expect(await pane.locator("textarea").inputValue()).toBe("mine")
    expect(complaints).toEqual([])
  })
})

describe("the head", () => {
  it("counts the facts of a fork, also those that it began with, and leads to the job that it is of", async () => {
    await site.start("counts", "origin", { to: 10, ms: 2 })
    await site.reach("origin", "converged")
    const body = { at: 5, id: "forked", facts: [{ kind: "Step", value: { n: 100 } }] }
    const { status } = await site.running.post("/api/v1/jobs/origin/fork", body)
    expect(status).toBe(202)
    await site.reach("forked", "converged")
    const { complaints, page } = await site.visit("jobs/forked/facts")
    await until(async () => /\d$/.test(await page.getByRole("button", { name: /^all kinds/ }).innerText()))
    const all = (await page.getByRole("button", { name: /^all kinds/ }).innerText()).replace(/\D+/, "")
    await expect.poll(() => numberOf(page, "facts")).toBe(all)
    expect(all).toBe("12")
    await shows(page, /Fork of\s*origin\s*after its cycle 5/)
    await page.getByRole("link", { name: "origin" }).click()
    await page.locator(".head h1", { hasText: "origin" }).waitFor()
    expect(await page.getByText(/^Fork of/).count()).toBe(0)
    expect(complaints).toEqual([])
  })
})

describe("a server without a durable store", () => {
  it("says once that it has no past, and offers none", async () => {
    const running = await serve({ programs })
    try {
      await running.post("/api/v1/jobs", { program: "counts", id: "kept", input: { to: 5, ms: 1 } })
      await reachOn(running, "kept", "converged")
      const { complaints, page } = await site.visit("jobs/kept/overview", {}, running)
      await shows(page, "This server keeps no journals")
      expect(await page.getByRole("slider").count()).toBe(0)
      await page.keyboard.press("[")
      expect(page.url()).not.toContain("at=")
      expect(complaints).toEqual([])
      await page.goto(`${running.url}/inspector#/jobs/kept/overview?at=1`)
      await page.getByRole("button", { name: "Back to now" }).waitFor()
      await until(async () => (await page.locator(".fault").count()) === 0)
      await expect.poll(() => page.getByText(/keeps no journals/).count()).toBe(1)
      expect(await page.locator(".chart, .head .numbers, .panel").count()).toBe(0)
      await page.getByRole("button", { name: "Back to now" }).click()
      await page.locator(".state", { hasText: "converged" }).waitFor()
      await expect.poll(() => numberOf(page, "facts")).toBe("6")
    } finally {
      await running.stop()
    }
  })
})
