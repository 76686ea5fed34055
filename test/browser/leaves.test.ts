/** The page of a job whose server leaves with it: `converge run --inspect` ends as soon as its job has ended. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { Browser } from "playwright-core"
import { module, start } from "../support/cli/converge.ts"
import { until } from "../support/until.ts"
import { openBrowser, openPage } from "./browser.ts"
import { shows } from "./site.ts"

let browser: Browser
beforeAll(async () => {
  browser = await openBrowser()
})
afterAll(() => browser?.close())

/** Runs the job of a process to the end that a decision brings, with its page open in some view. */
const watched = async (decision: "approve" | "reject", view: string, options: { readonly isHidden?: boolean } = {}) => {
  const run = start(["run", module("leaves"), "--id", "it", "--workers", "0", "--quiet", "--inspect"])
  let said = ""
  run.process.stderr?.on("data", (text: string) => (said += text))
  await run.says(/watch the job at \S+/)
  const [, url = "", rest = ""] = /watch the job at (http:\/\/[^/]+)(\/\S+)/.exec(said)!
  const { page } = await openPage(browser, url + rest.replace("overview", view))
  page.setDefaultTimeout(20_000)
  await page.locator(".standing", { hasText: "awaiting" }).waitFor()
  // The stream that waits for the end is open.
  const streams = async (): Promise<string> => (await fetch(`${url}/metrics`)).text()
  await until(async () => /^converge_http_streams 1$/m.test(await streams()), 20_000)
  // A page that nobody sees asks for nothing by itself.
  if (options.isHidden === true)
    await page.evaluate(`Object.defineProperty(document, "hidden", { get: () => globalThis.isAway ?? true })`)
  const body = JSON.stringify({ approval: "go", decision })
  const headers = { "content-type": "application/json" }
  await fetch(`${url}/api/v1/jobs/it/approvals`, { method: "POST", headers, body })
  const { code } = await run.ended
  await expect(fetch(`${url}/health`)).rejects.toThrow()
  return { page, code }
}

describe("a page whose server leaves with the job", () => {
  it("shows how the job ended, and that the server has gone", async () => {
    const { code, page } = await watched("approve", "overview")
    expect(code).toBe(0)
    await page.locator(".standing", { hasText: "converged" }).waitFor()
    await shows(page, "It converged after cycle")
    await shows(page, "The server does not answer.")
    await shows(page, "The job has ended, and you see what the server told of it.")
    expect(await page.getByText("The server has gone before it told the rest.").count()).toBe(0)
    await page.close()
  }, 60_000)

  it("shows why the job failed, in a view without the answer, too", async () => {
    const { code, page } = await watched("reject", "facts")
    expect(code).toBe(3)
    await page.locator(".standing", { hasText: "failed" }).waitFor()
    await shows(page, "The job has ended, and you see what the server told of it.")
    await page.getByRole("tab", { name: "Overview" }).click()
    await shows(page, "it was told not to")
    await page.close()
  }, 60_000)

  it("knows the end also if nobody looked at it meanwhile", async () => {
    const { page } = await watched("approve", "overview", { isHidden: true })
    await page.evaluate("globalThis.isAway = false; document.dispatchEvent(new Event('visibilitychange'))")
    await page.locator(".standing", { hasText: "converged" }).waitFor()
    await until(async () => (await page.getByText("The server does not answer.").count()) > 0, 20_000)
    await page.close()
  }, 60_000)
})
