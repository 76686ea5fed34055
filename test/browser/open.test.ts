/** A page that stays open: what came while the viewer looked elsewhere, and a record in a frame that keeps nothing. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { afterAll, afterEach, beforeAll, expect, it } from "vitest"
import { programs } from "../support/browser/programs.ts"
import { converge } from "../support/cli/inProcess.ts"
import { projectRoot } from "../support/node.ts"
import { until } from "../support/server/harness.ts"
import { openPage } from "./browser.ts"
import { openSite, type Site, shows } from "./site.ts"

const folder = mkdtempSync(join(tmpdir(), "converge-open-"))
let site: Site
beforeAll(async () => {
  site = await openSite(programs)
})
afterAll(async () => {
  await site?.close()
  rmSync(folder, { recursive: true, force: true })
})
afterEach(() => site.closePages())

it("the facts that came last are listed when the viewer comes back to them after the end of the job", async () => {
  await site.start("counts", "left", { to: 8, ms: 300 })
  const { complaints, page } = await site.visit("jobs/left/facts")
  const rows = page.locator(".factList .row")
  await until(async () => (await rows.count()) > 1, 20_000)
  await page.getByRole("tab", { name: "Overview" }).click()
  await page.locator(".state", { hasText: "converged" }).waitFor()
  await page.getByRole("tab", { name: "Facts" }).click()
  await until(async () => (await rows.count()) === 9 && (await page.locator(".factList .wait").count()) === 0, 10_000)
  expect(await rows.last().innerText()).toContain("8")
  expect(complaints).toEqual([])
})

it("the times of an ended job come although the server could not tell them at first", async () => {
  await site.start("counts", "timed", { to: 2, ms: 5 })
  await site.reach("timed", "converged")
  const page = await site.browser.newPage()
  try {
    let refused = 0
    await page.route("**/jobs/timed/work*", async (route) => {
      if (++refused > 1) return route.continue()
      return route.fulfill({ status: 503, contentType: "application/problem+json", body: "{}" })
    })
    await page.goto(`${site.running.url}/inspector#/jobs/timed/overview`)
    await page.getByRole("img", { name: /Time in each state: .*executing/ }).waitFor({ timeout: 20_000 })
    expect(refused).toBe(2)
  } finally {
    await page.close()
  }
})

it("changes stay where they are while the job goes on, and are compared anew when the viewer asks for it", async () => {
  await site.start("counts", "moves", { to: 60, ms: 100 })
  const { complaints, page } = await site.visit("jobs/moves/facts?from=0")
  await page.locator(".diff h2").waitFor()
  const titleOf = () => page.locator(".diff h2").innerText()
  const first = await titleOf()
  await page.evaluate(`window.shown = document.querySelector(".diff")`)
  await shows(page, "The job has gone on to cycle")
  const cycleOf = async () => Number(await page.locator(".slider output").innerText())
  const before = await cycleOf()
  await until(async () => (await cycleOf()) > before + 10, 10_000)
  expect(await titleOf()).toBe(first)
  expect(await page.evaluate(`window.shown === document.querySelector(".diff")`)).toBe(true)
  await page.getByRole("button", { name: "Compare with it" }).click()
  await until(async () => (await page.locator(".diff h2").count()) > 0 && (await titleOf()) !== first, 10_000)
  await site.running.post("/api/v1/jobs/moves/cancel")
  expect(complaints).toEqual([])
})

it("a page of changes that is asked for twice comes once, and one that does not come takes none away", async () => {
  await site.start("counts", "changed", { to: 450, ms: 0 })
  await site.reach("changed", "converged")
  const { complaints, page } = await site.visit("jobs/changed/facts?from=0")
  await page.getByRole("button", { name: "more changes" }).waitFor()
  // A page that does not come leaves those that are here.
  await page.route(/cursor=/, (route) =>
    route.fulfill({ status: 503, contentType: "application/problem+json", body: '{"title":"Not now"}' })
  )
  await page.getByRole("button", { name: "more changes" }).click()
  await shows(page, "503 Not now")
  expect(await page.locator(".diff li.added").count()).toBe(200)
  await page.unroute(/cursor=/)
  await page.evaluate(`(() => {
    const more = [...document.querySelectorAll("button")].find(({ textContent }) => textContent === "more changes")
    more.click()
    more.click()
  })()`)
  const changes = page.locator(".diff li.added")
  await until(async () => (await changes.count()) > 200, 10_000)
  await page.getByRole("button", { name: "more changes" }).click()
  await until(async () => (await page.getByRole("button", { name: "more changes" }).count()) === 0, 10_000)
  expect(await changes.count()).toBe(450)
  expect(await page.getByText("503 Not now").count()).toBe(0)
  // The browser tells of the answer that was made to fail.
  expect(complaints.filter((complaint) => !complaint.includes("503"))).toEqual([])
})

it("a record names the children that intents asked for, and leads to no page that it does not have", async () => {
  const module = `${projectRoot}test/support/cli/parents.ts`
  const [store, out] = [join(folder, "family.db"), join(folder, "family.html")]
  await converge(["run", module, "-p", "parents", "--id", "mother", "--store", store, "--input", "{}", "--quiet"])
  expect(await converge(["inspect", "mother", "--store", store, "--out", out])).toMatchObject({ code: 0 })
  const { complaints, page } = await openPage(site.browser, `${pathToFileURL(out).href}#/jobs/mother/output`)
  try {
    await page.locator(".fate .jobName").first().waitFor({ timeout: 20_000 })
    expect(await page.locator(".fate .jobName").count()).toBe(2)
    expect(await page.locator('a[href*="mother%"]').count()).toBe(0)
    expect(complaints).toEqual([])
  } finally {
    await page.close()
  }
})

it("a record is shown in a frame that may keep nothing, with the colours that the viewer chooses", async () => {
  const module = `${projectRoot}test/support/browser/programs.ts`
  const [store, out] = [join(folder, "jobs.db"), join(folder, "framed.html")]
  await converge(["run", module, "-p", "crawls", "--id", "framed", "--store", store, "--input", "{}", "--quiet"])
  expect(await converge(["inspect", "framed", "--store", store, "--out", out])).toMatchObject({ code: 0 })
  const page = await site.browser.newPage()
  try {
    await page.route("http://reports.test/", (route) =>
      route.fulfill({
        contentType: "text/html",
        headers: { "content-security-policy": "sandbox allow-scripts" },
        body: readFileSync(out, "utf8")
      })
    )
    await page.goto("http://reports.test/")
    page.setDefaultTimeout(20_000)
    await shows(page, "the server answered 503")
    await page.getByRole("button", { name: "Colours: system" }).click()
    await page.getByRole("button", { name: "Colours: light" }).waitFor()
    await page.getByRole("tab", { name: "Facts" }).click()
    await page.locator(".factList .row").first().waitFor()
  } finally {
    await page.close()
  }
})
