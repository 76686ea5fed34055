/** Jobs that take more memory than a server keeps of all ended ones: what is replayed for a question, and how often. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { afterEach, describe, expect, it, vi } from "vitest"
import { JobStore, type Program } from "../../src/index.ts"
import { journalStore } from "../support/behaviour/durable.ts"
import { jsonOf, type Running, serve, until } from "../support/server/harness.ts"
import { count, waiting } from "../support/server/programs.ts"

vi.mock("../../src/Limits.ts", async (actual) => {
  const { Limits } = await actual<typeof import("../../src/Limits.ts")>()
  const small = { serverEndedBytes: 10_000, serverReplayBytes: 10_000, serverLargeStayMs: 4_000, serverDiagnoses: 2 }
  return { Limits: { ...Limits, ...small } }
})

const opened: Array<Running> = []
afterEach(async () => {
  for (const running of opened.splice(0)) await running.stop()
})

const open = async (store: JobStore.JobStore["Service"], programs: ReadonlyArray<Program.Program.Any>) => {
  const running = await serve({ programs }, { store: Layer.succeed(JobStore.JobStore, store) })
  opened.push(running)
  return running
}

/** A store with jobs that have ended, which counts the readings of rows. The server that ran them is gone. */
const storeOf = async (...ids: ReadonlyArray<string>) => {
  const kept = await Effect.runPromise(journalStore)
  const readings: Array<string> = []
  const store: JobStore.JobStore["Service"] = {
    ...kept,
    rows: (jobId, ...asked) => {
      readings.push(jobId)
      return kept.rows(jobId, ...asked)
    }
  }
  const first = await open(store, [count])
  const diagnoses: Array<unknown> = []
  for (const id of ids) {
    expect((await first.post("/api/v1/jobs", { program: "count", input: { to: 60 }, id })).status).toBe(200)
    diagnoses.push(await jsonOf(await first.fetch(`/api/v1/jobs/${id}/diagnosis`)))
  }
  await first.stop()
  opened.length = 0
  readings.length = 0
  return { store, readings, diagnoses }
}

const ask = async (running: Running, path: string) => {
  const response = await running.fetch(`/api/v1/jobs/${path}`)
  expect([path, response.status]).toEqual([path, 200])
  return jsonOf(response)
}

/** Whether the server holds the only job. Only then does the list know the budget of which the job has used most. */
const isHeld = async (running: Running): Promise<boolean> => {
  const { jobs } = (await jsonOf(await running.fetch("/api/v1/jobs"))) as { readonly jobs: ReadonlyArray<object> }
  return jobs.some((job) => "budget" in job && job.budget !== null)
}

describe("an ended job that is larger than all may be", () => {
  it("is replayed once for all questions, and let go of when nobody asks any more", async () => {
    const { readings, store } = await storeOf("one")
    const running = await open(store, [count])
    expect(await ask(running, "one")).toMatchObject({ state: "converged", result: { output: 61 } })
    const page = await ask(running, "one/facts?limit=40")
    await ask(running, `one/facts?limit=40&cursor=${String(page["cursor"])}`)
    await ask(running, "one/facts?q=zzz")
    await ask(running, "one/kinds")
    await ask(running, "one/lineage?kind=Step&fact=0")
    await ask(running, "one/diagnosis")
    expect(readings).toEqual(["one"])
    expect(await isHeld(running)).toBe(true)
    await until(async () => !(await isHeld(running)), 20_000)
    await ask(running, "one/facts")
    expect(readings).toEqual(["one", "one"])
  })

  it("makes room for another one", async () => {
    const { readings, store } = await storeOf("one", "two")
    const running = await open(store, [count])
    for (const id of ["one", "one", "two", "two", "one"]) await ask(running, `${id}/facts`)
    expect(readings).toEqual(["one", "two", "one"])
  })

  it("is not replayed for its input, its times, or its tasks, of which there are none", async () => {
    const { readings, store } = await storeOf("one")
    const running = await open(store, [count])
    expect(await ask(running, "one?brief=true")).toMatchObject({ state: "converged", error: null, result: null })
    expect(await ask(running, "one/input")).toMatchObject({ input: { to: 60 } })
    expect(await ask(running, "one/tasks")).toMatchObject({ tasks: 0, running: [] })
    expect(readings).toEqual([])
    const { cycles } = await ask(running, "one/timeline?limit=5")
    expect(cycles).toHaveLength(5)
    expect(readings).toEqual(["one"])
    expect(await isHeld(running)).toBe(false)
    // A job that the server holds is told whole.
    await ask(running, "one")
    expect(await ask(running, "one?brief=true")).toMatchObject({ state: "converged", result: { output: 61 } })
  })
})

describe("a past context that is larger than all may be", () => {
  it("is made once for all pages, and makes room for another one", async () => {
    const { readings, store } = await storeOf("one")
    const running = await open(store, [count])
    const page = await ask(running, "one/facts?at=50&limit=20")
    expect(await ask(running, `one/facts?at=50&limit=50&cursor=${String(page["cursor"])}`)).toMatchObject({
      facts: { length: 32 },
      cursor: null
    })
    expect(await ask(running, "one/kinds?at=50")).toEqual({ cycle: 50, kinds: { Note: 1, Step: 51 } })
    await ask(running, "one/lineage?kind=Step&fact=0&at=50")
    expect(readings).toHaveLength(1)
    await ask(running, "one/facts?at=49")
    await ask(running, "one/facts?at=50")
    expect(readings).toHaveLength(3)
  })
})

describe("the diagnosis of an ended job after a restart", () => {
  it("is that of before, and reads no journal a second time", async () => {
    const { diagnoses, readings, store } = await storeOf("one")
    const running = await open(store, [count])
    await ask(running, "one")
    expect(readings).toHaveLength(1)
    expect(await ask(running, "one/diagnosis")).toEqual(diagnoses[0])
    expect(readings).toHaveLength(1)
  })

  it("of a program that the server does not have is read once, also for many who ask at once; a few are kept", async () => {
    const { diagnoses, readings, store } = await storeOf("one", "two", "three")
    const running = await open(store, [waiting])
    const answers = await Promise.all([1, 2, 3].map(() => ask(running, "one/diagnosis")))
    expect(answers).toEqual([diagnoses[0], diagnoses[0], diagnoses[0]])
    await ask(running, "one/diagnosis")
    expect(readings).toEqual(["one"])
    await ask(running, "two/diagnosis")
    await ask(running, "one/diagnosis")
    await ask(running, "three/diagnosis")
    await ask(running, "one/diagnosis")
    expect(readings).toEqual(["one", "two", "three"])
    await ask(running, "two/diagnosis")
    expect(readings).toEqual(["one", "two", "three", "two"])
  })
})
