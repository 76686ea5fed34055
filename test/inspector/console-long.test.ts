/** Long answers to the page: read and parsed while the page does what else is due, and whole. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import { turns } from "../support/until.ts"

const pieceLength = 65_536

/** An answer that has come already: no wait for the network gives the page a turn. */
const answerOf = (text: string): Response => {
  const bytes = new TextEncoder().encode(text)
  return new Response(
    new ReadableStream({
      start: (controller) => {
        for (let from = 0; from < bytes.length; from += pieceLength)
          controller.enqueue(bytes.slice(from, from + pieceLength))
        controller.close()
      }
    })
  )
}

let answer: () => Response

beforeEach(() => {
  vi.resetModules()
  vi.stubGlobal("sessionStorage", { getItem: () => null, setItem: () => undefined })
  vi.stubGlobal("document", { getElementById: () => null })
  vi.stubGlobal("fetch", async () => answer())
})
afterEach(() => void vi.unstubAllGlobals())

/** The names of the page's module that are used here. It is checked with the types of a browser, and this file is not. */
interface Page {
  readonly ask: (path: string) => Promise<unknown>
  readonly readLines: (
    path: string,
    options: { readonly signal?: AbortSignal },
    take: (items: ReadonlyArray<unknown>, length: number) => void
  ) => Promise<unknown>
}

const load = (): Promise<Page> => vi.importActual<Page>("../../src/inspector/console/api.ts")

/** Counts the turns of the event loop until a promise is settled. */
const turnsUntil = async (settled: Promise<unknown>): Promise<number> => {
  const end = settled.then(() => true)
  const isSettled = (): Promise<boolean> => Promise.race([end, Promise.resolve(false)])
  let count = 0
  while (!(await isSettled())) {
    await turns()
    count++
  }
  return count
}

const text = "\u202E é 😀".repeat(1_000_000)

describe("an answer of ten million bytes", () => {
  it("is read and parsed in several turns of the page, and is whole", async () => {
    const { ask } = await load()
    // A text that is decoded all at once takes one long task.
    answer = () => Object.assign(answerOf(JSON.stringify({ text })), { text: () => expect.fail("it was read at once") })
    const asked = ask("jobs/a")
    expect(await turnsUntil(asked)).toBeGreaterThan(5)
    const found = (await asked) as { readonly ok: boolean; readonly value: { readonly text: string } }
    expect([found.ok, found.value.text === text]).toEqual([true, true])
    answer = () => answerOf(`{"a":1}`)
    expect(await ask("jobs/b")).toEqual({ ok: true, value: { a: 1 } })
  })

  it("in one line of a stream is read and parsed in the same way, with the lines beside it", async () => {
    const { readLines } = await load()
    const lines = [{ a: 1 }, { text }, { b: 2 }].map((line) => JSON.stringify(line))
    answer = () => answerOf(`${lines.join("\n")}\n`)
    const taken: Array<unknown> = []
    let length = 0
    const read = readLines("jobs/a/events", {}, (items, characters) => {
      taken.push(...items)
      length += characters
    })
    expect(await turnsUntil(read)).toBeGreaterThan(5)
    expect(taken.map((item) => JSON.stringify(item) === lines[taken.indexOf(item)])).toEqual([true, true, true])
    expect(length).toBe(lines.join("").length)
  })

  it("gives no line to a page that has gone elsewhere while the line was parsed", async () => {
    const { readLines } = await load()
    answer = () => answerOf(`${JSON.stringify({ text })}\n`)
    const abort = new AbortController()
    let isTaken = false
    const read = readLines("jobs/a/events", { signal: abort.signal }, () => void (isTaken = true))
    await turns(2)
    abort.abort()
    expect([await read, isTaken]).toEqual([undefined, false])
  })
})
