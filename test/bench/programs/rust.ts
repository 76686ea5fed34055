/**
 * The jobs of the Rust engine's own benchmarks, and its figures: medians in milliseconds, measured from its unchanged
 * source on a machine like the one that the suite was written on, with one runtime for all iterations. They are absolute
 * times of another run: compare with a wide margin.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Kind } from "../../../src/program/Fact.ts"
import type { View } from "../../../src/program/View.ts"
import { Agent, Fact, Program } from "../converge.ts"

export const Item = Fact.kind("Item", {
  schema: Schema.Struct({ id: Schema.String, text: Schema.String }),
  id: ({ id }) => id
})

type ItemView = View<typeof Item>
type Output = { readonly facts: ReadonlyArray<ReturnType<typeof Item.of>> }

/** The body of each agent, for callers without Effect. Names are unique over all jobs. */
export const plain = new Map<string, (view: View<Kind.Any>) => unknown>()

const adder = (
  name: string,
  execute: (view: ItemView) => Output,
  more: { readonly reads?: ReadonlyArray<typeof Item>; readonly accepts?: (view: ItemView) => boolean } = {}
) => {
  plain.set(name, execute)
  return Agent.make(name, { ...more, writes: [Item], execute: (view: ItemView) => Effect.sync(() => execute(view)) })
}

const adding = (id: string): Output => ({ facts: [Item.of({ id, text: "what an agent says" })] })

const jobOf = (name: string, agents: ReadonlyArray<ReturnType<typeof adder>>) =>
  Program.make(name, {
    input: Schema.Struct({ seeds: Schema.Int }),
    kinds: [Item],
    seed: ({ seeds }) =>
      Array.from({ length: seeds }, (_, n) => Item.of({ id: `seed-${n}`, text: `the seed number ${n}` })),
    agents
  })

/** Agents that each add one fact once. */
const once = (job: string, count: number) =>
  jobOf(
    job,
    Array.from({ length: count }, (_, index) => adder(`${job}-${index}`, () => adding(`${job}-${index}`)))
  )

const chainLength = 100

const chain = jobOf(
  "chain",
  Array.from({ length: chainLength }, (_, index) =>
    index === 0
      ? adder("chain-0", () => adding("chain-0"))
      : adder(`chain-${index}`, () => adding(`chain-${index}`), {
          reads: [Item],
          accepts: (view) =>
            Option.isSome(view.get(Item, `chain-${index - 1}`)) && Option.isNone(view.get(Item, `chain-${index}`))
        })
  )
)

const endless = jobOf("endless-news", [
  adder("always-new", (view) => adding(`news-${view.cycle}`), { accepts: () => true })
])

/** A job of facts alone. Other jobs continue from its result. */
export const base = jobOf("base", [])

export type RustJob = typeof base

export interface RustCase {
  readonly name: string
  readonly title: string
  readonly rustMs: number
  readonly aimMs?: number
  /** The time that the pure core may take at most, as a multiple of Rust's. */
  readonly coreBar: number
  readonly job: RustJob
  readonly seeds?: number
  /** Facts of the earlier result from which the job continues. */
  readonly earlier?: number
  readonly maxCycles?: number
  /** Engines that run the job at the same time. */
  readonly engines?: number
  /** Repetitions in one round. */
  readonly iterations: number
  readonly expected: { readonly status: string; readonly cycles: number; readonly facts: number }
}

const converged = (cycles: number, facts: number) => ({ status: "converged", cycles, facts })
const single = once("single", 1)

export const cases: ReadonlyArray<RustCase> = [
  {
    name: "single",
    title: "one agent adds one fact",
    rustMs: 0.0049,
    aimMs: 0.08,
    coreBar: 3,
    job: single,
    iterations: 200,
    expected: converged(2, 1)
  },
  {
    name: "agents-1",
    title: "the same and 1 more agent",
    rustMs: 0.0095,
    coreBar: 3,
    job: once("agents-1", 2),
    iterations: 200,
    expected: converged(2, 2)
  },
  {
    name: "agents-5",
    title: "the same and 5 more agents",
    rustMs: 0.029,
    coreBar: 3,
    job: once("agents-5", 6),
    iterations: 100,
    expected: converged(2, 6)
  },
  {
    name: "agents-20",
    title: "the same and 20 more agents",
    rustMs: 0.1,
    aimMs: 0.12,
    coreBar: 3,
    job: once("agents-20", 21),
    iterations: 50,
    expected: converged(2, 21)
  },
  {
    name: "exhausted",
    title: "a proposal that is always new, 99 cycles",
    rustMs: 0.361,
    aimMs: 2.5,
    coreBar: 3,
    job: endless,
    maxCycles: 99,
    iterations: 10,
    expected: { status: "budget-exhausted", cycles: 99, facts: 99 }
  },
  {
    name: "seeds-1000",
    title: "1,000 seeds, then one agent adds one fact",
    rustMs: 6.1,
    aimMs: 2.5,
    coreBar: 1,
    job: single,
    seeds: 1_000,
    iterations: 5,
    expected: converged(2, 1_001)
  },
  {
    name: "context-10000",
    title: "from a context of 10,000 facts, one agent adds one",
    rustMs: 43,
    aimMs: 0.2,
    coreBar: 1,
    job: single,
    earlier: 10_000,
    iterations: 100,
    expected: converged(2, 1)
  },
  {
    name: "context-100000",
    title: "from a context of 100,000 facts, one agent adds one",
    rustMs: 583,
    aimMs: 0.2,
    coreBar: 1,
    job: single,
    earlier: 100_000,
    iterations: 100,
    expected: converged(2, 1)
  },
  {
    name: "chain",
    title: "a chain of 100 agents, 101 cycles",
    rustMs: 0.57,
    aimMs: 2.5,
    coreBar: 3,
    job: chain,
    iterations: 5,
    expected: converged(chainLength + 1, chainLength)
  },
  {
    name: "engines-50",
    title: "50 engines at once, each as the first",
    rustMs: 0.28,
    aimMs: 4,
    coreBar: 3,
    job: single,
    engines: 50,
    iterations: 5,
    expected: converged(2, 1)
  }
]
