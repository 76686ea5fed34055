/** The program of a job in the console: its graph, and what the job makes of it; facts by kind, searched and compared. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import { holdAt, letGo } from "../support/browser/held.ts"
import { programs as others } from "../support/browser/programs.ts"
import { long, programs, tangled, wide } from "../support/browser/questions.ts"
import { measure } from "./measured.ts"
import { focused, goTo, openSite, type Site, shows, until } from "./site.ts"

let site: Site
beforeAll(async () => {
  site = await openSite([...programs, ...others, long, tangled, wide])
  await site.start("spends", "spent", { topic: "bees" })
  await site.reach("spent", "failed")
  await site.start("oscillates", "doors")
  await site.reach("doors", "budget-exhausted")
})
afterAll(() => site?.close())
afterEach(() => site.closePages())

/** Notes how many parts came with one frame at most: rows of agents, nodes and lines. The compiler of tests knows no DOM. */
const watchNodes = `{
  window.mostNodes = 0
  let before = 0
  const look = () => {
    const count = document.querySelectorAll(".chart.program :is(.node, .edge), [aria-label=Agents] tbody tr").length
    window.mostNodes = Math.max(window.mostNodes, count - before)
    before = count
    requestAnimationFrame(look)
  }
  requestAnimationFrame(look)
}`

describe("the view of the program", () => {
  it("draws agents and kinds, with the number of facts of each, and lists what each agent reads and writes", async () => {
    const { complaints, page } = await site.visit("jobs/spent/program")
    const graph = page.locator(".chart.program")
    await graph.locator(".node.agent").first().waitFor()
    await graph.locator(".doing").first().waitFor()
    await expect
      .poll(async () => (await graph.locator(".node text").allTextContents()).map((text) => text.trim()).sort())
      .toEqual(["Item 2", "Mail 1 asked", "Report 2", "Violation 2", "shorten 2 tasks · 1 discarded", "write 2 tasks"])
    await expect.poll(() => graph.locator(".edge").count()).toBeGreaterThanOrEqual(4)
    const row = page.getByRole("region", { name: "Agents" }).locator("tbody tr", { hasText: "write" })
    await expect
      .poll(() => row.locator("td").allInnerTexts())
      .toEqual(["write", "fiber", "0", "Item", "Item", "Report", "Mail"])
    expect(complaints).toEqual([])
  })

  it("uses the width, and is enlarged by buttons, by keys and by the wheel with ctrl", async () => {
    const { complaints, page } = await site.visit("jobs/spent/program")
    const graph = page.locator(".chart.program svg")
    await graph.locator(".doing").first().waitFor()
    const width = async (): Promise<number> => (await graph.boundingBox())?.width ?? 0
    const height = async (): Promise<number> => (await graph.locator(".node.agent").first().boundingBox())?.height ?? 0
    const first = await width()
    // An agent is not smaller than the text of the page needs.
    expect(await height()).toBeGreaterThan(60)
    await page.getByRole("button", { name: "Zoom in" }).click()
    await until(async () => (await width()) > first * 1.2)
    await page.getByRole("button", { name: "Zoom out" }).click()
    await until(async () => Math.abs((await width()) - first) < 2)
    await graph.locator(".node").first().focus()
    await page.keyboard.press("+")
    await until(async () => (await width()) > first * 1.2)
    await page.keyboard.press("0")
    await until(async () => Math.abs((await width()) - first) < 2)
    const box = (await graph.boundingBox())!
    await page.mouse.move(box.x + 20, box.y + 20)
    await page.keyboard.down("Control")
    await page.mouse.wheel(0, -200)
    await page.keyboard.up("Control")
    await until(async () => (await width()) > first * 1.1)
    expect(complaints).toEqual([])
  })

  it("opens the facts of a kind, and what an agent reads, writes and has done, by a click and by keys", async () => {
    const { complaints, page } = await site.visit("jobs/spent/program")
    await until(async () => (await page.locator(".chart.program .node").count()) === 6)
    // The keyboard comes to the graph, which scrolls, and then to one of its nodes.
    await page.getByRole("button", { name: "all", exact: true }).focus()
    await page.keyboard.press("Tab")
    await expect.poll(() => focused(page)).toMatch(/^Agents, kinds and intents: 6 of them/)
    await page.keyboard.press("Tab")
    expect(await page.evaluate(`document.activeElement.matches(".chart.program .node")`)).toBe(true)
    await page.getByRole("button", { name: /^write / }).click()
    const pane = page.getByRole("region", { name: "the chosen agent" })
    await pane.getByText("2 tasks").waitFor()
    await expect.poll(() => pane.innerText()).toMatch(/reads\s+Item\s+writes\s+Report/)
    expect(page.url()).toContain("agent=write")
    await page.getByRole("button", { name: /^shorten / }).focus()
    await page.keyboard.press("Enter")
    await pane.getByText("1 of them without effect").waitFor()
    await page.keyboard.press("ArrowRight")
    await expect.poll(() => page.evaluate(`document.activeElement.dataset.node`)).toBe("k Report")
    await page.keyboard.press("Enter")
    await page.waitForURL(/\/facts\?kind=Report/)
    await page.goBack()
    await page.getByRole("button", { name: "Item 2 facts" }).click()
    await page.waitForURL(/\/facts\?kind=Item/)
    expect(complaints).toEqual([])
  })

  it("marks the agents that run now, says what runs and waits, and no longer when the job has ended", async () => {
    await site.start("varied", "works", { isHeld: true })
    const { complaints, page } = await site.visit("jobs/works/program")
    const sit = page.locator(".node.runs", { hasText: "sit" })
    await sit.locator(".doing", { hasText: "1 runs · 2 wait" }).waitFor()
    await page.getByRole("status").filter({ hasText: "1 agent runs now" }).waitFor()
    await sit.click()
    const running = page.getByRole("list", { name: "Its tasks that run" })
    await expect.poll(() => running.innerText()).toMatch(/Seat\/1 runs .* on the main thread/)
    await page.getByText("waits for a permit of its agent").first().waitFor()
    await site.running.post("/api/v1/jobs/works/cancel")
    await until(async () => (await page.locator(".node.runs").count()) === 0)
    expect(complaints).toEqual([])
  })

  it("is laid out in a thread of its own, and without the layout engine where that cannot be loaded", async () => {
    const { complaints, page } = await site.visit("jobs/spent/program")
    const nodes = page.locator(".chart.program .node")
    await nodes.first().waitFor()
    expect(page.workers().map((worker) => new URL(worker.url()).pathname)).toEqual(["/inspector/layout.js"])
    await expect.poll(() => nodes.count()).toBe(6)
    await page.route("**/inspector/layout.js", (route) => route.abort())
    await page.reload()
    await nodes.first().waitFor()
    await expect.poll(() => nodes.count()).toBe(6)
    expect(page.workers()).toEqual([])
    expect(complaints.filter((text) => !text.includes("layout.js"))).toEqual([])
  })

  it("of 40 agents and 60 kinds begins at a readable size, shows all of them, and needs no layout engine", async () => {
    await site.start("wide", "wide")
    await site.reach("wide", "converged")
    for (const size of [{ width: 1_280 }, { width: 390, height: 844, theme: "dark" }] as const) {
      const { complaints, page } = await site.visit("jobs/wide/program", size)
      const graph = page.locator(".chart.program")
      await until(async () => (await graph.locator(".node").count()) === 100)
      expect(page.workers()).toEqual([])
      const text = async (): Promise<number> =>
        (await graph.locator(".node.agent text").first().boundingBox())?.height ?? 0
      expect(await text()).toBeGreaterThan(11)
      await page.getByRole("button", { name: "all", exact: true }).click()
      await until(async () => {
        const [inside, box] = [await graph.locator("svg").boundingBox(), await graph.boundingBox()]
        return inside !== null && box !== null && inside.width <= box.width && inside.height <= box.height
      })
      // The page itself never scrolls aside.
      expect(await page.evaluate(`document.documentElement.scrollWidth <= innerWidth`)).toBe(true)
      expect(complaints).toEqual([])
    }
  })

  it("of 250 kinds and 252 agents is drawn a few parts with each frame", async () => {
    await site.start("long", "long")
    await site.reach("long", "converged")
    const { complaints, page } = await site.visit("jobs")
    await page.addInitScript(watchNodes)
    const measured = await measure(page)
    await goTo(page, "jobs/long/program")
    await page.reload()
    await until(async () => (await page.locator(".chart.program .node").count()) === 503, 30_000)
    await until(async () => (await page.locator(".chart.program .edge").count()) > 500, 30_000)
    await until(async () => (await page.getByRole("region", { name: "Agents" }).locator("tbody tr").count()) === 252)
    const most = await page.evaluate<number>("window.mostNodes")
    console.log(
      `502 agents and kinds: longest task ${await measured.longestMs()} ms, ${most} parts at most with a frame`
    )
    expect(most).toBeGreaterThan(10)
    expect(most).toBeLessThan(250)
    expect(complaints).toEqual([])
  })

  it("of 250 agents whose lines lead back and forth is laid out while the page answers", async () => {
    await site.start("tangled", "tangled")
    await site.reach("tangled", "converged")
    const { complaints, page } = await site.visit("jobs")
    const measured = await measure(page)
    await goTo(page, "jobs/tangled/program")
    await page.addInitScript(`new MutationObserver(() => {
      const isSaid = document.querySelector("#app")?.textContent.includes("The graph is laid out…")
      if (isSaid) document.documentElement.dataset.said = "yes"
    }).observe(document, { childList: true, subtree: true })`)
    await page.reload()
    await page.locator("html[data-said=yes]").waitFor()
    await until(async () => (await page.locator(".chart.program .node").count()) > 400, 90_000)
    const ms = await measured.longestMs()
    console.log(`a tangled program: longest task ${ms} ms`)
    expect(ms).toBeLessThan(1_500)
    expect(complaints).toEqual([])
  }, 120_000)

  it("shows the input, the budget against its limits, and who paid", async () => {
    const { complaints, page } = await site.visit("jobs/spent/program")
    await shows(page, `"topic": "bees"`)
    const row = (name: string) => page.locator("table.budget tr").filter({ has: page.locator("th", { hasText: name }) })
    await row("tokens").waitFor()
    await expect
      .poll(async () => (await row("tokens").locator("td").allInnerTexts()).map((text) => text.trim()))
      .toEqual(["1,440", "", "10,000"])
    await page.getByRole("img", { name: "tokens: 1,440 of 10,000: 14 %" }).waitFor()
    const paid = page.locator("table", { hasText: "Paid by agent" }).locator("tbody tr")
    await expect
      .poll(async () => (await paid.allInnerTexts()).map((text) => text.split(/\s+/).slice(0, 2)))
      .toEqual([
        ["shorten", "40"],
        ["write", "1,400"]
      ])
    expect(complaints).toEqual([])
  })

  it("shows the invariants and what they say, the intents with their keys, and the diagnostics with both sides", async () => {
    const { complaints, page } = await site.visit("jobs/spent/program")
    const invariant = (name: string) => page.locator("li", { hasText: name })
    await invariant("every report is short").getByText("does not hold: a report has 120 words").waitFor()
    expect(await invariant("there is a report").innerText()).toMatch(/semantic\s+holds/)
    // The job has not come to where this one is asked.
    expect(await invariant("every item is told of").innerText()).toMatch(/acceptance\s+is asked at the end/)
    const intent = page.getByRole("region", { name: "Intents" }).locator("tbody tr")
    await expect
      .poll(() => intent.locator("td").allInnerTexts())
      .toEqual([
        ...["Mail", "write", "Item/a", "1", `{"to":"Ada"}`, "It needs none: no handler performs it."],
        expect.stringMatching(/^\S{10,}$/)
      ])
    const lost = page.locator(".diagnostics li", { hasText: "MergeConflict" })
    await lost.getByLabel("both sides").waitFor()
    for (const text of ["shorten", `"words": 120`, `"words": 7`]) expect(await lost.innerText()).toContain(text)
    expect(complaints).toEqual([])
  })

  it("shows the counts of a job that runs as they grow, and those of a past cycle", async () => {
    holdAt("grows", 5)
    await site.start("counts", "grows", { to: 20, ms: 1 })
    const { complaints, page } = await site.visit("jobs/grows/program")
    const count = async (): Promise<number> =>
      Number(((await page.locator(".chart.program .count").textContent()) ?? "").trim())
    await page.locator(".chart.program .count").waitFor()
    // The facts from 0 to the one whose step has to wait.
    await until(async () => (await count()) === 7)
    holdAt("grows", 10)
    await until(async () => (await count()) === 12)
    letGo("grows")
    await site.reach("grows", "converged")
    await until(async () => (await count()) === 21)
    await page.getByRole("slider").fill("5")
    await until(async () => (await count()) === 6)
    await shows(page, "as of cycle 5")
    expect(complaints).toEqual([])
  })

  it("shows the open intents of a job that waits", async () => {
    await site.start("sends", "asks")
    await site.reach("asks", "awaiting")
    const { complaints, page } = await site.visit("jobs/asks/program")
    const intent = page.getByRole("region", { name: "Intents" }).locator("tbody tr")
    await intent.waitFor()
    await expect
      .poll(async () => (await intent.locator("td").allInnerTexts()).at(5))
      .toBe("waits for a decision since cycle 1")
    const graph = page.locator(".chart.program")
    const texts = async () => (await graph.locator(".node text").allTextContents()).map((text) => text.trim()).sort()
    const before = ["Approval 1 asked · 1 open", "Decision 0", "Sent 0", "ask 1 task", "send"]
    await until(async () => JSON.stringify(await texts()) === JSON.stringify(before))
    const asks = page.getByRole("region", { name: "Agents" }).locator("tbody tr", { hasText: "ask" })
    await expect
      .poll(() => asks.locator("td").allInnerTexts())
      .toEqual(["ask", "fiber", "0", "–", "–", "–", "Approval"])
    await page.getByRole("button", { name: "Approval 1 asked · 1 open, intent" }).click()
    await until(async () => (await focused(page)) === "Intents")
    expect(complaints).toEqual([])
  })
})

describe("the facts", () => {
  it("are listed by kind, counted as facts and not as revisions, and searched by id and by value", async () => {
    const { complaints, page } = await site.visit("jobs/doors/facts")
    await until(async () => (await page.getByRole("button", { name: /^Door/ }).innerText()).includes("2"))
    const rows = page.locator(".factList [role=option]")
    await until(async () => (await rows.count()) === 2)
    await page.locator("#search").fill("stays")
    await until(async () => (await rows.allInnerTexts()).join().includes("back") && (await rows.count()) === 1)
    await page.locator("#search").fill("FRONT")
    await until(async () => (await rows.allInnerTexts()).join().includes("front") && (await rows.count()) === 1)
    await page.locator("#search").fill("nothing has this")
    await shows(page, "No fact has this text in its id or its value.")
    await page.goto(`${site.running.url}/inspector#/jobs/spent/facts`)
    await page.getByRole("button", { name: /^Report/ }).click()
    const isOfWrite = async () => (await rows.allInnerTexts()).map((row) => row.includes("write"))
    await until(async () => JSON.stringify(await isOfWrite()) === "[true,true]")
    expect(complaints).toEqual([])
  })

  it("show the conflicts about them, with both sides and the agent that lost", async () => {
    const { complaints, page } = await site.visit("jobs/spent/facts")
    await page.locator(".factList .row", { hasText: "Report/b" }).click()
    const conflicts = page.getByRole("region", { name: "Conflicts" })
    await conflicts.getByLabel("both sides").waitFor()
    const text = await conflicts.innerText()
    for (const part of [
      "shorten in cycle 1",
      "there, from write",
      `"words": 120`,
      "proposed by shorten",
      `"words": 7`
    ]) {
      expect(text).toContain(part)
    }
    await page.locator(".factList .row", { hasText: "Report/a" }).click()
    await page.locator(".pane h2", { hasText: "Report/a" }).waitFor()
    await conflicts.waitFor({ state: "detached" })
    expect(complaints).toEqual([])
  })

  it("of any two cycles are compared: added, and changed with both values", async () => {
    const { complaints, page } = await site.visit("jobs/doors/facts?at=10")
    await page.getByRole("checkbox").check()
    await page.getByRole("spinbutton").fill("3")
    await page.keyboard.press("Tab")
    await shows(page, "Changes from cycle 3 to 10")
    const changed = page.locator(".diff .revised")
    await changed.waitFor()
    expect(await page.locator(".diff li").count()).toBe(1)
    const [before, after] = [
      await changed.locator("pre.before").innerText(),
      await changed.locator("pre.after").innerText()
    ]
    expect([before, after].map((text) => /"state": "(\w+)"/.exec(text)?.[1])).toEqual(["shut", "open"])
    expect(complaints).toEqual([])
  })
})
