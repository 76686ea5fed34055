/** A program whose CPU tasks wait for a thread while an agent on a fiber uses up the budget. Workers load it. */
import { appendFileSync, existsSync, readFileSync } from "node:fs"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Budget, Fact, Program } from "../../../src/index.ts"
import { lookUntil } from "../until.ts"

export const Item = Fact.kind("Item", { schema: Schema.Struct({ n: Schema.Int }), id: ({ n }) => String(n) })
export const Worked = Fact.kind("Worked", { schema: Schema.Struct({ n: Schema.Int }), id: ({ n }) => String(n) })
export const Asked = Fact.kind("Asked", { schema: Schema.Struct({}), id: () => "" })

const Input = Schema.Struct({ file: Schema.String, count: Schema.Int })

/** Tasks that have begun, by the marks that they leave. */
export const begunIn = (file: string): number => (existsSync(file) ? readFileSync(file, "utf8").length : 0)

const workMs = 15

const work = (placement: "auto" | "inline" | "worker") =>
  Agent.cpu("work", {
    placement,
    each: Item,
    writes: [Worked],
    execute: ({ value: { n } }, view) => {
      appendFileSync((view.input as typeof Input.Type).file, "x")
      const end = performance.now() + workMs
      while (performance.now() < end);
      return { facts: [Worked.of({ n })] }
    }
  })

/** Pays when the first CPU task has begun, more than there is. */
const ask = Agent.make("ask", {
  writes: [Asked],
  execute: (view) =>
    Effect.gen(function* () {
      const { file } = view.input as typeof Input.Type
      yield* lookUntil(
        Effect.sync(() => begunIn(file)),
        (begun) => begun > 0
      )
      yield* Budget.spend({ cost: 7 })
      return { facts: [Asked.of({})] }
    })
})

const waiting = (placement: "auto" | "inline" | "worker") =>
  Program.make(placement, {
    module: import.meta.url,
    input: Input,
    seed: ({ count }) => Array.from({ length: count }, (_, n) => Item.of({ n })),
    // The tasks that wait come before the paid one in merge order.
    agents: [work(placement), ask],
    budget: { maxCost: 5 }
  })

export const auto = waiting("auto")
export const inline = waiting("inline")
export const worker = waiting("worker")
