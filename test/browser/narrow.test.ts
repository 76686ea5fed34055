/** A narrow window: what was tapped is in sight, and the rows of the list say what a wide one says. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import { holdAt, letGo } from "../support/browser/held.ts"
import { programs as others } from "../support/browser/programs.ts"
import { programs } from "../support/browser/questions.ts"
import { firstScreen, focused, openSite, type Site, shows, until } from "./site.ts"

let site: Site
beforeAll(async () => {
  site = await openSite([...programs, ...others])
  await site.start("counts", "counted", { to: 30, ms: 0 })
  await site.start("fails", "failed")
  await site.reach("counted", "converged")
  await site.reach("failed", "failed")
})
afterAll(() => site?.close())
afterEach(() => site.closePages())

const narrow = { width: 390, height: 844 } as const

describe("a narrow window", () => {
  it("shows a fact that is tapped, or that the address names, and leads back to the list", async () => {
    const { complaints, page } = await site.visit("jobs/counted/facts", narrow)
    await page.locator(".factList .row", { hasText: "Step/7" }).click()
    await page.getByLabel("the chosen fact").getByText("added by").waitFor()
    await until(async () => (await firstScreen(page)).includes("added by"))
    const address = new URL(page.url()).hash.slice(2)
    await page.getByRole("button", { name: "Close the fact" }).click()
    await page.getByText("added by").waitFor({ state: "detached" })
    await until(async () => (await focused(page)).endsWith("facts"))
    const shared = await site.visit(address, narrow)
    await until(async () => (await firstScreen(shared.page)).includes("added by"))
    expect([...complaints, ...shared.complaints]).toEqual([])
  })

  it("shows an event that is tapped, and leads back to the list", async () => {
    const { page } = await site.visit("jobs/counted/events", narrow)
    await page.locator(".events .row", { hasText: "JobStarted" }).click()
    await until(async () => (await firstScreen(page)).includes(`"_tag": "JobStarted"`))
    await page.getByRole("button", { name: "Close the event" }).click()
    await page.getByText(`"_tag": "JobStarted"`).waitFor({ state: "detached" })
    await until(async () => (await focused(page)).startsWith("events"))
    expect(await page.evaluate("document.scrollingElement.scrollWidth - innerWidth")).toBeLessThanOrEqual(0)
  })

  it("has the error, the budget and the duration in the rows of the list", async () => {
    const { page } = await site.visit("jobs", narrow)
    const row = page.locator(".jobList .row", { hasText: "failed" }).first()
    await row.getByText("AgentFailed").waitFor()
    await row.locator(".used .bar").waitFor()
    await row.locator(".took", { hasText: /\d+(\.\d+)? m?s/ }).waitFor()
    expect(await page.evaluate("document.scrollingElement.scrollWidth - innerWidth")).toBeLessThanOrEqual(0)
  })
})

describe("the machine in a narrow window", () => {
  it("shows the state that the job is in", async () => {
    const { page } = await site.visit("jobs/counted/overview", narrow)
    const chart = page.getByRole("img", { name: /Active: converged/ })
    const box = (await chart.boundingBox())!
    await until(async () => {
      const { width, x } = (await chart.locator(".node.on.converged").boundingBox())!
      return x >= box.x && x + width <= box.x + box.width
    })
  })
})

describe("a pause in a narrow window", () => {
  it("is told of beside a heading that can be read", async () => {
    holdAt("waits", 0)
    await site.start("counts", "waits", { to: 900, ms: 50 })
    await site.reach("waits", "running")
    const { page } = await site.visit("jobs/waits/overview", narrow)
    await page.getByRole("button", { name: "Pause" }).click()
    await page.getByRole("status").filter({ hasText: "pauses after this cycle" }).waitFor()
    expect((await page.locator(".head h1").boundingBox())!.height).toBeLessThan(80)
    expect(await page.evaluate("document.scrollingElement.scrollWidth - innerWidth")).toBeLessThanOrEqual(0)
    letGo("waits")
  })
})

describe("the filter by an attribute", () => {
  it("says what is wrong with a text that is none, and takes the sign of the command line too", async () => {
    const { page } = await site.visit("jobs")
    const asked: Array<string | null> = []
    page.on("request", (request) => {
      const url = new URL(request.url())
      if (url.pathname.endsWith("/jobs")) asked.push(url.searchParams.get("attribute"))
    })
    const field = page.getByLabel(/Filter by an attribute/)
    await field.fill("nocolon")
    await shows(page, /An attribute is a key, a colon and a value/)
    await field.fill("customer=42:7")
    await until(async () => asked.includes("customer:42:7"))
    await page.getByText(/An attribute is a key/).waitFor({ state: "detached" })
    expect(asked).not.toContain("nocolon")
  })
})

describe("cycles", () => {
  it("are told apart: a place in the list and the head, an amount in the budget", async () => {
    const { page } = await site.visit("jobs")
    await page.locator(".jobList .row", { hasText: "counted" }).getByText("cycle 31", { exact: true }).waitFor()
    await page.locator(".jobList .row", { hasText: "counted" }).click()
    await page.locator(".budget tr", { hasText: "cycles used" }).getByText("32", { exact: true }).waitFor()
    await page.locator(".numbers div", { hasText: /^cycle\s*31$/ }).waitFor()
  })
})
