/** The list of facts: each fact once, whatever the viewer types while an answer is on its way. */
import { afterEach, beforeEach, expect, it, vi } from "vitest"

/** The requests that wait for an answer, oldest first. */
let waiting: Array<{ readonly path: string; readonly answer: (body: unknown) => void }> = []

beforeEach(() => {
  waiting = []
  vi.resetModules()
  vi.stubGlobal("sessionStorage", { getItem: () => "", setItem: () => undefined })
  vi.stubGlobal("document", { getElementById: () => null })
  vi.stubGlobal(
    "fetch",
    (path: string) =>
      new Promise<Response>((resolve) => {
        waiting.push({ path, answer: (body) => resolve(new Response(JSON.stringify(body))) })
      })
  )
})
afterEach(() => void vi.unstubAllGlobals())

interface Facts {
  readonly show: (query: {
    readonly jobId: string
    readonly kind: string
    readonly q: string
    readonly at: number | undefined
  }) => void
  readonly foundCount: { readonly value: number | undefined }
  readonly factAt: (index: number) => { readonly id: string } | undefined
}

const load = (): Promise<Facts> => vi.importActual<Facts>("../../src/inspector/console/factsStore.ts")

const pageOf = (...ids: ReadonlyArray<string>) => ({
  facts: ids.map((id, index) => ({ kind: "A", id, value: 1, provenance: { version: index + 1 } })),
  version: 9,
  cursor: null,
  previous: null
})

/** Answers the oldest request, once it is there, and lets the page take the answer. */
const answerNext = async (body: unknown): Promise<void> => {
  await vi.waitFor(() => expect(waiting.length).toBeGreaterThan(0))
  waiting.shift()?.answer(body)
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
}

const ask = (q: string) => ({ jobId: "a", kind: "", q, at: undefined })

it("a search that is typed, changed and typed again finds each fact once", async () => {
  const { factAt, foundCount, show } = await load()
  // The first request of a page goes alone.
  show(ask("first"))
  await answerNext(pageOf())
  show(ask("x"))
  show(ask("xy"))
  show(ask("x"))
  await vi.waitFor(() => expect(waiting.length).toBe(3))
  await answerNext(pageOf("x1", "x2"))
  await answerNext(pageOf("xy"))
  await answerNext(pageOf("x1", "x2"))
  await vi.waitFor(() => expect(foundCount.value).toBe(2))
  expect([0, 1, 2].map((index) => factAt(index)?.id)).toEqual(["x1", "x2", undefined])
})
