/** `converge run --inspect` and `converge serve --inspect`: the console for jobs that run, and where it is. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, it } from "vitest"
import { start as startApart } from "../support/cli/converge.ts"
import { converge, module, start } from "../support/cli/inProcess.ts"
import { until } from "../support/until.ts"

const folder = mkdtempSync(join(tmpdir(), "converge-watching-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const count = module("count")
const address = /watch the job at (http:\/\/127\.0\.0\.1:\d+)\/inspector#\/jobs\/([^/]+)\/overview/

describe("converge run --inspect", () => {
  it("prints the address of the job's page, and the same result, and ends with the job", async () => {
    const args = ["run", count, "-p", "counting", "--id", "seen", "--quiet", "--json"]
    const plain = await converge(args)
    const watched = await converge([...args, "--inspect"])
    const [, url, id] = address.exec(watched.stderr)!
    expect(id).toBe("seen")
    expect(watched.stderr).toContain("(until it ends; --inspect-stay keeps the page)")
    const hashOf = (text: string): unknown => (JSON.parse(text) as { readonly hash: string }).hash
    expect([watched.code, hashOf(watched.stdout)]).toEqual([plain.code, hashOf(plain.stdout)])
    await expect(fetch(`${url}/health`)).rejects.toThrow()
  })

  it("keeps the page after the end with --inspect-stay, with the job's past, and leaves nothing behind", async () => {
    const run = start(["run", count, "-p", "squares", "--id", "a.b", "--workers", "0", "--quiet", "--inspect-stay"], {
      environment: { TMPDIR: folder }
    })
    let said = ""
    run.process.stderr?.on("data", (text: string) => (said += text))
    await until(() => said.includes("its page stays until Ctrl-C"), 60_000)
    const [, url, id] = address.exec(said)!
    // With --quiet there is nothing else: no progress, and no log of the server.
    expect(said.trim().split("\n")).toHaveLength(2)
    expect(said).not.toContain("--inspect-stay")
    const page = await fetch(`${url}/inspector`)
    expect(await page.text()).toContain(`<div id="app">`)
    const get = async (path: string): Promise<unknown> => (await fetch(`${url}/api/v1/jobs/${id}/${path}`)).json()
    expect(await get("kinds?at=1")).toEqual({ cycle: 1, kinds: { Number: 2 } })
    expect(await get("diagnosis")).toMatchObject({ status: "converged" })
    expect(readdirSync(folder)).toHaveLength(1)
    run.process.kill("SIGINT")
    expect(await run.ended).toMatchObject({ code: 0 })
    expect(readdirSync(folder)).toEqual([])
  })
})

describe("the viewers of converge run --inspect", () => {
  /** The texts of all streams of a job that a decision ends, and the milliseconds from there to the end of its process. */
  const seen = async (headers: Record<string, string> = {}) => {
    const run = startApart(["run", module("leaves"), "--id", "it", "--workers", "0", "--quiet", "--inspect"])
    let said = ""
    run.process.stderr?.on("data", (text: string) => (said += text))
    await run.says(address)
    const [, url] = address.exec(said)!
    const job = `${url}/api/v1/jobs/it`
    await until(async () => /"state":"awaiting"/.test(await (await fetch(job)).text()), 20_000)
    const answers = await Promise.all(
      ["events", "events?brief=true", "events?after=999999999999999", "telemetry"].map((path) =>
        fetch(`${job}/${path}`, { headers })
      )
    )
    const texts = Promise.all(answers.map((answer) => answer.text()))
    const body = JSON.stringify({ approval: "go", decision: "approve" })
    await fetch(`${job}/approvals`, { method: "POST", headers: { "content-type": "application/json" }, body })
    const since = performance.now()
    return { texts: await texts, code: (await run.ended).code, tookMs: performance.now() - since, job }
  }

  it("are told the end of the job before the process leaves", async () => {
    const { code, texts } = await seen()
    expect(code).toBe(0)
    for (const text of texts.slice(0, 3)) expect(text).toMatch(/event: JobHalted\ndata: .*"converged".*\n\n$/)
    expect(texts[3]).toMatch(/event: Ended\ndata: .*"converged".*\n\n$/)
  })

  it("may ask once more if they are pages of a browser", async () => {
    const { code, texts, tookMs } = await seen({ "sec-fetch-site": "same-origin" })
    expect([code, texts.length]).toEqual([0, 4])
    expect(tookMs).toBeGreaterThan(500)
  })
})

describe("converge serve --inspect", () => {
  const serving = async (args: ReadonlyArray<string>, environment: Record<string, string> = {}) => {
    const server = start(["serve", count, "--port", "0", ...args], { environment, folder })
    let said = ""
    server.process.stderr?.on("data", (text: string) => (said += text))
    await server.says(/watch the jobs at http:/)
    const [, page = "", more] = /watch the jobs at (http:\S+?\/inspector)(.*)/.exec(said)!
    const stop = async (): Promise<void> => {
      server.process.kill("SIGTERM")
      expect(await server.ended).toMatchObject({ code: 0 })
    }
    return { page, more, stop, base: page.replace(/\/inspector$/, "") }
  }

  it("prints the address of the page, also below a prefix", async () => {
    const { base, more, page, stop } = await serving(["--inspect", "--prefix", "/converge"])
    expect([page, more]).toEqual([expect.stringMatching(/\/converge\/inspector$/), ""])
    expect(await (await fetch(page)).text()).toContain(`<div id="app">`)
    expect(await (await fetch(`${base}/api/v1/me`)).json()).toMatchObject({ scopes: ["read", "steer"] })
    await stop()
  })

  it("says that the page asks for a token, and answers nobody without one", async () => {
    const { base, more, page, stop } = await serving(["--inspect"], { CONVERGE_TOKEN: "let-me-in" })
    expect(more).toBe(", which asks for a token")
    const answer = await fetch(page)
    expect(answer.status).toBe(200)
    const policy = String(answer.headers.get("content-security-policy"))
    expect(policy).toContain("default-src 'none'")
    expect(policy).not.toContain("unsafe")
    const asked = (headers: Record<string, string>) => fetch(`${base}/api/v1/jobs`, { headers })
    expect((await asked({})).status).toBe(401)
    expect((await asked({ authorization: "Bearer let-me-in" })).status).toBe(200)
    await stop()
  })
})
