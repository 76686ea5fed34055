/** A page that stays open for days: what it waits with leaves nothing behind. */
import { getEventListeners } from "node:events"
import { expect, it, vi } from "vitest"

/** The name of the page's module that is used here. It is checked with the types of a browser, and this file is not. */
interface Timers {
  readonly pause: (ms: number, abort: AbortSignal) => Promise<void>
}

const load = (): Promise<Timers> => vi.importActual<Timers>("../../src/inspector/console/timers.ts")

it("a pause that is over listens no more for its end", async () => {
  const { pause } = await load()
  const abort = new AbortController()
  for (let round = 0; round < 20; round++) await pause(0, abort.signal)
  expect(getEventListeners(abort.signal, "abort")).toEqual([])
})

it("a pause ends at once where it is given up, also before it begins", async () => {
  const { pause } = await load()
  const abort = new AbortController()
  const paused = pause(3_600_000, abort.signal)
  abort.abort()
  await paused
  await pause(3_600_000, abort.signal)
})
