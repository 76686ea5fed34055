/** The tasks of a job, over time and as they report: while it runs, for a viewer who comes late, and afterwards. */
import type { Page } from "playwright-core"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import { holdAt, letGo } from "../support/browser/held.ts"
import { programs } from "../support/browser/questions.ts"
import { jsonOf } from "../support/server/harness.ts"
import { goTo, listening, nextFrames, openSite, type Site, shows, until } from "./site.ts"

let site: Site
beforeAll(async () => {
  site = await openSite(programs)
  // The workers start with the first job, and not in the middle of the one that is looked at.
  await site.start("varied", "first", { isHeld: false })
  await site.reach("first", "converged")
  await site.start("varied", "over", { isHeld: false })
  await site.reach("over", "converged")
})
afterAll(() => site?.close())
afterEach(() => site.closePages())

/** The legend: how many tasks there are of each sort. */
const legend = async (page: Page): Promise<Readonly<Record<string, string>>> =>
  Object.fromEntries(
    await page.evaluate<ReadonlyArray<readonly [string, string]>>(
      `[...document.querySelectorAll(".legend li")].map((item) => [item.dataset.outcome, item.querySelector("b").textContent])`
    )
  )

describe("the timeline", () => {
  it("shows, while a job runs, tasks that run and wait, and what became of the others", async () => {
    await site.start("varied", "held", { isHeld: true })
    // A viewer who comes when tasks run already: nothing was told of them before.
    await until(async () => {
      const now = await jsonOf(await site.running.fetch("/api/v1/jobs/held/tasks"))
      return now["waits"] === 2 && (now["running"] as ReadonlyArray<object>).length === 1
    })
    const { complaints, page } = await site.visit("jobs/held/timeline")
    // The worker may still have to start.
    await until(async () => {
      const { queued, running } = await legend(page)
      return queued === "2" && running === "1"
    })
    await expect.poll(() => page.locator(".longest tbody tr").first().innerText()).toContain("so far")
    await site.running.post("/api/v1/jobs/held/cancel")
    // The task that ran was stopped with the job, after the one that had been ended for its time; the others never began.
    await until(async () => {
      const { killed, queued, running } = await legend(page)
      return killed === "2" && queued === undefined && running === undefined
    })
    expect(complaints).toEqual([])
  })

  it("hears of each end when somebody listens from the start", async () => {
    holdAt("heard", 0)
    await site.start("varied", "heard", { isHeld: true })
    const { complaints, page } = await site.visit("jobs/heard/overview")
    await listening(page, () => page.getByRole("tab", { name: "Timeline" }).click())
    letGo("heard")
    await until(async () => {
      const { discarded, killed, retried, running } = await legend(page)
      return [retried, discarded, killed, running].join() === "1,1,1,1"
    })
    await expect.poll(() => legend(page)).toMatchObject({ queued: "2", running: "1" })
    await site.running.post("/api/v1/jobs/heard/cancel")
    expect(complaints).toEqual([])
  })

  it("shows all of the cycle under way to a viewer who comes late: ended tasks, idle workers, and since when tasks wait", async () => {
    await site.start("stuck", "late")
    await until(async () => (await jsonOf(await site.running.fetch("/api/v1/jobs/late/tasks")))["ends"] === 4)
    const since = Date.now()
    await until(async () => Date.now() - since > 2_000)
    const { complaints, page } = await site.visit("jobs/late/timeline")
    await until(async () => {
      const { done, queued, running } = await legend(page)
      return [done, queued, running].join() === "4,1,2"
    })
    // One worker may do all of it while the other one starts.
    await shows(page, /Busy: worker 1 (\d+ %|idle for this job), worker 2 (\d+ %|idle for this job), sit \d+ %/)
    const rows = () => page.locator(".longest tbody tr").allInnerTexts()
    await expect.poll(async () => (await rows()).filter((row) => /worker [12]/.test(row)).length).toBe(5)
    await expect.poll(async () => (await rows()).some((row) => /sit\s+Seat\/1\s+sit/.test(row))).toBe(true)
    const canvas = page.locator(".timeline canvas")
    await canvas.focus()
    const tip = page.getByRole("status").filter({ hasText: /cycle 1 / })
    await until(async () => {
      await page.keyboard.press("ArrowDown")
      return (await tip.innerText()).includes("waits")
    })
    // It waits since the cycle began, and not since the page was opened.
    expect(await tip.innerText()).toMatch(/([2-9]|\d\d)(\.\d+)? s so far .* waits for a permit of its agent/)
    await site.running.post("/api/v1/jobs/late/cancel")
    expect(complaints).toEqual([])
  })

  it("shows afterwards what was recorded: each end, the merge and the commit, with lanes and the longest tasks", async () => {
    const { complaints, page } = await site.visit("jobs/over/timeline")
    await until(async () => (await legend(page))["committed"] === "2 cycles")
    await expect.poll(() => legend(page)).toMatchObject({ retried: "1", discarded: "1", killed: "1" })
    const rows = await page.locator(".longest tbody tr").allInnerTexts()
    expect(rows.find((row) => row.includes("late"))).toMatch(/killed\s+AgentTimedOut/)
    expect(rows.find((row) => row.includes("wrong"))).toContain("AgentFailed")
    expect(rows.find((row) => row.includes("flaky"))).toContain("2 attempts")
    expect(rows.find((row) => row.includes("parse"))).toMatch(/worker [12]/)
    // One worker may do all of it while the other one starts.
    await shows(page, /Busy: worker 1 (\d+ %|idle for this job).* flaky \d+ %/)
    // Three tasks share one permit, so the last waited for two: the table says how long.
    expect(rows.find((row) => row.includes("Seat/3"))).toMatch(/waited \d/)
    expect(complaints).toEqual([])
  })

  it("names a task under the pointer, opens its fact by a click, and is enlarged and moved", async () => {
    const { complaints, page } = await site.visit("jobs/over/timeline")
    const canvas = page.locator(".timeline canvas")
    await until(async () => Object.keys(await legend(page)).length > 3)
    const box = (await canvas.boundingBox())!
    await nextFrames(page)
    const hover = async (): Promise<{ readonly x: number; readonly y: number }> => {
      for (let y = 35; y < box.height; y += 11) {
        for (let x = 90; x < box.width; x += 23) {
          await page.mouse.move(box.x + x, box.y + y)
          await nextFrames(page)
          if ((await page.locator(".tip").count()) > 0) return { x: box.x + x, y: box.y + y }
        }
      }
      throw new Error("there is no task on the canvas")
    }
    const { x, y } = await hover()
    expect(await page.locator(".tip").innerText()).toMatch(/cycle [12] · /)
    const picture = (): Promise<string> => page.evaluate(`document.querySelector(".timeline canvas").toDataURL()`)
    await page.mouse.move(0, 0)
    await page.locator(".tip").waitFor({ state: "detached" })
    await nextFrames(page)
    const whole = await picture()
    await page.getByRole("button", { name: "Zoom in" }).click()
    await until(async () => (await picture()) !== whole)
    await page.getByRole("button", { name: "all", exact: true }).click()
    await until(async () => (await picture()) === whole)
    // The middle may have no task. The wheel keeps what is under the pointer in view.
    await page.mouse.move(x, y)
    await page.keyboard.down("Control")
    await page.mouse.wheel(0, -200)
    await page.keyboard.up("Control")
    await shows(page, "The longest tasks in view")
    await shows(page, /Busy in view: /)
    await page.getByRole("button", { name: "all", exact: true }).click()
    await page.mouse.move(0, 0)
    await until(async () => (await picture()) === whole)
    await shows(page, "The longest tasks here")
    await page.mouse.click(x, y)
    await page.waitForURL(/\/facts\?of=(Item|Seat)&fact=/)
    await page.locator(".pane h2").waitFor()
    expect(complaints).toEqual([])
  })

  it("shows tasks that failed at once, each with a bar that is hovered and chosen", async () => {
    await site.start("fails", "quickly")
    await site.reach("quickly", "failed")
    const { complaints, page } = await site.visit("jobs/quickly/timeline")
    await until(async () => Number((await legend(page))["discarded"] ?? 0) > 0)
    const canvas = page.locator(".timeline canvas")
    await canvas.focus()
    await page.keyboard.press("ArrowDown")
    const tip = page.getByRole("status").filter({ hasText: "no effect" })
    expect(await tip.innerText()).toMatch(/AgentFailed/)
    // The tip stands beside the bar, which the pointer then looks for there.
    const place = await page.evaluate<{ readonly x: number; readonly y: number }>(`(() => {
      const { left, right, top } = document.querySelector(".tip").style
      const { width } = document.querySelector(".timeline canvas").getBoundingClientRect()
      return { x: left === "" ? width - parseFloat(right) - 20 : parseFloat(left) + 20, y: parseFloat(top) - 22 }
    })()`)
    await page.keyboard.press("Escape")
    await tip.waitFor({ state: "detached" })
    const box = (await canvas.boundingBox())!
    const found = async (): Promise<boolean> => {
      for (let y = place.y; y < place.y + 16; y += 4) {
        for (let x = place.x + 26; x > place.x - 26; x--) {
          await page.mouse.move(box.x + x, box.y + y)
          await nextFrames(page)
          if ((await tip.count()) > 0) return true
        }
      }
      return false
    }
    expect(await found()).toBe(true)
    await page.mouse.down()
    await page.mouse.up()
    await page.waitForURL(/\/facts\?of=Item&fact=/)
    expect(complaints).toEqual([])
  })

  it.each([10, -10])("of a browser whose clock is wrong by %d minutes has the times of the server", async (minutes) => {
    const id = `skewed${minutes}`
    await site.start("varied", id, { isHeld: true })
    await until(async () => {
      const now = await jsonOf(await site.running.fetch(`/api/v1/jobs/${id}/tasks`))
      return now["waits"] === 2 && (now["running"] as ReadonlyArray<object>).length === 1
    })
    const page = await site.browser.newPage()
    await page.addInitScript(`{ const now = Date.now; Date.now = () => now() + ${minutes * 60_000} }`)
    await page.goto(`${site.running.url}/inspector#/jobs/${id}/timeline`)
    const took = page.locator(".longest tbody td.num", { hasText: "so far" })
    await until(async () => /^[1-9]\d*(\.\d+)? s so far$/.test(await took.innerText()))
    // The age of the job goes by the same clock.
    await shows(page, /[1-9]\d* s ago/)
    await page.close()
    await site.running.post(`/api/v1/jobs/${id}/cancel`)
  })

  it("of a live job is left for a job that has ended, and asks for no stream of that", async () => {
    await site.start("varied", "left", { isHeld: true })
    await site.start("streams", "short", { words: 1 })
    await site.reach("short", "converged")
    const { complaints, page } = await site.visit("jobs/left/timeline")
    const asked: Array<string> = []
    page.on("request", (request) => void asked.push(new URL(request.url()).pathname))
    await page.locator(".legend li").first().waitFor()
    await goTo(page, "jobs/short/timeline")
    await until(async () => (await legend(page))["committed"] === "1 cycle")
    expect(asked.filter((path) => path.endsWith("/short/telemetry"))).toEqual([])
    await site.running.post("/api/v1/jobs/left/cancel")
    expect(complaints).toEqual([])
  })

  it("is gone through by keys alone: task by task, to the fact of one", async () => {
    const { complaints, page } = await site.visit("jobs/over/timeline")
    await until(async () => Object.keys(await legend(page)).length > 3)
    const canvas = page.locator(".timeline canvas")
    await canvas.focus()
    await page.keyboard.press("ArrowDown")
    const tip = page.getByRole("status").filter({ hasText: /cycle [12] / })
    const first = await tip.innerText()
    await page.keyboard.press("ArrowDown")
    await until(async () => (await tip.innerText()) !== first)
    await page.keyboard.press("ArrowUp")
    await until(async () => (await tip.innerText()) === first)
    // The first Escape lets go of the task, and does not leave the job.
    await page.keyboard.press("Escape")
    await tip.waitFor({ state: "detached" })
    expect(page.url()).toContain("/timeline")
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("Enter")
    await page.waitForURL(/\/facts\?of=/)
    await page.goBack()
    await canvas.waitFor()
    expect(complaints).toEqual([])
  })
})

describe("what tasks report", () => {
  it("appears as it comes, for each task by itself, and stays when the job has ended", async () => {
    holdAt("told", 1)
    await site.start("streams", "told", { words: 50 })
    const { complaints, page } = await site.visit("jobs/told/overview")
    await listening(page, () => page.getByRole("tab", { name: "Output" }).click())
    holdAt("told", 10)
    const of = (side: string) => page.locator("article.report", { hasText: `Item/${side}` })
    const text = async (side: string): Promise<string> => (await of(side).locator("pre").textContent()) ?? ""
    await of("left").waitFor()
    await until(async () => (await text("left")).includes("left10 "))
    const early = await text("left")
    holdAt("told", 20)
    await until(async () => (await text("left")).includes("left20 "))
    const later = await text("left")
    expect(later.startsWith(early)).toBe(true)
    expect(later).not.toContain("right")
    await expect.poll(() => text("right")).toMatch(/right\d+ right\d+ /)
    await page.locator("article.report.live").first().waitFor()
    letGo("told")
    await site.reach("told", "converged")
    await until(async () => (await page.locator("article.report.live").count()) === 0)
    for (const side of ["left", "right"]) await expect.poll(() => text(side)).toContain(`${side}50 `)
    expect(complaints).toEqual([])
  })
})

describe("the time of a job that has ended", () => {
  it("is in each state of its machine, as far as the journal knows, and what it does not know is said", async () => {
    const { complaints, page } = await site.visit("jobs/over/overview")
    const chart = page.getByRole("img", { name: /^The job's machine/ })
    await until(async () => /running\.executing \d/.test((await chart.getAttribute("aria-label")) ?? ""))
    expect(complaints).toEqual([])
  })
})

describe("the list of events", () => {
  it("has headings, and the times of cycles in sight, for each event that has one", async () => {
    const { complaints, page } = await site.visit("jobs/over/events")
    await page.getByText("time", { exact: true }).waitFor()
    const rows = page.locator(".events .row")
    const cell = async (tag: string): Promise<string> =>
      rows.filter({ hasText: tag }).first().locator(":nth-child(2)").first().innerText()
    await until(async () => (await cell("CycleStarted")) !== "")
    await expect.poll(() => cell("JobStarted")).toBe("0.000 s")
    for (const tag of ["FactsCommitted", "JobHalted"]) await until(async () => (await cell(tag)) !== "")
    const [began, committed, halted] = [
      await cell("CycleStarted"),
      await cell("FactsCommitted"),
      await cell("JobHalted")
    ]
    for (const text of [began, committed, halted]) expect(text).toMatch(/^\d+\.\d{3} s$/)
    expect(Number.parseFloat(began)).toBeLessThan(Number.parseFloat(committed))
    // Nobody knows when between two rows a tier converged.
    expect(await cell("TierConverged")).toBe("")
    await rows.filter({ hasText: "FactsCommitted" }).first().click()
    await shows(page, /Cycle 1 began .* after the job's start, and was committed .* later/)
    await rows.filter({ hasText: "TierConverged" }).first().click()
    await shows(page, "No time is recorded of this event.")
    expect(complaints).toEqual([])
  })
})
