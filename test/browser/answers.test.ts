/** The answer on the first screen of a job: why it failed, what it is slow for, what it waits for, and since when. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import { programs as others } from "../support/browser/programs.ts"
import { programs } from "../support/browser/questions.ts"
import { stateOf } from "../support/server/harness.ts"
import { holdAt, letGo } from "../support/browser/held.ts"
import { focused, jobIds, openSite, posted, type Site, shows, showsFirst, until } from "./site.ts"

let site: Site
beforeAll(async () => {
  site = await openSite([...programs, ...others])
  await site.start("panics", "threw")
  await site.start("fails", "same")
  for (const id of ["threw", "same"]) await site.reach(id, "failed")
})
afterAll(() => site?.close())
afterEach(() => site.closePages())

describe("a job that failed", () => {
  it("says the agent, the fact, the message and the stack of a throw, and how often other tasks failed", async () => {
    const { complaints, page } = await site.visit("jobs/threw/overview")
    await shows(page, /Agent "pull" failed on Item\/last in cycle 1/)
    await showsFirst(page, ["AgentPanicked", "no such field: price", "brokenParser", "questions.ts"])
    expect(complaints).toEqual([])
    const failures = page.locator(".failures tr", { hasText: "the host refused" })
    await expect.poll(async () => (await failures.locator("td").allInnerTexts()).at(-1)).toBe("3")
  })

  it("says the cause of the error, and how often the same happened", async () => {
    const { complaints, page } = await site.visit("jobs/same/overview")
    await shows(page, /Agent "pull" failed on Item\//)
    const causes = ["Refused", "the host refused", `"code": "EXPIRED"`]
    await showsFirst(page, [...causes, "The same happened 3 times.", "failed on"])
    expect(complaints).toEqual([])
  })
})

describe("a job that is slow", () => {
  it("says what runs, what waits and for what, and the time in each state of its machine", async () => {
    await site.start("queues", "queue")
    const { complaints, page } = await site.visit("jobs/queue/overview")
    await shows(page, /It waits for "\w+" on Item\/a, which has run for [\d.]+ s\./)
    await shows(page, "3 tasks for a permit of its agent")
    await showsFirst(page, ["running since", "2 tasks run, 3 wait", "upload", "check"])
    expect(complaints).toEqual([])
    expect(await page.getByText("The cycle waits for this task alone.").count()).toBe(0)
    const chart = page.getByRole("img", { name: /The job's machine/ })
    await until(async () => /executing \d+\.\d s/.test((await chart.getAttribute("aria-label")) ?? ""))
    await expect
      .poll(() => chart.locator(".node.on > text").allTextContents())
      .toEqual(expect.arrayContaining([expect.stringMatching(/^running [\d.]+ s$/), "executing"]))
    await site.running.post("/api/v1/jobs/queue/cancel")
    await page.locator(".node.final.cancelled.on").waitFor()
    // The transition that led there is the last that moved.
    const moved = page.locator(".edge.moved title")
    await expect.poll(() => moved.allTextContents()).toEqual([expect.stringContaining("STOPPED")])
  })

  it("because one worker is stuck says so: no task waits for it while another worker is idle", async () => {
    await site.start("sticks", "stuck")
    const { complaints, page } = await site.visit("jobs/stuck/overview")
    await shows(page, /It waits for "parse" on Item\/stuck, which has run for [\d.]+ s on worker [12]/)
    await shows(page, "The cycle waits for this task alone.")
    await shows(page, /1 task runs; 1 of 2 workers is busy, 1 idle\./)
    await showsFirst(page, ["running since", "At this moment cycle 1, 4 tasks"])
    expect(complaints).toEqual([])
    await site.running.post("/api/v1/jobs/stuck/cancel")
    await site.reach("stuck", "cancelled")
  })
})

describe("a job that rests", () => {
  it("says since when it is paused, for how long it ran before, and goes on when it is told to", async () => {
    holdAt("rests", 10)
    await site.start("counts", "rests", { to: 30, ms: 5 })
    const { complaints, page } = await site.visit("jobs/rests/overview")
    // Step 11 waits, in the cycle after the eleventh.
    await shows(page, /It runs, in cycle 12/)
    await posted(site.running, "rests/pause", () => page.getByRole("button", { name: "Pause" }).click())
    letGo("rests")
    await shows(page, /It is paused after cycle 12\./)
    await shows(page, /paused since .*, (now|\d+ s ago)/)
    const chart = page.getByRole("img", { name: /Active: paused\. .*executing .*, paused / })
    await chart.waitFor()
    await expect.poll(() => chart.locator(".edge.moved title").count()).toBe(1)
    await page.getByRole("button", { name: "Resume" }).click()
    await shows(page, "It converged after cycle 31")
    await shows(page, /converged on /)
    expect(complaints).toEqual([])
  })

  it("says that a pause is coming while the cycle still runs, lets it be withdrawn, and then pauses", async () => {
    holdAt("pausing", 0)
    await site.start("counts", "pausing", { to: 900, ms: 50 })
    await site.reach("pausing", "running")
    const { page } = await site.visit("jobs/pausing/overview")
    const asked = page.getByRole("status").filter({ hasText: "pauses after this cycle" })
    await page.getByRole("button", { name: "Pause" }).click()
    await asked.waitFor()
    expect(await stateOf(site.running, "pausing")).toBe("running")
    await page.getByRole("button", { name: "Do not pause" }).click()
    await asked.waitFor({ state: "detached" })
    await page.getByRole("button", { name: "Pause" }).click()
    await asked.waitFor()
    letGo("pausing")
    await page.locator(".standing", { hasText: "paused" }).waitFor()
    await asked.waitFor({ state: "detached" })
    await page.getByRole("button", { name: "Cancel…" }).click()
    const dialog = page.getByRole("dialog")
    expect(await dialog.innerText()).not.toContain("The cycle that is running is lost")
    expect(await dialog.innerText()).toContain("Its child jobs that have not ended are cancelled too.")
    await dialog.getByRole("button", { name: "Cancel the job" }).click()
    await page.getByRole("button", { name: "Delete…" }).waitFor()
    await until(async () => (await focused(page)) === "cancelled")
  })

  it("says that a pause is coming which somebody else asked for, and lets it be withdrawn", async () => {
    await site.start("counts", "theirs", { to: 900, ms: 8_000 })
    await site.reach("theirs", "running")
    const { page } = await site.visit("jobs/theirs/overview")
    const asked = page.getByRole("status").filter({ hasText: "pauses after this cycle" })
    const paused = site.running.post("/api/v1/jobs/theirs/pause", {})
    await asked.waitFor({ timeout: 7_000 })
    await page.getByRole("button", { name: "Do not pause" }).click()
    await paused
    await asked.waitFor({ state: "detached" })
    await page.getByRole("button", { name: "Pause" }).waitFor()
    await site.running.post("/api/v1/jobs/theirs/cancel", {})
  })

  it("says why it was not steered until the viewer closes that, or does something else", async () => {
    await site.start("counts", "refuses", { to: 900, ms: 50 })
    await site.reach("refuses", "running")
    const { page } = await site.visit("jobs/refuses/overview")
    const body = JSON.stringify({ type: "urn:effect-converge:UnknownProgram", title: "There is no such program" })
    await page.route(/\/refuses\/pause$/, (route) =>
      route.fulfill({ status: 404, contentType: "application/problem+json", body })
    )
    const told = page.getByRole("alert").filter({ hasText: "The job was not paused. 404 There is no such program" })
    await page.getByRole("button", { name: "Pause" }).click()
    await told.waitFor()
    for (let refresh = 0; refresh < 2; refresh++)
      await page.waitForResponse((response) => /\/refuses\?/.test(response.url()) && response.ok())
    expect(await told.count()).toBe(1)
    await told.getByRole("button", { name: "Close" }).click()
    await told.waitFor({ state: "detached" })
    await page.getByRole("button", { name: "Pause" }).click()
    await told.waitFor()
    await page.getByRole("button", { name: "Cancel…" }).click()
    const dialog = page.getByRole("dialog")
    expect(await dialog.innerText()).toContain("The cycle that is running is lost.")
    await dialog.getByRole("button", { name: "Cancel the job" }).click()
    await told.waitFor({ state: "detached" })
  })

  it("asks before it takes a refusal, and takes it", async () => {
    await site.start("sends", "refused")
    await site.reach("refused", "awaiting")
    const { complaints, page } = await site.visit("jobs/refused/overview")
    await shows(page, /awaiting since /)
    await page.getByRole("button", { name: "Reject…" }).click()
    await page.getByRole("button", { name: "Keep it open" }).click()
    expect(await stateOf(site.running, "refused")).toBe("awaiting")
    await page.getByRole("button", { name: "Reject…" }).click()
    await page.getByRole("dialog").getByRole("button", { name: "Reject" }).click()
    await site.reach("refused", "converged")
    const facts = await site.running.fetch("/api/v1/jobs/refused/facts")
    expect(await facts.text()).toContain(`"approved":false`)
    expect(complaints).toEqual([])
  })
})

describe("what waits for a human", () => {
  it("is above the list of jobs, with its data, and is answered there", async () => {
    await site.start("sends", "above")
    await site.reach("above", "awaiting")
    const { complaints, page } = await site.visit("jobs")
    const question = page.locator("article.approval", { hasText: "above" })
    await question.getByText(`"pages": 3`).waitFor()
    const [asked, list] = [await question.boundingBox(), await page.locator(".jobList").boundingBox()]
    expect(asked!.y).toBeLessThan(list!.y)
    await question.getByRole("button", { name: "Approve" }).click()
    await site.reach("above", "converged")
    await question.waitFor({ state: "detached" })
    expect(complaints).toEqual([])
  })

  it("comes by itself, as does a new job", async () => {
    const { complaints, page } = await site.visit("jobs")
    await page.locator(".jobList .row").first().waitFor()
    await site.start("sends", "comes")
    await page.locator(".jobList .row", { hasText: "comes" }).waitFor()
    await page.locator("article.approval", { hasText: "comes" }).waitFor()
    expect(complaints).toEqual([])
  })
})

describe("the list of jobs", () => {
  it("is filtered by state, by program and by age", async () => {
    const { complaints, page } = await site.visit("jobs")
    await page.locator(".jobList .row").first().waitFor()
    await page.getByText("failed", { exact: true }).first().click()
    await until(async () => (await jobIds(page)).join() === "same,threw")
    await page.getByRole("combobox", { name: /^Program/ }).selectOption("panics")
    await until(async () => (await jobIds(page)).join() === "threw")
    expect(page.url()).toContain("status=failed&program=panics")
    await page.getByText("converged", { exact: true }).first().click()
    await shows(page, "No job matches these filters.")
    await page.getByRole("combobox", { name: /^Program/ }).selectOption("")
    await page.getByText("all", { exact: true }).click()
    await page.getByRole("combobox", { name: /^Age/ }).selectOption({ index: 1 })
    await until(async () => (await jobIds(page)).includes("threw"))
    await page.getByRole("combobox", { name: /^Age/ }).selectOption("older than an hour")
    await shows(page, "No job matches these filters.")
    expect(complaints).toEqual([])
  })

  it("is filtered by the server's clock, whatever that of the browser says", async () => {
    await site.start("counts", "dated", { to: 1, ms: 0 })
    await site.reach("dated", "converged")
    const { complaints, page } = await site.visit("jobs?age=last+15+minutes")
    await page.locator(".jobList .row").first().waitFor()
    // Stands for a browser whose clock is two days ahead: by that clock, no job is as young.
    await page.clock.setFixedTime(Date.now() + 48 * 3_600_000)
    await page.addInitScript(`new MutationObserver(() => {
      const { textContent } = document.querySelector("#app") ?? {}
      if (textContent?.includes("No job matches")) document.documentElement.dataset.said = textContent
    }).observe(document, { childList: true, subtree: true })`)
    // The list is asked for before the first answer has told the server's time.
    await page.route("**/api/v1/me", async (route) => {
      await page.locator(".jobs", { hasText: "Loading the jobs…" }).waitFor()
      await route.continue()
    })
    const asked = page.waitForResponse((response) => response.url().includes("since="))
    await page.reload()
    await asked
    await page.locator(".jobList .row").first().waitFor()
    expect(await page.locator("html").getAttribute("data-said")).toBeNull()
    expect(complaints).toEqual([])
  })
})

describe("a filter of the list of jobs", () => {
  it("is asked for at once, and nothing is said of matches before its answer", async () => {
    await site.start("counts", "matches", { to: 1, ms: 0 })
    await site.reach("matches", "converged")
    const { complaints, page } = await site.visit("jobs?status=suspended&q=matches")
    await shows(page, "No job matches these filters.")
    // From now on, no timer of the page comes to its end: what is asked for is asked for at once.
    await page.clock.install()
    await page.clock.pauseAt(Date.now() + 60_000)
    let isHeld = true
    let isAsked = false
    await page.route(/\/jobs\?.*status=/, async (route) => {
      isAsked = true
      await until(async () => !isHeld, 30_000)
      await route.continue()
    })
    await page.getByText("converged", { exact: true }).first().click()
    await until(async () => isAsked)
    await shows(page, "Loading the jobs…")
    expect(await page.getByText("No job matches these filters.").count()).toBe(0)
    isHeld = false
    await page.locator(".jobList .row", { hasText: "matches" }).waitFor()
    isHeld = true
    isAsked = false
    await page.getByText("cancelled", { exact: true }).first().click()
    await until(async () => isAsked)
    await page.locator(".jobList.older .row", { hasText: "matches" }).waitFor()
    isHeld = false
    await shows(page, "No job matches these filters.")
    expect(complaints).toEqual([])
  })

  it("leads to rows in which the part of a budget has one line", async () => {
    await site.start("counts", "one-line", { to: 3, ms: 0 })
    await site.reach("one-line", "converged")
    const { page } = await site.visit("jobs?q=one-line")
    const used = page.locator(".jobList .used > small", { hasText: "cycles under 1 %" })
    await used.waitFor()
    expect((await used.boundingBox())!.height).toBeLessThan(25)
  })

  it("names every state that a job can have", async () => {
    const { page } = await site.visit("jobs")
    const asked: Array<string | null> = []
    page.on("request", (request) => void asked.push(new URL(request.url()).searchParams.get("status")))
    for (const state of ["queued", "running", "awaiting", "paused", "suspended", "quarantined"]) {
      await page.locator(".chip", { hasText: new RegExp(`^${state}$`) }).click()
      await until(async () => asked.includes(state))
    }
    const narrow = await site.visit("jobs?status=cancelled", { width: 390 })
    const chip = narrow.page.locator(".chip.on", { hasText: "cancelled" })
    await until(async () => ((await chip.boundingBox())?.x ?? 1_000) < 330)
    expect((await narrow.page.locator(".chips").boundingBox())!.height).toBeLessThan(50)
  })
})

describe("a job that ended with a long journal", () => {
  it("shows its end before its journal is read, and nothing jumps when the rest comes", async () => {
    await site.start("counts", "early", { to: 3, ms: 0 })
    await site.reach("early", "converged")
    const { complaints, page } = await site.visit("jobs")
    let isHeld = true
    await page.route(/\/jobs\/early(\?valueLength|\/diagnosis|\/replay)/, async (route) => {
      await until(async () => !isHeld, 30_000)
      await route.continue()
    })
    await page.locator(".jobList .row", { hasText: "early" }).click()
    const headline = page.locator(".headline", { hasText: "It converged after cycle" })
    await headline.waitFor()
    await shows(page, "The server reads the journal of the job for the rest.")
    await page.locator(".head .state", { hasText: "converged" }).waitFor()
    const [before, tabs] = [await headline.boundingBox(), await page.locator(".tabs").boundingBox()]
    isHeld = false
    await page.getByText("The server reads the journal").waitFor({ state: "detached" })
    await page.locator("table.budget").waitFor()
    expect((await headline.boundingBox())!.y).toBe(before!.y)
    expect((await page.locator(".tabs").boundingBox())!.y).toBe(tabs!.y)
    expect(complaints).toEqual([])
  })
})

describe("what the viewer types", () => {
  it("reaches the page while the slider has the focus", async () => {
    await site.start("counts", "keyed", { to: 8, ms: 0 })
    await site.reach("keyed", "converged")
    const { page } = await site.visit("jobs/keyed/facts")
    const slider = page.getByRole("slider")
    await slider.focus()
    await page.keyboard.press("[")
    await shows(page, "cycle 8")
    await page.keyboard.press("[")
    await shows(page, "cycle 7")
    await page.keyboard.press("]")
    await shows(page, "cycle 8")
    await page.keyboard.press("Escape")
    await page.locator(".banner").waitFor({ state: "detached" })
    await page.keyboard.press("/")
    await until(async () => (await focused(page)) === "search")
  })

  it("as an earlier cycle is none after the last, and the page says which that is", async () => {
    await site.start("counts", "clamped", { to: 4, ms: 0 })
    await site.reach("clamped", "converged")
    const { complaints, page } = await site.visit("jobs/clamped/facts?from=999")
    await shows(page, "The newest cycle is 5")
    await shows(page, "Changes from cycle 5 to 5")
    await shows(page, "Nothing differs.")
    expect(complaints).toEqual([])
  })
})

describe("a fact with an empty id", () => {
  it("is named in the list of events", async () => {
    await site.start("speaks", "empty")
    await site.reach("empty", "converged")
    const { page } = await site.visit("jobs/empty/events")
    await page.locator(".events .row", { hasText: "listen on Said/(empty)" }).first().waitFor()
  })
})

describe("the stack and the cause of a failure", () => {
  it("are told once, with the frames of own code marked and those of libraries folded", async () => {
    await site.start("panics", "marked")
    await site.reach("marked", "failed")
    const { page } = await site.visit("jobs/marked/overview")
    const own = page.locator(".stack .own")
    await own.first().waitFor()
    expect(await own.first().innerText()).toContain("brokenParser")
    expect(await page.locator(".stack pre").innerText()).not.toContain("node_modules")
    // What is copied is the stack as it is.
    expect(await page.locator(".stack pre").innerText()).toMatch(/^ {4}at brokenParser/m)
    await page.getByRole("button", { name: /^Show all, with \d+ of libraries/ }).click()
    expect(await page.locator(".stack pre").innerText()).toContain("node_modules")
    await site.start("fails", "once")
    await site.reach("once", "failed")
    const again = await site.visit("jobs/once/overview")
    await again.page.locator("dl.lines", { hasText: "EXPIRED" }).waitFor()
    const text = await again.page.locator("dl.lines").first().innerText()
    expect(text.split("EXPIRED").length - 1).toBe(1)
    expect(text).toContain("Refused")
  })
})
