/** The audit's page in a real browser, on a telephone and on a desk: with little to show, and with 5,000 modules and findings. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import type { Finding } from "../../docs/examples/code-audit/facts.ts"
import type { Graph } from "../../docs/examples/code-audit/graph.ts"
import { type JobFacts, reportHtml } from "../../docs/examples/code-audit/reportHtml.ts"
import type { Audit } from "../../docs/examples/code-audit/summary.ts"
import type { Browser, Page } from "playwright-core"
import { openBrowser, openPage, type Watched } from "./browser.ts"

const count = 5_000
const longName = `src/${"a-folder-with-a-long-name/".repeat(9)}file.js`

const paths = Array.from({ length: count }, (_, index) =>
  index === 1 ? longName : `src/folder${index % 70}/module${index}.js`
)
const pathAt = (index: number): string => paths[index % count] ?? ""

const graph: Graph = new Map(
  paths.map((path, index) => [path, [pathAt(index + 1), ...(index % 3 === 0 ? [pathAt(index * 7)] : [])]])
)

const findings = Array.from({ length: count }, (_, index): Finding => {
  const severity = index < 1_000 ? "error" : index < 2_000 ? "warning" : "note"
  const message = index % 10 === 3 ? `long ${"x".repeat(300)}` : `message ${index}: something about this module`
  const [path, column] = [pathAt(index), 0]
  return { rank: index + 1, score: 50, severity, rule: "some-rule", subject: path, path, line: index, column, message }
})

const large: Audit = {
  package: "large",
  version: "1.0.0",
  entry: longName,
  modules: count,
  edges: 6_667,
  external: 3,
  packages: ["a", `@${"scope".repeat(40)}/package`],
  builtins: ["fs"],
  lines: 123_456,
  bytes: 1_000_000,
  functions: 12_345,
  complexity: 23_456,
  depth: 70,
  exports: count,
  unusedExports: count,
  clones: 0,
  clonedFunctions: 0,
  cycles: [],
  hubs: paths.slice(0, 15).map((path, index) => ({ path, fanIn: 1_234 - index, fanOut: 1, depth: index })),
  complex: paths
    .slice(0, 15)
    .map((path) => ({ path, name: "name".repeat(30), line: 1_234, column: 0, lines: 99, complexity: 123 })),
  findings
}

const empty: Audit = { ...large, modules: 0, packages: [], builtins: [], hubs: [], complex: [], findings: [] }

const job: JobFacts = { status: "converged", cycles: 9, facts: 99_999, hash: "0".repeat(64), durationMs: 1_234 }

const directory = mkdtempSync(join(tmpdir(), "pages-"))
const urlOf = (name: string): string => pathToFileURL(join(directory, name)).href

let browser: Browser

beforeAll(async () => {
  browser = await openBrowser()
  writeFileSync(join(directory, "large.html"), await reportHtml(large, graph, job))
  writeFileSync(join(directory, "empty.html"), await reportHtml(empty, new Map(), { ...job, status: "cancelled" }))
})

afterAll(async () => {
  await browser?.close()
  rmSync(directory, { recursive: true })
})

const windows: ReadonlyArray<readonly [number, number]> = [
  [390, 844],
  [1280, 800]
]

/** Elements of the page beside the picture that reach out of the window. */
const tooWide = `[...document.querySelectorAll("header, main, main *")]
  .filter((element) => element.closest("svg") === null && element.getBoundingClientRect().right > innerWidth + 1)
  .map((element) => element.outerHTML.slice(0, 100))`

/** Figures that are broken into several lines. */
const broken = `[...document.querySelectorAll(".number b, .tiles b, .badge")].filter((element) => element.getClientRects().length > 1)
  .concat([...document.querySelectorAll("td.number")].filter((cell) => {
    const range = document.createRange()
    range.selectNodeContents(cell)
    return new Set([...range.getClientRects()].map(({ y }) => Math.round(y / 8))).size > 1
  })).map((element) => element.outerHTML)`

const shown = (page: Page): Promise<ReadonlyArray<string>> =>
  page.evaluate(`[...document.querySelectorAll(".list tbody tr")].filter((row) => !row.hidden && row.offsetHeight > 0)
    .map((row) => row.querySelector(".number").textContent)`)

const textOf = (page: Page, selector: string): Promise<string> =>
  page.evaluate(`document.querySelector(${JSON.stringify(selector)}).textContent.trim()`)

const transform = (page: Page): Promise<string | null> =>
  page.evaluate(`document.querySelector(".scene").getAttribute("transform")`)

describe.each(windows)("in %i x %i pixels", { timeout: 120_000 }, (width, height) => {
  const opened = new Map<string, Watched>()

  /** Gives the page of a file, which is opened once for all tests of a window, and demands that it complained of nothing. */
  const withPage = async (name: string, body: (page: Watched["page"]) => Promise<void>): Promise<void> => {
    const watched = opened.get(name) ?? (await openPage(browser, urlOf(name), { width, height }))
    opened.set(name, watched)
    // The page tells of the module below the pointer, and another test may have left the pointer on one.
    await watched.page.mouse.move(0, 0)
    await body(watched.page)
    expect(watched.complaints).toEqual([])
  }

  afterAll(async () => {
    for (const { page } of opened.values()) await page.close()
  })

  it.each(["large.html", "empty.html"])("everything of %s fits, and the page asks nobody for anything", (name) =>
    withPage(name, async (page) => {
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(width)
      expect(await page.evaluate(tooWide)).toEqual([])
      expect(await page.evaluate(broken)).toEqual([])
      if (name === "empty.html") expect(await textOf(page, ".findings")).toContain("Nothing found.")
    })
  )

  it("the picture begins with modules in sight, is enlarged, and fits again", () =>
    withPage("large.html", async (page) => {
      const inSight = await page.evaluate<{ readonly modules: number; readonly gap: number }>(`(() => {
        const canvas = document.querySelector(".canvas").getBoundingClientRect()
        const boxes = [...document.querySelectorAll(".modules .module")].map((module) => module.getBoundingClientRect())
          .filter((box) => box.right > canvas.left && box.left < canvas.right && box.bottom > canvas.top && box.top < canvas.bottom)
        return { modules: boxes.length, gap: Math.min(...boxes.map((box) => box.top)) - canvas.top }
      })()`)
      expect(inSight.modules).toBeGreaterThan(20)
      expect(inSight.gap).toBeLessThan(60)
      const before = await transform(page)
      await page.click(".zoom button:nth-child(1)")
      const larger = await transform(page)
      expect(larger).not.toBe(before)
      await page.click(".zoom button:nth-child(3)")
      expect(await transform(page)).toBe("translate(0 0) scale(1)")
    }))

  it("a module of 5,000 is found by its name or by a finding, and shows its imports", () =>
    withPage("large.html", async (page) => {
      expect(await page.evaluate(`document.querySelectorAll(".modules .module").length`)).toBe(count)
      await page.fill(".names", "module4000.js")
      expect(await textOf(page, ".about")).toMatch(/module4000\.js imports 1 module, is imported by \d/)
      await page.fill(".names", "folder7/")
      expect(await textOf(page, ".about")).toBe("72 modules match")
      await page.click(".list tbody tr:nth-child(5) a")
      expect(await textOf(page, ".about")).toContain("src/folder4/module4.js imports")
      expect(await page.evaluate(`document.querySelectorAll(".lit .module").length`)).toBeGreaterThan(1)
    }))

  it("5,000 findings are listed by the hundred, and found by severity and by words", () =>
    withPage("large.html", async (page) => {
      expect(await shown(page)).toHaveLength(200)
      expect(await textOf(page, ".more")).toBe("Show 200 of 4,800 more")
      await page.click(".more")
      expect(await shown(page)).toHaveLength(400)
      expect(await textOf(page, ".filters")).toBe("1,000 errors1,000 warnings3,000 notes")
      await page.click(".filters .error")
      expect((await shown(page))[0]).toBe("1001")
      await page.fill(".words", "message 4321:")
      expect(await shown(page)).toEqual(["4322"])
      await page.fill(".words", "no such words")
      expect(await shown(page)).toEqual([])
    }))
})
