/** The example of docs/examples/data-quality: by hand on a few lines, and beside a plain script on 5,000. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { describe, expect, it } from "@effect/vitest"
import { Engine, JobStore, Program, Provenance, WorkerPool } from "effect-converge"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import { csv } from "../../../docs/examples/data-quality/generate.ts"
import { plainReport } from "../../../docs/examples/data-quality/plain.ts"
import { Order, quality } from "../../../docs/examples/data-quality/program.ts"
import { node } from "../../support/node.ts"

const engineOn = (size: number) =>
  Engine.layer().pipe(
    Layer.provide([WorkerPool.layer({ size }), JobStore.layerMemoryJournal]),
    Layer.provideMerge(NodeServices.layer)
  )

/** A file with this text, for as long as the test runs. */
const fileOf = (text: string) =>
  Effect.gen(function* () {
    const fileSystem = yield* FileSystem.FileSystem
    const path = yield* fileSystem.makeTempFileScoped({ suffix: ".csv" })
    yield* fileSystem.writeFileString(path, text)
    return path
  }).pipe(Effect.provide(NodeServices.layer))

const reported = (text: string, batch: number, options?: Engine.StartOptions) =>
  Effect.flatMap(fileOf(text), (path) => Engine.run(quality, { path, batch }, options))

const few = `order,customer,quantity,price,day
A1,ada,2,10.00,2026-01-31
A2,byron,1,5.50,2026-02-01
A1,ada,2,10.00,2026-01-31
A3,,1,1.00,2026-02-01
A2,byron,1,5.55,2026-02-01
A2,byron,1,5.50,2026-02-01
A4,ada,1,0.01,2026-02-30
`

describe("the quality of a file", () => {
  it("has no likely mistake that the runtime knows of", () => {
    expect(Program.warnings(quality)).toEqual([])
  })

  it.live("is reported: flaws by rule, duplicates, sums, least and most", () =>
    Effect.gen(function* () {
      const { diagnostics, output } = yield* reported(few, 2)
      expect(output).toEqual({
        lines: 7,
        orders: 5,
        flaws: { "names its customer": 1, "has a day": 1 },
        duplicates: { lines: 3, differing: 1, value: 2000 + 555 + 550 },
        value: 2000 + 550 + 2000 + 555 + 550,
        quantity: { least: 1, most: 2 },
        price: { least: 550, most: 1000 },
        customers: 2,
        best: [
          { customer: "ada", orders: 2, value: 4000 },
          { customer: "byron", orders: 3, value: 1655 }
        ]
      })
      expect(diagnostics).toEqual([])
    }).pipe(Effect.provide(engineOn(0)))
  )

  it.live("is that of the plain script, with 0 workers and with 2, and with one hash", () =>
    Effect.gen(function* () {
      const text = csv(5_000, 7)
      const input = { path: yield* fileOf(text), batch: 300 }
      const inline = yield* Effect.provide(Engine.run(quality, input), engineOn(0))
      const threaded = yield* Effect.provide(Engine.run(quality, input), engineOn(2))
      expect(inline.output).toEqual(plainReport(text))
      expect(inline.output?.duplicates.lines).toBeGreaterThan(20)
      expect(Object.keys(inline.output?.flaws ?? {})).toHaveLength(5)
      expect(threaded.hash).toBe(inline.hash)
    })
  )

  it.live("names both lines of a duplicate, and the first of three", () =>
    Effect.gen(function* () {
      const { context } = yield* reported(few, 10)
      const tree = Provenance.explain(context, { kind: "Duplicate", id: "7" })
      expect(tree?.fact.value).toEqual({ line: 7, of: 3, isDifferent: false, value: 550 })
      expect(tree?.causes.map(({ fact }) => `${fact.kind} ${fact.id}`)).toEqual(["Order 3", "Order 7"])
    }).pipe(Effect.provide(engineOn(0)))
  )

  it.live("does not converge if a line is counted that no batch had", () =>
    Effect.gen(function* () {
      yield* reported(few, 2, { id: "before" })
      const stray = Order.of({ line: 99, order: "A9", customer: "eve", quantity: 1, price: 1, day: "2026-01-01" })
      const job = yield* Engine.fork(quality, "before", { facts: [stray] })
      const error = yield* Effect.flip(job.result)
      expect(error).toMatchObject({
        _tag: "InvariantViolated",
        name: "every line is an order or a flaw",
        reason: "7 lines, but 8 orders and flaws"
      })
      // The totals have followed: the new order is in them, at the cost of one order.
      expect(Program.output(quality, error.partial.context)).toMatchObject({ orders: 6, value: 5656, customers: 3 })
    }).pipe(Effect.provide(engineOn(0)))
  )

  it.live("is a typed error if there is no file", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Engine.run(quality, { path: "no-such-file.csv", batch: 10 }))
      expect(error).toMatchObject({ _tag: "AgentFailed", agent: "read", error: { _tag: "PlatformError" } })
    }).pipe(Effect.provide(engineOn(0)))
  )
})

describe("the example", () => {
  it("prints one report, by a job and by the plain script", { timeout: 60_000 }, async () => {
    const run = async (...flags: ReadonlyArray<string>) => {
      const { code, stdout } = await node(["docs/examples/data-quality/main.ts", "--rows", "2000", ...flags])
      expect(code).toBe(0)
      return stdout.slice(0, stdout.lastIndexOf("}") + 1)
    }
    const report = await run("--workers", "1")
    expect(report).toContain('"lines": 2000,')
    expect(await run("--plain")).toBe(report)
  })
})
