/** The first screens: the list with its budgets, parents and children, late answers, a server that is away, and a narrow window. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Page } from "playwright-core"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import { Agent, type Engine, Fact, Intent, JobStore, Program } from "../../src/index.ts"
import { programs as others } from "../support/browser/programs.ts"
import { programs as questions } from "../support/browser/questions.ts"
import { inLong } from "../support/rounds.ts"
import { serve } from "../support/server/harness.ts"
import { openPage } from "./browser.ts"
import { openSite, reachOn, type Site, shows, showsFirst, startOn, until } from "./site.ts"

const Part = Fact.kind("Part", { schema: Schema.Struct({ n: Schema.Int }), id: ({ n }) => `part ${n}` })

/** Asks about its second part. */
const checks = Program.make("checks", {
  input: Schema.Struct({ n: Schema.Int }),
  agents: [
    Agent.make("checks", {
      execute: (view) =>
        Effect.succeed(
          (view.input as { readonly n: number }).n === 1
            ? { intents: [Intent.approval({ id: "go", question: "Is part 1 good?" })] }
            : {}
        )
    })
  ]
})

const splits = Program.make("splits", {
  input: Schema.Struct({ of: Schema.Int }),
  seed: ({ of }) => Array.from({ length: of }, (_, n) => Part.of({ n })),
  agents: [
    Agent.make("split", {
      each: Part,
      execute: ({ value: { n } }) => Effect.succeed({ intents: [Intent.child(checks, { n })] })
    })
  ]
})

const programs = [...others, ...questions, checks, splits]
const children: { readonly children: ReadonlyArray<Program.Program.Any> } = { children: [checks] }
const engine = children as Engine.EngineOptions

let site: Site
beforeAll(async () => {
  site = await openSite(programs, {}, { engine })
})
afterAll(() => site?.close())
afterEach(() => site.closePages())

const answer = (id: string, decision: string, note: string) =>
  site.running.post(`/api/v1/jobs/${id}/approvals/send`, { decision, by: "Grace", note })

describe("an answer that comes too late", () => {
  /** Holds the page's own looks at the questions back, so that it shows one that is no longer open. None is under way any more. */
  const stale = async (page: Page): Promise<void> => {
    const isHeld = page.waitForEvent("requestfailed", (request) => /\/approvals\?/.test(request.url()))
    await page.route(/\/approvals\?/, (route) => route.abort())
    await isHeld
  }

  it("is told who answered, what, why and in which cycle, and the question goes from the page", async () => {
    await site.start("sends", "twice")
    await site.reach("twice", "awaiting")
    const { page } = await site.visit("jobs/twice/overview")
    await page.locator("article.approval").waitFor()
    await stale(page)
    expect((await answer("twice", "reject", "too dear")).status).toBe(200)
    await site.reach("twice", "converged")
    await page.getByRole("button", { name: "Approve" }).click()
    await shows(page, /It was rejected before, in cycle 2, by Grace:/)
    await shows(page, "too dear")
    await page.locator("article.approval").waitFor({ state: "detached" })
    await page.getByRole("button", { name: "Close" }).click()
    await page.locator(".late").waitFor({ state: "detached" })
  })

  inLong(() => {
    it("is told that the job had been cancelled, or deleted", async () => {
      for (const id of ["stopped", "removed"]) {
        await site.start("sends", id)
        await site.reach(id, "awaiting")
      }
      const { page } = await site.visit("jobs")
      const of = (id: string) => page.locator("article.approval", { hasText: id })
      await of("stopped").waitFor()
      await of("removed").waitFor()
      await stale(page)
      for (const id of ["stopped", "removed"]) await site.running.post(`/api/v1/jobs/${id}/cancel`)
      expect((await site.running.fetch("/api/v1/jobs/removed", { method: "DELETE" })).status).toBe(200)
      await of("stopped").getByRole("button", { name: "Approve" }).click()
      await shows(page, "The job had been cancelled, and nobody had answered.")
      await of("removed").getByRole("button", { name: "Approve" }).click()
      await shows(page, "The job had been deleted.")
      await expect.poll(() => page.locator("article.approval", { hasText: /stopped|removed/ }).count()).toBe(0)
    })
  })
})

inLong(() => {
  describe("the questions of all jobs", () => {
    it("come in pages, with a way on and a way back", async () => {
      const ids = Array.from({ length: 21 }, (_, n) => `question-${n}`)
      for (const id of ids) await site.start("sends", id)
      for (const id of ids) await site.reach(id, "awaiting")
      const { complaints, page } = await site.visit("jobs")
      const asked = page.locator("article.approval")
      await until(async () => (await asked.count()) === 20)
      const newer = page.getByRole("button", { name: "Newer jobs" })
      expect(await newer.isDisabled()).toBe(true)
      await page.getByRole("button", { name: "Older jobs" }).click()
      await page.locator("article.approval", { hasText: "question-0" }).first().waitFor()
      await until(async () => (await asked.count()) < 20)
      await newer.click()
      await until(async () => (await asked.count()) === 20)
      expect(complaints).toEqual([])
      for (const id of ids) await site.running.post(`/api/v1/jobs/${id}/cancel`)
    })
  })
})

describe("a job with child jobs", () => {
  it("shows them with state and agent, says which it waits for, and leads there, back, and to the list of them", async () => {
    await site.start("splits", "family", { of: 10 })
    await site.reach("family", "awaiting")
    const { complaints, page } = await site.visit("jobs/family/overview")
    const rows = page.locator(".childJobs li")
    await until(async () => (await rows.count()) === 8)
    // The child that waits for somebody comes first.
    await rows.first().getByText("awaiting").waitFor()
    await rows.first().getByText("by split in cycle 1").waitFor()
    await shows(page, 'It waits for its child job family/1/split/"Part"/part 1/0, which is awaiting.')
    await page.getByRole("link", { name: "List all 10 child jobs" }).click()
    await until(async () => (await page.locator(".jobList .row").count()) === 10)
    await shows(page, "Child jobs of")
    await page.goBack()
    await rows.first().getByRole("link").click()
    await shows(page, /Child of\s+family, started by its agent\s+split in cycle 1/)
    await page.getByRole("button", { name: "Approve" }).click()
    await page.locator(".childOf").getByRole("link", { name: "family" }).click()
    await page.locator("header .state", { hasText: "converged" }).first().waitFor()
    await shows(page, "10, all have ended")
    expect(complaints).toEqual([])
  })

  it("shows those that live also where the server has no durable store", async () => {
    const running = await serve({ programs }, { engine })
    try {
      await running.post(
        "/api/v1/jobs",
        { program: "splits", id: "kin", input: { of: 3 } },
        { prefer: "respond-async" }
      )
      const { complaints, page } = await openPage(site.browser, `${running.url}/inspector#/jobs/kin/overview`)
      page.setDefaultTimeout(20_000)
      await page.locator(".childJobs li", { hasText: "awaiting" }).getByText("by split in cycle 1").waitFor()
      expect(complaints).toEqual([])
      await page.close()
    } finally {
      await running.stop()
    }
  })
})

inLong(() => {
  describe("the list of jobs", () => {
    it("has a bar also for a job that nobody holds, and says of which budgets it knows", async () => {
      const folder = mkdtempSync(join(tmpdir(), "unheld-"))
      const store = JobStore.layerSqlite({ filename: join(folder, "jobs.db") })
      try {
        const first = await serve({ programs }, { store, engine })
        await startOn(first, "sends", "left")
        await reachOn(first, "left", "awaiting")
        await first.stop()
        const second = await serve({ programs: [splits, checks] }, { store, engine })
        const { page } = await site.visit("jobs", {}, second)
        const row = page.locator(".jobList .row", { hasText: "left" })
        await row.getByText("suspended").waitFor()
        const bar = row.getByRole("img", { name: /^cycles: 1 of 1,000\. Of this job, the list knows only/ })
        await bar.waitFor()
        await page.goto(`${second.url}/inspector#/jobs/left/overview`)
        // The page of the job replays its journal.
        await page.locator(".budget tr", { hasText: "tasks" }).getByText("1", { exact: true }).waitFor()
        await second.stop()
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    })
  })
})

describe("a server that is away", () => {
  inLong(() => {
    it("is told once, and the page comes back by itself", async () => {
      const first = await serve({ programs }, { engine })
      const port = Number(new URL(first.url).port)
      const { page } = await site.visit("jobs", {}, first)
      await shows(page, "There are no jobs yet.")
      await first.stop()
      await shows(page, "The server does not answer.")
      const count = (): Promise<number> => page.getByText(/does not answer/).count()
      expect(await count()).toBe(1)
      const second = await serve({ programs, port }, { engine })
      try {
        await page.getByText("The server does not answer.").waitFor({ state: "detached" })
        await page.goto(`${second.url}/inspector#/jobs/none/overview`)
        await shows(page, "There is no such job")
        await page.route(/\/api\/v1\//, (route) => route.abort())
        await page.goto(`${second.url}/inspector#/jobs/other/overview`)
        await shows(page, "This page shows the job as soon as the server answers.")
        expect(await count()).toBe(1)
        await page.unroute(/\/api\/v1\//)
        await page.getByText("The server does not answer.").waitFor({ state: "detached" })
        await shows(page, "There is no such job")
      } finally {
        await second.stop()
      }
    })
  })

  it("takes no answer, and the page says that it was not sent", async () => {
    await site.start("sends", "unsent")
    await site.reach("unsent", "awaiting")
    const { page } = await site.visit("jobs/unsent/overview")
    await page.locator("article.approval").waitFor()
    await page.route(/\/api\/v1\//, (route) => route.abort())
    await page.getByRole("button", { name: "Approve" }).click()
    await shows(page, "Your answer was not sent.")
    await page.unroute(/\/api\/v1\//)
    await page.getByText("The server does not answer.").waitFor({ state: "detached" })
    await page.getByRole("button", { name: "Approve" }).click()
    await site.reach("unsent", "converged")
  })
})

inLong(() => {
  describe("a server that needs a token", () => {
    it("is told once, with what to do", async () => {
      const locked = await serve({ programs, tokens: ["all-rights"] }, { engine })
      const { page } = await site.visit("jobs", {}, locked)
      try {
        await page.getByLabel("This server needs a token").waitFor()
        await shows(page, "Enter a token above to see the jobs.")
        expect(await page.locator(".fault").count()).toBe(0)
        await page.getByLabel("This server needs a token").fill("all-rights")
        await page.keyboard.press("Enter")
        await shows(page, "There are no jobs yet.")
        expect(await page.getByLabel("This server needs a token").count()).toBe(0)
      } finally {
        await locked.stop()
      }
    })
  })
})

inLong(() => {
  describe("a narrow window", () => {
    it("has the head of a job in little room, and the answer on its first screen", async () => {
      const jobs: ReadonlyArray<readonly [program: string, id: string, state: string, texts: ReadonlyArray<string>]> = [
        [
          "fails",
          "narrowFailed",
          "failed",
          ["The same happened 3 times.", "AgentFailed", "pull", "how often", "EXPIRED"]
        ],
        [
          "oscillates",
          "narrowExhausted",
          "budget-exhausted",
          ["by closer and opener", "cycle 59 · closer", "cycle 60 · opener", "Facts added or changed"]
        ],
        ["queues", "narrowSlow", "running", ["It waits for", "a permit of its agent", "upload", "2 tasks run, 3 wait"]],
        [
          "sends",
          "narrowWaits",
          "awaiting",
          ["Send the letter to Ada?", "Approve", "Reject…", "It waits for an answer"]
        ]
      ]
      for (const [program, id, state, texts] of jobs) {
        await site.start(program, id)
        await site.reach(id, state)
        for (const size of [
          { width: 390, height: 844 },
          { width: 1_280, height: 720 }
        ]) {
          const { complaints, page } = await site.visit(`jobs/${id}/overview`, size)
          await showsFirst(page, texts)
          const head = await page.locator("header.head").boundingBox()
          expect(head!.height, id).toBeLessThan(160)
          const overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
          expect(overflow, id).toBeLessThanOrEqual(0)
          expect(complaints).toEqual([])
        }
      }
      await site.running.post("/api/v1/jobs/narrowSlow/cancel")
    })
  })
})
