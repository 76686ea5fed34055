/** Where a job stands is called the same everywhere, and can be asked for when its program is not what it was. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { Fact, JobStore, Program } from "../../src/index.ts"
import * as Shapes from "../../src/server/shapes.ts"
import { journalStore } from "../support/behaviour/durable.ts"
import { projectRoot } from "../support/node.ts"
import { jsonOf, type Running, serve, until, stateOf } from "../support/server/harness.ts"
import { asks } from "../support/server/programs.ts"

const using = async (
  programs: ReadonlyArray<Program.Program.Any>,
  store: JobStore.JobStore["Service"] | undefined,
  use: (running: Running) => Promise<void>
): Promise<void> => {
  const running = await serve(
    { programs },
    { store: store === undefined ? undefined : Layer.succeed(JobStore.JobStore, store) }
  )
  try {
    await use(running)
  } finally {
    await running.stop()
  }
}

describe("a job that awaits answers", () => {
  it.each(["nothing durable", "a durable store"])(
    "is found by that, and counted, until it has ended, on %s",
    async (on) => {
      const store = on === "a durable store" ? await Effect.runPromise(journalStore) : undefined
      await using([asks], store, async (running) => {
        const gauge = async () =>
          /converge_jobs\{state="awaiting"\} (\d+)/.exec(await (await running.fetch("/metrics")).text())?.[1]
        const listed = async () => (await jsonOf(await running.fetch("/api/v1/jobs?status=awaiting")))["jobs"]
        await running.post("/api/v1/jobs", { program: "asks", id: "it" }, { prefer: "respond-async" })
        await until(async () => (await stateOf(running, "it")) === "awaiting")
        expect(await listed()).toMatchObject([{ jobId: "it", state: "awaiting" }])
        expect(await gauge()).toBe("1")
        await running.post("/api/v1/jobs/it/cancel")
        expect(await listed()).toEqual([])
        expect(await gauge()).toBe("0")
      })
    }
  )
})

describe("the states", () => {
  it("are those of the documentation", () => {
    const page = readFileSync(join(projectRoot, "docs/http.md"), "utf8")
    const sentence = /States are ([^;]+);/s.exec(page)?.[1] ?? ""
    const ends: ReadonlyArray<string> = Shapes.Status.literals
    const named = [...sentence.matchAll(/`([\w-]+)`/g)].map(([, name = ""]) => name)
    expect(named).toEqual(Shapes.State.literals.filter((state) => !ends.includes(state)))
  })
})

describe("a job that has ended, of a program that has changed since", () => {
  const input = Schema.Struct({})
  const Old = Fact.kind("Doc", { schema: Schema.Struct({ n: Schema.Int }), id: () => "one" })
  const New = Fact.kind("Doc", { schema: Schema.Struct({ text: Schema.String }), id: () => "one" })
  const before = Program.make("upgraded", { input, kinds: [Old], seed: () => [Old.of({ n: 1 })], agents: [] })
  const after = Program.make("upgraded", { input, kinds: [New], agents: [] })

  it("still says how it ended; what needs its facts says why that cannot be", async () => {
    const store = await Effect.runPromise(journalStore)
    await using([before], store, async (running) => {
      expect((await running.post("/api/v1/jobs", { program: "upgraded", id: "it" })).status).toBe(200)
    })
    for (const programs of [[after], []]) {
      await using(programs, store, async (running) => {
        const status = await running.fetch("/api/v1/jobs/it")
        expect(status.status).toBe(200)
        expect(await jsonOf(status)).toMatchObject({
          jobId: "it",
          state: "converged",
          result: { cycles: 1, facts: { Doc: 1 } }
        })
      })
    }
    await using([after], store, async (running) => {
      const facts = await running.fetch("/api/v1/jobs/it/facts")
      expect([facts.status, (await jsonOf(facts))["type"]]).toEqual([409, "urn:effect-converge:ProgramChanged"])
    })
  })
})
