/** The rests of a job on its timeline, and the lanes of agents that say how many of their tasks run at a time. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Page } from "playwright-core"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import { JobStore } from "../../src/index.ts"
import { rests } from "../support/browser/rests.ts"
import { jsonOf, serve, stateOf, until } from "../support/server/harness.ts"
import { openBrowser, openPage } from "./browser.ts"
import { openSite, type Site, shows, violationsOf } from "./site.ts"

let site: Site
beforeAll(async () => {
  site = await openSite([rests])
})
afterAll(() => site?.close())
afterEach(() => site.closePages())

const passes = async (ms: number): Promise<void> => {
  const began = Date.now()
  await until(() => Promise.resolve(Date.now() - began > ms), 20_000)
}

const approve = async (id: string, running = site.running): Promise<void> => {
  const answer = await running.post(`/api/v1/jobs/${id}/approvals/more`, { decision: "approve" })
  expect(answer.status).toBe(200)
}

/** The texts of the tip at the stops of the keys, from the first. */
const stops = async (page: Page): Promise<ReadonlyArray<string>> => {
  const canvas = page.locator(".timeline canvas")
  await canvas.focus()
  const said: Array<string> = []
  for (let steps = 0; steps < 30; steps++) {
    await page.keyboard.press("ArrowDown")
    const text = await page.locator(".tip").innerText()
    if (text === said.at(-1)) break
    said.push(text)
  }
  return said
}

describe("the rests of a job", () => {
  it("have a band, words and a stop of the keys: one that goes on, and then what the record says of it", async () => {
    await site.start("rests", "rested", { links: 3, ms: 150 })
    await site.reach("rested", "awaiting")
    const { complaints, page } = await site.visit("jobs/rested/timeline")
    await shows(page, /rests for .* so far: awaiting/)
    await passes(3_000)
    await site.running.post("/api/v1/jobs/rested/pause")
    await site.reach("rested", "paused")
    await shows(page, /rests for .* so far: paused/)
    await site.running.post("/api/v1/jobs/rested/resume")
    await approve("rested")
    await site.reach("rested", "converged")
    const list = page.locator(".rests li")
    await until(
      async () => /rested [1-9]\.\d s: awaiting, then paused/.test((await list.allInnerTexts()).join("|")),
      20_000
    )
    expect(await page.locator(`[data-outcome="rested"]`).innerText()).toContain("1 time")
    // Without the rest, the lane that worked most was busy for a good part of the time.
    const [, busy] = /fetch (\d+) %.*Rests are left out/.exec(await page.locator("main").innerText()) ?? []
    expect(Number(busy)).toBeGreaterThan(10)
    expect(await violationsOf(page)).toEqual([])
    const said = await stops(page)
    expect(said.filter((text) => /^rested [1-9]\.\d s: awaiting, then paused/.test(text))).toHaveLength(1)
    expect(said.filter((text) => text.includes("fetch"))).toHaveLength(5)
    expect(complaints).toEqual([])
  })

  it("are short at first where they are long, and as long as they were where that is asked", async () => {
    await site.start("rests", "long", { links: 3, ms: 30 })
    await site.reach("long", "awaiting")
    await passes(4_000)
    await approve("long")
    await site.reach("long", "converged")
    const { complaints, page } = await site.visit("jobs/long/timeline")
    const toggle = page.getByRole("button", { name: "short rests" })
    await until(async () => (await toggle.getAttribute("aria-pressed")) === "true", 20_000)
    const canvas = page.locator(".timeline canvas")
    const box = (await canvas.boundingBox())!
    /** The part of the picture over which the pointer finds the rest. */
    const widthOfRest = async (): Promise<number> => {
      let found = 0
      for (let x = 140; x < box.width; x += 20) {
        await page.mouse.move(box.x + x, box.y + box.height - 3)
        if (/^(rested|no record)/.test((await page.locator(".tip").allInnerTexts()).join())) found++
      }
      return (found * 20) / (box.width - 140)
    }
    expect(await widthOfRest()).toBeLessThan(0.2)
    await toggle.click()
    expect(await toggle.getAttribute("aria-pressed")).toBe("false")
    expect(await widthOfRest()).toBeGreaterThan(0.4)
    await page.getByRole("button", { name: "show its end" }).click()
    await shows(page, "in view")
    expect(complaints).toEqual([])
  })

  it("of a job whose server was away are told as times of which nothing is recorded", async () => {
    const folder = mkdtempSync(join(tmpdir(), "console-"))
    const store = JobStore.layerSqlite({ filename: join(folder, "away.db") })
    const first = await serve({ programs: [rests] }, { store })
    const body = { program: "rests", id: "away", input: { links: 40, ms: 150 } }
    await first.post("/api/v1/jobs", body, { prefer: "respond-async" })
    await until(async () => (await jsonOf(await first.fetch("/api/v1/jobs/away/tasks")))["cycle"] === 1, 20_000)
    await first.stop()
    await passes(1_000)
    const second = await serve({ programs: [rests] }, { store })
    const browser = await openBrowser()
    try {
      await until(async () => (await stateOf(second, "away")) === "awaiting", 20_000)
      const { complaints, page } = await openPage(browser, `${second.url}/inspector#/jobs/away/timeline`)
      page.setDefaultTimeout(20_000)
      await shows(page, /no record of [1-9]\.\d s/)
      expect(complaints).toEqual([])
    } finally {
      await browser.close()
      await second.stop()
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

describe("the lanes of an agent that says how many tasks run at a time", () => {
  it("are as many, also those that are idle, and one lane for many idle ones", async () => {
    await site.start("rests", "lanes", { links: 3, ms: 30 })
    await site.reach("lanes", "awaiting")
    const { complaints, page } = await site.visit("jobs/lanes/timeline")
    await shows(page, /fetch \d+ %, fetch 2 \d+ %, fetch 3 \d+ %, fetch 4 idle for this job/)
    await shows(page, /sum up \d+ %, sum up 2 \d+ %, sum up 3 \d+ %, sum up 4–12 idle for this job/)
    // An agent that says only how soon a task follows another has the lanes that were needed.
    expect(await page.locator("main").innerText()).not.toContain("go on 2")
    await page.getByRole("button", { name: "fold the lanes of sum up" }).click()
    await shows(page, /sum up ×3 of 12 \d+ %/)
    expect(complaints).toEqual([])
  })
})
