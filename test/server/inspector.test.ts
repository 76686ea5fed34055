/** The inspector page: what it may do in a browser, and what it shows of a real server's jobs. */
import { createHash } from "node:crypto"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import { jsonOf, type Running, serve, until } from "../support/server/harness.ts"
import { type FakePage, openPage } from "../support/server/page.ts"
import { inline } from "../support/server/programs.ts"

let running: Running
let page: FakePage | undefined

beforeAll(async () => {
  running = await serve({ programs: inline })
})
afterAll(() => running.stop())
afterEach(() => page?.close())

const load = async (server: Running, hash = ""): Promise<FakePage> => {
  const html = await (await fetch(`${server.url}/inspector`)).text()
  return (page = openPage(html, `${server.url}/inspector`, hash))
}

const start = async (program: string, input: unknown, id: string): Promise<void> => {
  const response = await running.post("/api/v1/jobs", { program, input, id }, { prefer: "respond-async" })
  expect(response.status).toBe(202)
}

const shows = (id: string, ...texts: ReadonlyArray<string>): Promise<void> =>
  until(() => {
    const { text } = page!.element(id)
    return Promise.resolve(texts.every((part) => text.includes(part)))
  })

/** What the machine's drawing points at. */
const here = (): ReadonlyArray<string> =>
  [...page!.element("machine").all()].filter(({ className }) => className.includes("here")).map(({ text }) => text)

describe("the page", () => {
  it("loads nothing, runs its own script and no other, and puts nothing into the document but text", async () => {
    const response = await running.fetch("/inspector")
    expect(response.status).toBe(200)
    expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8")
    const html = await response.text()
    const policy = response.headers.get("content-security-policy")
    const hashOf = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`
    const [, script] = /<script>(.*)<\/script>/s.exec(html)!
    const [, style] = /<style>(.*)<\/style>/s.exec(html)!
    expect(policy).toContain(`script-src ${hashOf(script!)};`)
    expect(policy).toContain(`style-src ${hashOf(style!)};`)
    expect(policy).toContain("default-src 'none'")
    expect(policy).not.toContain("unsafe")
    expect(html).not.toMatch(/\b(?:src|href)=|url\(|@import/)
    expect(html.match(/<\/script|<!--/g)).toEqual(["</script"])
    expect(html).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b/)
  })

  it("lists jobs, and shows where one stands, its cycles, its events, its facts and where they come from", async () => {
    await start("count", { to: 3 }, "counted")
    await load(running, "#counted")
    await shows("view", "cycle", "tier", "count")
    page!.close()
    await load(running)
    await shows("jobs", "count", "counted", "converged")
    page!.goTo("#counted")
    await shows("title", "count", "counted", "converged")
    await shows("view", "cycle", "tier", "count")
    expect(here()).toEqual(["converged"])
    expect(page!.element("numbers").text).toMatch(/hash [0-9a-f]{12}/)
    await page!.element("tab-events").act("click")
    await shows("view", "JobStarted", "count, 2 seeds", "FactsCommitted", "count of Step/0: Step/1", "JobHalted")
    await page!.element("tab-facts").act("click")
    await shows("view", "Note", "to/3", "Step", "all")
    const summaries = [...page!.element("view").all()].filter(({ tag }) => tag === "summary")
    await summaries.find(({ text }) => text.startsWith("Step 3"))!.act("click")
    await shows("why Step/3", "Step 3", "Step 2", "Step 1", "Step 0")
    await page!.element("tab-result").act("click")
    await shows("view", '"status": "converged"', '"output": 4')
  })

  it("follows a job that runs, and pauses, resumes and cancels it", async () => {
    await start("waiting", {}, "slow")
    await load(running, "#slow")
    await until(() => Promise.resolve(here().join() === "executing"))
    expect(page!.element("resume").disabled).toBe(true)
    await page!.element("tab-events").act("click")
    await shows("view", "wait of Step/1: Step/2")
    await page!.element("cancel").act("click")
    await shows("title", "cancelled")
    await shows("view", "JobHalted", "cancelled: JobCancelled")
    expect(here()).toEqual(["cancelled"])
    expect(page!.element("cancel").disabled).toBe(true)
    expect(await jsonOf(await running.fetch("/api/v1/jobs/slow"))).toMatchObject({ state: "cancelled" })
  })

  it("says what the server said, of a job that there is not", async () => {
    await load(running, "#nothing")
    await shows("said", "404 There is no such job")
    expect(page!.element("one").hidden).toBe(true)
  })

  it("needs no token itself, and asks for one where the API does", async () => {
    const locked = await serve({ programs: inline, tokens: ["secret"] })
    try {
      await load(locked)
      expect(page!.element("access").hidden).toBe(true)
      await until(() => Promise.resolve(!page!.element("access").hidden))
      page!.element("token").value = "secret"
      await page!.element("access").act("submit")
      await shows("jobs", "No jobs yet")
      expect(page!.element("access").hidden).toBe(true)
      page!.close()
    } finally {
      await locked.stop()
    }
  })
})
