/**
 * The console in a real browser, on a server with a SQLite store and worker threads: each test is somebody who comes with a question.
 *
 * Every page is watched for complaints: errors on its console, and requests to another origin.
 */
import type { Page } from "playwright-core"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import { JobStore } from "../../src/index.ts"
import { holdAt, letGo } from "../support/browser/held.ts"
import { hostileTexts, programs } from "../support/browser/programs.ts"
import { serve, stateOf } from "../support/server/harness.ts"
import { listening, openSite, reachOn, type Site, shows, showsFirst, startOn, until } from "./site.ts"

const folder = mkdtempSync(join(tmpdir(), "console-"))
const storeIn = (name: string) => JobStore.layerSqlite({ filename: join(folder, name) })

let site: Site
beforeAll(async () => {
  site = await openSite(programs)
  await site.start("crawls", "crawl")
  await site.start("oscillates", "doors")
  await site.start("speaks", "hostile")
  await site.start("counts", "counted", { to: 40, ms: 2 })
  await site.reach("crawl", "failed")
  await site.reach("doors", "budget-exhausted")
  for (const id of ["hostile", "counted"]) await site.reach(id, "converged")
})
afterAll(async () => {
  await site?.close()
  rmSync(folder, { recursive: true, force: true })
})
afterEach(() => site.closePages())

describe("the first screen of a job", () => {
  it("says why the job failed: agent, fact, message and error", async () => {
    const { complaints, page } = await site.visit("jobs/crawl/overview")
    await shows(page, /Agent "fetch" failed/)
    await showsFirst(page, ["HttpError", "https://example.com/2/1", "the server answered 503", "in cycle 3"])
    expect(complaints).toEqual([])
  })

  it("says which facts keep changing, between which agents, with their values side by side", async () => {
    const { complaints, page } = await site.visit("jobs/doors/overview")
    await shows(page, /It used up its budget of cycles/)
    const values = [`{"name":"front","state":"open"}`, `{"name":"front","state":"shut"}`]
    await showsFirst(page, ["Door/front changed", `"closer" and "opener"`, ...values, "Facts added"])
    expect(complaints).toEqual([])
  })

  it("shows both sides of a conflict that ended the job, and the agents that disagree", async () => {
    await site.start("disagrees", "price")
    await site.reach("price", "failed")
    const { complaints, page } = await site.visit("jobs/price/overview")
    await page.getByLabel("both sides").waitFor()
    await showsFirst(page, ["MergeConflict", `there, from shop`, `"cents": 120`, "proposed by list", `"cents": 150`])
    expect(complaints).toEqual([])
    await page.keyboard.press("Escape")
    await page.locator(".jobList .row").first().waitFor()
  })

  it("says which task a slow job waits for, and since when; a cancel asks first", async () => {
    await site.start("sticks", "slow")
    const { complaints, page } = await site.visit("jobs/slow/overview")
    await shows(page, /It waits for "parse" on Item\/stuck, which has run for [\d.]+ s on worker [12]/)
    // The other worker may still have to start.
    for (const text of ["The cycle waits for this task alone.", "1 of 2 workers is busy, 1 idle"])
      await shows(page, text)
    await showsFirst(page, ["The cycle waits for this task alone.", "1 of 2 workers is busy, 1 idle"])
    expect(complaints).toEqual([])
    await page.getByRole("button", { name: "Cancel…" }).click()
    await page.getByRole("button", { name: "Let it run" }).click()
    expect(await stateOf(site.running, "slow")).toBe("running")
    await page.getByRole("button", { name: "Cancel…" }).click()
    await page.getByRole("button", { name: "Cancel the job" }).click()
    await shows(page, /It was cancelled in cycle/)
    expect(await stateOf(site.running, "slow")).toBe("cancelled")
  })

  it("deletes a job that has ended, after a question, and shows the attributes of one", async () => {
    const attributes = { customer: "Ada & Söhne" }
    await site.running.post("/api/v1/jobs", { program: "counts", id: "gone", input: { to: 1, ms: 0 }, attributes })
    const { complaints, page } = await site.visit("jobs/gone/overview")
    await shows(page, "Ada & Söhne")
    await page.getByRole("button", { name: "Delete…" }).click()
    await page.getByRole("button", { name: "Keep the job" }).click()
    expect(await stateOf(site.running, "gone")).toBe("converged")
    await page.getByRole("button", { name: "Delete…" }).click()
    await page.getByRole("button", { name: "Delete the job" }).click()
    await page.locator(".jobList").waitFor()
    expect(page.url()).toContain("#/jobs")
    expect((await site.running.fetch("/api/v1/jobs/gone")).status).toBe(404)
    expect(complaints).toEqual([])
  })

  it("says that an ended job is gone, when somebody else has deleted it", async () => {
    await site.running.post("/api/v1/jobs", { program: "counts", id: "vanishes", input: { to: 1, ms: 0 } })
    const { page } = await site.visit("jobs/vanishes/overview")
    await shows(page, /It converged after cycle/)
    const { status } = await site.running.fetch("/api/v1/jobs/vanishes", { method: "DELETE" })
    expect(status).toBe(200)
    await page.getByText(/It converged after cycle/).waitFor({ state: "detached" })
    await shows(page, "vanishes")
  })

  it("shows the question that the job waits for, and takes the answer", async () => {
    await site.start("sends", "letter")
    await site.reach("letter", "awaiting")
    const list = await site.visit("jobs")
    await shows(list.page, "Send the letter to Ada?")
    const { complaints, page } = await site.visit("jobs/letter/overview")
    await shows(page, "It waits for an answer: Send the letter to Ada?")
    await showsFirst(page, [`"pages": 3`, "Approve", "awaiting"])
    expect(complaints).toEqual([])
    await page.getByLabel("Note").fill("gladly")
    await page.getByRole("button", { name: "Approve" }).click()
    await site.reach("letter", "converged")
    await shows(page, "It converged after cycle")
    await page.getByText("Waiting for you").waitFor({ state: "detached" })
    const facts = await site.running.fetch("/api/v1/jobs/letter/facts")
    expect(await facts.text()).toContain(`"reason":"gladly"`)
  })
})

describe("a job that lives", () => {
  it("is watched from start to end, with the reports of its tasks", async () => {
    holdAt("live", 5)
    await site.start("counts", "live", { to: 20, ms: 5 })
    const { complaints, page } = await site.visit("jobs/live/overview")
    await shows(page, /It runs, in cycle \d/)
    await listening(page, () => page.getByRole("tab", { name: "Output" }).click())
    holdAt("live", 15)
    await page.locator("article.report").first().waitFor()
    await page.getByRole("tab", { name: "Overview" }).click()
    letGo("live")
    await shows(page, "It converged after cycle 21")
    expect(complaints).toEqual([])
  })

  it("tells a late viewer everything: its events, its cycles and its output", async () => {
    const { complaints, page } = await site.visit("jobs/counted/events")
    // Events may still come.
    await until(async () => {
      await page.locator(".events").press("End")
      return page.getByText("JobHalted").first().isVisible()
    })
    await page.getByRole("tab", { name: "Timeline" }).click()
    await shows(page, "The longest tasks here")
    await page.getByRole("tab", { name: "Output" }).click()
    await shows(page, /^41$/)
    expect(complaints).toEqual([])
  })

  it("shows any past cycle when the slider is moved", async () => {
    const { complaints, page } = await site.visit("jobs/counted/facts")
    const all = page.getByRole("button", { name: /all kinds/ })
    await until(async () => (await all.innerText()).includes("41"))
    await page.getByRole("slider").press("Home")
    for (let step = 0; step < 5; step++) await page.getByRole("slider").press("ArrowRight")
    await until(async () => /\b6\b/.test(await all.innerText()))
    // Counts and facts are two answers.
    await until(async () => (await page.locator(".factList [role=option]").count()) === 6)
    await page.getByRole("tab", { name: "Overview" }).click()
    await shows(page, "After cycle 5")
    await shows(page, "Changes of cycle 5")
    await page.getByRole("button", { name: "Back to now" }).click()
    await page.getByText("After cycle 5").waitFor({ state: "detached" })
    expect(complaints).toEqual([])
  })

  it("is forked from a past cycle with a changed fact, and compared with the fork", async () => {
    const { complaints, page } = await site.visit(`jobs/counted/facts?at=3&of=Step&fact=${encodeURIComponent("=3")}`)
    await page.getByRole("button", { name: "Fork from cycle 3 with another value…" }).click()
    await page.getByRole("textbox", { name: /The value of/ }).fill("{")
    await page.getByRole("button", { name: "Fork", exact: true }).click()
    await shows(page, "The value is not valid JSON")
    await page.getByRole("textbox", { name: /The value of/ }).fill(`{"n": 100}`)
    await page.getByRole("button", { name: "Fork", exact: true }).click()
    const fork = page.locator(".fork [role=status] > a").first()
    const id = (await fork.innerText()).trim()
    await shows(page, /The value has another id: it is a fact of its own, Step\/100, and Step\/3 stays as it was/)
    const line = page.locator(".fork [role=status]")
    await until(() =>
      page.evaluate<boolean>(`document.querySelector(".fork [role=status]").contains(document.activeElement)`)
    )
    const [told, pane] = [(await line.boundingBox())!, (await page.locator(".pane").boundingBox())!]
    expect(told.y + told.height).toBeLessThanOrEqual(Math.min(pane.y + pane.height, 900) + 1)
    await site.reach(id, "converged")
    await page.getByRole("link", { name: "Compare the facts of both" }).click()
    await page.locator(".diff .added").filter({ hasText: "Step/100" }).waitFor()
    await expect.poll(() => page.locator(".diff li").count()).toBe(1)
    expect(complaints).toEqual([])
  })
})

describe("a past cycle", () => {
  const panel = (page: Page, title: string) =>
    page.locator(".panel", { has: page.getByRole("heading", { name: title }) })
  const budgetOf = async (page: Page, name: string): Promise<string> =>
    (await panel(page, "Budget").locator("tr", { hasText: name }).locator("td").first().innerText()).trim()

  it("is what the whole overview shows: the answer, the numbers, the machine and the budget", async () => {
    const { complaints, page } = await site.visit("jobs/counted/overview?at=5")
    await shows(page, "You are looking at cycle 5 of 41")
    await shows(page, `In cycle 5 it executed 1 task of "count". Then it went on.`)
    await shows(page, /^Since then: 36 cycles, 35 facts added, 0 changed, 0 removed/)
    await showsFirst(page, ["At cycle 5", "running", "You are looking at cycle 5 of 41", "Back to now"])
    await expect.poll(() => page.locator(".numbers div", { hasText: "facts" }).first().innerText()).toMatch(/6$/)
    await expect.poll(() => budgetOf(page, "cycles")).toBe("5")
    await expect.poll(() => budgetOf(page, "tasks")).toBe("5")
    await shows(page, "used by the end of cycle 5")
    await page.getByLabel("The job's machine. Active: running.executing.").waitFor()
    expect(await page.getByText("It converged").count()).toBe(0)
    // A reload keeps the cycle, and so does a change of the view.
    await page.reload()
    await shows(page, "You are looking at cycle 5 of 41")
    await page.getByRole("tab", { name: "Output" }).click()
    await shows(page, "At cycle 5 there was no output yet")
    expect(await page.getByText(/^41$/).count()).toBe(0)
    expect(page.url()).toContain("at=5")
    await page.keyboard.press("Escape")
    await shows(page, /^41$/)
    expect(complaints).toEqual([])
  })

  it("is moved by keys, one cycle at a time, and by the slider", async () => {
    const { complaints, page } = await site.visit("jobs/counted/overview")
    await shows(page, "It converged after cycle")
    await page.keyboard.press("[")
    await shows(page, "You are looking at cycle 40 of 41")
    await page.keyboard.press("[")
    await shows(page, "In cycle 39 it executed 1 task")
    await page.keyboard.press("]")
    await page.keyboard.press("]")
    await shows(page, "It converged after cycle")
    await page.getByRole("slider").focus()
    await page.keyboard.press("Home")
    await shows(page, "It had begun, and no cycle had run.")
    await page.getByRole("button", { name: "Next cycle" }).click()
    await shows(page, "You are looking at cycle 1 of 41")
    await page.getByRole("button", { name: "Back to now" }).click()
    await shows(page, "It converged after cycle")
    expect(page.url()).not.toContain("at=")
    expect(complaints).toEqual([])
  })

  it("has the events up to it, and a mark in the timeline with what came later faded", async () => {
    const { complaints, page } = await site.visit("jobs/counted/timeline?at=10")
    await shows(page, "The longest tasks up to cycle 10")
    await page.locator(".longest tbody tr").first().waitFor()
    const cycles = await page.locator(".longest tbody td:nth-child(4)").allInnerTexts()
    expect(cycles.length).toBeGreaterThan(0)
    expect(cycles.filter((cycle) => Number(cycle) > 10)).toEqual([])
    const picture = () => page.evaluate<string>(`document.querySelector(".timeline canvas").toDataURL()`)
    const marked = await picture()
    await page.keyboard.press("Escape")
    await shows(page, "The longest tasks here")
    await until(async () => (await picture()) !== marked)
    await page.goto(`${site.running.url}/inspector#/jobs/counted/events?at=10`)
    await shows(page, /events up to cycle 10/)
    await page.locator(".events").press("End")
    expect(await page.getByText("JobHalted").count()).toBe(0)
    await page.getByLabel("Which events").selectOption("only facts")
    await shows(page, "11 events up to cycle 10")
    expect(complaints).toEqual([])
  })

  it("of a job that failed tells of the end at the last cycle, and not before", async () => {
    const { complaints, page } = await site.visit("jobs/crawl/overview?at=1")
    await shows(page, `In cycle 1 it executed 1 task of "fetch". Then it went on.`)
    expect(await page.getByText("HttpError").count()).toBe(0)
    const { cycle } = (await (await site.running.fetch("/api/v1/jobs/crawl")).json()) as { readonly cycle: number }
    await page.goto(`${site.running.url}/inspector#/jobs/crawl/overview?at=${cycle}`)
    await shows(page, /Then it ended: Agent "fetch" failed/)
    await shows(page, "HttpError")
    await page.goto(`${site.running.url}/inspector#/jobs/crawl/overview?at=99`)
    await shows(page, /the job has no cycle 99/)
    expect(complaints.filter((complaint) => !/status of 40[04]/.test(complaint))).toEqual([])
  })

  it("of a job that waits shows what it waited for, and no question of the present", async () => {
    await site.start("sends", "past letter")
    await site.reach("past letter", "awaiting")
    const { complaints, page } = await site.visit("jobs/past letter/overview?at=1")
    await shows(page, /Then it waited for the approval "send" \(.*\)\./)
    await shows(page, "It waited for")
    await page.getByLabel("The job's machine. Active: awaiting.").waitFor()
    expect(await page.getByText("Waiting for you").count()).toBe(0)
    await page.getByRole("button", { name: "Back to now" }).click()
    await shows(page, "Waiting for you")
    await site.running.post("/api/v1/jobs/past%20letter/approvals/send", {
      decision: "reject",
      by: "Grace",
      note: "no"
    })
    await site.reach("past letter", "converged")
    await page.goto(`${site.running.url}/inspector#/jobs/past letter/overview?at=1`)
    await shows(page, /Then it waited for the approval "send" .*, and went on later\./)
    await shows(page, "awaiting, and went on")
    expect(complaints).toEqual([])
  })
})

describe("a fact", () => {
  it("shows its revisions, its derivation both ways, and the task that added it", async () => {
    const { complaints, page } = await site.visit(`jobs/doors/facts?of=Door&fact=${encodeURIComponent("=front")}`)
    await shows(page, /Revisions/)
    await expect.poll(() => page.locator(".pane .values li").count()).toBeGreaterThan(50)
    await page.goto(`${site.running.url}/inspector#/jobs/counted/facts?of=Step&fact=${encodeURIComponent("=7")}`)
    await page.locator(".derivation .center", { hasText: "Step/7" }).waitFor()
    for (const name of ["Step/6", "Step/8"]) await page.locator(".derivation a", { hasText: name }).first().waitFor()
    await shows(page, "33 facts would have no derivation left.")
    expect(complaints).toEqual([])
  })

  it("whose text or id is hostile is shown as text, and reachable", async () => {
    const { complaints, page } = await site.visit("jobs/hostile/facts")
    const rows = page.locator(".factList [role=option]")
    await until(async () => (await rows.count()) === hostileTexts.length)
    for (const [index, text] of hostileTexts.entries()) {
      await rows.nth(index).click()
      const wanted = JSON.stringify({ text }, undefined, 2).replaceAll("\u202E", "U+202E").slice(0, 200)
      await until(async () => ((await page.locator(".pane pre.value").textContent()) ?? "").startsWith(wanted))
    }
    expect(await page.locator("#app img, #app script").count()).toBe(0)
    expect(await page.title()).toBe("hostile · converge")
    // A mark that turns the direction is shown as its code.
    await rows.nth(2).locator(".odd", { hasText: "U+202E" }).first().waitFor()
    expect(complaints).toEqual([])
  })
})

describe("the list of jobs", () => {
  it("keeps focus, selection and typed text over ten refreshes", async () => {
    const { complaints, page } = await site.visit("jobs")
    await page.clock.install()
    await page.reload()
    await page.locator(".jobList .row").first().waitFor()
    await page.locator(".jobList").focus()
    await page.keyboard.press("Home")
    await page.keyboard.press("ArrowDown")
    const chosen = await page.locator(".row.chosen").innerText()
    const refresh = async (count: number): Promise<void> => {
      for (let index = 0; index < count; index++) {
        const answered = page.waitForResponse((response) => response.url().includes("/api/v1/jobs?"))
        await page.clock.runFor(1_100)
        await answered
      }
    }
    await refresh(5)
    const isHere = (selector: string): Promise<boolean> =>
      page.evaluate(`document.activeElement === document.querySelector(${JSON.stringify(selector)})`)
    expect(await isHere(".jobList")).toBe(true)
    expect((await page.locator(".row.chosen").innerText()).split("\n").slice(0, 3)).toEqual(
      chosen.split("\n").slice(0, 3)
    )
    await page.keyboard.press("/")
    await page.keyboard.type("door")
    await page.keyboard.press("Shift+ArrowLeft")
    await refresh(5)
    expect(await isHere("#search")).toBe(true)
    const selected = await page.evaluate(`(() => {
      const { selectionEnd, selectionStart, value } = document.activeElement
      return [value, selectionStart, selectionEnd]
    })()`)
    expect(selected).toEqual(["door", 3, 4])
    await expect.poll(() => page.locator(".jobList .row").count()).toBe(1)
    await page.locator("#search").fill("oscill")
    await refresh(2)
    await expect.poll(() => page.locator(".jobList .row").count()).toBe(1)
    await page.locator(".jobList").focus()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await page.waitForURL(/#\/jobs\/doors\/overview/)
    expect(complaints).toEqual([])
  })
})

describe("each job of the list", () => {
  it("has a bar of the budget of which it used most, also after a restart, when no job is held", async () => {
    const store = storeIn("bars.db")
    const first = await serve({ programs }, { store })
    await startOn(first, "oscillates", "used up", {})
    await startOn(first, "counts", "used little", { to: 3, ms: 1 })
    await reachOn(first, "used up", "budget-exhausted")
    await reachOn(first, "used little", "converged")
    await first.stop()
    const second = await serve({ programs }, { store })
    try {
      const { complaints, page } = await site.visit("jobs", {}, second)
      const row = (id: string) => page.locator(".jobList .row", { hasText: id })
      const bar = (id: string) => row(id).getByRole("img").getAttribute("aria-label")
      await expect.poll(() => bar("used up")).toMatch(/^cycles: 60 of 60: 100 %/)
      await expect.poll(() => bar("used little")).toMatch(/^cycles: 4 of 1,000: 0 %/)
      expect(complaints).toEqual([])
    } finally {
      await second.stop()
    }
  })

  it("is found by its age", async () => {
    const { complaints, page } = await site.visit("jobs")
    await page.locator(".jobList .row").first().waitFor()
    await page.getByLabel("Age").selectOption("older than an hour")
    await shows(page, "No job matches these filters.")
    await page.getByLabel("Age").selectOption("last 15 minutes")
    await page.locator(".jobList .row").first().waitFor()
    await page.reload()
    expect(await page.getByLabel("Age").inputValue()).toBe("last 15 minutes")
    expect(complaints).toEqual([])
  })

  it("is asked for by an attribute, and shows its attributes as tags", async () => {
    const { complaints, page } = await site.visit("jobs")
    const asked: Array<string | null> = []
    await page.route(/\/api\/v1\/jobs\?/, async (route) => {
      asked.push(new URL(route.request().url()).searchParams.get("attribute"))
      // Stands for a server that keeps attributes.
      const attributes = { customer: "42", region: "north <b>" }
      const job = { jobId: "tagged", program: "counts", state: "converged", createdAt: 1, haltedAt: 2, durationMs: 1 }
      const rest = { cycle: 1, hash: "", error: null, budget: null, attributes }
      await route.fulfill({ json: { jobs: [{ ...job, ...rest }], cursor: null } })
    })
    await page.reload()
    await page.locator(".tag", { hasText: "region:north <b>" }).first().waitFor()
    await page.getByLabel(/Filter by an attribute/).fill("customer")
    expect(asked.every((attribute) => attribute === null)).toBe(true)
    await page.getByLabel(/Filter by an attribute/).fill("customer:42")
    await until(() => asked.includes("customer:42"))
    expect(page.url()).toContain("attribute=customer%3A42")
    await page.locator(".tag", { hasText: "region:north" }).first().click()
    await until(() => asked.includes("region:north <b>"))
    expect(complaints).toEqual([])
  })
})

describe("the machine of a job", () => {
  it("says how long the job was in each state, and which transition was the last; now and up to a past cycle", async () => {
    await site.start("counts", "watched", { to: 900, ms: 40 })
    const { complaints, page } = await site.visit("jobs/watched/overview")
    await page.getByLabel(/The job's machine\. Active: running\.\w+\. Time in each state: .*executing \d/).waitFor()
    await page.getByRole("button", { name: "Pause" }).click()
    await page.getByLabel(/The job's machine\. Active: paused\./).waitFor()
    await page.locator(".chart .edge.moved").first().waitFor({ state: "attached" })
    await page.keyboard.press("[")
    await page
      .getByLabel(/The job's machine\. Active: running\.executing\. Time in each state: .*executing \d/)
      .waitFor()
    expect(await page.getByLabel(/The job's machine/).getAttribute("aria-label")).not.toContain("paused")
    const moved = page.locator(".chart .edge.moved title")
    await expect.poll(() => moved.allTextContents()).toEqual(["SELECTED [hasWork]"])
    await page.getByRole("button", { name: "Back to now" }).click()
    await page.getByRole("button", { name: "Cancel…" }).click()
    await page.getByRole("button", { name: "Cancel the job" }).click()
    await shows(page, /It was cancelled/)
    expect(complaints).toEqual([])
  })
})

describe("a list of 100,000 jobs", () => {
  it("has few rows in the document, and goes to its end at once", async () => {
    const { complaints, page } = await site.visit("jobs")
    const total = 100_000
    // Stands for a server with that many jobs, in pages that are larger than its own.
    await page.route(/\/api\/v1\/jobs\?/, async (route) => {
      const cursor = Number(new URL(route.request().url()).searchParams.get("cursor") ?? 0)
      const end = cursor === 0 ? 100 : Math.min(total, cursor + 33_300)
      const jobs = Array.from({ length: end - cursor }, (_, index) => ({
        jobId: `job-${cursor + index}`,
        program: "many",
        state: "converged",
        createdAt: total - cursor - index,
        haltedAt: total,
        durationMs: 1,
        cycle: 1,
        hash: "",
        error: null,
        budget: null
      }))
      await route.fulfill({ json: { jobs, cursor: end === total ? null : String(end) } })
    })
    await page.reload()
    await page.locator(".jobList .row", { hasText: "job-0" }).first().waitFor()
    const list = page.locator(".jobList")
    await until(async () => {
      await list.press("End")
      return (await page.locator(`.row[aria-setsize="${total}"]`).count()) > 0
    })
    await list.press("End")
    await page.locator(".row.chosen", { hasText: `job-${total - 1}` }).waitFor()
    expect(await page.locator(".jobList .row").count()).toBeLessThan(60)
    await list.press("PageUp")
    await list.press("Home")
    await page.locator(".row.chosen", { hasText: "job-0" }).waitFor()
    await list.press("End")
    await list.press("Enter")
    await page.waitForURL(new RegExp(`#/jobs/job-${total - 1}/overview`))
    expect(complaints.filter((complaint) => !complaint.includes("404"))).toEqual([])
  })

  it("is as the jobs are now also where the viewer has scrolled to", async () => {
    const { page } = await site.visit("jobs")
    const total = 3_000
    let isOver = false
    await page.route(/\/api\/v1\/jobs\?/, async (route) => {
      const cursor = Number(new URL(route.request().url()).searchParams.get("cursor") ?? 0)
      const end = cursor === 0 ? 100 : Math.min(total, cursor + 1_000)
      const jobs = Array.from({ length: end - cursor }, (_, index) => ({
        ...{ jobId: `job-${cursor + index}`, program: "many", cycle: 1, hash: "", error: null, budget: null },
        state: cursor + index === 1_500 && !isOver ? "running" : "converged",
        ...{ createdAt: total - cursor - index, haltedAt: total, durationMs: 1 }
      }))
      await route.fulfill({ json: { jobs, cursor: end === total ? null : String(end) } })
    })
    await page.reload()
    const list = page.locator(".jobList")
    await until(async () => {
      await list.press("End")
      return (await page.locator(`.row[aria-setsize="${total}"]`).count()) > 0
    })
    await page.evaluate(`document.querySelector(".jobList").scrollTop = 1_500 * 52`)
    const row = page.locator(".jobList .row", { hasText: "job-1500" })
    await row.getByText("running").waitFor()
    isOver = true
    await row.getByText("converged").waitFor()
  })
})

describe("a server", () => {
  it("that restarts is found again, with all that its store has", async () => {
    const store = storeIn("restart.db")
    const first = await serve({ programs }, { store })
    const port = Number(new URL(first.url).port)
    await startOn(first, "counts", "before", { to: 3, ms: 1 })
    await reachOn(first, "before", "converged")
    const { page } = await site.visit("jobs", {}, first)
    await page.locator(".jobList .row").first().waitFor()
    await first.stop()
    await shows(page, "The server does not answer.")
    const second = await serve({ programs, port }, { store })
    try {
      await page.getByText("The server does not answer.").waitFor({ state: "detached" })
      await page.locator(".jobList .row", { hasText: "before" }).click()
      await shows(page, "It converged after cycle 4")
    } finally {
      await second.stop()
    }
  })

  it("with tokens is asked with one, and a token that may not steer sees no button that steers", async () => {
    const tokens = [
      { name: "all", token: "all-rights" },
      { name: "reader", token: "may-read", scopes: ["read"] as const }
    ]
    const locked = await serve({ programs, tokens }, { store: storeIn("locked.db") })
    try {
      await startOn(locked, "sends", "locked", {})
      await reachOn(locked, "locked", "awaiting")
      const { page } = await site.visit("jobs/locked/overview", {}, locked)
      const give = async (token: string): Promise<void> => {
        await page.getByLabel("This server needs a token").fill(token)
        await page.getByRole("button", { name: "Use this token" }).click()
      }
      await give("guessed")
      await shows(page, /The server does not accept the token that you entered/)
      await give("may-read")
      await shows(page, "Send the letter to Ada?")
      await shows(page, /Your token .+ lets you look at jobs, but not answer their questions\./)
      expect(await page.getByRole("button", { name: /Approve|Cancel|Pause/ }).count()).toBe(0)
      const { page: other } = await site.visit("jobs/locked/overview", {}, locked)
      await other.getByLabel("This server needs a token").fill("all-rights")
      await other.keyboard.press("Enter")
      await other.getByRole("button", { name: "Approve" }).waitFor()
      await other.getByRole("button", { name: "Cancel…" }).waitFor()
    } finally {
      await locked.stop()
    }
  })
})
