/** The derivation of a fact in the console: the graph both ways, its room, its keys, its lists; and both sides of conflicts. */
import type { Page } from "playwright-core"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import { manyWords, programs } from "../support/browser/derived.ts"
import { holdAt, letGo } from "../support/browser/held.ts"
import { programs as others } from "../support/browser/programs.ts"
import { inLong } from "../support/rounds.ts"
import { combinations, focused, openSite, posted, type Site, shows, until, violationsOf } from "./site.ts"

let site: Site
beforeAll(async () => {
  site = await openSite([...programs, ...others])
  await site.start("words", "few", { words: ["a", "of", "to", "tree", "bird"] })
  await site.start("words", "many", { words: manyWords(200) })
  for (const id of ["few", "many"]) await site.reach(id, "converged")
})
afterAll(() => site?.close())
afterEach(() => site.closePages())

const place = (job: string, kind: string, id: string, more = ""): string =>
  `jobs/${job}/facts?of=${kind}&fact=${encodeURIComponent(`=${id}`)}${more}`

const graphOf = (page: Page) => page.locator(".derivation")

const nodes = (page: Page) => graphOf(page).locator(".node")

/** The facts of the graph, column by column. */
const columns = (page: Page): Promise<ReadonlyArray<ReadonlyArray<string>>> =>
  page.evaluate(`(() => {
    const columns = new Map()
    for (const node of document.querySelectorAll(".derivation .node")) {
      const name = node.querySelector("a, button").textContent.trim()
      columns.set(node.offsetLeft, [...(columns.get(node.offsetLeft) ?? []), name])
    }
    return [...columns].sort(([a], [b]) => a - b).map(([, names]) => names.sort())
  })()`)

describe("the derivation of a fact", () => {
  it("is drawn as a graph both ways: each fact after the facts that it comes from, with a line to each", async () => {
    const { complaints, page } = await site.visit(place("few", "Word", "tree"))
    await nodes(page).first().waitFor()
    await expect
      .poll(() => columns(page))
      .toEqual([
        ["Text/letter"],
        ["Word/tree"],
        ["Length/tree"],
        ["Group/of 4 letters", "Total/all"],
        ["Verdict/of 4 letters"]
      ])
    await expect.poll(() => graphOf(page).locator("svg > path").count()).toBe(5)
    await nodes(page).filter({ hasText: "Group" }).locator("a").click()
    await graphOf(page).locator(".center", { hasText: "Group/of 4 letters" }).waitFor()
    await expect
      .poll(() => columns(page))
      .toEqual([
        ["Text/letter"],
        ["Word/bird", "Word/tree"],
        ["Length/bird", "Length/tree"],
        ["Group/of 4 letters"],
        ["Verdict/of 4 letters"]
      ])
    expect(complaints).toEqual([])
  })

  inLong(() => {
    it("shows what would go without the fact in the same way, and the address remembers it", async () => {
      const { complaints, page } = await site.visit(place("few", "Word", "tree"))
      await page.getByRole("button", { name: "3 would go without it" }).click()
      await until(async () => !(await columns(page)).flat().includes("Total/all"))
      await expect
        .poll(() => columns(page))
        .toEqual([["Text/letter"], ["Word/tree"], ["Length/tree"], ["Group/of 4 letters"], ["Verdict/of 4 letters"]])
      expect(page.url()).toContain("without=1")
      await page.reload()
      await page.getByRole("button", { name: "3 would go without it", pressed: true }).waitFor()
      await page.getByRole("button", { name: "4 follow", exact: true }).click()
      await until(async () => (await columns(page)).flat().includes("Total/all"))
      expect(complaints).toEqual([])
    })
  })

  inLong(() => {
    it("is bounded: what has no room is a node that draws more, and has the focus then; lists have every fact", async () => {
      const { complaints, page } = await site.visit(place("many", "Text", "letter"))
      await nodes(page).first().waitFor()
      const facts = graphOf(page).locator(".node:not(.many)")
      expect(await facts.count()).toBeLessThanOrEqual(60)
      const more = graphOf(page).getByRole("button", { name: /^\d+ more$/ })
      const before = await more.first().innerText()
      await more.first().click()
      await until(async () => (await more.first().innerText()) !== before)
      await until(async () => (await focused(page)).startsWith("Word/"))
      await page.getByText(/facts after it, as a list$/).click()
      const list = page.getByRole("list", { name: "Facts that follow from it" })
      const seen = new Set<string>()
      for (;;) {
        await list.getByRole("listitem").first().waitFor()
        const page1 = await list.getByRole("link").allInnerTexts()
        for (const name of page1) if (name.includes("/")) seen.add(name)
        const later = page.getByRole("button", { name: "later" })
        if (await later.isDisabled()) break
        await later.click()
        await until(async () => (await list.getByRole("link").first().innerText()) !== page1[0])
      }
      const count = Number(
        /^([\d,]+) follow/.exec(await page.getByRole("button", { name: /follow$/ }).innerText())?.[1]
      )
      expect(count).toBeGreaterThan(400)
      expect(seen.size).toBe(count)
      expect(complaints).toEqual([])
    }, 60_000)
  })

  inLong(() => {
    it("leads from a node of facts that are not there yet to the list of them", async () => {
      const { complaints, page } = await site.visit(place("many", "Text", "letter"))
      await nodes(page).first().waitFor()
      // Four hundred facts are asked for; the others are counted.
      const rest = graphOf(page)
        .getByRole("button", { name: /^\d+ more$/ })
        .last()
      await rest.focus()
      await page.keyboard.press("Enter")
      await until(async () => /as a list$|^\w+\//.test(await focused(page)))
      expect(complaints).toEqual([])
    })
  })

  it("is walked by arrow keys, and Enter opens the fact", async () => {
    const { complaints, page } = await site.visit(place("few", "Word", "tree"))
    await until(async () => (await nodes(page).count()) === 6)
    await graphOf(page).locator(".center a").focus()
    await page.keyboard.press("ArrowRight")
    await expect.poll(() => focused(page)).toBe("Length/tree")
    await page.keyboard.press("ArrowRight")
    // Two facts are as near.
    await expect.poll(() => focused(page)).toMatch(/^(Group\/of 4 letters|Total\/all)$/)
    for (const fact of ["Length/tree", "Word/tree", "Text/letter"]) {
      await page.keyboard.press("ArrowLeft")
      await expect.poll(() => focused(page)).toBe(fact)
    }
    await page.keyboard.press("Enter")
    await graphOf(page).locator(".center", { hasText: "Text/letter" }).waitFor()
    expect(complaints).toEqual([])
  })

  inLong(() => {
    it("takes the width of the page when it is asked to, and keeps it from fact to fact", async () => {
      const { complaints, page } = await site.visit(place("few", "Word", "tree"))
      await nodes(page).first().waitFor()
      const width = () => page.evaluate<number>("document.querySelector('.derivation').clientWidth")
      const narrow = await width()
      await page.getByRole("button", { name: "full width" }).click()
      await until(async () => (await width()) > 1_100)
      expect(narrow).toBeLessThan(700)
      await nodes(page).filter({ hasText: "Length" }).locator("a").click()
      await graphOf(page).locator(".center", { hasText: "Length/tree" }).waitFor()
      expect(await width()).toBeGreaterThan(1_100)
      expect(page.url()).toContain("wide=1")
      await page.getByRole("button", { name: "full width" }).click()
      await page.locator(".factList").waitFor()
      expect(complaints).toEqual([])
    })
  })

  it.each(combinations)("fits $width pixels, and passes axe, in $theme colours", async (options) => {
    const found: Array<object> = []
    for (const more of ["", "&wide=1", "&without=1"]) {
      const { complaints, page } = await site.visit(place("many", "Group", "of 4 letters", more), options)
      await nodes(page).first().waitFor()
      await page.getByText(/before it, as a list$/).click()
      await page.locator(".derivedFacts li").first().waitFor()
      const wide = await page.evaluate<number>("document.scrollingElement.scrollWidth - innerWidth")
      const violations = await violationsOf(page)
      if (wide > 0 || violations.length + complaints.length > 0) found.push({ more, wide, violations, complaints })
    }
    expect(found).toEqual([])
  })
})

describe("a conflict", () => {
  inLong(() => {
    it("is told of with one fact, the one that clashed, and with the task that lost", async () => {
      await site.start("disagrees", "price")
      await site.reach("price", "failed")
      const { complaints, page } = await site.visit("jobs/price/overview")
      const line = (name: string) =>
        page.locator("dl.lines > div").filter({ has: page.locator("dt", { hasText: name }) })
      await shows(page, "It failed in cycle 1 with MergeConflict: Price/pen has another value")
      expect(await line("fact").locator("a").allInnerTexts()).toEqual(["Price/pen"])
      expect(await line("its task was about").locator("a").allInnerTexts()).toEqual(["Item/pen"])
      expect(await line("message").innerText()).toContain("Price/pen")
      expect(complaints).toEqual([])
    })
  })

  it("of a signal shows both sides to its sender, at the fact, and among the events", async () => {
    holdAt("noted", 0)
    await site.start("notes", "noted")
    /** Sends a signal, and waits until the job has it: the answer comes when the cycle has ended. */
    const send = (text: string): Promise<{ readonly answer: Promise<Response> }> =>
      posted(site.running, "noted/signals", () => {
        const facts = [{ kind: "Note", value: { id: "one", text } }]
        return { answer: site.running.post("/api/v1/jobs/noted/signals", { facts }) }
      })
    const [{ answer: first }, { answer: second }] = [await send("the first"), await send("the second")]
    letGo("noted")
    expect((await first).status).toBeLessThan(300)
    const refused = await second
    expect(refused.status).toBe(400)
    expect(await refused.text()).toContain("the signal was discarded: MergeConflict: Note/one has another value from")
    await site.reach("noted", "converged")
    const { complaints, page } = await site.visit(place("noted", "Note", "one"))
    const conflicts = page.getByRole("region", { name: "Conflicts" })
    await conflicts.getByLabel("both sides").waitFor()
    const text = await conflicts.innerText()
    for (const part of [
      "a signal in cycle",
      "there, from a signal",
      "the first",
      "proposed by a signal",
      "the second"
    ]) {
      expect(text).toContain(part)
    }
    await page.goto(`${site.running.url}/inspector#/jobs/noted/events`)
    const row = page.locator(".events .row", { hasText: "discarded: MergeConflict: Note/one has another value" })
    await row.click()
    const sides = page.getByRole("region", { name: "the chosen event" }).getByLabel("both sides")
    await sides.waitFor()
    for (const part of ["the first", "the second"]) await sides.getByText(part).first().waitFor()
    expect(complaints).toEqual([])
  })
})
