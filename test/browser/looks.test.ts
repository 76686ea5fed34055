/**
 * Every view of the console as it is looked at: in a wide and a narrow window, in light and dark colours, by axe.
 */
import type { Page } from "playwright-core"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import { hostileTexts, programs as others } from "../support/browser/programs.ts"
import { programs } from "../support/browser/questions.ts"
import { combinations, goTo, openSite, type Site, shows, violationsOf } from "./site.ts"

let site: Site
beforeAll(async () => {
  site = await openSite([...programs, ...others], { tokens: ["all-rights"] })
  await site.start("crawls", "crawl")
  await site.start("oscillates", "doors")
  await site.start("speaks", "hostile")
  await site.start("counts", "counted", { to: 40, ms: 2 })
  await site.start("sends", "letter")
  await site.start("queues", "slow")
  for (const id of ["hostile", "counted"]) await site.reach(id, "converged")
  await site.reach("doors", "budget-exhausted")
  await site.reach("letter", "awaiting")
})
afterAll(() => site?.close())
afterEach(() => site.closePages())

/** Every view, on a job that fills it. */
const places = [
  "jobs",
  "jobs/crawl/overview",
  "jobs/doors/overview",
  "jobs/counted/overview?at=5",
  "jobs/counted/timeline",
  "jobs/counted/timeline?at=10",
  "jobs/counted/program?at=5",
  "jobs/counted/output?at=5",
  "jobs/counted/events?at=5",
  `jobs/hostile/facts?of=Said&fact=${encodeURIComponent(`=${hostileTexts[8]?.slice(0, 80) ?? ""}`)}`,
  "jobs/doors/facts?from=3&at=9",
  "jobs/crawl/program",
  "jobs/crawl/program?agent=fetch",
  "jobs/counted/output",
  "jobs/crawl/events"
]

/** Looks at a page, and notes under a name that which axe finds, and by how much the page is too wide. */
const looking = async (page: Page) => {
  const found: Array<object> = []
  const look = async (name: string): Promise<void> => {
    const wide = await page.evaluate<number>("document.scrollingElement.scrollWidth - innerWidth")
    const violations = await violationsOf(page)
    if (wide > 0 || violations.length > 0) found.push({ name, wide, violations })
  }
  return { found, look }
}

const enter = async (page: Page): Promise<void> => {
  await page.getByLabel("This server needs a token").fill("all-rights")
  await page.keyboard.press("Enter")
  await page.locator("article.approval").first().waitFor()
}

describe("every view", () => {
  it.each(combinations)(
    "fits $width pixels, and passes axe, in $theme colours",
    async (options) => {
      const { complaints, page } = await site.visit("jobs", options)
      await enter(page)
      // A browser tells its console of the answer 401.
      complaints.splice(0)
      const { found, look } = await looking(page)
      for (const place of places) {
        await goTo(page, place)
        await page
          .locator(place === "jobs" ? ".jobList .row" : ".head .numbers")
          .first()
          .waitFor()
        await page.waitForLoadState("networkidle")
        await look(place)
      }
      expect(found).toEqual([])
      expect(complaints).toEqual([])
    },
    60_000
  )
})

describe("where somebody waits, asks or decides", () => {
  it.each(combinations)(
    "all fits $width pixels, and passes axe, in $theme colours",
    async (options) => {
      const { page } = await site.visit("jobs", options)
      const { found, look } = await looking(page)
      await page.getByLabel("This server needs a token").waitFor()
      await look("the question for a token")
      await enter(page)
      await look("a question above the list")
      await goTo(page, "jobs/letter/overview")
      await page.getByRole("button", { name: "Reject…" }).click()
      await look("the question before a refusal")
      await page.getByRole("button", { name: "Keep it open" }).click()
      await goTo(page, "jobs/slow/overview")
      await shows(page, "At this moment")
      await look("a slow job")
      await page.getByRole("button", { name: "Cancel…" }).click()
      await look("the question before a cancel")
      await page.getByRole("button", { name: "Let it run" }).click()
      await goTo(page, "jobs/slow/timeline")
      await page.locator(".legend li").first().waitFor()
      await page.locator(".timeline canvas").focus()
      await page.keyboard.press("ArrowDown")
      await look("a live timeline")
      await goTo(page, "jobs/letter/program")
      await page.getByRole("region", { name: "Intents" }).waitFor()
      await look("a program with intents")
      await goTo(page, "jobs/counted/facts?of=Step&fact=%3D3")
      await page.getByRole("button", { name: /^Fork from/ }).click()
      await look("the form of a fork")
      await goTo(page, "jobs/nobody/overview")
      await page.getByRole("alert").waitFor()
      await look("no such job")
      expect(found).toEqual([])
    },
    60_000
  )
})
