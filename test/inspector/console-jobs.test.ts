/** The list of jobs while others are started: no job between two rows is left out, and rows do not grow for ever. */
import { afterEach, beforeEach, expect, it, vi } from "vitest"
import { stubWindow } from "../support/browser/window.ts"
import { until } from "../support/until.ts"

interface Jobs {
  readonly attributeIn: (text: string) => string | undefined
  readonly jobs: { readonly value: ReadonlyArray<{ readonly jobId: string }> }
  readonly more: () => Promise<void>
  readonly show: (first: number) => void
  readonly watchJobs: () => () => void
}

/** The jobs of the server: those with the numbers from 1 to this one, newest first. */
let newest = 0
/** The first pages that were asked for. */
let looks = 0
/** Whether the server fails to answer with further pages. */
let fails = false
let stop = (): void => undefined

const page = (query: URLSearchParams) => {
  const from = Number(query.get("cursor") ?? newest + 1) - 1
  if (!query.has("cursor")) looks++
  else if (fails) throw new TypeError("the connection broke")
  const count = Math.min(from, Number(query.get("limit")))
  const jobs = Array.from({ length: count }, (_, index) => ({ jobId: String(from - index), createdAt: from - index }))
  return { jobs, cursor: from - count > 0 ? String(from - count + 1) : null, previous: null }
}

beforeEach(() => {
  stubWindow("#/jobs", (path) =>
    path.startsWith("jobs?") ? page(new URLSearchParams(path.slice(5))) : { programs: [] }
  )
  fails = false
})
afterEach(() => stop())

const open = async (count: number): Promise<Jobs> => {
  newest = count
  const store = await vi.importActual<Jobs>("../../src/inspector/console/jobsStore.ts")
  stop = store.watchJobs()
  await until(() => store.jobs.value.length === Math.min(count, 100))
  return store
}

const numbers = ({ jobs }: Jobs): ReadonlyArray<number> => jobs.value.map(({ jobId }) => Number(jobId))

/** The numbers from the newest job on, without a gap. */
const firstOf = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, index) => newest - index)

it("has every job between its first and its last row, however many came since the last look", async () => {
  const store = await open(400)
  await store.more()
  expect(numbers(store)).toEqual(firstOf(400))
  newest = 450
  await until(() => numbers(store)[0] === 450, 5_000)
  expect(numbers(store)).toEqual(firstOf(450))
  newest = 700
  await until(() => numbers(store)[0] === 700, 5_000)
  expect(numbers(store)).toEqual(firstOf(numbers(store).length))
  await store.more()
  expect(numbers(store)).toEqual(firstOf(700))
})

it("keeps the rows that a viewer has scrolled to, and few once the viewer is at the top again", async () => {
  const store = await open(12_000)
  while (numbers(store).length < 10_500) await store.more()
  const rows = numbers(store).length
  store.show(5_000)
  const seen = looks
  await until(() => looks > seen + 1, 5_000)
  expect(numbers(store)).toEqual(firstOf(rows))
  store.show(8)
  await until(() => numbers(store).length === 100, 5_000)
  await store.more()
  expect(numbers(store)).toEqual(firstOf(1_100))
})

it("asks again for a further page that did not come, though nobody scrolls", async () => {
  const store = await open(300)
  fails = true
  await store.more()
  expect(numbers(store)).toEqual(firstOf(100))
  fails = false
  await until(() => numbers(store).length === 300, 5_000)
  expect(numbers(store)).toEqual(firstOf(300))
})

it("is filtered by the value of an attribute as it is, also by an empty one and one with spaces", async () => {
  const { attributeIn } = await open(1)
  expect(["order:18", "order=18", " order:", "order: a ", "a:b:c", "", "order", ":x"].map(attributeIn)).toEqual([
    ...["order:18", "order:18", "order:", "order: a ", "a:b:c"],
    ...[undefined, undefined, undefined]
  ])
})
