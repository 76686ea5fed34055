/**
 * How the console is handled: by keys alone, over refreshes, without motion, by a token that may only read, and from `converge`.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Page } from "playwright-core"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import { programs as others } from "../support/browser/programs.ts"
import { programs } from "../support/browser/questions.ts"
import { module, start } from "../support/cli/converge.ts"
import { projectRoot } from "../support/node.ts"
import { stateOf } from "../support/server/harness.ts"
import { openPage } from "./browser.ts"
import { focused, goTo, openSite, type Site, shows, until } from "./site.ts"

const tokens = ["all-rights", { name: "reader", token: "may-read", scopes: ["read"] as const }]

let site: Site
beforeAll(async () => {
  site = await openSite([...programs, ...others], { tokens })
  await site.start("sends", "letter")
  await site.start("counts", "counted", { to: 12, ms: 5 })
  await site.start("queues", "slow")
  await site.start("crawls", "crawl")
  await site.reach("counted", "converged")
  await site.reach("letter", "awaiting")
  await site.reach("crawl", "failed")
})
afterAll(() => site?.close())
afterEach(() => site.closePages())

/** Opens a place with a token, which the page asks for. */
const visitAs = async (token: string, place: string, options?: Parameters<Site["visit"]>[1]) => {
  const watched = await site.visit(place, options)
  await watched.page.getByLabel("This server needs a token").fill(token)
  await watched.page.keyboard.press("Enter")
  await watched.page.locator("main").waitFor()
  // A browser tells its console of each answer 401.
  watched.complaints.splice(0)
  return watched
}

/** Presses Tab until something has the focus. */
const tabTo = async (page: Page, wanted: RegExp, most = 60): Promise<void> => {
  const seen: Array<string> = []
  for (let step = 0; step < most; step++) {
    const name = await focused(page)
    if (wanted.test(name)) return
    seen.push(name)
    await page.keyboard.press("Tab")
  }
  throw new Error(`Tab never came to ${String(wanted)}, but to: ${seen.join(" | ")}`)
}

describe("by keys alone", () => {
  it("somebody goes from the list to a job, through its views, to a fact and what follows from it, and back", async () => {
    const { complaints, page } = await visitAs("all-rights", "jobs")
    await page.locator(".jobList .row", { hasText: "counted" }).waitFor()
    await page.evaluate("document.activeElement.blur()")
    await page.keyboard.press("/")
    await expect.poll(() => focused(page)).toBe("search")
    await page.keyboard.type("counted")
    await until(async () => (await page.locator(".jobList .row").count()) === 1)
    await tabTo(page, /^1 job/)
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await page.waitForURL(/#\/jobs\/counted\/overview/)
    await page.locator("#tab-overview").waitFor()
    await tabTo(page, /^tab-overview$/)
    for (const view of ["timeline", "facts", "program", "output", "events"]) {
      await page.keyboard.press("ArrowRight")
      await page.waitForURL(new RegExp(`/counted/${view}`))
      await expect.poll(() => focused(page)).toBe(`tab-${view}`)
    }
    await page.locator(".events .row").first().waitFor()
    await tabTo(page, /^events: number/)
    // Events may still come.
    await until(async () => {
      await page.keyboard.press("End")
      return (await page.getByLabel("the chosen event").innerText()).includes("JobHalted")
    })
    await page.keyboard.press("Shift+Tab")
    await tabTo(page, /^tab-events$/)
    for (const _ of ["program", "output", "facts"]) await page.keyboard.press("ArrowLeft")
    await page.waitForURL(/\/counted\/facts/)
    await page.locator(".factList .row").first().waitFor()
    await tabTo(page, /^\d+ facts$/)
    await page.keyboard.press("Home")
    await page.keyboard.press("ArrowDown")
    await page.locator(".derivation .center", { hasText: "Step/1" }).waitFor()
    await tabTo(page, /^Step\/2$/, 30)
    await page.keyboard.press("Enter")
    await page.locator(".derivation .center", { hasText: "Step/2" }).waitFor()
    await page.keyboard.press("Escape")
    await page.waitForURL(/#\/jobs$/)
    expect(complaints).toEqual([])
  })

  it("somebody decides: a refusal is asked about, Escape takes it back, and the focus returns", async () => {
    await site.start("sends", "byKeys")
    await site.reach("byKeys", "awaiting")
    const { complaints, page } = await visitAs("all-rights", "jobs/byKeys/overview")
    await shows(page, "It waits for an answer")
    await tabTo(page, /^Cancel…$/)
    await page.keyboard.press("Enter")
    await page.getByRole("dialog", { name: "Cancel this job?" }).waitFor()
    // The harmless answer has the focus.
    await expect.poll(() => focused(page)).toBe("Keep the job")
    await page.keyboard.press("Escape")
    await page.getByRole("dialog").waitFor({ state: "detached" })
    expect(page.url()).toContain("/byKeys/overview")
    await expect.poll(() => focused(page)).toBe("Cancel…")
    await tabTo(page, /^Approve$/)
    await page.keyboard.press("Enter")
    await site.reach("byKeys", "converged")
    expect(complaints).toEqual([])
  })

  it("somebody moves through time, and forks", async () => {
    const { complaints, page } = await visitAs("all-rights", "jobs/counted/facts?of=Step&fact=%3D3")
    await page.locator(".pane h2").waitFor()
    await page.getByRole("slider").focus()
    for (let step = 0; step < 8; step++) await page.keyboard.press("ArrowLeft")
    await page.waitForURL(/at=5/)
    await page.getByRole("button", { name: "Fork from cycle 5 with another value…" }).focus()
    await page.keyboard.press("Enter")
    const isInField = (): Promise<boolean> => page.evaluate(`document.activeElement.matches("textarea")`)
    // The form takes the focus, and gives it back.
    await until(isInField)
    await tabTo(page, /^Close$/)
    await page.keyboard.press("Enter")
    await until(async () => (await focused(page)).startsWith("Fork from"))
    await page.keyboard.press("Enter")
    await until(isInField)
    await page.keyboard.press("ControlOrMeta+a")
    await page.keyboard.type(`{"n": 50}`)
    await tabTo(page, /^Fork$/)
    await page.keyboard.press("Enter")
    await page.locator(".fork [role=status] a").first().waitFor()
    expect(complaints).toEqual([])
  })
})

describe("ten refreshes", () => {
  /** Lets the page ask the server so many times more. */
  const refresh = async (page: Page, times = 10): Promise<void> => {
    for (let index = 0; index < times; index++) {
      const answered = page.waitForResponse((response) => /\/jobs\/[^/?]+$/.test(new URL(response.url()).pathname))
      await page.clock.runFor(1_100)
      await answered
    }
  }

  it("of a job that runs take neither a note that is written, nor a selection, nor the focus, nor the place on the page", async () => {
    const { complaints, page } = await visitAs("all-rights", "jobs/letter/overview")
    await page.clock.install()
    await page.reload()
    await shows(page, "It waits for an answer")
    await page.getByLabel("Note").fill("it is fine so far")
    await page.keyboard.press("Shift+ArrowLeft")
    await page.keyboard.press("Shift+ArrowLeft")
    await page.evaluate("scrollTo(0, 120)")
    await refresh(page)
    expect(
      await page.evaluate(`(() => {
        const { selectionEnd, selectionStart, value } = document.activeElement
        return [value, selectionStart, selectionEnd, scrollY]
      })()`)
    ).toEqual(["it is fine so far", 15, 17, 120])
    // Text that is selected with the pointer stays selected.
    await page.evaluate(`(() => {
      const range = document.createRange()
      range.selectNodeContents(document.querySelector(".headline"))
      getSelection().removeAllRanges()
      getSelection().addRange(range)
    })()`)
    await refresh(page)
    expect(await page.evaluate("String(getSelection())")).toContain("Send the letter to Ada?")
    expect(complaints).toEqual([])
  }, 90_000)

  it("of a job that runs take no chosen fact, no chosen event, and no tab", async () => {
    await site.start("counts", "lives", { to: 900, ms: 100 })
    const { complaints, page } = await visitAs("all-rights", "jobs/lives/facts")
    await page.clock.install()
    await page.reload()
    await page.locator(".factList .row").first().waitFor()
    await page.locator(".factList").focus()
    await page.keyboard.press("Home")
    await page.locator(".pane h2").waitFor()
    const chosen = await page.locator(".factList .row.chosen").innerText()
    await refresh(page)
    expect(await focused(page)).toMatch(/^\d+ facts$/)
    expect(await page.locator(".factList .row.chosen").innerText()).toBe(chosen)
    await page.locator("#tab-facts").focus()
    await refresh(page)
    expect(await focused(page)).toBe("tab-facts")
    await goTo(page, "jobs/lives/events")
    await page.locator(".events .row").first().waitFor()
    await page.locator(".events").focus()
    await page.keyboard.press("Home")
    // The time of the event comes with an answer of its own.
    await page.getByLabel("the chosen event").locator("time").first().waitFor()
    const event = await page.getByLabel("the chosen event").innerText()
    await refresh(page)
    expect(await focused(page)).toMatch(/^events: number/)
    expect(await page.getByLabel("the chosen event").innerText()).toBe(event)
    await site.running.post("/api/v1/jobs/lives/cancel")
    expect(complaints).toEqual([])
  }, 90_000)
})

describe("a token that may only read", () => {
  it("sees every view, and nothing that steers in any of them; the server refuses what the page does not offer", async () => {
    const { complaints, page } = await visitAs("may-read", "jobs")
    await page.locator(".jobList .row").first().waitFor()
    const steers = page.getByRole("button", { name: /Approve|Reject|Cancel|Pause|Resume|Fork|Delete/ })
    for (const place of [
      "jobs",
      "jobs/letter/overview",
      "jobs/slow/overview",
      "jobs/slow/timeline",
      "jobs/counted/facts?of=Step&fact=%3D3",
      "jobs/counted/facts?of=Step&fact=%3D3&at=5",
      "jobs/letter/program",
      "jobs/counted/output",
      "jobs/crawl/events"
    ]) {
      await goTo(page, place)
      await page
        .locator(place === "jobs" ? ".jobList .row" : ".head .numbers")
        .first()
        .waitFor()
      if (place.includes("fact=")) await page.locator(".pane pre.value").waitFor()
      expect([place, await steers.count()]).toEqual([place, 0])
      expect([place, await page.locator("main form:not(.filters)").count()]).toEqual([place, 0])
    }
    const answer = await site.running.fetch("/api/v1/jobs/slow/cancel", {
      method: "POST",
      headers: { authorization: "Bearer may-read" }
    })
    expect(answer.status).toBe(403)
    expect(await stateOf(site.running, "slow")).toBe("running")
    expect(complaints).toEqual([])
  })
})

describe("somebody who wants no motion", () => {
  it("sees none: no state pulses and no transition flows", async () => {
    const { page } = await visitAs("all-rights", "jobs/slow/overview")
    const moving = (): Promise<number> => page.evaluate("document.getAnimations().length")
    await page.locator(".state.live").first().waitFor()
    await until(async () => (await moving()) > 0)
    await page.emulateMedia({ reducedMotion: "reduce" })
    await until(async () => (await moving()) === 0)
  })
})

describe("converge", () => {
  it("run --inspect shows a live audit from its start to its end", async () => {
    const folder = mkdtempSync(join(tmpdir(), "console-audit-"))
    // Some seconds of work: 70 modules in 13 cycles.
    const entry = createRequire(import.meta.url).resolve("@babel/types")
    // The audit takes the package by its name, so the command is the built one, too.
    const audit = start(
      [
        "run",
        `${projectRoot}docs/examples/code-audit/program.ts`,
        "--input",
        JSON.stringify({ entry }),
        "--id",
        "audit",
        "--workers",
        "2",
        "--quiet",
        "--inspect-stay"
      ],
      { main: `${projectRoot}dist/src/cli/main.js`, environment: { TMPDIR: folder } }
    )
    let said = ""
    audit.process.stderr?.on("data", (text: string) => (said += text))
    await audit.says(/watch the job at \S+/)
    const [, url = ""] = /watch the job at (\S+)/.exec(said)!
    const { complaints, page } = await openPage(site.browser, url)
    page.setDefaultTimeout(60_000)
    await shows(page, /It (runs, in|converged after) cycle/)
    await shows(page, "It converged after cycle")
    await page.getByRole("img", { name: /Active: converged\. .*executing / }).waitFor()
    await page.getByRole("tab", { name: "Timeline" }).click()
    await shows(page, /Busy: worker \d/)
    await page.getByRole("tab", { name: "Facts" }).click()
    await page.getByRole("button", { name: /^Module/ }).click()
    await page.locator(".factList .row").first().click()
    await page.locator(".derivation .center").waitFor()
    await page.getByRole("tab", { name: "Program" }).click()
    await page.locator(".chart.program .node.agent").first().waitFor()
    expect(complaints).toEqual([])
    await page.close()
    audit.process.kill("SIGINT")
    await audit.ended
    rmSync(folder, { recursive: true, force: true })
  }, 120_000)

  it("serve --inspect says where the page is, which asks for the token and then shows the jobs", async () => {
    const serving = start(["serve", module("count"), "--port", "0", "--inspect"], {
      environment: { CONVERGE_TOKEN: "let-me-in" }
    })
    let said = ""
    serving.process.stderr?.on("data", (text: string) => (said += text))
    await serving.says(/watch the jobs at \S+,/)
    const [, url = ""] = /watch the jobs at (\S+),/.exec(said)!
    const headers = { authorization: "Bearer let-me-in", "content-type": "application/json" }
    const body = JSON.stringify({ program: "counting", id: "three", input: { upTo: 3 } })
    await (await fetch(`${url.replace(/\/inspector$/, "")}/api/v1/jobs`, { method: "POST", headers, body })).text()
    const { complaints, page } = await openPage(site.browser, url)
    await page.getByLabel("This server needs a token").fill("let-me-in")
    await page.keyboard.press("Enter")
    await page.locator(".jobList .row", { hasText: "three" }).click()
    await shows(page, "It converged after cycle")
    expect(complaints.filter((complaint) => !complaint.includes("401"))).toEqual([])
    await page.close()
    serving.process.kill("SIGTERM")
    expect(await serving.ended).toMatchObject({ code: 0 })
  })
})
