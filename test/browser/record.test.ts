/** The page of a recorded job in a real browser, opened from the disk: it shows the job, and asks nobody. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import type { Browser } from "playwright-core"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { hostileTexts } from "../support/browser/programs.ts"
import { converge } from "../support/cli/inProcess.ts"
import { projectRoot } from "../support/node.ts"
import { openBrowser, openPage } from "./browser.ts"

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const folder = mkdtempSync(join(tmpdir(), "converge-report-"))
const module = `${projectRoot}test/support/browser/programs.ts`
const store = join(folder, "jobs.db")

let browser: Browser
beforeAll(async () => {
  browser = await openBrowser()
})
afterAll(async () => {
  await browser.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Runs a program, and makes its page. */
const reportOf = async (program: string, input: object = {}): Promise<string> => {
  const file = join(folder, `${program}.html`)
  const run = [
    "run",
    module,
    "-p",
    program,
    "--id",
    program,
    "--store",
    store,
    "--input",
    JSON.stringify(input),
    "--quiet"
  ]
  await converge(run)
  expect(await converge(["inspect", module, program, "--store", store, "--out", file])).toMatchObject({
    code: 0,
    stderr: ""
  })
  return pathToFileURL(file).href
}

describe("the page of a recorded job", () => {
  it("shows why the job failed, and the facts after a past cycle, without a request or a complaint", async () => {
    const url = await reportOf("crawls")
    const { complaints, page } = await openPage(browser, url)
    const requests: Array<string> = []
    page.on("request", (request) => void requests.push(request.url()))
    await page.getByText("the server answered 503").first().waitFor()
    expect(await page.title()).toContain("crawls")
    expect(await page.getByText("This is a record of the job").count()).toBe(1)
    expect(await page.getByRole("button", { name: /Cancel|Pause|Resume|Fork/ }).count()).toBe(0)
    await page.getByRole("tab", { name: "Facts" }).click()
    const rows = page.getByRole("listbox", { name: "facts" }).getByRole("option")
    await page.getByRole("slider").fill("1")
    await page.getByText("https://example.com/2").first().waitFor()
    await vi.waitFor(async () => expect(await rows.count()).toBe(3), 10_000)
    await rows.last().click()
    await page.getByRole("heading", { name: "Derivation" }).waitFor()
    await page.getByRole("tab", { name: "Events" }).click()
    await page.getByText("JobStarted").first().waitFor()
    await page.getByRole("tab", { name: "Program" }).click()
    await page.locator("#view svg").first().waitFor()
    expect(requests).toEqual([])
    expect(complaints).toEqual([])
    await page.close()
  })

  it("shows hostile texts as texts", async () => {
    const { complaints, page } = await openPage(browser, await reportOf("speaks"))
    await page.getByRole("tab", { name: "Facts" }).click()
    await page.getByText(hostileTexts[1]!).first().waitFor()
    expect(await page.title()).not.toBe("hurt")
    expect(complaints).toEqual([])
    await page.close()
  })
})
