/** The console's page in a real browser: its size, how soon it shows a large job, and its frames under load. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Page } from "playwright-core"
import type { ConsoleAnswer, ConsoleInput, ConsoleOrder } from "../children/console.ts"
import { type Companion, startCompanion } from "../framework/child.ts"
import { type Benchmark, type Contender, count, type Figure, value } from "../framework/definition.ts"
import { paintOf, sharedBrowser, watchPage } from "../support/watchedPage.ts"

/** Lanes of the job that makes events. Each cycle has an event that begins it, and for each lane those of a task and its fact. */
const lanes = 98
const eventsOfCycle = 2 * lanes + 1
/** Milliseconds of its cycles. */
const cycleMs = 10
/** Seconds for which the page is watched while events come. */
const watchedSeconds = 6
const shown = { cycles: 10_000, facts: 10 }
const listed = 100_000
/** Jobs that the page fetches at once as one scrolls down. */
const pageOfJobs = 1_000

const browsers = sharedBrowser()

interface Served {
  readonly ask: (order: ConsoleOrder) => Promise<ConsoleAnswer>
  readonly url: string
  readonly stop: () => Promise<void>
}

const startServed = async (file?: string): Promise<Served> => {
  const input: ConsoleInput = { isServed: true, ...(file === undefined ? {} : { file }) }
  const process: Companion<string, ConsoleAnswer> = startCompanion("console.ts", input)
  const ask = (order: ConsoleOrder): Promise<ConsoleAnswer> => process.ask(JSON.stringify(order))
  const { url } = await ask({ _tag: "Look" })
  return { ask, url, stop: process.stop }
}

/** A store in a file, filled by a process that then ends. */
const storeWith = async (order: ConsoleOrder): Promise<{ readonly file: string; readonly remove: () => void }> => {
  const folder = mkdtempSync(join(tmpdir(), "converge-console-"))
  const file = join(folder, "jobs.db")
  const served = await startServed(file)
  await served.ask(order)
  await served.stop()
  return { file, remove: () => rmSync(folder, { recursive: true }) }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

type View = "events" | "timeline"

/** The number of events that the page says it has taken. Undefined if it shows another view. */
const takenBy = async (page: Page): Promise<number | undefined> => {
  const line = page.locator(".toolbar p").filter({ hasText: / events/ })
  const text = (await line.count()) === 0 ? null : await line.first().textContent()
  const [number] = /^[\d,]+/.exec(text ?? "") ?? []
  return number === undefined ? undefined : Number(number.replaceAll(",", ""))
}

const cycleOf = async (url: string, id: string): Promise<number> => {
  const job = (await (await fetch(`${url}/api/v1/jobs/${id}`)).json()) as { readonly cycle: number }
  return job.cycle
}

/** A page that shows a job while it makes events. */
const burst = (view: View): Contender => ({
  name: view,
  about: `the ${view} of a job that commits ${lanes} facts in each cycle of ${cycleMs} ms, with ${eventsOfCycle} events, watched for ${watchedSeconds} s`,
  computes: view,
  start: async (isTiny) => {
    const browser = await browsers.open()
    const seconds = isTiny ? 0.3 : watchedSeconds
    let number = 0
    return {
      round: async () => {
        const served = await startServed()
        const id = `burst-${++number}`
        await served.ask({ _tag: "Start", id, turns: { cycles: 1_000_000, lanes, ms: cycleMs } })
        const watched = await watchPage(browser, `${served.url}/inspector#/jobs/${id}/${view}`)
        // The page's own start is not the subject, nor is what came before it.
        await pause(isTiny ? 300 : 1_500)
        const before = await served.ask({ _tag: "Look" })
        const [heapBefore, first] = [await watched.heapMb(), await cycleOf(served.url, id)]
        const takenBefore = await takenBy(watched.page)
        await watched.mark()
        const began = performance.now()
        await pause(seconds * 1_000)
        const { longest, longestTask } = await watched.frames()
        const taken = await takenBy(watched.page)
        const last = await cycleOf(served.url, id)
        const tookMs = performance.now() - began
        const made = (last - first) * eventsOfCycle
        const [heap, after] = [await watched.heapMb(), await served.ask({ _tag: "Look" })]
        await watched.close()
        await served.stop()
        return {
          values: {
            frame: longest,
            task: longestTask,
            events: (made * 1_000) / tookMs,
            // The timeline reads no events.
            behind: taken === undefined || takenBefore === undefined ? 0 : Math.max(0, made - (taken - takenBefore)),
            heap,
            heapGrown: heap - heapBefore,
            serverGrown: after.heapMb - before.heapMb,
            stall: after.stallMs
          },
          result: view
        }
      },
      stop: browsers.close
    }
  }
})

const onScreen = [".head .state", ".headline"]

/** The first visit to a large job that has ended. */
const paint = (name: "stored" | "held", about: string): Contender => ({
  name,
  about,
  computes: "paint",
  start: async (isTiny) => {
    const browser = await browsers.open()
    const { cycles, facts } = isTiny ? { cycles: 20, facts: 2 } : shown
    const grows = { cycles, facts, holdMs: 0, steps: 0 }
    const { file, remove } = await storeWith({ _tag: "Run", id: "shown", grows })
    const visit = (served: Served) => paintOf(browser, `${served.url}/inspector#/jobs/shown/overview`, onScreen)
    const held = name === "held" ? await startServed(file) : undefined
    if (held !== undefined) await visit(held)
    return {
      round: async () => {
        const served = held ?? (await startServed(file))
        const { ms, texts } = await visit(served)
        if (held === undefined) await served.stop()
        return { values: { paint: ms }, result: texts }
      },
      stop: async () => {
        await held?.stop()
        remove()
        await browsers.close()
      }
    }
  }
})

/** The list of jobs: scrolled to its end, back, and searched. */
const list: Contender = {
  name: "list",
  about: `the list of ${count(listed)} ended jobs: scrolled to its end, which fetches all of them, then up, and then searched`,
  computes: "list",
  start: async (isTiny) => {
    const browser = await browsers.open()
    const jobs = isTiny ? 50 : listed
    const { file, remove } = await storeWith({ _tag: "Fill", jobs })
    const served = await startServed(file)
    return {
      round: async () => {
        const { close, frames, mark, page } = await watchPage(browser, `${served.url}/inspector#/jobs`)
        await page.locator(".jobList .row").first().waitFor()
        await mark()
        const box = page.locator(".jobList")
        await box.focus()
        const all = new RegExp(`^${count(jobs)} jobs$`)
        for (let asked = 0; asked < (3 * jobs) / pageOfJobs + 10; asked++) {
          await page.keyboard.press("End")
          await pause(30)
          if (all.test((await box.getAttribute("aria-label")) ?? "")) break
        }
        const loaded = await box.getAttribute("aria-label")
        const whileLoading = await frames()
        await mark()
        await page.mouse.move(600, 600)
        for (let turn = 0; turn < 40; turn++) {
          await page.mouse.wheel(0, -3_000)
          await pause(16)
        }
        const whileScrolling = await frames()
        await mark()
        await page.locator("#search").pressSequentially("job-42", { delay: 60 })
        await pause(isTiny ? 300 : 2_000)
        const whileTyping = await frames()
        await close()
        return {
          values: { load: whileLoading.longest, frame: whileScrolling.longest, typing: whileTyping.longest },
          result: loaded
        }
      },
      stop: async () => {
        await served.stop()
        remove()
        await browsers.close()
      }
    }
  }
}

const size: Contender = {
  name: "size",
  about: "the page as a server sends it to a browser that takes gzip or br, without the layout engine",
  computes: "size",
  start: async () => {
    const served = await startServed()
    return {
      round: async () => {
        const response = await fetch(`${served.url}/inspector`, { headers: { "accept-encoding": "br, gzip" } })
        const encoding = response.headers.get("content-encoding")
        const bytes = Number(response.headers.get("content-length"))
        await response.body?.cancel()
        if (encoding === null || bytes === 0) throw new Error("the page came without a compression or a length")
        return { values: { kb: bytes / 1_000 }, result: encoding }
      },
      stop: served.stop
    }
  }
}

const figureOf = (
  contender: string,
  metric: string,
  title: string,
  { bar, better = "lower", unit = "ms" }: Partial<Pick<Figure, "bar" | "better" | "unit">> = {}
): Figure => ({
  name: `console-page/${contender}-${metric}`,
  title,
  unit,
  better,
  ...(bar === undefined ? {} : { bar }),
  ofRound: value(contender, metric)
})

const per = `${count(1_000 / cycleMs)} cycles a second`

export const benchmark: Benchmark = {
  name: "console-page",
  title: "The console in a browser",
  measures: [
    "A server runs in a process of its own, and headless Chromium shows its console in a window of 1,280 by 900 pixels. A frame is the time between two calls of requestAnimationFrame; a task is one of the page's main thread, as its observer of long tasks reports it.",
    `A first paint is the time from the navigation to the frame after which the job's state and the sentence of its diagnosis are on the screen. The job has ended, with ${count(shown.cycles * shown.facts)} facts in ${count(shown.cycles)} cycles, in a store in a file. \`stored\`: the server has just started, so that it reads the journal for this visit. \`held\`: somebody has looked at the job before.`,
    `Under events, the job aims at ${per} of ${lanes} facts and ${eventsOfCycle} events each. The table has the events that were made, and how many of them the page did not have at the end: those of the last moments, if it keeps up.`
  ],
  notMeasured: [
    "- A screen, a graphics card, and a machine with cores to spare: the browser, the server and the job share what there is. A frame is late where the machine gives the page no time, whatever the page does.",
    "- The growth of the server by the job itself: its log and its facts are in the figure of the server."
  ],
  rounds: 5,
  warmups: 0,
  warmupMs: 0,
  metrics: {
    frame: { title: "longest frame", unit: "ms" },
    task: { title: "longest task of the page; 0: none of 50 ms", unit: "ms" },
    events: { title: "events in a second", unit: "/s" },
    behind: { title: "events of these seconds that the page did not have at their end", unit: "events" },
    heap: { title: "heap of the page at the end", unit: "MB" },
    heapGrown: { title: `its growth in ${watchedSeconds} s`, unit: "MB" },
    serverGrown: { title: "growth of the server's heap", unit: "MB" },
    stall: { title: "longest stall of the server's event loop", unit: "ms" },
    paint: { title: "first paint", unit: "ms" },
    load: { title: "longest frame while all jobs are fetched", unit: "ms" },
    typing: { title: "longest frame while one types a search", unit: "ms" },
    kb: { title: "compressed page", unit: "kB" }
  },
  contenders: [
    size,
    paint("stored", "the overview of a job of a server that has just started"),
    paint("held", "the same, of a job that somebody has looked at before"),
    burst("events"),
    burst("timeline"),
    list
  ],
  figures: [
    figureOf("size", "kb", "the page, compressed, without the layout engine", { bar: 300, unit: "kB" }),
    figureOf("stored", "paint", "first paint of a stored job after a restart", { bar: 1_000 }),
    figureOf("held", "paint", "first paint of a job that the server holds", { bar: 1_000 }),
    figureOf("events", "frame", "longest frame of the events", { bar: 100 }),
    figureOf("events", "events", "events in a second into one viewer", { bar: 10_000, better: "higher", unit: "/s" }),
    figureOf("events", "behind", "events that this viewer did not have at the end", { unit: "events" }),
    figureOf("events", "heap", "heap of the page with the events", { unit: "MB" }),
    figureOf("timeline", "frame", "longest frame of the timeline", { bar: 100 }),
    figureOf("list", "frame", `longest frame while one scrolls ${count(listed)} jobs`, { bar: 100 }),
    figureOf("list", "typing", "longest frame while one types a search in them", { bar: 100 })
  ]
}
