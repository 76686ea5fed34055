/** Questions that wait for a human: their room, their number, and where the focus goes when one is answered. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Page } from "playwright-core"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import { Agent, Intent, Program } from "../../src/index.ts"
import { programs as others } from "../support/browser/programs.ts"
import { inLong, isLong } from "../support/rounds.ts"
import { focused, goTo, openSite, type Site, shows, showsFirst, until } from "./site.ts"

/** Asks so many questions at once. */
const asks = Program.make("asks", {
  input: Schema.Struct({ n: Schema.Int }),
  signals: [Intent.Decision],
  agents: [
    Agent.make("ask", {
      execute: (view) =>
        Effect.succeed({
          intents: Array.from({ length: (view.input as { readonly n: number }).n }, (_, n) =>
            Intent.approval({
              id: `send-${String(n).padStart(2, "0")}`,
              question: `Send letter ${n} to Ada?`,
              data: { to: "Ada", pages: 3, lines: ["x", "y", "z"] }
            })
          )
        })
    })
  ]
})

let site: Site
beforeAll(async () => {
  site = await openSite([...others, asks])
})
afterAll(() => site?.close())
afterEach(() => site.closePages())

const ask = async (id: string, n: number): Promise<void> => {
  await site.start("asks", id, { n })
  await site.reach(id, "awaiting")
}

const stop = (id: string) => site.running.post(`/api/v1/jobs/${id}/cancel`)

const answer = (id: string, approval: string) =>
  site.running.post(`/api/v1/jobs/${id}/approvals/${approval}`, { decision: "approve" })

/** Whether the focus is in the part of the page that the selector finds first. */
const isIn = (page: Page, selector: string): Promise<boolean> =>
  page.evaluate(`document.querySelector(${JSON.stringify(selector)})?.contains(document.activeElement) === true`)

describe("a job that waits for a human", () => {
  const sizes = [
    { width: 1_280, height: 720 },
    { width: 390, height: 844 }
  ] as const

  it.each(isLong ? [1, 3, 25] : [25])("shows its tabs and where it stands beside %i questions", async (n) => {
    const id = `room-${n}`
    await ask(id, n)
    for (const size of sizes) {
      const { complaints, page } = await site.visit(`jobs/${id}/overview`, size)
      await shows(page, "Send letter 0 to Ada?")
      await showsFirst(page, [
        "It waits for an answer: Send letter 0 to Ada?",
        ...["Overview", "Timeline", "Facts", "Where it stands", "Send letter 0", "Approve", "Reject…"]
      ])
      expect(await page.evaluate("document.scrollingElement.scrollWidth - innerWidth")).toBeLessThanOrEqual(0)
      expect(complaints).toEqual([])
    }
    await stop(id)
  })

  it("keeps the views for what they show, with one line that leads to the questions", async () => {
    await ask("views", 3)
    const { page } = await site.visit("jobs/views/timeline", sizes[0])
    for (const view of ["timeline", "facts", "program", "output", "events"]) {
      await goTo(page, `jobs/views/${view}`)
      const line = page.locator(".waitingLine")
      await line.getByText("3 questions").waitFor()
      expect((await line.boundingBox())!.height, view).toBeLessThan(60)
      expect(await page.locator("article.approval").count(), view).toBe(0)
    }
    await page.getByRole("link", { name: "Answer on the overview" }).click()
    await page.locator("article.approval").first().waitFor()
    await expect.poll(() => page.locator("article.approval").count()).toBe(3)
    await stop("views")
  })

  it("has one of several questions open, and a note that was begun stays", async () => {
    await ask("folds", 3)
    const { page } = await site.visit("jobs/folds/overview")
    const fold = (n: number) => page.getByRole("button", { name: `Send letter ${n} to Ada?` })
    await fold(2).waitFor()
    const note = page.locator(".approval:not(.folded)").getByLabel("Note")
    await note.fill("as agreed")
    await fold(2).click()
    await expect.poll(() => focused(page)).toContain("Send letter 2")
    await expect.poll(() => page.getByRole("button", { name: "Approve" }).count()).toBe(1)
    await expect.poll(() => fold(0).getAttribute("aria-expanded")).toBe("false")
    await fold(0).click()
    await expect.poll(() => note.inputValue()).toBe("as agreed")
    await stop("folds")
  })
})

describe("a question that somebody else answers", () => {
  it.each(["jobs", "jobs/note/overview"])(
    "keeps the note that was begun, and says who answered, at %s",
    async (place) => {
      await ask("note", 2)
      const { page } = await site.visit(place)
      const card = page.locator("article.approval", { hasText: "Send letter 0 to Ada?" })
      await card.getByLabel("Note").pressSequentially("half a no")
      expect((await answer("note", "send-00")).status).toBe(200)
      await card.getByText(/It was approved before, in cycle \d+, by somebody who gave no name/).waitFor()
      await card.getByText("Your note was not sent.").waitFor()
      // Further keys go nowhere, and no other question is answered by them.
      await page.keyboard.type("te")
      await page.keyboard.press("Enter")
      expect(await focused(page)).toBe("Note")
      expect(await card.getByLabel("Note").inputValue()).toBe("half a no")
      await page.locator(".waiting h2", { hasText: "1 question" }).waitFor()
      await card.getByRole("button", { name: "Close" }).click()
      await card.waitFor({ state: "detached" })
      await page.locator("article.approval", { hasText: "Send letter 1 to Ada?" }).waitFor()
      await stop("note")
      expect((await site.running.fetch("/api/v1/jobs/note", { method: "DELETE" })).status).toBe(200)
    }
  )
})

inLong(() => {
  describe("the number of questions", () => {
    it("is that of all of them, also where a page does not have them all, with a way to the others", async () => {
      await ask("many", 25)
      for (const place of ["jobs", "jobs/many/overview"]) {
        const { page } = await site.visit(place)
        await page.locator(".waiting h2", { hasText: "25 questions, 20 on this page" }).waitFor()
        await page.getByRole("button", { name: place === "jobs" ? "Older jobs" : "Later questions" }).click()
        await shows(page, "Send letter 24 to Ada?")
        await page.locator(".waiting h2", { hasText: "25 questions, 5 on this page" }).waitFor()
      }
      const { page } = await site.visit("jobs/many/events")
      await page.locator(".waitingLine", { hasText: "25 questions" }).waitFor()
      await stop("many")
    })
  })
})

describe("the focus", () => {
  it.each(["jobs", "jobs/focus/overview"])("goes to the next question at %s", async (place) => {
    await ask("focus", 5)
    const { page } = await site.visit(place)
    await shows(page, "Send letter 2 to Ada?")
    const open = async (n: number) => {
      const one = page.locator("article.approval", { hasText: `Send letter ${n} to Ada?` })
      if (place !== "jobs") await one.getByRole("button", { name: /^Send letter/ }).click()
      return one
    }
    const approve = (await open(2)).getByRole("button", { name: "Approve" })
    await approve.focus()
    await page.keyboard.press("Enter")
    await until(async () => (await focused(page)) === "Send letter 3 to Ada?")
    // The next one is reached from there, and is answered with the mouse.
    if (place === "jobs") await page.keyboard.press("Tab")
    await (await open(3)).getByRole("button", { name: "Approve" }).click()
    await until(async () => (await focused(page)) === "Send letter 4 to Ada?")
    // A refusal of the last goes to the one before it.
    await (await open(4)).getByRole("button", { name: "Reject…" }).click()
    await page.getByRole("dialog").getByRole("button", { name: "Reject" }).click()
    await until(async () => (await focused(page)) === "Send letter 1 to Ada?")
    // Somebody else answers the question that the viewer is in.
    await (await open(1)).getByLabel("Note").focus()
    expect((await answer("focus", "send-01")).status).toBe(200)
    const gone = page.locator("article.approval", { hasText: "Send letter 1 to Ada?" })
    await gone.getByText(/It was approved before, in cycle \d+, by/).waitFor()
    expect(await focused(page)).toBe("Note")
    await page.keyboard.press("Enter")
    await gone.getByRole("button", { name: "Close" }).click()
    await until(async () => (await focused(page)) === "Send letter 0 to Ada?")
    const only = page.locator("article.approval", { hasText: "Send letter 0 to Ada?" })
    await only.getByRole("button", { name: "Approve" }).click()
    await site.reach("focus", "converged")
    await page.locator("article.approval").waitFor({ state: "detached" })
    await until(() => isIn(page, "main"))
    expect(await focused(page)).not.toBe("")
    expect((await site.running.fetch("/api/v1/jobs/focus", { method: "DELETE" })).status).toBe(200)
  })

  inLong(() => {
    it("stays at the button where an answer was not taken", async () => {
      await ask("away", 2)
      const { page } = await site.visit("jobs/away/overview")
      await shows(page, "Send letter 1 to Ada?")
      await page.route(/\/api\/v1\//, (route) => route.abort())
      await page.getByRole("button", { name: "Approve" }).focus()
      await page.keyboard.press("Enter")
      await shows(page, "Your answer was not sent.")
      expect(await focused(page)).toBe("Approve")
      await stop("away")
    })
  })

  inLong(() => {
    it("stays where it was when a job is paused, resumed, cancelled and deleted", async () => {
      await site.start("counts", "steered", { to: 900, ms: 100 })
      await site.reach("steered", "running")
      const { page } = await site.visit("jobs/steered/overview")
      const press = async (name: string): Promise<void> => {
        await page.getByRole("button", { name }).focus()
        await page.keyboard.press("Enter")
      }
      await press("Pause")
      await until(async () => (await focused(page)) === "Resume")
      await page.keyboard.press("Enter")
      await until(async () => (await focused(page)) === "Pause")
      await press("Cancel…")
      await page.getByRole("button", { name: "Let it run" }).click()
      await until(async () => (await focused(page)) === "Cancel…")
      await page.keyboard.press("Enter")
      await page.getByRole("button", { name: "Cancel the job" }).click()
      // A further Enter deletes nothing.
      await page.getByRole("button", { name: "Delete…" }).waitFor()
      await until(async () => (await focused(page)) === "cancelled")
      await press("Delete…")
      await page.getByRole("button", { name: "Delete the job" }).click()
      await page.waitForURL(/#\/jobs$/)
      await until(async () => (await focused(page)) === "main")
    })
  })
})
