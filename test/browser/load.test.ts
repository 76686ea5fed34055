/**
 * The console while much happens: what it keeps, what it says of the rest, and that it stays awake. A frame may take a second here,
 * since other tests run beside; `npm run bench -- console-page` has the figures.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Browser, Page } from "playwright-core"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest"
import { Agent, Fact, JobStore, Program } from "../../src/index.ts"
import { type Running, serve } from "../support/server/harness.ts"
import { openBrowser, type Watched } from "./browser.ts"
import { reachOn, startOn, until, visitOn } from "./site.ts"

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const Lane = Fact.kind("Lane", {
  schema: Schema.Struct({ lane: Schema.Int, n: Schema.Int }),
  id: ({ lane }) => String(lane),
  conflict: "keepLast"
})
const Input = Schema.Struct({ cycles: Schema.Int, ms: Schema.Int })
const lanes = 98

/** Each cycle revises every lane: an event for each, and two for the cycle. */
const turns = Program.make("turns", {
  input: Input,
  seed: () => Array.from({ length: lanes }, (_, lane) => Lane.of({ lane, n: 0 })),
  agents: [
    Agent.make("turn", {
      each: Lane,
      writes: [Lane],
      execute: ({ value: { lane, n } }, view) => {
        const { cycles, ms } = view.input as typeof Input.Type
        const effect = { facts: n < cycles ? [Lane.of({ lane, n: n + 1 })] : [] }
        return lane === 0 && ms > 0 ? Effect.as(Effect.sleep(ms), effect) : Effect.succeed(effect)
      }
    })
  ],
  budget: { maxCycles: 100_000 }
})

let browser: Browser
let running: Running
const opened: Array<Watched> = []

beforeAll(async () => {
  browser = await openBrowser()
  running = await serve({ programs: [turns] })
})
afterAll(async () => {
  await browser?.close()
  await running?.stop()
})
afterEach(async () => {
  for (const { page } of opened.splice(0)) await page.close()
})

const start = (id: string, input: typeof Input.Type, server = running) => startOn(server, "turns", id, input)

const visit = async (place: string, server = running): Promise<Page> => {
  const watched = await visitOn(browser, server, place)
  opened.push(watched)
  await watched.page.evaluate(`(() => {
    window.longestFrame = 0
    let last = performance.now()
    const frame = (now) => {
      window.longestFrame = Math.max(window.longestFrame, now - last)
      last = now
      requestAnimationFrame(frame)
    }
    requestAnimationFrame(frame)
  })()`)
  return watched.page
}

const longestFrame = (page: Page): Promise<number> => page.evaluate("window.longestFrame")

describe("a job with more events than the page keeps", () => {
  it("shows the newest, counts all of them, and says where the others are", async () => {
    const folder = mkdtempSync(join(tmpdir(), "load-"))
    const durable = await serve(
      { programs: [turns] },
      { store: JobStore.layerSqlite({ filename: join(folder, "jobs.db") }) }
    )
    onTestFinished(async () => {
      await durable.stop()
      rmSync(folder, { recursive: true, force: true })
    })
    await start("many", { cycles: 630, ms: 0 }, durable)
    await reachOn(durable, "many", "converged", 60_000)
    const page = await visit("jobs/many/events", durable)
    const line = page.locator(".split p").first()
    const read = async () => {
      const text = await line.innerText().catch(() => "")
      const [, all, here] =
        /^([\d,]+) events, of which the newest ([\d,]+) are here; older events are on the server$/.exec(text) ?? []
      return [all, here].map((part) => Number(part?.replaceAll(",", "") ?? 0))
    }
    const headers = { accept: "application/x-ndjson" }
    const text = await (await durable.fetch("/api/v1/jobs/many/events", { headers })).text()
    const log = text.split("\n").filter((line) => line !== "")
    expect(log.length).toBeGreaterThan(630 * lanes)
    await until(async () => (await read())[0] === log.length)
    const [, here = 0] = await read()
    expect([here >= 50_000, here <= 60_000]).toEqual([true, true])
    await page.locator(".events").press("End")
    await page.getByText("JobHalted").first().waitFor()
    // All that is here is of later cycles.
    await page.goto(`${durable.url}/inspector#/jobs/many/events?at=3`)
    await page.getByText("The events up to cycle 3 are on the server, and no longer here").waitFor()
    expect(await longestFrame(page)).toBeLessThan(1_000)
  })
})

describe("a job that makes thousands of events a second", () => {
  it.each(["events", "timeline", "output", "overview"])("leaves the page awake in its %s", async (view) => {
    const id = `busy-${view}`
    await start(id, { cycles: 100_000, ms: 5 })
    const page = await visit(`jobs/${id}/${view}`)
    const count = async () => (await running.fetch(`/api/v1/jobs/${id}/kinds`)).json() as Promise<{ cycle: number }>
    const { cycle } = await count()
    await until(async () => (await count()).cycle > cycle + 60)
    // It answers to a key at once, and its frames went on.
    await page.locator("#tab-facts").click()
    await page.locator(".factList .row").first().waitFor()
    expect(await longestFrame(page)).toBeLessThan(1_000)
    expect((await running.post(`/api/v1/jobs/${id}/cancel`)).status).toBeLessThan(300)
    await reachOn(running, id, "cancelled")
  })
})
