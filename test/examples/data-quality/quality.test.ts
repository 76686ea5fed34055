/**
 * The example of docs/examples/data-quality: its agents alone, by hand on a few lines, beside a plain script on 5,000, and the
 * promises of the whole program.
 */
import { describe, expect, it } from "@effect/vitest"
import { Agent, Engine, Program, Provenance } from "effect-converge"
import { Testing } from "effect-converge/testing"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as PlatformError from "effect/PlatformError"
import { csv } from "../../../docs/examples/data-quality/generate.ts"
import { plainReport } from "../../../docs/examples/data-quality/plain.ts"
import {
  Batch,
  Checked,
  duplicates,
  Flaw,
  Order,
  parse,
  quality,
  read
} from "../../../docs/examples/data-quality/program.ts"
import { check } from "../../../docs/examples/data-quality/rules.ts"
import { node } from "../../support/node.ts"

/** A file system with one file, of this text. */
const fileOf = (text: string) =>
  FileSystem.layerNoop({
    readFileString: (path) =>
      path === "orders.csv"
        ? Effect.succeed(text)
        : Effect.fail(
            PlatformError.systemError({
              _tag: "NotFound",
              module: "FileSystem",
              method: "readFileString",
              pathOrDescriptor: path
            })
          )
  })

const path = "orders.csv"

const few = `order,customer,quantity,price,day
A1,ada,2,10.00,2026-01-31
A2,byron,1,5.50,2026-02-01
A1,ada,2,10.00,2026-01-31
A3,,1,1.00,2026-02-01
A2,byron,1,5.55,2026-02-01
A2,byron,1,5.50,2026-02-01
A4,ada,1,0.01,2026-02-30
`

const onFew = Effect.provide([Testing.layer(), fileOf(few)])

describe("an agent of the report", () => {
  it.effect("reads the lines of a file in batches, without its header", () =>
    Effect.gen(function* () {
      const { facts } = yield* Testing.execute(read, { input: { path, batch: 3 } })
      expect(facts.map(({ id, value }) => [id, value.lines.length])).toEqual([
        ["2", 3],
        ["5", 3],
        ["8", 1]
      ])
      const error = yield* Effect.flip(Testing.execute(read, { input: { path: "no-such-file.csv", batch: 3 } }))
      expect(error).toMatchObject({ _tag: "PlatformError" })
    }).pipe(Effect.provide(fileOf(few)))
  )

  it.effect("tells orders from flaws, and counts both", () =>
    Effect.gen(function* () {
      const lines = ["A1,ada,2,10.00,2026-01-31", "A3,,1,1.00,2026-02-01"]
      const { facts } = yield* Testing.execute(parse, { each: Batch.of({ first: 2, lines }) })
      expect(facts.map(({ id, kind }) => `${kind} ${id}`)).toEqual(["Order 2", "Flaw 3", "Checked 2"])
      expect(facts[1]?.value).toMatchObject({ rule: "names its customer" })
      expect(facts[2]?.value).toEqual({ first: 2, lines: 2, orders: 1, flaws: 1 })
    })
  )

  it.effect("finds each later line of an order once, and names the first", () =>
    Effect.gen(function* () {
      const order = (line: number, price: number) =>
        Order.of({ line, order: "A1", customer: "ada", quantity: 2, price, day: "2026-01-31" })
      const { facts } = yield* Testing.execute(duplicates, { facts: [order(9, 500), order(2, 500), order(4, 550)] })
      expect(facts.map(({ value }) => [value.line, value.of, value.isDifferent])).toEqual([
        [9, 2, false],
        [4, 2, true]
      ])
    })
  )
})

describe("the quality of a file", () => {
  it("has no likely mistake that the runtime knows of", () => {
    expect(Program.warnings(quality)).toEqual([])
  })

  it.effect("is reported: flaws by rule, duplicates, sums, least and most", () =>
    Effect.gen(function* () {
      const { diagnostics, output } = yield* Engine.run(quality, { path, batch: 2 })
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
    }).pipe(onFew)
  )

  it.live("is that of the plain script, with 0 workers and with 2, and with one hash", () =>
    Effect.gen(function* () {
      const text = csv(5_000, 7)
      const run = Effect.provide(Engine.run(quality, { path, batch: 300 }), fileOf(text))
      const inline = yield* Effect.provide(run, Testing.layer())
      const threaded = yield* Effect.provide(run, Testing.layer({ workers: 2, clock: "caller" }))
      expect(inline.output).toEqual(plainReport(text))
      expect(inline.output?.duplicates.lines).toBeGreaterThan(20)
      expect(Object.keys(inline.output?.flaws ?? {})).toHaveLength(5)
      expect(threaded.hash).toBe(inline.hash)
    })
  )

  it.effect("is the same in every run, and whenever its process dies", () =>
    Effect.gen(function* () {
      const input = { path, batch: 2 }
      const { hash } = yield* Testing.deterministic(quality, input)
      const survived = yield* Testing.durable(quality, input)
      expect(survived).toMatchObject({ status: "converged", hash })
      expect(survived.kills).toBe(survived.writes)
    }).pipe(Effect.provide(fileOf(few)))
  )

  it.effect("names both lines of a duplicate, and the first of three", () =>
    Effect.gen(function* () {
      const { context } = yield* Engine.run(quality, { path, batch: 10 })
      const tree = Provenance.explain(context, { kind: "Duplicate", id: "7" })
      expect(tree?.fact.value).toEqual({ line: 7, of: 3, isDifferent: false, value: 550 })
      expect(tree?.causes.map(({ fact }) => `${fact.kind} ${fact.id}`)).toEqual(["Order 3", "Order 7"])
    }).pipe(onFew)
  )

  it.effect("does not converge if a line is counted that no batch had", () =>
    Effect.gen(function* () {
      yield* Engine.run(quality, { path, batch: 2 }, { id: "before" })
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
    }).pipe(onFew)
  )

  it.effect("is a typed error if there is no file", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Engine.run(quality, { path: "no-such-file.csv", batch: 10 }))
      expect(error).toMatchObject({ _tag: "AgentFailed", agent: "read", error: { _tag: "PlatformError" } })
    }).pipe(onFew)
  )
})

describe("a stored report", () => {
  /** A later version, which takes an order without a customer as one of the customer "unknown". */
  const lenient = Testing.withAgents(quality, [
    Agent.cpu("parse", {
      each: Batch,
      writes: [Order, Flaw, Checked],
      execute: ({ value: { first, lines } }) => {
        const checked = lines.map((text, at) => ({ text, at, ...check(text.replace(",,", ",unknown,"), first + at) }))
        const orders = checked.flatMap((each) => ("order" in each ? [Order.of(each.order)] : []))
        const flaws = checked.flatMap((each) =>
          "rule" in each ? [Flaw.of({ line: first + each.at, text: each.text, rule: each.rule })] : []
        )
        const counts = { first, lines: lines.length, orders: orders.length, flaws: flaws.length }
        return { facts: [...orders, ...flaws, Checked.of(counts)] }
      }
    })
  ])

  const recorded = Effect.provide(
    Effect.andThen(Engine.run(quality, { path, batch: 10 }, { id: "monday" }), Testing.recording("monday")),
    [Testing.layer(), fileOf(few)]
  )

  it.effect("is made again without the file", () =>
    Effect.gen(function* () {
      const recording = yield* recorded
      const { program } = Testing.recorded(quality, recording)
      const { hash } = yield* Effect.provide(Engine.run(program, { path, batch: 10 }), Testing.layer())
      expect(hash).toBe(recording.hash)
    })
  )

  it.effect("says in a rehearsal what another rule makes of it, by fact and cycle", () =>
    Effect.gen(function* () {
      const recording = yield* recorded
      expect((yield* Testing.rehearse(quality, [recording])).jobs[0]).toMatchObject({
        isSame: true,
        isOtherwise: false
      })
      const { jobs } = yield* Testing.rehearse(lenient, [recording])
      expect(jobs[0]).toMatchObject({ before: "converged", after: "converged", unanswered: [] })
      expect(jobs[0]?.facts.map(({ cycle, fact, what }) => `${cycle} ${what} ${fact.kind}/${fact.id}`)).toEqual([
        "2 added Order/5",
        "2 changed Checked/2",
        "2 missing Flaw/5",
        "3 changed Figure/value/all",
        "3 added Figure/customerValue/unknown",
        "3 added Figure/customerOrders/unknown",
        "3 changed Figure/leastPrice/all",
        "3 missing Figure/flaws/names its customer"
      ])
      const least = jobs[0]?.facts.find(({ fact }) => fact.id === "leastPrice/all")
      expect(least).toMatchObject({ before: { value: 550 }, after: { value: 100 } })
    })
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
