/** The page of a recorded job in a real browser, opened from the disk: it shows the job, and asks nobody. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import type { Browser } from "playwright-core"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { hostile, oddIds } from "../support/browser/hostile.ts"
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
const reportOf = async (program: string, input: object = {}, from = module, id = program): Promise<string> => {
  const file = join(folder, `${id}.html`)
  const run = ["run", from, "-p", program, "--id", id, "--store", store, "--input", JSON.stringify(input), "--quiet"]
  await converge(run)
  expect(await converge(["inspect", from, id, "--store", store, "--out", file])).toMatchObject({
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
    const rows = page.getByRole("listbox", { name: /facts$/ }).getByRole("option")
    await page.getByRole("slider").fill("1")
    await page.getByText("https://example.com/2").first().waitFor()
    await vi.waitFor(async () => expect(await rows.count()).toBe(3), 10_000)
    await rows.last().click()
    await page.getByRole("heading", { name: "Derivation" }).waitFor()
    await page.getByRole("tab", { name: "Events" }).click()
    await page.getByText("JobStarted").first().waitFor()
    await page.getByRole("tab", { name: "Program" }).click()
    await page.locator(".chart.program .node").first().waitFor()
    // The layout engine is in the file.
    expect(page.workers().map((worker) => new URL(worker.url()).protocol)).toEqual(["blob:"])
    expect(requests.filter((address) => !address.startsWith("blob:"))).toEqual([])
    expect(complaints).toEqual([])
    await page.close()
  })

  it("stands still at the moment of the record, however late it is opened", async () => {
    const { page } = await openPage(browser, await reportOf("crawls", {}, module, "late"))
    const ages = async (): Promise<ReadonlyArray<string> | null> => {
      await page.getByText("failed on").first().waitFor()
      return (await page.locator("#app").innerText()).match(/[^\n]*( ago|\bnow\b)/g)
    }
    const first = await ages()
    expect(first?.length).toBeGreaterThan(0)
    await page.clock.setFixedTime(Date.now() + 7 * 86_400_000)
    await page.reload()
    expect(await ages()).toEqual(first)
    expect(await page.evaluate("Date.now()")).toBeGreaterThan(Date.now() + 86_400_000)
    await page.close()
  })

  it("shows hostile texts as texts", async () => {
    const { complaints, page } = await openPage(browser, await reportOf("speaks"))
    await page.getByRole("tab", { name: "Facts" }).click()
    await page.getByText(hostileTexts[1]!.slice(0, 60)).first().waitFor()
    expect(await page.title()).not.toBe("hurt")
    expect(complaints).toEqual([])
    await page.close()
  })

  it("reaches facts of every id, cuts long values, folds deep ones, and shows past cycles, as a server's page does", async () => {
    const input = { length: 1_100_000, ends: "converges" }
    const url = await reportOf(hostile.name, input, `${projectRoot}test/support/browser/hostile.ts`, "odd")
    const { complaints, page } = await openPage(browser, url)
    page.setDefaultTimeout(20_000)
    await page.getByRole("tab", { name: "Facts" }).click()
    await page.getByRole("button", { name: /^Odd/ }).click()
    const rows = page.locator(".factList .row")
    const heading = page.locator(".pane h2")
    for (const [index, [what, id]] of Object.entries(oddIds).entries()) {
      await rows.nth(index).click()
      await page.locator(".pane .derivation .center").waitFor()
      await vi.waitFor(async () => {
        expect(await page.locator(".pane pre.value").innerText(), what).toContain(`"text": `)
        expect(await page.evaluate("location.hash"), what).toContain(id.isWellFormed() ? "fact=%3D" : "fact=%7E")
      }, 5_000)
      const shown = await heading.innerText()
      await page.reload()
      await page.locator(".pane .derivation .center").waitFor()
      expect(await heading.innerText(), what).toBe(shown)
    }
    await page.getByRole("button", { name: /^Big/ }).click()
    await rows.filter({ hasText: "long-iii" }).click()
    await page.getByText("a value of a long id").first().waitFor()
    await rows.filter({ hasText: /^wide/ }).click()
    await page.locator(".pane").getByRole("button", { name: /more/ }).first().waitFor()
    await rows.filter({ hasText: /^deep/ }).click()
    await page.locator(".pane pre.value button.fold:not(.close)").first().waitFor()
    await page.getByRole("slider").fill("1")
    await page.getByRole("tab", { name: "Overview" }).click()
    await page.getByText(/^In cycle 1 it executed \d+ tasks/).waitFor()
    await page.getByText(/^Since then: \d+ cycle/).waitFor()
    await page.getByRole("button", { name: "Back to now" }).click()
    await page.getByRole("tab", { name: "Output" }).click()
    await page
      .getByText(/the output of [\d,]+ characters/)
      .first()
      .waitFor()
    const text = await page.evaluate<string>(`document.getElementById("app").textContent`)
    expect(text.length).toBeLessThan(300_000)
    expect(text).not.toMatch(/[\u200b\u202a-\u202e\u2066-\u2069]/)
    expect(await page.title()).not.toBe("hurt")
    expect(complaints).toEqual([])
    await page.close()
  })
})
