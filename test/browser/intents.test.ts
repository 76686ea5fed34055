/** The outcomes of intents, refused effects, reports and forks, as the console tells them; and the tokens of its viewers. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import { Agent, Fact, Invariant, JobStore, Program } from "../../src/index.ts"
import { holdAt, letGo } from "../support/browser/held.ts"
import { streams } from "../support/browser/questions.ts"
import { counting, engine, letters, parents } from "../support/intentPrograms.ts"
import { jsonOf, serve } from "../support/server/harness.ts"
import { focused, listening, openSite, reachOn, type Site, shows, startOn, until } from "./site.ts"

const Invoice = Fact.kind("Invoice", {
  schema: Schema.Struct({ id: Schema.String, total: Schema.Int }),
  id: ({ id }) => id,
  conflict: "keepLast"
})

/** Its second cycle would make a total negative. */
const bills = Program.make("bills", {
  input: Schema.Struct({}),
  seed: () => [Invoice.of({ id: "A", total: 5 })],
  agents: [
    Agent.make("discount", {
      each: Invoice,
      writes: [Invoice],
      execute: ({ value: { id, total } }) => Effect.succeed({ facts: [Invoice.of({ id, total: total - 4 })] })
    })
  ],
  invariants: [
    Invariant.structural("no total is negative", (view) => {
      const facts = view.all(Invoice).filter(({ value }) => value.total < 0)
      return facts.length === 0 || { reason: "a total is negative", facts: [...facts, { kind: "Invoice", id: "none" }] }
    })
  ]
})

let site: Site
beforeAll(async () => {
  site = await openSite([letters, parents, counting, bills, streams], {}, { engine })
})
afterAll(() => site?.close())
afterEach(() => site.closePages())

describe("the intents of a job", () => {
  it("show who decided, why and when, what a handler gave, and what waits; and the overview tells of the decision", async () => {
    await site.start("letters", "two", { people: ["Bob", "Cy"] })
    await site.reach("two", "awaiting")
    const { complaints, page } = await site.visit("jobs/two/overview")
    const question = page.locator("article.approval", { hasText: "Write to Bob?" })
    await question.getByLabel("Your name").fill("Ada Byron")
    await question.getByLabel("Note").fill("he is a friend")
    await question.getByRole("button", { name: "Approve" }).click()
    const decisions = page.getByRole("list", { name: "Decisions" })
    await expect
      .poll(async () => (await decisions.innerText()).replaceAll(/\s+/g, " "))
      .toMatch(/Ada Byron approved Write to Bob\? .?he is a friend.? cycle 2/)
    await page.getByRole("tab", { name: "Program" }).click()
    const row = (text: string) => page.getByRole("region", { name: "Intents" }).locator("tbody tr", { hasText: text })
    await row("Memo").waitFor()
    const fate = async (text: string) => (await row(text).locator(".fate").innerText()).replaceAll(/\s+/g, " ").trim()
    await expect.poll(() => fate("Write to Bob?")).toBe("approved by Ada Byron: he is a friend cycle 2")
    await expect.poll(() => fate("Write to Cy?")).toBe("waits for a decision since cycle 1")
    await expect.poll(() => fate("Mail")).toMatch(/^Letter\/Bob \{"to":"Bob"\} cycle 3$/)
    await expect.poll(() => fate("Memo")).toBe("It needs none: no handler performs it.")
    // The name is remembered.
    await page.getByRole("tab", { name: "Overview" }).click()
    await page.reload()
    await expect.poll(() => page.getByLabel("Your name").inputValue()).toBe("Ada Byron")
    await page.goto(`${site.running.url}/inspector#/jobs/two/program?at=1`)
    await until(async () => (await fate("Write to Bob?")) === "waits for a decision since cycle 1")
    expect(complaints).toEqual([])
  })

  it("lead to the child job, and name its result", async () => {
    await site.start("parents", "mother")
    await site.reach("mother", "converged")
    const { complaints, page } = await site.visit("jobs/mother/output")
    const row = page.getByRole("region", { name: "Intents" }).locator("tbody tr")
    await expect
      .poll(async () => (await row.locator(".fate").innerText()).replaceAll(/\s+/g, " "))
      .toMatch(/^ChildResult\/seven converged cycle \d+ child mother\/1\/spawn\/\/0$/)
    await row.getByRole("link", { name: /^mother\// }).click()
    await page.locator(".bar", { hasText: "counting" }).waitFor()
    expect(complaints).toEqual([])
  })
})

describe("a violated structural invariant", () => {
  it("shows the facts that the violation names as the job has them, and says that the refused value is not recorded", async () => {
    await site.start("bills", "negative")
    await site.reach("negative", "failed")
    const { complaints, page } = await site.visit("jobs/negative/overview")
    const named = page.getByRole("list", { name: "Facts that the violation names" })
    await named.getByText("the job has no such fact").waitFor()
    await named.locator("code").waitFor()
    await expect
      .poll(async () => (await named.locator("li").allInnerTexts()).map((text) => text.replaceAll(/\s+/g, " ")))
      .toEqual([`Invoice/A: {"id":"A","total":1} cycle 1`, expect.stringContaining("Invoice/none")])
    await shows(page, /The effect of discount on Invoice\/A was refused as a whole\. The values .* are not recorded/)
    await page.getByRole("tab", { name: "Program" }).click()
    await page.locator("li", { hasText: "does not hold" }).getByText("Invoice/none").waitFor()
    expect(complaints).toEqual([])
  })
})

describe("the reports of tasks", () => {
  it("are still there after a reload, when the job has ended", async () => {
    holdAt("told", 10)
    await site.start("streams", "told", { words: 50 })
    const { complaints, page } = await site.visit("jobs/told/overview")
    await listening(page, () => page.getByRole("tab", { name: "Output" }).click())
    letGo("told")
    await page.locator("article.report").first().waitFor()
    await site.reach("told", "converged")
    await page.reload()
    const left = page.locator("article.report", { hasText: "Item/left" })
    await until(async () => ((await left.locator("pre").textContent()) ?? "").includes("left50 "))
    expect(complaints).toEqual([])
    // A job that nobody has watched has none, and is asked for none.
    await site.start("streams", "unseen", { words: 1 })
    await site.reach("unseen", "converged")
    await page.goto(`${site.running.url}/inspector#/jobs/unseen/output`)
    await shows(page, "The job gave no output.")
    expect(complaints).toEqual([])
  })

  it("of another process are told apart: the task began anew, and nothing came too fast", async () => {
    const folder = mkdtempSync(join(tmpdir(), "anew-"))
    const store = JobStore.layerSqlite({ filename: join(folder, "jobs.db") })
    const first = await serve({ programs: [streams] }, { store })
    const port = Number(new URL(first.url).port)
    holdAt("anew", 1)
    await startOn(first, "streams", "anew", { words: 50 })
    const { page } = await site.visit("jobs/anew/overview", {}, first)
    await listening(page, () => page.getByRole("tab", { name: "Output" }).click())
    // It has to be running when the server stops.
    holdAt("anew", 10)
    const left = page.locator("article.report", { hasText: "Item/left" })
    await until(async () => /left\d+ left\d+ left\d+ /.test((await left.locator("pre").textContent()) ?? ""))
    await first.stop()
    let second = first
    await listening(page, async () => {
      second = await serve({ programs: [streams], port }, { store })
    })
    try {
      // It reports to a page that listens again.
      holdAt("anew", 20)
      await shows(page, "begun anew in another process")
      await shows(page, "cut off: the task had not ended, and began anew")
      await shows(page, "The job was taken up again by another process")
      expect(await page.getByText("came faster than").count()).toBe(0)
      await expect.poll(() => left.count()).toBe(2)
      letGo("anew")
      await reachOn(second, "anew", "converged")
      await until(async () => ((await left.first().locator("pre").textContent()) ?? "").includes("left50 "))
      // The reports of the two processes are not added up.
      const [, count] = /(\d+) reports/.exec(await left.first().locator("header").innerText()) ?? []
      expect(Number(count)).toBeGreaterThan(1)
      expect(Number(count)).toBeLessThanOrEqual(50)
    } finally {
      await second.stop()
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

describe("the form of a fork", () => {
  const forks = async (): Promise<number> => {
    const page = await jsonOf(await site.running.fetch("/api/v1/jobs?program=letters&limit=100"))
    return (page["jobs"] as ReadonlyArray<object>).length
  }

  it("makes one job of two clicks, says what became of it, and is armed again by another value", async () => {
    await site.start("letters", "forked", { people: ["Bob"] })
    await site.reach("forked", "awaiting")
    await site.running.post("/api/v1/jobs/forked/approvals", { approval: "Bob", decision: "approve" })
    await site.reach("forked", "converged")
    const before = await forks()
    const { complaints, page } = await site.visit(`jobs/forked/facts?of=Decision&fact=${encodeURIComponent("=Bob")}`)
    await page.getByRole("button", { name: /^Fork from cycle/ }).click()
    const value = (approval: string) => JSON.stringify({ approval, approved: true, by: "me", reason: "" })
    await page.getByRole("textbox", { name: /The value of/ }).fill(value("Eve"))
    const button = page.getByRole("button", { name: "Fork", exact: true })
    await button.dblclick()
    const status = page.locator(".fork [role=status]")
    await status.getByText("Eve has no address").waitFor()
    expect((await status.innerText()).replaceAll(/\s+/g, " ")).toMatch(/The fork is \S+: failed Eve has no address\./)
    expect(await button.isDisabled()).toBe(true)
    await page.getByRole("textbox", { name: /The value of/ }).press("Control+Enter")
    expect(await forks()).toBe(before + 1)
    await page.getByRole("textbox", { name: /The value of/ }).fill(value("Bob"))
    await button.click()
    await status.getByText("converged").waitFor()
    expect(await forks()).toBe(before + 2)
    expect(complaints).toEqual([])
  })
})

describe("a search field", () => {
  it("of facts gives way to its results by the arrow down and by Enter, also while they are on their way", async () => {
    await site.start("letters", "found", { people: [] })
    await site.reach("found", "converged")
    await site.start("letters", "search", { people: ["Bob"] })
    await site.reach("search", "awaiting")
    await site.running.post("/api/v1/jobs/search/approvals", { approval: "Bob", decision: "approve" })
    await site.reach("search", "converged")
    const { complaints, page } = await site.visit("jobs/search/facts")
    await page.locator(".factList [role=option]").first().waitFor()
    await page.locator("#search").focus()
    await page.keyboard.press("ArrowDown")
    await page.locator(".factList .chosen").waitFor()
    await expect.poll(() => focused(page)).toMatch(/fact/)
    await page.locator("#search").fill("Letter")
    await page.locator("#search").fill(`"to"`)
    await page.keyboard.press("Enter")
    await page.locator(".pane h2", { hasText: "Letter/Bob" }).waitFor()
    await until(async () => /fact/.test(await focused(page)))
    await page.goto(`${site.running.url}/inspector#/jobs`)
    // The view before has a field of the same name.
    await page.locator(".jobList .row").first().waitFor()
    await page.locator("#search").fill("search")
    await page.locator(".row", { hasText: "search" }).first().waitFor()
    await page.keyboard.press("ArrowDown")
    await page.locator(".row.chosen").waitFor()
    await page.keyboard.press("Enter")
    await page.waitForURL(/#\/jobs\/search\//)
    expect(complaints).toEqual([])
  })
})

describe("a token", () => {
  it("is named, says that it may not answer, and can be left for another one", async () => {
    const tokens = ["all-rights", { name: "reader", token: "may-read", scopes: ["read"] as const }]
    const locked = await serve({ programs: [letters], tokens }, { engine })
    try {
      await startOn(locked, "letters", "locked", { people: ["Bob"] })
      const { page } = await site.visit("jobs/locked/overview", {}, locked)
      const use = async (token: string): Promise<void> => {
        await page.getByLabel(/token/).last().fill(token)
        await page.getByRole("button", { name: "Use this token" }).click()
      }
      await use("may-read")
      await shows(page, "Your token reader lets you look at jobs, but not answer their questions.")
      expect(await page.getByRole("button", { name: "Approve" }).count()).toBe(0)
      await page.getByRole("button", { name: "Token reader: change or leave it" }).click()
      await shows(page, "The page uses the token reader, which may look at jobs, and nothing else.")
      await use("all-rights")
      await page.getByRole("button", { name: "Approve" }).waitFor()
      expect(await page.getByLabel("Your name").count()).toBe(0)
      await page.getByRole("button", { name: /^Token .*: change or leave it/ }).click()
      await page.getByRole("button", { name: "Forget the one in use" }).click()
      await shows(page, "This server needs a token")
      expect(await page.evaluate(`sessionStorage.getItem("converge-token")`)).toBe(null)
    } finally {
      await locked.stop()
    }
  })
})
